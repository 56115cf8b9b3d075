"""Which law fits one quantity along L or D: a power law, one that ends in a plateau, or a regime with nothing to fit.

Logs of the estimates are normal with known variances, so a model's chi-square χ² is its deviance and AIC = χ² + 2k for
k free parameters. The variances being known, AIC needs no correction for few points in a linear model; AICc, made for
a variance that is fitted too, is given beside it for readers who expect its penalty 2k(k+1)/(N-k-1) where N/k < 40.
Ranks and weights follow AIC. An Akaike weight compares the models at hand and praises none of them: read it with the
model's own p.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2

from qntk.validation.scaling.exponents import Point, weighted_solver
from qntk.validation.scaling.points import design_of, predicted_logs

POWER, PLATEAU = "power law", "power law with plateau"


@dataclass(frozen=True)
class ModelFit:
    """One model.

    Attributes:
        name: ``power law``, ``power law with plateau`` or a regime.
        parameters: name to value and standard error. Power law: a and b of a x^b; with plateau also p of
            y² = (a x^b)² + p². A regime has none. The error of p is upwards, to the p² that is one standard error
            larger, so that it means something at p = 0.
        chi2, dof, p: goodness of fit. Where there is no plateau its p >= 0 is half a constraint: χ² then lies between
            this dof and one more, so that this probability errs on the small side.
        aic, aicc: criteria; aicc is None for N <= k + 1 points.
        weight: Akaike weight, exp(-AIC/2) over the sum of it; 1 in all.
    """

    name: str
    parameters: Mapping[str, tuple[float, float]]
    chi2: float
    dof: int
    p: float
    aic: float
    aicc: float | None
    weight: float = 0.0


@dataclass(frozen=True)
class ModelComparison:
    """All models of one quantity along one variable.

    Attributes:
        quantity, variable: such as ``relative_std`` and ``L``.
        window: smallest and largest size.
        points: number of points N.
        ranked: models, the smallest AIC first.
        omitted: name of a model that was left out, and why.
    """

    quantity: str
    variable: str
    window: tuple[int, int]
    points: int
    ranked: tuple[ModelFit, ...]
    omitted: Mapping[str, str]

    def model(self, name: str) -> ModelFit:
        """One model by name; raises ``ValueError`` if it is not among the ranked ones."""
        for each in self.ranked:
            if each.name == name:
                return each
        raise ValueError(f"no model {name}; choose from {[each.name for each in self.ranked]}")


def compare_models(points: Sequence[Point], quantity: str, variable: str) -> ModelComparison:
    """Fit all models to one quantity along ``"L"`` or ``"D"``, the other held.

    A plateau needs 4 points that tell its exponent to within 1, a regime a value at each point; a regime with the
    same values as another counts once. Raises ``ValueError`` where ``scaling.fit_jointly`` does.
    """
    design = design_of(points, (variable,))
    if not all(quantity in p.logs for p in points):
        raise ValueError(f"{quantity} was not drawn at every point")
    log_x, logs = design[:, 1], np.array([p.logs[quantity] for p in points])
    errors = np.array([p.standard_error(quantity) for p in points])
    power = _power_law(log_x, logs, errors)
    models, omitted = [power], {}
    if len(points) < 4:
        omitted[PLATEAU] = f"3 parameters need at least 4 points; there are {len(points)}"
    elif (curved := _with_plateau(log_x, logs, errors, power)) is None:
        omitted[PLATEAU] = "the points do not determine its exponent"
    else:
        models.append(curved)
    laws = predicted_logs(points, quantity)
    kept: dict[str, NDArray[np.float64]] = {}
    for regime in ("exact", *(r for r in points[0].predictions if r != "exact")):
        twin = next((k for k, v in kept.items() if regime in laws and np.allclose(v, laws[regime], 0, 1e-12)), None)
        if regime not in laws:
            omitted[regime] = f"predicts no {quantity} at every point"
        elif twin is not None:
            omitted[regime] = f"has the same values as {twin}"
        else:
            kept[regime] = laws[regime]
            models.append(_judged(regime, {}, (logs - laws[regime]) / errors))
    best = min(m.aic for m in models)
    total = sum(math.exp((best - m.aic) / 2) for m in models)
    weighed = (replace(m, weight=math.exp((best - m.aic) / 2) / total) for m in models)
    sizes = [p.size(variable) for p in points]
    ranked = tuple(sorted(weighed, key=lambda m: m.aic))
    return ModelComparison(quantity, variable, (min(sizes), max(sizes)), len(points), ranked, omitted)


def _power_law(log_x: NDArray[np.float64], logs: NDArray[np.float64], errors: NDArray[np.float64]) -> ModelFit:
    design = np.column_stack([np.ones(len(log_x)), log_x])
    solver = weighted_solver(design, errors**2)
    constant, slope = solver @ logs
    constant_error, slope_error = np.sqrt(np.einsum("in,n,in->i", solver, errors**2, solver))
    a = math.exp(constant)
    parameters = {"a": (a, a * float(constant_error)), "b": (float(slope), float(slope_error))}
    return _judged(POWER, parameters, (logs - constant - slope * log_x) / errors)


def _with_plateau(
    log_x: NDArray[np.float64], logs: NDArray[np.float64], errors: NDArray[np.float64], power: ModelFit
) -> ModelFit | None:
    """In (log a, b, q): x over its geometric mean, y over its own, and q = p² >= 0, in which logs are smooth at 0."""
    x, y = log_x - log_x.mean(), logs - logs.mean()

    def squares(at: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rising = np.exp(2 * np.minimum(at[0] + at[1] * x, 300.0))
        return rising, rising + at[2]

    def residuals(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((y - np.log(squares(at)[1]) / 2) / errors)

    def jacobian(at: NDArray[np.float64]) -> NDArray[np.float64]:
        rising, square = squares(at)
        return -np.column_stack([rising, rising * x, np.full(len(x), 0.5)]) / (square * errors)[:, None]

    slope = power.parameters["b"][0]
    straight = np.array([math.log(power.parameters["a"][0]) - logs.mean() + slope * log_x.mean(), slope, 0.0])
    floor = math.exp(2 * y.min())
    starts = [straight + np.array(step) for step in ((0.0, 0.0, 0.1 * floor), (0.0, slope, 0.9 * floor))]
    bounds = ([-np.inf, -np.inf, 0.0], np.inf)
    found = [least_squares(residuals, s, jacobian, bounds, x_scale="jac", xtol=1e-12, ftol=1e-12) for s in starts]
    closest = min(found, key=lambda result: result.cost)
    # The solver stays inside the bounds; the edge itself is the power law.
    best = straight if 2 * closest.cost > power.chi2 - 1e-6 else closest.x
    slopes = jacobian(best)
    try:
        covariance = np.linalg.inv(slopes.T @ slopes)
    except np.linalg.LinAlgError:
        return None
    if not 0.0 < covariance[1, 1] <= 1.0:
        return None
    raw = np.array([1.0, -log_x.mean(), 0.0])
    a, square, scale = math.exp(best @ raw + logs.mean()), float(best[2]), math.exp(logs.mean())
    reach = math.sqrt(square + math.sqrt(covariance[2, 2])) - math.sqrt(square)
    parameters = {
        "a": (a, a * math.sqrt(raw @ covariance @ raw)),
        "b": (float(best[1]), math.sqrt(covariance[1, 1])),
        "p": (scale * math.sqrt(square), scale * reach),
    }
    return _judged(PLATEAU, parameters, residuals(best))


def _judged(name: str, parameters: Mapping[str, tuple[float, float]], residuals: NDArray[np.float64]) -> ModelFit:
    count, free = len(residuals), len(parameters)
    square = float(residuals @ residuals)
    spare = count - free - 1
    aic = square + 2 * free
    aicc = aic + 2 * free * (free + 1) / spare if spare > 0 else None
    return ModelFit(name, parameters, square, count - free, float(chi2.sf(square, count - free)), aic, aicc)
