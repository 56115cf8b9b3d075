"""E K² of brickworks against circuits drawn gate by gate, against the mean's own chain, and where it ends."""

import functools

import numpy as np
import pytest

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.circuits.brickwork import brickwork_mean
from qntk.theory.circuits.copies.brickwork_square import _moments, brickwork_square, gradient_kurtosis

PAULI = {"I": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}


def haar(draws, rng):
    q, r = np.linalg.qr(rng.normal(size=(draws, 4, 4)) + 1j * rng.normal(size=(draws, 4, 4)))
    diagonal = np.einsum("dii->di", r)
    return q * (diagonal / abs(diagonal))[:, None]


def applied(gate, states, qubits, one, two):
    """A gate of each draw on two qubits, axes counted from the left."""
    held = np.moveaxis(states.reshape((-1,) + (2,) * qubits), [1 + one, 1 + two], [1, 2])
    turned = gate @ held.reshape(len(states), 4, -1)
    return np.moveaxis(turned.reshape(held.shape), [1, 2], [1 + one, 1 + two]).reshape(len(states), -1)


def drawn(qubits, depth, label, draws, rng):
    """K of circuits of Haar-random gates whose last layer couples 0 and 1; its Z/2 are between layers."""
    O = functools.reduce(np.kron, [PAULI[letter] for letter in label])
    axis = lambda q: qubits - 1 - q % qubits  # noqa: E731
    layers = []
    for layer in range(depth):
        shift = (depth - 1 - layer) % 2
        layers.append([(haar(draws, rng), axis(q), axis(q + 1)) for q in range(shift, qubits, 2)])
    states = np.zeros((draws, 2**qubits), dtype=complex)
    states[:, 0] = 1
    seen = []
    for gates in layers:
        for gate, *where in gates:
            states = applied(gate, states, qubits, *where)
        seen.append(states)
    back, kernel = states @ O.T, np.zeros(draws)
    for layer in range(depth - 1, 0, -1):
        for gate, *where in layers[layer]:
            back = applied(gate.conj().transpose(0, 2, 1), back, qubits, *where)
        overlap = (back.conj() * seen[layer - 1]).reshape((draws,) + (2,) * qubits)
        for place in range(qubits):
            signed = np.moveaxis(overlap, 1 + place, 1).reshape(draws, 2, -1).sum(axis=2)
            kernel += (signed[:, 0] - signed[:, 1]).imag ** 2
    return kernel


@pytest.mark.parametrize(
    ("qubits", "depth", "label"), [(2, 2, "XY"), (4, 2, "IIIZ"), (4, 3, "IXZI"), (4, 6, "IIIZ"), (6, 3, "IIIIIZ")]
)
def test_against_drawn_circuits(qubits, depth, label):
    """10 000 circuits, E K and E K² within 5 standard errors (6e-7); a layer more is out."""
    rng = np.random.default_rng(qubits + depth)
    kernels = np.concatenate([drawn(qubits, depth, label, 2500, rng) for _ in range(4)])
    found = brickwork_square(qubits, depth + 1, label)
    beyond = []
    for values, exact in ((kernels, found.means), (kernels**2, found.squares)):
        error = values.std() / 100
        assert abs(values.mean() - exact[depth - 2]) < 5 * error
        beyond.append(abs(values.mean() - exact[depth - 1]) > 5 * error)
    assert any(beyond)


@pytest.mark.parametrize(("qubits", "label"), [(2, "IZ"), (4, "IIIZ"), (6, "IIIIIZ")])
def test_the_mean_is_that_of_occupation_patterns(qubits, label):
    found = _moments(2, qubits, 8, label)
    for depth in range(2, 9):
        assert found[depth - 2] == pytest.approx(brickwork_mean(qubits, depth, {label: 1.0}).value, rel=1e-11)


def test_where_it_ends():
    """E K² ends as a square in the depth, and ΔK/K̄ at the plateau of Haar layers: for 4 qubits within 5 % of that law
    from 314 layers on, though the mean is there after 20; on 2 qubits at once."""
    pauli = OperatorMoments.from_pauli(4)
    found = brickwork_square(4, 400, "IIIZ")
    assert abs(np.diff(found.squares, 3)[200:]).max() < 1e-9 * found.squares[-1]
    law = np.array([float(KernelLaw(4 * (d - 1), pauli, pauli.scaled(0.5)).relative_std()) for d in range(2, 401)])
    ratio = found.relative_std / law
    assert 2 + int(np.flatnonzero(ratio > 1.05)[-1]) + 1 == 314
    two = OperatorMoments.from_pauli(2)
    small = brickwork_square(2, 6, "IZ").relative_std
    assert small[0] / float(KernelLaw(2, two, two.scaled(0.5)).relative_std()) == pytest.approx(1.0086, abs=1e-4)


def test_one_gradient_alone():
    """E g⁴/(E g²)² ends at Haar's, on two qubits at once; near the ends it is another."""
    for qubits, layers, near in ((2, 1, 1e-12), (4, 30, 1e-6)):
        pauli = OperatorMoments.from_pauli(qubits)
        haar = 1 + float(KernelLaw(1, pauli, pauli.scaled(0.5)).relative_std()) ** 2
        found = gradient_kurtosis(qubits, layers, layers, "I" * (qubits - 1) + "Z")
        assert found == pytest.approx(haar, rel=near)
    assert gradient_kurtosis(4, 1, 1, "IIIZ") != pytest.approx(haar, rel=0.2)


@pytest.mark.parametrize(
    "arguments", [(3, 4, "IIZ"), (10, 4, "I" * 9 + "Z"), (4, 1, "IIIZ"), (4, 3, "IIII"), (4, 3, "Z")]
)
def test_refusals(arguments):
    with pytest.raises(ValueError, match=r"give an even number|no Pauli string"):
        brickwork_square(*arguments)
