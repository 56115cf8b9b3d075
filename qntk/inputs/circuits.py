"""A user's circuit: read from a file, and repeated with fresh parameters."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

from qiskit import qasm3, qpy
from qiskit.circuit import Parameter, QuantumCircuit


def load_circuit(path: Path) -> QuantumCircuit:
    """The circuit of a QPY file (its only one) or of an OpenQASM 3 file, by Qiskit's importers.

    Raises ``ValueError`` in one line for a file that cannot be read, holds several circuits, or no free parameter.
    """
    try:
        if path.suffix == ".qpy":
            with path.open("rb") as file:
                circuits = qpy.load(file)
            if len(circuits) != 1:
                raise ValueError(f"it holds {len(circuits)} circuits; give a file with one")
            circuit = circuits[0]
        elif path.suffix in (".qasm", ".qasm3"):
            with contextlib.redirect_stderr(io.StringIO()):  # the parser prints what it then raises
                circuit = qasm3.loads(path.read_text(encoding="utf-8"))
        else:
            raise ValueError("its suffix is not .qpy, .qasm or .qasm3")
    except Exception as error:  # each importer has errors of its own
        raise ValueError(f"circuit {str(path)!r} cannot be read: {error}") from error
    circuit = circuit.remove_final_measurements(inplace=False)
    if not circuit.parameters:
        raise ValueError(f"circuit {str(path)!r} has no free parameters; a tangent kernel needs at least one")
    return circuit


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
    """The circuit several times in a row, with fresh trainable parameters and the same inputs each time."""
    result = circuit.copy()
    for turn in range(1, times):
        fresh = {p: Parameter(f"{p.name} #{turn}") for p in circuit.parameters if p not in inputs}
        result.compose(circuit.assign_parameters(fresh), inplace=True)
    return result
