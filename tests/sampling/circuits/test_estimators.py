"""Gradients by the shift rule from Qiskit's estimators, against the adjoint engine, closed forms, and counted shots."""

import numpy as np
import pytest
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, XXMinusYYGate, XXPlusYYGate, zz_feature_map
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.primitives import BackendEstimatorV2, BaseEstimatorV2, StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error
from qiskit_aer.primitives import EstimatorV2

import qntk
from qntk.sampling import CircuitModel, ansatz
from qntk.sampling.circuits import aer, estimators
from qntk.sampling.circuits.aer import AerShots, aer_gradients
from qntk.sampling.circuits.estimators import EstimatorGradients
from qntk.sampling.circuits.shifts import shift_rule

OBSERVABLE = SparsePauliOp(["ZIX", "YYI", "III"], [1.0, 0.5, 0.3])
STANDARD = {
    name: gate.base_class
    for name, gate in get_standard_gate_name_mapping().items()
    if gate.params and name not in ("delay", "global_phase")
}


def mixed():
    """Shared, nonlinear and multi-angle gates, one of each rule, and gates that are taken apart."""
    a, circuit = ParameterVector("a", 12), QuantumCircuit(3)
    circuit.h([0, 1, 2])
    circuit.crx(a[0], 0, 1)
    circuit.cp(a[1] ** 2, 1, 2)
    circuit.u(a[2], a[0] * a[3], a[4], 0)
    circuit.append(XXPlusYYGate(a[5], a[6]), [0, 1])
    circuit.append(XXMinusYYGate(a[6], a[1]), [2, 0])
    circuit.rzz(2 * a[7] + a[0] + 0.2, 0, 2)
    circuit.mcp(a[8], [0, 1], 2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XYZ", "IZZ"]), a[9]), [0, 1, 2])
    circuit.cu(a[10], 0.1, a[11], a[3], 2, 1)
    circuit.global_phase = a[3]
    return circuit


def angles(draws, circuit):
    return np.random.default_rng(7).uniform(0, 2 * np.pi, (draws, circuit.num_parameters))


def readout(zero=0.1, one=0.3):
    """A qubit in |0> is read as 1 with probability ``zero``, one in |1> as 0 with ``one``."""
    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[1 - zero, zero], [one, 1 - one]]))
    return noise


@pytest.mark.parametrize("estimator", [StatevectorEstimator(), EstimatorV2(), "aer"], ids=["qiskit", "aer", "engine"])
def test_exact_estimators_give_the_gradients_of_the_adjoint_engine(estimator):
    circuit = mixed()
    made = (
        aer_gradients(circuit, OBSERVABLE) if estimator == "aer" else EstimatorGradients(circuit, OBSERVABLE, estimator)
    )
    thetas = angles(3, circuit)
    for found, expected in zip(
        made.value_and_gradient(thetas), CircuitModel(circuit, OBSERVABLE).value_and_gradient(thetas), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("name", STANDARD)
def test_every_standard_gate_has_a_rule_that_aer_runs_as_it_is(name):
    """Aer binds the parameters of Qiskit's controlled gates wrongly (its issue 2403); by name they are right."""
    gate = get_standard_gate_name_mapping()[name]
    a, circuit = ParameterVector("a", len(gate.params)), QuantumCircuit(2)
    for qubit in (0, 1):
        circuit.ry(0.7 + qubit, qubit)
    circuit.cx(0, 1)
    circuit.append(STANDARD[name](*a), list(range(gate.num_qubits)))
    circuit.cx(1, 0)
    for qubit in (0, 1):
        circuit.ry(0.3 + qubit, qubit)
    thetas, observable = angles(3, circuit), SparsePauliOp(["ZX", "YI"])
    found = aer_gradients(circuit, observable).value_and_gradient(thetas)[1]
    expected = CircuitModel(circuit, observable).value_and_gradient(thetas)[1]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_gate_without_a_rule_is_named():
    class Slow(Gate):
        def __init__(self, a):
            super().__init__("slow", 1, [a])

        def to_matrix(self):
            a = float(self.params[0])
            return np.diag([np.exp(1j * a), np.exp(-2.5j * a)])

    class Odd(Slow):
        def to_matrix(self):
            a = float(self.params[0])
            return np.kron(np.diag([1, np.exp(1j * a)]), np.diag([1, np.exp(2.5j * a)]))

    assert len(shift_rule(Slow, 1, 0).shifts) == 1
    with pytest.raises(ValueError, match=r"Odd has frequencies 1, 1\.5, 2\.5, 3\.5:"):
        shift_rule(Odd, 1, 0)


class Counting(BaseEstimatorV2):
    """An estimator that says what it was asked."""

    def __init__(self, inner):
        self.inner, self.asked = inner, []

    def run(self, pubs, *, precision=None):
        self.asked += [(np.shape(pub[2]), precision) for pub in pubs]
        return self.inner.run(pubs, precision=precision)


def test_one_call_has_all_points_and_thousand_shots_are_thousand():
    circuit = ansatz("hea", 3, 2)
    counting = Counting(StatevectorEstimator())
    made = EstimatorGradients(circuit, OBSERVABLE, counting, shots=1000)
    made.kernel(angles(8, circuit))
    ((shape, precision),) = counting.asked
    assert shape == (2, 8, 25, 12)
    assert int(np.ceil(1 / precision**2)) == 500
    aer = aer_gradients(circuit, OBSERVABLE, shots=1000).estimator
    pub = (made._shifted.circuit, OBSERVABLE, np.zeros((2, 1, 12)))
    assert aer.run([pub], precision=precision).result()[0].metadata["shots"] == 500


def z_scores(estimates, exact):
    return (estimates.mean() - exact) / (estimates.std(ddof=1) / len(estimates) ** 0.5)


@pytest.mark.parametrize("name", ["engine", "qiskit", "measured"])
def test_kernels_from_shots_are_unbiased_and_the_square_is_not(name):
    """400 estimates at one point, 10 shots: 4.9 standard errors, false-fail probability 1e-6 for each.

    Without halves the bias is the sum of the shot variances, here some ten standard errors: the negative control.
    """
    circuit = ansatz("hea", 2, 1)
    observable = SparsePauliOp(["ZI", "XX"], [1.0, 0.5])
    theta = np.array([0.4, 1.1, 2.0, 0.3])
    thetas = np.tile(theta, (400, 1))
    exact = CircuitModel(circuit, observable).kernel(theta[None])[0]
    if name == "engine":
        made = aer_gradients(circuit, observable, shots=10)
    elif name == "qiskit":
        made = EstimatorGradients(circuit, observable, StatevectorEstimator(seed=3), shots=10)
    else:
        simulator = AerSimulator(seed_simulator=5, max_parallel_threads=1)
        thetas = thetas[:60]  # it makes a circuit of each point
        made = EstimatorGradients(circuit, observable, BackendEstimatorV2(backend=simulator), shots=10)
    values, gradient = made.halves(thetas, seed=5)
    honest, naive = (np.einsum("dp,dp->d", gradient[0], g) for g in (gradient[1], gradient[0]))
    assert abs(z_scores(honest, exact)) < 4.9
    assert z_scores(naive, exact) > 4.9, "negative control: the bias must be seen"
    assert abs(z_scores(values[0], CircuitModel(circuit, observable).outputs(theta[None])[0])) < 4.9


def test_readout_error_is_honoured_without_shots_and_with_them():
    """RX(a) and Z read with errors p, q: f = (1 - p - q) cos a + q - p, and K = (1 - p - q)² sin² a, 0.245 at 0.7.

    With shots, 300 estimates of 200 shots: 4.9 standard errors, false-fail probability 1e-6; K without readout error
    lies some forty of them away.
    """
    circuit = QuantumCircuit(2)
    circuit.rx(Parameter("a"), 0)
    observable, a = SparsePauliOp("IZ"), 0.7
    expected = (0.6 * np.sin(a)) ** 2
    noise = readout()
    theirs = EstimatorV2(options={"backend_options": {"noise_model": noise, "method": "density_matrix"}})
    for made in (aer_gradients(circuit, observable, None, noise), EstimatorGradients(circuit, observable, theirs)):
        values, kernel = made.kernel(np.array([[a]]))
        assert values[0] == pytest.approx(0.6 * np.cos(a) + 0.2, abs=1e-12)
        assert kernel[0] == pytest.approx(expected, abs=1e-12)
    _, kernels = aer_gradients(circuit, observable, 200, noise).kernel(np.full((300, 1), a), seed=2)
    assert abs(z_scores(kernels, expected)) < 4.9
    assert abs(z_scores(kernels, np.sin(a) ** 2)) > 4.9


def test_readout_error_of_strings_and_of_single_qubits_is_that_of_measured_shots():
    """X and Y strings with errors on one qubit, against 1e5 counted shots: 4.9 standard errors, at most 0.016."""
    circuit = ansatz("hea", 2, 1)
    noise = NoiseModel()
    noise.add_readout_error(ReadoutError([[0.9, 0.1], [0.3, 0.7]]), [1])
    observable, theta = SparsePauliOp(["XY", "ZI", "IZ"], [1.0, 0.5, 0.25]), np.array([[0.4, 1.1, 2.0, 0.3]])
    exact = aer_gradients(circuit, observable, None, noise).value_and_gradient(theta)[0][0]
    shots = 100_000
    counted = aer_gradients(circuit, observable, shots, noise).value_and_gradient(theta, seed=1)[0][0]
    assert abs(counted - exact) < 4.9 * np.sqrt(1 + 0.75**2) / shots**0.5
    clean = aer_gradients(circuit, observable).value_and_gradient(theta)[0][0]
    assert abs(counted - clean) > 0.05, "negative control: the readout error must be seen"


def test_correlated_readout_error_without_shots_is_refused():
    noise = NoiseModel()
    noise.add_readout_error(ReadoutError(np.eye(4) * 0.9 + 0.025 * np.ones((4, 4))), [0, 1])
    with pytest.raises(ValueError, match="several qubits together"):
        aer_gradients(ansatz("hea", 2, 1), SparsePauliOp("ZI"), None, noise)


def test_noise_is_on_the_gates_that_run():
    """RY then depolarising by p: <Z> and its gradient shrink by 1 - p, exactly."""
    circuit = QuantumCircuit(1)
    circuit.ry(2 * Parameter("a"), 0)
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["ry"])
    values, gradient = aer_gradients(circuit, SparsePauliOp("Z"), None, noise).value_and_gradient(np.array([[0.4]]))
    assert values[0] == pytest.approx(0.8 * np.cos(0.8), abs=1e-10)
    assert gradient[0, 0] == pytest.approx(-0.8 * 2 * np.sin(0.8), abs=1e-10)


def test_noise_on_a_gate_that_aer_takes_apart_is_refused_and_counted_with_shots():
    """X, then CRX with two-qubit depolarising by p: f = (1 - p) cos a; 2000 shots, 4.9 standard errors.

    Without the noise f is 0.18 larger, 0.11 is seen.
    """
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.crx(Parameter("a"), 0, 1)
    noise = NoiseModel(["crx", "x", "h"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 2), ["crx"])
    with pytest.raises(ValueError, match=r"takes gate 'crx' apart"):
        aer_gradients(circuit, SparsePauliOp("ZI"), None, noise)
    counted = aer_gradients(circuit, SparsePauliOp("ZI"), 2000, noise).value_and_gradient(np.array([[0.4]]), seed=1)
    assert abs(counted[0][0] - 0.8 * np.cos(0.4)) < 4.9 / 2000**0.5
    # The four-term rule has Σ w² = 0.19 twice, for each of the two halves' differences.
    assert abs(counted[1][0, 0] + 0.8 * np.sin(0.4)) < 4.9 * (2 * 0.1875 / 2000) ** 0.5


def test_noise_on_no_gate_of_the_circuit_is_said(capsys):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 2), ["cz"])
    aer_gradients(ansatz("hea", 2, 1), SparsePauliOp("ZI"), None, noise)
    assert "noise on cz, and the circuit as it runs none" in capsys.readouterr().err


def test_trajectories_are_seen_to_be_random():
    """Aer's exact values of a noisy circuit may be averages of trajectories: two halves then, at precision 0."""
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["ry"])
    for method, random in (("statevector", True), ("density_matrix", False)):
        estimator = EstimatorV2(options={"backend_options": {"noise_model": noise, "method": method}})
        made = EstimatorGradients(ansatz("hea", 2, 1), SparsePauliOp("ZI"), estimator)
        assert made.estimated is random


def test_sample_takes_an_estimator_and_a_feature_map():
    circuit = zz_feature_map(2, reps=1).compose(ansatz("hea", 2, 1))
    options = {"draws": 6, "seed": 3, "inputs": "x", "x": [0.3, -0.4]}
    exact = qntk.sample(circuit, "Z0", **options)
    for more in ({"gradients": StatevectorEstimator()}, {"engine": "aer"}):
        found = qntk.sample(circuit, "Z0", **options, **more)
        np.testing.assert_allclose(found.kernel, exact.kernel, atol=1e-10)
        assert "exact expectation values" in repr(found)
    noisy = qntk.sample(circuit, "Z0", **options, gradients=StatevectorEstimator(), shots=100)
    assert noisy.estimated
    assert "100 shots" in repr(noisy)
    assert "not of the seed" in repr(noisy)


def test_draws_from_shots_are_compared_by_their_mean():
    circuit = ansatz("hea", 2, 2)
    draws = qntk.sample(circuit, "Z0", draws=30, seed=1, engine="aer", shots=4)
    assert (draws.kernel < 0).any()
    verdicts = qntk.compare(draws, qntk.law(2, circuit.num_parameters, "Z0"))
    assert {row["statistic"] for row in verdicts.to_dict()["verdicts"]} == {"mean"}


def test_the_engine_with_shots_depends_on_the_seed_alone():
    one, same, other = (
        qntk.sample(ansatz("hea", 2, 1), "Z0", draws=4, seed=s, engine="aer", shots=20).kernel for s in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_kernel_matrices_of_a_model():
    """Exactly; and from 200 pairs of halves of 20 shots, by 4.9 standard errors (false-fail 1e-6 an entry of four)."""
    circuit = zz_feature_map(2, reps=1).compose(ansatz("hea", 2, 1))
    model = qntk.Model(circuit, ["Z0", "XX"], inputs="x")
    theta, X = np.array([0.4, 1.1, 2.0, 0.3]), np.array([[0.1, 0.2], [-0.5, 0.7]])
    exact = model.kernel(theta, X)
    np.testing.assert_allclose(model.kernel(theta, X, gradients=StatevectorEstimator()), exact, atol=1e-10)
    thetas = np.tile(theta, (100, 1))
    found = model.kernel(thetas, X, gradients=EstimatorV2(), shots=20)
    np.testing.assert_array_equal(found, found.swapaxes(1, 2))
    assert (abs(found.mean(0) - exact) < 4.9 * found.std(0, ddof=1) / 10).all()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"gradients": "aer"}, TypeError, "BaseEstimatorV2"),
        ({"gradients": StatevectorEstimator(), "shots": 7}, ValueError, "even number"),
        ({"gradients": StatevectorEstimator(), "shots": 8, "precision": 0.1}, ValueError, "give one"),
        ({"gradients": StatevectorEstimator(), "precision": -1.0}, ValueError, "precision is"),
        ({"gradients": Counting(None)}, ValueError, "does not say its precision"),
        ({"gradients": StatevectorEstimator(), "engine": "aer"}, ValueError, "its own engine"),
        ({"gradients": StatevectorEstimator(), "dqntk": True}, ValueError, "gradients only"),
        ({"gradients": StatevectorEstimator(seed=1), "shots": 4, "draws": 20_000}, ValueError, "fixed seed"),
        ({"gradients": BackendEstimatorV2(backend=AerSimulator()), "precision": 0}, ValueError, "refused"),
        ({"shots": 10}, ValueError, "engine='aer'"),
        ({"engine": "aer", "shots": 1}, ValueError, "even number"),
        ({"engine": "lightning"}, ValueError, "unknown"),
    ],
)
def test_bad_requests_are_refused_in_one_line(options, error, words):
    with pytest.raises(error, match=words) as told:
        qntk.sample(ansatz("hea", 2, 1), "Z0", **{"draws": 3} | options)
    assert "\n" not in str(told.value)


def test_no_call_has_more_values_than_fit_in_memory(monkeypatch):
    """Three draws of a circuit with 12 angles at 25 points, 300 values each: with at most 650, two draws and one."""
    counting = Counting(StatevectorEstimator())
    made = EstimatorGradients(ansatz("hea", 3, 2), OBSERVABLE, counting, precision=0)
    whole = made.kernel(angles(3, ansatz("hea", 3, 2)))
    assert counting.asked.pop()[0][-3:] == (3, 25, 12)
    counting.asked.clear()
    monkeypatch.setattr(estimators, "_MOST_VALUES", 650)
    parts = made.kernel(angles(3, ansatz("hea", 3, 2)))
    assert [shape[-3:] for shape, _ in counting.asked] == [(2, 25, 12), (1, 25, 12)]
    np.testing.assert_allclose(parts, whole, atol=1e-12)


def test_a_fixed_seed_is_refused_only_where_calls_would_repeat_it():
    """Few draws are one call; an estimator without a seed may be asked as often as one likes."""
    few = qntk.sample(ansatz("hea", 2, 1), "Z0", draws=3, gradients=StatevectorEstimator(seed=1), shots=4)
    assert few.kernel.shape == (3,)
    fresh = EstimatorGradients(ansatz("hea", 2, 1), SparsePauliOp("ZI"), StatevectorEstimator(), shots=4)
    assert fresh.repeats == ""


@pytest.mark.parametrize("table", [10, 0], ids=["drawn", "measured"])
def test_shots_have_the_mean_and_the_variance_of_a_measurement(table, monkeypatch):
    """20 shots at 1000 equal points, both halves, drawn from probabilities and measured by Aer, against Qiskit's state.

    Mean, variance and covariance of the halves are each within 4.9 standard errors: false-fail probability 1e-6; a
    variance off by 19 % would be seen. Two groups of strings are read apart, so their variances add.
    """
    monkeypatch.setattr(aer, "_TABLE_QUBITS", table)
    circuit = ansatz("hea", 3, 2)
    theta, points, shots = angles(1, circuit)[0], 1000, 20
    state = Statevector(circuit.assign_parameters(theta))
    simulator = AerSimulator(max_parallel_threads=1)
    values = np.tile(theta, (2, points, 1))
    pub = (circuit, OBSERVABLE, values)
    found = AerShots(simulator, simulator.target, seed=4).run([pub], precision=shots**-0.5).result()[0].data.evs
    mean = state.expectation_value(OBSERVABLE).real
    groups = list(OBSERVABLE[:2].group_commuting(qubit_wise=True))
    spread = sum(
        (state.expectation_value(group @ group) - state.expectation_value(group) ** 2).real for group in groups
    )
    variance = spread / shots
    assert len(groups) == 2
    assert abs(found.mean() - mean) < 4.9 * np.sqrt(variance / found.size)
    seen = ((found - mean) ** 2).mean()
    assert abs(seen - variance) < 4.9 * variance * np.sqrt(3 / found.size)
    assert abs(((found[0] - mean) * (found[1] - mean)).mean()) < 4.9 * variance / np.sqrt(points)
