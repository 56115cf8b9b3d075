"""The law of v_A = <A²> - <A>² in a Haar-random state, as nodes and weights to integrate over.

Two levels: v = Δ² p (1 - p) with p ~ Beta(m₁, m₂) the state's weight on one of them, exactly. Three levels up to
D = 16, and four at D = 4, have kinks that matter, and their density exactly (``state.few_levels``). More: v lies in
[0, Δ²/4], Δ the range of the spectrum, and its density is taken as a beta density of its mean times the polynomial that
gives it its first 64 moments, or 128. With the variance of v the beta density may have lighter tails than v itself, and
the series then diverges; with twice the variance it converges, geometrically where v is smooth. Beyond D = 128, v is
narrow and 20 moments do, mostly. Where eight traces are known and no spectrum, a gamma density and 16 moments, those
beyond the fourth by levels that stand in for the spectrum (``state.closure``); where fewer, 4 moments or less.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from qntk.theory.haar.expansion import MomentDensity, Reference
from qntk.theory.haar.shape import known_order, moments_in_decimals, moments_of_levels, variance_moments
from qntk.theory.haar.state import relative_variance, variance_mean, variance_variance
from qntk.theory.haar.state.closure import stand_ins
from qntk.theory.haar.state.few_levels import FourLevels, ThreeLevels
from qntk.theory.operators import OperatorMoments

Float = NDArray[np.float64]
_ORDER = 64
_SMALL, _SMALL_ORDER = 16, 128
"""Up to this D the law of v has kinks, and more moments are taken."""
_NARROW, _NARROW_ORDER = 128, 20
"""Beyond this D fewer are tried first."""
_CLOSED_ORDER = 16
_WIDEST = 10**6
"""Exponent up to which a beta density keeps its digits; and D beyond which four moments do."""
_GOOD = 1e-7
_MANY = 1024
"""Up to this D the many moments of a spectrum are worked out level by level."""
_GRAIN = 1 << 20
"""Exponents are rounded to this fraction, to keep the recurrence short."""
_TAIL = 1e-17
_GAUSS = 96
_PANEL = 12
SHARPEST, STEP = 500.0, 1e-5
"""Sharpness beyond which panels no longer resolve the function, which is as a step to them, and the error of that."""


class Rule(NamedTuple):
    """A quadrature over the law of v: nodes, weights that add up to 1, and what each doubt about them may change.

    Doubts, the rows of ``changes``, are the last moments that were taken, and others that were not known.
    """

    nodes: Float
    weights: Float
    changes: Float


class StateVariance:
    """The law of v_A for the operator given.

    Attributes:
        relative_std: standard deviation over mean.
        truncation: about the largest error of the distribution function; 0 where the law is exact. With mean and
            variance alone it is a tenth of relative_std, what a skewness of that size would do.
    """

    def __init__(self, operator: OperatorMoments) -> None:
        self.operator = operator
        self.relative_std = float(relative_variance(operator)) ** 0.5
        self.two_levels = operator.spectrum is not None and len(operator.spectrum) == 2
        self.few_levels = _few_levels(operator)
        self.truncation = 0.0
        if not self.two_levels and self.few_levels is None:
            known = operator.spectrum is not None or operator.higher is not None
            self.truncation = self._density.doubt(self._doubts) if known else 0.1 * self.relative_std

    @cached_property
    def _reference(self) -> Reference:
        O = self.operator
        if O.spectrum is not None and self.two_levels:
            return Reference(*sorted(Fraction(m) for _, m in O.spectrum))  # x(1-x) keeps its digits where x is small
        return self._density.reference

    @cached_property
    def _moments(self) -> list[list[Fraction]]:
        """E v^m, and what else they may be where the traces leave that open."""
        O = self.operator
        if O.spectrum is not None and _NARROW < O.dimension <= _WIDEST:
            return [moments_of_levels(O.spectrum, _NARROW_ORDER)]
        if O.spectrum is None and O.dimension <= _WIDEST and O.a7 is not None and known_order(O, 4) == 4:
            a5, a6, a8 = O.higher or (Fraction(0),) * 3
            D = Fraction(O.dimension)
            low = [D, Fraction(0), O.a2, O.a3, O.a4, a5, a6, O.a7, a8 or Fraction(0)]
            powers = range(len(low), 2 * _CLOSED_ORDER + 1)
            closed = stand_ins([trace / D for trace in low])
            return [moments_in_decimals(low + [D * one.moment(k) for k in powers], _CLOSED_ORDER) for one in closed]
        return [variance_moments(O, known_order(O, _SMALL_ORDER if O.dimension <= _SMALL else _ORDER))]

    @cached_property
    def _density(self) -> MomentDensity:
        """The best of several references, by the truncation; the first that is good enough."""
        O = self.operator
        best = self._best(self._moments[0])
        if O.spectrum is not None and _NARROW < O.dimension <= _MANY and best.truncation > _GOOD:
            longer = self._best(variance_moments(O, known_order(O, _ORDER)))
            best = min(best, longer, key=lambda density: density.truncation)
        return best

    @cached_property
    def _doubts(self) -> list[Float]:
        """Series that may have to be added."""
        density = self._density
        others = [MomentDensity(density.reference, density.scale, moments) for moments in self._moments[1:]]
        return [density.last, *(other.coefficients - density.coefficients for other in others)]

    def _best(self, moments: list[Fraction]) -> MomentDensity:
        best: MomentDensity | None = None
        for reference, scale in self._references():
            density = MomentDensity(reference, scale, moments)
            if best is None or density.truncation < best.truncation:
                best = density
            if best.truncation < _GOOD:
                break
        assert best is not None
        return best

    def _references(self) -> Iterator[tuple[Reference, Fraction]]:
        """Beta densities with twice the variance of v, with its variance, and with exponents no larger than its own.

        Gamma densities where only traces are known, and where v is narrow. With the scale, which is the largest v of a
        beta density.
        """
        O = self.operator
        mean, variance = variance_mean(O), variance_variance(O)
        if O.spectrum is None or O.dimension > _NARROW:
            for wider in (Fraction(1), Fraction(11, 10), Fraction(2)):
                yield Reference(mean**2 / variance / wider), variance * wider / mean
        if O.spectrum is None:
            return
        top = (O.spectrum[-1][0] - O.spectrum[0][0]) ** 2 / 4
        share, spread = mean / top, variance / top**2
        for twice in (2, 1):
            size = share * (1 - share) / (twice * spread) - 1
            if size > _WIDEST:
                return
            if min(share, 1 - share) * size >= 1 or twice == 1:
                yield Reference(*(Fraction(round(_GRAIN * x * size), _GRAIN) for x in (share, 1 - share))), top
        counts = [m for _, m in O.spectrum]
        lowest = O.dimension - max(counts)  # v = 0 on the largest level, v = top between the outermost two
        highest = O.dimension - counts[0] - counts[-1] + Fraction(1, 2)
        yield Reference(Fraction(min(lowest, 2)), min(highest, Fraction(2))), top

    def rule(self, sharpness: float) -> Rule:
        """Nodes and weights for averages of functions that vary over relative_std / sharpness.

        A Gauss rule of 96 nodes for functions no sharper than v itself, where v stays away from 0 and from its
        maximum; else Gauss-Legendre panels in θ, x = sin²θ (θ² for a gamma density), which has no singularity at the
        ends either, nor has the factor v^{-1/2} that one parameter brings.
        """
        if self.few_levels is not None:
            return self._of_few_levels(self.few_levels, sharpness)
        reference = self._reference
        alpha, beta = float(reference.alpha), reference.beta
        if sharpness <= 1.5 and min(alpha, float(beta or alpha)) > 50:
            x, weights = reference.quadrature(_GAUSS)
        else:
            if beta is None:
                ends = np.sqrt([special.gammaincinv(alpha, _TAIL), special.gammainccinv(alpha, _TAIL)])
            else:
                tails = special.betaincinv(alpha, float(beta), _TAIL), special.betainccinv(alpha, float(beta), _TAIL)
                ends = np.arcsin(np.sqrt(tails))
            low, high = (float(end) for end in ends)
            count = int(30 * min(sharpness, SHARPEST)) + 9
            knee = max(low, high / 6)
            edges = np.linspace(knee, high, count)
            if low < knee:  # v comes close to 0: panels that keep their size relative to θ
                edges = np.concatenate([[low], np.geomspace(max(low, 1e-5 * knee), knee, 2 * count)[1:], edges[1:]])
            points, legendre = np.polynomial.legendre.leggauss(_PANEL)
            half = np.diff(edges)[:, None] / 2
            theta = (edges[:-1, None] + half * (1 + points)).ravel()
            x, slope = (theta**2, 2 * theta) if beta is None else (np.sin(theta) ** 2, np.sin(2 * theta))
            weights = (half * legendre).ravel() * reference.pdf(x) * slope
        O = self.operator
        if O.spectrum is not None and self.two_levels:
            range_ = float(O.spectrum[1][0] - O.spectrum[0][0])
            return Rule(range_**2 * x * (1 - x), weights / weights.sum(), np.zeros((1, len(weights))))
        density = self._density
        whole = weights * density.ratio(x)
        changes = np.array([weights * density.ratio_of(x, doubt) for doubt in self._doubts])
        return Rule(float(density.scale) * x, whole / whole.sum(), changes / whole.sum())

    def _of_few_levels(self, law: ThreeLevels | FourLevels, sharpness: float) -> Rule:
        """Panels between the kinks, in θ, t = low + (high - low) sin²θ, which is smooth at both ends."""
        assert self.operator.spectrum is not None
        points, legendre = np.polynomial.legendre.leggauss(_PANEL)
        count = int(30 * min(sharpness, SHARPEST)) + 9
        nodes, weights = [], []
        kinks = law.kinks()
        for low, high in itertools.pairwise(kinks):
            edges = np.linspace(0, np.pi / 2, max(9, int(count * (high - low) / kinks[-1]) + 1))
            if low == 0:  # panels that keep their size relative to θ where v is close to 0
                edges = np.concatenate([[0], np.geomspace(1e-5, 1, 2 * count) * edges[1], edges[2:]])
            half = np.diff(edges)[:, None] / 2
            theta = (edges[:-1, None] + half * (1 + points)).ravel()
            t = low + (high - low) * np.sin(theta) ** 2
            nodes.append(t)
            weights.append((half * legendre).ravel() * (high - low) * np.sin(2 * theta) * law.density(t))
        levels = self.operator.spectrum
        whole = np.concatenate(weights)
        square = float(levels[-1][0] - levels[0][0]) ** 2
        return Rule(square * np.concatenate(nodes), whole / whole.sum(), np.zeros((1, len(whole))))


def _few_levels(operator: OperatorMoments) -> ThreeLevels | FourLevels | None:
    """The exact law of v, where there is one of more than two levels."""
    if operator.spectrum is None or operator.dimension > _SMALL:
        return None
    values, counts = zip(*operator.spectrum, strict=True)
    share = [float((value - values[0]) / (values[-1] - values[0])) for value in values]
    if len(values) == 3:
        return ThreeLevels(share[1], (counts[0], counts[1], counts[2]))
    if len(values) == operator.dimension == 4:
        return FourLevels((share[0], share[1], share[2], share[3]))
    return None
