"""Stopping early without peeking: a few looks, fixed beforehand, that share a cell's level between them.

A cell with J looks is looked at when 1/2^(J-1), …, 1/4, 1/2 and all of its chunks are there, and stops at the first
look at which every claim of the exact law is settled. The look at a fraction t of the draws gets the level

    level · (t - t of the look before),

linear spending of the error (Kim and DeMets, Biometrika 74, 149 (1987)). By the union bound some interval of some look
misses with probability at most level, whatever made the cell stop; no independence of the looks is used. Chunks are
drawn whole and a look depends on them alone, so that where a cell stops is as reproducible as its draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qntk.theory import KernelLaw
from qntk.validation.judge.claims import Column, Margins, Quantity, weigh
from qntk.validation.judge.verdicts import questions


@dataclass(frozen=True)
class Look:
    """One planned look.

    Attributes:
        chunks: how many are there by then.
        share: of the cell's level that its intervals get.
        last: whether all draws are there.
    """

    chunks: int
    share: float
    last: bool


def plan_looks(chunks: Sequence[int], looks: int) -> list[Look]:
    """The looks at a cell with chunks of these sizes; fewer than asked for where there are few chunks.

    >>> [(look.chunks, look.share) for look in plan_looks([100] * 8, 3)]
    [(2, 0.25), (4, 0.25), (8, 0.5)]
    """
    count = len(chunks)
    ends = sorted({math.ceil(count / 2**k) for k in range(looks)})
    fractions = [sum(chunks[:end]) / sum(chunks) for end in ends]
    before = [0.0, *fractions[:-1]]
    return [Look(end, t - s, end == count) for end, t, s in zip(ends, fractions, before, strict=True)]


def settled(
    columns: Mapping[Quantity, Column], law: KernelLaw, margins: Margins, level: float, overlap: float | None = None
) -> bool:
    """Whether every claim of the exact law is settled, one way or the other, by these draws at this level."""
    evidence = weigh(columns, law, overlap)
    asked = questions(law, evidence, margins, overlap)
    return all(q.settling(evidence[q.claim]) < level for q in asked if q.prediction.regime == "exact")
