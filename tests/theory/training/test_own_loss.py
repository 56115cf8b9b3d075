"""Losses that are no squares, against gradient descent in the parameters of models whose kernel is known."""

import numpy as np
import pytest

from qntk.theory.training.dressed import dressed
from qntk.theory.training.frozen import FrozenTraining
from qntk.theory.training.own_loss import curved_critical_rate, curved_decay_time, curved_modes, own_loss_outputs

RNG = np.random.default_rng(8)
J = RNG.normal(size=(6, 9)) / 3
START = RNG.uniform(-0.6, 0.6, 6)
LABELS = np.array([1.0, -1, 1, -1, 1, -1])
MASK = np.array([True, True, True, True, False, False])


def slope(f):
    """Of the logistic loss Σ log(1 + e^{-3yf}) on the training points."""
    y = LABELS[MASK]
    return -3 * y / (1 + np.exp(3 * y * f))


def test_a_linear_model_is_stepped_as_gradient_descent_in_its_parameters_does():
    theta, path = np.zeros(9), own_loss_outputs(J @ J.T, START, MASK, slope, 0.2, 40)
    for step in range(41):
        f = START + J @ theta
        np.testing.assert_allclose(path[step], f, atol=1e-12)
        theta -= 0.2 * J[MASK].T @ slope(f[MASK])


def test_a_model_of_sines_is_stepped_by_the_dressed_kernel():
    """f = m + h sin(φ₀ + Jθ) has the dressed kernel exactly. The control: with the frozen one it is 0.1 off."""
    m, h, theta = 0.25, 0.75, np.zeros(9)
    phase = np.arcsin((START * h) / h)
    start = m + h * np.sin(phase)
    cross = h**2 * np.cos(phase)[:, None] * (J @ J[MASK].T) * np.cos(phase[MASK])
    path = own_loss_outputs(cross, start, MASK, slope, 0.2, 40, levels=(m - h, m + h))
    for step in range(41):
        f = m + h * np.sin(phase + J @ theta)
        np.testing.assert_allclose(path[step], f, atol=1e-12)
        theta -= 0.2 * (J * (h * np.cos(phase + J @ theta))[:, None])[MASK].T @ slope(f[MASK])
    assert np.abs(own_loss_outputs(cross, start, MASK, slope, 0.2, 40)[-1] - path[-1]).max() > 0.1


def test_squares_are_the_closed_forms():
    K, y = J @ J.T, LABELS / 2
    own = own_loss_outputs(K, START, MASK, lambda f: f - y[MASK], 0.3, 25)
    law = FrozenTraining(K[MASK][:, MASK], (START - y)[MASK], 0.3)
    np.testing.assert_allclose(own, law.outputs_at(np.arange(26), K[:, MASK], START), atol=1e-12)
    two = own_loss_outputs(K, START, MASK, lambda f: f - y[MASK], 0.3, 25, levels=(-1, 1))
    np.testing.assert_allclose(two, dressed(K, START, y, MASK, 0.3, 25).outputs, atol=1e-12)
    modes = curved_modes(K, 0.6 * np.eye(6))
    np.testing.assert_allclose(modes, 0.6 * np.linalg.eigvalsh(K), atol=1e-12)


def test_the_critical_rate_is_where_small_deviations_grow():
    """From the minimum of a quartic with curvature, a little off, just below and above 2/λ_max(KH)."""
    K, H = J[:4] @ J[:4].T, np.diag([0.5, 1.0, 3.0, 0.2])
    H[0, 1] = H[1, 0] = 0.3
    modes = curved_modes(K, H)
    np.testing.assert_allclose(modes, np.sort(np.linalg.eigvals(K @ H).real), rtol=1e-9)
    critical = curved_critical_rate(modes)
    last = [
        own_loss_outputs(K, np.full(4, 1e-6), np.ones(4, bool), lambda f: H @ f + 4 * f**3, share * critical, 100)[
            60::40
        ]
        for share in (0.98, 1.02)
    ]
    growth = [np.abs(end[1]).max() / np.abs(end[0]).max() for end in last]
    np.testing.assert_allclose(growth, [0.96**40, 1.04**40], rtol=0.05)  # |1 - 2 share| a step
    eta = 0.4 * critical
    assert curved_decay_time(modes, eta) == pytest.approx(np.max(-1 / np.log(np.abs(1 - eta * modes))))


def test_a_loss_without_curvature_has_no_critical_rate():
    modes = curved_modes(np.eye(2), np.zeros((2, 2)))
    assert curved_critical_rate(modes) == np.inf
    assert curved_decay_time(modes, 0.1) == np.inf
    assert curved_critical_rate(curved_modes(np.eye(2), -np.eye(2))) == np.inf
    assert curved_decay_time(curved_modes(np.eye(2), np.diag([1.0, 3.0])), 0.7) == np.inf


def test_outputs_that_fly_apart_are_told():
    with pytest.raises(ValueError, match="range of numbers at step"):
        own_loss_outputs([[1.0]], [2.0], [True], lambda f: f**3, 5.0, 50)
