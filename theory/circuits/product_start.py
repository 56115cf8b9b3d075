"""Rotations on single qubits at a circuit's beginning, summed in closed form.

Rotations that come before any string on two qubits act on each qubit alone. Where the input is a product state the
second moment of what they make of a string P is a product over qubits, Π_q u_q(P_q), so that the strings below them
need not be listed: a first layer of two rotations on each of n qubits would make 3^n of one string. Forwards in time,

    u(P) → (u(P) + u(iQP))/2  where Q anticommutes with P,  u(P) otherwise,

and the derivative by that rotation starts from the same value and then follows the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qntk.theory.circuits.clifford_frame import RotationFrame
from qntk.theory.circuits.path_families import Array
from qntk.theory.circuits.pauli_words import StabiliserState, Words, pack

_MEETS = np.array([[a and b and a != b for b in range(4)] for a in range(4)])
"""Whether two of I, X, Z, Y, numbered by their bits x + 2z, anticommute."""


@dataclass(frozen=True, eq=False)
class ProductStart:
    """The leading rotations of a circuit on single qubits, on a product input.

    Attributes:
        qubits: of each of these rotations, shape (m,).
        values: u_q by qubit and letter, shape (n, 4); letters I, X, Z, Y.
        slopes: what u_q becomes for the derivative by each rotation, shape (m, 4), of its own qubit.
    """

    qubits: NDArray[np.int64]
    values: Array
    slopes: Array

    @classmethod
    def of(cls, frame: RotationFrame, inputs: tuple[StabiliserState, ...]) -> ProductStart | None:
        """That of a circuit; None where an input is no product state, or the first rotation is on several qubits."""
        letters = unpacked(frame.rotations, frame.qubits)
        alone = (letters > 0).sum(axis=1) == 1
        count = len(alone) if alone.all() else int(alone.argmin())
        values = _product_values(inputs, frame.qubits)
        if not count or values is None:
            return None
        qubits = (letters[:count] > 0).argmax(axis=1)
        slopes = np.zeros((count, 4))
        for index, qubit in enumerate(qubits):
            letter = letters[index, qubit]
            meets = _MEETS[letter]
            earlier = np.flatnonzero(qubits[:index] == qubit)
            slopes[earlier] = _turned(slopes[earlier], letter)
            values[qubit] = _turned(values[qubit], letter)
            slopes[index] = np.where(meets, values[qubit], 0.0)
        return cls(qubits, values, slopes)

    def worth(self, strings: Words) -> Array:
        """Mean of <P>² (for two inputs of <P>₁<P>₂) of strings after these rotations, shape (N,)."""
        return np.asarray(self._factors(strings).prod(axis=1))

    def squares(self, strings: Words, weights: Array) -> Array:
        """Σ weight · E (∂_ℓ <P>)² by rotation, shape (m,)."""
        factors, letters = self._factors(strings), unpacked(strings, len(self.values))
        # Products of all other qubits, without division: a factor may be zero.
        ones = np.ones((len(factors), 1))
        before = np.cumprod(np.hstack([ones, factors[:, :-1]]), axis=1)
        after = np.cumprod(np.hstack([ones, factors[:, :0:-1]]), axis=1)[:, ::-1]
        others = (before * after)[:, self.qubits]
        own = np.take_along_axis(self.slopes.T, letters[:, self.qubits], axis=0)
        return np.asarray(weights @ (others * own))

    def _factors(self, strings: Words) -> Array:
        return self.values[np.arange(len(self.values)), unpacked(strings, len(self.values))]


def unpacked(strings: Words, qubits: int) -> NDArray[np.int64]:
    """Letters of packed strings, shape (N, n): x + 2z, so that 0 to 3 are I, X, Z, Y."""
    half = strings.shape[-1] // 2
    shifts = np.arange(64, dtype=np.uint64)
    bits = [((part[..., None] >> shifts) & np.uint64(1)).reshape(len(strings), -1)[:, :qubits]
            for part in (strings[:, :half], strings[:, half:])]  # fmt: skip
    return bits[0].astype(np.int64) + 2 * bits[1].astype(np.int64)


def _turned(values: Array, letter: int) -> Array:
    """One rotation about ``letter``; values have the letters on their last axis."""
    return np.where(_MEETS[letter], (values + values[..., np.arange(4) ^ letter]) / 2, values)


def _product_values(inputs: tuple[StabiliserState, ...], qubits: int) -> Array | None:
    """<P>₁<P>₂ of single letters, shape (n, 4), if every input is a product of one-qubit states."""
    eye = np.eye(qubits, dtype=bool)
    none = np.zeros_like(eye)
    strings = [pack(x, z) for x, z in ((eye, none), (none, eye), (eye, eye))]
    values = np.ones((qubits, 4))
    for state in inputs * (2 if len(inputs) == 1 else 1):
        found = np.stack([state.expectations(words) for words in strings], axis=1)
        if ((found != 0).sum(axis=1) != 1).any():
            return None
        values[:, 1:] *= found
    return values
