"""Ansätze against laws of their own: the mean of K and where orbits of Pauli strings say that it goes in depth.

These verdicts have the regime ``orbit``. They are a family with an error budget of its own, of the same size as that of
the report: an interval for each cell whose ensemble has such a limit, read by Holm's step-down as others are
(``judge.step_down``). So no other verdict of a report depends on whether an ansatz's law is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from qntk.validation.attribution.own_law import deep_limit
from qntk.validation.judge.claims import CLAIM, Claim, Evidence
from qntk.validation.judge.step_down import step_down_level
from qntk.validation.judge.verdicts import Question
from qntk.validation.sweep.cell import Cell
from qntk.validation.sweep.config import HAAR_LAYERS

MEAN = CLAIM["kernel", "mean"]
"""What the law is about."""
_LEAST = 1e-12
"""A limit below this is 0: the ansatz leaves the observable where the input has no gradient."""


@lru_cache(maxsize=4096)
def orbit_question(cell: Cell, margin: float) -> Question | None:
    """The cell's mean against its deep limit; None for Haar layers, and where no limit is known or it is 0."""
    if cell.ensemble == HAAR_LAYERS:
        return None
    random = cell.circuit.random() if cell.circuit else None
    if random is not None and not random.angles.uniform:
        return None
    try:
        limit = deep_limit(
            random.circuit if random else cell.quantum_circuit(), cell.parsed, random.inputs if random else ()
        )
    except ValueError:
        return None
    return Question(MEAN, limit.prediction(), margin) if limit.value > _LEAST else None


def orbit_levels(asked: Sequence[tuple[Question, Mapping[Claim, Evidence], float]], error: float) -> list[float]:
    """The level of each question's interval.

    Args:
        asked: question, the cell's evidence, and the share of its error at the look that it has come to, 1 for a cell
            with one look.
        error: of them all together.
    """
    share = error / max(1, len(asked))
    settling = [question.settling(evidence[MEAN]) for question, evidence, look in asked if look == 1.0]
    level = step_down_level(settling, share * len(settling)) if settling else share
    return [level if look == 1.0 else share * look for _, _, look in asked]
