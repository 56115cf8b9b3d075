"""Adjoint gradients against Aer's parameter shift, Qiskit's Statevector, and explicit derivatives of matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, Statevector, random_hermitian, random_unitary

from qntk.sampling import CATALOGUE, CircuitEnsemble, CircuitModel, ansatz
from qntk.sampling.circuits.aer import aer_gradients
from qntk.sampling.engine import adjoint as engine
from qntk.sampling.engine.adjoint import compile_observable
from qntk.sampling.engine.program import compile_circuit
from qntk.sampling.engine.taylor import second_derivative
from qntk.validation.kit import strategies

TOLERANCE = 1e-10


def adjoint(circuit, observable, thetas):
    return CircuitModel(circuit, observable).value_and_gradient(np.asarray(thetas))


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("qubits", [2, 3])
def test_catalogue_against_parameter_shift_on_aer(name, qubits):
    rng = np.random.default_rng(1)
    circuit = ansatz(name, qubits, 2, rng=rng)
    observable = SparsePauliOp(["Z" + "I" * (qubits - 1), "XY" + "Z" * (qubits - 2)], [0.7, -1.3])
    thetas = rng.uniform(-7, 7, (3, circuit.num_parameters))
    thetas[0] = np.pi / 2 * rng.integers(-4, 5, circuit.num_parameters)
    values, gradients = adjoint(circuit, observable, thetas)
    expected_values, expected = aer_gradients(circuit, observable).value_and_gradient(thetas)
    np.testing.assert_allclose(values, expected_values, atol=TOLERANCE)
    np.testing.assert_allclose(gradients, expected, atol=TOLERANCE)


def operators(qubits):
    """Observables by name, and dense ones."""
    named = strategies.observables(qubits).map(lambda observable: observable.operator())
    return named | st.integers(0, 99).map(lambda seed: random_hermitian(2**qubits, seed=seed))


def pairs(qubits):
    """Parameters that are shared, scaled and shifted, on wires in any order."""
    cases = strategies.circuits(qubits, parameters=12, gates=12, angles="linear")
    return st.tuples(cases.map(lambda case: case.circuit), operators(qubits))


PAIRS = st.integers(2, 4).flatmap(pairs)


def statevector_value(circuit, observable, theta):
    return Statevector(circuit.assign_parameters(theta)).expectation_value(observable).real


def five_point(function, theta, step=2e-3):
    """Fourth-order differences; f is a trigonometric polynomial, so the error stays near 1e-9 here."""
    shifts = np.eye(len(theta)) * step
    return np.array(
        [
            (8 * (function(theta + s) - function(theta - s)) - function(theta + 2 * s) + function(theta - 2 * s))
            / (12 * step)
            for s in shifts
        ]
    )


@settings(max_examples=60)
@given(PAIRS, st.integers(0, 10**6))
def test_random_circuits_against_statevector(pair, seed):
    circuit, observable = pair
    theta = np.random.default_rng(seed).uniform(-4, 4, circuit.num_parameters)
    values, gradients = adjoint(circuit, observable, theta[None])
    assert values[0] == pytest.approx(statevector_value(circuit, observable, theta), abs=TOLERANCE)
    expected = five_point(lambda t: statevector_value(circuit, observable, t), theta)
    np.testing.assert_allclose(gradients[0], expected, atol=2e-8)


def test_a_wrong_convention_would_be_seen():
    """Negative control: Qiskit's RY is exp(-iθY/2); taking it for exp(-iθY) doubles the gradient."""
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    _, gradient = adjoint(circuit, SparsePauliOp("Z"), [[0.4]])
    assert gradient[0, 0] == pytest.approx(-np.sin(0.4), abs=1e-15)
    circuit = QuantumCircuit(1)
    circuit.append(PauliEvolutionGate(Pauli("Y"), time=Parameter("a")), [0])
    _, gradient = adjoint(circuit, SparsePauliOp("Z"), [[0.4]])
    assert gradient[0, 0] == pytest.approx(-2 * np.sin(0.8), abs=1e-15)


def test_parameters_come_in_the_order_of_the_circuit():
    """a[10] after a[2], as in ``circuit.parameters``, whatever the order of use."""
    vector = ParameterVector("a", 12)
    circuit = QuantumCircuit(1)
    for index in reversed(range(12)):
        circuit.rx(vector[index], 0)
        circuit.rz(0.1 * index, 0)
    theta = np.linspace(-1, 1, 12)
    _, gradient = adjoint(circuit, SparsePauliOp("Z"), theta[None])
    np.testing.assert_allclose(
        gradient[0], five_point(lambda t: statevector_value(circuit, SparsePauliOp("Z"), t), theta), atol=1e-8
    )


def test_qubits_are_little_endian():
    circuit = QuantumCircuit(2)
    circuit.rx(Parameter("a"), 0)
    values, gradient = adjoint(circuit, SparsePauliOp("IZ"), [[1.0]])
    assert (values[0], gradient[0, 0]) == pytest.approx((np.cos(1), -np.sin(1)))
    values, gradient = adjoint(circuit, SparsePauliOp("ZI"), [[1.0]])
    assert (values[0], gradient[0, 0]) == pytest.approx((1, 0))


def test_nested_definitions_and_a_batch_that_fills_no_block():
    inner = QuantumCircuit(2, name="inner")
    a, b = Parameter("a"), Parameter("b")
    inner.ry(a, 0)
    inner.cx(1, 0)
    inner.rzz(b, 0, 1)
    outer = QuantumCircuit(3)
    outer.h(range(3))
    outer.append(inner.to_instruction({a: a, b: 3 * Parameter("c")}), [2, 0])
    outer.append(random_unitary(8, seed=1), range(3))
    thetas = np.random.default_rng(1).uniform(-3, 3, (37, 2))
    values, gradients = adjoint(outer, SparsePauliOp("XZY"), thetas)
    for theta, value, gradient in zip(thetas, values, gradients, strict=True):
        assert value == pytest.approx(statevector_value(outer, SparsePauliOp("XZY"), theta), abs=TOLERANCE)
        expected = five_point(lambda t: statevector_value(outer, SparsePauliOp("XZY"), t), theta)
        np.testing.assert_allclose(gradient, expected, atol=2e-8)


@pytest.mark.parametrize("draws", range(1, 10))
def test_what_fills_no_block_is_what_it_is_in_a_full_one(draws):
    """Parameters are read and gradients written eight draws by eight parameters at a time, and what is left apart."""
    circuit, rng = QuantumCircuit(2), np.random.default_rng(3)
    for index, angle in enumerate(ParameterVector("a", 11)):
        (circuit.rx, circuit.ry)[index % 2](angle, index % 2)
        circuit.cx(0, 1)
    thetas = rng.uniform(-3, 3, (16, 11))
    whole = adjoint(circuit, SparsePauliOp("ZX"), thetas)
    np.full((draws, 11), np.nan)  # what memory that is handed out again holds
    some = adjoint(circuit, SparsePauliOp("ZX"), thetas[:draws])
    for part, full in zip(some, whole, strict=True):
        np.testing.assert_array_equal(part, full[:draws])


@pytest.mark.parametrize("width", [1, 2, 3])
def test_dense_gates_between_rotations(width):
    """Unitaries that are not symmetric, on wires in several orders, so that an inverse is no conjugate."""
    rng, circuit = np.random.default_rng(width), QuantumCircuit(3)
    for layer, angle in enumerate(ParameterVector("a", 6)):
        wires = [int(wire) for wire in rng.permutation(3)]
        (circuit.rx, circuit.ry, circuit.rz)[layer % 3](angle, wires[-1])
        circuit.append(random_unitary(2**width, seed=layer), wires[:width])
    observable = SparsePauliOp(["XZY", "IZI"], [1.0, 0.5])
    theta = rng.uniform(-3, 3, 6)
    values, gradients = adjoint(circuit, observable, theta[None])
    assert values[0] == pytest.approx(statevector_value(circuit, observable, theta), abs=TOLERANCE)
    expected = five_point(lambda t: statevector_value(circuit, observable, t), theta)
    np.testing.assert_allclose(gradients[0], expected, atol=2e-8)


@settings(max_examples=20)
@given(st.floats(-5, 5), st.floats(-3, 3).filter(lambda c: abs(c) > 0.01))
def test_kernels_are_blind_to_constants_and_quadratic_in_scale(constant, scale):
    circuit = ansatz("hea", 2, 3)
    observable = SparsePauliOp(["IZ", "XX"], [1.0, 0.5])
    rng = lambda: np.random.default_rng(7)  # noqa: E731 - a fresh one each time
    reference = CircuitEnsemble(circuit, observable).draw(20, rng()).kernel
    assert (reference >= 0).all()
    moved = CircuitEnsemble(circuit, observable + constant * SparsePauliOp("II")).draw(20, rng()).kernel
    np.testing.assert_allclose(moved, reference, rtol=1e-9, atol=1e-12)
    scaled = CircuitEnsemble(circuit, scale * observable).draw(20, rng()).kernel
    np.testing.assert_allclose(scaled, scale**2 * reference, rtol=1e-9, atol=1e-12)


def measured():
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure(0, 0)
    circuit.rx(Parameter("b"), 0)
    return circuit


def reset():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.reset(0)
    return circuit


def controlled():
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("a"), 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    return circuit


def signed():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a").sign(), 0)
    return circuit


def large():
    circuit = QuantumCircuit(40)
    circuit.rx(Parameter("a"), 0)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "observable", "words"),
    [
        (measured(), SparsePauliOp("Z"), "after its measurement"),
        (reset(), SparsePauliOp("Z"), "'reset'"),
        (controlled(), SparsePauliOp("Z"), "'if_else'"),
        (signed(), SparsePauliOp("Z"), "no derivative"),
        (large(), SparsePauliOp("Z" * 40), "40 qubits on .* needs about .* GiB"),
        (QuantumCircuit(1), SparsePauliOp("Z"), "no parameters"),
        (ansatz("hea", 2, 1), SparsePauliOp("Z"), "1 letters for 2 qubits"),
        (ansatz("hea", 2, 1), Operator(np.triu(np.ones((4, 4)))), "not Hermitian"),
    ],
)
def test_bad_circuits_are_refused(circuit, observable, words):
    with pytest.raises(ValueError, match=words):
        CircuitEnsemble(circuit, observable)


@settings(max_examples=60)
@given(PAIRS, st.integers(0, 10**6))
def test_merged_diagonals_against_one_gate_at_a_time(pair, seed):
    circuit, observable = pair
    circuit.cz(0, 1)
    circuit.rz(0.3, 0)
    circuit.rzz(circuit.parameters[0], 1, 0)
    circuit.cz(1, 0)
    circuit.cz(0, 1)
    compiled = compile_observable(observable, circuit.num_qubits)
    thetas = np.random.default_rng(seed).uniform(-9, 9, (3, circuit.num_parameters))
    merged, single = (compile_circuit(circuit, merge=merge) for merge in (True, False))
    assert len(merged.rows) < len(single.rows)
    for one, other in zip(
        engine.adjoint(merged, compiled, thetas), engine.adjoint(single, compiled, thetas), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-12)
    first, second = np.random.default_rng(seed + 1).normal(size=(2, *thetas.shape))  # a curve, as nonlinear angles make
    one, other = (second_derivative(program, compiled, thetas, first, second) for program in (merged, single))
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12 * (1 + np.abs(first).sum() ** 2))


def test_angles_far_from_zero_and_at_multiples_of_a_right_angle():
    """The kernel has its own sine and cosine: |θ| up to 1e5 keeps 1e-10 against Aer; beyond 1e6 angles are refused."""
    circuit = ansatz("efficient-su2", 2, 1)
    observable = SparsePauliOp(["XZ", "IY"], [1.0, 0.5])
    rng = np.random.default_rng(1)
    thetas = np.concatenate(
        [rng.uniform(-1e5, 1e5, (4, 8)), np.pi / 2 * rng.integers(-60_000, 60_000, (4, 8)), np.zeros((1, 8))]
    )
    values, gradients = adjoint(circuit, observable, thetas)
    expected_values, expected = aer_gradients(circuit, observable).value_and_gradient(thetas)
    np.testing.assert_allclose(values, expected_values, atol=TOLERANCE)
    np.testing.assert_allclose(gradients, expected, atol=TOLERANCE)
    with pytest.raises(ValueError, match="1e\\+06"):
        adjoint(circuit, observable, 1e7 * np.ones((1, 8)))
    with pytest.raises(ValueError, match="not finite"):
        adjoint(circuit, observable, np.nan * np.ones((1, 8)))
    with pytest.raises(ValueError, match=r"give \(draws, 8\)"):
        adjoint(circuit, observable, np.ones((1, 7)))


STANDARD = {
    name: gate
    for name, gate in get_standard_gate_name_mapping().items()
    if isinstance(gate, Gate) and gate.num_qubits > 0
}


@pytest.mark.parametrize("name", STANDARD)
def test_every_standard_gate_of_qiskit(name):
    """Between rotations that make every amplitude matter, its own angles free; gradients to 1e-8 by differences."""
    gate = STANDARD[name].to_mutable()
    width = gate.num_qubits
    own = [Parameter(f"p{i}") for i in range(len(gate.params))]
    gate.params = [0.7 * p + 0.2 for p in own]
    circuit = QuantumCircuit(width)
    for qubit in range(width):
        circuit.u(0.3 + qubit, 0.5, Parameter(f"q{qubit}"), qubit)
        circuit.sx(qubit)
    circuit.append(gate, range(width)[::-1])
    for qubit in range(width):
        circuit.ry(0.4 * qubit + 0.3, qubit)
    observable = SparsePauliOp(["Z" * width, "X" + "Y" * (width - 1)], [1.0, -0.6])
    theta = np.random.default_rng(1).uniform(-2, 2, circuit.num_parameters)
    values, gradients = adjoint(circuit, observable, theta[None])
    assert values[0] == pytest.approx(statevector_value(circuit, observable, theta), abs=TOLERANCE)
    expected = five_point(lambda t: statevector_value(circuit, observable, t), theta)
    np.testing.assert_allclose(gradients[0], expected, atol=2e-8)


def test_fourteen_qubits_against_statevector():
    circuit = ansatz("hea-cz-ring", 14, 1)
    observable = SparsePauliOp("ZX" + "I" * 11 + "Z")
    theta = np.random.default_rng(1).uniform(0, 6, circuit.num_parameters)
    values, gradients = adjoint(circuit, observable, theta[None])
    assert values[0] == pytest.approx(statevector_value(circuit, observable, theta), abs=TOLERANCE)
    for index in (0, 13, 27):
        step = np.pi / 2 * (np.arange(28) == index)
        shift = [statevector_value(circuit, observable, theta + s * step) for s in (1, -1)]
        assert gradients[0, index] == pytest.approx((shift[0] - shift[1]) / 2, abs=TOLERANCE)
