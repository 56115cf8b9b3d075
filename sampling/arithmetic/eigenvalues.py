"""Eigenvalues of a Hermitian matrix, the same bytes on every machine: Householder reduction, then implicit QL.

The classical algorithms (Wilkinson and Reinsch, Handbook for Automatic Computation II), in a fixed order of
operations. A LAPACK would choose its order by the processor.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.simd import WIDTH
from qntk.sampling.arithmetic.sums import add_multiple, dot

Array = NDArray[np.float64]


def eigenvalues(matrix: NDArray[np.complex128]) -> Array:
    """The eigenvalues of a Hermitian matrix of shape (D, D), sorted. O(D³); a diagonal matrix has its diagonal."""
    matrix = (matrix + matrix.conj().T) / 2
    if not np.count_nonzero(matrix - np.diag(np.diagonal(matrix))):
        return np.sort(np.diagonal(matrix).real)
    scale = np.ldexp(1.0, np.frexp(np.abs(matrix.real).max() + np.abs(matrix.imag).max())[1])
    x, y = matrix.real / scale, matrix.imag / scale
    if not y.any():
        return np.asarray(scale * _symmetric(x))
    return np.asarray(scale * _symmetric(np.block([[x, -y], [y, x]]))[::2])  # each eigenvalue twice


def _symmetric(matrix: Array) -> Array:
    diagonal, beside = _tridiagonal(np.ascontiguousarray(matrix), len(matrix))
    _ql(diagonal, beside)
    return np.sort(diagonal)


@njit(nogil=True, cache=True, boundscheck=False)
def _tridiagonal(matrix, n):  # type: ignore[no-untyped-def]
    """Diagonal (n,) and its neighbour (n, the last zero) of a similar tridiagonal matrix."""
    a, lanes = matrix.reshape(-1), np.empty(WIDTH)
    diagonal, beside = np.empty(n), np.zeros(n)
    v, p = np.zeros(n), np.zeros(n)
    for k in range(n):
        diagonal[k] = matrix[k, k]
        m, first = n - k - 1, k + 1
        if not m:
            break
        for i in range(m):
            v[i] = matrix[k, first + i]
        square = dot(v, 1, v, 1, m - 1, lanes)
        head = v[0]
        if square == 0.0:
            beside[k] = head
            continue
        norm = np.sqrt(head * head + square)
        beside[k] = -norm if head > 0.0 else norm
        v[0] = head - beside[k]
        factor = 2.0 / (v[0] * v[0] + square)
        p[:m] = 0.0
        for i in range(m):
            add_multiple(factor * v[i], a, (first + i) * n + first, p, 0, m)
        half = 0.5 * factor * dot(v, 0, p, 0, m, lanes)
        add_multiple(-half, v, 0, p, 0, m)
        for i in range(m):
            row = (first + i) * n + first
            add_multiple(-v[i], p, 0, a, row, m)
            add_multiple(-p[i], v, 0, a, row, m)
    return diagonal, beside


@njit(nogil=True, cache=True, boundscheck=False)
def _ql(d, e):  # type: ignore[no-untyped-def]
    """Eigenvalues of a tridiagonal matrix into its diagonal ``d``; ``e`` is lost."""
    n = len(d)
    small = 2.0**-53 * (np.abs(d).max() + np.abs(e).max())
    for low in range(n):
        for _ in range(60):
            m = low
            while m < n - 1 and abs(e[m]) > small:
                m += 1
            if m == low:
                break
            g = (d[low + 1] - d[low]) / (2.0 * e[low])
            r = np.sqrt(g * g + 1.0)
            g = d[m] - d[low] + e[low] / (g + (r if g >= 0.0 else -r))
            s, c, p = 1.0, 1.0, 0.0
            i = m - 1
            while i >= low:
                f, b = s * e[i], c * e[i]
                r = np.sqrt(f * f + g * g)
                e[i + 1] = r
                if r == 0.0:
                    d[i + 1] -= p
                    e[m] = 0.0
                    break
                s, c = f / r, g / r
                g = d[i + 1] - p
                r = (d[i] - g) * s + 2.0 * c * b
                p = s * r
                d[i + 1] = g + p
                g = c * r - b
                i -= 1
            if i >= low:
                continue
            d[low] -= p
            e[low] = g
            e[m] = 0.0
