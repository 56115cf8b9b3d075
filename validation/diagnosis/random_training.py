"""Training of one datum in random circuits against the theory of the frozen kernel and its first correction.

Every circuit starts with the same residual ε₀ (its target is f(0) - ε₀) at the same η = rate/K̄. Held against it:

* the mean of ε(t)/ε₀ against (1 - ηK̄)^t, K̄ the exact mean of Haar layers;
* its standard deviation against that of (1 - ηK)^t, about tη(1 - ηK̄)^{t-1} ΔK, with the exact ΔK;
* the departure of each circuit from its own frozen decay against the first-order correction of its own dQNTK;
* the floor with update noise and with shots;
* training to a target y near and beyond the edge of the spectrum, where the kernel does not stay as it is; and, at
  several depths, against the laws that take over there (``transition``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.observables import parse_observable
from qntk.sampling import CircuitModel, ansatz
from qntk.sampling.learning.random_circuits import Circuits, HaarCircuits, descend, directional_curvature, shot_noise
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.training.frozen import FrozenTraining
from qntk.theory.training.meta_kernel import FirstOrderDecay
from qntk.theory.training.noise_floors import ShotNoise, UpdateNoise, gradient_variance, output_variance
from qntk.validation.diagnosis.config import RandomConfig
from qntk.validation.diagnosis.transition import Transition, transition

Array = NDArray[np.float64]
_SHOT_SIZES = (2, 16, 64)
"""Qubits, parameters and most draws of the training with shots, which takes 2L + 1 outputs a step."""
_SHOT_STEPS, _SHOT_FRACTION = 120, 0.5
_MOST_CIRCUITS = 512
"""Trained through the edge at the largest depth."""


@dataclass(frozen=True, eq=False)
class EnsembleRun:
    """One ensemble without noise; D draws.

    Attributes:
        ratios: ε(t)/ε₀, shape (D, steps + 1).
        frozen, corrected: the same as predicted from each circuit's K(0), and with its μ.
        kernels: K(0), shape (D,).
    """

    name: str
    ratios: Array
    frozen: Array
    corrected: Array
    kernels: Array


@dataclass(frozen=True, eq=False)
class RandomTraining:
    """Everything that was trained.

    Attributes:
        law: of Haar layers.
        rate: η.
        runs: noiseless, by ensemble.
        floors: by kind of noise, loss of each draw and of its own prediction, each of shape (draws,).
        targets: y, shape (T,).
        reached, drift, predicted_drift: |ε| at the end of training, relative change of K, and the predicted one,
            each of shape (T, draws).
        transition: the same in Haar layers of several depths, against the laws beyond the frozen kernel.
    """

    law: KernelLaw
    rate: float
    runs: dict[str, EnsembleRun]
    floors: dict[str, tuple[Array, Array]]
    targets: Array
    reached: Array
    drift: Array
    predicted_drift: Array
    transition: Transition | None = None


def random_training(
    config: RandomConfig, seed: int, progress: Callable[[str], object] = lambda _: None, workers: int = 1
) -> RandomTraining:
    """Train everything; the result depends on the configuration and the seed alone."""
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed, spawn_key=(2**31,)).spawn(6)]
    law = _law(config.qubits, config.parameters)
    rate = config.rate / law.mean().value
    shape = (config.draws, config.parameters)
    progress("Haar layers")
    haar = HaarCircuits.draw(config.draws, config.qubits, config.parameters, streams[0])
    runs = {"Haar layers": _noiseless("Haar layers", haar, streams[0].uniform(0, 2 * np.pi, shape), config, rate)}
    progress("random Paulis")
    pauli = _fixed(config.qubits, config.parameters, streams[1])
    angles = streams[1].uniform(0, 2 * np.pi, shape)
    runs["random Paulis"] = _noiseless("random Paulis", pauli, angles, config, rate)
    progress("noise")
    floors = {
        "update noise": _update_floor(pauli, angles, config, rate, streams[2]),
        "shots": _shot_floor(config, streams[3]),
    }
    progress("edge of the spectrum")
    targets, reached, drift, foreseen = _edge(pauli, angles[: min(config.draws, 64)], config, rate)
    through = None
    if config.ratios:
        progress("through the edge")
        draws = min(config.draws, _MOST_CIRCUITS)
        through = transition(config.ratios, draws, streams[5], config.widths, workers, lambda: progress("a depth"))
    return RandomTraining(law, rate, runs, floors, targets, reached, drift, foreseen, through)


def _law(qubits: int, parameters: int) -> KernelLaw:
    observable = OperatorMoments.of(parse_observable("Z0", qubits))
    return KernelLaw(parameters, observable, OperatorMoments.of(parse_observable("0.5*Z0", qubits)))


def _fixed(qubits: int, parameters: int, rng: np.random.Generator) -> CircuitModel:
    circuit = ansatz("random-pauli", qubits, parameters, rng=rng)
    return CircuitModel(circuit, parse_observable("Z0", qubits).operator(), workers=1)


def _noiseless(name: str, circuits: Circuits, thetas: Array, config: RandomConfig, rate: float) -> EnsembleRun:
    f, _ = circuits.value_and_gradient(thetas)
    residuals, kernels = descend(
        circuits, thetas, f - config.error, np.full(len(thetas), rate), config.steps
    )  # fmt: skip
    mu = directional_curvature(circuits, thetas)
    t = np.arange(config.steps + 1)
    frozen = (1 - rate * kernels[:, :1]) ** t
    corrected = np.stack(
        [
            FirstOrderDecay(float(k), float(m), config.error, rate).residual_at(t) / config.error
            for k, m in zip(kernels[:, 0], mu, strict=True)
        ]
    )
    return EnsembleRun(name, residuals / config.error, frozen, corrected, kernels[:, 0])


def _update_floor(
    circuits: Circuits, thetas: Array, config: RandomConfig, rate: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Started at the target, so that only noise is left; the loss over the second half of six decay times."""
    steps = max(20, round(6 / config.rate))
    f, _ = circuits.value_and_gradient(thetas)
    residuals, kernels = descend(
        circuits, thetas, f, np.full(len(f), rate), steps, sigma=config.sigma, rng=rng
    )  # fmt: skip
    late = slice(steps // 2, None)
    predicted = np.stack(
        [
            UpdateNoise(FrozenTraining(float(k), 0.0, rate), config.sigma).loss_at(np.arange(steps + 1))[late].mean()
            for k in kernels[:, 0]
        ]
    )
    return (0.5 * residuals[:, late] ** 2).mean(axis=1), predicted


def _shot_floor(config: RandomConfig, rng: np.random.Generator) -> tuple[Array, Array]:
    """A small circuit, each draw at a fraction of its own critical rate, from its target; binomial shots."""
    qubits, parameters, most = _SHOT_SIZES
    circuits = _fixed(qubits, parameters, rng)
    thetas = rng.uniform(0, 2 * np.pi, (min(config.draws, most), parameters))
    f, g = circuits.value_and_gradient(thetas)
    rates = _SHOT_FRACTION / (g**2).sum(axis=1)
    noise = shot_noise(circuits.outputs, config.shots, rng)
    residuals, _ = descend(circuits, thetas, f, rates, _SHOT_STEPS, noise=noise)
    s_g = _gradient_noise(circuits, thetas, g, config.shots)
    predicted = [
        ShotNoise(
            FrozenTraining(float((row**2).sum()), 0.0, float(rate)),
            output_variance(1 - float(value) ** 2, config.shots),
            float(noise_),
        ).stationary_loss()
        for row, rate, value, noise_ in zip(g, rates, f, s_g, strict=True)
    ]
    return (0.5 * residuals[:, _SHOT_STEPS // 4 :] ** 2).mean(axis=1), np.array(predicted)


def _gradient_noise(circuits: CircuitModel, thetas: Array, g: Array, shots: int) -> Array:
    """s_g² of each draw: of each component from its two shifted outputs, their mean weighted by g_ℓ²."""
    draws, L = thetas.shape
    plus, minus = (
        1 - circuits.outputs((thetas[:, None] + s * np.eye(L)).reshape(-1, L)).reshape(draws, L) ** 2
        for s in (np.pi / 2, -np.pi / 2)
    )
    single = np.vectorize(lambda p, m: gradient_variance(p, m, shots))(np.maximum(plus, 0), np.maximum(minus, 0))
    return np.asarray((single * g**2).sum(axis=1) / (g**2).sum(axis=1))


def _edge(circuits: Circuits, thetas: Array, config: RandomConfig, rate: float) -> tuple[Array, Array, Array, Array]:
    """Train the same circuits to each target, for fifteen decay times of the mean kernel."""
    steps = max(30, round(15 / config.rate))
    f, g = circuits.value_and_gradient(thetas)
    mu, kernel = directional_curvature(circuits, thetas), (g**2).sum(axis=1)
    targets = np.array(config.targets)
    runs = [descend(circuits, thetas, np.full(len(f), y), np.full(len(f), rate), steps) for y in targets]
    reached = np.stack([np.abs(residuals[:, -1]) for residuals, _ in runs])
    drift = np.stack([np.abs(kernels[:, -1] / kernels[:, 0] - 1) for _, kernels in runs])
    foreseen = np.stack([2 * np.abs(mu * (f - y)) / kernel**2 for y in targets])
    return targets, reached, drift, foreseen
