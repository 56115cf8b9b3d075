"""A circuit of Clifford gates and Pauli rotations, with every Clifford gate moved to its end.

Let C_ℓ be the product of the Clifford gates before the ℓ-th rotation and P_ℓ its Pauli string. Since exp(-iθP_ℓ/2) C_ℓ
= C_ℓ exp(-iθQ_ℓ/2) with Q_ℓ = C_ℓ† P_ℓ C_ℓ, the circuit is

    U = C · exp(-iθ_L Q_L/2) … exp(-iθ_1 Q_1/2),

C being all its Clifford gates, and its observable becomes C†OC. The signs of the Q_ℓ are those of the angles; with
angles uniform on a whole turn they drop out. Tableaus come from stim: C. Gidney, Quantum 5, 497 (2021).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import stim
from numpy.typing import NDArray

from qntk.inputs import normal_form as inputs
from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.pauli_words import Words, pack_stim

SHARED = (
    "each parameter must turn exactly one rotation; here one turns several, or none: give each rotation its own, or "
    "draw K (qntk.sample)"
)
CLIFFORDS = {
    "id": "I", "x": "X", "y": "Y", "z": "Z", "h": "H", "s": "S", "sdg": "S_DAG", "sx": "SQRT_X", "sxdg": "SQRT_X_DAG",
    "cx": "CX", "cy": "CY", "cz": "CZ", "swap": "SWAP", "iswap": "ISWAP",
}  # fmt: skip
"""Qiskit's names of Clifford gates, and stim's."""


@dataclass(frozen=True)
class Gate:
    """A Clifford gate, by its name in ``CLIFFORDS``."""

    name: str
    qubits: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Unitary:
    """A Clifford gate given as a ``stim.Tableau``."""

    tableau: Any
    qubits: tuple[int, ...]


@dataclass(frozen=True)
class Rotation:
    """exp(-i a P/2) with the angle a = slope · θ + constant, the parameter θ given by its index.

    ``pauli`` has a letter for each of ``qubits``, in their order.
    """

    pauli: str
    qubits: tuple[int, ...]
    parameter: int
    slope: int = 1


@dataclass(frozen=True)
class QuarterTurns:
    """exp(-i turns π P/4), a Clifford gate."""

    pauli: str
    qubits: tuple[int, ...]
    turns: int


Operation = Gate | Unitary | Rotation | QuarterTurns


@dataclass(frozen=True, eq=False)
class RotationFrame:
    """The rotations of a circuit in the frame of its beginning, and the Clifford gate at its end.

    Attributes:
        qubits: number of qubits n.
        rotations: packed strings Q_ℓ in time order, shape (L, 2⌈n/64⌉).
        parameters: which parameter turns each rotation, shape (L,); each occurs once.
        slopes: d angle / d parameter of each rotation, shape (L,).
        clifford: ``stim.Tableau`` of C.
    """

    qubits: int
    rotations: Words
    parameters: NDArray[np.int64]
    slopes: NDArray[np.int64]
    clifford: Any

    @classmethod
    def from_operations(cls, qubits: int, operations: Iterable[Operation]) -> RotationFrame:
        """The frame of a list of operations in time order.

        Raises ``ValueError`` for an unknown gate, a qubit out of range, a Pauli that does not fit its qubits, or
        parameters other than 0 … L - 1 in one rotation each.

        >>> frame = RotationFrame.from_operations(2, [Gate("h", (0,)), Rotation("Z", (0,), 0), Gate("cx", (0, 1))])
        >>> frame.rotations.tolist()
        [[1, 0]]
        """
        simulator = stim.TableauSimulator()
        simulator.set_num_qubits(qubits)
        inverse: Any = None
        turned: list[tuple[Words, int, int]] = []
        for operation in operations:
            if not all(0 <= q < qubits for q in operation.qubits) or len(set(operation.qubits)) < len(operation.qubits):
                raise ValueError(f"{operation} does not fit on {qubits} qubits")
            if not isinstance(operation, Rotation):
                if isinstance(operation, Unitary):
                    simulator.do_tableau(operation.tableau, list(operation.qubits))
                else:
                    simulator.do_circuit(stim_circuit(operation))
                inverse = None
                continue
            inverse = simulator.current_inverse_tableau() if inverse is None else inverse
            turned.append((pack_stim(inverse(pauli_on(operation, qubits)))[0], operation.parameter, operation.slope))
        parameters = np.array([p for _, p, _ in turned], dtype=np.int64)
        if sorted(parameters.tolist()) != list(range(len(turned))):
            raise ValueError(SHARED)
        empty = np.empty((0, 2 * -(-qubits // 64)), dtype=np.uint64)
        rotations = np.stack([q for q, _, _ in turned]) if turned else empty
        slopes = np.array([s for _, _, s in turned], dtype=np.int64)
        return cls(qubits, rotations, parameters, slopes, simulator.current_inverse_tableau().inverse())

    @classmethod
    def from_form(cls, form: NormalForm) -> RotationFrame:
        """The frame of a circuit in its normal form, with parameters in the order of ``form.parameters``.

        Raises ``ValueError`` for a fixed gate that is no Clifford gate, a fixed rotation by other than quarter turns,
        an angle whose slope is not a whole number, and for shared parameters.
        """
        return cls.from_operations(form.qubits, map(operation_of, form.operations))

    def pull_back(self, label: str) -> tuple[Words, int]:
        """C†PC of a Pauli label (leftmost letter on the highest qubit): its words and sign ±1."""
        string = self.clifford.inverse()(stim.PauliString(label[::-1].replace("I", "_")))
        return pack_stim(string)


def frame_of(circuit: RotationFrame | NormalForm) -> RotationFrame:
    """The frame of a circuit in either form; ``TypeError`` for anything else."""
    if isinstance(circuit, NormalForm):
        return RotationFrame.from_form(circuit)
    if not isinstance(circuit, RotationFrame):
        raise TypeError(
            f"a circuit here is a NormalForm or a RotationFrame, not a {type(circuit).__name__}; "
            "give qntk.inputs.reader.read_circuit(circuit)"
        )
    return circuit


def operation_of(given: inputs.Rotation | inputs.Fixed) -> Operation:
    """What a gate of the normal form is to the frame."""
    if isinstance(given, inputs.Fixed):
        tableau = _tableau(given.matrix.tobytes(), len(given.matrix))
        if tableau is None:
            raise ValueError(
                f"gate {given.label!r} on qubits {given.qubits} is neither a Clifford gate nor a Pauli rotation: "
                "write it in rotations (qiskit.transpile to rz, sx and cx), or draw K (qntk.sample)"
            )
        return Unitary(tableau, given.qubits)
    angle = given.angle
    if not angle.free:
        turns = angle.offset / (math.pi / 2)
        if not abs(turns - round(turns)) < 1e-9:
            raise ValueError(
                f"a fixed rotation by {angle.offset:.6g} on qubits {given.qubits} is not a Clifford gate: give quarter "
                "turns, or draw K (qntk.sample)"
            )
        return QuarterTurns(given.pauli, given.qubits, round(turns) % 4)
    if len(angle.slopes) != 1:
        raise ValueError(f"angle {angle.source} must be linear in one parameter, else draw K (qntk.sample)")
    ((parameter, slope),) = angle.slopes
    if slope == 0 or slope != round(slope):
        raise ValueError(f"angle {angle.source} must have a whole slope to be uniform on a turn: draw K (qntk.sample)")
    return Rotation(given.pauli, given.qubits, parameter, round(slope))


@lru_cache(maxsize=256)
def _tableau(matrix: bytes, dimension: int) -> Any:
    """That of a Clifford matrix, its first qubit least significant; None for another matrix."""
    array = np.frombuffer(matrix, dtype=complex).reshape(dimension, dimension)
    try:
        return stim.Tableau.from_unitary_matrix(array, endian="little")
    except ValueError:
        return None


def pauli_on(operation: Any, qubits: int) -> Any:
    """The Pauli string of a rotation, which has ``pauli`` and ``qubits``, on all qubits."""
    if len(operation.pauli) != len(operation.qubits) or set(operation.pauli) - set("XYZ"):
        raise ValueError(f"{operation}: give one letter X, Y or Z for each qubit")
    string = stim.PauliString(qubits)
    for letter, qubit in zip(operation.pauli, operation.qubits, strict=True):
        string[qubit] = letter
    return string


def stim_circuit(operation: Gate | QuarterTurns) -> Any:
    """A Clifford gate for stim; its SPP is exp(-iπP/4) up to a phase."""
    circuit = stim.Circuit()
    if isinstance(operation, QuarterTurns):
        product = "*".join(f"{p}{q}" for p, q in zip(operation.pauli, operation.qubits, strict=True))
        return stim.Circuit(f"SPP {product}\n" * (operation.turns % 4))
    if operation.name not in CLIFFORDS:
        raise ValueError(f"gate {operation.name!r} is unknown; choose from {', '.join(CLIFFORDS)}")
    try:
        circuit.append(CLIFFORDS[operation.name], operation.qubits)
    except ValueError as error:
        raise ValueError(f"{operation} has the wrong number of qubits") from error
    return circuit
