"""The whole predictive distribution of the kernel in the Haar-layer ensemble: density, CDF and quantiles.

K = v_O S with S = Σ_ℓ 4 v_G x_ℓ² independent of v_O (``qntk.theory.haar.kernel``), hence

    P(K <= k) = E P(S <= k / v_O),

a quadrature over the law of v_O (``haar.state_variance``) around the distribution function of S. Each of the L terms
of S has a density ~ s^{-1/2} at 0, so that of S is ~ s^{L/2-1}: it is expanded about a reference with α = L/2 and the
mean of S, to 32 exact moments (12 for a generator of more than two levels). The reference is a beta density on the
support of S up to D = 16, and a gamma density, the limit of D → ∞, beyond. No Monte Carlo enters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import toms748

from qntk.theory.haar.expansion import MomentDensity, Reference
from qntk.theory.haar.inversion import TermSum
from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.haar.shape import known_order, sum_moments
from qntk.theory.haar.state_variance import SHARPEST, STEP, Rule, StateVariance
from qntk.theory.operators import OperatorMoments

Float = NDArray[np.float64]
_BOUNDED = 16
_GRID = 4001
_CONVERGED = 1e-5
_FEW = 5
_AT_ONCE = 1 << 15
"""Values of a function of S that a quadrature holds at once, for a few values of K together."""


@dataclass(frozen=True)
class KernelDistribution:
    """Density, distribution function and quantiles of K.

    Args:
        law: L with the moments of O and G. Operators whose spectrum is known give the law itself, up to
            ``truncation``; others the law that has the moments their traces give.

    >>> from qntk.theory.operators import OperatorMoments
    >>> pauli = OperatorMoments.from_pauli(3)
    >>> law = KernelLaw(10, OperatorMoments.from_projector(3), pauli)
    >>> KernelDistribution(law).quantiles([0.05, 0.5, 0.95]).round(4)
    array([0.0152, 0.1902, 0.672 ])
    """

    law: KernelLaw

    @cached_property
    def truncation(self) -> float:
        """About the largest error of the distribution function.

        It is what the last quarter of the moments of v_O and of S changes of it, and what other spectra with the traces
        known would; ``_FEW`` times that where v_O has four moments or less, since the fifth may change as much as the
        fourth did.
        """
        own = self._sum.truncation + (STEP if self._sharpness > SHARPEST else 0.0)
        if known_order(self.law.observable, 3) < 3:
            return self._observable.truncation + own
        nodes, _, changes = self._rule
        mean, std = self.law.mean().value, self.law.variance().value ** 0.5
        values = np.geomspace(max(mean - 4 * std, mean / 1000), mean + 6 * std, 60)

        def moved(change: Float) -> float:
            return float(np.abs(self._average(values, lambda k: self.sum_cdf(k / nodes) * change)).max())

        observable = self.law.observable
        few = 1 if observable.spectrum is not None or observable.a7 is not None else _FEW
        return few * sum(map(moved, changes)) + own

    def pdf(self, kernel: ArrayLike) -> Float:
        """Density at the given values of K, of any shape, in units of 1/K."""
        nodes, weights, _ = self._rule
        return self._average(kernel, lambda k: self.sum_pdf(k / nodes) / nodes * weights)

    def cdf(self, kernel: ArrayLike) -> Float:
        """P(K <= kernel) at the given values, of any shape."""
        nodes, weights, _ = self._rule
        return np.clip(self._average(kernel, lambda k: self.sum_cdf(k / nodes) * weights), 0.0, 1.0)

    def quantiles(self, probabilities: ArrayLike) -> Float:
        """The values that K stays below with the given probabilities; ``ValueError`` unless all are in (0, 1)."""
        return _quantiles(self.cdf, self.law.mean().value, probabilities)

    def sum_quantiles(self, probabilities: ArrayLike) -> Float:
        """The same of S alone, K = v_O S."""
        return _quantiles(self.sum_cdf, float(sum_moments(self.law, 1)[1]), probabilities)

    def sum_pdf(self, s: ArrayLike) -> Float:
        """Density of S, K = v_O S."""
        return self._sum.pdf(np.asarray(s, dtype=float))

    def sum_cdf(self, s: ArrayLike) -> Float:
        """P(S <= s)."""
        return self._sum.cdf(np.asarray(s, dtype=float))

    @cached_property
    def _observable(self) -> StateVariance:
        return _state_variance(self.law.observable)

    @cached_property
    def _sum(self) -> SumLaw:
        return _sum_law(self.law.generator, self.law.parameters)

    @cached_property
    def _sharpness(self) -> float:
        """How much wider v_O is than S."""
        moments = sum_moments(self.law, 2)
        return float(self._observable.relative_std / math.sqrt(moments[2] / moments[1] ** 2 - 1))

    @cached_property
    def _rule(self) -> Rule:
        return self._observable.rule(self._sharpness)

    def _average(self, kernel: ArrayLike, terms: Callable[[Float], Float]) -> Float:
        """Sums of the terms at the nodes, shape (k, nodes) for k of shape (k, 1)."""
        values = np.asarray(kernel, dtype=float)
        flat = np.maximum(values.reshape(-1, 1), 0.0)
        few = max(1, _AT_ONCE // len(self._rule.nodes))
        blocks = [terms(flat[start : start + few]).sum(axis=1) for start in range(0, len(flat), few)]
        return np.concatenate([np.empty(0), *blocks]).reshape(values.shape)


@dataclass(frozen=True)
class SumLaw:
    """The law of S by splines, since a quadrature asks for it at very many points.

    Attributes:
        generator, parameters: G and L.
    """

    generator: OperatorMoments
    parameters: int

    def pdf(self, s: Float) -> Float:
        """Density of S; 0 outside the range of the splines."""
        _, _, density, _ = self._splines
        logs, inside, _ = self._placed(s)
        found = np.zeros(s.shape)
        found[inside] = density(logs[inside]) / np.exp(logs[inside])
        return found

    def cdf(self, s: Float) -> Float:
        """P(S <= s); 0 below the range of the splines, and what they end with above."""
        _, high, _, distribution = self._splines
        logs, inside, above = self._placed(s)
        found = np.where(above, distribution(high), 0.0)
        found[inside] = distribution(logs[inside])
        return found

    @property
    def truncation(self) -> float:
        """About the largest error of the distribution function."""
        return self.series.truncation

    @cached_property
    def series(self) -> MomentDensity | TermSum:
        """The expansion where it converges, else the inversion."""
        G, L = self.generator, self.parameters
        most = 12
        if G.spectrum is not None and len(G.spectrum) == 2:
            most = 32 if G.dimension > 8 else 64
        moments = self._moments(known_order(G, most))
        mean, variance = moments[1], moments[2] - moments[1] ** 2
        alpha = min(Fraction(L, 2), mean**2 / variance)
        if G.spectrum is None or G.dimension > _BOUNDED:
            expansion = MomentDensity(Reference(alpha), mean / alpha, moments)
        else:
            top = L * (G.spectrum[-1][0] - G.spectrum[0][0]) ** 2
            expansion = MomentDensity(Reference(alpha, alpha * (top / mean - 1)), top, moments)
        if expansion.truncation < _CONVERGED or G.dimension == 2 or G.spectrum is None:
            return expansion
        rule = StateVariance(G).rule(1.0)
        return TermSum(rule.nodes, rule.weights, G.dimension, L)

    def _moments(self, order: int) -> list[Fraction]:
        return sum_moments(KernelLaw(self.parameters, self.generator, self.generator), order)

    @cached_property
    def _splines(self) -> tuple[float, float, CubicSpline, CubicSpline]:
        """The range of log S, and s f(s) and F(s) of S over it."""
        moments = self._moments(2)
        mean, std = float(moments[1]), math.sqrt(moments[2] - moments[1] ** 2)
        low = max(mean - 14 * std, mean * 10 ** (-16 / self.parameters - 1))  # F ~ s^{L/2} is below 1e-8 there
        s = np.geomspace(low, mean + 40 * std, _GRID)
        logs = np.log(s)
        return logs[0], logs[-1], CubicSpline(logs, s * self.series.pdf(s)), CubicSpline(logs, self.series.cdf(s))

    def _placed(self, s: Float) -> tuple[Float, NDArray[np.bool_], NDArray[np.bool_]]:
        """log s, which of them lie inside the range of the splines, and which above it."""
        low, high, _, _ = self._splines
        logs = np.log(np.maximum(s, math.exp(low - 1)))
        above = logs >= high
        return logs, (logs > low) & ~above, above


@lru_cache(maxsize=64)  # cells of one sweep differ in the observable alone, or in L alone
def _sum_law(generator: OperatorMoments, parameters: int) -> SumLaw:
    return SumLaw(generator, parameters)


@lru_cache(maxsize=64)
def _state_variance(operator: OperatorMoments) -> StateVariance:
    return StateVariance(operator)


def _quantiles(cdf: Callable[[ArrayLike], Float], mean: float, probabilities: ArrayLike) -> Float:
    levels = np.asarray(probabilities, dtype=float)
    if not ((levels > 0) & (levels < 1)).all():
        raise ValueError("a quantile needs a probability between 0 and 1, ends excluded")
    return np.array([_quantile(cdf, mean, p) for p in levels.ravel()]).reshape(levels.shape)


def _quantile(cdf: Callable[[ArrayLike], Float], mean: float, level: float) -> float:
    """Root of the CDF in the logarithm, bracketed from the mean outwards."""
    low = high = mean

    def excess(logarithm: float) -> float:
        return float(cdf(np.exp(logarithm))) - level

    while excess(np.log(low)) > 0:
        low /= 2
    while excess(np.log(high)) < 0:
        high *= 2
    if low == high:
        return low
    root: float = toms748(excess, np.log(low), np.log(high), rtol=1e-12)
    return float(np.exp(root))
