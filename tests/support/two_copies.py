"""Second moments of a circuit by brute force: the average of ρ⊗ρ under U⊗U as a 4^n × 4^n array, gate by gate.

Nothing of the project enters: gates are dense matrices, their action on the Pauli basis comes from traces, and an angle
is averaged over four values, which is exact for second moments.
"""

import functools
import itertools

import numpy as np
from scipy.sparse import csr_array

PAULI = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}
QUARTERS = np.arange(4) * np.pi / 2


def string(letters):
    """A Pauli matrix from letters, highest qubit first."""
    return functools.reduce(np.kron, [PAULI[letter] for letter in letters])


@functools.cache
def basis(qubits):
    return np.stack([string(letters) for letters in itertools.product("IXYZ", repeat=qubits)])


def index(label):
    """Place of a label in the basis."""
    return int("".join(str("IXYZ".index(letter)) for letter in label), 4)


def transfer(matrix):
    """How U†PU is made of the Paulis, sparse, shape (4^n, 4^n): column P."""
    D = len(matrix)
    paulis = basis(D.bit_length() - 1)
    flat = paulis.reshape(len(paulis), -1)
    turned = matrix.conj().T @ paulis @ matrix
    table = (flat.conj() @ turned.reshape(len(paulis), -1).T / D).real
    return csr_array(np.where(np.abs(table) < 1e-15, 0, table))


def embed(letters, places, qubits):
    """The label of Pauli letters on some qubits."""
    label = ["I"] * qubits
    for letter, place in zip(letters, places, strict=True):
        label[qubits - 1 - place] = letter
    return "".join(label)


def turn(label, angle):
    """exp(-i angle P/2)."""
    P = string(label)
    return np.cos(angle / 2) * np.eye(len(P)) - 1j * np.sin(angle / 2) * P


@functools.lru_cache(256)
def rotation(label):
    """What a rotation makes of the Paulis at the four angles, and the derivative by its angle."""
    P, paulis = string(label), basis(len(label))
    flat = paulis.reshape(len(paulis), -1)
    inner = (0.5j * (P @ paulis - paulis @ P)).reshape(len(paulis), -1)
    return [transfer(turn(label, angle)) for angle in QUARTERS], csr_array((flat.conj() @ inner.T / len(P)).real)


class Gate:
    """A gate on two copies: fixed, or a rotation with a uniform angle."""

    def __init__(self, matrix=None, label=None):
        self.label = label
        if label is None:
            self.tables = [transfer(matrix)]
            return
        self.tables, self.commutator = rotation(label)

    def average(self, moments):
        """E of T M Tᵀ over the angle."""
        return sum(table @ (table @ moments).T for table in self.tables).T / len(self.tables)

    def derivative(self, moments):
        """The same for the product of the derivatives of both copies."""
        inner = self.commutator @ (self.commutator @ moments).T
        return self.average(inner.T)


def moments_of(observable, other=None):
    """The array of O⊗O, or of O⊗O'."""
    qubits = len(next(iter(observable)))
    vectors = []
    for terms in (observable, observable if other is None else other):
        vector = np.zeros(4**qubits)
        for label, coefficient in terms.items():
            vector[index(label)] += coefficient
        vectors.append(vector)
    return np.outer(*vectors)


def expectations(state):
    """<P> of every Pauli in a density matrix."""
    paulis = basis(len(state).bit_length() - 1)
    return np.einsum("pij,ji->p", paulis, state).real


def back(gates, moments, layers=1):
    """The array before so many layers of gates, which are in time order."""
    for _ in range(layers):
        for gate in reversed(gates):
            moments = gate.average(moments)
    return moments


def deep_moments(gates, observable, first, second, ahead, behind):
    """E g² (or E g_i g_j) of each rotation, and E f², of a layer with ``ahead`` layers between it and the observable.

    ``behind`` layers lie between the layer and the inputs, vectors of expectation values.
    """
    moments = back(gates, moments_of(observable), ahead)
    adjoint = np.outer(first, second)
    for _ in range(behind):
        for gate in gates:
            adjoint = sum(table.T @ (table.T @ adjoint).T for table in gate.tables).T / len(gate.tables)
    result = []
    for place, gate in enumerate(gates):
        if gate.label is None:
            continue
        inner = gate.derivative(back(gates[place + 1 :], moments))
        result.append(float((back(gates[:place], inner) * adjoint).sum()))
    return np.array(result), float((back(gates, moments) * adjoint).sum())
