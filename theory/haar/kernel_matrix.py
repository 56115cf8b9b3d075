"""The kernel matrix K_ij = Σ_ℓ ∂_ℓ f(x_i) ∂_ℓ f(x_j) of several inputs in the Haar-layer ensemble.

The inputs are states φ_i before the first Haar layer; nothing but their Gram matrix g_ij = <φ_i|φ_j> matters. The mean
needs the fidelities F_ij = |g_ij|² only,

    E K_ij = E K · (D F_ij - 1)/(D - 1),

an affine image of the fidelity kernel. Second moments also need the phases of g_ij g_jk g_ki and of the four-cycles.
They follow from ``qntk.theory.haar.commutators``: E K_ij K_kl = L · (one parameter) + L(L-1) · (two parameters). Every
coefficient is an exact fraction, and the differences that make a covariance are taken before anything is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qntk.theory.haar.commutators import Ensemble, combine, multiply
from qntk.theory.haar.invariants import Expression
from qntk.theory.haar.kernel import KernelLaw

Float = NDArray[np.float64]


class Spectrum(NamedTuple):
    """Predicted eigenvalues of a kernel matrix, ascending.

    Attributes:
        values: eigenvalues of the mean kernel, exact.
        shift: E λ - values to second order in the fluctuations: levels repel.
        std: standard deviation to first order.
    """

    values: Float
    shift: Float
    std: Float


@dataclass(frozen=True)
class KernelMatrixLaw:
    """Mean and covariance of the kernel matrix.

    Args:
        law: the law of one input, with L, O and G.
        gram: shape (M, M), complex, ``gram[i, j] = <φ_i|φ_j>``, unit diagonal, positive semidefinite of rank <= D.

    Raises ``ValueError`` where ``gram`` is not such a matrix.

    >>> from qntk.theory.operators import OperatorMoments
    >>> pauli = OperatorMoments.from_pauli(3)
    >>> matrix = KernelMatrixLaw(KernelLaw(10, pauli, pauli), np.array([[1, 0.8], [0.8, 1]]))
    >>> np.round(matrix.mean() / KernelLaw(10, pauli, pauli).mean().value, 4)
    array([[1.    , 0.5886],
           [0.5886, 1.    ]])
    """

    law: KernelLaw
    gram: NDArray[np.complex128]

    def __post_init__(self) -> None:
        """Refuse what is not the Gram matrix of D-dimensional states."""
        g = np.asarray(self.gram, dtype=complex)
        if g.ndim != 2 or g.shape[0] != g.shape[1] or not len(g):
            raise ValueError(f"a Gram matrix is square; this one has shape {g.shape}")
        if not np.isfinite(g).all() or np.abs(g - g.conj().T).max() > 1e-9 or np.abs(np.diag(g) - 1).max() > 1e-9:
            raise ValueError("a Gram matrix of states is Hermitian with ones on its diagonal")
        values = np.linalg.eigvalsh(g)
        if values[0] < -1e-9 * len(g) or np.sum(values > 1e-9 * len(g)) > self.law.observable.dimension:
            raise ValueError(f"no states of dimension {self.law.observable.dimension} have this Gram matrix")
        object.__setattr__(self, "gram", g)

    def mean(self) -> Float:
        """E K_ij, shape (M, M)."""
        D = self.law.observable.dimension
        fidelity = np.abs(self.gram) ** 2
        return np.asarray(self.law.mean().value * (fidelity - (1 - fidelity) / (D - 1)))

    def covariance(self) -> Float:
        """Cov(K_ij, K_kl), shape (M, M, M, M); the diagonal [i, j, i, j] is the variance of K_ij."""
        size = len(self.gram)
        indices = np.indices((size,) * 4)
        total = np.zeros((size,) * 4, dtype=complex)
        for monomial, value in self._terms.items():
            product = np.full((size,) * 4, float(value), dtype=complex)
            for word in monomial:
                if len(word) > 1:  # Tr R = 1
                    for a, b in zip(word, word[1:] + word[:1], strict=True):
                        product *= self.gram[indices[a], indices[b]]
            total += product
        return total.real

    def spectrum(self) -> Spectrum:
        """Eigenvalues of the mean kernel, and their shift and spread by second-order perturbation theory.

        Where eigenvalues of the mean coincide, the shift leaves their mutual repulsion out and ``std`` is that of one
        diagonal element in the basis the solver happened to choose.
        """
        values, vectors = np.linalg.eigh(self.mean())
        moments = np.einsum(
            "ia,jb,ijkl,kc,ld->abcd", vectors, vectors, self.covariance(), vectors, vectors, optimize=True
        )
        coupling = np.einsum("abab->ab", moments)
        gaps = values[:, None] - values[None, :]
        apart = np.abs(gaps) > 1e-9 * np.abs(values).max()
        shift = np.sum(np.where(apart, coupling / np.where(apart, gaps, 1.0), 0.0), axis=1)
        return Spectrum(values, shift, np.sqrt(np.maximum(np.diag(coupling), 0.0)))

    @cached_property
    def _terms(self) -> Expression:
        """Cov(K_01, K_23) as a combination of traces of products of four input states."""
        L = self.law.parameters
        ensemble = Ensemble(self.law.observable, self.law.generator)
        squared = multiply(ensemble.second((0, 1)), ensemble.second((2, 3)))
        return combine(
            [(L, ensemble.same((0, 1, 2, 3))), (L * (L - 1), ensemble.different((0, 1, 2, 3))), (-L * L, squared)]
        )
