"""Layers with no scrambling on one side: rotations on the input state itself, and rotations right before O.

First layer. The state φ at its beginning is the input, not a Haar state; the direction ξ that the observable sends back
is uniform in the complement of φ as everywhere. With S = Σ_a 4 (Im<ξ|G_a|φ>)² and the covariances
c_ab = ½<{G_a, G_b}> - <G_a><G_b> of the effective generators in φ, v_a = c_aa,

    E S = 2 Σ_a v_a / (D-1),      E S² = 4 Σ_ab (v_a v_b + 2 c_ab²) / (D(D-1)).

Last layer. The state ψ before it is Haar. O pulled back through the layer is Õ, and the gradient of gate k is <C_k>
in ψ with C_k = i[G_k, Õ]. Beside K_last = Σ_k <C_k>² the kernel holds v_Õ(ψ) times the sum of all earlier layers, hence
the law needs E K_last, E K_last² and E v_Õ K_last, which are symmetric moments of at most four operators.

For Pauli rotations everything is a combination of words <A₁>…<A_k> (``haar.averages``), walked from the layer's end
to its beginning and averaged over independent uniform angles at each rotation. One walk serves all pairs of
gates: what the later gates contributed is kept as one combination, to which an earlier gate is added. Rotations that
commute with all they meet cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.theory.haar.averages import (
    IDENTITY,
    Words,
    add,
    centred,
    differentiated,
    effective_generators,
    haar_matrices,
    haar_words,
    multiply,
    pauli_keys,
    rotated,
)
from qntk.theory.operators import Number, OperatorMoments, PauliKey, _masks, _square, hilbert_dimension


@dataclass(frozen=True)
class FirstLayer:
    """Rotations that act on the input state with no Haar layer before them.

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
    def from_paulis(cls, labels: Sequence[str], scale: Number, state: NDArray[Any] | None = None) -> FirstLayer:
        """Rotations exp(-iθ scale P) in time order, with independent uniform angles.

        Args:
            labels: Pauli strings, leftmost letter the highest qubit.
            scale: 1 for exp(-iθP), 1/2 for Qiskit's rotations.
            state: amplitudes of the input, shape (D,), Qiskit's order of the basis; |0…0> if left out.

        Raises ``ValueError`` for labels that are no layer, a state that is not normalised, and rotations that spread
        over too many strings.

        >>> FirstLayer.from_paulis(["X", "Z"], 1).mean  # RX has v = 1, RZ after it v = sin²α
        Fraction(3, 1)
        """
        keys, s = pauli_keys(labels), Fraction(scale)
        dimension = hilbert_dimension(len(labels[0]))
        expectation = _in_zeros if state is None else _in_state(state, dimension)
        seconds: Words = {}  # the later generators as (Q, Q), all added up
        pairs: Words = {}  # Σ_ab v_a v_b + 2 c_ab²
        for key in reversed(keys):
            for (one, _), weight in [(word, 2 * w) for word, w in seconds.items()] + [((key, key), Fraction(1))]:
                _add_pair(pairs, key, one, weight)
            pairs, seconds = rotated(pairs, key), rotated(seconds, key)
            add(seconds, (key, key), Fraction(1))
        variances = sum((w * (1 - expectation(word[0]) ** 2) for word, w in seconds.items()), Fraction(0))
        total = Fraction(0)
        for word, weight in pairs.items():
            for key in word:
                weight *= expectation(key)
            total += weight
        D = dimension
        return cls(D, len(keys), 2 * s**2 * variances / (D - 1), 4 * s**4 * total / (D * (D - 1)))

    @classmethod
    def from_matrices(
        cls, generators: Sequence[NDArray[Any]], state: NDArray[Any], angles: Sequence[float] | None = None
    ) -> FirstLayer:
        """Rotations exp(-iθG) in time order about dense Hermitian matrices, at the given angles (default 0).

        >>> x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
        >>> round(float(FirstLayer.from_matrices([x, z], np.array([1, 0]), [np.pi / 4, 0.0]).mean), 12)
        4.0
        """
        effective, _ = effective_generators(generators, angles)
        D = len(effective[0])
        vector = _normalised(state, D)
        moved = np.stack([g @ vector for g in effective])
        moved = moved - np.outer(moved @ vector.conj(), vector)
        covariance = (moved.conj() @ moved.T).real
        trace = Fraction(float(np.trace(covariance)))
        squares = Fraction(float(np.sum(covariance**2)))
        return cls(D, len(effective), 2 * trace / (D - 1), 4 * (trace**2 + 2 * squares) / (D * (D - 1)))


@dataclass(frozen=True)
class LastLayer:
    """Rotations that stand next to O with no Haar layer after them.

    Attributes:
        observable: centred traces of O.
        parameters: number of rotations; those that O does not see count too, with gradient 0.
        mean, second: E K_last and E K_last², K_last the part of the kernel that these rotations make.
        cross: E v_Õ K_last.
    """

    observable: OperatorMoments
    parameters: int
    mean: Fraction
    second: Fraction
    cross: Fraction

    @classmethod
    def from_paulis(cls, labels: Sequence[str], scale: Number, observable: Mapping[str, Number]) -> LastLayer:
        """Rotations exp(-iθ scale P) in time order, with independent uniform angles, before O = Σ c P.

        Raises ``ValueError`` for labels that are no layer, and rotations that spread O over too many strings.

        >>> LastLayer.from_paulis(["X"], 1, {"Z": 1}).mean  # 4 E<Y>²
        Fraction(4, 3)
        """
        keys, moments = pauli_keys(labels), OperatorMoments.from_pauli_sum(observable, "observable")
        D, factor = moments.dimension, 2 * Fraction(scale)
        if hilbert_dimension(len(labels[0])) != D:
            raise ValueError(f"the labels act on {len(labels[0])} qubits, the observable on dimension {D}")
        terms: dict[PauliKey, Fraction] = {}
        for label, coefficient in observable.items():
            if (key := _masks(label)) != IDENTITY:
                terms[key] = terms.get(key, Fraction(0)) + Fraction(coefficient)
        two: Words = {(key, key): c * c for key, c in terms.items()}
        three, four = _closed_words(terms)
        branch: Words = {}  # <C_l>²<O>² over the gates l met so far
        mean = cross = second = Fraction(0)
        for key in reversed(keys):
            mean += haar_words(differentiated(two, key, (0, 1)), D)
            once = differentiated(four, key, (0, 1))
            cross += haar_words(differentiated(three, key, (1, 2)), D) - haar_words(once, D)
            second += haar_words(differentiated(once, key, (2, 3)), D)
            second += 2 * haar_words(differentiated(branch, key, (2, 3)), D)
            for word, weight in once.items():
                add(branch, word, weight)
            two, three, four, branch = (rotated(words, key) for words in (two, three, four, branch))
        return cls(moments, len(keys), factor**2 * mean, factor**4 * second, factor**2 * cross)

    @classmethod
    def from_matrices(
        cls, generators: Sequence[NDArray[Any]], observable: NDArray[Any], angles: Sequence[float] | None = None
    ) -> LastLayer:
        """Rotations exp(-iθG) in time order about dense matrices, at the given angles (default 0), before O.

        >>> round(float(LastLayer.from_matrices([np.array([[0, 1], [1, 0]])], np.diag([1, -1])).mean), 12)
        1.333333333333
        """
        effective, unitary = effective_generators(generators, angles)
        moments = OperatorMoments.from_matrix(observable, "observable")
        if moments.dimension != len(unitary):
            raise ValueError(f"generators act on dimension {len(unitary)}, the observable on {moments.dimension}")
        pulled = centred(unitary.conj().T @ observable @ unitary)
        commutators = [1j * (g @ pulled - pulled @ g) for g in effective]
        square = pulled @ pulled
        mean = cross = second = Fraction(0)
        for k, c in enumerate(commutators):
            mean += haar_matrices([c, c])
            cross += haar_matrices([square, c, c]) - haar_matrices([pulled, pulled, c, c])
            second += haar_matrices([c] * 4)
            second += 2 * sum((haar_matrices([c, c, e, e]) for e in commutators[:k]), Fraction(0))
        return cls(moments, len(effective), mean, second, cross)


def _add_pair(pairs: Words, one: PauliKey, two: PauliKey, weight: Fraction) -> None:
    """v_a v_b + 2c² = 1 - <P>² - <Q>² + 3<P>²<Q>², and 2<M>² - 4<M><P><Q> with M = PQ where they commute."""
    add(pairs, (), weight)
    add(pairs, (one, one), -weight)
    add(pairs, (two, two), -weight)
    add(pairs, (one, one, two, two), 3 * weight)
    power, product = multiply(one, two)
    if power % 2 == 0:
        add(pairs, (product, product), 2 * weight)
        add(pairs, (product, one, two), -4 * (1 - power) * weight)


def _closed_words(terms: Mapping[PauliKey, Fraction]) -> tuple[Words, Words]:
    """<O²><O>² and <O>⁴ as words, without those that have no Haar average."""
    square = _square(terms)
    three: Words = {}
    four: Words = {}
    for one, a in terms.items():
        for two, b in terms.items():
            pair = multiply(one, two)[1]
            if pair in square:
                add(three, (pair, one, two), square[pair] * a * b)
            for key, c in terms.items():
                last = multiply(pair, key)[1]
                if last in terms:
                    add(four, (one, two, key, last), a * b * c * terms[last])
    return three, four


def _in_zeros(key: PauliKey) -> Fraction:
    """<0…0|P|0…0>."""
    return Fraction(key[0] == 0)


def _in_state(state: NDArray[Any], dimension: int) -> Callable[[PauliKey], Fraction]:
    """<P> in a dense state, remembered by string."""
    vector = _normalised(state, dimension)
    basis = np.arange(dimension)

    @cache
    def expectation(key: PauliKey) -> Fraction:
        x, z = key
        signs = 1 - 2 * (np.bitwise_count(basis & z) % 2).astype(int)
        value = 1j ** (x & z).bit_count() * np.vdot(vector[basis ^ x], signs * vector)
        return Fraction(float(value.real))

    return expectation


def _normalised(state: NDArray[Any], dimension: int) -> NDArray[np.complex128]:
    """The state as a complex vector; ``ValueError`` if its shape or its norm is wrong."""
    vector = np.asarray(state, dtype=np.complex128)
    if vector.shape != (dimension,) or not abs(np.vdot(vector, vector).real - 1) < 1e-10:
        raise ValueError(f"the input state must have shape ({dimension},) and norm 1")
    return vector
