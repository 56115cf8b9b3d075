"""The dynamical Lie algebra of generators that are sums of Pauli strings, by nested commutators, and its name.

Elements that commute with all are the centre. On the rest a matrix that commutes with the adjoint representation is a
number on each simple ideal, so that the average of a random one (``invariants``) has the ideals as its eigenspaces. The
rank of an ideal is the dimension of what commutes with a random element of it; with its own dimension it tells which
algebra it is:

    su(N)  N² - 1, N - 1        so(2k)  k(2k - 1), k        so(2k + 1) and sp(k)  k(2k + 1), k

where the last two have both in common, and are one for k = 1 and 2. so(6) is su(4), so(3) su(2), so(5) sp(2).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.algebra import Algebra
from qntk.theory.circuits.sums.generators import Generators, Matrix, as_operators, as_real, closed
from qntk.theory.circuits.sums.invariants import averaged

Array = NDArray[np.float64]
MOST_DIMENSIONS = 256
"""Of an algebra, unless the caller asks for more."""
_SEED = 20_409
"""Of the random elements; any would do."""


def closed_algebra(circuit: Generators | NormalForm, most: int = MOST_DIMENSIONS) -> Algebra:
    """The algebra of a circuit's generators, at every layer of its repetitions.

    Raises ``ValueError`` for more than ``most`` dimensions, and as ``Generators.from_form``.

    >>> import numpy as np
    >>> X, Z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    >>> fields, edge = np.kron(X, np.eye(2)) + np.kron(np.eye(2), X), np.kron(Z, Z)
    >>> closed_algebra(Generators(2, np.stack([fields, edge]).astype(complex), (0, 1), np.eye(4) + 0j)).name
    'su(2) ⊕ u(1)'
    """
    parts, centre, D = split(circuit, most)
    found = Counter((_name(len(own), _rank(own, D)), len(own)) for own in parts)
    ideals = sorted(((n, d, c) for (n, d), c in found.items()), key=lambda ideal: (-ideal[1], ideal[0]))
    return Algebra(sum(map(len, parts)) + len(centre), tuple(ideals), len(centre))


def split(circuit: Generators | NormalForm, most: int = MOST_DIMENSIONS) -> tuple[list[Array], Array, int]:
    """Orthonormal bases, as real vectors of shape (m_j, D²), of the simple ideals and of the centre; and D.

    Raises ``ValueError`` as ``closed_algebra``.
    """
    taken = circuit if isinstance(circuit, Generators) else Generators.from_form(circuit)
    moves, D = taken.moves, len(taken.fixed)
    # The trace commutes with all and moves nothing: a global phase is no part of the algebra.
    moves = moves - np.trace(moves, axis1=1, axis2=2)[:, None, None] / D * np.eye(D)
    basis = closed(moves, moves, None, most)
    adjoint = np.stack([adjoint_of(basis, H, D) for H in moves])
    _, sizes, rows = np.linalg.svd(np.concatenate(list(adjoint)), full_matrices=True)
    rank = int((sizes > 1e-8).sum())
    rest = rows[:rank]
    return (_ideals(rest @ basis, rest @ adjoint @ rest.T) if rank else []), rows[rank:] @ basis, D


def adjoint_of(basis: Array, H: Matrix, D: int) -> Array:
    """Matrix of A → i[H, A] on an orthonormal basis of a space that it maps to itself."""
    operators = as_operators(basis, D)
    images = as_real(1j * (H @ operators - operators @ H))
    return np.asarray(basis @ images.T)


def _ideals(basis: Array, adjoint: Array) -> list[Array]:
    """Bases of the simple ideals of a semisimple algebra."""
    random = np.random.default_rng(_SEED).normal(size=(len(basis), len(basis)))
    values, vectors = np.linalg.eigh(averaged(adjoint, random + random.T))
    cuts = np.flatnonzero(np.diff(values) > 1e-6 * np.abs(values).max()) + 1
    return [part @ basis for part in np.split(vectors.T, cuts)]


def _rank(own: Array, D: int) -> int:
    """Dimension of what commutes with a random element of an ideal."""
    element = as_operators((np.random.default_rng(_SEED).normal(size=len(own)) @ own)[None], D)[0]
    sizes = np.linalg.svd(adjoint_of(own, element, D), compute_uv=False)
    return int((sizes < 1e-8 * max(1.0, sizes[0])).sum())


def _name(dimension: int, rank: int) -> str:
    if dimension == (rank + 1) ** 2 - 1:
        return f"su({rank + 1})"
    if dimension == rank * (2 * rank - 1):
        return f"so({2 * rank})"
    if dimension == rank * (2 * rank + 1):
        return f"so({2 * rank + 1})" + (f" or sp({rank})" if rank > 2 else "")
    return f"a simple algebra of dimension {dimension} and rank {rank}"
