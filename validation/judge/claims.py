"""The registry of claims: what theory says that draws can be held against, and by which test.

A claim names a quantity and a statistic of it, the regimes that predict it, the margin within which it counts as
agreement, and the test. A report, ``qntk compare`` and ``qntk calibrate`` all judge the same claims.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qntk.theory import REGIMES, KernelLaw, Prediction
from qntk.theory.haar import dqntk
from qntk.theory.haar.distribution import KernelDistribution
from qntk.theory.haar.dqntk_second_moment import second_moment
from qntk.theory.haar.kernel_matrix import KernelMatrixLaw
from qntk.validation.judge.estimates import MINIMUM_DRAWS, MOMENTS, Summary, summarise
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.pivots import Pivot
from qntk.validation.judge.sup_distance import SupDistance, sup_distance

Quantity = Literal["kernel", "cross_kernel", "dqntk"]
Statistic = Literal["mean", "variance", "relative_std", "distribution", "second_moment", "exponent"]
Column = NDArray[np.float64]
Evidence = Pivot | SupDistance


@dataclass(frozen=True)
class Margins:
    """Differences that count as agreement.

    Relative to the prediction for ``mean``, ``variance``, ``relative_std`` and ``second_moment``; absolute for
    ``distribution`` (a sup distance, in probability) and ``exponent``. Two means may be 0 and are measured in another
    unit: that of the dQNTK in √E μ², that of K between two inputs in the mean K of one.
    """

    mean: float = 0.05
    variance: float = 0.10
    relative_std: float = 0.10
    distribution: float = 0.05
    second_moment: float = 0.10
    exponent: float = 0.02

    def __post_init__(self) -> None:
        """A margin of 1 or more would call anything agreement."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0.0 < value < 1.0:
                name = field.name.replace("_", " ")
                raise ValueError(f"margin for the {name} is {value}; give a number between 0 and 1")

    @classmethod
    def uniform(cls, margin: float) -> Margins:
        """One margin for every statistic."""
        return cls(**{field.name: margin for field in fields(cls)})


@dataclass(frozen=True)
class Claim:
    """What theory says of one statistic of one quantity.

    Attributes:
        quantity: ``kernel`` (K of one input), ``cross_kernel`` (between two inputs) or ``dqntk`` (μ).
        statistic: of its distribution over the ensemble; also the name of its margin.
        test: how it is tested, in a phrase.
        predict: predictions of a law by regime; empty where none is known. For ``cross_kernel`` also of the overlap.
        unit: of an absolute margin; None for a margin relative to the prediction.
    """

    quantity: Quantity
    statistic: Statistic
    test: str
    predict: Callable[[KernelLaw, float | None], dict[str, Prediction]]
    unit: Callable[[KernelLaw], float] | None = None

    @property
    def key(self) -> tuple[Quantity, Statistic]:
        """Quantity and statistic."""
        return self.quantity, self.statistic


def _moment(name: str) -> Callable[[KernelLaw, float | None], dict[str, Prediction]]:
    return lambda law, _: {regime: getattr(law, name)(regime) for regime in REGIMES}


def _distribution(law: KernelLaw, _: float | None) -> dict[str, Prediction]:
    return {"exact": Prediction("distance to the law", 0.0, "exact", ("Haar layers",), "docs/theory.md")}


def _cross_mean(law: KernelLaw, overlap: float | None) -> dict[str, Prediction]:
    if overlap is None:
        return {}
    amplitude = math.sqrt(overlap)
    value = KernelMatrixLaw(law, np.array([[1, amplitude], [amplitude, 1]])).mean()[0, 1]
    return {"exact": Prediction("kernel between inputs", float(value), "exact", ("Haar layers",), "docs/theory.md")}


@lru_cache(maxsize=256)  # exact, in fractions: a tenth of a second each
def _second_moments(law: KernelLaw, _: float | None) -> dict[str, Prediction]:
    forms = {
        "asymptotic": dqntk.second_moment_asymptotic(law),
        "leading": dqntk.second_moment_leading(law),
        "exact": second_moment(law),
    }
    return {regime: form for regime, form in forms.items() if form is not None}


def _dqntk_mean(law: KernelLaw, _: float | None) -> dict[str, Prediction]:
    return {"exact": dqntk.mean(law)} if _second_moments(law, None) else {}


def _dqntk_size(law: KernelLaw) -> float:
    known = _second_moments(law, None)
    return math.sqrt((known.get("exact") or known["asymptotic"]).value)


_T = "Student's t, bent for skewness"
CLAIMS: tuple[Claim, ...] = (
    Claim("kernel", "mean", _T, _moment("mean")),
    Claim("kernel", "variance", f"{_T} on the logarithm, with the sample's kurtosis", _moment("variance")),
    Claim("kernel", "relative_std", f"{_T} on the logarithm, by the delta method", _moment("relative_std")),
    Claim("kernel", "distribution", "sup distance, Dvoretzky-Kiefer-Wolfowitz", _distribution, lambda _: 1.0),
    Claim("cross_kernel", "mean", _T, _cross_mean, lambda law: law.mean().value),
    Claim("dqntk", "mean", _T, _dqntk_mean, _dqntk_size),
    Claim("dqntk", "second_moment", f"{_T} on the logarithm", _second_moments),
)
"""All claims on a cell."""
EXPONENT = Claim("kernel", "exponent", "weighted least squares, normal", lambda law, _: {}, lambda _: 1.0)
"""A claim on a family of cells, predicted by fitting the law's own values (``qntk.validation.scaling.exponents``)."""
ESTIMATED_MEAN = Claim("kernel", "mean", _T, _moment("mean"), lambda law: law.mean().value)
"""The claim on kernels estimated from shots: noise adds to their spread, and may take the estimate below zero."""
CLAIM = {claim.key: claim for claim in CLAIMS}


def claims_on(law: KernelLaw, quantities: tuple[Quantity, ...], overlap: float | None = None) -> list[Claim]:
    """The claims on these quantities that this law has a prediction for; each is one interval."""
    return [claim for claim in CLAIMS if claim.quantity in quantities and claim.predict(law, overlap)]


def weigh(
    columns: Mapping[Quantity, Column], law: KernelLaw, overlap: float | None = None, summary: Summary | None = None
) -> dict[Claim, Evidence]:
    """What columns of independent draws, each of shape (n,), say of every claim on them.

    ``summary`` is that of the kernels, where the caller has made it already.

    Raises ``ValueError`` for fewer than 8 draws, values that are not finite, negative kernels, or a constant column.
    """
    found: dict[Claim, Evidence] = {}
    if "kernel" in columns:
        summary = summary or summarise(columns["kernel"])
        distribution = KernelDistribution(law)
        found |= {CLAIM["kernel", moment]: summary.pivot(moment) for moment in MOMENTS}
        found[CLAIM["kernel", "distribution"]] = sup_distance(
            columns["kernel"], distribution.cdf, distribution.truncation
        )
    for claim in claims_on(law, tuple(columns), overlap):
        if claim.quantity != "kernel":
            found[claim] = by_student(columns[claim.quantity], claim)
    return {claim: _floored(evidence, law, claim) for claim, evidence in found.items()}


def _floored(evidence: Evidence, law: KernelLaw, claim: Claim) -> Evidence:
    if isinstance(evidence, SupDistance):
        return evidence
    return replace(evidence, needed=needed_draws(law, claim.quantity, claim.statistic))


def by_student(draws: Column, claim: Claim) -> Pivot:
    """The evidence of a column, shape (n,): a mean as it is; a mean square on its logarithm, as a variance."""
    n = len(draws)
    name = {"kernel": "an estimated kernel", "dqntk": "a dQNTK", "cross_kernel": "a kernel between inputs"}[
        claim.quantity
    ]
    if n < MINIMUM_DRAWS:
        raise ValueError(f"{n} draws are too few for a verdict; give at least {MINIMUM_DRAWS}")
    low, high = float(draws.min()), float(draws.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"some draws are not finite; {name} is a finite number")
    if low == high:
        raise ValueError("all draws are equal; a constant column has no fluctuation to test")
    if claim.statistic == "mean":
        return Pivot.of_influence(float(draws.mean()), draws, logarithmic=False)
    squares = draws**2
    mean = float(squares.mean())
    if mean == 0.0:
        raise ValueError(f"all draws are below 1e-150; {name} of that size is round-off")
    # Squares that are all equal leave no certainty either: the floor is that of a sample variance's logarithm.
    return Pivot.of_influence(mean, squares / mean, logarithmic=True, least_se=math.sqrt(2 / (n * (n - 1))))
