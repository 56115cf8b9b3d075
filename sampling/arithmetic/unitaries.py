"""Haar-random unitaries, the same bytes on every machine: Gaussian rows, orthonormalised in order.

Gram-Schmidt with positive norms is the QR decomposition with a positive diagonal, which makes the result Haar
distributed (F. Mezzadri, Notices AMS 54, 592). Each row is swept twice, which leaves it orthogonal to rounding.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.gaussian import fill_normal
from qntk.sampling.arithmetic.simd import WIDTH
from qntk.sampling.arithmetic.sums import add_multiple, dot


def haar_unitaries(count: int, dimension: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Independent unitaries, shape (count, dimension, dimension)."""
    result = np.empty((count, dimension, dimension), np.complex128)
    for k in range(count):
        parts = np.empty(2 * dimension * dimension)
        fill_normal(rng, parts)
        re, im = parts[: dimension * dimension], parts[dimension * dimension :]
        _orthonormalise(re, im, dimension)
        result[k].real, result[k].imag = re.reshape(dimension, -1), im.reshape(dimension, -1)
    return result


@njit(nogil=True, cache=True, boundscheck=False)
def _orthonormalise(re, im, n):  # type: ignore[no-untyped-def]
    """Rows of n complex numbers, in place."""
    lanes = np.empty(WIDTH)
    for i in range(0, n * n, n):
        for _ in range(2):
            for j in range(0, i, n):
                x = dot(re, j, re, i, n, lanes) + dot(im, j, im, i, n, lanes)
                y = dot(re, j, im, i, n, lanes) - dot(im, j, re, i, n, lanes)
                add_multiple(-x, re, j, re, i, n)
                add_multiple(y, im, j, re, i, n)
                add_multiple(-x, im, j, im, i, n)
                add_multiple(-y, re, j, im, i, n)
        norm = np.sqrt(dot(re, i, re, i, n, lanes) + dot(im, i, im, i, n, lanes))
        for k in range(i, i + n):
            re[k] /= norm
            im[k] /= norm
