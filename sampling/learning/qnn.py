"""Re-uploading quantum neural networks: an encoding and an ansatz in every layer, as Qiskit circuits.

Encodings, the features of a point dealt out to the qubits in turn (one feature: every qubit has it), layers ℓ counted
from 0:

    low    RX(πx/(depth - ℓ))       fractions of π, so that the frequencies stay small and dense
    high   RY(πx) RZ(πx²)           each layer adds πx again, so that the largest frequency grows with depth

Ansätze, a parameter each, one qubit without a ring: ``hva`` has RX on each qubit and RZZ on each edge of the ring;
``hea`` RX, ring of CX, RZ, ring of CX, RX, ring of CX. The models of arXiv 2503.01966 are the four products.
x² is an input of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import Statevector

from qntk.sampling.circuits.model import CircuitModel
from qntk.sampling.operators import OperatorLike

Array = NDArray[np.float64]
ENCODINGS = {"low": (1,), "high": (1, 2)}
"""Powers of x that each encoding takes."""
ANSATZE = {"hva": lambda n: n + len(_ring(n)), "hea": lambda n: 3 * n}
"""Parameters a layer from the number of qubits."""
MODELS = tuple(f"{encoding}-{block}" for encoding in ENCODINGS for block in ANSATZE)
"""The names of the models."""


@dataclass(frozen=True, eq=False)
class Qnn:
    """A circuit whose parameters are data or trainable.

    Attributes:
        name: of the model.
        depth: number of layers.
        circuit: on n qubits.
        inputs: the parameters that are data.
        sources: feature and power of each input: input i is x[feature]^power.
    """

    name: str
    depth: int
    circuit: QuantumCircuit
    inputs: tuple[Parameter, ...]
    sources: tuple[tuple[int, int], ...]

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        return int(self.circuit.num_parameters) - len(self.inputs)

    def columns(self, x: Array) -> Array:
        """The circuit's inputs, shape (points, inputs), of points of shape (points, features)."""
        needed = 1 + max(feature for feature, _ in self.sources)
        if x.ndim != 2 or x.shape[1] < needed:
            raise ValueError(f"x has shape {x.shape}; model {self.name} takes (points, {needed})")
        return np.stack([x[:, feature] ** power for feature, power in self.sources], axis=1)

    def model(self, observable: OperatorLike | Statevector, workers: int | None = 1) -> CircuitModel:
        """The compiled model."""
        return CircuitModel(self.circuit, observable, self.inputs, workers)


def build(name: str, qubits: int, depth: int, features: int = 1) -> Qnn:
    """A model of the catalogue.

    Args:
        name: one of ``MODELS``.
        qubits: at least 1.
        depth: layers, at least 1.
        features: of a point, at most one a qubit, so that all are encoded.

    Raises ``ValueError`` for an unknown name or sizes out of range.
    """
    if name not in MODELS:
        raise ValueError(f"model {name!r} is unknown; choose from {', '.join(MODELS)}")
    if qubits < 1 or depth < 1 or not 1 <= features <= qubits:
        raise ValueError(
            f"model {name} takes qubits >= 1, depth >= 1 and 1 to qubits features; "
            f"got qubits {qubits}, depth {depth}, features {features}"
        )
    encoding, _, block = name.partition("-")
    powers = ENCODINGS[encoding]
    inputs = {(f, p): Parameter(f"x{f}" + ("" if p == 1 else f"^{p}")) for f in range(features) for p in powers}
    circuit = QuantumCircuit(qubits)
    angles = iter(ParameterVector("θ", ANSATZE[block](qubits) * depth))
    for layer in range(depth):
        for qubit in range(qubits):
            feature = qubit % features
            if encoding == "low":
                circuit.rx(np.pi / (depth - layer) * inputs[feature, 1], qubit)
            else:
                circuit.ry(np.pi * inputs[feature, 1], qubit)
                circuit.rz(np.pi * inputs[feature, 2], qubit)
        _BLOCKS[block](circuit, lambda: next(angles))
    return Qnn(name, depth, circuit, tuple(inputs.values()), tuple(inputs))


def from_circuit(circuit: QuantumCircuit, inputs: Sequence[Parameter], name: str, depth: int = 1) -> Qnn:
    """A user's circuit, input i being feature i of a point."""
    if not inputs:
        raise ValueError(f"model {name} has no inputs; name the parameters that are data")
    return Qnn(name, depth, circuit, tuple(inputs), tuple((feature, 1) for feature in range(len(inputs))))


def _ring(qubits: int) -> list[tuple[int, int]]:
    return [(q, (q + 1) % qubits) for q in range(qubits if qubits > 2 else qubits - 1)]


def _hva(circuit: QuantumCircuit, angle: Callable[[], Parameter]) -> None:
    for qubit in range(circuit.num_qubits):
        circuit.rx(angle(), qubit)
    for edge in _ring(circuit.num_qubits):
        circuit.rzz(angle(), *edge)


def _hea(circuit: QuantumCircuit, angle: Callable[[], Parameter]) -> None:
    for rotation in (circuit.rx, circuit.rz, circuit.rx):
        for qubit in range(circuit.num_qubits):
            rotation(angle(), qubit)
        for edge in _ring(circuit.num_qubits):
            circuit.cx(*edge)


_BLOCKS = {"hva": _hva, "hea": _hea}
