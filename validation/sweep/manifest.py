"""The manifest of a sweep: what its directory holds, and whether a configuration may go on there.

A configuration may add cells and raise numbers of draws. Whatever else would change draws that are there is refused,
with the first difference named. A sweep with cells that stop early (``looks``) may not grow: its looks have been taken
at levels that depend on the whole plan, and the error rate would not hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qntk.inputs.versions import installed, processor
from qntk.sampling import STREAM_VERSION
from qntk.validation import SCHEMA_VERSION
from qntk.validation.sweep.cells import Cell, Kept
from qntk.validation.sweep.config import SweepConfig
from qntk.validation.sweep.grid import MAX_DRAWS, MAX_PARAMETERS, MAX_QUBITS
from qntk.validation.sweep.own_circuits import UserCircuit


class _Entry(BaseModel):
    """What is read of a cell."""

    ensemble: str
    qubits: Annotated[int, Field(ge=1, le=MAX_QUBITS)]
    parameters: Annotated[int, Field(ge=1, le=MAX_PARAMETERS)]
    observable: str
    draws: Annotated[int, Field(ge=1, le=MAX_DRAWS)]
    looks: Annotated[int, Field(ge=1)]
    cell: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Copy(BaseModel):
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _CircuitCopy(_Copy):
    model_config = ConfigDict(extra="forbid")
    qubits: Annotated[int, Field(ge=1)]
    parameters: Annotated[int, Field(ge=1)]
    inputs: list[str]
    angles: str = ""


class _Manifest(BaseModel):
    """What is read of a manifest; it may hold more."""

    model_config = ConfigDict(strict=True)
    seed: int
    stream_version: int
    versions: dict[str, str | None]
    circuits: dict[str, _CircuitCopy] = {}
    observables: dict[str, _Copy] = {}
    cells: Annotated[list[_Entry], Field(min_length=1)]


MANIFEST = "manifest.json"
_PACKAGES = ("qntk", "numpy", "scipy", "numba", "qiskit", "pandas", "pyarrow")


def manifest_of(config: SweepConfig, cells: Sequence[Cell], columns: Sequence[str]) -> dict[str, Any]:
    """What the manifest says of a sweep; ``columns`` are those of draws."""
    circuits = {cell.circuit.key: cell.circuit.header() for cell in cells if cell.circuit}
    observables = {cell.observable: {"digest": cell.parsed.digest} for cell in cells if cell.parsed.from_file}
    stopping = {"family_error": config.family_error, "margin": config.margin.model_dump()}
    return {
        "schema_version": SCHEMA_VERSION,
        "versions": installed(_PACKAGES),
        "processor": processor(),
        "seed": config.seed,
        "stream_version": cells[0].stream,
        "columns": list(columns),
        "stopping": stopping if any(cell.looks > 1 for cell in cells) else None,
        "circuits": circuits,
        "observables": observables,
        "cells": [cell.document() | {"cell": cell.name, "fingerprint": cell.fingerprint} for cell in cells],
    }


def refuse_other(directory: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    """Raise ``ValueError`` if the directory's manifest is of a sweep that this one does not extend."""

    def refuse(difference: str) -> None:
        raise ValueError(f"directory {directory} holds another sweep: {difference}; give another directory")

    if there.get("seed") != here["seed"]:
        refuse(f"seed is {there.get('seed')} there, {here['seed']} here")
    if there.get("stream_version") != here["stream_version"]:
        refuse(
            f"stream_version is {there.get('stream_version')} there, {here['stream_version']} here: a seed gives other "
            "draws, so it can be reported on but not extended"
        )
    for kind in ("circuit", "observable"):
        for key, header in here[f"{kind}s"].items():
            known = there.get(f"{kind}s", {}).get(key, header)["digest"]
            if known != header["digest"]:
                refuse(f"{kind} {key} has digest {known[:16]} there, {header['digest'][:16]} here: it was changed")
    old, new = ({cell["fingerprint"]: cell for cell in manifest["cells"]} for manifest in (there, here))
    for fingerprint, cell in old.items():
        drawn = new[fingerprint]["draws"] if fingerprint in new else 0
        if drawn < cell["draws"]:
            refuse(f"cell ({_describe(cell)}) has {cell['draws']} draws there, {drawn} here")
        if cell["looks"] != new[fingerprint]["looks"]:
            refuse(f"cell ({_describe(cell)}) has looks {cell['looks']} there, {new[fingerprint]['looks']} here")
    if any(cell["looks"] > 1 for cell in old.values()):
        grown = next((c for f, c in new.items() if f not in old or c["draws"] > old[f]["draws"]), None)
        if grown:
            drawn = old[grown["fingerprint"]]["draws"] if grown["fingerprint"] in old else 0
            refuse(
                f"cell ({_describe(grown)}) has {drawn} draws there, {grown['draws']} here, and a sweep with cells "
                "that stop early ('looks') may not grow: looks already taken would not keep their error rate"
            )
        if there.get("stopping") not in (None, here["stopping"]):
            refuse("'family_error' or 'margin' differs, and cells that stop early ('looks') have been judged by it")


def told_apart(there: dict[str, Any], here: dict[str, Any]) -> str:
    """A line about versions and a kind of machine that differ from those a directory was made with, or nothing."""
    made = {"machine": there.get("processor", "an unknown one"), **there.get("versions", {})}
    now = {"machine": here["processor"], **here["versions"]}
    other = [f"{name} {made[name]} there, {now[name]} here" for name in now if made.get(name, now[name]) != now[name]]
    if not other:
        return ""
    return (
        f"the draws that are there were made elsewhere: {'; '.join(other)}. Another processor gives the same bytes; "
        "other versions may change last digits"
    )


def _describe(cell: dict[str, Any]) -> str:
    return f"{cell['ensemble']}, {cell['qubits']} qubits, L = {cell['parameters']}, {cell['observable']}"


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a directory. ``ValueError`` if it cannot be read."""
    try:
        manifest = dict(json.loads((directory / MANIFEST).read_text(encoding="utf-8")))
        _Manifest.model_validate(manifest)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            error = ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        raise ValueError(
            f"the manifest of {directory} cannot be read: {error}; remove manifest.json and run the sweep again: it "
            "is made anew, and the draws are kept"
        ) from error
    return manifest


def kept_files(directory: Path, manifest: dict[str, Any], first: bool = False) -> Kept:
    """The circuits and observables that a directory holds; those whose copy is gone are left out.

    ``first``: to read what is there: copies even where the file is there and nothing else, draws of an older stream.
    """
    circuits = {}
    for key, header in manifest.get("circuits", {}).items():
        try:
            qpy = circuit_path(directory, header["digest"]).read_bytes()
        except OSError:
            continue
        circuits[key] = UserCircuit(**{"angles": ""} | header | {"inputs": tuple(header["inputs"])}, qpy=qpy, key=key)
    headers = manifest.get("observables", {}).items()
    observables = {key: observable_path(directory, header["digest"]) for key, header in headers}
    stream = manifest.get("stream_version", STREAM_VERSION) if first else STREAM_VERSION
    return Kept(circuits, {key: path for key, path in observables.items() if path.exists()}, first, stream)


def keep_files(directory: Path, cells: Sequence[Cell]) -> None:
    """Copy the circuits and observables of these cells into a directory. ``OSError`` if they cannot be written."""
    copies = {circuit_path(directory, cell.circuit.digest): cell.circuit.qpy for cell in cells if cell.circuit}
    files = {cell.parsed for cell in cells if cell.parsed.from_file}
    copies |= {observable_path(directory, file.digest): file.text.encode() for file in files}
    for path, content in copies.items():
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content)


def circuit_path(directory: Path, digest: str) -> Path:
    """Where the copy of a circuit is."""
    return directory / "circuits" / f"{digest}.qpy"


def observable_path(directory: Path, digest: str) -> Path:
    """Where the copy of an observable is."""
    return directory / "observables" / f"{digest}.txt"


def write_atomically(path: Path, content: str | bytes, durable: bool = True) -> None:
    """Write a small file whole or not at all; ``durable`` waits until it would survive a power cut.

    Raises ``OSError`` if it cannot be written; no part of it is left then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
