"""Points of a scaling law: logs of a cell's estimates with the covariance that they owe to sharing their draws.

K̄, ΔK, ΔK/K̄ and Δμ = sqrt(E μ²) of one cell come from the same circuits. Each log estimate is, to first order, a mean
over the draws of its influence function,

    log K̄: K/K̄ - 1,      log ΔK: ((K - K̄)²/ΔK² - 1)/2,      log Δμ: (μ²/Δμ² - 1)/2,

and log(ΔK/K̄) is the difference of the second and the first. The delta method's covariance of the logs is the
influence functions' sample covariance over the number of draws. Cells are drawn independently of each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk.validation.judge.estimates import Summary, summarise
from qntk.validation.judge.pivots import Pivot

SYMBOLS = {"mean": "K̄", "std": "ΔK", "relative_std": "ΔK/K̄", "dqntk": "Δμ"}
"""The quantities that have scaling laws."""
VARIABLES = ("L", "D")
BATCHES = 200


@dataclass(frozen=True)
class Point:
    """One cell: its sizes, what was estimated there, and what theory says.

    Attributes:
        parameters, dimension: L and D.
        logs: quantity to log of its estimate; quantities are the keys of ``SYMBOLS``.
        covariance: of those logs, in the order of the keys, shape (q, q).
        batches: power sums for the bootstrap, shape (B, m): for each batch of consecutive draws the means of K, K²
            and, where drawn, μ².
        predictions: regime to quantity to value (not its log); a quantity may be missing for a regime.
        thin: quantities whose draws are too few for a verdict (``qntk.validation.judge.floor``).
        scatter: quantity to standard error and degrees of freedom of its log, as an interval of it alone has them
            (``qntk.validation.judge.pivots``); those of the covariance, and infinite, where left out.

    Raises ``ValueError`` for an unknown quantity, logs that are not finite, variances that are not positive, a
    covariance of log(ΔK/K̄) that is not that of log ΔK - log K̄, and arrays of the wrong shape.
    """

    parameters: int
    dimension: int
    logs: Mapping[str, float]
    covariance: NDArray[np.float64]
    batches: NDArray[np.float64]
    predictions: Mapping[str, Mapping[str, float]]
    thin: frozenset[str] = frozenset()
    scatter: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no fit could weigh."""
        names = list(self.logs)
        if not names or not set(names) <= set(SYMBOLS):
            raise ValueError(f"quantities are {names}; choose from {list(SYMBOLS)}")
        if self.covariance.shape != (len(names),) * 2:
            raise ValueError(f"covariance has shape {self.covariance.shape}; {len(names)} logs need a square of them")
        columns = 3 if "dqntk" in names else 2
        if self.batches.ndim != 2 or len(self.batches) < 2 or self.batches.shape[1] < columns:
            raise ValueError(f"batches have shape {self.batches.shape}; give at least 2 rows of {columns} means")
        variances = np.diag(self.covariance)
        if not (np.isfinite(list(self.logs.values())).all() and (variances > 0).all()):
            raise ValueError("logs must be finite and their variances positive")
        if {"mean", "std", "relative_std"} <= set(names):
            mean, std, ratio = (self.covariance[names.index(q)] for q in ("mean", "std", "relative_std"))
            if np.abs(std - mean - ratio).max() > 1e-9 * variances.max():
                raise ValueError("covariance of log(ΔK/K̄) is not that of log ΔK - log K̄")

    def size(self, variable: str) -> int:
        """L or D."""
        return self.parameters if variable == "L" else self.dimension

    def standard_error(self, quantity: str) -> float:
        """Standard error of the log of a quantity's estimate."""
        index = list(self.logs).index(quantity)
        return math.sqrt(self.covariance[index, index])

    def spread(self, quantity: str) -> tuple[float, float]:
        """Standard error and degrees of freedom of the log of a quantity's estimate."""
        return self.scatter.get(quantity, (self.standard_error(quantity), math.inf))

    def resample(self, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Changes of the logs when the batches are drawn anew with replacement, shape (resamples, q)."""
        count = len(self.batches)
        sums = self.batches[rng.integers(count, size=(resamples, count))].mean(axis=1)
        return self._logs_of(sums) - self._logs_of(self.batches.mean(axis=0))

    def _logs_of(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logs in the order of the keys from means of K, K² and μ², shape (..., m)."""
        mean, second = sums[..., 0], sums[..., 1]
        logs = {"mean": np.log(mean), "std": np.log(np.maximum(second - mean**2, np.finfo(float).tiny)) / 2}
        logs["relative_std"] = logs["std"] - logs["mean"]
        if sums.shape[-1] > 2:
            logs["dqntk"] = np.log(sums[..., 2]) / 2
        return np.stack([logs[name] for name in self.logs], axis=-1)


def point(
    parameters: int,
    dimension: int,
    kernel: ArrayLike,
    dqntk: ArrayLike | None,
    predictions: Mapping[str, Mapping[str, float]],
    batches: int = BATCHES,
    summary: Summary | None = None,
) -> Point:
    """The point of a cell's draws.

    Args:
        parameters, dimension: L and D.
        kernel: independent draws of K, shape (n,).
        dqntk: μ of the same circuits in the same order, shape (n,), or None.
        predictions: regime to quantity to value.
        batches: largest number of batches; all have ⌈n/batches⌉ draws, and fewer draws than that are left over.
        summary: that of the kernels, where the caller has made it already.

    Raises ``ValueError`` for draws that ``estimates.summarise`` refuses, for μ of another number, not finite or all
    zero, and for fewer than 2 batches.
    """
    summary = summary or summarise(np.asarray(kernel, dtype=float))
    values = np.asarray(kernel, dtype=float).ravel()
    n, spread = len(values), values / summary.mean - 1
    if batches < 2:
        raise ValueError(f"batches is {batches}; give at least 2")
    logs = {"mean": math.log(summary.mean), "std": math.log(summary.variance) / 2}
    logs["relative_std"] = logs["std"] - logs["mean"]
    influence = [spread, (spread**2 / np.mean(spread**2) - 1) / 2]
    influence.append(influence[1] - influence[0])
    sums = [values, values**2]
    if dqntk is not None:
        squares = np.asarray(dqntk, dtype=float).ravel() ** 2
        if len(squares) != n or not np.isfinite(squares).all() or not squares.any():
            raise ValueError(f"dQNTKs must be {n} finite numbers, one a kernel, and not all zero; got {len(squares)}")
        logs["dqntk"] = math.log(squares.mean()) / 2
        influence.append((squares / squares.mean() - 1) / 2)
        sums.append(squares)
    floor = math.sqrt(1 / (2 * n * (n - 1)))  # of the log of a standard deviation, if all squares were equal
    least = {"std": floor, "relative_std": floor, "dqntk": floor}
    pivots = {
        name: Pivot.of_influence(1.0, values, True, least.get(name, 0.0))
        for name, values in zip(logs, influence, strict=True)
    }
    covariance = np.cov(influence) / n
    # The next order in 1/n, exact for normal draws; positive where a kurtosis of 1 leaves nothing at first order.
    covariance[1:3, 1:3] += 0.5 / (n * (n - 1))
    size = -(-n // batches)
    whole = n // size * size
    means = np.stack([column[:whole].reshape(-1, size).mean(axis=1) for column in sums], axis=1)
    scatter = {name: (pivot.se, pivot.df) for name, pivot in pivots.items()}
    return Point(parameters, dimension, logs, covariance, means, predictions, scatter=scatter)


def predicted_logs(points: Sequence[Point], quantity: str) -> dict[str, NDArray[np.float64]]:
    """Regime to logs of its values, shape (points,), for the regimes that predict a positive value at every point."""
    regimes = [r for r in points[0].predictions if all(p.predictions.get(r, {}).get(quantity, 0) > 0 for p in points)]
    return {r: np.log([p.predictions[r][quantity] for p in points]) for r in regimes}


def design_of(points: Sequence[Point], variables: Sequence[str]) -> NDArray[np.float64]:
    """Columns 1 and the log of each variable, shape (points, 1 + variables); errors as in ``scaling.fit_jointly``."""
    if tuple(variables) not in {("L",), ("D",), VARIABLES}:
        raise ValueError(f"variables are {tuple(variables)}; choose ('L',), ('D',) or ('L', 'D')")
    sizes = [tuple(p.size(v) for v in variables) for p in points]
    distinct, needed, names = len(set(sizes)), len(variables) + 2, " and ".join(variables)
    if distinct < needed:
        raise ValueError(f"{distinct} different sizes are too few to fit {names}; give at least {needed}")
    for held in set(VARIABLES) - set(variables):
        if len(values := {p.size(held) for p in points}) > 1:
            raise ValueError(f"a fit in {names} alone holds {held}; the points have {held} = {sorted(values)}")
    design = np.column_stack([np.ones(len(sizes)), np.log(np.array(sizes, dtype=float))])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(f"sizes {sizes} do not tell {names} apart; vary each on its own")
    return design
