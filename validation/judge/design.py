"""Design before drawing: what n draws can see, and how many draws a verdict needs.

The logarithm of an estimate scatters about that of the truth as a normal variable whose standard error se the law's own
moments give, and its interval reaches from the estimate times e^{-a} to the estimate times e^{b}, as it does for draws
that show the law's own skewness γ and kurtosis (``judge.spread``). The ends scatter more or less than the
estimate, as se is estimated from the same draws: with Student's quantile t and df degrees of freedom, to next order,

    Var(upper end) = se² (1 + t γ/√n + t²/(4 df)),      Var(lower end) = se² (1 - t γ/√n + t²/(4 df)).

What a promised 0.9 came out as in simulation is in docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.special import ndtr, ndtri, stdtrit

from qntk.theory import KernelLaw
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.estimates import MINIMUM_DRAWS, MOMENTS, Moment
from qntk.validation.judge.floor import floor_of
from qntk.validation.judge.spread import Spread
from qntk.validation.judge.verdicts import POWER

_ROUND = 1000
_FARTHEST = 700.0


def resolution(spread: Spread, statistic: Moment, level: float, draws: int) -> float:
    """Half width of the interval relative to the value, as in ``Verdict.resolution``.

    Args:
        spread: of the kernel.
        statistic: ``mean``, ``variance`` or ``relative_std``.
        level: probability that the interval misses, both sides together.
        draws: n.
    """
    low, high = spread.pivot(statistic, draws).interval(_probability("level", level))
    return (high - low) / 2


def agree_probability(spread: Spread, statistic: Moment, margin: float, level: float, draws: int) -> float:
    """Probability of the verdict ``agree`` for a prediction that is exactly right; both edges count.

    ``margin`` is a relative difference, 0 <= margin < 1; the other arguments are those of ``resolution``.
    """
    _check_margin(margin)
    if not _enough(spread, statistic, draws):
        return 0.0
    (below, lower_se), (above, upper_se) = _ends(spread, statistic, level, draws)
    high, low = math.log1p(margin) - above, math.log1p(-margin) - below
    return max(0.0, float(ndtr(high / upper_se) - ndtr(low / lower_se)))


def detectable_discrepancy(
    spread: Spread, statistic: Moment, margin: float, level: float, draws: int, power: float = POWER
) -> float:
    """Smallest δ such that any truth that differs by δ or more gets ``disagree`` with probability >= ``power``.

    δ is relative to the prediction and holds on both sides. With z the normal quantile of the power, a truth of 1 + δ
    or of 1 - δ times the prediction, the harder of the two, solves

        (1 + δ) e^{-a - z se'} = 1 + margin,      (1 - δ) e^{b + z se''} = 1 - margin,

    where the truth scatters, relative to itself, as ``spread`` says, and se', se'' are the standard errors of the lower
    and the upper end. To first order δ is margin + a + z se. With margin
    0 it is the smallest difference from zero that is significant at ``level``.
    """
    _check_margin(margin)
    if not _enough(spread, statistic, draws):
        return math.inf
    (below, lower_se), (above, upper_se) = _ends(spread, statistic, level, draws)
    z = float(ndtri(_probability("power", power)))
    upwards = (1 + margin) * math.exp(min(z * lower_se - below, _FARTHEST)) - 1
    return max(upwards, 1 - (1 - margin) * math.exp(-z * upper_se - above))


def draws_needed(
    spread: Spread,
    statistic: Moment,
    margin: float,
    level: float,
    power: float = POWER,
    discrepancy: float | None = None,
) -> int:
    """Smallest n >= 8 that gives a verdict with probability >= ``power``.

    The verdict is ``agree`` for a prediction that is exactly right; with ``discrepancy``, ``disagree`` for one from
    which the truth differs by that much, relative to the prediction, or more.

    Raises ``ValueError`` for a margin of 0, which nothing can be shown to lie in, or a discrepancy within the margin.
    """
    _check_margin(margin)
    _probability("power", power)
    if discrepancy is None and margin == 0:
        raise ValueError("margin is 0; no number of draws shows agreement to within nothing")
    if discrepancy is not None and discrepancy <= margin:
        raise ValueError(f"discrepancy is {discrepancy}; one within the margin of {margin} is none")

    def enough(draws: int) -> bool:
        if discrepancy is None:
            return agree_probability(spread, statistic, margin, level, draws) >= power
        return detectable_discrepancy(spread, statistic, margin, level, draws, power) <= discrepancy

    return _smallest(enough, MINIMUM_DRAWS - 1, 1)


def draws_to_agree(
    law: KernelLaw | FermionLaw,
    statistic: Moment,
    margin: float | None = None,
    power: float = 0.9,
    level: float = 0.01 / 4,
) -> int:
    """``draws_needed`` of a law; the margin is that of a comparison where it is None.

    Raises ``ValueError`` for a statistic that is none of ``MOMENTS``.
    """
    if statistic not in MOMENTS:
        raise ValueError(f"statistic {statistic!r} is unknown; choose {', '.join(MOMENTS)}")
    wanted = getattr(Margins(), statistic) if margin is None else margin
    return draws_needed(Spread.of_law(law), statistic, wanted, level, power)


def planned_draws(law: KernelLaw, margins: Margins, level: float, power: float, most: int) -> int:
    """Draws for which each moment of K reaches ``agree`` with probability >= ``power``, if ``law`` holds.

    All together do with probability >= 1 - 3 (1 - power). Rounded up to a multiple of 1000, so that the last digits of
    a computation never move it, and at most ``most``.
    """
    spread = Spread.of_law(law)

    def enough(draws: int) -> bool:
        return all(agree_probability(spread, s, getattr(margins, s), level, draws) >= power for s in MOMENTS)

    return min(_smallest(enough, 0, _ROUND, most), most)


def _smallest(enough: Callable[[int], bool], below: int, step: int, most: float = math.inf) -> int:
    """The smallest n = ``below`` + 1, 2, … times ``step`` that is enough; some n >= ``most`` if none below that is."""
    low, high = below, below + step
    while high < most and not enough(high):
        low, high = high, 2 * high
    while high - low > step:
        middle = low + (high - low) // (2 * step) * step
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _enough(spread: Spread, statistic: Moment, draws: int) -> bool:
    return draws >= floor_of(spread.kurtosis(statistic))


def _ends(spread: Spread, statistic: Moment, level: float, draws: int) -> tuple[tuple[float, float], ...]:
    """Logarithm of each end of the interval over the estimate, and its standard error; the lower end first."""
    pivot = spread.pivot(statistic, draws)
    ends = pivot.interval(_probability("level", level))
    t = -float(stdtrit(pivot.df, level / 2))
    lean, width = t * pivot.skewness / math.sqrt(draws), t**2 / (4 * pivot.df)
    least = 0.25  # of the variance: the expansion is no good beyond
    return tuple(
        (math.log(end), pivot.se * math.sqrt(max(1 + side * lean + width, least)))
        for end, side in zip(ends, (-1, 1), strict=True)
    )


def _check_margin(margin: float) -> None:
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin}; give a relative difference from 0 up to 1")


def _probability(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; give a probability between 0 and 1")
    return value
