"""One chunk of draws as a Parquet file: written whole or not at all, and never read damaged or for another.

Every page carries a checksum, which reading verifies, and the journal has a digest of every file that was written. A
chunk is one only if it says so itself: the columns, the cell, the number of the chunk, and no more rows than planned.
What was cut short, changed on disk, or copied from elsewhere is told from a good one and counts as missing.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qntk.inputs.journal import Journal
from qntk.inputs.messages import printable

_WHO = ("cell", "chunk")


class DamagedError(Exception):
    """A chunk is there, and cannot be read or is another; says why."""


@dataclass(frozen=True)
class Expected:
    """What a chunk must be: of which cell, its number there, and its rows at most."""

    cell: str
    chunk: int
    rows: int


def chunk_path(folder: Path, cell: str, chunk: int) -> Path:
    """Where a chunk of a cell is."""
    return folder / f"{cell}-{chunk:05d}.parquet"


def write_chunk(
    target: Path, constants: Mapping[str, str | int], columns: Mapping[str, Any], rows: int, journal: Journal
) -> None:
    """Write a chunk of so many rows: columns with one value, then arrays of draws, None for a column of nulls.

    Raises ``OSError`` if it cannot be written; no part of it is left then.
    """
    arrays: dict[str, Any] = {name: _constant(value, rows) for name, value in constants.items()}
    for name, values in columns.items():
        arrays[name] = pa.nulls(rows, pa.float64()) if values is None else pa.array(values)
    _write(pa.table(arrays), target, journal)


def read_chunk(
    path: Path,
    columns: Sequence[str] | None = None,
    expected: Expected | None = None,
    journal: Journal | None = None,
) -> pa.Table | None:
    """These columns of a chunk, or all, their checksums verified; None if it is not there.

    Raises ``DamagedError`` if it cannot be read, is not what is ``expected``, or is no file of the ``journal``.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedError(error.strerror or str(error)) from error
    if journal is not None and journal.disowns(path.name, content):
        raise DamagedError("its content is not what was written")
    try:
        with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
            wanted = None if columns is None else [*columns, *(_WHO if expected else ())]
            table = file.read(columns=wanted, use_threads=False)
            _refuse_other(table, [] if columns is None else columns, expected)
    except DamagedError:
        raise
    except Exception as error:  # a flipped bit makes the reader stumble in any way
        raise DamagedError(printable(" ".join(str(error).split()))[:300] or type(error).__name__) from error
    return table if columns is None else table.select(list(columns))


def _refuse_other(table: pa.Table, columns: Sequence[str], expected: Expected | None) -> None:
    for name in columns:
        if name not in table.column_names:
            raise DamagedError(f"it has no column {name!r}")
        if table.schema.field(name).type != pa.float64() or table[name].null_count:
            raise DamagedError(f"its column {name!r} is not of numbers")
    if expected is None:
        return
    for name in _WHO:
        wanted = getattr(expected, name)
        told = pc.unique(table[name]).to_pylist() if name in table.column_names else None
        if told != [wanted]:
            says = "does not say" if told is None else f"says {printable(', '.join(map(str, told[:3])))[:60]}"
            raise DamagedError(f"it {says} {'of which' if told is None else 'as its'} {name}, and not {wanted}")
    if table.num_rows > expected.rows:
        raise DamagedError(f"it has {table.num_rows} rows where {expected.rows} are planned")


def rows_of(path: Path, expected: Expected | None = None) -> int:
    """Rows of a chunk as its footer says; -1 if there is none, the footer is damaged, or of another chunk."""
    try:
        footer = pq.read_metadata(path)
        if expected is not None and not _is(footer, expected):
            return -1
        return int(footer.num_rows)
    except Exception:  # as above
        return -1


def _is(footer: Any, expected: Expected) -> bool:
    group = footer.row_group(0)
    found = {}
    for index in range(group.num_columns):
        column = group.column(index)
        if column.path_in_schema in _WHO and column.statistics is not None:
            found[column.path_in_schema] = (column.statistics.min, column.statistics.max)
    return found == {name: (getattr(expected, name),) * 2 for name in _WHO} and footer.num_rows <= expected.rows


def add_columns(path: Path, names: Sequence[str], journal: Journal) -> None:
    """Give a chunk those of these columns that it lacks, filled with nulls, in place and atomically.

    A chunk that cannot be read is left as it is. Raises ``OSError`` if it cannot be written.
    """
    try:
        table = read_chunk(path, journal=journal)
    except DamagedError:
        return
    if table is None:
        return
    lacking = [name for name in names if name not in table.column_names]
    for name in lacking:
        table = table.append_column(name, pa.nulls(table.num_rows, pa.float64()))
    if lacking:
        _write(table, path, journal)


def _constant(value: str | int, rows: int) -> pa.Array:
    if isinstance(value, str):
        return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([value]))
    return pa.array(np.full(rows, value, np.int64))


def _write(table: pa.Table, target: Path, journal: Journal) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    repeated = [field.name for field in table.schema if field.type != pa.float64()]
    buffer = io.BytesIO()
    # Doubles at random neither repeat nor compress, and nobody asks for their range.
    pq.write_table(table, buffer, use_dictionary=repeated, write_statistics=repeated, write_page_checksum=True)
    content = buffer.getvalue()
    try:
        temporary.write_bytes(content)
        journal.add(target.name, content)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
