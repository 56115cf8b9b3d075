"""Draws that were made elsewhere: one column of numbers from a file, and a check that they are of the cell in question.

* ``.npy``: an array of shape (n,);
* ``.csv``: commas, with a line of names, or without one where the first line is numbers (columns 0, 1, …);
* ``.parquet``, or a folder of such files, as a sweep's ``draws``.

Columns that say which cell a row belongs to, as a sweep writes them, must say the same in every row; ``qubits``,
``parameters``, ``observable`` and ``generator`` must say what was asked for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
from numpy.typing import NDArray

from qntk.inputs.observables import parse_observable

QUANTITIES = ("kernel", "dqntk")
_NAMED = ("qubits", "parameters", "observable", "generator")
_CELL = ("ensemble", "layers", *_NAMED)
_LARGEST = 1e60
"""Beyond it, and below its inverse, fourth powers leave the range of floating point."""


def load_draws(path: Path, quantity: str, column: str | None, cell: dict[str, str | int]) -> NDArray[np.float64]:
    """The draws of ``quantity`` in a file, shape (n,), in its order.

    Args:
        path: ``.npy``, ``.csv``, ``.parquet`` or a folder of Parquet files.
        quantity: ``kernel`` or ``dqntk``: also the column's name unless ``column`` gives another.
        column: name of the column; the quantity, or the only column there is, by default.
        cell: ``qubits``, ``parameters``, ``observable`` and ``generator`` that the draws are said to be of.

    Raises ``ValueError`` for a file that cannot be read, no such column or no telling which, values that are not real
    numbers, or rows of another cell or of several.
    """
    try:
        values = _read(path, quantity, column, cell)
    except (OSError, pa.ArrowException, pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"draws {path} cannot be read: {reason}") from error
    largest = float(np.abs(values).max(initial=0.0))
    if np.isfinite(largest) and largest and not 1 / _LARGEST < largest < _LARGEST:
        raise ValueError(f"draws {path}: the largest has size {largest:.3g}; rescale to units of order 1")
    return values


def _read(path: Path, quantity: str, column: str | None, cell: dict[str, str | int]) -> NDArray[np.float64]:
    suffix = path.suffix.lower()
    if not path.exists():
        raise ValueError(f"draws {path} do not exist; give a .npy, .csv or .parquet file, or a folder of the latter")
    if path.is_dir() or suffix == ".parquet":
        dataset = pads.dataset(path / "draws" if (path / "manifest.json").exists() else path, format="parquet")
        names = [name for name in dataset.schema.names if not name.startswith("__index_level_")]
        chosen = _choose(path, names, quantity, column)
        _check_cell(path, dataset.to_table(columns=[n for n in names if n in _CELL]).to_pandas(), cell)
        return _numbers(path, dataset.to_table(columns=[chosen]).to_pandas(ignore_metadata=True)[chosen])
    if suffix == ".csv":
        frame = _read_csv(path)
        chosen = _choose(path, list(frame.columns), quantity, column)
        _check_cell(path, frame[[n for n in frame.columns if n in _CELL]], cell)
        return _numbers(path, frame[chosen])
    if suffix == ".npy":
        if column is not None:
            raise ValueError(f"draws {path}: a .npy array has no column {column!r}; leave --column out")
        return _read_npy(path)
    raise ValueError(f"draws {path}: suffix {suffix!r} is unknown; give .npy, .csv, .parquet or a folder of Parquet")


def _read_npy(path: Path) -> NDArray[np.float64]:
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"draws {path} cannot be read: {error}") from error
    if array.ndim != 1:
        raise ValueError(f"draws {path} have shape {array.shape}; give one dimension, (draws,)")
    return _numbers(path, pd.Series(array))


def _read_csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8") as file:
        first = next((line for line in file if line.strip()), "")
    if not first:
        raise ValueError(f"draws {path} are empty")
    try:
        [float(word) for word in first.split(",")]
        frame = pd.read_csv(path, header=None)
    except ValueError:
        frame = pd.read_csv(path, skipinitialspace=True)
    return frame.rename(columns=str)


def _choose(path: Path, names: list[str], quantity: str, column: str | None) -> str:
    """The column to test."""
    there = f"draws {path} have the columns {', '.join(names)}" if names else f"draws {path} have no columns"
    if column is not None:
        if column not in names:
            raise ValueError(f"{there}; there is no {column!r}")
        return column
    if quantity in names:
        return quantity
    if len(names) == 1 and names[0] not in QUANTITIES:
        return names[0]
    raise ValueError(f"{there}; none is {quantity!r}, say which with --column")


def _numbers(path: Path, values: pd.Series) -> NDArray[np.float64]:
    if values.dtype.kind not in "fiu":
        raise ValueError(f"draws {path}: the values are of type {values.dtype}; give real numbers")
    return np.asarray(values.to_numpy(dtype=float, na_value=np.nan))


def _check_cell(path: Path, columns: pd.DataFrame, cell: dict[str, str | int]) -> None:
    """Refuse rows of several cells, or of another cell than the one asked for."""
    for name in columns:
        told = list(columns[name].unique())
        if len(told) > 1:
            some = ", ".join(str(value) for value in told[:3]) + (", …" if len(told) > 3 else "")
            raise ValueError(f"draws {path} hold several cells: {name} is {some}; keep the rows of one")
        if told and name in _NAMED and not _same(str(name), told[0], cell):
            raise ValueError(f"draws {path} are of {name} {told[0]}, and {cell[str(name)]} was asked for")


def _same(name: str, told: object, cell: dict[str, str | int]) -> bool:
    asked = cell[name]
    try:
        if name == "observable":  # 1*Z0 is Z0
            one, two = (parse_observable(str(spec), int(cell["qubits"])) for spec in (told, asked))
            return (one.rank, sorted(one.terms)) == (two.rank, sorted(two.terms))
        return str(told) == asked if isinstance(asked, str) else float(str(told)) == asked
    except ValueError:
        return False
