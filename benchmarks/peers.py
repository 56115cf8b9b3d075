"""A circuit's gradients in the words of each library, by the fastest way that its public interface offers.

A contender is made for one circuit, observable Z0, and takes angles of shape (draws, L) in the order of
``circuit.parameters``; it returns the gradients, shape (draws, L). Ours is timed on whole draws instead: ``run.draw``
makes the angles, all gradients, and K of them. Gates that a library lacks are decomposed as Qiskit defines them; angles
are linear in the parameters, and the chain rule from gates to parameters is one sparse product.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ParameterExpression, QuantumCircuit
from scipy.sparse import csr_array

Array = NDArray[np.float64]
Gradients = Callable[[Array], Array]
_PLAIN = ["h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "cx", "cz", "swap", "unitary"]
_ROTATIONS = ["rx", "ry", "rz", "p", "rxx", "ryy", "rzz"]


class Gate(NamedTuple):
    """A gate on qubits; a rotation has its place among the angles, a plain gate a matrix."""

    name: str
    qubits: list[int]
    angle: int | None
    matrix: NDArray[np.complex128] | None


def gates_of(circuit: QuantumCircuit, also: Sequence[str] = ()) -> tuple[list[Gate], csr_array, Array]:
    """The circuit on few kinds of gates, and angles = J θ + offsets: J of shape (angles, L), and the offsets."""
    flat = circuit
    while others := {*flat.count_ops()} - {*_PLAIN, *_ROTATIONS, *also}:
        flat = flat.decompose(sorted(others))
    gates, offsets, entries = [], [], []
    column = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    for instruction in flat.data:
        name, qubits = instruction.operation.name, [flat.find_bit(q).index for q in instruction.qubits]
        if name in _PLAIN:
            gates.append(Gate(name, qubits, None, np.array(instruction.operation.to_matrix(), complex)))
            continue
        angle = instruction.operation.params[0]
        at_zero = angle
        if isinstance(angle, ParameterExpression):
            entries += [(len(offsets), column[p], float(angle.gradient(p))) for p in angle.parameters]
            at_zero = angle.bind(dict.fromkeys(angle.parameters, 0.0))
        gates.append(Gate("rz" if name == "p" else name, qubits, len(offsets), None))  # up to a global phase
        offsets.append(float(at_zero))
    rows, columns, slopes = zip(*entries, strict=True)
    return gates, csr_array((slopes, (rows, columns)), shape=(len(offsets), len(column))), np.array(offsets)


def one_by_one(gradient: Callable[[Array], Any], jacobian: csr_array, offsets: Array) -> Gradients:
    """Gradients by parameters, draw by draw, from those by a circuit's angles."""

    def run(thetas: Array) -> Array:
        return np.array([np.asarray(gradient(angles)) for angles in (jacobian @ thetas.T).T + offsets]) @ jacobian

    return run


def qntk(circuit: QuantumCircuit, layers: int | None = None) -> Gradients:
    from qiskit.quantum_info import SparsePauliOp

    from qntk.sampling import CircuitEnsemble, sample

    ensemble = CircuitEnsemble(circuit, SparsePauliOp("I" * (circuit.num_qubits - 1) + "Z"))

    def run(thetas: Array) -> Array:
        return np.asarray(ensemble.model.value_and_gradient(thetas)[1])

    run.draw = lambda draws: sample(ensemble, draws, seed=1)  # type: ignore[attr-defined]
    run.batch = 8 * (os.cpu_count() or 1)  # type: ignore[attr-defined]  # eight draws side by side on each thread
    return run


def qulacs(circuit: QuantumCircuit, layers: int | None = None) -> Gradients:
    """One circuit, its parameters set for each draw; qulacs rotates by the opposite sign."""
    from qulacs import Observable, ParametricQuantumCircuit

    gates, jacobian, offsets = gates_of(circuit)
    made = ParametricQuantumCircuit(circuit.num_qubits)
    single = {"rx": made.add_parametric_RX_gate, "ry": made.add_parametric_RY_gate, "rz": made.add_parametric_RZ_gate}
    plain = {"h": made.add_H_gate, "x": made.add_X_gate, "cx": made.add_CNOT_gate, "cz": made.add_CZ_gate}
    for gate in gates:
        if gate.name in single:
            single[gate.name](gate.qubits[0], 0.0)
        elif gate.angle is not None:
            made.add_parametric_multi_Pauli_rotation_gate(gate.qubits, [" xyz".index(gate.name[1])] * 2, 0.0)
        elif gate.name in plain:
            plain[gate.name](*gate.qubits)
        else:
            made.add_dense_matrix_gate(gate.qubits, gate.matrix)
    observable = Observable(circuit.num_qubits)
    observable.add_operator(1.0, "Z 0")

    def gradient(angles: Array) -> Array:
        for index, angle in enumerate(angles):
            made.set_parameter(index, -angle)
        return -np.array(made.backprop(observable))

    return one_by_one(gradient, jacobian, offsets)


def scaluq(circuit: QuantumCircuit, layers: int | None = None) -> Gradients:
    """Backpropagation through one circuit with a named parameter for each angle, in doubles."""
    from scaluq import scaluq_core

    library = scaluq_core.default.f64
    gate, PauliOperator = library.gate, library.PauliOperator
    # Its threads cost more than they bring on small states: the observable and dense gates say where to run.
    space = library if circuit.num_qubits > 12 else scaluq_core.host_serial.f64
    gates, jacobian, offsets = gates_of(circuit)
    made = library.Circuit()
    single = {"rx": gate.ParamRX, "ry": gate.ParamRY, "rz": gate.ParamRZ}
    plain = {"h": gate.H, "x": gate.X, "cx": gate.CX, "cz": gate.CZ}
    for one in gates:
        if one.name in plain:
            made.add_gate(plain[one.name](*one.qubits))
        elif one.angle is None:
            made.add_gate(space.gate.DenseMatrix(one.qubits, one.matrix, is_unitary=True))
        elif one.name in single:
            made.add_param_gate(single[one.name](one.qubits[0]), str(one.angle))
        else:
            rotation = PauliOperator(one.qubits, [" xyz".index(one.name[1])] * 2)
            made.add_param_gate(gate.ParamPauliRotation(rotation), str(one.angle))
    observable, names = space.Operator([PauliOperator("Z 0")]), [str(k) for k in range(len(offsets))]

    def gradient(angles: Array) -> list[float]:
        found = made.compute_expectation_gradient(observable, dict(zip(names, angles, strict=True)))
        return [found[name] for name in names]

    return one_by_one(gradient, jacobian, offsets)


def lightning(circuit: QuantumCircuit, layers: int | None = None) -> Gradients:
    """Adjoint derivatives of tapes, the device's own public method."""
    import pennylane as qml

    gates, jacobian, offsets = gates_of(circuit, also=["crx", "cry", "crz", "cp"])
    device = qml.device("lightning.qubit", wires=circuit.num_qubits)
    config = qml.devices.ExecutionConfig(gradient_method="adjoint")
    rotations = {
        "rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "rxx": qml.IsingXX, "ryy": qml.IsingYY, "rzz": qml.IsingZZ,
        "crx": qml.CRX, "cry": qml.CRY, "crz": qml.CRZ, "cp": qml.ControlledPhaseShift,
    }  # fmt: skip
    named = {"h": qml.Hadamard, "x": qml.X, "cx": qml.CNOT, "cz": qml.CZ, "swap": qml.SWAP}
    plain = [
        None if gate.angle is not None else named[gate.name](gate.qubits) if gate.name in named
        else qml.QubitUnitary(gate.matrix, gate.qubits[::-1])
        for gate in gates
    ]  # fmt: skip
    # A matrix is a parameter of its tape too; the trainable ones are the angles.
    trainable, count = [], 0
    for gate in gates:
        if gate.angle is not None:
            trainable.append(count)
        count += gate.angle is not None or (gate.name not in named)
    measured = [qml.expval(qml.Z(0))]

    def gradient(angles: Array) -> object:
        operations = [
            ready if gate.angle is None else rotations[gate.name](angles[gate.angle], gate.qubits)
            for gate, ready in zip(gates, plain, strict=True)
        ]
        tape = qml.tape.QuantumScript(operations, measured, trainable_params=trainable)
        return device.compute_derivatives(tape, config)

    return one_by_one(gradient, jacobian, offsets)


def tensorcircuit(circuit: QuantumCircuit, layers: int | None = None) -> Gradients:
    """jit(vmap(grad)) with a scan over layers; without the scan it compiles for minutes. In batches of up to 64.

    Workload W only: RY and RZ on every qubit, then a ring of CZ, in each layer.
    """
    if layers is None:
        raise RuntimeError("takes minutes to compile without a scan over equal layers")
    import jax
    import jax.numpy as jnp
    import tensorcircuit as tc

    jax.config.update("jax_enable_x64", True)
    tc.set_backend("jax")
    tc.set_dtype("complex128")
    qubits = circuit.num_qubits

    def layer(state, angles):
        made = tc.Circuit(qubits, inputs=state)
        for q in range(qubits):
            made.ry(q, theta=angles[q])
        for q in range(qubits):
            made.rz(q, theta=angles[qubits + q])
        for q in range(qubits):
            made.cz(q, (q + 1) % qubits)
        return made.state(), None

    def output(theta):
        start = jnp.zeros(2**qubits, dtype=jnp.complex128).at[0].set(1.0)
        state, _ = jax.lax.scan(layer, start, theta.reshape(layers, 2 * qubits))
        return jnp.real(tc.Circuit(qubits, inputs=state).expectation((tc.gates.z(), [0])))

    gradient = jax.jit(jax.vmap(jax.grad(output)))
    batch = 64 if qubits <= 8 else 8

    def run(thetas: Array) -> Array:
        padded = np.concatenate([thetas, np.zeros((-len(thetas) % batch, thetas.shape[1]))])
        parts = [np.asarray(gradient(part)) for part in np.split(padded, len(padded) // batch)]
        return np.concatenate(parts)[: len(thetas)]

    run.batch = batch  # type: ignore[attr-defined]
    return run


def aer(circuit: QuantumCircuit, layers: int | None = None) -> Gradients:
    """Parameter shift on EstimatorV2: what a Qiskit user has."""
    from qiskit.quantum_info import SparsePauliOp

    from qntk.sampling.circuits.aer import aer_gradients

    if circuit.num_qubits > 6:
        raise RuntimeError("takes more than a minute a draw")
    reference = aer_gradients(circuit, SparsePauliOp("I" * (circuit.num_qubits - 1) + "Z"))
    return lambda thetas: reference.value_and_gradient(thetas)[1]


CONTENDERS: dict[str, Callable[[QuantumCircuit, int | None], Gradients]] = {
    "qntk": qntk,
    "qulacs": qulacs,
    "lightning": lightning,
    "scaluq": scaluq,
    "tensorcircuit": tensorcircuit,
    "aer": aer,
}
