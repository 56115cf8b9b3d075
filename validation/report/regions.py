"""Where a law holds and where it fails, as a region of sizes, read off the rows of ``verdicts.json``.

A law that is a limit ends somewhere: the region is sought in one variable, the dimension D or the parameters per D or
D². It *holds* up to the last value before the first cell that does not agree, it *fails* from the first value after
the last cell that does not disagree; of the variables that one counts in which most cells lie in one of the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

_VARIABLES: dict[str, tuple[Callable[[Row], float], bool]] = {
    "D": (lambda row: row["dimension"], False),
    "L/D": (lambda row: row["parameters"] / row["dimension"], True),
    "L/D²": (lambda row: row["parameters"] / row["dimension"] ** 2, True),
}
"""Variables, and whether a law holds at small values of them, not at large ones."""
_FEWEST = 4
"""Cells that a region must hold, else a crossing of two curves would be one."""


@dataclass(frozen=True)
class Region:
    """Where a law holds.

    Attributes:
        counts: of the verdicts.
        variable: ``D``, ``L/D`` or ``L/D²``; empty if no variable tells where.
        holds: it agrees in every cell at most here (for D, at least); None if there is no such region.
        fails: it disagrees in every cell at least here (for D, at most); None if there is no such region.
    """

    counts: Counter[str]
    variable: str = ""
    holds: float | None = None
    fails: float | None = None

    def text(self) -> str:
        """``holds for D ≥ 32, fails for D ≤ 8``; or in how many cells it does."""
        total, agree, disagree = self.counts.total(), self.counts["agree"], self.counts["disagree"]
        if agree == total:
            return "holds in every cell" if total > 1 else "holds in its one cell"
        if disagree == total:
            return "fails in every cell" if total > 1 else "fails in its one cell"
        small = _VARIABLES[self.variable][1] if self.variable else False
        told = []
        if self.holds is not None:
            told.append(f"holds for {_size(self.variable, '≤' if small else '≥', self.holds)}")
        if self.fails is not None:
            told.append(f"fails for {_size(self.variable, '≥' if small else '≤', self.fails)}")
        return ", ".join(told) or f"agrees in {agree} and disagrees in {disagree} of {total} cells, in no one region"


def region(rows: Sequence[Row]) -> Region:
    """The region of rows that are of one law."""
    counts = Counter(row["verdict"] for row in rows)
    found = Region(counts)
    most = 0
    if len(counts) == 1:
        return found
    for variable, (size, small) in _VARIABLES.items():
        ordered = sorted({size(row) for row in rows}, reverse=not small)
        by_size = [[row["verdict"] for row in rows if size(row) == value] for value in ordered]
        holding = _run(by_size, "agree")
        failing = _run(by_size[::-1], "disagree")
        cells = [sum(map(len, by_size[:holding])), sum(map(len, by_size[len(by_size) - failing :]))]
        kept = [count if count >= _FEWEST else 0 for count in cells]
        if sum(kept) > most:
            most = sum(kept)
            found = Region(
                counts, variable, ordered[holding - 1] if kept[0] else None, ordered[-failing] if kept[1] else None
            )
    return found


def worst(rows: Iterable[Row]) -> Row | None:
    """The row that is furthest off its prediction, as a factor; None if no row has one."""
    off = [row for row in rows if row["margin_kind"] == "relative" and row["prediction"] and row["estimate"] > 0]
    return max(off, key=lambda r: max(r["estimate"] / r["prediction"], r["prediction"] / r["estimate"]), default=None)


def _run(by_size: Sequence[Sequence[str]], verdict: str) -> int:
    """How many sizes from the first on have this verdict alone."""
    return next((at for at, found in enumerate(by_size) if set(found) != {verdict}), len(by_size))


def _size(variable: str, relation: str, value: float) -> str:
    """``L ≤ D²/32``, ``L ≥ 2D²``, ``D ≥ 32``."""
    if variable == "D":
        return f"D {relation} {value:g}"
    unit = variable.removeprefix("L/")
    if value < 1:
        return f"L {relation} {unit}/{1 / value:.3g}"
    return f"L {relation} {'' if value == 1 else f'{value:.3g}'}{unit}"
