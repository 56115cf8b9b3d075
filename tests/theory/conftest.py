"""What several tests of the closed forms measure against."""

import functools
import itertools

import numpy as np
import pytest


class Copies:
    """Linear algebra on k copies of a D-dimensional space."""

    def __init__(self, dimension, copies):
        self.dimension, self.copies = dimension, copies
        eye = np.eye(dimension**copies).reshape([dimension] * (2 * copies))
        permutations = [eye.transpose([*p, *range(copies, 2 * copies)]) for p in itertools.permutations(range(copies))]
        self.basis = np.stack([p.ravel() for p in permutations])
        self.gram_inverse = np.linalg.pinv(self.basis @ self.basis.T)

    def on_all(self, matrix):
        return functools.reduce(np.kron, [matrix] * self.copies)

    def on_copy(self, matrix, copy):
        after = self.copies - 1 - copy
        return np.kron(np.kron(np.eye(self.dimension**copy), matrix), np.eye(self.dimension**after))

    def twirl(self, operator):
        return (self.gram_inverse @ (self.basis @ operator.ravel()) @ self.basis).reshape(operator.shape)

    def derivative(self, operator, generator, copies):
        for copy in copies:
            g = self.on_copy(generator, copy)
            operator = 1j * (g @ operator - operator @ g)
        return operator

    def moment(self, observable, generator, steps, states=None):
        """E of a product of gradient components: ``steps`` lists the copies that each parameter differentiates.

        ``states`` are the input states of the copies, |0> by default.
        """
        operator = self.twirl(self.on_all(observable))
        for copies in steps:
            operator = self.twirl(self.derivative(operator, generator, copies))
        state = functools.reduce(
            np.kron, np.eye(self.dimension)[:1].repeat(self.copies, 0) if states is None else states
        )
        return np.vdot(state, operator @ state).real


@pytest.fixture(scope="session")
def copies():
    """The Haar twirl on copies of a space, by projection on the permutation operators."""
    return Copies


def symplectic_group(dimension, size, rng):
    """Haar on Sp(D/2): the unitary polar factor of a complex Gaussian matrix with quaternionic structure."""
    half = dimension // 2
    a, b = (rng.normal(size=(size, half, half, 2)) @ [1, 1j] for _ in range(2))
    left, _, right = np.linalg.svd(np.block([[a, b], [-b.conj(), a.conj()]]))
    return left @ right


@pytest.fixture(scope="session")
def haar_symplectic():
    """Haar-random matrices of the symplectic group, by (dimension, size, rng)."""
    return symplectic_group
