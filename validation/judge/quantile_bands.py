"""Quantiles of draws against those of a law, with a band that holds them all at once.

The k-th of n ordered draws of a continuous law F is F^{-1}(U_(k)), U_(k) ~ Beta(k, n + 1 - k). A band takes the central
part of each of these laws, at one pointwise level that is set by simulation so that it holds all of the chosen order
statistics at once with the confidence asked for. It is as sensitive in the tails as in the middle (Aldor-Noiman, Brown,
Buja, Rolke and Stine, Am. Stat. 67, 249 (2013)).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Float = NDArray[np.float64]
POINTS = 60
_SIMULATIONS = 4000
_SEED = 20130101


def ranks(draws: int) -> NDArray[np.int64]:
    """Ranks k of the order statistics that are shown, from 1 to ``draws``: the extremes, and denser near them."""
    middle = np.linspace(0, 1, POINTS)
    fractions = 0.5 * (1 - np.cos(np.pi * middle))
    return np.unique(np.clip(np.rint(fractions * draws), 1, draws).astype(np.int64))


def order_statistics(values: Float) -> tuple[float, ...]:
    """The draws of those ranks, smallest first."""
    chosen = ranks(len(values)) - 1
    return tuple(np.partition(values, chosen)[chosen].tolist())


@lru_cache(maxsize=32)
def band(draws: int, error: float) -> tuple[Float, Float]:
    """Probabilities between which F of the order statistics lies, all at once with confidence 1 - ``error``.

    >>> low, high = band(1000, 0.05)
    >>> bool((low < ranks(1000) / 1001).all() and (high > ranks(1000) / 1001).all())
    True
    """
    k = ranks(draws)
    law = beta(k, draws + 1 - k)
    level = _pointwise_level(draws, error)
    return np.asarray(law.ppf(level / 2)), np.asarray(law.isf(level / 2))


def _pointwise_level(draws: int, error: float) -> float:
    """Ordered uniforms are partial sums of exponentials over their total; so are these, skipping ranks not shown."""
    k = ranks(draws)
    rng = np.random.default_rng(np.random.SeedSequence(_SEED, spawn_key=(draws,)))
    steps = rng.standard_gamma(np.diff(k, prepend=0, append=draws + 1), (_SIMULATIONS, len(k) + 1))
    sums = steps.cumsum(axis=1)
    uniforms = sums[:, :-1] / sums[:, -1:]
    law = beta(k, draws + 1 - k)
    worst = 2 * np.minimum(law.cdf(uniforms), law.sf(uniforms)).min(axis=1)
    return float(np.quantile(worst, error))
