"""The density of v in a Haar-random state for an observable of three levels, or of four at D = 4, exact.

No polynomial of moderate degree has it at D = 4 or 8: it has kinks where v is the largest that two of the levels reach
alone.

Three, in units of the range: with levels 0, e, 1 of multiplicities m₁, m₂, m₃, let w ~ Beta(m₂, m₁ + m₃) be the state's
weight on the middle one, and p ~ Beta(m₃, m₁) the upper one's share of the rest. Then

    v = ¼ - c² w - (1 - w)² (p - q)²,      c² = e (1 - e),      q = (½ - we)/(1 - w),

so that v = t on the curve w = w₀ - y², p = q + c y/(1 - w) with w₀ = (¼ - t)/c². Along it the density of v is

    f(t) = ∫ dy ρ(w) β(p) / ((1 - w) c),

ρ and β the densities of w and p. The integrand is a polynomial in y of degree 2(D - 3) wherever 0 < p, w < 1: Gauss's
rule between the points where the curve meets an edge is exact.

Four at D = 4: (a, b) = (<A>, <A²>) is the image of a uniform point of a tetrahedron, whose density is a pyramid over
the quadrilateral of the (λ, λ²), its apex where the diagonals cross. The density of v = b - a² is its integral along
the parabola b = t + a², which meets the line through the levels i and j at a = (λ_i + λ_j)/2 ± ((λ_i - λ_j)²/4 - t)^½;
between such points the integrand is a quadratic in a.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import beta as beta_function

Float = NDArray[np.float64]
_AT_ONCE = 4096


@dataclass(frozen=True)
class ThreeLevels:
    """The law of v in units of the squared range, on [0, 1/4].

    Args:
        middle: e, the middle level in units in which the others are 0 and 1.
        counts: multiplicities of the lowest, the middle and the highest.

    >>> law = ThreeLevels(0.5, (1, 2, 1))
    >>> law.kinks().tolist(), law.density(np.array([0.05, 0.2])).round(6).tolist()
    ([0.0, 0.0625, 0.25], [5.724334, 1.431084])
    """

    middle: float
    counts: tuple[int, int, int]

    def kinks(self) -> Float:
        """Where the density is not smooth, both ends among them; between them it is, in √ of the distance to them."""
        e = self.middle
        return np.unique([0.0, e**2 / 4, (1 - e) ** 2 / 4, 0.25])

    def density(self, t: Float) -> Float:
        """f at the t given, shape (m,)."""
        return np.concatenate([self._density(part) for part in np.array_split(t, -(-len(t) // _AT_ONCE))])

    def _density(self, t: Float) -> Float:
        e, (low, middle, high) = self.middle, self.counts
        c = math.sqrt(e * (1 - e))
        top = np.maximum((0.25 - t) / c**2, 0.0)  # w₀
        ends = [np.sqrt(top), np.sqrt(np.maximum(top - 1, 0))]  # w = 0, and w = 1
        cuts = [sign * end for end in ends for sign in (-1, 1)]
        for reach, upper in ((e, 0.0), (1 - e, 1.0)):  # on the edge p = 0 or 1, w (1 - w) reach² = t
            root = np.sqrt(np.maximum(0.25 - t / reach**2, 0.0))
            cuts += [(upper * (1 - w) - 0.5 + w * e) / c for w in (0.5 - root, 0.5 + root)]
        bounds = np.sort(np.clip(cuts, -ends[0], ends[0]), axis=0)[..., None]
        points, weights = np.polynomial.legendre.leggauss(sum(self.counts))
        half = np.diff(bounds, axis=0) / 2
        y = bounds[:-1] + half * (1 + points)
        w = top[:, None] - y**2
        inside = (w > 0) & (w < 1)
        w = np.where(inside, w, 0.5)
        p = (0.5 - w * e + c * y) / (1 - w)
        inside &= (p > 0) & (p < 1)
        p = np.where(inside, p, 0.5)
        value = w ** (middle - 1) * (1 - w) ** (low + high - 2) * p ** (high - 1) * (1 - p) ** (low - 1)
        norm = c * beta_function(middle, low + high) * beta_function(high, low)
        return np.asarray((half * weights * np.where(inside, value, 0.0)).sum(axis=(0, 2)) / norm)


@dataclass(frozen=True)
class FourLevels:
    """The law of v in units of the squared range, on [0, 1/4], of four different levels at D = 4.

    Args:
        levels: ascending, in units in which the first is 0 and the last 1.

    >>> law = FourLevels((0.0, 0.25, 0.5, 1.0))
    >>> law.density(np.array([0.05, 0.2])).round(6).tolist()
    [5.475696, 1.908111]
    """

    levels: tuple[float, float, float, float]

    def kinks(self) -> Float:
        """Where the density is not smooth, both ends among them."""
        a, b = self._apex
        tops = [(one - two) ** 2 / 4 for one, two in itertools.combinations(self.levels, 2)]
        return np.unique([0.0, *tops, b - a**2])

    @property
    def _apex(self) -> tuple[float, float]:
        """Where the diagonals b = (λ_i + λ_j) a - λ_i λ_j cross."""
        w, x, y, z = self.levels
        a = (w * y - x * z) / (w + y - x - z)
        return a, (w + y) * a - w * y

    def density(self, t: Float) -> Float:
        """f at the t given, shape (m,)."""
        pairs = [(i + j, i * j) for i, j in itertools.combinations(self.levels, 2)]
        roots = [np.sqrt(np.maximum(total**2 / 4 - product - t, 0.0)) for total, product in pairs]
        cuts = [total / 2 + sign * root for (total, _), root in zip(pairs, roots, strict=True) for sign in (-1, 1)]
        bounds = np.sort(cuts, axis=0)[..., None]
        points, weights = np.polynomial.legendre.leggauss(2)
        half = np.diff(bounds, axis=0) / 2
        a = bounds[:-1] + half * (1 + points)
        b = t[:, None] + a**2
        top = self._apex
        w, x, y, z = self.levels
        edges = [(w + x, w * x, 1), (x + y, x * y, 1), (y + z, y * z, 1), (w + z, w * z, -1)]
        heights = [
            sign * (b - total * a + product) / (sign * (top[1] - total * top[0] + product))
            for total, product, sign in edges
        ]
        area = ((y - w) * (z**2 - x**2) - (y**2 - w**2) * (z - x)) / 2  # half the cross product of the diagonals
        pyramid = 3 / abs(area) * np.minimum.reduce(heights).clip(min=0.0)
        return np.asarray((half * weights * pyramid).sum(axis=(0, 2)))
