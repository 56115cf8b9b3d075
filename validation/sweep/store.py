"""The directory of a sweep: configuration, manifest, and one Parquet dataset of draws.

    DIR/config.toml       the configuration as given
    DIR/manifest.json     versions, seed, and the fingerprint and plan of every cell
    DIR/draws/*.parquet   one file a chunk, written whole or not at all
    DIR/circuits/*.qpy    the user's own circuits, by digest
    DIR/observables/*.txt observables given as files, by digest
    DIR/journal.txt       a digest of every chunk that was written (``qntk.inputs.journal``)
    DIR/progress.json     how far a run is or was, for ``qntk status``

``pandas.read_parquet(DIR / "draws")`` gives one row per draw with the columns of its cell; ``dqntk`` and
``cross_kernel`` where asked for. Names that begin with a dot are the lock, and files that a killed run had not
finished: nothing reads them, and the next run removes them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from qntk.inputs.journal import JOURNAL, Journal
from qntk.inputs.machine import cores
from qntk.inputs.messages import warn
from qntk.sampling import Draws
from qntk.validation.judge.claims import Column, Quantity
from qntk.validation.judge.sequential import Look, settled
from qntk.validation.sweep.cells import Cell, Kept, count_intervals, expand
from qntk.validation.sweep.chunks import (
    DamagedError,
    Expected,
    add_columns,
    chunk_path,
    read_chunk,
    rows_of,
    write_chunk,
)
from qntk.validation.sweep.config import SweepConfig, load_config
from qntk.validation.sweep.documents import settle
from qntk.validation.sweep.lock import LOCK
from qntk.validation.sweep.manifest import (
    MANIFEST,
    keep_files,
    kept_files,
    manifest_of,
    read_manifest,
    refuse_other,
    told_apart,
    write_atomically,
)

CONFIG = "config.toml"
_COPIES = ("circuits", "observables")
_OURS = {LOCK, CONFIG, JOURNAL, "draws", *_COPIES}
_LEFTOVER = re.compile(r"\.(config\.toml|(manifest|progress)\.json|[^.]+\.(parquet|qpy|txt))\.\d+")
"""Files that a run which was killed had not finished."""


class Store:
    """A sweep's directory.

    Attributes:
        directory: where it is.
        config: the sweep's configuration.
        cells: all planned cells.
        tell: gets a line about each chunk that is found damaged; standard error by default.
    """

    def __init__(self, directory: Path, config: SweepConfig, kept: Kept | None = None) -> None:
        self.directory = directory
        self.config = config
        self.cells = expand(config, kept)
        self.tell: Callable[[str], None] = warn
        self._told: set[Path] = set()
        self._sound: set[Path] = set()

    @classmethod
    def create(cls, directory: Path, config: SweepConfig, text: str) -> Store:
        """Open a directory for a configuration, making it if need be, or extend what it holds.

        Two processes that may do so at once hold ``qntk.validation.sweep.lock``.

        Raises ``ValueError`` if it holds another sweep or something else, or cannot be written.
        """
        check_directory(directory)
        there = read_manifest(directory) if (directory / MANIFEST).exists() else None
        settle(directory)
        store = cls(directory, config, kept_files(directory, there or {}))
        here = manifest_of(config, store.cells, store._quantities)
        if there:
            refuse_other(directory, there, here)
            if notice := told_apart(there, here):
                store.tell(notice)
        try:
            store._prepare(text)
            if there and there.get("columns") != here["columns"]:
                for path in sorted(store._path("draws").glob("*.parquet")):
                    add_columns(path, here["columns"], store._journal)
            # The manifest comes last: until it is there, or the new one is, the directory is what it was.
            write_atomically(store._path(MANIFEST), json.dumps(here, indent=1) + "\n")
        except OSError as error:
            raise ValueError(f"directory {directory} cannot be used: {error.strerror or error}") from error
        return store

    @classmethod
    def open(cls, directory: Path) -> Store:
        """Open a directory that holds a sweep, to read it; ``ValueError`` if it does not."""
        if not (directory / MANIFEST).exists():
            raise ValueError(f"directory {directory} holds no sweep; run 'qntk sweep --out {directory}' first")
        settle(directory)
        manifest = read_manifest(directory)
        config, _ = load_config(directory / CONFIG)
        store = cls(directory, config, kept_files(directory, manifest, first=True))
        refuse_other(directory, manifest, manifest_of(config, store.cells, store._quantities))
        return store

    def _prepare(self, text: str) -> None:
        """Folders, leftovers of a killed run, and all files but the manifest and the draws."""
        self._path("draws").mkdir(parents=True, exist_ok=True)
        for folder in (self.directory, *map(self._path, ("draws", *_COPIES))):
            for path in folder.glob(".*") if folder.exists() else ():
                if _LEFTOVER.fullmatch(path.name):
                    path.unlink(missing_ok=True)
        names = {cell.name for cell in self.cells}
        for path in self._path("draws").glob("*.parquet"):
            if path.stem.rpartition("-")[0] not in names:
                raise ValueError(f"directory {self.directory} holds draws of no cell of this sweep: {path.name}")
        keep_files(self.directory, self.cells)
        write_atomically(self._path(CONFIG), text)

    @cached_property
    def _journal(self) -> Journal:
        return Journal(self.directory)

    @cached_property
    def share(self) -> float:
        """Of the error budget that each interval of a complete report gets."""
        return self.config.family_error / count_intervals(self.cells)

    def missing(self, cells: Iterable[Cell] | None = None) -> list[tuple[Cell, int]]:
        """Chunks of these cells, or of all, to be drawn next, in order; a chunk that cannot be read counts as missing.

        Of a cell that may stop early, those up to its next look: when they are there, ask again. Each chunk's
        checksums are verified the first time that it is asked for.
        """
        chosen = self.cells if cells is None else list(cells)
        begun = {path.name.rpartition("-")[0] for path in self._path("draws").glob("*.parquet")}
        with ThreadPoolExecutor(min(4, cores())) as pool:
            read = {cell.name: pool.submit(self._missing, cell) for cell in chosen if cell.name in begun}
            lists = [read[cell.name].result() if cell.name in read else self._missing(cell) for cell in chosen]
        return [(cell, chunk) for cell, chunks in zip(chosen, lists, strict=True) for chunk in chunks]

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
        return [chunk for chunk, size in enumerate(wanted) if not self._holds(cell, chunk, size)]

    def _holds(self, cell: Cell, chunk: int, rows: int) -> bool:
        path, expected = self._chunk(cell, chunk), Expected(cell.name, chunk, rows)
        if path in self._sound:
            return rows_of(path, expected) == rows
        try:
            table = read_chunk(path, ["kernel", "output", *cell.quantities[1:]], expected, self._journal)
        except DamagedError as reason:
            self._warn(path, f"{reason}; it is drawn again")
            return False
        if table is None or table.num_rows != rows:
            return False
        self._sound.add(path)
        return True

    def _warn(self, path: Path, reason: str) -> None:
        if path not in self._told:
            self._told.add(path)
            self.tell(f"chunk {path} is damaged: {reason}")

    def write(self, cell: Cell, chunk: int, draws: Draws) -> None:
        """Add a chunk, whole or not at all."""
        drawn = {"dqntk": draws.dqntk, "cross_kernel": draws.cross}
        columns = {"kernel": draws.kernel, "output": draws.output} | {name: drawn[name] for name in self._quantities}
        target = self._chunk(cell, chunk)
        try:
            write_chunk(target, cell.columns | {"cell": cell.name, "chunk": chunk}, columns, len(draws), self._journal)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise ValueError(
                f"chunk {target} cannot be written: {reason}; the chunks before it are kept, mend this and run the "
                "same command again"
            ) from error
        self._sound.add(target)

    @cached_property
    def _quantities(self) -> list[str]:
        """Columns that some cell asked for; all files have them, so that they read as one dataset."""
        wanted = {quantity for cell in self.cells for quantity in cell.quantities}
        return [name for name in ("dqntk", "cross_kernel") if name in wanted]

    def columns(self, cell: Cell, chunks: int | None = None) -> dict[Quantity, Column]:
        """What was drawn of a cell, each of shape (draws,), in the order of its first ``chunks`` chunks, or of all.

        Chunks that are not there, or are damaged, are left out.
        """
        tables = []
        for chunk, size in enumerate(cell.chunks[:chunks]):
            path = self._chunk(cell, chunk)
            try:
                table = read_chunk(path, cell.quantities, Expected(cell.name, chunk, size), self._journal)
            except DamagedError as reason:
                self._warn(path, f"{reason}; run the sweep again, which draws it anew")
                continue
            if table is not None:
                tables.append(table)
        if not tables:
            return {quantity: np.empty(0) for quantity in cell.quantities}
        return {q: np.concatenate([table[q].to_numpy() for table in tables]) for q in cell.quantities}

    def versions(self) -> dict[str, str]:
        """Versions that the sweep was made with."""
        return dict(read_manifest(self.directory)["versions"])

    def configuration(self) -> str:
        """The configuration as given."""
        return self._path(CONFIG).read_text(encoding="utf-8")

    def _path(self, name: str) -> Path:
        return self.directory / name

    def _chunk(self, cell: Cell, chunk: int) -> Path:
        return chunk_path(self._path("draws"), cell.name, chunk)


def check_directory(directory: Path) -> None:
    """Make a sweep's directory if need be; ``ValueError`` if it holds something else or cannot be made or read."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        a_sweep = (directory / MANIFEST).exists()
        lost_manifest = (directory / CONFIG).exists() and (directory / "draws").is_dir()
        strange = (p for p in directory.iterdir() if p.name not in _OURS and not _LEFTOVER.fullmatch(p.name))
        if not a_sweep and not lost_manifest and any(strange):
            raise ValueError(f"directory {directory} is not empty and holds no sweep; give another")
    except OSError as error:
        raise ValueError(f"directory {directory} cannot be used: {error.strerror}") from error
