"""A Qiskit circuit compiled to a flat program: Pauli rotations and fixed gates, one row each.

A rotation is exp(-i a P/2) with a = Σ_p J_ap θ_p + offset, so parameters may be shared between gates and enter with
any real factor. An angle that is not linear gets a column of its own behind the parameters, which the caller fills
with its value and from which it takes the derivative. Qubit q is bit q of the amplitude index (Qiskit's little-endian
order); parameters come in ``circuit.parameters`` order. Global phases are dropped: no expectation value sees them.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ControlFlowOp, Gate, Parameter, ParameterExpression, QuantumCircuit
from qiskit.quantum_info import Operator, Pauli
from scipy.sparse import csr_array

from qntk.sampling.engine.expressions import Nonlinear, nonlinear

DIAGONAL, REAL, IMAGINARY, CX, CZ, DENSE, MERGED, PAIR = range(8)
"""Kinds of row: rotation with a diagonal, a real or an imaginary off-diagonal; fixed gates; merged diagonals, and pairs
of RX or RY."""

_WORTH_MERGING = 3
"""Diagonal gates in a row from which on one pass over a merged diagonal is cheaper than a pass each."""

_ROTATIONS = {"rx": "X", "ry": "Y", "rz": "Z", "p": "Z", "rxx": "XX", "ryy": "YY", "rzz": "ZZ", "rzx": "XZ"}
"""Pauli of each rotation gate, leftmost letter on its last qubit (Qiskit's RZX is Z on the first qubit)."""


@dataclass(frozen=True)
class Program:
    """Flat program of a circuit.

    Attributes:
        qubits: number of qubits n.
        rows: int64, shape (gates, 5). Rotations: kind, X mask, Z mask, sign, angle index. CX, CZ: kind, control mask,
            target mask, 0, 0. Dense: kind, qubit count, offset into ``wires``, offset into ``matrices``, 0. Merged:
            kind, first and number of ``members``, offset into ``signs`` or -1, 0. Pair: kind, bit of the first
            rotation, bit of the second, 1 and 2 for which are RY, first of its ``members``.
        wires: int64, the qubits of dense gates, first qubit least significant.
        matrices: complex128, the entries of dense gates, row-major.
        members: int64, shape (rotations in merged rows, 2): Z mask, angle index.
        signs: the fixed ±1 diagonals of merged CZ gates, D entries each.
        jacobian: shape (angles, columns), d angle / d column; columns are the parameters, then the nonlinear angles.
        offsets: shape (angles,), the angles at zero.
        nonlinear: the nonlinear angles, in the order of their columns.
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

    @property
    def parameters(self) -> int:
        """Number of the circuit's parameters."""
        return self.columns - len(self.nonlinear)

    @property
    def columns(self) -> int:
        """Number of columns: parameters and nonlinear angles."""
        return int(self.jacobian.shape[1])


def compile_circuit(circuit: QuantumCircuit, merge: bool = True) -> Program:
    """The program of a parameterised unitary circuit.

    With ``merge``, neighbouring diagonal gates (RZ, RZZ, CZ, …) become one diagonal and neighbouring RX or RY on
    different qubits go in pairs; without, every gate is a row.

    Gates with free parameters may be RX, RY, RZ, P, RXX, RYY, RZZ, RZX, U, or anything that Qiskit defines through
    them (a Pauli evolution is its synthesis, as on a backend); gates without may be any unitary. Raises ``ValueError``
    for measurement, reset, control flow, or a circuit without parameters.
    """
    if circuit.num_parameters == 0:
        raise ValueError("the circuit has no parameters; a tangent kernel needs at least one")
    compiler = _Compiler(circuit)
    compiler.add(circuit, list(range(circuit.num_qubits)))
    if merge:
        compiler.merge()
        compiler.pair()
    return compiler.finish()


class _Compiler:
    """Collects rows while walking a circuit and the definitions of its gates."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        self.qubits = circuit.num_qubits
        self.column = {parameter: index for index, parameter in enumerate(circuit.parameters)}
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.wires: list[int] = []
        self.matrices: list[NDArray[np.complex128]] = []
        self.entries_of_matrices = 0
        self.members: list[tuple[int, int]] = []
        self.signs: dict[frozenset[tuple[int, int]], int] = {}
        self.offsets: list[float] = []
        self.entries: list[tuple[int, int, float]] = []
        self.nonlinear: list[Nonlinear] = []

    def add(self, circuit: QuantumCircuit, wires: list[int]) -> None:
        for instruction in circuit.data:
            self.gate(instruction.operation, [wires[circuit.find_bit(q).index] for q in instruction.qubits])

    def gate(self, operation: Any, wires: list[int]) -> None:
        free = any(isinstance(p, ParameterExpression) and p.parameters for p in operation.params)
        if operation.name == "barrier":
            return
        if operation.name in _ROTATIONS:
            self.rotation(_ROTATIONS[operation.name], wires, operation.params[0])
        elif operation.name == "u":
            theta, phi, lam = operation.params
            for pauli, angle in (("Z", lam), ("Y", theta), ("Z", phi)):
                self.rotation(pauli, wires, angle)
        elif operation.name in ("cx", "cz") and operation.ctrl_state == 1:
            kind = CX if operation.name == "cx" else CZ
            self.rows.append((kind, 1 << wires[0], 1 << wires[1], 0, 0))
        elif isinstance(operation, ControlFlowOp) or operation.name in ("measure", "reset", "initialize"):
            raise ValueError(f"the circuit holds {operation.name!r}; only unitary gates have gradients here")
        elif (
            not free
            and isinstance(operation, Gate)
            and (operation.definition is None or len(wires) <= 2 or operation.name == "unitary")
        ):
            self.dense(Operator(operation).data, wires)
        elif operation.definition is not None:
            self.add(operation.definition, wires)
        else:
            raise ValueError(f"gate {operation.name!r} has no definition that the sampler can follow")

    def rotation(self, pauli: str, wires: list[int], angle: ParameterExpression | float) -> None:
        masks = Pauli(pauli)
        x = sum(1 << w for w, bit in zip(wires, masks.x, strict=True) if bit)
        z = sum(1 << w for w, bit in zip(wires, masks.z, strict=True) if bit)
        y = (x & z).bit_count()
        kind = DIAGONAL if x == 0 else REAL if y % 2 else IMAGINARY
        self.rows.append((kind, x, z, 1 if y % 4 < 2 else -1, len(self.offsets)))
        if isinstance(angle, ParameterExpression):
            slopes = _linear_slopes(angle)
            if slopes is None:
                self.entries.append((len(self.offsets), len(self.column) + len(self.nonlinear), 1.0))
                self.nonlinear.append(nonlinear(angle, self.column))
                angle = 0.0
            else:
                self.entries += [(len(self.offsets), self.column[p], slope) for p, slope in slopes.items()]
                angle = _real(angle.bind(dict.fromkeys(angle.parameters, 0.0)), angle)
        self.offsets.append(float(angle))

    def dense(self, matrix: NDArray[np.complex128], wires: list[int]) -> None:
        self.rows.append((DENSE, len(wires), len(self.wires), self.entries_of_matrices, 0))
        self.wires.extend(wires)
        self.matrices.append(matrix)
        self.entries_of_matrices += matrix.size

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
            offset = self.signs.setdefault(odd, len(self.signs) << self.qubits) if odd else -1
            merged.append((MERGED, len(self.members), len(rotations), offset, 0))
            self.members += rotations
        self.rows = merged

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
        )

    def sign_table(self, pairs: frozenset[tuple[int, int]]) -> NDArray[np.float64]:
        index = np.arange(1 << self.qubits)
        signs = np.ones(len(index))
        for a, b in pairs:
            signs[(index & a != 0) & (index & b != 0)] *= -1.0
        return signs


def _is_turn(row: tuple[int, int, int, int, int]) -> bool:
    """Whether a row is RX or RY on one qubit."""
    return row[0] in (REAL, IMAGINARY) and row[1] & (row[1] - 1) == 0 and row[2] in (0, row[1])


def _linear_slopes(angle: ParameterExpression) -> dict[Parameter, float] | None:
    """d angle / d parameter where all are constant, else None."""
    slopes = {}
    for parameter in angle.parameters:
        try:
            slope = angle.gradient(parameter)
        except RuntimeError as error:
            raise ValueError(f"angle {angle} has no derivative: {error}") from error
        if isinstance(slope, ParameterExpression) and slope.parameters:
            return None
        slopes[parameter] = _real(slope, angle)
    return slopes


def _real(value: Any, angle: Any) -> float:
    number = complex(value)
    if number.imag != 0.0 or not np.isfinite(number.real):
        raise ValueError(f"angle {angle} is not real and finite")
    return number.real
