"""The state behind the last Haar layer, of eight draws: its weights in the eigenbasis of the observable."""

from __future__ import annotations

from numba import njit

from qntk.sampling.arithmetic.gaussian import square_lanes
from qntk.sampling.arithmetic.simd import WIDTH, fma, load, spread, store


@njit(nogil=True, cache=True, boundscheck=False)
def final_state(rng, observable, weights, buffer):  # type: ignore[no-untyped-def]
    """Fill ``weights`` (D · 8), the i-th eight starting at 8i; returns <O> and <O²> - <O>² in lanes.

    ``buffer`` holds at least eight doubles.
    """
    norm, mean, variance = spread(0.0), spread(0.0), spread(0.0)
    for i in range(len(observable)):
        weight = square_lanes(rng, buffer)
        store(weights, i * WIDTH, weight)
        norm = norm + weight
        mean = fma(spread(observable[i]), weight, mean)
    mean = mean / norm
    for i in range(len(observable)):
        weight = load(weights, i * WIDTH) / norm
        store(weights, i * WIDTH, weight)
        away = spread(observable[i]) - mean
        variance = fma(weight * away, away, variance)
    return mean, variance
