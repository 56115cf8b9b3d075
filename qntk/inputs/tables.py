"""A user's table of points and labels for learning, read strictly: the right numbers, or the line that is amiss."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.messages import listed, shown
from qntk.inputs.separated import Dialect, Layout, layout, number_at, read_rows, unreadable

MOST_POINTS = 10_000
"""Points of a data set: a kernel has as many rows and columns."""
_SPLITS = {"train": True, "test": False}


@dataclass(frozen=True, eq=False)
class Table:
    """Points and labels in the order of their lines.

    Attributes:
        features: names of the columns of x.
        x: shape (points, features).
        y: labels, shape (points,).
        training: which points are for training, shape (points,); None if the table does not say.
        notes: what was left out.
    """

    features: tuple[str, ...]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    training: NDArray[np.bool_] | None
    notes: tuple[str, ...] = ()


def read_table(path: Path, label: str, features: list[str] | None, dialect: Dialect) -> Table:
    """Read a table with a line of names.

    A first column without a name, as pandas and R write an index, is left out with a note. Another that counts the
    rows beside others could be an index or a feature: it is refused unless ``features`` says which.

    Args:
        path: of separated text, gzip or not.
        label: name of the column of labels.
        features: names of the columns that are inputs, in this order; all but label and ``split`` by default.
        dialect: how the table is written.

    Raises ``ValueError`` for what cannot be read, naming line and column.
    """
    try:
        return _read(path, label, features, dialect)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise ValueError(f"data set {path} cannot be read: {unreadable(error)}") from error
    except ValueError as error:
        raise ValueError(f"data set {error}") from error


def _read(path: Path, label: str, features: list[str] | None, dialect: Dialect) -> Table:
    found = layout(path, dialect)
    if label not in found.names:
        there = f"{path} has the columns {listed(found.names)}, and none is {shown(label)}"
        raise ValueError(f"{there}; say which has the labels with label{_other_separator(found, dialect)}")
    unnamed = [index for index, name in enumerate(found.names) if not name]
    if unnamed not in ([], [0]):
        raise ValueError(f"{path}: column {unnamed[-1] + 1} has no name; give it one, or leave it out")
    named = [name for name in found.names if name and name not in (label, "split")]
    chosen = named if features is None else features
    if missing := [name for name in chosen if name not in named]:
        raise ValueError(f"{path} has no feature {shown(missing[0])}; it has {listed(named) or 'none'}")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"{path}: {'a feature is named twice' if chosen else f'no feature beside {shown(label)}'}")
    places = [found.names.index(name) for name in (*chosen, label)]
    split = found.names.index("split") if "split" in found.names else None
    rows: list[list[float]] = []
    training: list[bool] = []
    for line, words in read_rows(path, dialect, found):
        rows.append([_finite(path, dialect, found, line, words, place) for place in places])
        if split is not None:
            if words[split].strip() not in _SPLITS:
                raise ValueError(f"{path}: line {line} has {shown(words[split])} in column 'split'; give train or test")
            training.append(_SPLITS[words[split].strip()])
        if len(rows) > MOST_POINTS:
            raise ValueError(f"{path} has more than {MOST_POINTS:,} points; take a part of them")
    values = np.array(rows).reshape(len(rows), len(places))
    if features is None and len(chosen) > 1:
        _refuse_counters(path, named, values)
    notes = (f"the first column of {path.name} has no name and is left out as an index",) if unnamed else ()
    mask = np.array(training, dtype=bool) if split is not None else None
    return Table(tuple(chosen), values[:, :-1], values[:, -1], mask, notes)


def _finite(path: Path, dialect: Dialect, found: Layout, line: int, words: list[str], place: int) -> float:
    value = number_at(path, dialect, found, line, words, place)
    if not math.isfinite(value):
        where = f"line {line} has {shown(words[place])} in column {shown(found.names[place])}"
        raise ValueError(f"{path}: {where}; give a finite number, or leave the line out")
    return value


def _refuse_counters(path: Path, named: list[str], values: NDArray[np.float64]) -> None:
    count = np.arange(len(values))
    for name, column in zip(named, values.T[:-1], strict=True):
        if len(values) > 1 and any(np.array_equal(column, count + first) for first in (0, 1)):
            rest = [f'"{other}"' for other in named if other != name]
            raise ValueError(
                f"{path}: column {shown(name)} counts the rows, and may be an index or a feature; say which are "
                f"features with features = [{listed(rest)}], or with all of them"
            )


def _other_separator(found: Layout, dialect: Dialect) -> str:
    return dialect.advice(found.names[0]) if len(found.names) == 1 else ""
