r"""Training towards an edge, late: the kernel of a finite circuit follows neither the flow nor its first correction.

Near the upper edge of a two-level O the final state is a + δ, with a in the upper level and δ, small, in the lower one,
which has the real dimension d = 2(1-s)D for an upper level of share s. A gradient sees u_ℓ = -iP₋H_ℓa alone, g_ℓ ∝
u_ℓ·δ, and with M = Σ_ℓ u_ℓu_ℓᵀ over its mean, a Wishart matrix of L vectors in d dimensions, gradient flow is linear in
the time T = ∫ηS|ε|dt,

    δ(T) = e^{-MT} δ(0),      v/v(0) = <e^{-2λT}>,      K/(S v) = <λ e^{-2λT}>/<e^{-2λT}>,

averages over the Marchenko-Pastur law of ratio r = d/L = (1-s)c, c = 2D/L. While little has happened, K/(Sv) = 1 - c k₁
as in ``one_datum``; at last it is the law's lower edge (1 - √r)²: directions that few gates reach are left over. The
law is exact for D → ∞ and a start near the edge. From the middle of the spectrum the early turn of the generators
helps: K is larger.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from qntk.theory.training.arguments import Array, finite

_NODES = 400


def late_ratio(decline: ArrayLike, correction: float, share: float = 0.5) -> Array:
    """K/(S v) when training towards an edge has brought the variance from v(0), near the edge, to decline · v(0).

    Args:
        decline: v/v(0), above 0 and at most 1, any shape.
        correction: c = (2D-2)/L.
        share: of the level at that edge, its multiplicity over D; (1 ± Tr O/D)/2 for eigenvalues ±1.

    Raises ``ValueError`` where (1 - share) c >= 1: with fewer gates than dimensions training gets stuck instead.

    >>> late_ratio([1.0, 0.1, 1e-4], correction=0.5).round(4)
    array([1.    , 0.5423, 0.3095])
    """
    level = finite("decline", decline)
    if not ((level > 0) & (level <= 1)).all():
        raise ValueError("decline is v/v(0) of training towards an edge: above 0 and at most 1")
    values, weights = marchenko_pastur(_ratio(correction, share))
    return np.array([_at(float(x), values, weights) for x in level.ravel()]).reshape(level.shape)


def last_ratio(correction: float, share: float = 0.5) -> float:
    """What K/(S v) comes down to, (1 - √r)² with r = (1 - share) c.

    >>> last_ratio(0.5)
    0.25
    """
    return float((1 - np.sqrt(_ratio(correction, share))) ** 2)


def marchenko_pastur(ratio: float) -> tuple[Array, Array]:
    """Nodes and weights for averages over the Marchenko-Pastur law of mean 1 and a ratio between 0 and 1.

    >>> values, weights = marchenko_pastur(0.25)
    >>> round(float(weights @ values**2), 12)
    1.25
    """
    if not 0 < ratio < 1:
        raise ValueError(f"ratio is {ratio:g}; give one between 0 and 1")
    low, high = (1 - ratio**0.5) ** 2, (1 + ratio**0.5) ** 2
    angle = np.arange(1, _NODES + 1) * np.pi / (_NODES + 1)  # Gauss-Chebyshev of the second kind
    values = (high + low) / 2 - (high - low) / 2 * np.cos(angle)
    weights = (high - low) ** 2 / 4 * np.sin(angle) ** 2 / (2 * ratio * values * (_NODES + 1))
    return values, weights


def _ratio(correction: float, share: float) -> float:
    if not 0 < share < 1:
        raise ValueError(f"share is {share:g}; a level has a share of the space between 0 and 1")
    if not 0 < correction * (1 - share) < 1:
        raise ValueError(
            f"(1 - share) c is {correction * (1 - share):g}; the late law is for circuits where it is between 0 and 1"
        )
    return correction * (1 - share)


def _at(decline: float, values: Array, weights: Array) -> float:
    def moment(T: float, power: int) -> float:
        """<λ^power e^{-2(λ - λ_min)T}>, which does not underflow."""
        return float(np.sum(weights * values**power * np.exp(-2 * (values - values[0]) * T)))

    def excess(T: float) -> float:
        return float(np.log(moment(T, 0)) - 2 * values[0] * T - np.log(decline))

    longest = -np.log(decline) / values[0] + 1
    T = 0.0 if decline == 1 else float(brentq(excess, 0, longest, xtol=1e-13))
    return float(moment(T, 1) / moment(T, 0))
