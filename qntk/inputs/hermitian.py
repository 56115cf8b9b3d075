"""What a Hermitian matrix is here: the one check of those that users bring."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-10
"""Imaginary parts and asymmetries below this, relative to the largest entry, are round-off."""


def hermitian_matrix(matrix: Any, name: str = "the observable") -> NDArray[np.complex128]:
    """The matrix as complex128, shape (D, D); ``ValueError`` unless square, finite and Hermitian.

    >>> hermitian_matrix([[1, 0], [0, -1]]).dtype
    dtype('complex128')
    """
    try:
        array = np.ascontiguousarray(matrix, dtype=complex)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is no matrix of numbers") from None
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ValueError(f"{name} is not a square matrix: it has shape {np.shape(matrix)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has entries that are not finite")
    if np.abs(array - array.conj().T).max() > TOLERANCE * np.abs(array).max():
        raise ValueError(f"{name} is not Hermitian")
    return array
