"""Scaling exponents with intervals, beside the exponents that each regime predicts over the same window.

An exponent is a coefficient of log y against log L, log D or both, by least squares with weights 1/se². A law that is
not a power law (finite D bends the lines) still has an effective exponent over a window: the same weighted fit to the
law's own values at the same points. Comparing like with like, an interval that misses a regime's effective exponent
speaks against that regime, not against straight lines.

The goodness of fit says whether a power law holds at all. Where it does not, the standard error still says how the
draws scatter the weighted slope, so the comparison with an effective exponent stands; but it understates how far the
slope would move in another window. Read such an exponent with its window and its goodness of fit, never alone.

A fit is linear in the logs, β_q = A_q y_q. Its variance is the sum over the cells of A² se², each with degrees of
freedom ν of its own that fall with the tails of the cell's draws (``judge.pivots``); that of the sum has about

    ν = (Σ A² se²)² / Σ (A² se²)²/ν_cell

of them (B. L. Welch, Biometrika 34, 28, 1947), and the interval is Student's. Cells are independent, the quantities of
one cell are not, so the exponents of two quantities have the covariance A_q C_qq' A_q'ᵀ, with C_qq' diagonal in the
cells (``scaling.points``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import chi2

from qntk.validation.judge.pivots import Pivot
from qntk.validation.scaling.points import SYMBOLS, Point, design_of, point, predicted_logs

__all__ = ["SYMBOLS", "Exponent", "Fit", "JointFit", "Point", "fit", "fit_jointly", "point", "weighted_solver"]

RESAMPLES = 2000
BOOTSTRAP_LEVEL = 0.05


@dataclass(frozen=True)
class Exponent:
    """The exponent of one variable.

    Attributes:
        best: coefficient of its log.
        standard_error: by the delta method; right for the scatter of the draws whether or not a power law holds.
        freedom: degrees of freedom of the standard error.
        interval: at confidence 1 - level of the fit, Student's.
        bootstrap: interval at 95 %, by percentiles of fits to resampled batches with the weights held.
        predicted: effective exponent of each regime over the same points, with the same weights.
    """

    best: float
    standard_error: float
    freedom: float
    interval: tuple[float, float]
    bootstrap: tuple[float, float]
    predicted: Mapping[str, float]

    def covers(self, regime: str) -> bool:
        """Whether the interval holds the exponent that this regime predicts."""
        return self.interval[0] <= self.predicted[regime] <= self.interval[1]

    @property
    def pivot(self) -> Pivot:
        """How the fitted exponent scatters about the truth."""
        return Pivot(self.best, self.standard_error, self.freedom, 0.0, 1, logarithmic=False)


@dataclass(frozen=True)
class Fit:
    """A power law fitted to one quantity.

    Attributes:
        quantity: a key of ``SYMBOLS``.
        exponents: by variable.
        constant: log of the fitted law at L = D = 1.
        covariance: of the constant and the exponents, in this order.
        chi2, dof, p: goodness of fit; p is the probability of a fit this poor if y were a power law.
        windows: smallest and largest size, by variable.
        points: number of points.
        level: probability that an exponent's interval misses, both sides together.
    """

    quantity: str
    exponents: Mapping[str, Exponent]
    constant: float
    covariance: NDArray[np.float64]
    chi2: float
    dof: int
    p: float
    windows: Mapping[str, tuple[int, int]]
    points: int
    level: float


@dataclass(frozen=True)
class JointFit:
    """Fits of all quantities over the same points, which share their draws.

    Attributes:
        fits: by quantity.
        covariance: of all exponents, quantity by quantity and within one variable by variable.
    """

    fits: Mapping[str, Fit]
    covariance: NDArray[np.float64]

    def combination(self, weights: Mapping[str, float], variable: str) -> tuple[float, float]:
        """A weighted sum of the quantities' exponents of one variable, and its standard error.

        ``{"std": 1, "mean": -1}`` is an exponent of ΔK/K̄ that differs from the fitted one by the weights of its
        points alone.
        """
        if not set(weights) <= set(self.fits):
            raise ValueError(f"weights are of {list(weights)}; choose from {list(self.fits)}")
        total, vector = 0.0, np.zeros(len(self.covariance))
        for position, (quantity, each) in enumerate(self.fits.items()):
            total += weights.get(quantity, 0.0) * each.exponents[variable].best
            index = position * len(each.exponents) + list(each.exponents).index(variable)
            vector[index] = weights.get(quantity, 0.0)
        return total, math.sqrt(max(float(np.einsum("i,ij,j", vector, self.covariance, vector)), 0.0))


def fit(
    points: Sequence[Point],
    quantity: str,
    variables: Sequence[str],
    level: float,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Fit:
    """The fit of one quantity; arguments and errors as in ``fit_jointly``."""
    fits = fit_jointly(points, variables, level, rng, resamples).fits
    if quantity not in fits:
        raise ValueError(f"{quantity} was not drawn at every point; choose from {list(fits)}")
    return fits[quantity]


def fit_jointly(
    points: Sequence[Point],
    variables: Sequence[str],
    level: float,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> JointFit:
    """Fit log y = c + Σ β_v log v to every quantity that all points have.

    Args:
        points: at least two more different sizes than variables; a variable that is not fitted is the same at all.
        variables: ``("L",)``, ``("D",)`` or ``("L", "D")``.
        level: probability that the interval of an exponent misses, both sides together.
        rng: of the bootstrap; the batches of a cell are resampled for all quantities at once.
        resamples: of the bootstrap.

    Raises ``ValueError`` for other variables, a level outside (0, 1), and points that do not determine the fit.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; give a probability between 0 and 1")
    design = design_of(points, variables)
    quantities = [q for q in points[0].logs if all(q in p.logs for p in points)]
    columns = [[list(p.logs).index(q) for q in quantities] for p in points]
    shared = np.stack([p.covariance[np.ix_(c, c)] for p, c in zip(points, columns, strict=True)])
    changes = np.stack([p.resample(resamples, rng)[:, c] for p, c in zip(points, columns, strict=True)])
    solvers = [weighted_solver(design, shared[:, i, i]) for i in range(len(quantities))]
    fits = {
        quantity: _fit_one(points, quantity, variables, level, design, solvers[i], shared[:, i, i], changes[:, :, i])
        for i, quantity in enumerate(quantities)
    }
    maps = np.stack([solver[1:] for solver in solvers])
    size = len(quantities) * len(variables)
    return JointFit(fits, np.einsum("qvn,nqp,pwn->qvpw", maps, shared, maps).reshape(size, size))


def _fit_one(
    points: Sequence[Point],
    quantity: str,
    variables: Sequence[str],
    level: float,
    design: NDArray[np.float64],
    solver: NDArray[np.float64],
    variances: NDArray[np.float64],
    changes: NDArray[np.float64],
) -> Fit:
    """One quantity: the design (n, c), its solver (c, n), variances of the logs (n,), bootstrap changes (n, r)."""
    logs = np.array([p.logs[quantity] for p in points])
    best = solver @ logs
    covariance = np.einsum("in,n,jn->ij", solver, variances, solver)
    spreads = np.array([p.spread(quantity) for p in points])
    parts = (solver * spreads[:, 0]) ** 2
    errors = np.sqrt(parts.sum(axis=1))
    shares = parts / parts.sum(axis=1, keepdims=True)
    inverse = (shares**2 / spreads[:, 1]).sum(axis=1)  # 0 where every cell's error is known exactly
    freedom = np.divide(1.0, inverse, out=np.full(len(inverse), math.inf), where=inverse > 0)
    reach = -stdtrit(freedom, level / 2) * errors
    tails = (BOOTSTRAP_LEVEL / 2, 1 - BOOTSTRAP_LEVEL / 2)
    moved = best + np.quantile(np.einsum("in,nr->ri", solver, changes), tails, axis=0)
    predicted = {regime: solver @ values for regime, values in predicted_logs(points, quantity).items()}
    chi_square = float((logs - design @ best) ** 2 @ (1 / variances))
    return Fit(
        quantity=quantity,
        exponents={
            variable: Exponent(
                best=float(best[i]),
                standard_error=float(errors[i]),
                freedom=float(freedom[i]),
                interval=(float(best[i] - reach[i]), float(best[i] + reach[i])),
                bootstrap=(float(moved[0, i]), float(moved[1, i])),
                predicted={regime: float(values[i]) for regime, values in predicted.items()},
            )
            for i, variable in enumerate(variables, start=1)
        },
        constant=float(best[0]),
        covariance=covariance,
        chi2=chi_square,
        dof=len(points) - len(best),
        p=float(chi2.sf(chi_square, len(points) - len(best))),
        windows={v: (min(p.size(v) for p in points), max(p.size(v) for p in points)) for v in variables},
        points=len(points),
        level=level,
    )


def weighted_solver(design: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
    """A of β = A y, the least-squares coefficients of a design (n, c) with weights 1/variance; shape (c, n)."""
    root = 1 / np.sqrt(variances)
    solver: NDArray[np.float64] = np.linalg.pinv(design * root[:, None]) * root
    return solver
