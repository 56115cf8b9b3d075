"""Reference gradients: the parameter-shift rule on Aer's exact estimator. Slow; for tests and for trust."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.primitives import EstimatorV2


def parameter_shift(
    circuit: QuantumCircuit, observable: SparsePauliOp, thetas: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Outputs (draws,) and gradients (draws, L) from 2L + 1 exact expectation values a draw.

    Holds where every parameter enters one rotation exp(-iθP/2): ∂f = [f(θ + π/2) - f(θ - π/2)] / 2.

    Args:
        circuit: parameterised circuit; fixed gates are decomposed for Aer where needed.
        observable: Pauli sum on the circuit's qubits.
        thetas: shape (draws, L), in the order of ``circuit.parameters``.
    """
    draws, parameters = thetas.shape
    shifts = np.concatenate([np.zeros((1, parameters)), np.eye(parameters), -np.eye(parameters)]) * np.pi / 2
    points = (thetas[:, None, :] + shifts).reshape(-1, parameters)
    estimator = EstimatorV2(options={"default_precision": 0.0})
    result = estimator.run([(circuit, observable, points)]).result()[0].data.evs.reshape(draws, -1)
    return result[:, 0], (result[:, 1 : parameters + 1] - result[:, parameters + 1 :]) / 2
