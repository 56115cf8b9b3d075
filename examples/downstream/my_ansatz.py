"""An ansatz that qntk does not know: RY and RZ on every qubit, then a ring of CX."""

from qiskit.circuit import ParameterVector, QuantumCircuit


def my_ansatz(qubits: int, layers: int) -> QuantumCircuit:
    """2 · qubits · layers parameters, each the angle of one rotation."""
    circuit, angles = QuantumCircuit(qubits), iter(ParameterVector("θ", 2 * qubits * layers))
    for _ in range(layers):
        for qubit in range(qubits):
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)
        for qubit in range(qubits):
            circuit.cx(qubit, (qubit + 1) % qubits)
    return circuit
