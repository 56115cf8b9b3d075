"""A user's circuit: taken in, and repeated with fresh parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qiskit.circuit import Barrier, Delay, Measure, Parameter, QuantumCircuit, Reset
from qiskit.circuit.library import Initialize, StatePreparation

from qntk.inputs.layouts import Layout, before_transpilation


@dataclass(frozen=True)
class Entered:
    """A circuit as everything here takes it: without final measurements, as it was before transpilation.

    Attributes:
        circuit: on its virtual qubits; the given one itself where there was nothing to change.
        layout: where they were on a machine; None where the circuit was not transpiled onto one.
    """

    circuit: QuantumCircuit
    layout: Layout | None = None

    @property
    def notes(self) -> list[str]:
        """What was done to the circuit, for who reads a result."""
        return [self.layout.told()] if self.layout else []

    def observable(self, spec: Any, how: str | None = None) -> Any:
        """A user's observable on the circuit's qubits; see ``Layout.observable``."""
        if how not in (None, "apply", "applied"):
            raise ValueError(
                f"layout is {how!r}; give 'apply', or 'applied' for an observable that is laid out already"
            )
        if self.layout is not None:
            return self.layout.observable(spec, how)
        if how is not None:
            raise ValueError(f"layout={how!r} is given, but the circuit was not transpiled onto a layout")
        return spec


def entered(circuit: QuantumCircuit) -> Entered:
    """Take a circuit in; a second time changes nothing.

    >>> circuit = QuantumCircuit(1, 1)
    >>> _ = circuit.ry(Parameter("a"), 0), circuit.measure(0, 0)
    >>> len(entered(circuit).circuit.data)
    1
    """
    plain = _unmeasured(circuit)
    return Entered(plain) if circuit.layout is None else Entered(*before_transpilation(plain, circuit.layout))


def _unmeasured(circuit: QuantumCircuit) -> QuantumCircuit:
    """Without the measurements that no gate follows, and without the classical bits that then hold nothing."""
    last: dict[Any, int] = {}
    for index, instruction in enumerate(circuit.data):
        if not isinstance(instruction.operation, Measure | Barrier | Delay):
            last |= dict.fromkeys(instruction.qubits, index)
    final = {
        index
        for index, i in enumerate(circuit.data)
        if isinstance(i.operation, Measure) and index > last.get(i.qubits[0], -1)
    }
    if not final and not circuit.clbits:
        return circuit
    kept = [i for index, i in enumerate(circuit.data) if index not in final]
    if any(i.clbits for i in kept):  # a classical bit that decides something: the reader says what
        return circuit
    made = QuantumCircuit(*circuit.qregs, name=circuit.name, global_phase=circuit.global_phase)
    made.add_bits(q for q in circuit.qubits if q not in set(made.qubits))
    for instruction in kept:
        made.append(instruction, copy=False)
    return made


def input_parameters(circuit: QuantumCircuit, names: Sequence[str]) -> list[Parameter]:
    """The parameters with these names; a vector's name means all its elements. ``ValueError`` for unknown ones."""
    chosen = []
    for name in names:
        found = [p for p in circuit.parameters if name in (p.name, p.name.partition("[")[0])]
        if not found:
            known = ", ".join(p.name for p in circuit.parameters[:8])
            raise ValueError(f"the circuit has no parameter {name!r}; it has {known}")
        chosen += found
    if len(chosen) == len(circuit.parameters):
        raise ValueError("all parameters are inputs; a tangent kernel needs a trainable one")
    return chosen


def repeated(circuit: QuantumCircuit, times: int, inputs: Sequence[Parameter]) -> QuantumCircuit:
    """The circuit several times in a row, with fresh trainable parameters and the same inputs each time.

    What prepares the input state does so once.
    """
    result = circuit.copy()
    again = split_preparation(circuit)[1]
    for turn in range(1, times):
        fresh = {p: Parameter(f"{p.name} #{turn}") for p in again.parameters if p not in inputs}
        result.compose(again.assign_parameters(fresh), inplace=True)
    return result


def split_preparation(circuit: QuantumCircuit) -> tuple[QuantumCircuit, QuantumCircuit]:
    """What prepares the input state, resets and states of qubits on which no gate has acted, and all else."""
    used: set[Any] = set()
    preparing: set[int] = set()
    for index, instruction in enumerate(circuit.data):
        if len(used) == circuit.num_qubits:
            break
        if isinstance(instruction.operation, Barrier | Delay):
            continue
        touched = set(instruction.qubits)
        if isinstance(instruction.operation, Initialize | StatePreparation | Reset) and not used & touched:
            preparing.add(index)
        else:
            used |= touched
    first = circuit.copy_empty_like()
    if not preparing:
        return first, circuit
    kept = circuit.copy_empty_like()
    for index, instruction in enumerate(circuit.data):
        (first if index in preparing else kept).append(instruction, copy=False)
    return first, kept
