"""One chunk of draws as a Parquet file: written whole or not at all, and never read damaged.

Every page carries a checksum, which reading verifies: a chunk that was cut short or changed on disk is told from a
good one and counts as missing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


class DamagedError(Exception):
    """A chunk is there and cannot be read; says why."""


def write_chunk(target: Path, constants: Mapping[str, str | int], columns: Mapping[str, Any], rows: int) -> None:
    """Write a chunk of so many rows: columns with one value, then arrays of draws, None for a column of nulls.

    Raises ``OSError`` if it cannot be written; no part of it is left then.
    """
    arrays: dict[str, Any] = {name: _constant(value, rows) for name, value in constants.items()}
    for name, values in columns.items():
        arrays[name] = pa.nulls(rows, pa.float64()) if values is None else pa.array(values)
    _write(pa.table(arrays), target)


def read_chunk(path: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
    """These columns of a chunk, or all, their checksums verified; None if it is not there.

    Raises ``DamagedError`` if it cannot be read.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(columns=None if columns is None else list(columns), use_threads=False)
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DamagedError(" ".join(str(error).split())) from error


def rows_of(path: Path) -> int:
    """Rows of a chunk as its footer says; -1 if there is none or the footer is damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return -1


def add_columns(path: Path, names: Sequence[str]) -> None:
    """Give a chunk those of these columns that it lacks, filled with nulls, in place and atomically.

    A chunk that cannot be read is left as it is. Raises ``OSError`` if it cannot be written.
    """
    try:
        table = read_chunk(path)
    except DamagedError:
        return
    if table is None:
        return
    lacking = [name for name in names if name not in table.column_names]
    for name in lacking:
        table = table.append_column(name, pa.nulls(table.num_rows, pa.float64()))
    if lacking:
        _write(table, path)


def _constant(value: str | int, rows: int) -> pa.Array:
    if isinstance(value, str):
        return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([value]))
    return pa.array(np.full(rows, value, np.int64))


def _write(table: pa.Table, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    repeated = [field.name for field in table.schema if field.type != pa.float64()]
    try:
        # Doubles at random neither repeat nor compress, and nobody asks for their range.
        pq.write_table(table, temporary, use_dictionary=repeated, write_statistics=repeated, write_page_checksum=True)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
