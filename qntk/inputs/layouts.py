"""A transpiled circuit as it was before: on its virtual qubits, whatever wires of a machine it was laid out on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit.circuit import Barrier, ParameterExpression, QuantumCircuit
from qiskit.circuit.library import PermutationGate, UnitaryGate
from qiskit.quantum_info import Operator, Pauli, SparseObservable, SparsePauliOp
from qiskit.transpiler import TranspileLayout

from qntk.inputs.observables import parse_observable

_ZERO = 1e-9


@dataclass(frozen=True)
class Layout:
    """Where the qubits of a circuit ended on a machine.

    Attributes:
        physical: number of wires of the machine.
        virtual: number of qubits before transpilation.
        wires: wire of each qubit at the end, virtual ones first, then those that routing entangled with them.
    """

    physical: int
    virtual: int
    wires: tuple[int, ...]

    @property
    def permutes(self) -> bool:
        """Whether an operator on all wires means another thing than the same one on virtual qubits."""
        return self.wires != tuple(range(self.physical))

    def told(self) -> str:
        """One line for who reads a result."""
        more = len(self.wires) - self.virtual
        extra = f", and on {more} more that routing entangles with them" if more else ""
        return f"transpiled onto {self.physical} wires; read on the {self.virtual} qubits it had before{extra}"

    def observable(self, spec: Any, how: str | None = None) -> Any:
        """An observable on the circuit's qubits. Text means virtual qubits; an operator is told by its width.

        Args:
            spec: any spelling of ``qntk.observable``.
            how: for an operator whose width fits both: ``apply`` the layout to it, or it was ``applied`` already.

        Raises ``ValueError`` where the width fits both, the layout permutes, and ``how`` is not said.
        """
        if isinstance(spec, list | tuple) and len(spec) == 1:
            return [self.observable(spec[0], how)]
        more = len(self.wires) - self.virtual
        if more and isinstance(spec, str):
            spec = dict(parse_observable(spec, self.virtual).terms) or spec
        width = _width(spec)
        if width is None:
            return spec
        if width == self.physical == self.virtual and self.permutes and how is None:
            raise ValueError(
                "the circuit was transpiled with a layout that permutes its qubits; say layout='apply' if the "
                "observable is that of the circuit before, or layout='applied' if you have laid it out (text, such as "
                "'Z0', means the qubits before)"
            )
        laid = width == self.physical and (self.physical != self.virtual or how == "applied" or not self.permutes)
        if how == "applied" and not laid:
            raise ValueError(f"layout='applied', but the observable has {width} qubits and the machine {self.physical}")
        if how == "apply" and width == self.physical != self.virtual:
            raise ValueError(f"layout='apply', but the observable is on the machine's {width} wires already")
        if width == self.virtual and not laid and more:
            return SparsePauliOp.from_list([("I" * more + label, c) for label, c in _pauli_sum(spec).label_iter()])
        return self._taken_back(spec) if laid else spec

    def _taken_back(self, spec: Any) -> SparsePauliOp:
        """Terms on the wires as terms on the qubits; wires that carry none of them are in |0>."""
        idle = sorted(set(range(self.physical)) - set(self.wires))
        terms: dict[str, complex] = {}
        for label, coefficient in _pauli_sum(spec).label_iter():
            letters = label[::-1]
            if all(letters[wire] in "IZ" for wire in idle):
                kept = "".join(letters[wire] for wire in reversed(self.wires))
                terms[kept] = terms.get(kept, 0.0) + complex(coefficient)
        if not terms:
            raise ValueError(
                "the observable's expectation is 0: each of its terms flips a wire that the circuit leaves in |0>"
            )
        return SparsePauliOp.from_list(list(terms.items()))


def before_transpilation(circuit: QuantumCircuit, layout: TranspileLayout) -> tuple[QuantumCircuit, Layout]:
    """The circuit on its virtual qubits, the permutation that routing left behind undone, and where they ended.

    Wires that carry no qubit are dropped; one in |0> through which routing moves a qubit takes
    its place, and one that is entangled with others is kept behind the virtual qubits.
    """
    start = layout.initial_index_layout(filter_ancillas=True)
    end = layout.final_index_layout(filter_ancillas=True)
    carried = {wire: qubit for qubit, wire in enumerate(start)}
    data = [(i.operation, [circuit.find_bit(q).index for q in i.qubits], i.clbits) for i in circuit.data]
    done: set[int] = set()
    waiting: dict[int, list[Any]] = {}
    operations: list[tuple[Any, list[int], Sequence[Any]]] = []

    def carry(wire: int) -> None:
        """Keep a wire as a qubit of its own, with the gates that it has had."""
        carried[wire] = len(carried)
        operations.extend((gate, [carried[wire]], ()) for gate in waiting.pop(wire, []))

    for index, (operation, wires, clbits) in enumerate(data):
        if index in done:
            continue
        if isinstance(operation, Barrier):
            wires = [wire for wire in wires if wire in carried]
            operation = Barrier(len(wires))
        fresh = [wire for wire in wires if wire not in carried]
        if len(wires) == len(fresh) == 1 and not clbits:
            waiting.setdefault(wires[0], []).append(operation)
            continue
        passage = None
        if len(wires) == 2 and len(fresh) == 1:
            other = next(wire for wire in wires if wire in carried)
            passage = _passage(data, index, done, fresh[0], other, waiting.get(fresh[0], []))
        if passage is not None:
            from_wire, to_wire, matrix, used = passage
            waiting.pop(fresh[0], None)
            carried[to_wire] = carried.pop(from_wire)
            operations.append((UnitaryGate(matrix), [carried[to_wire]], ()))
            done |= used
            continue
        for wire in fresh:
            carry(wire)
        operations.append((operation, [carried[wire] for wire in wires], clbits))
    for wire in list(waiting):
        if not _leaves_zero(waiting[wire]):
            carry(wire)
    size = len(carried)
    order = [carried[wire] for wire in end]
    order += [qubit for qubit in range(size) if qubit not in order]
    places = {qubit: wire for wire, qubit in carried.items()}
    made = QuantumCircuit(size, name=circuit.name)
    made.add_bits(circuit.clbits)
    for operation, qubits, clbits in operations:
        made.append(operation, qubits, clbits, copy=False)
    if order != sorted(order):
        made.append(PermutationGate(order), range(size))
    return made, Layout(circuit.num_qubits, len(start), tuple(places[qubit] for qubit in order))


def _passage(
    data: Sequence[tuple[Any, list[int], Any]], index: int, done: set[int], free: int, other: int, before: Sequence[Any]
) -> tuple[int, int, Any, set[int]] | None:
    """What fixed gates do to a qubit on wire ``other`` that meets a wire ``free`` in |0>, if they leave one of the two
    in |0> again; ``before`` are gates that the free one has had.

    Returns the qubit's wire before and after, the unitary that it suffers, and the gates that do it.
    """
    block = QuantumCircuit(2)
    used: set[int] = set()
    if any(map(_is_free, before)):
        return None
    for gate in before:
        block.append(gate, [1])
    for at in range(index, len(data)):
        operation, wires, _ = data[at]
        if at in done or isinstance(operation, Barrier) or not {free, other} & set(wires):
            continue
        if not set(wires) <= {free, other} or _is_free(operation):
            return None
        try:
            block.append(operation, [0 if wire == other else 1 for wire in wires])
            matrix = Operator(block).data
        except Exception:  # no unitary
            return None
        used.add(at)
        if np.abs(matrix[2:, :2]).max() < _ZERO:
            return other, other, matrix[:2, :2], used
        if np.abs(matrix[1::2, :2]).max() < _ZERO:
            return other, free, matrix[::2, :2], used
    return None


def _is_free(operation: Any) -> bool:
    """Whether an operation depends on a parameter."""
    return any(isinstance(p, ParameterExpression) and p.parameters for p in operation.params)


def _leaves_zero(gates: Sequence[Any]) -> bool:
    """Whether gates on one wire leave |0> as it is."""
    if any(map(_is_free, gates)):
        return False
    block = QuantumCircuit(1)
    for gate in gates:
        block.append(gate, [0])
    return bool(abs(Operator(block).data[1, 0]) < _ZERO)


def _width(spec: Any) -> int | None:
    """Number of qubits of an operator; None for text, and for what says none."""
    if isinstance(spec, Mapping) and spec:
        return len(str(next(iter(spec))))
    if isinstance(spec, Pauli | SparsePauliOp | SparseObservable | Operator):
        return int(spec.num_qubits or 0)
    shape: tuple[int, ...] = np.shape(spec) if not isinstance(spec, str) and not hasattr(spec, "spec") else ()
    return shape[0].bit_length() - 1 if len(shape) == 2 and shape[0] == shape[1] and shape[0] else None


def _pauli_sum(spec: Any) -> SparsePauliOp:
    if isinstance(spec, Mapping):
        return SparsePauliOp.from_list(list(spec.items()))
    if isinstance(spec, SparseObservable):
        return SparsePauliOp.from_sparse_observable(spec)
    if isinstance(spec, Pauli | SparsePauliOp):
        return SparsePauliOp(spec)
    return SparsePauliOp.from_operator(spec if isinstance(spec, Operator) else Operator(np.asarray(spec)))
