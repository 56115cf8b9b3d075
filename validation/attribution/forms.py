"""What of a circuit prepares its input, what is repeated, and what becomes of its data.

State preparations, and leading gates on single qubits that are Clifford gates, prepare the input: they are done once,
and what follows is what is repeated with fresh angles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.exceptions import CircuitError

from qntk.inputs.circuits import split_preparation
from qntk.inputs.normal_form import Angle, Fixed, NormalForm, Rotation
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.path_families import input_state


def repeated_part(circuit: QuantumCircuit, inputs: Sequence[Parameter] = ()) -> tuple[NormalForm, NormalForm]:
    """What prepares the input, and what is repeated, with data at fixed values in general position."""
    prepared, rest = split_preparation(circuit)
    return _split(read_circuit(prepared), _at_generic_data(read_circuit(rest, inputs)))


def averaged(form: NormalForm) -> NormalForm:
    """The circuit with its data as further parameters, after the weights, where they do not add to one."""
    weights, kept = form.weights, []
    for operation in form.operations:
        if isinstance(operation, Rotation) and operation.angle.linear:
            angle = operation.angle
            trained = tuple((p, s) for p, s in angle.slopes if p in weights)
            operation = replace(operation, angle=replace(angle, slopes=trained or angle.slopes))
        kept.append(operation)
    used = {p for o in kept if isinstance(o, Rotation) for p, _ in o.angle.slopes}
    order = {p: place for place, p in enumerate([*weights, *sorted(used - set(weights))])}
    return _renumbered(replace(form, operations=tuple(kept)), order)


def _at_generic_data(form: NormalForm) -> NormalForm:
    """The circuit with its data at fixed values in general position, and weights alone as parameters."""
    if not form.inputs:
        return form
    values = {place: math.sqrt(7 + 2 * k) % 1 for k, place in enumerate(form.inputs)}
    kept: list[Rotation | Fixed] = []
    for operation in form.operations:
        if isinstance(operation, Rotation):
            angle = operation.angle
            trained = tuple((p, s) for p, s in angle.slopes if p not in values)
            if angle.linear:
                offset = angle.offset + sum(s * values[p] for p, s in angle.slopes if p in values)
                operation = replace(operation, angle=replace(angle, slopes=trained, offset=offset))
            elif set(angle.source.parameters) <= {form.sources[p] for p in form.inputs}:
                bound = {form.sources[p]: x for p, x in values.items() if form.sources[p] in angle.source.parameters}
                try:
                    offset = float(angle.source.bind(bound))
                except (TypeError, ValueError, CircuitError, ZeroDivisionError) as error:
                    raise ValueError(f"angle {angle.source} has no value at data in [0, 1]") from error
                operation = replace(operation, angle=Angle((), offset, offset))
        kept.append(operation)
    order = {p: place for place, p in enumerate(form.weights)}
    return _renumbered(replace(form, operations=tuple(kept)), order)


def _renumbered(form: NormalForm, order: dict[int, int]) -> NormalForm:
    """The same with only these parameters, at these places."""
    kept = [
        replace(o, angle=replace(o.angle, slopes=tuple((order[p], s) for p, s in o.angle.slopes)))
        if isinstance(o, Rotation)
        else o
        for o in form.operations
    ]
    return NormalForm(
        form.qubits, tuple(form.parameters[p] for p in order), tuple(kept), tuple(form.sources[p] for p in order)
    )


def _split(prepared: NormalForm, form: NormalForm) -> tuple[NormalForm, NormalForm]:
    """What prepares the input, with single-qubit Clifford gates before all else on their qubit; what is repeated."""
    touched: set[int] = set()
    first = list(prepared.operations)
    rest: list[Rotation | Fixed] = []
    for operation in form.operations:
        leading = isinstance(operation, Fixed) and len(operation.qubits) == 1 and not touched & set(operation.qubits)
        if leading and _clifford(operation):
            first.append(operation)
        else:
            rest.append(operation)
            touched |= set(operation.qubits)
    return NormalForm(form.qubits, (), tuple(first), ()), replace(form, operations=tuple(rest))


def _clifford(operation: Any) -> bool:
    try:
        input_state(NormalForm(1, (), (replace(operation, qubits=(0,)),), ()), 1)
    except ValueError:
        return False
    return True
