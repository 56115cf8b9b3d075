"""The Aer engine: exact, with shots, with noise; and the bias of K from shots."""

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qntk.sampling import CircuitEnsemble, CircuitModel, ansatz, sample
from qntk.sampling.circuits.aer import AerGradients

OBSERVABLE = SparsePauliOp(["ZI", "XX"], [1.0, 0.5])


def test_the_exact_engine_draws_the_same_kernels():
    circuit = ansatz("hea", 2, 1)
    reference, fast = (
        sample(CircuitEnsemble(circuit, OBSERVABLE, engine=engine), 6, seed=3) for engine in ("aer", "adjoint")
    )
    np.testing.assert_allclose(reference.kernel, fast.kernel, atol=1e-10)
    np.testing.assert_allclose(reference.output, fast.output, atol=1e-10)


def test_kernels_from_shots_are_unbiased_and_the_naive_ones_are_not():
    """400 estimates at one point, 10 shots: 4.9 standard errors, false-fail probability 1e-6.

    The naive bias, about 0.2 on a spread of 0.5, is some eight standard errors; two thirds of it would be seen.
    """
    circuit = ansatz("hea", 2, 1)
    theta = np.array([0.4, 1.1, 2.0, 0.3])
    exact = CircuitModel(circuit, OBSERVABLE).kernel(theta[None])[0]
    aer = AerGradients(circuit, OBSERVABLE, shots=10)
    thetas = np.tile(theta, (400, 1))
    honest, naive = (aer.kernel(thetas, seed=5, unbiased=u)[1] for u in (True, False))
    z = [(k.mean() - exact) / (k.std() / len(k) ** 0.5) for k in (honest, naive)]
    assert abs(z[0]) < 4.9
    assert z[1] > 4.9, "negative control: the bias must be seen"


def test_shots_depend_on_the_seed_alone():
    ensemble = CircuitEnsemble(ansatz("hea", 2, 1), OBSERVABLE, engine="aer", shots=20)
    one, same, other = (sample(ensemble, 4, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.kernel, same.kernel)
    assert not np.array_equal(one.kernel, other.kernel)


def test_depolarising_noise_shrinks_a_gradient_by_what_it_should():
    """RY then depolarising by p: <Z> and its gradient shrink by 1 - p, exactly."""
    circuit = QuantumCircuit(1)
    circuit.ry(2 * Parameter("a"), 0)
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["ry"])
    values, gradient = AerGradients(circuit, SparsePauliOp("Z"), noise_model=noise).value_and_gradient(
        np.array([[0.4]])
    )
    assert values[0] == pytest.approx(0.8 * np.cos(0.8), abs=1e-10)
    assert gradient[0, 0] == pytest.approx(-0.8 * 2 * np.sin(0.8), abs=1e-10)


def shared():
    circuit, a = QuantumCircuit(1), Parameter("a")
    circuit.rx(a, 0)
    circuit.ry(a, 0)
    return circuit


def controlled():
    circuit = QuantumCircuit(2)
    circuit.crx(Parameter("a"), 0, 1)
    return circuit


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: AerGradients(shared(), SparsePauliOp("Z")), "two-term"),
        (lambda: AerGradients(controlled(), SparsePauliOp("ZI")), "two-term"),
        (lambda: AerGradients(ansatz("hea", 2, 1), np.eye(4)), "Pauli sums"),
        (lambda: AerGradients(ansatz("hea", 2, 1), OBSERVABLE, shots=1), "at least 2"),
        (lambda: CircuitEnsemble(ansatz("hea", 2, 1), OBSERVABLE, shots=10), "engine='aer'"),
        (lambda: CircuitEnsemble(ansatz("hea", 2, 1), OBSERVABLE, engine="lightning"), "unknown"),
    ],
)
def test_bad_requests_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
