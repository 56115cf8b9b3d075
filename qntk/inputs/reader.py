"""The one reader of circuits: what a gate is, by its type and its definition, and never by its name.

A gate is a rotation if it is of one of Qiskit's own classes of Pauli rotations. A gate without parameters, of at most
two qubits or given as a matrix, is its matrix; a Pauli evolution is its synthesis, as on a backend. exp(-iHt) with a
free t is V exp(-iΛt) V† with rotations about strings of Z for the eigenvalues Λ. What prepares a state does so on fresh
qubits, a loop of fixed length is unrolled, a measurement after the last gate is left out. Everything else is what its
definition says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    BoxOp,
    BreakLoopOp,
    ContinueLoopOp,
    ControlFlowOp,
    ControlModifier,
    Delay,
    ForLoopOp,
    Gate,
    InverseModifier,
    Measure,
    Parameter,
    ParameterExpression,
    QuantumCircuit,
    Reset,
)
from qiskit.circuit import library as gates
from qiskit.circuit.exceptions import CircuitError
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import Clifford, Operator, Pauli

from qntk.inputs.messages import printable
from qntk.inputs.normal_form import Angle, Fixed, NormalForm, Rotation

_ROTATIONS = {
    gates.RXGate: "X", gates.RYGate: "Y", gates.RZGate: "Z", gates.PhaseGate: "Z",
    gates.RXXGate: "XX", gates.RYYGate: "YY", gates.RZZGate: "ZZ", gates.RZXGate: "ZX",
}  # fmt: skip
"""Pauli of each class of rotations, first letter on its first qubit."""
_KINDS = {gates.CXGate: "cx", gates.CZGate: "cz"}
_NO_GATES = (ControlFlowOp, BreakLoopOp, ContinueLoopOp)
_NEARLY = 1e-8
"""How far from 1 a unitary times its adjoint may be."""
_MOST_TURNS = 100_000
"""Of a loop."""


def read_circuit(circuit: QuantumCircuit, inputs: Sequence[Parameter] = ()) -> NormalForm:
    """The normal form of a circuit, with its qubits and parameters in Qiskit's order.

    ``inputs`` are the parameters that are data, in the order of the columns of x; all others are weights.

    Raises ``ValueError``, with the gate and its place, for what has no gradients here: a measurement before the last
    gate, a reset of a qubit in use, open control flow, a gate without a definition or with a matrix that is not
    unitary, an angle that is not real and finite or has no derivative.

    >>> circuit = QuantumCircuit(2)
    >>> _ = circuit.ry(2 * Parameter("a"), 0), circuit.cx(0, 1)
    >>> [(op.pauli, op.angle.slopes) for op in read_circuit(circuit).operations if isinstance(op, Rotation)]
    [('Y', ((0, 2.0),))]
    """
    reader = _Reader(circuit.parameters)
    reader.add(circuit, list(range(circuit.num_qubits)))
    names = tuple(p.name for p in circuit.parameters)
    data = _places(inputs, reader.place)
    return NormalForm(circuit.num_qubits, names, tuple(reader.operations), tuple(circuit.parameters), data)


def _places(inputs: Sequence[Parameter], place: Mapping[Parameter, int]) -> tuple[int, ...]:
    """Where the inputs stand; ``ValueError`` for one that is no parameter, one twice, or nothing left to train."""
    unknown = [p.name for p in inputs if p not in place]
    if unknown:
        raise ValueError(f"inputs must be parameters of the circuit; it has none called {', '.join(unknown)}")
    data = tuple(place[p] for p in inputs)
    if len(set(data)) < len(data):
        raise ValueError("inputs name a parameter twice")
    if data and len(data) == len(place):
        raise ValueError("all parameters of the circuit are inputs; a tangent kernel needs a trainable one")
    return data


def unpacked(circuit: QuantumCircuit) -> QuantumCircuit:
    """The same circuit of Qiskit's own gates and of matrices alone, for engines and noise models that go by names.

    A gate of one of Qiskit's standard classes under its own name stays what it is; any other is taken apart as
    ``read_circuit`` does, so that every name in the result means what Qiskit means by it.
    """
    reader = _Unpacker(circuit)
    reader.add(circuit, list(range(circuit.num_qubits)))
    return reader.circuit


def read_angle(angle: ParameterExpression | float, place: Mapping[Parameter, int]) -> Angle:
    """An angle by its slopes, where it is linear in the parameters, which stand at ``place``."""
    if isinstance(angle, Parameter):
        return Angle(((place[angle], 1.0),), 0.0, angle)
    if not isinstance(angle, ParameterExpression):
        return Angle((), _real(angle, angle), angle)
    slopes = _linear_slopes(angle)
    offset = 0.0 if slopes is None else _offset(angle, slopes)
    if slopes is None or offset is None:
        return Angle((), 0.0, angle, linear=False)
    return Angle(tuple((place[p], slope) for p, slope in slopes.items()), offset, angle)


class _Reader:
    """Collects operations while walking a circuit and the definitions of its gates."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.place = {parameter: index for index, parameter in enumerate(parameters)}
        self.operations: list[Rotation | Fixed] = []
        self.used: set[int] = set()
        self.measured: set[int] = set()
        self.depth = 0

    def add(self, circuit: QuantumCircuit, wires: list[int]) -> None:
        """Walk a circuit whose qubits are these; what is refused is told with its place in the outermost one."""
        self.depth += 1
        for index, instruction in enumerate(circuit.data):
            on = tuple(wires[circuit.find_bit(q).index] for q in instruction.qubits)
            try:
                self.gate(instruction.operation, on)
            except Exception as error:  # a damaged gate has errors of its own
                if self.depth > 1:
                    raise
                name, qubits = printable(instruction.operation.name[:60]), ", ".join(map(str, on))
                raise ValueError(
                    f"instruction {index} of the circuit, {name!r} on qubits {qubits}: {_said(error)}"
                ) from error
        self.depth -= 1

    def keep(self, operation: Rotation | Fixed) -> None:
        self.use(operation.qubits)
        self.operations.append(operation)

    def use(self, wires: tuple[int, ...]) -> None:
        """Note that a gate acts on these qubits."""
        late = self.measured.intersection(wires)
        if late:
            raise ValueError(
                f"it acts on qubit {min(late)} after its measurement; only final measurements are left out"
            )
        self.used.update(wires)

    def prepare(self, operation: Any, wires: tuple[int, ...]) -> None:
        """A reset, or a state, of qubits in |0>; of others it is no unitary."""
        old = self.used.intersection(wires)
        if old:
            raise ValueError(
                f"{operation.name!r} acts on qubit {min(old)}, which is in use already; only unitary gates have "
                "gradients here, and states are prepared on fresh qubits"
            )
        if isinstance(operation, gates.Initialize):
            self.add(operation.gates_to_uncompute().inverse(), list(wires))

    def gate(self, operation: Any, wires: tuple[int, ...]) -> None:
        kind = getattr(operation, "base_class", type(operation))
        if kind in (Barrier, Delay):
            return
        if kind in (gates.Initialize, Reset):
            self.prepare(operation, wires)
        elif kind is Measure:
            self.measured.update(wires)
        elif kind in _ROTATIONS:
            self.rotation(_ROTATIONS[kind], wires, operation.params[0])
        elif kind is gates.UGate:
            theta, phi, lam = operation.params
            for pauli, angle in (("Z", lam), ("Y", theta), ("Z", phi)):
                self.rotation(pauli, wires, angle)
        elif kind in _KINDS and operation.ctrl_state == 1:
            self.keep(Fixed(wires, _MATRICES[_KINDS[kind]], _KINDS[kind], _KINDS[kind]))
        elif kind is BoxOp:
            self.add(operation.blocks[0], list(wires))
        elif kind is ForLoopOp:
            self.loop(operation, wires)
        elif isinstance(operation, _NO_GATES):
            raise ValueError(f"{operation.name!r} is open control flow; only unitary gates have gradients here")
        else:
            self.composite(operation, wires)

    def composite(self, operation: Any, wires: tuple[int, ...]) -> None:
        """A gate of no kind of its own: its matrix, or its definition."""
        free = any(isinstance(p, ParameterExpression) and p.parameters for p in getattr(operation, "params", ()))
        if isinstance(operation, Clifford):
            self.add(operation.to_circuit(), list(wires))
        elif isinstance(operation, AnnotatedOperation) and free:
            self.gate(_unannotated(operation), wires)
        elif isinstance(operation, gates.HamiltonianGate) and free:
            self.evolution(operation, wires)
        elif not free and self.is_matrix(operation, len(wires)):
            self.fixed(operation, wires)
        elif getattr(operation, "definition", None) is not None:
            self.add(operation.definition, list(wires))
        else:
            raise ValueError(f"gate {operation.name!r} has no definition that can be followed")

    def loop(self, operation: Any, wires: tuple[int, ...]) -> None:
        """A loop of fixed length, turn by turn."""
        values, parameter, body = operation.params
        if len(values) > _MOST_TURNS:
            raise ValueError(f"a loop of {len(values):,} turns is longer than {_MOST_TURNS:,}")
        for value in values:
            bound = body.assign_parameters({parameter: value}) if parameter in body.parameters else body
            self.add(bound, list(wires))

    @staticmethod
    def is_matrix(operation: Any, qubits: int) -> bool:
        """Whether an operation without parameters is taken as its matrix: not a Pauli evolution, nor what is large."""
        if isinstance(operation, AnnotatedOperation | gates.UnitaryGate):
            return True
        if not isinstance(operation, Gate) or isinstance(operation, gates.PauliEvolutionGate):
            return False
        return qubits <= 2 or operation.definition is None

    def fixed(self, operation: Any, wires: tuple[int, ...]) -> None:
        try:
            matrix = Operator(operation).data
        except Exception as error:  # each class has errors of its own
            raise ValueError(f"gate {operation.name!r} has no definition that can be followed: {error}") from error
        matrix = np.asarray(matrix, dtype=complex)
        off = np.abs(matrix @ matrix.conj().T - np.eye(len(matrix))).max()
        if not off <= _NEARLY:
            raise ValueError(f"the matrix of gate {operation.name!r} is not unitary: it is off by {off:.2g}")
        self.keep(Fixed(wires, matrix, "", operation.name))

    def evolution(self, operation: Any, wires: tuple[int, ...]) -> None:
        """exp(-iHt): V (Π_s exp(-i t c_s Z_s)) V†, with c the Walsh-Hadamard transform of H's eigenvalues."""
        hamiltonian, time = (np.asarray(operation.params[0], dtype=complex), operation.params[1])
        values, vectors = np.linalg.eigh(hamiltonian)
        self.keep(Fixed(wires, vectors.conj().T, "", operation.name))
        index = np.arange(len(values))
        for string in range(1, len(values)):
            signs = 1.0 - 2.0 * (np.bitwise_count(index & string) % 2)
            weight = float(signs @ values) / len(values)
            chosen = tuple(wire for bit, wire in enumerate(wires) if string >> bit & 1)
            if abs(weight) > 1e-14 * np.abs(values).max():
                self.rotation("Z" * len(chosen), chosen, 2.0 * weight * time)
        self.keep(Fixed(wires, vectors, "", operation.name))

    def rotation(self, pauli: str, wires: tuple[int, ...], angle: ParameterExpression | float) -> None:
        self.keep(Rotation(pauli, wires, read_angle(angle, self.place)))


class _Unpacker(_Reader):
    """Writes what it reads into a circuit."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        super().__init__(circuit.parameters)
        self.circuit = QuantumCircuit(circuit.num_qubits)

    def gate(self, operation: Any, wires: tuple[int, ...]) -> None:
        kind = getattr(operation, "base_class", type(operation))
        standard = _STANDARD.get(getattr(operation, "name", ""))
        if standard is not None and standard.base_class is kind and isinstance(standard, Gate):
            self.use(wires)
            self.circuit.append(operation, wires)
        else:
            super().gate(operation, wires)

    def keep(self, operation: Rotation | Fixed) -> None:
        if isinstance(operation, Fixed):
            self.circuit.append(gates.UnitaryGate(operation.matrix), operation.qubits)
            return
        if operation.pauli in _CLASSES:
            self.circuit.append(_CLASSES[operation.pauli](operation.angle.source), operation.qubits)
        else:
            evolution = gates.PauliEvolutionGate(Pauli(operation.pauli[::-1]), time=0.5 * operation.angle.source)
            self.circuit.compose(evolution.definition, operation.qubits, inplace=True)


def _unannotated(operation: AnnotatedOperation) -> Any:
    """The operation that a free one with modifiers stands for, by Qiskit's own methods."""
    made = operation.base_op
    for modifier in operation.modifiers:
        if isinstance(modifier, ControlModifier):
            made = made.control(modifier.num_ctrl_qubits, ctrl_state=modifier.ctrl_state, annotated=False)
        elif isinstance(modifier, InverseModifier):
            made = made.inverse(annotated=False)
        else:
            made = made.power(modifier.power, annotated=False)
    return made


def _said(error: Exception) -> str:
    """An error in one line; of which kind, where it is not one of those that are made for users."""
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return kind + printable(" ".join(str(error).split())[:300])


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


def _offset(angle: ParameterExpression, slopes: Mapping[Parameter, float]) -> float | None:
    """The angle at zero, if Qiskit evaluates it as linear with these slopes; its derivatives alone are not trusted."""
    try:
        offset = _real(angle.bind(dict.fromkeys(angle.parameters, 0.0)), angle)
        for start in (0.37, -1.21):
            point = {p: start + 0.11 * place for place, p in enumerate(slopes)}
            found = _real(angle.bind(point), angle)
            expected = offset + sum(slope * point[p] for p, slope in slopes.items())
            if abs(found - expected) > 1e-9 * (1 + abs(found) + abs(offset)):
                return None
    except (CircuitError, ZeroDivisionError, RuntimeError):
        return None
    return offset


def _real(value: Any, angle: Any) -> float:
    number = complex(value)
    if number.imag != 0.0 or not np.isfinite(number.real):
        raise ValueError(f"angle {angle} is not real and finite")
    return number.real


_STANDARD = get_standard_gate_name_mapping()
_CLASSES = {pauli: kind for kind, pauli in _ROTATIONS.items() if kind is not gates.PhaseGate}
_MATRICES: dict[str, NDArray[np.complex128]] = {name: Operator(kind()).data for kind, name in _KINDS.items()}
