"""Product states of one-qubit states, pure or mixed, by their Bloch vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qntk.theory.circuits.pauli_words import Words, unpack


@dataclass(frozen=True, eq=False)
class ProductState:
    """A product state; row q of ``bloch``, shape (n, 3), holds <X>, <Y>, <Z> of qubit q.

    Raises ``ValueError`` for another shape, or a vector longer than 1.

    >>> from qntk.theory.circuits.pauli_words import pack_label
    >>> ProductState(np.array([[0.6, 0, 0.8], [0, 0, 1]])).expectations(pack_label("ZX")[None]).tolist()
    [0.6]
    """

    bloch: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse what is no product of states."""
        if self.bloch.ndim != 2 or self.bloch.shape[1] != 3:
            raise ValueError(f"bloch has shape {self.bloch.shape}; give one vector <X>, <Y>, <Z> a qubit")
        if not np.linalg.norm(self.bloch, axis=1).max() < 1 + 1e-9:
            raise ValueError("a Bloch vector is longer than 1, or not a number")

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return len(self.bloch)

    def expectations(self, strings: Words) -> NDArray[np.float64]:
        """<P> of each string of shape (N, 2W), shape (N,)."""
        x, z = np.split(unpack(strings, self.qubits), 2, axis=1)
        result = np.ones(len(strings))
        for qubit, vector in enumerate(self.bloch):
            factors = np.array([1.0, vector[0], vector[2], vector[1]])
            result *= factors[x[:, qubit] + 2 * z[:, qubit]]
        return result
