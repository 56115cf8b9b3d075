"""What a scaling fit says, as one sentence.

The sentence holds the fitted exponent, whether a power law is rejected, and where along the window each regime is: a
comparison of every size's estimate with the regime's value there, two-sided and normal on the logs, at a level that
already allows for the number of sizes compared. "Not rejected" is no agreement. A regime "holds within 10 %" only
where every size's interval lies within that margin of the regime's value (equivalence), and is rejected nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

from qntk.validation.scaling.exponents import Exponent, Fit
from qntk.validation.scaling.points import SYMBOLS, Point, predicted_logs

MARGIN = 0.10
_POWERS = {"relative_std": "1/√L", "mean": "∝ L", "dqntk": "∝ L"}
"""What the published laws say of L."""
_NAMES = {
    "asymptotic": "the published law",
    "independent": "the law of independent parameters",
    "exact": "the exact law",
}


@dataclass(frozen=True)
class Pointwise:
    """A regime beside the estimates, size by size.

    Attributes:
        regime: whose values.
        sizes: (L, D) of each point, in rising order.
        rejected: whether the estimate differs from the regime's value.
        close: whether its interval lies within the margin of it.
    """

    regime: str
    sizes: tuple[tuple[int, int], ...]
    rejected: tuple[bool, ...]
    close: tuple[bool, ...]


def compare_pointwise(
    points: Sequence[Point], quantity: str, level: float, margin: float = MARGIN
) -> tuple[Pointwise, ...]:
    """Every regime that predicts the quantity at every point.

    Args:
        points: of one quantity's fit.
        quantity: a key of ``SYMBOLS`` that all points have.
        level: of each comparison, both sides together: α over the number of points for a family error α.
        margin: relative difference that counts as agreement, as a log: |log ratio| < log(1 + margin).

    Raises ``ValueError`` for a level outside (0, 1), a margin that is not positive, or a quantity that was not drawn.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; give a probability between 0 and 1")
    if not margin > 0.0:
        raise ValueError(f"margin is {margin}; give a positive number")
    if not all(quantity in p.logs for p in points):
        raise ValueError(f"{quantity} was not drawn at every point")
    ordered = sorted(points, key=lambda p: (p.parameters, p.dimension))
    reach = float(norm.isf(level / 2)) * np.array([p.standard_error(quantity) for p in ordered])
    logs = np.array([p.logs[quantity] for p in ordered])
    sizes = tuple((p.parameters, p.dimension) for p in ordered)
    compared = []
    for regime, values in predicted_logs(ordered, quantity).items():
        distance = np.abs(logs - values)
        close = distance + reach < math.log1p(margin)
        compared.append(Pointwise(regime, sizes, tuple((distance > reach).tolist()), tuple(close.tolist())))
    return tuple(compared)


def statement(
    fit: Fit,
    points: Sequence[Point],
    place: str,
    level: float,
    margin: float = MARGIN,
    regimes: Sequence[str] = ("asymptotic", "exact"),
) -> str:
    """The sentence on one fit.

    Args:
        fit: of these points; ± is the half width of its interval, rounded up.
        points: as they were fitted.
        place: what is held, such as ``"n = 4, Z0"``.
        level: of each size's comparison with a regime, and of the rejection of a power law.
        margin: for "holds within"; as in ``compare_pointwise``.
        regimes: to speak of, in this order, where they predict the quantity at every point.

    Raises ``ValueError`` where ``compare_pointwise`` does.
    """
    return "; ".join(statement_parts(fit, points, place, level, margin, regimes).values()) + "."


def statement_parts(
    fit: Fit,
    points: Sequence[Point],
    place: str,
    level: float,
    margin: float = MARGIN,
    regimes: Sequence[str] = ("asymptotic", "exact"),
) -> dict[str, str]:
    """Its parts: ``exponent``, ``goodness``, ``shape`` where a power of L is published, and one by each regime."""
    powers = " ".join(f"{variable}^{power_text(e, len(fit.exponents) > 1)}" for variable, e in fit.exponents.items())
    window = " and ".join(f"{variable} = {low}…{high}" for variable, (low, high) in fit.windows.items())
    chance = f"p = {fit.p:.2g}" if fit.p >= 1e-300 else "p < 1e-300"
    parts = {
        "exponent": f"{SYMBOLS[fit.quantity]} ∝ {powers} over {window} ({place})",
        "goodness": f"not a power law ({chance})" if fit.p < level else f"a power law is not rejected ({chance})",
    }
    compared = {each.regime: each for each in compare_pointwise(points, fit.quantity, level, margin)}
    for regime in (r for r in regimes if r in compared):
        if regime == "asymptotic" and list(fit.exponents) == ["L"] and (told := _shape(points, fit.quantity, level)):
            parts["shape"] = told
        parts[regime] = _about(compared[regime], fit, margin)
    return parts


def _about(compared: Pointwise, fit: Fit, margin: float) -> str:
    """Where one regime is rejected, and where it holds."""
    name, within = _NAMES.get(compared.regime, f"the law {compared.regime}"), f"within {100 * margin:g} %"
    close = all(compared.close)
    if any(compared.rejected):
        return f"{name} is {_where(compared, list(fit.exponents))}" + (f", yet {within} at every size" if close else "")
    return f"{name} holds {within} at all {fit.points} sizes" if close else f"{name} is not rejected at any size"


def _where(compared: Pointwise, variables: Sequence[str]) -> str:
    """``rejected from L = 16 on`` only if all larger sizes are, and the sizes or their number otherwise."""
    total, count = len(compared.sizes), sum(compared.rejected)
    if count == total:
        return f"rejected at all {total} sizes"
    if len(variables) > 1:
        return f"rejected at {count} of {total} sizes"
    variable = variables[0]
    marked = sorted(zip((size[variable == "D"] for size in compared.sizes), compared.rejected, strict=True))
    rejected, kept = ([size for size, out in marked if out is which] for which in (True, False))
    if max(kept) < min(rejected):
        first = f"{variable} = {rejected[0]}"
        return f"not rejected below {first}, rejected " + (f"from {first} on" if count > 1 else f"at {first}")
    out, held = (", ".join(map(str, sizes)) for sizes in (rejected, kept))
    return f"rejected at {variable} = {out}, not at {variable} = {held}"


def shape_window(points: Sequence[Point], quantity: str, regime: str, level: float) -> tuple[int, ...]:
    """Windows over which a regime's values times a fitted constant are rejected, as numbers of points.

    Each window starts at the smallest L; one chi-square test of each, of 2, 3, … points, at ``level``.
    """
    ordered = sorted(points, key=lambda p: p.parameters)
    weights = np.array([p.standard_error(quantity) for p in ordered]) ** -2
    excess = np.array([p.logs[quantity] for p in ordered]) - predicted_logs(ordered, quantity)[regime]

    def chance(count: int) -> float:
        w, x = weights[:count], excess[:count]
        return float(chi2.sf(w @ (x - np.average(x, weights=w)) ** 2, count - 1))

    return tuple(count for count in range(2, len(ordered) + 1) if chance(count) < level)


def _shape(points: Sequence[Point], quantity: str, level: float) -> str:
    """How far the published power of L carries, whatever its prefactor; empty for a quantity that has none."""
    power = _POWERS.get(quantity)
    if power is None:
        return ""
    sizes = sorted(p.parameters for p in points)
    rejected = shape_window(points, quantity, "asymptotic", level)
    law = f"{power} with a fitted prefactor is"
    if not rejected:
        return f"{law} not rejected up to L = {sizes[-1]}"
    if rejected[0] == 2:
        return f"{law} rejected already from L = {sizes[0]} to {sizes[1]}"
    return f"{law} not rejected up to L = {sizes[rejected[0] - 2]}, rejected up to L = {sizes[rejected[0] - 1]}"


def power_text(exponent: Exponent, bracketed: bool = False) -> str:
    """``−0.451 ± 0.006``: the half width with one digit, two if it begins with 1 or 2, rounded up."""
    half = (exponent.interval[1] - exponent.interval[0]) / 2
    decimals = -math.floor(math.log10(half)) if half > 0 else 6
    decimals += half * 10.0**decimals < 3
    decimals = max(decimals, 0)
    shown = math.ceil(half * 10.0**decimals - 1e-9) / 10.0**decimals
    text = f"{exponent.best:.{decimals}f} ± {shown:.{decimals}f}".replace("-", "−")
    return f"({text})" if bracketed else text
