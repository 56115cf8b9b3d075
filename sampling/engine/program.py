"""A circuit compiled to a flat program: Pauli rotations and fixed gates, one row each.

A rotation is exp(-i a P/2) with a = Σ_p J_ap θ_p + offset, so parameters may be shared between gates and enter with
any real factor. An angle that is not linear gets a column of its own behind the parameters, which the caller fills
with its value and from which it takes the derivative. Qubit q is bit q of the amplitude index (Qiskit's little-endian
order); parameters come in ``circuit.parameters`` order. Global phases are dropped: no expectation value sees them.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from scipy.sparse import csr_array

from qntk.inputs.normal_form import Fixed, NormalForm, Rotation
from qntk.inputs.reader import read_circuit
from qntk.sampling.engine.expressions import Nonlinear, nonlinear
from qntk.sampling.engine.schedule import WHOLE, block, groups_of, side_by_side, widest

DIAGONAL, REAL, IMAGINARY, CX, CZ, DENSE, MERGED, PAIR, CYCLES = range(9)
"""Kinds of row: rotation with a diagonal, a real or an imaginary off-diagonal; fixed gates; merged diagonals, pairs of
RX or RY, and permutations."""

_WORTH_MERGING = 3
"""Diagonal gates in a row from which on one pass over a merged diagonal is cheaper than a pass each."""


@dataclass(frozen=True)
class Program:
    """Flat program of a circuit.

    Attributes:
        qubits: number of qubits n.
        rows: int64, shape (gates, 5). Rotations: kind, X mask, Z mask, sign, angle index. CX, CZ: kind, control mask,
            target mask, 0, 0. Dense: kind, qubit count, offset into ``wires``, offset into ``matrices``, 0. Merged:
            kind, first and number of ``members``, offset into ``signs`` or -1, how many members act on one qubit: they
            come first, from the lowest qubit. Pair: kind, bit of the first
            rotation, bit of the second, 1 and 2 for which are RY, first of its ``members``. Cycles: kind, first and
            number of their entries in ``wires``, 0, 0.
        wires: int64, the qubits of dense gates, first qubit least significant; the cycles of merged CX gates, of each
            its length and the indices that an amplitude goes through.
        matrices: complex128, the entries of dense gates, row-major.
        members: int64, shape (rotations in merged rows, 2): Z mask, angle index.
        signs: the fixed ±1 diagonals of merged CZ gates, D entries each.
        jacobian: shape (angles, columns), d angle / d column; columns are the parameters, then the nonlinear angles.
        offsets: shape (angles,), the angles at zero.
        nonlinear: the nonlinear angles, in the order of their columns.
        groups: int64, shape (groups, 4), where the state is not worked on as a whole: first and last row, and the masks
            of active qubits and lanes; those rows, and what they refer to, count active qubits alone, from the lowest.
    """

    qubits: int
    rows: NDArray[np.int64]
    wires: NDArray[np.int64]
    matrices: NDArray[np.complex128]
    members: NDArray[np.int64]
    signs: NDArray[np.float64]
    jacobian: csr_array
    offsets: NDArray[np.float64]
    nonlinear: tuple[Nonlinear, ...]
    groups: NDArray[np.int64]

    @property
    def parameters(self) -> int:
        """Number of the circuit's parameters."""
        return self.columns - len(self.nonlinear)

    @property
    def columns(self) -> int:
        """Number of columns: parameters and nonlinear angles."""
        return int(self.jacobian.shape[1])

    def reach(self, largest: NDArray[np.float64]) -> float:
        """A bound on the size of all gates' angles, given one on that of each column."""
        return float((self._slopes @ largest + np.abs(self.offsets)).max(initial=0.0))

    @cached_property
    def _slopes(self) -> csr_array:
        return abs(self.jacobian)


def compile_circuit(circuit: QuantumCircuit | NormalForm, merge: bool = True, whole: bool = False) -> Program:
    """The program of a parameterised unitary circuit.

    With ``merge``, neighbouring diagonal gates (RZ, RZZ, CZ, …) become one diagonal, neighbouring CX one permutation,
    and neighbouring RX or RY on different qubits go in pairs; on many qubits, within groups (``schedule``), unless the
    state is to be worked on as a ``whole``. Without, every gate is a row. What a gate is, ``qntk.inputs.reader`` says;
    errors are its own, and a ``ValueError`` for a circuit without parameters.
    """
    if isinstance(circuit, QuantumCircuit):
        circuit = read_circuit(circuit)
    if not circuit.parameters:
        raise ValueError("the circuit has no parameters; a tangent kernel needs at least one")
    compiler = _Compiler(circuit)
    if merge and not whole and compiler.groupable():
        compiler.group()
    elif merge:
        compiler.join()
    return compiler.finish()


class _Compiler:
    """Collects the rows of a normal form."""

    def __init__(self, form: NormalForm) -> None:
        self.qubits = self.width = form.qubits
        self.groups: list[tuple[int, int, int, int]] = []
        self.column = {parameter: index for index, parameter in enumerate(form.sources)}
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.wires: list[int] = []
        self.matrices: list[NDArray[np.complex128]] = []
        self.entries_of_matrices = 0
        self.members: list[tuple[int, int]] = []
        self.signs: dict[frozenset[tuple[int, int]], int] = {}
        self.permuted: dict[tuple[tuple[int, int], ...], tuple[int, int]] = {}
        self.offsets: list[float] = []
        self.entries: list[tuple[int, int, float]] = []
        self.nonlinear: list[Nonlinear] = []
        for operation in form.operations:
            if isinstance(operation, Rotation):
                self.rotation(operation)
            elif operation.kind:
                control, target = operation.qubits
                self.rows.append((CX if operation.kind == "cx" else CZ, 1 << control, 1 << target, 0, 0))
            else:
                self.dense(operation)

    def rotation(self, operation: Rotation) -> None:
        letters = list(zip(operation.qubits, operation.pauli, strict=True))
        x = sum(1 << wire for wire, letter in letters if letter in "XY")
        z = sum(1 << wire for wire, letter in letters if letter in "ZY")
        y = (x & z).bit_count()
        kind = DIAGONAL if x == 0 else REAL if y % 2 else IMAGINARY
        self.rows.append((kind, x, z, 1 if y % 4 < 2 else -1, len(self.offsets)))
        angle = operation.angle
        if angle.linear:
            self.entries += [(len(self.offsets), column, slope) for column, slope in angle.slopes]
        else:
            self.entries.append((len(self.offsets), len(self.column) + len(self.nonlinear), 1.0))
            self.nonlinear.append(nonlinear(angle.source, self.column))
        self.offsets.append(angle.offset)

    def dense(self, operation: Fixed) -> None:
        self.rows.append((DENSE, len(operation.qubits), len(self.wires), self.entries_of_matrices, 0))
        self.wires.extend(operation.qubits)
        self.matrices.append(operation.matrix)
        self.entries_of_matrices += operation.matrix.size

    def merge(self) -> None:
        """Replace each long enough run of diagonal rows by one."""
        merged: list[tuple[int, int, int, int, int]] = []
        for diagonal, run in itertools.groupby(self.rows, key=lambda row: row[0] in (DIAGONAL, CZ)):
            rows = list(run)
            if not diagonal or len(rows) < _WORTH_MERGING:
                merged += rows
                continue
            rotations = [(z, angle) for kind, _, z, _, angle in rows if kind == DIAGONAL]
            pairs = Counter((a, b) if a < b else (b, a) for kind, a, b, _, _ in rows if kind == CZ)
            odd = frozenset(pair for pair, times in pairs.items() if times % 2)
            offset = self.signs.setdefault(odd, len(self.signs) << self.width) if odd else -1
            rotations.sort(key=lambda member: (not _is_bit(member[0]), member[0] if _is_bit(member[0]) else 0))
            single = sum(_is_bit(z) for z, _ in rotations)
            merged.append((MERGED, len(self.members), len(rotations), offset, single))
            self.members += rotations
        self.rows = merged

    def permute(self) -> None:
        """Replace each run of CX by one permutation, the same runs by the same."""
        found: list[tuple[int, int, int, int, int]] = []
        for moves, run in itertools.groupby(self.rows, key=lambda row: row[0] == CX):
            rows = list(run)
            if not moves or len(rows) < 2:
                found += rows
                continue
            gates = tuple((control, target) for _, control, target, _, _ in rows)
            if gates not in self.permuted:
                start = len(self.wires)
                self.wires += _cycles(gates, self.width)
                self.permuted[gates] = start, len(self.wires) - start
            found.append((CYCLES, *self.permuted[gates], 0, 0))
        self.rows = found

    def pair(self) -> None:
        """Join each two neighbouring single-qubit RX or RY on different qubits."""
        paired: list[tuple[int, int, int, int, int]] = []
        for row in self.rows:
            last = paired[-1] if paired else row
            if _is_turn(last) and _is_turn(row) and last[1] != row[1]:
                flags = (last[0] == REAL) + 2 * (row[0] == REAL)
                paired[-1] = (PAIR, last[1], row[1], flags, len(self.members))
                self.members += [(0, last[4]), (0, row[4])]
            else:
                paired.append(row)
        self.rows = paired

    def support(self, row: tuple[int, int, int, int, int]) -> int:
        """Mask of the qubits that a row acts on."""
        if row[0] == DENSE:
            return sum(1 << wire for wire in self.wires[row[2] : row[2] + row[1]])
        return row[1] | row[2]

    def join(self) -> None:
        """Merge and pair gates as they stand, or put side by side first, whichever leaves fewer rows."""
        rows, supports = self.rows, [self.support(row) for row in self.rows]
        diagonal, turns = [row[0] in (DIAGONAL, CZ) for row in rows], [_is_turn(row) for row in rows]
        sorted_rows = [rows[i] for i in side_by_side(range(len(rows)), supports, diagonal, turns)]
        if _joined(sorted_rows) < _joined(rows):
            self.rows = sorted_rows
        self.merge()
        self.permute()
        self.pair()

    def groupable(self) -> bool:
        """Whether the state is too large for a cache, and no gate is too wide for a group."""
        return self.qubits > WHOLE and all(self.support(row).bit_count() <= widest(self.qubits) for row in self.rows)

    def group(self) -> None:
        """Put rows into groups that act on few qubits, and merge and pair within each."""
        rows = self.rows
        done: list[tuple[int, int, int, int, int]] = []
        self.width = block(self.qubits)
        diagonal = [row[0] in (DIAGONAL, CZ) for row in rows]
        for group in groups_of([self.support(row) for row in rows], diagonal, self.qubits):
            active = [qubit for qubit in range(self.qubits) if group.active >> qubit & 1]
            local = {qubit: place for place, qubit in enumerate(active)}
            self.rows = [self.localised(rows[place], local) for place in group.members]
            self.join()
            self.groups.append((len(done), len(done) + len(self.rows), group.active, group.lanes))
            done += self.rows
        self.rows = done

    def localised(
        self, row: tuple[int, int, int, int, int], local: Mapping[int, int]
    ) -> tuple[int, int, int, int, int]:
        """A row on the qubits of a group alone."""
        if row[0] == DENSE:
            start = len(self.wires)
            self.wires += [local[wire] for wire in self.wires[row[2] : row[2] + row[1]]]
            return (DENSE, row[1], start, row[3], row[4])
        masks = (sum(1 << place for qubit, place in local.items() if mask >> qubit & 1) for mask in row[1:3])
        return (row[0], *masks, row[3], row[4])  # type: ignore[return-value]

    def finish(self) -> Program:
        index = np.array([(row, column) for row, column, _ in self.entries], dtype=np.int64).reshape(-1, 2)
        slopes = np.array([slope for _, _, slope in self.entries])
        shape = (len(self.offsets), len(self.column) + len(self.nonlinear))
        return Program(
            self.qubits,
            np.array(self.rows, dtype=np.int64).reshape(-1, 5),
            np.array(self.wires, dtype=np.int64),
            np.concatenate([m.ravel() for m in self.matrices] or [np.empty(0, np.complex128)]),
            np.array(self.members, dtype=np.int64).reshape(-1, 2),
            np.concatenate([self.sign_table(pairs) for pairs in self.signs] or [np.empty(0)]),
            csr_array((slopes, (index[:, 0], index[:, 1])), shape=shape),
            np.array(self.offsets),
            tuple(self.nonlinear),
            np.array(self.groups, dtype=np.int64).reshape(-1, 4),
        )

    def sign_table(self, pairs: frozenset[tuple[int, int]]) -> NDArray[np.float64]:
        index = np.arange(1 << self.width)
        signs = np.ones(len(index))
        for a, b in pairs:
            signs[(index & a != 0) & (index & b != 0)] *= -1.0
        return signs


def _cycles(gates: Sequence[tuple[int, int]], width: int) -> list[int]:
    """The cycles of CX gates on basis states, each with its length before it; fixed points are left out."""
    image = np.arange(1 << width)
    for control, target in gates:
        image ^= np.where(image & control, target, 0)
    found: list[int] = []
    seen = image == np.arange(1 << width)
    for start in np.flatnonzero(~seen).tolist():
        cycle = []
        while not seen[start]:
            seen[start] = True
            cycle.append(start)
            start = int(image[start])
        found += [len(cycle), *cycle] if cycle else []
    return found


def _joined(rows: Sequence[tuple[int, int, int, int, int]]) -> int:
    """How many rows merging and pairing leave."""
    count, last = 0, 0
    for diagonal, run in itertools.groupby(rows, key=lambda row: row[0] in (DIAGONAL, CZ)):
        members = list(run)
        if diagonal:
            count, last = count + (1 if len(members) >= _WORTH_MERGING else len(members)), 0
            continue
        for row in members:
            if _is_turn(row) and last not in (0, row[1]):
                last = 0
            else:
                count, last = count + 1, row[1] if _is_turn(row) else 0
    return count


def _is_bit(mask: int) -> bool:
    return mask & (mask - 1) == 0


def _is_turn(row: tuple[int, int, int, int, int]) -> bool:
    """Whether a row is RX or RY on one qubit."""
    return row[0] in (REAL, IMAGINARY) and _is_bit(row[1]) and row[2] in (0, row[1])
