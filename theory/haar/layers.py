"""Mean and variance of the kernel when a layer between two Haar unitaries holds several generators.

The circuit: U = [last] W_m layer_m … W_1 layer_1 W_0 [first], W independent Haar unitaries, f = <0|U†OU|0>. A layer is
a sequence of rotations exp(-iθG) with nothing random between them but their angles.

Derivation. As in ``qntk.theory.haar.kernel`` all gradients of one layer are ∂f = 2 √v_O(ψ) Im<ξ|G_a|φ> with one random
orthonormal pair (φ, ξ) for the layer; G_a is the effective generator: pulled back to the layer's beginning by the
layer's earlier rotations (for commuting ones it is the generator itself). Given φ, the vectors (G_a - <G_a>)φ have the
real Gram matrix c_ab = ½<{G_a, G_b}> - <G_a><G_b>, and ξ is uniform on a sphere of dimension 2D-2, so with v_a = c_aa
and S = Σ_a 4 (Im<ξ|G_a|φ>)²

    E S = 2 Σ_a E v_a / (D-1),    E S² = 4 Σ_ab T_ab / (D(D-1)),    T_ab = E_φ[v_a v_b + 2 c_ab²].

The S of different layers are independent of each other and of ψ, and K = v_Õ(ψ) Σ S + K_last(ψ), hence

    E K = E v_O ΣE S + E K_last,
    E K² = E v_O² E(ΣS)² + 2 E(v_Õ K_last) ΣE S + E K_last².

Pauli strings. For two strings (P² = 1) T depends only on how they stand to each other:

    equal         3 D(D+2) / ((D+1)(D+3))
    commuting     1 - (5D+6) / ((D+1)(D+2)(D+3))
    anticommuting D(D+2) / ((D+1)(D+3))

In a pair of gates j < k only the rotations between them count: what pulls both back is absorbed by the Haar state. T
holds the pulled-back Q_k twice, and the average of Q_k ⊗ Q_k over uniform angles is a mixture of Q ⊗ Q: each
anticommuting rotation R leaves Q or makes it iRQ, with probability 1/2 each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.theory.haar.averages import (
    Matrix,
    Words,
    add,
    effective_generators,
    haar_matrices,
    multiply,
    pauli_keys,
    rotated,
)
from qntk.theory.haar.boundary import FirstLayer, LastLayer
from qntk.theory.haar.state import variance_mean, variance_second_moment, variance_variance
from qntk.theory.operators import Number, OperatorMoments, PauliKey, hilbert_dimension
from qntk.theory.prediction import Prediction

_REFERENCE = "product law of the Haar-layer ensemble, docs/theory.md"
_ASSUMPTIONS = (
    "Haar unitaries between layers (4-design)",
    "finite D and L",
    "correlations between parameters kept",
    "angles of non-commuting rotations independent and uniform, or as given",
)


@dataclass(frozen=True)
class GeneratorLayer:
    """Rotations between two Haar unitaries.

    Attributes:
        dimension: Hilbert-space dimension D.
        parameters: number of rotations.
        mean, second: E S and E S² of S = Σ_a 4 (Im<ξ|G_a|φ>)²; units of G² and G⁴.
    """

    dimension: int
    parameters: int
    mean: Fraction
    second: Fraction

    @classmethod
    def from_paulis(cls, labels: Sequence[str], scale: Number) -> GeneratorLayer:
        """Rotations exp(-iθ scale P) in time order; independent uniform angles, which commuting ones do not see.

        ``scale`` is 1 for exp(-iθP), 1/2 for Qiskit's rotations. Raises ``ValueError`` for no label, labels of unequal
        lengths or an identity, and where the rotations spread over more than 50 000 strings.

        >>> GeneratorLayer.from_paulis(["IX", "XI"], 1).second
        Fraction(88, 45)
        """
        keys, s = pauli_keys(labels), Fraction(scale)
        D = hilbert_dimension(len(labels[0]))
        later: Words = {}  # the later generators as a mixture of (Q, Q)
        total = Fraction(0)
        for key in reversed(keys):
            total += pair_moment(key, key, D)
            total += sum((2 * w * pair_moment(key, word[0], D) for word, w in later.items()), Fraction(0))
            later = rotated(later, key)
            add(later, (key, key), Fraction(1))
        variances = Fraction(len(keys) * D, D + 1)
        return cls(D, len(keys), 2 * s**2 * variances / (D - 1), 4 * s**4 * total / (D * (D - 1)))

    @classmethod
    def from_matrices(cls, generators: Sequence[NDArray[Any]], angles: Sequence[float] | None = None) -> GeneratorLayer:
        """Rotations exp(-iθG) in time order about dense Hermitian matrices, at the given angles.

        Without angles the generators are taken as effective ones, as they are. Double precision; the cost is about
        30 products of (D, D) matrices for each pair. Raises ``ValueError`` for what is no layer.

        >>> x = np.array([[0, 1], [1, 0]])
        >>> float(round(GeneratorLayer.from_matrices([x]).second * 5, 12))
        16.0
        """
        effective, _ = effective_generators(generators, angles)
        D = len(effective[0])
        variances = total = Fraction(0)
        for a, one in enumerate(effective):
            variances += haar_matrices([one @ one]) - haar_matrices([one, one])
            total += _pair_of_matrices(one, one)
            total += 2 * sum((_pair_of_matrices(one, two) for two in effective[:a]), Fraction(0))
        return cls(D, len(effective), 2 * variances / (D - 1), 4 * total / (D * (D - 1)))

    @classmethod
    def from_moments(cls, generator: OperatorMoments) -> GeneratorLayer:
        """One rotation whose generator is known by its traces, as in ``KernelLaw``; T = 3 E v².

        >>> GeneratorLayer.from_moments(OperatorMoments.from_pauli(1)) == GeneratorLayer.from_paulis(["X"], 1)
        True
        """
        D = generator.dimension
        second = 12 * variance_second_moment(generator) / (D * (D - 1))
        return cls(D, 1, 2 * variance_mean(generator) / (D - 1), second)


@dataclass(frozen=True)
class LayeredKernelLaw:
    """The kernel's law for layers of several generators, with or without unscrambled layers at the ends.

    Args:
        observable: centred traces of O where a Haar unitary stands before O; else the ``LastLayer``, which holds O.
        layers: layers between Haar unitaries, in any order (the law does not see it).
        repetitions: how often ``layers`` occur, each time with Haar unitaries and angles of their own.
        first: rotations on the input state; None where a Haar unitary acts on it.

    Raises ``ValueError`` for no parameter at all, repetitions < 1, or unequal dimensions.

    >>> layer = GeneratorLayer.from_paulis(["IX", "XI", "IZ", "ZI"], Fraction(1, 2))
    >>> law = LayeredKernelLaw(OperatorMoments.from_pauli(2), [layer], 3)
    >>> law.parameters, round(law.mean().value, 4), round(law.relative_std().value, 4)
    (12, 1.28, 0.4297)
    """

    observable: OperatorMoments | LastLayer
    layers: Sequence[GeneratorLayer] = ()
    repetitions: int = 1
    first: FirstLayer | None = None

    def __post_init__(self) -> None:
        """Refuse what has no kernel."""
        if self.repetitions < 1:
            raise ValueError(f"repetitions is {self.repetitions}; give at least 1")
        if self.parameters < 1:
            raise ValueError("no layer at all: a kernel needs at least 1 parameter")
        found = {layer.dimension for layer in self._inner()} | {self._moments.dimension}
        if len(found) != 1:
            raise ValueError(f"the layers and the observable act on different dimensions: {sorted(found)}")

    @property
    def parameters(self) -> int:
        """Number of parameters L, ends included."""
        ends = [end.parameters for end in (self.first, self.observable) if isinstance(end, (FirstLayer, LastLayer))]
        return self.repetitions * sum(layer.parameters for layer in self.layers) + sum(ends)

    def mean(self) -> Prediction:
        """E K, exact; units of O² G²."""
        return self._prediction("kernel mean", self._exact()[0])

    def variance(self) -> Prediction:
        """Var K, exact; units of O⁴ G⁴."""
        return self._prediction("kernel variance", self._exact()[1])

    def relative_std(self) -> Prediction:
        """ΔK/K̄ = sqrt(Var K) / E K; ``ValueError`` where the kernel is 0."""
        mean, variance = self._exact()
        if not mean:
            raise ValueError("the kernel is 0: no rotation changes f")
        return self._prediction("kernel relative standard deviation", math.sqrt(variance / mean**2))

    @property
    def _moments(self) -> OperatorMoments:
        return self.observable.observable if isinstance(self.observable, LastLayer) else self.observable

    def _inner(self) -> list[GeneratorLayer | FirstLayer]:
        """The layers before the last Haar unitary, without their repetitions."""
        return [*self.layers, self.first] if self.first else [*self.layers]

    def _exact(self) -> tuple[Fraction, Fraction]:
        """E K and Var K."""
        total = spread = Fraction(0)  # E ΣS and Var ΣS
        for layer in self._inner():
            times = 1 if isinstance(layer, FirstLayer) else self.repetitions
            total += times * layer.mean
            spread += times * (layer.second - layer.mean**2)
        v = variance_mean(self._moments)
        mean = v * total
        variance = variance_second_moment(self._moments) * spread + variance_variance(self._moments) * total**2
        if isinstance(self.observable, LastLayer):
            last = self.observable
            variance += 2 * (last.cross - v * last.mean) * total + last.second - last.mean**2
            mean += last.mean
        return mean, variance

    def _prediction(self, quantity: str, value: Fraction | float) -> Prediction:
        return Prediction(quantity, float(value), "exact", _ASSUMPTIONS, _REFERENCE)


def pair_moment(one: PauliKey, two: PauliKey, dimension: int) -> Fraction:
    """T = E[v_P v_Q + 2c²] of two Pauli strings given by their (X, Z) masks.

    >>> pair_moment((1, 0), (2, 0), 4), pair_moment((1, 0), (0, 1), 4)
    (Fraction(92, 105), Fraction(24, 35))
    """
    D = dimension
    if one != two and multiply(one, two)[0] % 2 == 0:
        return 1 - Fraction(5 * D + 6, (D + 1) * (D + 2) * (D + 3))
    return Fraction((3 if one == two else 1) * D * (D + 2), (D + 1) * (D + 3))


def _pair_of_matrices(one: Matrix, two: Matrix) -> Fraction:
    """T of two centred matrices from symmetric moments, M = ½{A, B}."""
    squares = one @ one, two @ two
    middle = np.asarray((one @ two + two @ one) / 2, dtype=np.complex128)
    return (
        haar_matrices(squares)
        - haar_matrices([squares[0], two, two])
        - haar_matrices([squares[1], one, one])
        + 3 * haar_matrices([one, one, two, two])
        + 2 * haar_matrices([middle, middle])
        - 4 * haar_matrices([middle, one, two])
    )
