"""Pauli paths against the sampler's gradients: exhaustive averages on small circuits, Monte Carlo on the catalogue.

The second moments of a rotation's angle have frequencies up to 2, so the average over the four angles 0, π/2, π, 3π/2
of each is the uniform average, exactly.
"""

import itertools

import numpy as np
import pytest
import stim
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import Pauli, SparsePauliOp

from qntk.inputs.reader import read_circuit
from qntk.sampling import CircuitEnsemble, CircuitModel, ansatz, sample
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.circuits import pauli_paths
from qntk.theory.circuits.clifford_frame import Rotation, RotationFrame

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion."""


def read(given):
    return read_circuit(given) if isinstance(given, QuantumCircuit) else given


def exact_mean(circuit, observable, first=0, second=None, **options):
    return pauli_paths.exact_mean(read(circuit), observable, read(first), read(second), **options)


def sampled_mean(circuit, observable, paths, seed, first=0, second=None, **options):
    return pauli_paths.sampled_mean(read(circuit), observable, paths, seed, read(first), read(second), **options)


def test_bit_q_of_a_basis_state_is_qubit_q():
    """<Z1> + c<Z1 Z0> behind RX on qubit 1 is ±(1 + c s) cos θ with s = <Z0>, which is -1 where bit 0 is set."""
    frame = RotationFrame.from_operations(3, [Rotation("X", (1,), 0)])
    observable = {"IZI": 1.0, "IZZ": 0.5}
    for number, sign in ((0, 1), (1, -1), (2, 1), (3, -1), (4, 1)):
        assert pauli_paths.exact_mean(frame, observable, number).value == pytest.approx((1 + 0.5 * sign) ** 2 / 2)


ONE_QUBIT = ["h", "s", "sdg", "sx", "sxdg", "x", "y", "z"]
TWO_QUBITS = ["cx", "cz", "cy", "swap", "iswap"]


def random_circuit(qubits, parameters, rng):
    """Clifford gates and every kind of rotation, with slopes and offsets, and the four angles of each that average."""
    circuit, angles, order = QuantumCircuit(qubits), ParameterVector("θ", parameters), rng.permutation(parameters)
    slopes = np.ones(parameters)
    for index in order:
        random_cliffords(circuit, int(rng.integers(5)), rng)
        circuit.rx(int(rng.integers(8)) * np.pi / 2, 0)
        circuit.rzx(int(rng.integers(8)) * np.pi / 2, 1, 0)
        slope = int(rng.choice([1, 1, 2, -3]))
        angle = slope * angles[int(index)] + float(rng.choice([0, 0.3]))
        name = rng.choice(["rx", "ry", "rz", "p", "rxx", "ryy", "rzz", "rzx", "evolution"])
        pair = [int(q) for q in rng.permutation(qubits)[:2]]
        if name == "evolution":
            slope *= 2
            circuit.append(
                PauliEvolutionGate(Pauli("".join(rng.choice(list("XYZ"), qubits))), time=angle), range(qubits)
            )
        else:
            getattr(circuit, name)(angle, *pair[: 1 if len(name) < 3 else 2])
        slopes[index] = slope
    random_cliffords(circuit, 3, rng)
    quarter = np.array(list(itertools.product(np.arange(4) * np.pi / 2, repeat=parameters)))
    return circuit, quarter / slopes


def random_cliffords(circuit, gates, rng):
    for _ in range(gates):
        name = rng.choice(ONE_QUBIT + TWO_QUBITS)
        pair = [int(q) for q in rng.permutation(circuit.num_qubits)[:2]]
        getattr(circuit, name)(*pair[: 2 if name in TWO_QUBITS else 1])


def random_observable(qubits, rng):
    labels = {"".join(rng.choice(list("IXYZ"), qubits)) for _ in range(rng.integers(1, 13))} - {"I" * qubits}
    return {label: float(rng.normal()) for label in sorted(labels)} or {"Z" * qubits: 1.0}


def gradients(circuit, observable, angles, preparation=None):
    whole = circuit if preparation is None else preparation.compose(circuit)
    model = CircuitModel(whole, SparsePauliOp(list(observable), list(observable.values())), workers=1)
    return model.value_and_gradient(angles)[1]


def test_random_circuits_by_exhaustion():
    """100 circuits, 2-4 qubits, up to 5 parameters, for K of two inputs and K_ij, to 1e-12 of the largest value.

    In some the terms interfere; without the interference the mean is wrong there.
    """
    interfering = {False: 0, True: 0}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        qubits = int(rng.integers(2, 5))
        circuit, angles = random_circuit(qubits, int(rng.choice([1, 1, 2, 2, 3, 5])), rng)
        observable, second = random_observable(qubits, rng), QuantumCircuit(qubits)
        random_cliffords(second, 8, rng)
        one, two = gradients(circuit, observable, angles), gradients(circuit, observable, angles, second)
        cases = [(one * one, 0, None), (two * two, second, None), (one * two, 0, second)]
        for squares, first, other in cases:
            expected, found = squares.mean(axis=0), exact_mean(circuit, observable, first, other)
            np.testing.assert_allclose(found.gradients, expected, atol=1e-12 * max(1, np.abs(squares).max()))
            assert found.value == pytest.approx(expected.sum(), abs=1e-12 * max(1, np.abs(squares).max()))
            alone = sum(exact_mean(circuit, {p: c}, first, other).value for p, c in observable.items())
            interfering[other is not None] += abs(alone - found.value) > 1e-9
    assert min(interfering.values()) >= 5


def test_terms_that_interfere_by_hand():
    """On a spectator in |0>, Z acts as 1: f = (1 + 1) cos θ. In |+>, X does; anticommuting terms join two inputs."""
    frame = RotationFrame.from_operations(2, [Rotation("Y", (0,), 0)])
    assert exact_mean(frame, {"IZ": 1.0, "ZZ": 1.0}).value == 2.0
    assert exact_mean(frame, {"IZ": 1.0, "ZZ": -1.0}).value == 0.0
    assert exact_mean(frame, {"IZ": 1.0, "XZ": 1.0}).value == 0.5
    plus = stim.Circuit("H 1")
    terms = {"ZZ": 1.0, "XZ": 1.0}
    assert exact_mean(frame, terms).value == exact_mean(frame, terms, plus).value == 0.5
    assert exact_mean(frame, terms, 0, plus).value == 0.5
    assert exact_mean(frame, {"ZZ": 1.0, "XZ": -1.0}, 0, plus).value == -0.5
    assert exact_mean(frame, {"ZZ": 1.0}, 0, plus).value == 0.0


def test_inputs_and_conventions_agree():
    half, full = ansatz("hea", 3, 2), ansatz("hea", 3, 2, generator="pauli")
    observable = {"IIZ": 1.0, "ZXY": 0.5}
    mean = exact_mean(half, observable)
    assert exact_mean(full, observable).value == pytest.approx(4 * mean.value, rel=1e-14)
    assert exact_mean(half, observable, generator=1.0).value == pytest.approx(4 * mean.value, rel=1e-14)
    flip = QuantumCircuit(3)
    flip.x(1)
    forms = [2, flip, stim.Circuit("X 1"), stim.Circuit("X 1\nI 2").to_tableau()]
    values = [exact_mean(half, observable, 0, form).value for form in forms]
    assert values == pytest.approx([values[0]] * 4, rel=1e-14)
    assert values[0] != pytest.approx(mean.value, rel=0.01)
    prediction = mean.prediction()
    assert (prediction.value, prediction.regime) == (mean.value, "exact")


CATALOGUE_CASES = [
    ("hea", 4, 3, {"IIIZ": 1.0}),
    ("hea-cz-ring", 5, 3, {"IIIZZ": 1.0, "IIXII": 0.5}),
    ("real-amplitudes", 4, 2, {"ZIII": 1.0}),
    ("efficient-su2", 6, 2, {"IIIIIZ": 1.0, "ZZIIII": -0.7}),
    ("hva", 4, 3, {"IIZZ": 1.0, "ZZII": 1.0, "IIIX": -0.6}),
]


@pytest.mark.parametrize(("name", "qubits", "layers", "observable"), CATALOGUE_CASES)
def test_catalogue_against_monte_carlo(name, qubits, layers, observable):
    """20 000 draws of the angles: sees a mean wrong by 3.5 %; a layer less must be seen, and the generator P."""
    circuit = ansatz(name, qubits, layers)
    operator = SparsePauliOp(list(observable), list(observable.values()))
    kernel = sample(CircuitEnsemble(circuit, operator), draws=20_000, seed=31).kernel
    error = kernel.std() / len(kernel) ** 0.5
    mean = exact_mean(circuit, observable)
    assert FALSE_FAIL_SIGMAS * error < 0.035 * mean.value
    assert abs(kernel.mean() - mean.value) < FALSE_FAIL_SIGMAS * error
    assert abs(kernel.mean() - exact_mean(circuit, observable, generator=1.0).value) > FALSE_FAIL_SIGMAS * error
    shallower = exact_mean(ansatz(name, qubits, layers - 1), observable)
    assert abs(kernel.mean() - shallower.value) > FALSE_FAIL_SIGMAS * error


@pytest.mark.parametrize(("name", "qubits", "layers", "observable"), CATALOGUE_CASES)
@pytest.mark.parametrize("second", [None, 1])
def test_sampled_paths_against_all_paths(name, qubits, layers, observable, second):
    """100 000 paths: sees K wrong by 10 %, and each gradient to 1e-6 false-fail (up to 40 assertions)."""
    circuit = ansatz(name, qubits, layers)
    exact = exact_mean(circuit, observable, 0, second)
    found = sampled_mean(circuit, observable, 100_000, np.random.SeedSequence(5), 0, second)
    assert abs(found.value - exact.value) <= FALSE_FAIL_SIGMAS * found.error
    if second is None:
        assert found.hits > 100
        assert FALSE_FAIL_SIGMAS * found.error < 0.1 * exact.value
        off = np.abs(found.gradients - exact.gradients)
        assert (off <= FALSE_FAIL_SIGMAS * found.gradient_errors).all()
        wrong = exact_mean(circuit, observable, generator=1.0)
        assert abs(found.value - wrong.value) > FALSE_FAIL_SIGMAS * found.error
    again = sampled_mean(circuit, observable, 100_000, np.random.default_rng(5), 0, second)
    assert again.value == found.value


@pytest.mark.parametrize("qubits", [3, 4])
def test_deep_circuits_reach_the_haar_mean(qubits):
    """Hea of 128 layers: the middle gradient to 1e-12, K to its two ends' share, and K_ij of orthogonal inputs.

    The ring of CZ has a symmetry and another limit: it must miss.
    """
    label, D = {"I" * (qubits - 1) + "Z": 1.0}, 2**qubits
    half = OperatorMoments.from_pauli(qubits).scaled(0.5)
    circuit = ansatz("hea", qubits, 128)
    L = circuit.num_parameters
    law = KernelLaw(L, OperatorMoments.from_pauli(qubits), half).mean().value
    mean, between = exact_mean(circuit, label), exact_mean(circuit, label, 0, 1)
    assert mean.gradients[L // 2] == pytest.approx(law / L, rel=1e-12)
    assert mean.value == pytest.approx(law, rel=4 / 128)
    assert between.gradients[L // 2] == pytest.approx(-law / L / (D - 1), rel=1e-11)
    ring = exact_mean(ansatz("hea-cz-ring", qubits, 128), label).gradients[L // 2]
    limit = (D + 2) * (D - 1) / D**2 if qubits == 3 else (D - 2) * (D + 1) ** 2 / ((D - 1) * D**2)
    assert ring == pytest.approx(limit * law / L, rel=1e-6)


def test_fifty_qubits_by_their_light_cone():
    """Z0 after d layers sees qubits 0 … d: 50 qubits, enumerated and sampled, equal those alone; Z1 does not.

    100 000 paths: sees a mean wrong by 6 %, false-fail probability 1e-6 an assertion.
    """
    circuit = RotationFrame.from_form(read_circuit(ansatz("hea", 50, 4)))
    exact = exact_mean(circuit, {"I" * 49 + "Z": 1.0})
    assert exact.value == exact_mean(ansatz("hea", 5, 4), {"IIIIZ": 1.0}).value == 0.744140625
    assert len(exact.gradients) == 400
    found = sampled_mean(circuit, {"I" * 49 + "Z": 1.0}, 100_000, seed=3)
    assert abs(found.value - exact.value) < FALSE_FAIL_SIGMAS * found.error < 0.06 * exact.value
    other = exact_mean(circuit, {"I" * 48 + "ZI": 1.0}).value
    assert abs(found.value - other) > FALSE_FAIL_SIGMAS * found.error


def test_strings_across_words():
    """The same circuit on qubits 62 … 65 of 70 as on four alone, with a Bell pair across the words as input."""
    rng = np.random.default_rng(7)
    small, _ = random_circuit(4, 5, rng)
    observable, bell = random_observable(4, rng), QuantumCircuit(4)
    bell.h(1)
    bell.cx(1, 2)
    large, large_bell = QuantumCircuit(70), QuantumCircuit(70)
    large.compose(small, [62, 63, 64, 65], inplace=True)
    large_bell.compose(bell, [62, 63, 64, 65], inplace=True)
    shifted = {"IIII" + label + "I" * 62: c for label, c in observable.items()}
    for second in (None, 0):
        expected = exact_mean(small, observable, bell, second).gradients
        np.testing.assert_allclose(exact_mean(large, shifted, large_bell, second).gradients, expected, atol=1e-13)
