"""Training of one datum in random circuits against the theory, with planted wrong theories as controls."""

import numpy as np
import pytest

from qntk.validation.diagnosis.config import RandomConfig
from qntk.validation.diagnosis.random_figures import random_figure
from qntk.validation.diagnosis.random_training import random_training


@pytest.fixture(scope="module")
def run():
    return random_training(RandomConfig(qubits=3, parameters=32, draws=400, error=0.05, sigma=0.001), seed=11)


def test_frozen_decay_and_its_correction(run):
    """Each circuit's own frozen decay; the first order removes at least nine tenths of the departure's mean square.

    Deterministic given the seed: the same 400 circuits on both sides. Controls: a rate off by 20 %, and the
    correction with the wrong sign.
    """
    for found in run.runs.values():
        assert np.abs(found.ratios[:, 1] - found.frozen[:, 1]).max() < 0.01
        departure, predicted = (found.ratios - found.frozen)[:, 5], (found.corrected - found.frozen)[:, 5]
        rest = np.mean((departure - predicted) ** 2) / np.mean(departure**2)
        assert rest < 0.1
        assert np.mean((departure + predicted) ** 2) > np.mean(departure**2)
        wrong = (1 - 1.2 * run.rate * found.kernels) ** 1
        assert np.abs(found.ratios[:, 1] - wrong).mean() > 0.02


def test_the_figure_has_the_departures_of_each_circuit_against_their_correction(run):
    step = max(1, round(1 / (run.rate * run.law.mean().value)))
    drawn = [line for line in random_figure(run).axes[2].lines if line.get_marker() == "o"]
    for line, found in zip(drawn, run.runs.values(), strict=True):
        x, y = line.get_data()
        assert x == pytest.approx(found.corrected[:, step] - found.frozen[:, step])
        assert y == pytest.approx(found.ratios[:, step] - found.frozen[:, step])


def test_mean_and_spread_of_haar_layers(run):
    """Mean of ε(1)/ε₀ = 1 - ηK̄ to second order in ε₀, within 4.9 standard errors and 0.002 (false fail 1e-6, 400
    circuits); its standard deviation ηΔK within 25 % (seven standard errors). A mean kernel 20 % off is seen.
    """
    seen = run.runs["Haar layers"].ratios[:, 1]
    mean, sd = run.law.mean().value, np.sqrt(run.law.variance().value)
    error = 4.9 * seen.std() / np.sqrt(len(seen)) + 0.002
    assert abs(seen.mean() - (1 - run.rate * mean)) < error
    assert abs(seen.mean() - (1 - 1.2 * run.rate * mean)) > error
    assert seen.std() == pytest.approx(run.rate * sd, rel=0.25)


def test_noise_floors(run):
    """Paired with each circuit's own prediction: 4.9 standard errors and 5 % for the drift of K (false fail 1e-6).

    Control: a floor twice as high, which is what shots for twice the variance would give.
    """
    for seen, predicted in run.floors.values():
        difference = seen - predicted
        allowed = 4.9 * difference.std() / np.sqrt(len(seen)) + 0.05 * predicted.mean()
        assert abs(difference.mean()) < allowed
        assert abs((seen - 2 * predicted).mean()) > allowed


def test_beyond_the_edge_training_stops_at_the_spectrum(run):
    last = run.reached[run.targets == 1.2][0]
    assert (last > 0.2 - 1e-9).all()
    assert np.median(last) == pytest.approx(0.2, abs=0.05)
    assert np.median(run.reached[0]) < 1e-3
    assert np.median(run.drift[-1]) > 3 * np.median(run.drift[0])


def test_reproducible():
    small = RandomConfig(qubits=2, parameters=6, draws=8, steps=10, shots=10, targets=[0.1])
    a, b = (random_training(small, 5) for _ in range(2))
    assert all((a.runs[name].ratios == b.runs[name].ratios).all() for name in a.runs)
    assert (a.floors["shots"][0] == b.floors["shots"][0]).all()
    assert (random_training(small, 6).reached != a.reached).any()
