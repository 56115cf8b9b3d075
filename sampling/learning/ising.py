"""Magnetisation of the one-dimensional transverse-field Ising model by exact diagonalisation.

    H = -J Σ Z_i Z_{i+1} - h Σ X_i - b Σ Z_i ,

an open chain or a ring, b a small symmetry-breaking field. The magnetisation is Σ <A_i>/N of the ground state, A = X or
Z. Where the ground state is degenerate it is that of the equal mixture of all ground states, which has no arbitrary
phase. Without b every chain keeps the parity ∏X and the magnetisation along Z is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import eigsh

Array = NDArray[np.float64]
Direction = Literal["x", "z"]
LARGEST = 14
_DENSE = 128
"""Dimensions up to which LAPACK is quicker than Lanczos."""
_STATES = 4
"""Lowest states asked of Lanczos; the ground space of the Ising chain has at most two."""


def magnetisation(
    fields: Sequence[float] | Array,
    qubits: int = 6,
    coupling: float = 1.0,
    periodic: bool = True,
    symmetry_breaking: float = 0.0,
    direction: Direction = "x",
) -> Array:
    """Ground-state magnetisation per spin at each transverse field h, in [-1, 1], shape (fields,).

    Args:
        fields: h in units of the coupling's, any sign.
        qubits: number of spins N, 2 to 14.
        coupling: J, ferromagnetic if positive.
        periodic: close the chain to a ring (two spins have one bond either way).
        symmetry_breaking: b >= 0 along Z.
        direction: ``x``, along the transverse field, or ``z``, along the order.

    Raises ``ValueError`` for sizes out of range, numbers that are not finite, or ``z`` with b = 0, where it vanishes.
    """
    h = np.atleast_1d(np.asarray(fields, dtype=np.float64))
    if not 2 <= qubits <= LARGEST:
        raise ValueError(f"qubits is {qubits}; the Ising chain takes 2 to {LARGEST}")
    if direction not in get_args(Direction):
        raise ValueError(f"direction is {direction!r}; give x or z")
    if not np.isfinite(h).all() or not math.isfinite(coupling) or not 0 <= symmetry_breaking < math.inf:
        raise ValueError("fields and coupling must be finite, symmetry_breaking finite and at least 0")
    if direction == "z" and symmetry_breaking == 0:
        raise ValueError("the magnetisation along z vanishes without a symmetry_breaking field; give one above 0")
    bits = (np.arange(1 << qubits)[:, None] >> np.arange(qubits)) & 1
    signs = np.asarray(1 - 2 * bits, dtype=np.float64)  # Z of each spin, (D, N)
    edges = [(q, (q + 1) % qubits) for q in range(qubits if periodic and qubits > 2 else qubits - 1)]
    bonds = np.add.reduce([signs[:, a] * signs[:, b] for a, b in edges])
    diagonal = diags_array(-coupling * bonds - symmetry_breaking * signs.sum(axis=1), format="csr")
    flips = _flips(qubits)
    return np.array([_expectation(diagonal - field * flips, flips, signs, direction) / qubits for field in h])


def _flips(qubits: int) -> csr_array:
    """Σ X_i, sparse, shape (D, D)."""
    states = np.arange(1 << qubits)
    columns = (states[:, None] ^ (1 << np.arange(qubits))).ravel()
    return csr_array((np.ones(len(columns)), (np.repeat(states, qubits), columns)), shape=(len(states),) * 2)


def _expectation(hamiltonian: csr_array, flips: csr_array, signs: Array, direction: Direction) -> float:
    """Σ <A_i> in the equal mixture of the ground states."""
    dimension = hamiltonian.shape[0]
    if dimension <= _DENSE:
        energies, states = np.linalg.eigh(hamiltonian.toarray())
    else:
        start = np.random.default_rng(0).normal(size=dimension)
        energies, states = eigsh(hamiltonian, k=_STATES, which="SA", v0=start, tol=1e-12)
    ground = states[:, energies < energies.min() + 1e-9 * max(1.0, float(np.abs(energies).max()))]
    if direction == "x":
        values = (ground * (flips @ ground)).sum(axis=0)
    else:
        values = (signs.sum(axis=1)[:, None] * ground**2).sum(axis=0)
    return float(values.mean())
