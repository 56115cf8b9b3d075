"""The directory of a sweep: configuration, manifest, and one Parquet dataset of draws.

    DIR/config.toml       the configuration as given
    DIR/manifest.json     versions, seed, and the fingerprint and plan of every cell
    DIR/draws/*.parquet   one file a chunk, written whole or not at all

``pandas.read_parquet(DIR / "draws")`` gives one row per draw with the columns of its cell; ``dqntk`` and
``cross_kernel`` where asked for.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sampling import STREAM_VERSION, Draws
from validation import SCHEMA_VERSION
from validation.cells import Cell, count_intervals, expand
from validation.claims import Column, Quantity
from validation.config import SweepConfig, load_config
from validation.sequential import Look, settled

_PACKAGES = ("qntk", "numpy", "scipy", "numba", "qiskit", "pandas", "pyarrow")


class Store:
    """A sweep's directory.

    Attributes:
        directory: where it is.
        config: the sweep's configuration.
        cells: all planned cells.
    """

    def __init__(self, directory: Path, config: SweepConfig) -> None:
        self.directory = directory
        self.config = config
        self.cells = expand(config)

    @classmethod
    def create(cls, directory: Path, config: SweepConfig, text: str) -> Store:
        """Open a directory for a configuration, making it if need be.

        Raises ``ValueError`` if it holds another sweep or something else, or cannot be written.
        """
        store = cls(directory, config)
        manifest = store._manifest()
        try:
            if store._path("manifest.json").exists():
                _refuse_other(directory, _read_manifest(directory), manifest)
            elif directory.exists() and any(directory.iterdir()):
                raise ValueError(f"directory {directory} is not empty and holds no sweep; give another")
            store._path("draws").mkdir(parents=True, exist_ok=True)
            _write_atomically(store._path("config.toml"), text)
            _write_atomically(store._path("manifest.json"), json.dumps(manifest, indent=1) + "\n")
        except OSError as error:
            raise ValueError(f"directory {directory} cannot be used: {error.strerror}") from error
        return store

    @classmethod
    def open(cls, directory: Path) -> Store:
        """Open a directory that holds a sweep; ``ValueError`` if it does not."""
        if not (directory / "manifest.json").exists():
            raise ValueError(f"directory {directory} holds no sweep; run 'qntk sweep --out {directory}' first")
        config, _ = load_config(directory / "config.toml")
        store = cls(directory, config)
        _refuse_other(directory, _read_manifest(directory), store._manifest())
        return store

    @cached_property
    def share(self) -> float:
        """Of the error budget that each interval of a complete report gets."""
        return self.config.family_error / count_intervals(self.cells)

    def missing(self) -> list[tuple[Cell, int]]:
        """Chunks to be drawn next, in order; a chunk that cannot be read counts as missing.

        Of a cell that may stop early, those up to its next look: when they are there, ask again.
        """
        return [(cell, chunk) for cell in self.cells for chunk in self._missing(cell)]

    def reached(self, cell: Cell) -> Look:
        """The look at which a cell stops, or, while it has not been drawn that far, the one that it goes to next."""
        if cell.looks == 1:
            return cell.looks_at[-1]
        margins = self.config.margin.margins()
        for look in cell.looks_at:
            columns = self.columns(cell, look.chunks)
            enough = len(columns["kernel"]) == sum(cell.chunks[: look.chunks])
            if look.last or not enough:
                break
            if settled(columns, cell.law(), margins, self.share * look.share, cell.overlap):
                break
        return look

    def planned(self, cell: Cell) -> int:
        """Draws up to the look that a cell stops at or goes to next."""
        return sum(cell.chunks[: self.reached(cell).chunks])

    def _missing(self, cell: Cell) -> list[int]:
        wanted = cell.chunks[: self.reached(cell).chunks]
        return [chunk for chunk, size in enumerate(wanted) if _rows(self._chunk(cell, chunk)) != size]

    def write(self, cell: Cell, chunk: int, draws: Draws) -> None:
        """Add a chunk, whole or not at all."""
        n = len(draws)
        constants = cell.columns | {"cell": cell.name, "chunk": chunk}
        columns = {
            name: pa.repeat(value, n).dictionary_encode() if isinstance(value, str) else pa.repeat(value, n)
            for name, value in constants.items()
        }
        table = pa.table(columns | {"kernel": draws.kernel, "output": draws.output} | self._optional(draws))
        target = self._chunk(cell, chunk)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            pq.write_table(table, temporary)
            os.replace(temporary, target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ValueError(f"chunk {target} cannot be written: {error.strerror}") from error

    def _optional(self, draws: Draws) -> dict[str, Any]:
        """Columns that some cell asked for; all files have them, so that they read as one dataset."""
        drawn = {"dqntk": draws.dqntk, "cross_kernel": draws.cross}
        wanted = {quantity for cell in self.cells for quantity in cell.quantities}
        return {
            name: pa.nulls(len(draws), pa.float64()) if values is None else values
            for name, values in drawn.items()
            if name in wanted
        }

    def columns(self, cell: Cell, chunks: int | None = None) -> dict[Quantity, Column]:
        """What was drawn of a cell, each of shape (draws,), in the order of its first ``chunks`` chunks, or of all."""
        files = [self._chunk(cell, chunk) for chunk in range(len(cell.chunks))][:chunks]
        tables = [pq.read_table(f, columns=list(cell.quantities)) for f in files if _rows(f) >= 0]
        if not tables:
            return {quantity: np.empty(0) for quantity in cell.quantities}
        return {q: np.concatenate([table[q].to_numpy() for table in tables]) for q in cell.quantities}

    def versions(self) -> dict[str, str]:
        """Versions that the sweep was made with."""
        return dict(_read_manifest(self.directory)["versions"])

    def _path(self, name: str) -> Path:
        return self.directory / name

    def _chunk(self, cell: Cell, chunk: int) -> Path:
        return self._path("draws") / f"{cell.name}-{chunk:05d}.parquet"

    def _manifest(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
            "seed": self.config.seed,
            "stream_version": STREAM_VERSION,
            "cells": [asdict(cell) | {"cell": cell.name, "fingerprint": cell.fingerprint} for cell in self.cells],
        }


def _refuse_other(directory: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    """Same seed, same streams, same cells: anything else is another sweep, and its first difference is named."""
    for key in ("seed", "stream_version"):
        if there.get(key) != here[key]:
            raise ValueError(
                f"directory {directory} holds another sweep: {key} is {there.get(key)} there, {here[key]} here; "
                "give another directory"
            )
    plans = [{c["fingerprint"]: c for c in manifest["cells"]} for manifest in (there, here)]
    for fingerprint, cell in (plans[0] | plans[1]).items():
        drawn = [plan[fingerprint]["draws"] if fingerprint in plan else 0 for plan in plans]
        if drawn[0] != drawn[1]:
            name = f"{cell['ensemble']}, {cell['qubits']} qubits, L = {cell['parameters']}, {cell['observable']}"
            raise ValueError(
                f"directory {directory} holds another sweep: cell ({name}) has {drawn[0]} draws there, "
                f"{drawn[1]} here; give another directory"
            )


def _read_manifest(directory: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        return dict(manifest) if manifest["cells"] else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the manifest of {directory} cannot be read: {error}") from error


def _rows(path: Path) -> int:
    """Rows of a chunk; -1 if there is none or it is damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowInvalid):
        return -1


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
