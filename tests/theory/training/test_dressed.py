"""The dressed kernel against models whose gradients keep their direction exactly, and against the flow laws."""

import numpy as np
import pytest

from qntk.theory.training.dressed import dressed, dressed_critical_rate, dressed_kernel
from qntk.theory.training.frozen import FrozenTraining
from qntk.theory.training.imaginary_time import imaginary_time
from qntk.theory.training.one_datum import flow_one

TRAINING = np.array([True, True, False, True, False])


def model(seed, centre=0.0, half=1.0):
    """f = m + h sin φ with φ linear in 30 parameters: outputs and Jacobian by θ."""
    rng = np.random.default_rng(seed)
    weights, offset = rng.normal(size=(5, 30)) / 6, rng.uniform(-1, 1, 5)

    def at(theta):
        angle = offset + weights @ theta
        return centre + half * np.sin(angle), half * np.cos(angle)[:, None] * weights

    return at


@pytest.mark.parametrize(("loss", "factor"), [("half-sum", 1), ("half-mean", 1 / 3), ("sum", 2), ("mean", 2 / 3)])
def test_exact_where_the_direction_stays(loss, factor):
    """Gradient descent in θ, labels inside and beyond the spectrum [-1, 3], four loss conventions."""
    at = model(0, 1.0, 2.0)
    theta = np.zeros(30)
    labels = np.array([2.5, -0.5, np.nan, 3.6, np.nan])
    f, J = at(theta)
    run = dressed(J @ J.T, f, labels, TRAINING, 0.1, 80, levels=(-1, 3), loss=loss)
    for t in range(81):
        f, J = at(theta)
        assert np.abs(run.outputs[t] - f).max() < 1e-12
        assert np.abs(run.kernel(t) - J @ J[TRAINING].T).max() < 1e-12
        theta = theta - factor * 0.1 * J[TRAINING].T @ (f - labels)[TRAINING]
    prefactor = factor / 2
    assert np.isclose(run.loss[-1], prefactor * ((run.outputs[-1] - labels)[TRAINING] ** 2).sum())
    assert np.all(run.outputs <= 3)


def test_small_moves_are_frozen_training():
    f, J = model(1)(np.zeros(30))
    labels = f + 1e-6 * np.array([1, -2, 0, 1, 0])
    K = J @ J.T
    run = dressed(K, f, labels, TRAINING, 0.1, 60)
    frozen = FrozenTraining(K[np.ix_(TRAINING, TRAINING)], (f - labels)[TRAINING], 0.1)
    assert np.abs(run.outputs[60] - frozen.outputs_at(60, K[:, TRAINING], f)).max() < 1e-11


def test_one_datum_is_the_flow():
    run = dressed([[3 * (1 - 0.09)]], [0.3], [1.2], np.array([True]), 0.1, 60)
    assert np.abs(run.outputs[:, 0] - flow_one(0.3, 1.2, 0.1, 3.0, 60).output).max() < 1e-14
    weights = [[0.35, 0.65]]
    several = dressed([[2.73]], [0.3], [1.2], np.array([True]), 0.1, 60, weights=weights, eigenvalues=[-1, 1])
    assert np.abs(several.outputs - run.outputs).max() < 1e-9
    o, p = np.array([-1.0, 0.3, 1.2]), np.array([0.2, 0.5, 0.3])
    v = p @ (o - p @ o) ** 2
    run = dressed([[3 * v]], [p @ o], [1.4], np.array([True]), 2e-4, 4000, weights=[p], eigenvalues=o)
    law = imaginary_time(o, p, 1.4, 2e-4, 3.0, 4000, continuous=True)
    assert np.abs(run.outputs[:, 0] - law.output).max() < 1e-4
    assert np.abs(run.variances[:, 0] - law.variance).max() < 1e-4


def test_more_levels_stay_within_their_support():
    o, p = np.array([-1.0, 0.3, 0.31, 1.2]), np.array([0.2, 0.5, 0.3, 0.0])
    run = dressed([[8.0]], [p @ o], [2.0], np.array([True]), 0.9, 200, weights=[p], eigenvalues=o, unstable=True)
    assert run.outputs.max() < 0.31 + 1e-9


def test_critical_rate_at_the_labels():
    f, J = model(2)(np.zeros(30))
    labels = np.array([0.9, -0.95, 0.0, 0.5, 0.2])
    K = J @ J.T
    at_labels = dressed_kernel(K, 1 - f**2, 1 - labels**2)
    assert np.isclose(dressed_critical_rate(K, f, labels), 2 / np.linalg.eigvalsh(at_labels)[-1])
    assert dressed_critical_rate([[2.0]], [0.0], [1.5]) == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dressed([[1.0]], [1.0], [0.5], np.array([True]), 0.1, 5), "0/0"),
        (lambda: dressed([[1.0]], [1.5], [0.5], np.array([True]), 0.1, 5), "outside the spectrum"),
        (lambda: dressed([[1.0]], [0.0], [np.nan], np.array([True]), 0.1, 5), "label 0 is nan"),
        (
            lambda: dressed([[1.0]], [0.0], [0.5], np.array([True]), 1.1, 5, loss="sum"),
            "a rate below 1, or unstable=True",
        ),
        (
            lambda: dressed([[1.0]], [0.5], [0.5], np.array([True]), 0.1, 5, levels=None),
            "needs weights and eigenvalues",
        ),
        (
            lambda: dressed([[1.0]], [0.5], [0.5], np.array([True]), 0.1, 5, weights=[[0.5, 0.5]], eigenvalues=[-1, 1]),
            "contradict",
        ),
        (
            lambda: dressed([[1.0]], [1.0], [0.5], np.array([True]), 0.1, 5, weights=[[0.0, 1.0]], eigenvalues=[-1, 1]),
            "eigenstate",
        ),
        (lambda: dressed(np.eye(3), [0.0, 0.0], [0, 0], np.array([True, True]), 0.1, 5), "kernel has shape"),
        (
            lambda: dressed([[1, 2], [2, 1]], [0.0, 0.0], [0, 0], np.array([True, True]), 0.1, 5),
            "symmetric and positive",
        ),
        (lambda: dressed_kernel(np.eye(2), [0.0, 1.0], [1.0, 1.0]), "0/0"),
    ],
)
def test_what_cannot_be_dressed_is_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
