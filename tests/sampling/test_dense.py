"""Outputs, Jacobians, kernels and μ against matrix exponentials and their derivatives, written out here alone.

Circuits are random: gates with one angle, controlled ones among them, fixed unitaries, wires in any order, parameters
shared between gates, linear and nonlinear expressions whose first and second derivatives are given by hand.
"""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector, random_hermitian, random_unitary
from scipy.linalg import expm

from qntk.sampling import Beta, CircuitEnsemble, CircuitModel, Normal, Uniform, sample
from qntk.sampling.operators import hermitian

X, Y, Z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1.0, -1.0])
ONE = np.diag([0.0, 1.0])
# Hermitian generators H of exp(-i angle H), first wire rightmost in the product.
GENERATORS = {
    "rx": X / 2, "ry": Y / 2, "rz": Z / 2, "p": -ONE,
    "rxx": np.kron(X, X) / 2, "ryy": np.kron(Y, Y) / 2, "rzz": np.kron(Z, Z) / 2, "rzx": np.kron(X, Z) / 2,
    "crx": np.kron(X, ONE) / 2, "cry": np.kron(Y, ONE) / 2, "crz": np.kron(Z, ONE) / 2, "cp": -np.kron(ONE, ONE),
}  # fmt: skip
# Qiskit expression, value, gradient, Hessian in (a, b).
EXPRESSIONS = [
    (lambda a, b: a, lambda a, b: a, lambda a, b: (1, 0), lambda a, b: (0, 0, 0)),
    (lambda a, b: 2 * a + 0.3, lambda a, b: 2 * a + 0.3, lambda a, b: (2, 0), lambda a, b: (0, 0, 0)),
    (lambda a, b: (a - b) / 2, lambda a, b: (a - b) / 2, lambda a, b: (0.5, -0.5), lambda a, b: (0, 0, 0)),
    (lambda a, b: a * b, lambda a, b: a * b, lambda a, b: (b, a), lambda a, b: (0, 1, 0)),
    (lambda a, b: a**2, lambda a, b: a**2, lambda a, b: (2 * a, 0), lambda a, b: (2, 0, 0)),
    (
        lambda a, b: a.sin() * b,
        lambda a, b: np.sin(a) * b,
        lambda a, b: (np.cos(a) * b, np.sin(a)),
        lambda a, b: (-np.sin(a) * b, np.cos(a), 0),
    ),
    (
        lambda a, b: (-a * a).exp() - (b - 0.25) / 3,
        lambda a, b: np.exp(-a * a) - (b - 0.25) / 3,
        lambda a, b: (-2 * a * np.exp(-a * a), -1 / 3),
        lambda a, b: ((4 * a * a - 2) * np.exp(-a * a), 0, 0),
    ),
    (
        lambda a, b: a.arctan(),
        lambda a, b: np.arctan(a),
        lambda a, b: (1 / (1 + a * a), 0),
        lambda a, b: (-2 * a / (1 + a * a) ** 2, 0, 0),
    ),
]


def embed(matrix, wires, qubits):
    """A matrix on some wires, first wire least significant, as a matrix on all."""
    size, count = 2**qubits, len(wires)
    full = np.zeros((size, size), dtype=complex)
    for column in range(size):
        inner = sum(((column >> w) & 1) << k for k, w in enumerate(wires))
        rest = column & ~sum(1 << w for w in wires)
        for row in range(2**count):
            full[rest | sum(((row >> k) & 1) << w for k, w in enumerate(wires)), column] += matrix[row, inner]
    return full


class Dense:
    """The circuit as a list of matrices; derivatives by inserting -iH after a gate."""

    def __init__(self, qubits, gates, observable):
        self.qubits, self.gates, self.observable = qubits, gates, observable

    def states(self, theta):
        """ψ, its derivative by each angle, and by each pair of angles."""
        matrices, slots = [], []
        for kind, wires, expression, one, two in self.gates:
            if kind in GENERATORS:
                H = embed(GENERATORS[kind], wires, self.qubits)
                angle = EXPRESSIONS[expression][1](theta[one], theta[two])
                slots.append((len(matrices), -1j * H))
                matrices.append(expm(-1j * angle * H))
            else:
                matrices.append(embed(kind, wires, self.qubits))

        def run(inserted):
            state = np.eye(2**self.qubits)[0]
            for index, matrix in enumerate(matrices):
                state = matrix @ state
                for place, factor in inserted:
                    if place == index:
                        state = factor @ state
            return state

        first = [run([a]) for a in slots]
        second = [[run([a, b]) for b in slots] for a in slots]
        return run([]), first, second

    def evaluate(self, theta):
        """f, gradient and Hessian by the parameters."""
        psi, first, second = self.states(theta)
        O = self.observable
        by_angle = np.array([2 * np.vdot(psi, O @ d).real for d in first])
        mixed = np.array(
            [
                [2 * (np.vdot(da, O @ db) + np.vdot(psi, O @ dab)).real for db, dab in zip(first, row, strict=True)]
                for da, row in zip(first, second, strict=True)
            ]
        )
        jacobian = np.zeros((len(first), len(theta)))
        hessian = np.zeros((len(theta), len(theta)))
        for index, (_, _, expression, one, two) in enumerate(g for g in self.gates if g[0] in GENERATORS):
            _, _, slope, curve = EXPRESSIONS[expression]
            da, db = slope(theta[one], theta[two])
            daa, dab, dbb = curve(theta[one], theta[two])
            np.add.at(jacobian[index], [one, two], [da, db])
            np.add.at(
                hessian, ([one, one, two, two], [one, two, one, two]), by_angle[index] * np.array([daa, dab, dab, dbb])
            )
        return np.vdot(psi, O @ psi).real, by_angle @ jacobian, hessian + jacobian.T @ mixed @ jacobian


class Kind(np.ndarray):
    """A fixed matrix as a gate kind; never equal to a name."""

    __hash__ = object.__hash__


@st.composite
def circuits(draw):
    qubits, count = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    vector = ParameterVector("t", count)
    circuit, gates = QuantumCircuit(qubits, global_phase=0.4), []
    order = draw(st.permutations(range(count)))
    for index in range(draw(st.integers(count, 7))):
        names = [n for n, H in GENERATORS.items() if len(H) <= 2**qubits]
        if index >= count and draw(st.integers(0, 3)) == 0:
            width = draw(st.integers(1, qubits))
            matrix = random_unitary(2**width, seed=draw(st.integers(0, 99))).data
            wires = draw(st.permutations(range(qubits)))[:width]
            circuit.append(UnitaryGate(matrix), wires)
            gates.append((matrix.view(Kind), wires, 0, 0, 0))
            circuit.barrier()
            continue
        name = draw(st.sampled_from(names))
        wires = draw(st.permutations(range(qubits)))[: 1 if len(GENERATORS[name]) == 2 else 2]
        expression = draw(st.integers(0, len(EXPRESSIONS) - 1))
        one = order[index] if index < count else draw(st.integers(0, count - 1))
        two = draw(st.integers(0, count - 1))
        getattr(circuit, name)(EXPRESSIONS[expression][0](vector[one], vector[two]), *wires)
        gates.append((name, wires, expression, one, two))
    kind = draw(st.sampled_from(["pauli", "dense", "state"]))
    if kind == "pauli":
        label = draw(st.text("XYZ", min_size=qubits, max_size=qubits))
        observable = SparsePauliOp([label, "Z" * qubits], [1.0, -0.4])
        matrix = observable.to_matrix()
    elif kind == "dense":
        observable = random_hermitian(2**qubits, seed=draw(st.integers(0, 99)))
        matrix = observable.data
    else:
        observable = Statevector(random_unitary(2**qubits, seed=draw(st.integers(0, 99))).data[:, 0])
        matrix = np.outer(observable.data, observable.data.conj())
    return circuit, observable, Dense(qubits, gates, matrix), [p in circuit.parameters for p in vector]


ANGLES = st.sampled_from(["small", "right angles", "large"])


@settings(max_examples=150)
@given(circuits(), ANGLES, st.integers(0, 10**6))
def test_against_matrix_exponentials_and_an_explicit_hessian(case, size, seed):
    circuit, observable, dense, used = case
    rng = np.random.default_rng(seed)
    theta = {
        "small": lambda: rng.uniform(-3, 3, len(used)),
        "right angles": lambda: np.pi / 2 * rng.integers(-4, 5, len(used)),
        "large": lambda: rng.uniform(-1e4, 1e4, len(used)),
    }[size]()
    expected, gradient, hessian = dense.evaluate(theta)
    gradient, hessian = gradient[used], hessian[np.ix_(used, used)]
    # An angle a carries an error of about |a| eps; a slope multiplies it.
    reach = max(
        [1.0] + [abs(EXPRESSIONS[e][1](theta[a], theta[b])) for kind, _, e, a, b in dense.gates if kind in GENERATORS]
    )
    steep = max(
        [1.0]
        + [np.abs(EXPRESSIONS[e][2](theta[a], theta[b])).max() for k, _, e, a, b in dense.gates if k in GENERATORS]
    )
    unit = max(1e-10, 1e-14 * reach)
    model = CircuitModel(circuit, observable)
    thetas = np.stack([theta[used]] * 9)
    values, jacobian = model.value_and_gradient(thetas)
    assert np.ptp(values) == 0
    assert values[0] == pytest.approx(expected, abs=unit)
    np.testing.assert_allclose(jacobian[0], gradient, atol=unit * steep * 10)
    assert model.kernel(thetas)[4] == pytest.approx(gradient @ gradient, rel=1e-9, abs=unit * (10 * steep) ** 2)
    mu = gradient @ hessian @ gradient
    assert model.dqntk(thetas)[8] == pytest.approx(mu, rel=1e-9, abs=unit * (10 * steep) ** 4)


def encoded():
    """Two features re-uploaded around trainable gates, one of them through a square."""
    x, theta = ParameterVector("x", 2), ParameterVector("a", 12)
    circuit = QuantumCircuit(2)
    for layer in range(3):
        circuit.ry(x[0] * np.pi, 0)
        circuit.rz(x[1] * x[1], 1)
        for index in range(4):
            [circuit.rx, circuit.rz][index % 2](theta[4 * layer + index], index // 2)
        circuit.cx(0, 1)
    return circuit, x, theta


def test_inputs_give_the_kernel_matrix_of_the_bound_circuits():
    circuit, x, theta = encoded()
    observable = SparsePauliOp("XZ")
    model = CircuitModel(circuit, observable, inputs=x)
    rng = np.random.default_rng(1)
    thetas, points = rng.uniform(0, 6, (3, 12)), rng.uniform(-1, 1, (5, 2))
    outputs, jacobian = model.value_and_gradient(thetas, points)
    kernel, mu = model.kernel(thetas, points), model.dqntk(thetas, points)
    assert (outputs.shape, jacobian.shape, kernel.shape, mu.shape) == ((3, 5), (3, 5, 12), (3, 5, 5), (3, 5))
    np.testing.assert_allclose(model.outputs(thetas, points), outputs, atol=1e-14)
    for index, point in enumerate(points):
        bound = CircuitModel(circuit.assign_parameters(dict(zip(x, point, strict=True))), observable)
        f, gradient = bound.value_and_gradient(thetas)
        np.testing.assert_allclose(outputs[:, index], f, atol=1e-12)
        np.testing.assert_allclose(jacobian[:, index], gradient, atol=1e-12)
        np.testing.assert_allclose(kernel[:, index, index], bound.kernel(thetas), atol=1e-12)
        np.testing.assert_allclose(mu[:, index], bound.dqntk(thetas), atol=1e-12)
    np.testing.assert_allclose(kernel, np.einsum("dip,djp->dij", jacobian, jacobian), atol=1e-12)
    assert (np.linalg.eigvalsh(kernel) > -1e-12).all()
    # Trainable parameters keep the circuit's order: a before x, a[10] after a[2].
    assert [p.name for p in circuit.parameters][:12] == [p.name for p in theta]


def test_results_do_not_depend_on_threads_or_on_neighbours():
    circuit, x, _ = encoded()
    rng = np.random.default_rng(2)
    thetas, points = rng.uniform(0, 6, (400, 12)), rng.uniform(-1, 1, (7, 2))
    one, two, seven = (
        CircuitModel(circuit, SparsePauliOp("XZ"), x, w).value_and_gradient(thetas, points)[1] for w in (1, 2, 7)
    )
    assert np.array_equal(one, two)
    assert np.array_equal(one, seven)
    alone = CircuitModel(circuit, SparsePauliOp("XZ"), x).value_and_gradient(thetas[3:4], points[2:3])[1]
    assert np.array_equal(alone[0, 0], one[3, 2])


def test_a_pauli_evolution_is_its_synthesis():
    operator = SparsePauliOp(["XX", "ZZ", "YI"], [0.3, -0.2, 0.5])
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(operator, time=Parameter("t")), [1, 0])
    model = CircuitModel(circuit, SparsePauliOp("ZI"))
    factors = [
        expm(-0.8j * c * Pauli(p).to_matrix())
        for p, c in zip(operator.paulis.to_labels(), operator.coeffs.real, strict=True)
    ]
    swap = np.eye(4)[[0, 2, 1, 3]]
    state = swap @ functools.reduce(lambda state, factor: factor @ state, factors, np.eye(4)[0])
    assert model.outputs(np.array([[0.8]]))[0] == pytest.approx(
        np.vdot(state, np.kron(Z, np.eye(2)) @ state).real, abs=1e-12
    )


@pytest.mark.parametrize(
    ("distribution", "mean", "std"),
    [
        (Uniform(), np.pi, 2 * np.pi / 12**0.5),
        (Normal(0.5, 0.1), 0.5, 0.1),
        (Beta(2.0, 5.0), 2 * np.pi * 2 / 7, 2 * np.pi * (10 / 49 / 8) ** 0.5),
        (lambda rng, shape: rng.exponential(size=shape), 1.0, 1.0),
    ],
)
def test_distributions_have_their_moments_and_reach_the_draws(distribution, mean, std):
    """4.9 standard errors of a mean of 20 000: false-fail probability 1e-6; sees 3.5 % of a standard deviation."""
    angles = distribution(np.random.default_rng(1), (20_000, 1))
    assert abs(angles.mean() - mean) < 4.9 * std / 20_000**0.5
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    draws = sample(CircuitEnsemble(circuit, SparsePauliOp("Z"), distribution), 500, seed=3)
    np.testing.assert_allclose(draws.kernel, 1 - draws.output**2, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: CircuitModel(encoded()[0], SparsePauliOp("XZ"), [Parameter("y")]), "none called y"),
        (lambda: CircuitModel(encoded()[0], SparsePauliOp("XZ"), encoded()[0].parameters), "none called"),
        (lambda: CircuitModel((e := encoded())[0], SparsePauliOp("XZ"), [*e[1], e[1][0]]), "twice"),
        (lambda: CircuitModel((e := encoded())[0], SparsePauliOp("XZ"), e[0].parameters), "all parameters"),
        (
            lambda: CircuitModel((e := encoded())[0], SparsePauliOp("XZ"), e[1]).outputs(np.ones((1, 12))),
            "x is nothing",
        ),
        (
            lambda: CircuitModel((e := encoded())[0], SparsePauliOp("XZ"), e[1]).outputs(np.ones((1, 12)), np.ones(2)),
            r"\(2,\)",
        ),
        (lambda: CircuitModel(encoded()[0], SparsePauliOp("XZ")).outputs(np.ones(14)), r"give \(draws, 14\)"),
        (lambda: CircuitModel(encoded()[0], Statevector([1, 0])), "dimension 2"),
        (lambda: CircuitModel(encoded()[0], Statevector([1, 1, 0, 0])), "norm 1"),
        (
            lambda: sample(CircuitEnsemble(encoded()[0], SparsePauliOp("XZ"), lambda rng, s: np.ones(3)), 9, 1),
            "gave shape",
        ),
    ],
)
def test_bad_input_is_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_a_coefficient_may_be_off_the_real_axis_by_rounding_of_the_largest():
    """However small the others are; a part that is 1e-9 of the largest is no rounding."""
    assert hermitian(SparsePauliOp(["Z", "X"], [1 + 1e-13j, 1e-6])).coeffs.tolist() == [1, 1e-6]
    with pytest.raises(ValueError, match="must be real"):
        hermitian(SparsePauliOp(["Z", "X"], [1, 1e-9j]))
