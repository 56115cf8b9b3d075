"""A circuit as everything here reads it: Pauli rotations and fixed unitaries on numbered qubits, and nothing else.

No Qiskit in these types, so that the theory may take them as well as the sampler. Global phases are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Angle:
    """The angle a of a rotation: offset + Σ slope·θ where it is linear in the parameters.

    Attributes:
        slopes: parameter (its place in ``NormalForm.parameters``) and da/dθ, none twice; empty if it is not linear.
        offset: a at zero; 0 if it is not linear.
        source: the number or expression that it came from.
        linear: whether the above is all of it.
    """

    slopes: tuple[tuple[int, float], ...]
    offset: float
    source: Any
    linear: bool = True

    @property
    def free(self) -> bool:
        """Whether it depends on a parameter."""
        return bool(self.slopes) or not self.linear


@dataclass(frozen=True)
class Rotation:
    """exp(-i a P/2), the Pauli string P given by a letter for each of ``qubits``, in their order."""

    pauli: str
    qubits: tuple[int, ...]
    angle: Angle


@dataclass(frozen=True, eq=False)
class Fixed:
    """A unitary without parameters.

    Attributes:
        qubits: the first is the least significant in the matrix, as in Qiskit.
        matrix: complex128, shape (2^k, 2^k) for k qubits.
        kind: ``cx`` (control first) or ``cz`` for these, which are known without looking at the matrix; else empty.
        label: what its author called it, for messages alone.
    """

    qubits: tuple[int, ...]
    matrix: NDArray[np.complex128]
    kind: str = ""
    label: str = "unitary"


@dataclass(frozen=True)
class NormalForm:
    """A circuit.

    Attributes:
        qubits: number of qubits n; qubit 0 is Qiskit's first, the rightmost letter of a label.
        parameters: names, in the order of ``QuantumCircuit.parameters``.
        operations: in time order.
        sources: the parameters themselves, as Qiskit has them.
        inputs: which of the parameters are data, by their places, in the order of the columns of x.
    """

    qubits: int
    parameters: tuple[str, ...]
    operations: tuple[Rotation | Fixed, ...]
    sources: tuple[Any, ...]
    inputs: tuple[int, ...] = ()

    @property
    def weights(self) -> tuple[int, ...]:
        """Places of the trainable parameters, all that are no data, in the order of θ."""
        data = set(self.inputs)
        return tuple(place for place in range(len(self.parameters)) if place not in data)
