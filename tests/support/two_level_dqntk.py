"""E μ² of the dQNTK for a two-level O and a Pauli generator by another route than the suite's: frames and 2 × 2 blocks.

O = c + (Δ/2) Ô with Ô² = 1 and Tr Ô = T (a Pauli: T = 0; a projector of rank r: T = 2r - D), G = s P with P² = 1 and
Tr P = 0. Then μ = (Δ/2)³ s⁴ μ̂, and μ̂ is worked out with units removed.

Derivation. In the final-time picture the P_ℓ are independent Haar conjugates of P, and ψ is the final state. Let
Ôψ = aψ + bχ: on span{ψ, χ} Ô is o = [[a, b], [b, -a]], a² + b² = 1, and (1 + a)/2 ~ Beta((D+T)/2, (D-T)/2). With the
2 × 2 block B_ℓ of P_ℓ on that span and w_ℓ, u_ℓ the parts of P_ℓ ψ, P_ℓ χ that leave it,

    g_ℓ  = 2 b Im <χ|P_ℓ|ψ>,
    H_kℓ = 2 Re <ψ|B_ℓ o B_k - o B_ℓ B_k|ψ> + 2 Re [<w_ℓ|Ô - a|w_k> - b <u_ℓ|w_k>]      (ℓ not earlier than k).

The block is B = t + n·σ with n in a uniform direction and t ± |n| two points of density ∏ (1 - y²)^{D/2-2} (y₁ - y₂)².
P² = 1 fixes the Gram matrix |w|² = 1 - t² - 2t n_z - n², |u|² = 1 - t² + 2t n_z - n², <w|u> = -2t(n_x - i n_y), and the
frame (w_ℓ, u_ℓ) is Haar in the N = D - 2 dimensions left, where Ô has trace T. So, given the blocks, the second bracket
has mean 0 for k ≠ ℓ and 2 |w|² T/N for k = ℓ, is uncorrelated between pairs, and has variances

    2 |w_k|²/N · [(1 + a² - 2aT/N)|w_ℓ|² + b²|u_ℓ|² + 4b (T/N - a) t n_x]   and   4 |w|⁴ (N² - T²)/(N² (N+1)).

The last term meets g_ℓ² = 4b² n_y² alone and averages to 0, as n_x → -n_x leaves the block's density alone: it is
left out. The blocks are independent, so E μ² is a sum over the coincidence patterns of two pairs: a polynomial in L
whose coefficients are moments of one block. It is of degree 6 in a; it is taken at seven rational points of the circle
and averaged over a in exact arithmetic.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

Polynomial = dict[tuple[int, ...], Fraction]
"""Powers of (t, n_x, n_y, n_z) to coefficient."""
_ONE: Polynomial = {(0, 0, 0, 0): Fraction(1)}
_DEGREE = 6
_SIGMA = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_SANDWICH = tuple(
    np.array([[int((_SIGMA[i] @ o @ _SIGMA[j])[0, 0].real) for j in range(4)] for i in range(4)])
    for o in (_SIGMA[3], _SIGMA[1])
)
"""Re <ψ|σ_i o σ_j|ψ> for the two parts of o = a σ_z + b σ_x."""
_COUPLING = tuple(
    2 * (s - np.array([[int((o @ _SIGMA[i] @ _SIGMA[j])[0, 0].real) for j in range(4)] for i in range(4)]))
    for s, o in zip(_SANDWICH, (_SIGMA[3], _SIGMA[1]), strict=True)
)
"""H_kℓ of the blocks is v_ℓ·M v_k with M = a M_z + b M_x and v = (t, n)."""


def second_moment(D: int, T: int, L: int) -> Fraction:
    """E μ̂² for O² = 1, Tr O = T and G² = 1, Tr G = 0.

    A polynomial of degree 6 in a, integrated through its values at seven points of the circle.
    """
    points = [(Fraction(1 - k * k, 1 + k * k), Fraction(2 * k, 1 + k * k)) for k in range(1, _DEGREE + 2)]
    beta = [Fraction(1)]  # moments of (1+a)/2 ~ Beta((D+T)/2, (D-T)/2)
    for j in range(_DEGREE):
        beta.append(beta[-1] * Fraction(D + T + 2 * j, 2 * (D + j)))
    total = Fraction(0)
    for a, b in points:
        lagrange = [Fraction(1)]  # coefficients of the polynomial in (1+a)/2 that is 1 here and 0 at the other points
        for other, _ in points:
            if other != a:
                scale = 2 / (a - other)
                shifted = [Fraction(0), *lagrange]
                unshifted = [*lagrange, Fraction(0)]
                lagrange = [scale * (x - (1 + other) / 2 * y) for x, y in zip(shifted, unshifted, strict=True)]
        weight = sum((c * m for c, m in zip(lagrange, beta, strict=True)), Fraction(0))
        total += weight * _given_a(D, T, L, a, b)
    return total


def _given_a(D: int, T: int, L: int, a: Fraction, b: Fraction) -> Fraction:
    """E μ̂² given a = <Ô> and b = √(1 - a²)."""
    N = max(D - 2, 1)  # for D = 2 nothing leaves the span: w = u = 0
    tau = Fraction(T, N)
    mean = _block_average(D)
    sandwich, coupling = (a * z + b * x for z, x in (_SANDWICH, _COUPLING))
    t, _, ny, nz = block = [{tuple(int(i == j) for j in range(4)): Fraction(1)} for i in range(4)]
    rest = _sum((1, _ONE), *((-1, _times(v, v)) for v in block))
    w = _sum((1, rest), (-2, _times(t, nz)))
    u = _sum((1, rest), (2, _times(t, nz)))
    g = _sum((2 * b, ny))
    g2 = _times(g, g)
    hessian = _sum(
        (-2 * a, _ONE),
        (2 * tau, w),
        *((2 * sandwich[i, j], _times(block[i], block[j])) for i, j in itertools.product(range(4), repeat=2)),
    )
    d = _times(hessian, g2)  # μ of the blocks is Σ d_ℓ + 2 Σ_{k<ℓ} e_ℓ·M e_k, with M the coupling
    e = [_times(g, v) for v in block]
    d1, d2 = mean(d), mean(_times(d, d))
    m = np.array([mean(v) for v in e])
    x = np.array([mean(_times(d, v)) for v in e])
    s = np.array([[mean(_times(v, v2)) for v2 in e] for v in e])
    left, right = m @ coupling, coupling @ m
    pairs, triples, quadruples = (math.comb(L, k) for k in (2, 3, 4))
    once = m @ right
    total = L * d2 + L * (L - 1) * d1**2 + 4 * (pairs * (x @ right + left @ x) + 3 * triples * d1 * once)
    shared = left @ s @ left + right @ s @ right + left @ s @ right
    total += 4 * (pairs * np.sum((coupling @ s @ coupling.T) * s) + 2 * triples * shared + 6 * quadruples * once**2)
    spread = Fraction(4 * (N * N - T * T), N * N * (N + 1)) * mean(_times(_times(w, w), _times(g2, g2)))
    later = _sum((1 + a * a - 2 * a * tau, w), (b * b, u))
    cross = Fraction(2, N) * mean(_times(g2, w)) * mean(_times(g2, later))
    return Fraction(total + L * spread + 4 * pairs * cross)


def _block_average(D: int) -> Callable[[Polynomial], Fraction]:
    """E over the 2 × 2 block of a Haar-conjugated Pauli; t = (y₁+y₂)/2, |n| = |y₁-y₂|/2."""

    @functools.cache
    def joint(i: int, j: int) -> Fraction:  # E (y₁+y₂)^i (y₁-y₂)^j over independent y of density (1-y²)^{D/2-2}
        total = Fraction(0)
        for k, n in itertools.product(range(i + 1), range(j + 1)):
            powers = (k + n, i - k + j - n)
            if powers[0] % 2 == powers[1] % 2 == 0:
                moments = (Fraction(1 + 2 * r, D - 1 + 2 * r) for p in powers for r in range(p // 2))
                total += math.comb(i, k) * math.comb(j, n) * (-1) ** n * math.prod(moments, start=Fraction(1))
        return total

    def average(polynomial: Polynomial) -> Fraction:
        total = Fraction(0)
        for (i, *powers), c in polynomial.items():
            j = sum(powers)
            if i % 2 or any(p % 2 for p in powers):
                continue
            direction = Fraction(math.prod(map(_odd_factorial, powers)), _odd_factorial(j + 2))
            size = Fraction(i == 0) if D == 2 else joint(i, j + 2) / (joint(0, 2) * 2 ** (i + j))
            total += c * direction * size
        return total

    return average


def _odd_factorial(even: int) -> int:
    """1·3·5…(even - 1)."""
    return math.prod(range(1, even, 2))


def _sum(*terms: tuple[Fraction | int, Polynomial]) -> Polynomial:
    result: Polynomial = {}
    for factor, polynomial in terms:
        for key, value in polynomial.items():
            result[key] = result.get(key, Fraction(0)) + factor * value
    return result


def _times(one: Polynomial, two: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for powers, x in one.items():
        for others, y in two.items():
            key = tuple(p + q for p, q in zip(powers, others, strict=True))
            result[key] = result.get(key, Fraction(0)) + x * y
    return result
