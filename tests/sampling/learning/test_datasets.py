"""Data sets against dense diagonalisation and free fermions, and what is refused."""

from functools import reduce

import numpy as np
import pytest

from qntk.sampling.learning.datasets import FIELDS, TRAINING_FIELDS, Dataset, fourier, ising, kink
from qntk.sampling.learning.ising import magnetisation

X, Z, I = np.array([[0, 1], [1, 0]]), np.diag([1, -1]), np.eye(2)


def dense(n, h, b, periodic, direction, J=1.0):
    """Ground-state magnetisation from Kronecker products, in the numpy order of qubits."""

    def on(matrices):
        return reduce(np.kron, [matrices.get(q, I) for q in range(n)])

    bonds = [(q, q + 1) for q in range(n - 1)] + ([(n - 1, 0)] if periodic and n > 2 else [])
    H = -J * sum(on({a: Z, c: Z}) for a, c in bonds)
    H = H - h * sum(on({q: X}) for q in range(n)) - b * sum(on({q: Z}) for q in range(n))
    _, states = np.linalg.eigh(H)
    O = sum(on({q: X if direction == "x" else Z}) for q in range(n)) / n
    return states[:, 0] @ O @ states[:, 0]


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("n", "b", "direction"), [(2, 0.1, "z"), (3, 0.0, "x"), (6, 0.05, "z"), (8, 0.0, "x")])
def test_magnetisation_against_kronecker_products(n, b, direction, periodic):
    """Eight spins go through Lanczos, the others through LAPACK; fields where the ground state is unique."""
    fields = [-2.0, -0.7, 0.4, 1.0, 3.0]
    expected = [dense(n, h, b, periodic, direction) for h in fields]
    assert magnetisation(fields, n, 1.0, periodic, b, direction) == pytest.approx(expected, abs=1e-9)
    other = magnetisation(fields, n, 1.0, not periodic, b, direction)
    if n > 2:  # control: the closed and the open chain differ
        assert np.abs(other - expected).max() > 1e-3


def test_fourteen_spins_against_free_fermions():
    """Ring of 14, antiperiodic fermions: <X> = (1/N) Σ_k (h + cos k)/√(1 + h² + 2h cos k)."""
    N, h = 14, 1.3
    k = np.pi * (2 * np.arange(N) + 1) / N
    exact = np.mean((h + np.cos(k)) / np.sqrt(1 + h * h + 2 * h * np.cos(k)))
    assert magnetisation([h], N)[0] == pytest.approx(exact, abs=1e-9)


def test_degenerate_ground_states_are_mixed():
    assert magnetisation([0.0], 6)[0] == pytest.approx(0, abs=1e-12)
    assert magnetisation([0.0], 8)[0] == pytest.approx(0, abs=1e-9)


def test_the_default_is_the_experiment():
    data = ising()
    assert (len(data.labels), data.training.sum(), data.features) == (20, 10, 1)
    assert data.x[[0, -1], 0] == pytest.approx([-0.95, 0.95])
    assert tuple(data.shown[data.training]) == TRAINING_FIELDS
    assert data.labels == pytest.approx(-magnetisation([-h for h in FIELDS]), abs=1e-12)  # odd in the field


def test_fourier_series_has_the_stated_degree():
    data = fourier(degree=3, points=64, seed=4)
    k = np.pi * np.arange(4)
    design = np.hstack([np.cos(data.x * k), np.sin(data.x * k[1:])])
    residual = data.labels - design @ np.linalg.lstsq(design, data.labels)[0]
    short = design[:, [0, 1, 2, 4, 5]]
    assert np.abs(residual).max() < 1e-10
    assert np.abs(data.labels - short @ np.linalg.lstsq(short, data.labels)[0]).max() > 1e-3  # degree 2 is not enough
    assert np.abs(data.labels).max() <= 0.8 + 1e-6
    assert kink(5).labels == pytest.approx([0.72, -0.04, -0.8, -0.04, 0.72])


def test_labels_beyond_the_spectrum_are_said():
    data = Dataset("d", np.array([[0.0], [1.0], [2.0]]), np.array([0.5, 0.2, -0.5]), np.array([True, False, True]),
                   np.zeros(3))  # fmt: skip
    assert data.unreachable(-1, 1) == ""
    assert "2 of 2" in data.unreachable(-0.1, 0.1)


def test_bad_arguments():
    with pytest.raises(ValueError, match="2 to 14"):
        magnetisation([1.0], 15)
    with pytest.raises(ValueError, match="vanishes without"):
        magnetisation([1.0], 4, direction="z")
    with pytest.raises(ValueError, match="not among the fields"):
        ising(training=[0.3])
    with pytest.raises(ValueError, match="degree"):
        fourier(degree=0)
    with pytest.raises(ValueError, match="points to train on"):
        Dataset("d", np.zeros((1, 1)), np.zeros(1), np.ones(1, bool), np.zeros(1))
    with pytest.raises(ValueError, match="same input"):
        Dataset("d", np.zeros((3, 1)), np.zeros(3), np.ones(3, bool), np.zeros(3))
