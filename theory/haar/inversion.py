"""The law of a sum of L independent positive terms by numerical inversion of its Laplace transform.

For terms 4 v x² whose law defeats an expansion about a gamma density, such as v = v_G with G a projector: the tail is
that of an exponential times a square. The term is a mixture of beta variables, with M(z) = E e^{-zs} an integral over
log s. The Fourier-series method (Abate and Whitt, ORSA J. Comput. 7, 36 (1995)) reads the distribution function off
M(z)^L / z, and the density off M(z)^L, at the points z = (A + 2πik)/(2t):

    F(t) ≈ (e^{A/2}/t) [½ f(A/2t) + Σ_k (-1)^k Re f((A + 2πik)/2t)],

with a discretisation error of e^{-A} and an Euler average over the last partial sums, which matters for few terms only:
otherwise M^L has died out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import betainc, betaln, comb, xlog1py, xlogy

Float = NDArray[np.float64]
_A = 22.0
_EULER = 14
_POINTS = 300
_PANEL = 16
_REACH = 4.0
"""Beyond this multiple of t, e^{-zs} is below 1e-19."""
ACCURACY = 1e-6
"""What the distribution function is good to, seen against expansions that converge to 1e-12."""


@dataclass(frozen=True)
class TermSum:
    """The sum of L independent copies of 4 v x², x² ~ Beta(1/2, D - 3/2).

    Args:
        variances, weights: a quadrature rule over the law of v; weights add up to 1.
        dimension: D; not whole for terms that only look like those of a kernel.
        terms: L.
    """

    variances: Float
    weights: Float
    dimension: float
    terms: int
    truncation = ACCURACY

    def pdf(self, values: Float) -> Float:
        """The density."""
        logarithm, inside = self._logarithm(values)
        return np.where(inside, np.maximum(self._splines[1](logarithm), 0.0) / np.exp(logarithm), 0.0)

    def cdf(self, values: Float) -> Float:
        """The distribution function."""
        logarithm, inside = self._logarithm(values)
        return np.where(inside, np.clip(self._splines[0](logarithm), 0.0, 1.0), np.asarray(values) > 0)

    def _term_cdf(self, values: Float) -> Float:
        """Distribution function of one term."""
        ratio = np.clip(np.divide.outer(values, 4 * self.variances), 0.0, 1.0)
        return np.asarray(betainc(0.5, self.dimension - 1.5, ratio) @ self.weights)

    def _term_pdf(self, values: Float) -> Float:
        """Density of one term: a mixture of scaled beta densities."""
        ratio = np.divide.outer(values, 4 * self.variances)
        b = self.dimension - 1.5
        with np.errstate(divide="ignore", invalid="ignore"):
            density = np.exp(xlogy(-0.5, ratio) + xlog1py(b - 1, -np.minimum(ratio, 1.0)) - betaln(0.5, b))
        return np.asarray(np.where((ratio > 0) & (ratio < 1), density, 0.0) @ (self.weights / (4 * self.variances)))

    def _logarithm(self, values: Float) -> tuple[Float, NDArray[np.bool_]]:
        """log of the values, kept in the range of the splines, and which lie below its top."""
        low, high = self._range
        return np.log(np.clip(values, low, high)), (values > 0) & (values < high)

    @cached_property
    def _moments(self) -> tuple[float, float]:
        D = self.dimension
        mean = 2 * float(self.variances @ self.weights) / (D - 1)
        square = 12 * float(self.variances**2 @ self.weights) / (D * (D - 1))
        return self.terms * mean, (self.terms * (square - mean**2)) ** 0.5

    @cached_property
    def _range(self) -> tuple[float, float]:
        """Where the law lives: 40 standard deviations up, and down to where s^{L/2} is below 1e-8."""
        mean, std = self._moments
        return max(mean - 12 * std, mean * 10 ** (-16 / self.terms - 1)), mean + 40 * std

    @cached_property
    def _splines(self) -> tuple[CubicSpline, CubicSpline]:
        """F and t f(t) over log t."""
        mean, std = self._moments
        t = np.geomspace(*self._range, _POINTS * (10 if self.terms == 1 else 1))
        if self.terms == 1:
            return CubicSpline(np.log(t), self._term_cdf(t)), CubicSpline(np.log(t), t * self._term_pdf(t))
        k = np.arange(int(60 + 6 * mean / std) + _EULER + 1)
        euler = np.ones(len(k))
        euler[-_EULER:] = 1 - np.cumsum(comb(_EULER, np.arange(_EULER))) / 2.0**_EULER
        signs = np.where(k % 2, -1.0, 1.0) * np.where(k == 0, 0.5, 1.0) * euler * np.exp(_A / 2)
        zeta = (_A + 2j * np.pi * k) / 2  # z t, the same for all t, as are the nodes u = s / t
        u, weights = self._unit_rule(float(zeta.imag[-1]))
        # M = P(s < 4t) + E(e^{-zs} - 1; s < 4t): relative errors touch M - 1 alone, which is small where L is large.
        density = self._density(np.multiply.outer(u, t)) * t
        one = (np.expm1(-np.multiply.outer(zeta, u)) * weights) @ density + self._term_cdf(_REACH * t)
        total = one**self.terms
        return CubicSpline(np.log(t), signs @ (total / zeta[:, None]).real), CubicSpline(np.log(t), signs @ total.real)

    def _unit_rule(self, frequency: float) -> tuple[Float, Float]:
        """Gauss-Legendre panels in u: down to 1e-15 in log u, then linear up to where e^{-Au/2} is negligible."""
        edges = np.concatenate([np.geomspace(1e-15, 0.1, 30), np.linspace(0.1, _REACH, 20 + int(frequency / 2))[1:]])
        points, legendre = np.polynomial.legendre.leggauss(_PANEL)
        half = np.diff(edges)[:, None] / 2
        return (edges[:-1, None] + half * (1 + points)).ravel(), (half * legendre).ravel()

    def _density(self, s: Float) -> Float:
        """The density of one term, from a spline of s f(s) over log s."""
        mean = self._moments[0] / self.terms
        top = 4 * self.variances.max()
        grid = np.linspace(np.log(mean) - 45, np.log(min(top, 1e4 * mean)), 3000)
        values = np.concatenate([self._term_pdf(part) for part in np.split(np.exp(grid), 60)])
        spline = CubicSpline(grid, np.exp(grid) * values)
        inside = (s > np.exp(grid[0])) & (s < np.exp(grid[-1]))
        safe = np.where(inside, s, mean)
        return np.where(inside, spline(np.log(safe)) / safe, 0.0)
