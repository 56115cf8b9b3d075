"""Draws that were made elsewhere: one column of numbers, and a check that they are of the cell in question.

* an array of shape (n,), from a program or as ``.npy``, or one of a ``.npz``;
* ``.csv`` (also ``.csv.gz``), ``.tsv``: a table read strictly (``qntk.inputs.separated``), with a line of names, or
  without one where the first line is numbers (columns 0, 1, …);
* ``.parquet``, or a folder of such files, as a sweep's ``draws``, also one partitioned by folders ``name=value``.

Columns that say which cell a row belongs to, as a sweep writes them, must say the same in every row; ``qubits``,
``parameters``, ``observable`` and ``generator`` must say what was asked for. Files are read block by block: the draws
themselves are all that is held.
"""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from numpy.typing import NDArray

from qntk.inputs.journal import Journal
from qntk.inputs.machine import refuse_beyond_memory
from qntk.inputs.messages import listed, printable, shown
from qntk.inputs.observables import parse_observable
from qntk.inputs.separated import Dialect, layout, read_batches, unreadable

QUANTITIES = ("kernel", "dqntk")
_NAMED = ("qubits", "parameters", "observable", "generator")
_CELL = ("ensemble", "layers", *_NAMED)
_CHUNK = re.compile(r"([0-9a-f]{16})-(\d{5,})\.parquet")
_LARGEST = 1e60
"""Beyond it, and below its inverse, fourth powers leave the range of floating point."""
_BYTES_A_DRAW = 18
"""What reading and comparing hold at the peak for each draw, measured on 1e8."""
_FORMATS = "give .npy, .npz, .csv, .csv.gz, .tsv, .parquet or a folder of Parquet files"


def load_draws(
    path: Path, quantity: str, column: str | None, cell: dict[str, str | int], dialect: Dialect | None = None
) -> NDArray[np.float64]:
    """The draws of ``quantity`` in a file, shape (n,), in its order.

    Args:
        path: of a file in one of the formats above, or of a folder of Parquet files.
        quantity: ``kernel`` or ``dqntk``: also the column's name unless ``column`` gives another.
        column: name of the column; the quantity, or the only column there is, by default.
        cell: ``qubits``, ``parameters``, ``observable`` and ``generator`` that the draws are said to be of.
        dialect: of separated text; commas between columns and decimal points by default.

    Raises ``ValueError`` for a file that cannot be read, no such column or no telling which, values that are not real
    numbers or are missing, or rows of another cell or of several; where it can, with the line.
    """
    try:
        values = _read(path, quantity, column, cell, dialect)
    except (OSError, EOFError, pa.ArrowException, UnicodeDecodeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"draws {path} cannot be read: {unreadable(error)}") from error
    largest = max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    if np.isfinite(largest) and largest and not 1 / _LARGEST < largest < _LARGEST:
        raise ValueError(f"draws {path}: the largest has size {largest:.3g}; rescale to units of order 1")
    return values


def column_of(values: object, name: str = "draws") -> NDArray[np.float64]:
    """An array, a list or a column of a table as draws: shape (n,), of real numbers.

    Raises ``ValueError`` for another shape or masked values, and ``TypeError`` for what is not real numbers, booleans
    among them.
    """
    if np.ma.is_masked(values):
        raise ValueError(f"some of the {name} are masked; leave them out, as .compressed() does")
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} are of type {array.dtype}; give real numbers")
    if array.ndim != 1:
        raise ValueError(f"{name} have shape {array.shape}; give one dimension, (draws,)")
    return np.asarray(array, dtype=np.float64)


def _read(
    path: Path, quantity: str, column: str | None, cell: dict[str, str | int], dialect: Dialect | None
) -> NDArray[np.float64]:
    name = path.name.lower()
    if not path.exists():
        raise ValueError(f"draws {path} do not exist; {_FORMATS}")
    if path.is_dir() or name.endswith(".parquet"):
        _only_for_text(path, dialect)
        return _from_parquet(path, quantity, column, cell)
    if name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        chosen = dialect or Dialect("\t" if ".tsv" in name[-7:] else ",")
        return _from_text(path, quantity, column, cell, chosen)
    if name.endswith((".npy", ".npz")):
        _only_for_text(path, dialect)
        return _from_numpy(path, quantity, column)
    raise ValueError(f"draws {path}: suffix {path.suffix!r} is unknown; {_FORMATS}")


def _only_for_text(path: Path, dialect: Dialect | None) -> None:
    if dialect is not None:
        raise ValueError(f"draws {path}: --separator, --decimal and --header are for .csv; leave them out")


def _from_numpy(path: Path, quantity: str, column: str | None) -> NDArray[np.float64]:
    try:
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                chosen = _choose(path, list(archive.files), quantity, column)
                with archive.zip.open(f"{chosen}.npy") as member:
                    _refuse_beyond_memory(path, *_size(member))
                array = archive[chosen]
        elif column is not None:
            raise ValueError(f"a .npy array has no column {shown(column)}; leave --column out")
        else:
            with path.open("rb") as file:
                _refuse_beyond_memory(path, *_size(file))
                file.seek(0)
                array = np.lib.format.read_array(file, allow_pickle=False)
                if file.read(1):
                    raise ValueError("something follows the array; give a file of one")
        return column_of(array, "they")
    except Exception as error:  # numpy parses the header as Python, and stumbles in any way
        if str(error).startswith("draws "):
            raise
        reason = printable(" ".join(str(error).split())[:300])
        raise ValueError(f"draws {path} cannot be read: {reason}") from error


def _size(file: IO[bytes]) -> tuple[int, int]:
    """How many numbers an array in numpy's format has, by its header, and how many bytes it takes beside doubles."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in read:  # of names that are no ASCII, which draws have not
        return 0, 0
    shape, _, kind = read[version](file)
    count = math.prod(shape)
    return count, 0 if kind == np.float64 else count * kind.itemsize


def _refuse_beyond_memory(path: Path, draws: int, beside: int = 0) -> None:
    """Before they are read, refuse what would not fit; ``beside`` are bytes that are needed once more."""
    refuse_beyond_memory(_BYTES_A_DRAW * draws + beside, f"draws {path}: comparing {draws:,}", "give fewer")


def _from_text(
    path: Path, quantity: str, column: str | None, cell: dict[str, str | int], dialect: Dialect
) -> NDArray[np.float64]:
    try:
        found = layout(path, dialect)
        chosen = _choose(path, found.names, quantity, column)
        kinds = {chosen: pa.float64()} | {n: pa.string() for n in found.names if n in _CELL and n != chosen}
        return _gather(path, read_batches(path, dialect, found, kinds), chosen, cell)
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        text = str(error)
        raise ValueError(text if text.startswith("draws ") else f"draws {text}") from error


def _from_parquet(path: Path, quantity: str, column: str | None, cell: dict[str, str | int]) -> NDArray[np.float64]:
    folder = path / "draws" if (path / "manifest.json").exists() else path
    dataset = pads.dataset(
        folder,
        format=pads.ParquetFileFormat(
            default_fragment_scan_options=pads.ParquetFragmentScanOptions(page_checksum_verification=True)
        ),
        partitioning="hive",
    )
    fragments = list(dataset.get_fragments())
    names = [name for name in dataset.schema.names if not name.startswith("__index_level_")]
    if len(set(names)) < len(names):
        raise ValueError(f"draws {path} have two columns of one name; give each a name of its own")
    chosen = _choose(path, names, quantity, column)
    kind = dataset.schema.field(chosen).type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise ValueError(f"draws {path}: the values of {shown(chosen)} are of type {kind}; give real numbers")
    told = [name for name in names if name in _CELL and name != chosen]
    who = [name for name in ("cell", "chunk") if {"cell", "chunk"} <= set(names)]
    journal = Journal(folder.parent) if folder.is_dir() else None
    _refuse_beyond_memory(path, dataset.count_rows())

    def batches() -> Iterator[pa.RecordBatch]:
        for fragment in fragments:
            missing = [n for n in fragment.physical_schema.names if n in _CELL and n not in names]
            if missing or (chosen in names and chosen not in _known(fragment)):
                raise ValueError(
                    f"draws {path}: {fragment.path} has other columns than the rest; give files of one cell"
                )
            _refuse_foreign(path, Path(fragment.path), journal)
            try:
                for batch in fragment.to_batches(
                    schema=dataset.schema, columns=[*told, *who, chosen], batch_readahead=2
                ):
                    _refuse_copies(path, Path(fragment.path), batch)
                    yield batch
            except (OSError, pa.ArrowException) as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise ValueError(f"draws {path}: {fragment.path} is damaged: {reason}") from error

    return _gather(path, batches(), chosen, cell)


def _refuse_foreign(path: Path, file: Path, journal: Journal | None) -> None:
    """Refuse a chunk of a sweep that is not as the sweep wrote it."""
    if journal is not None and journal.knows(file.name) and journal.disowns(file.name, file.read_bytes()):
        raise ValueError(f"draws {path}: {file} is damaged: its content is not what was written; run the sweep again")


def _refuse_copies(path: Path, file: Path, batch: pa.RecordBatch) -> None:
    """Refuse a file that is called as one chunk of a sweep and is another."""
    if "cell" in batch.schema.names and "chunk" in batch.schema.names and (name := _CHUNK.fullmatch(file.name)):
        told = [pc.unique(batch[column]).to_pylist() for column in ("cell", "chunk")]
        if told != [[name[1]], [int(name[2])]]:
            raise ValueError(f"draws {path}: {file} holds another chunk than it is called; run the sweep again")


def _known(fragment: pads.Fragment) -> set[str]:
    return {*fragment.physical_schema.names, *pads.get_partition_keys(fragment.partition_expression)}


def _gather(
    path: Path, batches: Iterable[pa.RecordBatch], chosen: str, cell: dict[str, str | int]
) -> NDArray[np.float64]:
    """The column of all blocks, once what they say of their cell has been checked."""
    told: dict[str, list[object]] = {}
    held, count = np.empty(1 << 16), 0
    for batch in batches:
        for name in batch.schema.names:
            if name in _CELL and name != chosen:
                known = told.setdefault(name, [])
                known += [v for v in pc.unique(batch[name]).to_pylist() if v not in known]
                _check_cell(path, name, known, cell)
        values = batch[chosen]
        if values.null_count:
            first = count + int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0]) + 1
            raise ValueError(f"draws {path}: row {first} has no value, and what is missing is not finite; leave it out")
        if count + len(values) > len(held):
            _refuse_beyond_memory(path, count + len(values), -held.nbytes)
            held.resize(max(count + len(values), len(held) * 3 // 2), refcheck=False)  # in place, where it can
        held[count : count + len(values)] = values.to_numpy(zero_copy_only=False)
        count += len(values)
    held.resize(count, refcheck=False)
    return held


def _choose(path: Path, names: list[str], quantity: str, column: str | None) -> str:
    """The column to test."""
    there = f"draws {path} have the columns {listed(names)}" if names else f"draws {path} have no columns"
    if column is not None:
        if column not in names:
            raise ValueError(f"{there}; there is no {shown(column)}")
        return column
    if quantity in names:
        return quantity
    if len(names) == 1 and names[0] not in QUANTITIES:
        return names[0]
    hint = ""
    if len(names) == 1 and (mark := next((m for m in ";\t|" if m in names[0]), None)):
        hint = f"; for other separators give --separator {'a tab' if mark == chr(9) else repr(mark)}"
    raise ValueError(f"{there}; none is {quantity!r}, say which with --column{hint}")


def _check_cell(path: Path, name: str, told: list[object], cell: dict[str, str | int]) -> None:
    """Refuse rows of several cells, or of another cell than the one asked for."""
    if len(told) > 1:
        some = ", ".join(printable(str(value)[:60]) for value in told[:3]) + (", …" if len(told) > 3 else "")
        raise ValueError(f"draws {path} hold several cells: {name} is {some}; keep the rows of one")
    if told and name in _NAMED and not _same(name, told[0], cell):
        raise ValueError(f"draws {path} are of {name} {printable(str(told[0])[:60])}, and {cell[name]} was asked for")


def _same(name: str, told: object, cell: dict[str, str | int]) -> bool:
    asked = cell[name]
    try:
        if name == "observable":  # 1*Z0 is Z0
            one, two = (parse_observable(str(spec), int(cell["qubits"])) for spec in (told, asked))
            return (one.rank, sorted(one.terms)) == (two.rank, sorted(two.terms))
        return str(told).strip() == asked if isinstance(asked, str) else float(str(told)) == asked
    except ValueError:
        return False
