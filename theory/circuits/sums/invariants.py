"""What a group leaves alone among pairs: the part of a matrix that commutes with given antisymmetric ones.

If the A_k generate the group on a real space of m dimensions, the average of R X R^T over the group is the nearest X̄
with [A_k, X̄] = 0 for all k: X̄ = X - S⁺SX, S = -Σ_k [A_k, [A_k, ·]], by conjugate gradients in the range of S.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg

Array = NDArray[np.float64]
_STEPS = 20_000
"""Of conjugate gradients; tens to hundreds are usual."""


def averaged(antisymmetric: Array, X: Array) -> Array:
    """The average of X, shape (m, m), over the group that matrices of shape (K, m, m) generate.

    Raises ``ValueError`` if it does not converge to 1e-11 of X.
    """
    m = len(X)
    if not len(antisymmetric) or not X.any():
        return X

    def fall(flat: Array) -> Array:
        Y, total = flat.reshape(m, m), np.zeros((m, m))
        for A in antisymmetric:
            once = A @ Y - Y @ A
            total -= A @ once - once @ A
        return total.ravel()

    target = fall(X.ravel())
    if np.linalg.norm(target) <= 1e-13 * np.linalg.norm(X):
        return X
    solution, failed = cg(
        LinearOperator((m * m, m * m), matvec=fall, dtype=float), target, rtol=1e-12, atol=0.0, maxiter=_STEPS
    )
    if failed:
        raise ValueError("the average over the circuit's group does not converge: draw K (qntk.sample)")
    found: Array = X - solution.reshape(m, m)
    return found
