"""Exponents over the families of a sweep's cells, and the verdicts on them.

Fits of one quantity in one size over different families of cells share no draws, so that their exponents are read by
step-down (``qntk.validation.judge.step_down``); different quantities and sizes share the error budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from qntk.theory import REGIMES, KernelLaw, Prediction
from qntk.validation.judge.claims import CLAIM, EXPONENT, Column, Quantity, Statistic
from qntk.validation.judge.estimates import Summary
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.pivots import Pivot
from qntk.validation.judge.step_down import step_down_level
from qntk.validation.judge.verdicts import Question, Verdict
from qntk.validation.scaling.exponents import JointFit, fit_jointly
from qntk.validation.scaling.models import ModelComparison, compare_models
from qntk.validation.scaling.points import Point, point
from qntk.validation.sweep.cells import Cell, Variable, fitted_quantities, scaling_families
from qntk.validation.sweep.config import SweepConfig

_BOOTSTRAP = 0xB007
"""Word that sets the streams of the bootstrap apart from those of the draws."""


_CLAIM: dict[str, tuple[Quantity, Statistic]] = {
    "mean": ("kernel", "mean"),
    "std": ("kernel", "variance"),
    "relative_std": ("kernel", "relative_std"),
    "dqntk": ("dqntk", "second_moment"),
}
"""The claim on a cell that each quantity is the logarithm of."""


@dataclass(frozen=True)
class FamilyResult:
    """Cells over which exponents were fitted.

    Attributes:
        cells: in the order of the sweep.
        variables: in which sizes.
        points, fit: what was fitted, and the fit.
        verdicts: on each exponent, by quantity, variable and regime.
    """

    cells: tuple[Cell, ...]
    variables: tuple[Variable, ...]
    points: tuple[Point, ...]
    fit: JointFit
    verdicts: dict[tuple[str, Variable], dict[str, Verdict]]

    @cached_property
    def models(self) -> list[ModelComparison]:
        """Which law fits each quantity, along the one size that varies."""
        if len(self.variables) > 1:
            return []
        return [compare_models(self.points, quantity, self.variables[0]) for quantity in self.fit.fits]

    def thin(self, quantity: str) -> bool:
        """Whether some cell has too few draws for this quantity's exponents to be judged."""
        return any(quantity in point.thin for point in self.points)

    def evidence(self, quantity: str, variable: Variable) -> Pivot:
        """How the fitted exponent scatters about the truth, and whether a verdict may be read off it."""
        pivot = self.fit.fits[quantity].exponents[variable].pivot
        return replace(pivot, needed=pivot.draws + self.thin(quantity))

    @property
    def fixed(self) -> str:
        """What is held, such as ``n = 4`` or ``L = 32``; empty for a fit in both."""
        if self.variables == ("L",):
            return f"n = {self.cells[0].qubits}"
        return f"L = {self.cells[0].parameters}" if self.variables == ("D",) else ""


def cell_point(cell: Cell, law: KernelLaw, columns: Mapping[Quantity, Column], summary: Summary | None = None) -> Point:
    """What a scaling fit takes of a cell with its law and its draws; by regime, what theory says of it.

    ``summary`` is that of the kernels, where the caller has made it already.
    """
    found: dict[str, dict[str, float]] = {
        regime: {
            "mean": law.mean(regime).value,
            "std": math.sqrt(law.variance(regime).value),
            "relative_std": law.relative_std(regime).value,
        }
        for regime in REGIMES
    }
    if cell.dqntk:
        for regime, prediction in CLAIM["dqntk", "second_moment"].predict(law, None).items():
            found.setdefault(regime, {})["dqntk"] = math.sqrt(prediction.value)
    made = point(cell.parameters, cell.dimension, columns["kernel"], columns.get("dqntk"), found, summary=summary)
    needed = {q: needed_draws(law, *_CLAIM[q]) for q in made.logs}
    return replace(made, thin=frozenset(q for q, n in needed.items() if len(columns["kernel"]) < n))


def fit_families(points: Mapping[Cell, Point], config: SweepConfig, share: float) -> list[FamilyResult]:
    """Fits over the cells that have enough draws, each exponent read at the level of its kind.

    Args:
        points: of the cells.
        config: seed of the bootstrap, and margin.
        share: of the error budget that each exponent gets to begin with.
    """
    fits: list[FamilyResult] = []
    settling: dict[tuple[object, ...], list[float]] = {}
    asked: list[dict[tuple[str, Variable], list[Question]]] = []
    for index, (variables, cells) in enumerate(scaling_families(list(points))):
        chosen = tuple(points[cell] for cell in cells)
        rng = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(_BOOTSTRAP, index)))
        fit = fit_jointly(chosen, variables, share, rng)
        fits.append(FamilyResult(tuple(cells), variables, chosen, fit, {}))
        asked.append(
            {
                (quantity, variable): _exponent_questions(fit, quantity, variable, config.margin.exponent)
                for quantity in fitted_quantities(cells[0])
                for variable in variables
            }
        )
        for (quantity, variable), questions_ in asked[-1].items():
            if questions_:
                pivot = fits[-1].evidence(quantity, variable)
                worst = max(q.settling(pivot) for q in questions_)
                settling.setdefault((variables, quantity, variable), []).append(worst)
    levels = {kind: step_down_level(values, share * len(values)) for kind, values in settling.items()}
    return [
        replace(family, verdicts=_exponent_verdicts(family, questions_, levels))
        for family, questions_ in zip(fits, asked, strict=True)
    ]


def _exponent_questions(fit: JointFit, quantity: str, variable: Variable, margin: float) -> list[Question]:
    claim = EXPONENT if quantity != "dqntk" else replace(EXPONENT, quantity="dqntk")
    predicted = fit.fits[quantity].exponents[variable].predicted
    return [Question(claim, Prediction("exponent", v, r, (), ""), margin) for r, v in predicted.items()]  # type: ignore[arg-type]


def _exponent_verdicts(
    family: FamilyResult,
    asked: dict[tuple[str, Variable], list[Question]],
    levels: dict[tuple[object, ...], float],
) -> dict[tuple[str, Variable], dict[str, Verdict]]:
    draws = min(cell.draws for cell in family.cells)
    return {
        (quantity, variable): {
            q.prediction.regime: q.answer(
                family.evidence(quantity, variable),
                levels[family.variables, quantity, variable],
                draws,
            )
            for q in questions_
        }
        for (quantity, variable), questions_ in asked.items()
    }
