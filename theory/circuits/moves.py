"""What a layer of Clifford gates and Pauli rotations can do to a Pauli string.

As in ``circuits.clifford_frame`` the layer is rotations about Pauli strings Q_1 … Q_M, then one Clifford gate C. In the
Heisenberg picture C takes a string P to C†PC, and a rotation about Q either leaves it (P commutes with Q) or can take
it to iQP. Three kinds of rotation take part:

* a parameter's, with an angle that is uniform and independent: a move;
* a fixed one by an angle that makes it no Clifford gate (data): also a move, but without a parameter, if R anticommutes
  with any of the moves. For let w = exp(-iφR/2). Deep circuits are Haar on the smallest closed group N that holds the
  rotations about Q and w†Qw = cosφ Q + sinφ iRQ, and all that w makes of them. Its Lie algebra holds Q, iRQ and so
  their commutator R: w lies in N, and N is that of a circuit where φ is free;
* one that commutes with every move. It is nothing if it commutes with the observable too. Else it turns the observable
  by φ in each layer, for ever: the mean has no limit, and is refused.

Fixed angles are taken to be in general position. Fixed rotations about one string with only commuting rotations between
them are added first, so that an encoding that is undone is seen as none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import stim
from numpy.typing import NDArray

from qntk.inputs import normal_form as inputs
from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.binary import apply, krylov, matrix_power
from qntk.theory.circuits.clifford_frame import (
    SHARED,
    Gate,
    QuarterTurns,
    Rotation,
    RotationFrame,
    Unitary,
    operation_of,
    pauli_on,
    stim_circuit,
)
from qntk.theory.circuits.pauli_words import Words, anticommute, pack_stim, unpack

FREE = -1
"""Parameter index of a rotation that has none."""


@dataclass(frozen=True)
class FixedRotation:
    """exp(-i angle P/2) with a fixed angle that makes it no Clifford gate; ``pauli`` has a letter for each qubit."""

    pauli: str
    qubits: tuple[int, ...]
    angle: float


Operation = Gate | Unitary | Rotation | QuarterTurns | FixedRotation


@dataclass(frozen=True, eq=False)
class Moves:
    """A layer, as moves of Pauli strings.

    Attributes:
        qubits: number of qubits n.
        strings: packed strings Q in time order, shape (M, 2⌈n/64⌉), those of fixed rotations among them.
        parameters: which parameter turns each rotation, shape (M,), ``FREE`` for none; each occurs once.
        slopes: d angle / d parameter, shape (M,); 0 where there is none.
        clifford: ``stim.Tableau`` of C.
    """

    qubits: int
    strings: Words
    parameters: NDArray[np.int64]
    slopes: NDArray[np.int64]
    clifford: Any

    @classmethod
    def from_frame(cls, frame: RotationFrame) -> Moves:
        """The moves of a circuit that is in its frame already."""
        return cls(frame.qubits, frame.rotations, frame.parameters, frame.slopes, frame.clifford)

    @classmethod
    def from_operations(cls, qubits: int, operations: Iterable[Operation]) -> Moves:
        """The moves of a list of operations in time order.

        Raises ``ValueError`` for what does not fit the qubits, and for parameters other than 0 … L - 1 in one rotation
        each.

        >>> data = [Rotation("Y", (0,), 0), FixedRotation("Z", (0,), 0.3), Gate("cx", (0, 1))]
        >>> Moves.from_operations(2, data).parameters.tolist()
        [0, -1]
        """
        simulator = stim.TableauSimulator()
        simulator.set_num_qubits(qubits)
        inverse: Any = None
        turns: list[_Turn] = []
        for operation in operations:
            if not all(0 <= q < qubits for q in operation.qubits) or len(set(operation.qubits)) < len(operation.qubits):
                raise ValueError(f"{operation} does not fit on {qubits} qubits")
            if isinstance(operation, Unitary):
                simulator.do_tableau(operation.tableau, list(operation.qubits))
                inverse = None
                continue
            if isinstance(operation, Gate | QuarterTurns):
                simulator.do_circuit(stim_circuit(operation))
                inverse = None
                continue
            inverse = simulator.current_inverse_tableau() if inverse is None else inverse
            words, sign = pack_stim(inverse(pauli_on(operation, qubits)))
            if isinstance(operation, Rotation):
                turns.append(_Turn(words, operation.parameter, operation.slope, 0.0))
            else:
                _add_fixed(turns, words, sign * operation.angle)
        turns = [
            turn for turn in turns if turn.parameter != FREE or abs(math.remainder(turn.angle, 2 * math.pi)) > 1e-9
        ]
        parameters = np.array([turn.parameter for turn in turns], dtype=np.int64)
        trained = np.sort(parameters[parameters != FREE])
        if trained.tolist() != list(range(len(trained))):
            raise ValueError(SHARED)
        strings = np.stack([t.words for t in turns]) if turns else np.empty((0, 2 * -(-qubits // 64)), dtype=np.uint64)
        slopes = np.array([turn.slope for turn in turns], dtype=np.int64)
        return cls(qubits, strings, parameters, slopes, simulator.current_inverse_tableau().inverse())

    @classmethod
    def from_form(cls, form: NormalForm) -> Moves:
        """The moves of a circuit in its normal form, with parameters in the order of ``form.parameters``.

        Raises ``ValueError`` for a fixed gate that is neither a Clifford gate nor a Pauli rotation, an angle whose
        slope is not a whole number, and for shared parameters.
        """
        return cls.from_operations(form.qubits, map(_operation, form.operations))

    @cached_property
    def pull_matrix(self) -> NDArray[np.float32]:
        """Bits of C†PC from bits of P, X bits before Z bits, shape (2n, 2n), modulo 2."""
        return _matrix(self.clifford.inverse())

    @cached_property
    def push_matrix(self) -> NDArray[np.float32]:
        """Bits of CPC† from bits of P."""
        return _matrix(self.clifford)

    @cached_property
    def still(self) -> bool:
        """Whether C leaves every string as it is, up to signs."""
        return bool(np.array_equal(self.pull_matrix, np.eye(2 * self.qubits)))

    def pull(self, strings: Words, times: int = 1) -> Words:
        """C†PC of strings of shape (N, 2W), ``times`` over; signs are dropped."""
        return apply(matrix_power(self.pull_matrix, times), strings, self.qubits)

    @cached_property
    def span(self) -> Words:
        """Independent strings that span all moves at every layer, shape (r, 2W)."""
        return self._closure[0]

    @cached_property
    def movers(self) -> Words:
        """The different strings Q, and fixed R that take part, of one layer, shape (m, 2W)."""
        return self._closure[1]

    @cached_property
    def drift(self) -> Words:
        """Fixed rotations that commute with every move, in every layer's frame, shape (k, 2W)."""
        return self._closure[2]

    @cached_property
    def _closure(self) -> tuple[Words, Words, Words]:
        moving = self.parameters != FREE
        while True:
            span = krylov(self.strings[moving], self.pull_matrix, self.qubits)
            met = (
                anticommute(self.strings[:, None], span[None]).any(axis=1) if len(span) else np.zeros(len(moving), bool)
            )
            if not (met & ~moving).any():
                break
            moving |= met
        rest = krylov(self.strings[~moving], self.pull_matrix, self.qubits)
        return span, np.unique(self.strings[moving], axis=0), rest


@dataclass
class _Turn:
    """A rotation in the frame: its string, parameter, slope, and the angle of a fixed one."""

    words: Words
    parameter: int
    slope: int
    angle: float


def _operation(given: inputs.Rotation | inputs.Fixed) -> Operation:
    """What a gate of the normal form is to a layer; T and its like are fixed rotations."""
    if isinstance(given, inputs.Fixed):
        turned = _as_rotation(given)
        return operation_of(given) if turned is None else turned
    if not given.angle.free:
        turns = given.angle.offset / (math.pi / 2)
        if abs(turns - round(turns)) > 1e-9:
            return FixedRotation(given.pauli, given.qubits, given.angle.offset)
    return operation_of(given)


def _as_rotation(given: inputs.Fixed) -> FixedRotation | None:
    """A gate on one qubit that is a rotation about X, Y or Z, and no Clifford gate."""
    if len(given.qubits) != 1:
        return None
    m = given.matrix
    parts = {"X": m[0, 1] + m[1, 0], "Y": 1j * (m[0, 1] - m[1, 0]), "Z": m[0, 0] - m[1, 1]}
    turning = [letter for letter, part in parts.items() if abs(part) > 1e-9]
    if len(turning) != 1:
        return None
    angle = 2 * math.atan2(1.0, (1j * np.trace(m) / parts[turning[0]]).real)
    quarters = angle / (math.pi / 2)
    return None if abs(quarters - round(quarters)) < 1e-9 else FixedRotation(turning[0], given.qubits, angle)


def _matrix(tableau: Any) -> NDArray[np.float32]:
    images = [pack_stim(tableau.x_output(q))[0] for q in range(len(tableau))]
    images += [pack_stim(tableau.z_output(q))[0] for q in range(len(tableau))]
    return unpack(np.stack(images), len(tableau)).astype(np.float32)


def _add_fixed(turns: list[_Turn], words: Words, angle: float) -> None:
    """Add a fixed rotation to an earlier one about the same string, where all between commute; else append it."""
    for turn in reversed(turns):
        if turn.parameter == FREE and np.array_equal(turn.words, words):
            turn.angle += angle
            return
        if anticommute(turn.words, words):
            break
    turns.append(_Turn(words, FREE, 0, angle))
