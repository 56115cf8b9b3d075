"""Sums of products in one order on every machine, where a BLAS would choose its own.

Eight partial sums, of every eighth term each, then the eight in pairs, then what is left over.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.simd import WIDTH, fma, load, spread, store

Array = NDArray[np.float64]
_OPTIONS = {"nogil": True, "cache": True, "boundscheck": False}


@njit(**_OPTIONS)
def dot(a, i, b, j, n, lanes):  # type: ignore[no-untyped-def]
    """Σ_k a[i + k] b[j + k] over n terms of flat arrays; ``lanes`` holds eight doubles."""
    total = spread(0.0)
    for k in range(0, n - WIDTH + 1, WIDTH):
        total = fma(load(a, i + k), load(b, j + k), total)
    store(lanes, 0, total)
    result = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
    for k in range(n - n % WIDTH, n):
        result = fma(a[i + k], b[j + k], result)
    return result


@njit(**_OPTIONS)
def add_multiple(factor, a, i, b, j, n):  # type: ignore[no-untyped-def]
    """b[j + k] += factor a[i + k] over n terms of flat arrays."""
    for k in range(0, n - WIDTH + 1, WIDTH):
        store(b, j + k, fma(spread(factor), load(a, i + k), load(b, j + k)))
    for k in range(n - n % WIDTH, n):
        b[j + k] = fma(factor, a[i + k], b[j + k])


@njit(**_OPTIONS)
def _inner_products(one, other, result):  # type: ignore[no-untyped-def]
    lanes, (sets, rows, length), columns = np.empty(WIDTH), one.shape, other.shape[1]
    a, b = one.reshape(-1), other.reshape(-1)
    for s in range(sets):
        for i in range(rows):
            for j in range(columns):
                result[s, i, j] = dot(a, (s * rows + i) * length, b, (s * columns + j) * length, length, lanes)


def inner_products(one: Array, other: Array) -> Array:
    """Σ_k one[s, i, k] other[s, j, k], shape (sets, rows of one, rows of other)."""
    result = np.empty((*one.shape[:2], other.shape[1]))
    _inner_products(np.ascontiguousarray(one), np.ascontiguousarray(other), result)
    return result


def squared_norms(rows: Array) -> Array:
    """Σ_k rows[i, k]², shape (rows,)."""
    one = rows[:, None]
    return inner_products(one, one)[:, 0, 0]
