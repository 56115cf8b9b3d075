"""Lists of whole numbers as configurations write them: a number, a list, or a range."""

from __future__ import annotations

from typing import Any

import numpy as np

from qntk.inputs.messages import shown

_ACCEPTED = "a range is { from = 4, to = 1024, points = 9 }, log-spaced, or { from = 2, to = 10, step = 2 }"
_MOST_POINTS = 100_000
_LARGEST = 10**15
"""Up to it floating point has every whole number."""


def as_list(value: Any) -> Any:
    """A list as it is, anything else alone in one."""
    return value if isinstance(value, list) else [value]


def as_numbers(value: Any) -> Any:
    """The same, with a range (a table) written out; what it holds is for others to check.

    ``points`` gives whole numbers at equal ratios with both ends, rounded, none twice; ``step`` equal differences.
    Raises ``ValueError`` for a table that is no range.

    >>> as_numbers({"from": 4, "to": 64, "points": 5}), as_numbers({"from": 2, "to": 7, "step": 2})
    ([4, 8, 16, 32, 64], [2, 4, 6])
    """
    if not isinstance(value, dict):
        return as_list(value)
    if set(value) not in ({"from", "to", "points"}, {"from", "to", "step"}):
        raise ValueError(f"{_ACCEPTED}, given the keys {', '.join(map(str, value)) or 'of an empty table'}")
    spacing = "points" if "points" in value else "step"
    least = {"from": 1, "to": 1, "points": 2, "step": 1}
    for key, number in value.items():
        if type(number) is not int or number < least[key]:
            raise ValueError(f"{_ACCEPTED}; {key!r} is a whole number from {least[key]} on, given {number!r}")
    first, last = value["from"], value["to"]
    if last < first:
        raise ValueError(f"{_ACCEPTED}; 'to' is {last}, below 'from', which is {first}")
    if spacing == "step":
        if (count := (last - first) // value["step"] + 1) > _MOST_POINTS:
            raise ValueError(f"{_ACCEPTED}; this one has {shown(count)} numbers, give at most {_MOST_POINTS}")
        return list(range(first, last + 1, value["step"]))
    if value["points"] > _MOST_POINTS:
        raise ValueError(f"{_ACCEPTED}; 'points' is {value['points']}, give at most {_MOST_POINTS}")
    if last > _LARGEST:
        raise ValueError(f"{_ACCEPTED}; 'to' is {shown(last)}, give at most {_LARGEST}")
    return np.unique(np.rint(np.geomspace(first, last, value["points"])).astype(int)).tolist()
