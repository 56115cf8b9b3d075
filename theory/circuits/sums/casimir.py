"""The mean of K by purities and Casimir numbers, for an observable in the dynamical Lie algebra.

With g = ⊕_j g_j ⊕ centre, P_j(A) the squared length of what A has in g_j (Tr A² of its projection) and c_j the Casimir
number of g_j in its adjoint representation, -Σ_a [B_a, [B_a, ·]] = -c_j over an orthonormal basis of g_j, a Haar-random
element of the group before and after a gate gives

    E g_k² = Σ_j c_j P_j(H_k) P_j(O) P_j(ρ) / (dim g_j)²,        ∂_k f = <i[H_k, O]> of rotations exp(-iθ_k H_k).

The centre adds nothing. Sources: Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902. It is the case
O in ig of ``module_law``, which asks for no algebra.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.sums.closure import MOST_DIMENSIONS, adjoint_of, split
from qntk.theory.circuits.sums.generators import Generators, Matrix, as_operators, as_real, string

Array = NDArray[np.float64]


def casimir_mean(
    circuit: Generators | NormalForm, observable: Mapping[str, float], state: Matrix, most: int = MOST_DIMENSIONS
) -> Array:
    """E (∂_k f)² of each parameter in the deep limit, shape (L,), whose sum is E K.

    Args:
        circuit: its generators, or its normal form.
        observable: real coefficients of Pauli labels; its traceless part is in the algebra.
        state: density matrix of the input, shape (D, D).
        most: dimensions of the algebra.

    Raises ``ValueError`` for an observable outside the algebra, for fixed gates, and as ``closed_algebra``.
    """
    taken = circuit if isinstance(circuit, Generators) else Generators.from_form(circuit)
    D = len(taken.fixed)
    if not np.allclose(taken.fixed, taken.fixed[0, 0] * np.eye(D), atol=1e-9):
        raise ValueError("the circuit has fixed gates, which this law has not: take module_law.deep_mean")
    places = tuple(reversed(range(taken.qubits)))
    O = sum((c * string(label, places, taken.qubits) for label, c in observable.items()), np.zeros_like(taken.fixed))
    O = O - np.trace(O) / D * np.eye(D)
    parts, centre, _ = split(taken, most)
    left = float(np.trace(O @ O).real) - sum(_purity(own, O) for own in [*parts, centre])
    if left > 1e-9 * float(np.trace(O @ O).real):
        raise ValueError("the observable is not in the algebra: take module_law.deep_mean")
    found = np.zeros(len(taken.matrices))
    for own in parts:
        weight = _casimir(own, D) * _purity(own, O) * _purity(own, state) / len(own) ** 2
        found += weight * np.array([_purity(own, H) for H in taken.matrices])
    gradients = np.empty(len(found))
    gradients[list(taken.parameters)] = found
    return gradients


def _purity(basis: Array, A: Matrix) -> float:
    return float(np.sum((basis @ as_real(A[None])[0]) ** 2)) if len(basis) else 0.0


def _casimir(basis: Array, D: int) -> float:
    """c_j, read off the trace of Σ_a ad(B_a)ᵀad(B_a), which is c_j on all of the ideal."""
    adjoint = [adjoint_of(basis, B, D) for B in as_operators(basis, D)]
    return float(sum(np.sum(A**2) for A in adjoint)) / len(basis)
