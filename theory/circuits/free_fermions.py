"""The whole law of K for free fermions: an observable linear in Majorana operators between Haar-random SO(N) layers.

Circuits whose algebra is so(N) act on N Majorana operators γ_a by rotations R of R^N: an observable o·γ with |o| = 1
(Z0 of an open chain of RX and RZZ on n qubits, N = 2n) has f = o·Ru, with u_a = <γ_a> in the input. Let |u| = 1 too,
and let layers between the gates be Haar-random in SO(N). A gate that turns the plane (a, b) has ∂f = x_a y_b - x_b y_a,
with y the input as it arrives there and x the observable pulled back. So x and y have the same product f, a coordinate
of a uniform point of the sphere; y = fx + √(1-f²) ξ, with (x, ξ) a uniform orthonormal frame, fresh for each gate:

    K = v Σ_ℓ W_ℓ²,    v = 1 - f² ~ Beta((N-1)/2, 1/2),    W = |x_a ξ_b - x_b ξ_a| ~ Beta(1, N-2), all independent.

Observables quadratic in Majorana operators have a law of the same form (``QuadraticFermionLaw``).

For W: the block of two rows of the frame has a matrix-variate beta law, so W² = B₁B₂ with B₁ ~ Beta(1, (N-2)/2) and
B₂ ~ Beta(1/2, (N-2)/2), and by the duplication formula that is the square of a Beta(1, N-2). E K = 2L/N². W² has the
tail of a squared exponential, which no expansion in moments follows: the sum is read off its Laplace transform
(``haar.inversion``).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import toms748

from qntk.theory.haar.expansion import Reference
from qntk.theory.haar.inversion import TermSum
from qntk.theory.prediction import Prediction

Float = NDArray[np.float64]
_NODES = 64
_MOST_MODES = 10**5


@dataclass(frozen=True)
class _SquareSum(TermSum):
    """The sum of L independent W², W ~ Beta(1, 2n-2); ``dimension`` is n."""

    @property
    def _power(self) -> int:
        return int(2 * self.dimension) - 2

    def _term_cdf(self, values: Float) -> Float:
        return np.asarray(1 - (1 - np.sqrt(np.clip(values, 0.0, 1.0))) ** self._power)

    def _term_pdf(self, values: Float) -> Float:
        inside = (values > 0) & (values < 1)
        root = np.sqrt(np.where(inside, values, 0.25))
        return np.where(inside, self._power * (1 - root) ** (self._power - 1) / (2 * root), 0.0)

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the sum."""
        N = 2 * self.dimension
        mean, square = 2 / (N * (N - 1)), 24 / ((N - 1) * N * (N + 1) * (N + 2))
        return self.terms * mean, math.sqrt(self.terms * (square - mean**2))


@dataclass(frozen=True)
class FermionLaw(ABC):
    """K = c² v Σ_ℓ T_ℓ for Haar-random SO(2n) layers: what the laws of both kinds of observable share.

    Args:
        modes: n, 2 at least; N = 2n Majorana operators.
        parameters: L.
        coefficient: length c of the observable; K is in units of c².
    """

    modes: int
    parameters: int
    coefficient: float = 1.0
    group: ClassVar[str] = "free fermions"
    observables: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Refuse what is no such law."""
        if not 2 <= self.modes <= _MOST_MODES:
            raise ValueError(f"modes is {self.modes}; give 2 to {_MOST_MODES:,}")
        if self.parameters < 1:
            raise ValueError(f"parameters is {self.parameters}; a kernel needs at least 1")
        if not 0 < abs(self.coefficient) < math.inf:
            raise ValueError(f"coefficient is {self.coefficient}; give a finite number that is not 0")

    @property
    @abstractmethod
    def _v(self) -> tuple[Fraction, Fraction]:
        """a and b of v ~ Beta(a, b)."""

    @abstractmethod
    def _term(self, order: int) -> list[Fraction]:
        """E T^k for k = 0 … order."""

    @property
    @abstractmethod
    def _sum(self) -> TermSum:
        """The law of Σ_ℓ T_ℓ."""

    def moments(self, order: int) -> list[Fraction]:
        """E (K/c²)^k for k = 0 … order, exact."""
        # (Σ_k E T^k t^k/k!)^L, by the recursion for powers of a series.
        L, series = self.parameters, [m / math.factorial(k) for k, m in enumerate(self._term(order))]
        power = [Fraction(1)]
        for k in range(1, order + 1):
            parts = [(i * (L + 1) - k) * series[i] * power[k - i] for i in range(1, k + 1)]
            power.append(sum(parts, Fraction(0)) / k)
        v = _beta(*self._v, order)
        return [w * p * math.factorial(k) for k, (w, p) in enumerate(zip(v, power, strict=True))]

    def mean(self) -> Prediction:
        """E K."""
        return self._prediction("kernel mean", self.moments(1)[1] * Fraction(self.coefficient) ** 2)

    def variance(self) -> Prediction:
        """Var K."""
        _, one, two = self.moments(2)
        return self._prediction("kernel variance", (two - one**2) * Fraction(self.coefficient) ** 4)

    def relative_std(self) -> Prediction:
        """ΔK/K̄."""
        _, one, two = self.moments(2)
        return self._prediction("kernel relative standard deviation", math.sqrt((two - one**2) / one**2))

    def plateau(self) -> Prediction:
        """Limit of ΔK/K̄ as L grows: that of v."""
        _, one, two = _beta(*self._v, 2)
        return self._prediction("plateau of ΔK/K̄", math.sqrt((two - one**2) / one**2))

    def cdf(self, kernel: ArrayLike) -> Float:
        """P(K <= kernel), of the shape of ``kernel``; good to 1e-6."""
        values = np.maximum(np.asarray(kernel, dtype=float), 0.0) / self.coefficient**2
        v, weights = self._rule
        found: Float = self._sum.cdf(values[..., None] / v) @ weights
        return found

    def pdf(self, kernel: ArrayLike) -> Float:
        """The density of K."""
        values = np.maximum(np.asarray(kernel, dtype=float), 0.0) / self.coefficient**2
        v, weights = self._rule
        found: Float = self._sum.pdf(values[..., None] / v) @ (weights / v) / self.coefficient**2
        return found

    def quantiles(self, probabilities: ArrayLike) -> Float:
        """Quantiles of K; probabilities between 0 and 1, ends excluded."""
        levels = np.asarray(probabilities, dtype=float)
        if not ((levels > 0) & (levels < 1)).all():
            raise ValueError("a quantile needs a probability between 0 and 1, ends excluded")
        return np.array([self._quantile(float(p)) for p in levels.ravel()]).reshape(levels.shape)

    def _quantile(self, level: float) -> float:
        low = high = math.log(float(self.mean()))
        while float(self.cdf(math.exp(low))) > level:
            low -= 1
        while float(self.cdf(math.exp(high))) < level:
            high += 1
        if low == high:
            return math.exp(low)
        return math.exp(float(toms748(lambda x: float(self.cdf(math.exp(x))) - level, low, high, rtol=1e-12)))

    @cached_property
    def _rule(self) -> tuple[Float, Float]:
        """Nodes and weights of v."""
        return Reference(*self._v).quadrature(_NODES)

    def _prediction(self, quantity: str, value: Fraction | float) -> Prediction:
        assumptions = ("Haar layers of SO(2n)", self.observables, "half-Pauli rotations")
        return Prediction(quantity, float(value), "exact", assumptions, "docs/theory.md")


@dataclass(frozen=True)
class FreeFermionLaw(FermionLaw):
    """K for an observable linear in Majorana operators, cΣ o_a γ_a with |o| = 1, and rotations exp(-iθP/2).

    E K = 2Lc²/N².

    >>> law = FreeFermionLaw(1000, 50)
    >>> float(law.mean()), round(float(law.quantiles([0.5])[0]) / float(law.mean()), 3)
    (2.5e-05, 0.956)
    """

    observables: ClassVar[str] = "observable linear in Majorana operators, |<γ>| = 1"

    @property
    def _v(self) -> tuple[Fraction, Fraction]:
        return Fraction(2 * self.modes - 1, 2), Fraction(1, 2)

    def _term(self, order: int) -> list[Fraction]:
        N, term = 2 * self.modes, [Fraction(1)]
        for k in range(1, order + 1):  # E W^j = Π_{i<=j} i/(N-2+i)
            term.append(term[-1] * (2 * k - 1) * (2 * k) / ((N + 2 * k - 3) * (N + 2 * k - 2)))
        return term

    @cached_property
    def _sum(self) -> TermSum:
        return _SquareSum(np.array([0.25]), np.ones(1), self.modes, self.parameters)


@dataclass(frozen=True)
class QuadraticFermionLaw(FermionLaw):
    """K for an observable quadratic in Majorana operators, in a pure Gaussian state.

    O = c iγγ' for two orthonormal combinations p, q of Majorana operators (Z of a qubit between matchgates, X of an
    Ising chain), input with covariance matrix u, u² = -1 (basis states there, |+…+> here); rotations exp(-iθP/2) about
    quadratic strings. With x = pqᵀ - qpᵀ pulled back f = c pᵀuq, and a gradient is the component in the plane (a, b)
    of the commutator M = [x, u] = (uq)pᵀ - p(uq)ᵀ + q(up)ᵀ - (up)qᵀ: the planes of p, uq and of q, up are orthogonal,
    and both wedges have length √v, v = 1 - (pᵀuq)². So M is √v times a turn of two planes, in a uniform frame for each
    gate; aᵀMb with the first vector of the gate's plane uniform on the sphere across the second:

        K = c² v Σ_ℓ t_ℓ s_ℓ,  v ~ Beta((N-2)/2, 1/2),  t ~ Beta(2, (N-4)/2),  s ~ Beta(1/2, (N-2)/2),  N = 2n,

    E K = 4(N-2) L c² / (N (N-1)²). The distribution of ts is that of s with its scale averaged over t; for 2 modes
    there are moments alone, and ``cdf``, ``pdf`` and ``quantiles`` raise ``ValueError``.

    >>> law = QuadraticFermionLaw(4, 420)
    >>> round(float(law.mean()), 4), round(float(law.variance()), 4)
    (25.7143, 27.4286)
    """

    observables: ClassVar[str] = "observable quadratic in Majorana operators, pure Gaussian input"

    @property
    def _v(self) -> tuple[Fraction, Fraction]:
        return Fraction(2 * self.modes - 2, 2), Fraction(1, 2)

    def _term(self, order: int) -> list[Fraction]:
        N = 2 * self.modes
        weights = _beta(Fraction(2), Fraction(N - 4, 2), order)
        squares = _beta(Fraction(1, 2), Fraction(N - 2, 2), order)
        return [t * s for t, s in zip(weights, squares, strict=True)]

    @cached_property
    def _sum(self) -> TermSum:
        # s ~ Beta(1/2, n - 1) is the x² of TermSum with D - 3/2 = n - 1, and 4v is t.
        if self.modes == 2:  # t is 1 and the density of s breaks off, which the inversion does not follow
            raise ValueError("with 2 modes a quadratic observable has moments and no distribution here; give 3 or more")
        t, weights = Reference(Fraction(2), Fraction(self.modes - 2)).quadrature(_NODES)
        return TermSum(t / 4, weights, self.modes + 0.5, self.parameters)


def _beta(a: Fraction, b: Fraction, order: int) -> list[Fraction]:
    """Moments of a Beta(a, b) variable from the zeroth on."""
    found = [Fraction(1)]
    for k in range(order):
        found.append(found[-1] * (a + k) / (a + b + k))
    return found


def majorana_degree(label: str, string: str) -> int:
    """How many Majorana operators a Pauli string is a product of, by the Jordan-Wigner strings of one letter.

    γ_{2j} and γ_{2j+1} are ``string`` on the qubits below j and the two other letters on j. Circuits of rotations about
    strings of degree 2 are free fermions: RX and RZZ on an open chain with X, RZ and RXX or RYY with Z.

    >>> [majorana_degree(label, "X") for label in ("IIZ", "ZXX", "IXI", "IZZ", "ZIZ")]
    [1, 1, 2, 2, 4]
    """
    degree = odd = 0
    for letter in label:  # highest qubit first
        if letter in ("I", string):
            degree += 2 * ((letter == string) ^ odd)
        else:
            degree, odd = degree + 1, 1 - odd
    return degree
