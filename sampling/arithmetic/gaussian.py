"""Random numbers in lanes, from a generator's uniform doubles alone: the same bits on every machine.

NumPy's normal, gamma and beta variates call the C library's ``log``, ``exp`` and ``pow``, whose last bits depend on
the processor. Here the logarithm, the sine and the cosine are compiled from a fixed sequence of correctly rounded
operations. Normal variates come in pairs, by Box and Muller: r = √(-2 log u), angle 2πv.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.elementary import exponential, logarithm, sine_cosine_of_turn
from qntk.sampling.arithmetic.simd import WIDTH, fma, load, root, sine_cosine, split, spread, store

Array = NDArray[np.float64]
_OPTIONS = {"nogil": True, "cache": True, "boundscheck": False}


@njit(**_OPTIONS)
def log_lanes(x):  # type: ignore[no-untyped-def]
    """log x to about an ulp, for normal x > 0, by the minimax polynomial of Sun's fdlibm."""
    k, m = split(x)
    f = m - spread(1.0)
    s = f / (f + spread(2.0))
    z = s * s
    p = fma(z, spread(1.479819860511658591e-01), spread(1.531383769920937332e-01))
    p = fma(z, p, spread(1.818357216161805012e-01))
    p = fma(z, p, spread(2.222219843214978396e-01))
    p = fma(z, p, spread(2.857142874366239149e-01))
    p = fma(z, p, spread(3.999999999940941908e-01))
    p = fma(z, p, spread(6.666666666666735130e-01)) * z
    half = spread(0.5) * f * f
    rest = fma(s, half + p, k * spread(1.90821492927058770002e-10))
    return fma(k, spread(6.93147180369123816490e-01), f - (half - rest))


@njit(**_OPTIONS)
def uniform_lanes(rng, buffer):  # type: ignore[no-untyped-def]
    """Eight uniform numbers of (0, 1]; ``buffer`` holds at least eight doubles."""
    for b in range(WIDTH):
        buffer[b] = 1.0 - rng.random()
    return load(buffer, 0)


@njit(**_OPTIONS)
def square_lanes(rng, buffer):  # type: ignore[no-untyped-def]
    """The squared length of two normal variates in each lane."""
    return spread(-2.0) * log_lanes(uniform_lanes(rng, buffer))


@njit(**_OPTIONS)
def normal_lanes(rng, buffer):  # type: ignore[no-untyped-def]
    """Two independent standard normal variates in each lane."""
    r = root(square_lanes(rng, buffer))
    s, c = sine_cosine(spread(6.283185307179586) * uniform_lanes(rng, buffer))
    return r * c, r * s


@njit(**_OPTIONS)
def fill_normal(rng: np.random.Generator, out: Array) -> None:
    """Standard normal variates into a flat array; 16 at a time, what is left over is dropped."""
    buffer, both = np.empty(WIDTH), np.empty(2 * WIDTH)
    for start in range(0, len(out), 2 * WIDTH):
        one, two = normal_lanes(rng, buffer)
        store(both, 0, one)
        store(both, WIDTH, two)
        for k in range(min(2 * WIDTH, len(out) - start)):
            out[start + k] = both[k]


@njit(**_OPTIONS)
def normal_two(rng):  # type: ignore[no-untyped-def]
    """Two independent standard normal variates."""
    r = np.sqrt(-2.0 * logarithm(1.0 - rng.random()))
    s, c = sine_cosine_of_turn(rng.random())
    return r * c, r * s


@njit(**_OPTIONS)
def log_gamma_variate(rng, shape):  # type: ignore[no-untyped-def]
    """log of a Gamma(shape, 1) variate, by G. Marsaglia and W. Tsang (2000); of shape + 1 times u^(1/shape) below 1."""
    d = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    while True:
        for z in normal_two(rng):
            v = 1.0 + c * z
            if v <= 0.0:
                continue
            log_v = 3.0 * logarithm(v)
            if logarithm(1.0 - rng.random()) < 0.5 * z * z + d - d * (v * v * v) + d * log_v:
                small = logarithm(1.0 - rng.random()) / shape if shape < 1.0 else 0.0
                return logarithm(d) + log_v + small


@njit(**_OPTIONS)
def fill_beta(rng: np.random.Generator, a: float, b: float, out: Array) -> None:
    """Beta(a, b) variates into a flat array: the share of one Gamma variate in the sum of two."""
    for k in range(len(out)):
        one, two = log_gamma_variate(rng, a), log_gamma_variate(rng, b)
        out[k] = 1.0 / (1.0 + exponential(two - one))
