"""Aer's noise models in Pauli paths, against Aer's own density matrices on an exact grid of angles."""

import itertools

import numpy as np
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error, depolarizing_error, pauli_error
from qiskit_aer.primitives import EstimatorV2

from qntk import predict_circuit


def circuit():
    made = QuantumCircuit(2)
    theta = ParameterVector("θ", 4)
    made.ry(theta[0], 0)
    made.rx(theta[1], 1)
    made.cx(0, 1)
    made.s(1)
    made.rzz(theta[2], 1, 0)
    made.cx(1, 0)
    made.ry(theta[3], 0)
    return made


def model():
    made = NoiseModel()
    made.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    made.add_all_qubit_quantum_error(pauli_error([("X", 0.1), ("Z", 0.05), ("I", 0.85)]), ["ry", "s"])
    made.add_quantum_error(pauli_error([("Y", 0.2), ("I", 0.8)]), ["ry"], [0])
    made.add_all_qubit_quantum_error(pauli_error([("XZ", 0.2), ("IY", 0.1), ("II", 0.7)]), ["rzz"])
    return made


def brute(label, noise):
    """E K by parameter shift over four angles a turn, exact for products of two: the shifts lie on the grid."""
    options = {"noise_model": noise, "method": "density_matrix"}
    estimator = EstimatorV2(options={"default_precision": 0.0, "backend_options": options})
    grid = np.array(list(itertools.product(np.arange(4) * np.pi / 2, repeat=4)))
    result = estimator.run([(circuit(), SparsePauliOp(label), grid)]).result()[0].data.evs.reshape((4,) * 4)
    return sum(np.mean(((np.roll(result, -1, k) - np.roll(result, 1, k)) / 2) ** 2) for k in range(4))


@pytest.mark.parametrize("label", ["IZ", "XZ"])
def test_against_density_matrices(label):
    found = predict_circuit(circuit(), label, noise=model()).document["mean"]
    assert found["exact"] == pytest.approx(brute(label, model()), rel=1e-9)
    assert found["exact"] < 0.9 * found["noiseless"], "negative control: noise is not left out"
    assert found["exact"] != pytest.approx(brute(label, NoiseModel()), rel=0.05)


def test_what_is_no_pauli_channel_is_named():
    damped, read, elsewhere = NoiseModel(), model(), NoiseModel()
    damped.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["ry"])
    read.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.1, 0.9]]))
    elsewhere.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["sx"])
    for noise, words in (
        (damped, "error on gate 'ry' is no Pauli channel"),
        (read, "readout error"),
        (elsewhere, "noise on sx, and the circuit has none"),
    ):
        with pytest.raises(ValueError, match=words):
            predict_circuit(circuit(), "IZ", noise=noise)
    with pytest.raises(TypeError, match="NoiseModel"):
        predict_circuit(circuit(), "IZ", noise=0.1)
