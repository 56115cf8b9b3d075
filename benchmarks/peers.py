"""Workload W in the words of each library: RY and RZ on every qubit, then a ring of CZ, in each layer; observable Z0.

A contender is made for one size and takes angles of shape (draws, L), ordered as in the circuit; it returns the
gradients, shape (draws, L), by the fastest way that its public interface offers. Ours is timed on whole draws instead:
``run.draw`` makes the angles, all gradients, and K of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Gradients = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def qntk(qubits: int, layers: int) -> Gradients:
    from qiskit.quantum_info import SparsePauliOp

    from qntk.sampling import CircuitEnsemble, ansatz, sample

    circuit = ansatz("hea-cz-ring", qubits, layers)
    ensemble = CircuitEnsemble(circuit, SparsePauliOp("I" * (qubits - 1) + "Z"))

    def run(thetas: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ensemble.model.value_and_gradient(thetas)[1])

    run.draw = lambda draws: sample(ensemble, draws, seed=1)  # type: ignore[attr-defined]
    run.batch = 8 * (os.cpu_count() or 1)  # type: ignore[attr-defined]  # eight draws side by side on each thread
    return run


def qulacs(qubits: int, layers: int) -> Gradients:
    """One circuit, its parameters set for each draw; qulacs rotates by the opposite sign."""
    from qulacs import Observable, ParametricQuantumCircuit

    circuit = ParametricQuantumCircuit(qubits)
    for _ in range(layers):
        for q in range(qubits):
            circuit.add_parametric_RY_gate(q, 0.0)
        for q in range(qubits):
            circuit.add_parametric_RZ_gate(q, 0.0)
        for q in range(qubits):
            circuit.add_CZ_gate(q, (q + 1) % qubits)
    observable = Observable(qubits)
    observable.add_operator(1.0, "Z 0")

    def one(theta: NDArray[np.float64]) -> list[float]:
        for index, angle in enumerate(theta):
            circuit.set_parameter(index, -angle)
        return circuit.backprop(observable)

    return lambda thetas: -np.array([one(theta) for theta in thetas])


def lightning(qubits: int, layers: int) -> Gradients:
    """Adjoint derivatives of tapes, the device's own public method."""
    import pennylane as qml

    device = qml.device("lightning.qubit", wires=qubits)
    config = qml.devices.ExecutionConfig(gradient_method="adjoint")

    def tape(theta: NDArray[np.float64]) -> object:
        operations, angle = [], iter(theta)
        for _ in range(layers):
            operations += [qml.RY(next(angle), q) for q in range(qubits)]
            operations += [qml.RZ(next(angle), q) for q in range(qubits)]
            operations += [qml.CZ([q, (q + 1) % qubits]) for q in range(qubits)]
        measured = [qml.expval(qml.Z(0))]
        return qml.tape.QuantumScript(operations, measured, trainable_params=list(range(len(theta))))

    return lambda thetas: np.array([device.compute_derivatives(tape(theta), config) for theta in thetas])


def tensorcircuit(qubits: int, layers: int) -> Gradients:
    """jit(vmap(grad)) with a scan over layers; without the scan it compiles for minutes. In batches of up to 64."""
    import jax
    import jax.numpy as jnp
    import tensorcircuit as tc

    jax.config.update("jax_enable_x64", True)
    tc.set_backend("jax")
    tc.set_dtype("complex128")

    def layer(state, angles):
        circuit = tc.Circuit(qubits, inputs=state)
        for q in range(qubits):
            circuit.ry(q, theta=angles[q])
        for q in range(qubits):
            circuit.rz(q, theta=angles[qubits + q])
        for q in range(qubits):
            circuit.cz(q, (q + 1) % qubits)
        return circuit.state(), None

    def output(theta):
        start = jnp.zeros(2**qubits, dtype=jnp.complex128).at[0].set(1.0)
        state, _ = jax.lax.scan(layer, start, theta.reshape(layers, 2 * qubits))
        return jnp.real(tc.Circuit(qubits, inputs=state).expectation((tc.gates.z(), [0])))

    gradient = jax.jit(jax.vmap(jax.grad(output)))
    batch = 64 if qubits <= 8 else 8

    def run(thetas: NDArray[np.float64]) -> NDArray[np.float64]:
        padded = np.concatenate([thetas, np.zeros((-len(thetas) % batch, thetas.shape[1]))])
        parts = [np.asarray(gradient(part)) for part in np.split(padded, len(padded) // batch)]
        return np.concatenate(parts)[: len(thetas)]

    run.batch = batch  # type: ignore[attr-defined]
    return run


def aer(qubits: int, layers: int) -> Gradients:
    """Parameter shift on EstimatorV2: what a Qiskit user has."""
    from qiskit.quantum_info import SparsePauliOp

    from qntk.sampling import ansatz
    from qntk.sampling.circuits.aer import aer_gradients

    if qubits > 6:
        raise RuntimeError("takes more than a minute a draw")
    circuit = ansatz("hea-cz-ring", qubits, layers)
    reference = aer_gradients(circuit, SparsePauliOp("I" * (qubits - 1) + "Z"))
    return lambda thetas: reference.value_and_gradient(thetas)[1]


CONTENDERS: dict[str, Callable[[int, int], Gradients]] = {
    "qntk": qntk,
    "qulacs": qulacs,
    "lightning": lightning,
    "tensorcircuit": tensorcircuit,
    "aer": aer,
}
THREADS = os.cpu_count() or 1
