"""A sweep's circuits given as objects: a ``QuantumCircuit``, or a function of (qubits, layers) that makes one.

They become files of the sweep's directory, where a sweep keeps its circuits anyway, and the configuration names these.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit.circuit import QuantumCircuit

from qntk.validation.sweep.manifest import circuit_path
from qntk.validation.sweep.own_circuits import UserCircuit
from qntk.validation.sweep.ranges import as_list, as_numbers


def as_files(config: Any, directory: Path) -> tuple[Any, dict[Path, bytes]]:
    """The configuration with paths in ``directory`` where it has circuits, and what these files hold.

    A grid whose circuit is a function becomes a grid for each of its sizes. Anything but a dict is left as it is.
    """
    files: dict[Path, bytes] = {}
    if not isinstance(config, Mapping) or not isinstance(config.get("grid"), list | tuple):
        return config, files
    grids: list[Any] = []
    for grid in config["grid"]:
        circuit = grid.get("circuit") if isinstance(grid, Mapping) else None
        if circuit is None or isinstance(circuit, str | Path):
            grids.append(grid)
            continue
        rest = {key: value for key, value in grid.items() if key not in ("circuit", "qubits", "layers", "zipped")}
        sized = {key: grid[key] for key in ("qubits", "layers", "zipped") if key in grid}
        for one in _circuits(circuit, sized):
            held = UserCircuit.of(one, as_list(grid.get("inputs", [])), one.name, grid.get("angles", ""))
            path = circuit_path(directory.absolute(), held.digest)
            files[path] = held.qpy
            grids.append(rest | {"circuit": str(path)})
    return {**config, "grid": grids}, files


def _circuits(circuit: Any, sized: Mapping[str, Any]) -> list[QuantumCircuit]:
    if isinstance(circuit, QuantumCircuit):
        if sized:
            raise ValueError(f"the circuit sets its own size; drop the key {min(sized)!r}")
        return [circuit]
    if not callable(circuit):
        raise TypeError(
            f"circuit is a {type(circuit).__name__}; give a QuantumCircuit, a function, or the path of a file"
        )
    if not {"qubits", "layers"} <= set(sized):
        raise ValueError("circuit is a function; it takes the keys 'qubits' and 'layers'")
    qubits, layers = (as_numbers(sized[key]) for key in ("qubits", "layers"))
    pairs = zip(qubits, layers, strict=True) if sized.get("zipped") else itertools.product(qubits, layers)
    made = [circuit(int(n), int(count)) for n, count in pairs]
    for one in made:
        if not isinstance(one, QuantumCircuit):
            raise TypeError(f"the function of 'circuit' returns {type(one).__name__}; a QuantumCircuit is accepted")
    return made
