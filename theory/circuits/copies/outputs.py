r"""Means, covariances and the mean kernel matrix of a model's outputs over its free angles, exact.

Two copies of the circuit at the same angles, at data i and j, carry a pair of strings (P, P') backwards. A free turn
about Q that meets (anticommutes with) one of them alone makes E cosθ = E sinθ = 0; that meets both,

    (P, P') → ½ (P, P') + ½ (iQP, iQP'),

and so for the product of the two derivatives. A given turn takes P → cos a_i P + sin a_i iQP, and P' with a_j: this
mixes strings, and those that no later turn tells apart stay together, so that a model that uploads its data anywhere,
or has T gates, has its law like one of Clifford gates.

A pair's weight is a number w + s ε with ε² = 0: a free turn by slope q that meets both takes it times 1 + q² ε. At the
beginning, w is its share in E f_i f_j and s in E K_ij, of all parameters. Turns on single qubits that come first act
on each qubit alone, and their sum over strings is a product over qubits.

Nothing is sampled; cost is the number of pairs. With one copy alone, E f_i.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.copies.turns import Turn, first_and_rest, letters_of, terms_at_beginning, turns_of
from qntk.theory.circuits.pauli_words import LETTERS, Words, anticommute, unique_rows

Array = NDArray[np.float64]
Places = NDArray[np.signedinteger[Any]]
_PIECE = 2**20
"""Weights that are summed at a time at the beginning."""


@dataclass(frozen=True, eq=False)
class OutputMoments:
    """Over uniform free angles, at m data.

    Attributes:
        mean: E f, shape (m,).
        covariance: E f_i f_j - E f_i E f_j, shape (m, m).
        kernel: E K_ij, K_ij = Σ_ℓ ∂_ℓ f_i ∂_ℓ f_j, shape (m, m).
        pairs: of strings, the most that were held.
    """

    mean: Array
    covariance: Array
    kernel: Array
    pairs: int


def output_moments(
    form: NormalForm, observable: Mapping[str, float], x: Array | None = None, most_weights: int = 2**24
) -> OutputMoments:
    """Moments of the outputs of a circuit of Clifford gates and Pauli rotations, its input being |0…0>.

    Args:
        form: the circuit, ``qntk.inputs.reader.read_circuit(circuit, inputs)``; each free parameter in one rotation.
        observable: real coefficients of Pauli labels, leftmost letter on the highest qubit.
        x: data, shape (m, inputs); None for a circuit without inputs, one datum.
        most_weights: numbers to hold at once, one for each pair of strings and pair of data.

    Raises ``ValueError`` for circuits that do not fit (``turns``), and for more pairs than that.
    """
    points = 1 if x is None else len(x)
    turns, clifford, _ = turns_of(form, x)
    strings, coefficients, constant = terms_at_beginning(observable, clifford, form.qubits)
    walk = _Walk(*first_and_rest(turns, form.qubits), form.qubits, most_weights, [0])
    i, j = np.triu_indices(points)
    k = len(strings)
    pairs = np.repeat(strings, k, axis=0), np.tile(strings, (k, 1))
    both = walk.back(pairs, np.outer(coefficients, coefficients).ravel(), (i, j))
    alone = walk.back((strings, np.zeros_like(strings)), coefficients, (np.arange(points),) * 2)[0]
    second, kernel = np.empty((points, points)), np.empty((points, points))
    for whole, part in ((second, both[0]), (kernel, both[1])):
        whole[i, j] = whole[j, i] = part
    return OutputMoments(alone + constant, second - np.outer(alone, alone), kernel, walk.held[0])


@dataclass(frozen=True, eq=False)
class _Walk:
    """Turns on single qubits that nothing comes before, all others, and counts."""

    first: list[tuple[int, Turn]]
    rest: list[Turn]
    qubits: int
    most: int
    held: list[int]

    def back(self, pairs: tuple[Words, Words], weights: Array, data: tuple[Places, Places]) -> tuple[Array, Array]:
        """The sums of w and of s at each pair of data, from pairs of strings at the end and their weights."""
        left, right = pairs
        w = np.stack([weights, np.zeros_like(weights)], axis=1)[:, :, None]
        for turn in reversed(self.rest):
            if turn.slope:
                left, right, w = _free(turn, left, right, w)
            else:
                at = [turn.angles if len(turn.angles) == 1 else turn.angles[points] for points in data]
                left, right, w = _given(turn, left, right, w, at[0])
                right, left, w = _given(turn, right, left, w, at[1])
            self.held[0] = max(self.held[0], len(left))
            if w.size > 2 * self.most:
                raise ValueError(
                    f"more than {self.most:,} weights of Pauli strings, {len(left):,} pairs: allow more, or draw"
                )
        values = self._beginning(data)
        letters = [letters_of(strings, self.qubits) for strings in (left, right)]
        total = np.zeros((2, len(data[0])))
        size = max(_PIECE // len(data[0]), 1)
        for start in range(0, len(left), size):
            piece = slice(start, start + size)
            one, two = np.ones((1, 1)), np.zeros((1, 1))
            for qubit in range(self.qubits):
                a, b = letters[0][piece, qubit], letters[1][piece, qubit]
                if not (a.any() or b.any()):
                    continue
                u, v = values[qubit][0][a, b], values[qubit][1][a, b]
                one, two = one * u, two * u + one * v
            total[0] += (w[piece, 0] * one).sum(axis=0)
            total[1] += (w[piece, 1] * one + w[piece, 0] * two).sum(axis=0)
        return total[0], total[1]

    def _beginning(self, data: tuple[Places, Places]) -> Array:
        """What letters P, P' on each qubit are worth in w and s: shape (n, 2, 4, 4, pairs of data)."""
        zero = np.array([1.0, 0.0, 1.0, 0.0])
        values = np.zeros((self.qubits, 2, 4, 4, len(data[0])))
        values[:, 0] = np.outer(zero, zero)[:, :, None]
        for qubit, turn in self.first:
            letter = int(letters_of(turn.string[None], self.qubits)[0, qubit])
            local = Turn(LETTERS[letter], turn.sign, turn.slope, turn.angles)
            meets = anticommute(LETTERS, LETTERS[letter])
            _, signs = local.turned(LETTERS)
            signs, other = np.where(meets, signs, 1), np.arange(4) ^ letter
            u = values[qubit]
            if turn.slope:
                both, mixed = np.logical_and.outer(meets, meets), np.logical_xor.outer(meets, meets)
                half = (u + np.outer(signs, signs)[:, :, None] * u[:, other][:, :, other]) / 2
                half[1] += turn.slope**2 * half[0]
                values[qubit] = np.where(mixed[:, :, None], 0.0, np.where(both[:, :, None], half, u))
                continue
            for axis, points in ((1, data[0]), (2, data[1])):
                at = np.broadcast_to(turn.angles if len(turn.angles) == 1 else turn.angles[points], len(points))
                shape = (4, 1, 1) if axis == 1 else (4, 1)
                turned = np.take(u, other, axis) * signs.reshape(shape) * np.sin(at)
                u = np.where(meets.reshape(shape), np.cos(at) * u + turned, u)
            values[qubit] = u
        return values


def _free(turn: Turn, left: Words, right: Words, w: Array) -> tuple[Words, Words, Array]:
    """Pairs after a turn by a uniform angle."""
    one, two = anticommute(left, turn.string), anticommute(right, turn.string)
    both, none = one & two, ~(one | two)
    if not both.any():
        return left[none], right[none], w[none]
    halves = w[both] / 2
    halves[:, 1] += turn.slope**2 * halves[:, 0]
    (a, sign_a), (b, sign_b) = turn.turned(left[both]), turn.turned(right[both])
    return _merged(
        [left[none], left[both], a],
        [right[none], right[both], b],
        [w[none], halves, halves * (sign_a * sign_b)[:, None, None]],
    )


def _given(turn: Turn, moved: Words, kept: Words, w: Array, angles: Array) -> tuple[Words, Words, Array]:
    """Pairs after a turn of one copy by its own angle."""
    meets = anticommute(moved, turn.string)
    if not meets.any():
        return moved, kept, w
    words, signs = turn.turned(moved[meets])
    stay, go = w[meets] * np.cos(angles), w[meets] * np.sin(angles) * signs[:, None, None]
    passing = w[~meets]
    if stay.shape[2] > passing.shape[2]:
        passing = np.repeat(passing, stay.shape[2], axis=2)
    return _merged([moved[~meets], moved[meets], words], [kept[~meets], kept[meets], kept[meets]], [passing, stay, go])


def _merged(left: list[Words], right: list[Words], w: list[Array]) -> tuple[Words, Words, Array]:
    """Equal pairs as one, and none of weight zero."""
    rows = np.hstack([np.concatenate(left), np.concatenate(right)])
    weights = np.concatenate(w)
    places, inverse = unique_rows(rows)
    gather = sparse.csr_matrix((np.ones(len(rows)), (inverse, np.arange(len(rows)))), (len(places), len(rows)))
    total = np.asarray(gather @ weights.reshape(len(rows), -1)).reshape(len(places), *weights.shape[1:])
    alive = total.any(axis=(1, 2))
    half = rows.shape[1] // 2
    return places[alive, :half], places[alive, half:], total[alive]
