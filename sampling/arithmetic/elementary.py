"""Elementary functions from correctly rounded operations in a fixed order: the same bits on every machine.

The C library and NumPy choose among several versions of these by the processor, and their last bits differ. These are
accurate to a few units in the last place, ``power`` and ``sine`` and ``cosine`` of large arguments included. What a
real function does not define is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, vectorize
from numpy.typing import NDArray

from qntk.sampling.arithmetic.simd import fma

Array = NDArray[np.float64]
_OPTIONS = {"nogil": True, "cache": True, "boundscheck": False}
_LN2 = (0.693147180369123816490, 1.90821492927058770002e-10)
"""log 2 in two parts, the first with 21 trailing zeros, so that small multiples are exact."""
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
"""π/2 in three parts."""
_FACTORIALS = np.array([1.0 / math.factorial(k) for k in range(19)])
_FAR = 1e5
"""From here on arguments of sines are reduced in integers."""
_BITS = 1280
"""Fractional bits of π there: more than the largest double and its last bit are apart."""


def _half_pi() -> int:
    """π/2 in units of 2^-1280, by Machin's formula π/4 = 4 arctan(1/5) - arctan(1/239)."""

    def arc_tangent_of_inverse(n: int) -> int:
        term, total, k = (1 << (_BITS + 64)) // n, 0, 0
        while term:
            total += (-1) ** k * (term // (2 * k + 1))
            term, k = term // (n * n), k + 1
        return total

    return (8 * arc_tangent_of_inverse(5) - 2 * arc_tangent_of_inverse(239)) >> 64


@njit(**_OPTIONS)
def _log_two(x):  # type: ignore[no-untyped-def]
    """log x as the sum of two numbers, to 2^-60, for x > 0: 2 artanh s of the mantissa, s = (m - 1)/(m + 1)."""
    m, k = math.frexp(x)
    if m < 0.7071067811865476:
        m, k = 2.0 * m, k - 1
    f, d = m - 1.0, m + 1.0
    s = f / d
    s_rest = (fma(-s, d, f) - s * (1.0 - (d - m))) / d
    z, p = s * s, 0.0
    for n in range(12, 0, -1):
        p = fma(z, p, 2.0 / (2 * n + 1))
    high = k * _LN2[0]
    low = fma(s * z, p, k * _LN2[1] + 2.0 * s_rest)
    total = high + 2.0 * s
    return _two_sum(total, (2.0 * s - (total - high)) + low)


@njit(**_OPTIONS)
def _two_sum(a, b):  # type: ignore[no-untyped-def]
    """The sum of a large and a small number, and its rounding error."""
    total = a + b
    return total, b - (total - a)


@njit(**_OPTIONS)
def _exp_two(x, rest):  # type: ignore[no-untyped-def]
    """exp(x + rest), for a small rest."""
    if not x < 709.9:
        return x if x != x else np.inf
    if x < -745.2:
        return 0.0
    k = np.rint(x * 1.4426950408889634)
    r = fma(-k, _LN2[1], fma(-k, _LN2[0], x)) + rest
    p = 0.0
    for n in range(14, 1, -1):
        p = fma(r, p, _FACTORIALS[n])
    return math.ldexp(fma(r * r, p, r) + 1.0, int(k))


@njit(**_OPTIONS)
def logarithm(x):  # type: ignore[no-untyped-def]
    """log x."""
    if not 0.0 < x < np.inf:
        return -np.inf if x == 0.0 else x if x > 0.0 else np.nan
    high, low = _log_two(x)
    return high + low


@njit(**_OPTIONS)
def exponential(x):  # type: ignore[no-untyped-def]
    """exp x."""
    return _exp_two(x, 0.0)


@njit(**_OPTIONS)
def _power(x, y):  # type: ignore[no-untyped-def]
    whole = y == np.floor(y)
    sign = -1.0 if x < 0.0 and whole and y % 2.0 == 1.0 else 1.0
    size = abs(x)
    if y == 0.0 or x == 1.0:
        return 1.0
    if not (x >= 0.0 or whole):
        return np.nan
    if y == 1.0:
        return x
    if y == 2.0:
        return x * x
    if size == 0.0 or size == np.inf:
        return sign * (0.0 if (size == 0.0) == (y > 0.0) else np.inf)
    high, low = _log_two(size)
    product = y * high
    if not abs(product) < 800.0:
        return sign * exponential(product)
    return sign * _exp_two(product, fma(y, high, -product) + y * low)


@njit(**_OPTIONS)
def _reduced(x):  # type: ignore[no-untyped-def]
    """The multiple k of π/2 next to x, and x - kπ/2, for \\|x\\| below ``_FAR``."""
    k = np.rint(x * 0.6366197723675814)
    return k, fma(-k, _HALF_PI[2], fma(-k, _HALF_PI[1], fma(-k, _HALF_PI[0], x)))


@njit(**_OPTIONS)
def _turned(quarter, r):  # type: ignore[no-untyped-def]
    """sin and cos of kπ/2 + r, \\|r\\| <= π/4: the minimax polynomials of Moshier's Cephes, as for lanes."""
    z = r * r
    s = fma(z, 1.58962301576546568060e-10, -2.50507477628578072866e-8)
    s = fma(z, s, 2.75573136213857245213e-6)
    s = fma(z, s, -1.98412698295885385996e-4)
    s = fma(z, s, 8.33333333332211858878e-3)
    s = fma(z, s, -1.66666666666666307295e-1)
    c = fma(z, -1.13585365213876817300e-11, 2.08757008419747316778e-9)
    c = fma(z, c, -2.75573141792967388112e-7)
    c = fma(z, c, 2.48015872888717045348e-5)
    c = fma(z, c, -1.38888888888730564116e-3)
    c = fma(z, c, 4.16666666666665929218e-2)
    s, c = fma(z * r, s, r), fma(z * z, c, fma(z, -0.5, 1.0))
    if quarter & 1:
        s, c = c, -s
    return (-s, -c) if quarter & 2 else (s, c)


@njit(**_OPTIONS)
def sine_cosine_of_turn(x):  # type: ignore[no-untyped-def]
    """sin 2πx and cos 2πx of 0 <= x < 1."""
    k, r = _reduced(4.0 * _HALF_PI[0] * x)
    return _turned(int(k), r)


@njit(**_OPTIONS)
def _arc_tangent(x):  # type: ignore[no-untyped-def]
    """The minimax polynomial of Sun's fdlibm below tan(π/8), π/4 and π/2 less it above."""
    t, base, low = abs(x), 0.0, 0.0
    flip = t > 1.0
    if flip:
        t = 1.0 / t
    if t > 0.41421356237309503:
        t, base, low = (t - 1.0) / (t + 1.0), 0.5 * _HALF_PI[0], 0.5 * _HALF_PI[1]
    z = t * t
    p = fma(z, 1.62858201153657823623e-02, -3.65315727442169155270e-02)
    p = fma(z, p, 4.97687799461593236017e-02)
    p = fma(z, p, -5.83357013379057348645e-02)
    p = fma(z, p, 6.66107313738753120669e-02)
    p = fma(z, p, -7.69187620504482999495e-02)
    p = fma(z, p, 9.09088713343650656196e-02)
    p = fma(z, p, -1.11111104054623557880e-01)
    p = fma(z, p, 1.42857142725034663711e-01)
    p = fma(z, p, -1.99999999998764832476e-01)
    p = fma(z, p, 3.33333333333329318027e-01)
    angle = base + (t + fma(-z * t, p, low))
    if flip:
        angle = _HALF_PI[0] - (angle - _HALF_PI[1])
    return math.copysign(angle, x)


@njit(**_OPTIONS)
def _arc_sine(x):  # type: ignore[no-untyped-def]
    y = np.sqrt((1.0 - x) * (1.0 + x))
    return math.copysign(_HALF_PI[0], x) if y == 0.0 else _arc_tangent(x / y)


@njit(**_OPTIONS)
def _arc_cosine(x):  # type: ignore[no-untyped-def]
    y = np.sqrt((1.0 - x) * (1.0 + x))
    if abs(x) < 0.5:
        return _HALF_PI[0] - (_arc_sine(x) - _HALF_PI[1])
    angle = _arc_tangent(y / x)
    return angle if x > 0.0 else 2.0 * _HALF_PI[0] + (angle + 2.0 * _HALF_PI[1])


@njit(**_OPTIONS)
def _near_angles(x, quarters, rest):  # type: ignore[no-untyped-def]
    for i in range(len(x)):
        k, rest[i] = _reduced(x[i]) if abs(x[i]) < _FAR else (0.0, np.nan)
        quarters[i] = int(k) & 7


@njit(**_OPTIONS)
def _sines_cosines(quarters, rest, sine, cosine):  # type: ignore[no-untyped-def]
    for i in range(len(rest)):
        sine[i], cosine[i] = _turned(quarters[i], rest[i])


def _quarters(x: Array) -> tuple[NDArray[np.int64], Array]:
    """How many quarter turns of eight, and the rest within ±π/4, of a flat array of angles of any size."""
    quarters, rest = np.zeros(len(x), np.int64), np.empty(len(x))
    half_pi = _half_pi()
    _near_angles(x, quarters, rest)
    for i in np.flatnonzero(np.isfinite(x) & (np.abs(x) >= _FAR)):
        over, under = float(x[i]).as_integer_ratio()
        quarter = under * half_pi
        k = (2 * (over << _BITS) + quarter) // (2 * quarter)
        quarters[i], rest[i] = k & 7, ((over << _BITS) - k * quarter) / (under << _BITS)
    return quarters, rest


def sines_cosines(x: Any) -> tuple[Array, Array]:
    """sin x and cos x of numbers of any size, in their shape."""
    flat = np.asarray(x, dtype=float).ravel()
    sine, cosine = np.empty(len(flat)), np.empty(len(flat))
    _sines_cosines(*_quarters(flat), sine, cosine)
    return sine.reshape(np.shape(x)), cosine.reshape(np.shape(x))


def within_two_turns(x: Array) -> Array:
    """The same angles modulo 4π, in [-π/4, 4π - π/4]."""
    quarters, rest = _quarters(x.ravel())
    return (quarters * _HALF_PI[0] + rest).reshape(x.shape)


def _tangents(x: Any) -> Array:
    sine, cosine = sines_cosines(x)
    return sine / cosine


@vectorize(nopython=True, cache=True)
def _exponentials(x):  # type: ignore[no-untyped-def]
    return exponential(x)


@vectorize(nopython=True, cache=True)
def _logarithms(x):  # type: ignore[no-untyped-def]
    return logarithm(x)


@vectorize(nopython=True, cache=True)
def _arc_sines(x):  # type: ignore[no-untyped-def]
    return _arc_sine(x)


@vectorize(nopython=True, cache=True)
def _arc_cosines(x):  # type: ignore[no-untyped-def]
    return _arc_cosine(x)


@vectorize(nopython=True, cache=True)
def _arc_tangents(x):  # type: ignore[no-untyped-def]
    return _arc_tangent(x)


@vectorize(nopython=True, cache=True)
def _powers(x, y):  # type: ignore[no-untyped-def]
    return _power(x, y)


def _of_doubles(function: Callable[..., Any]) -> Callable[..., Any]:
    def quietly(*x: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*(np.asarray(value, dtype=float) for value in x))

    return quietly


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": lambda x: sines_cosines(x)[0], "cos": lambda x: sines_cosines(x)[1], "tan": _tangents,
    "asin": _of_doubles(_arc_sines), "acos": _of_doubles(_arc_cosines), "atan": _of_doubles(_arc_tangents),
    "exp": _of_doubles(_exponentials), "log": _of_doubles(_logarithms), "power": _of_doubles(_powers),
    "sqrt": np.sqrt, "abs": np.abs, "sign": np.sign, "conj": np.conj,
}  # fmt: skip
"""By the names that Qiskit prints; of numbers or arrays."""
