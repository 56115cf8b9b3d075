"""Gradient descent on a single datum in random circuits, a batch of circuits at once.

Two ensembles, both of exp(-iθ_ℓ P_ℓ/2) between Haar-random unitaries on n qubits, observable Z on qubit 0:

* ``HaarCircuits``: every draw has its own unitaries, one before the first generator, one between any two and one
  before O; the generator is Z on qubit 0, which is every Pauli, since the unitaries absorb what maps one to another;
* a fixed circuit of ``qntk.sampling.circuits.catalogue``, ``random-pauli``, with random angles: a ``CircuitModel``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import unitary_group

Array = NDArray[np.float64]


class Circuits(Protocol):
    """Outputs (draws,) and gradients (draws, L) of a batch of angles (draws, L)."""

    @property
    def parameters(self) -> int:
        """Number of parameters L."""

    def value_and_gradient(self, thetas: Array) -> tuple[Array, Array]:
        """f and ∂f/∂θ."""


@dataclass(frozen=True, eq=False)
class HaarCircuits:
    """One circuit a draw, as dense unitaries, shape (draws, L + 1, D, D): the first before all generators."""

    unitaries: NDArray[np.complex128]

    @classmethod
    def draw(cls, draws: int, qubits: int, parameters: int, rng: np.random.Generator) -> HaarCircuits:
        """Independent circuits. Raises ``ValueError`` for counts below 1 or more than 1 GiB of unitaries."""
        D = 1 << qubits
        if min(draws, qubits, parameters) < 1 or 16 * draws * (parameters + 1) * D * D > 2**30:
            raise ValueError(f"draws {draws}, qubits {qubits}, parameters {parameters} are too few, or over 1 GiB")
        flat = unitary_group.rvs(D, size=draws * (parameters + 1), random_state=rng)
        return cls(np.reshape(flat, (draws, parameters + 1, D, D)))

    @property
    def parameters(self) -> int:
        """Number of parameters L."""
        return int(self.unitaries.shape[1]) - 1

    def value_and_gradient(self, thetas: Array) -> tuple[Array, Array]:
        """f (draws,) and ∂f/∂θ (draws, L), ∂_ℓ f = Im<λ_ℓ|P|ψ_ℓ>."""
        W, L = self.unitaries, self.parameters
        if thetas.shape != (len(W), L):
            raise ValueError(f"thetas has shape {thetas.shape}; give {(len(W), L)}")
        sign = 1.0 - 2.0 * (np.arange(W.shape[-1]) & 1)
        turns = np.exp(-0.5j * thetas[:, :, None] * sign)
        states = [W[:, 0, :, 0]]
        for layer in range(L):
            states.append(_apply(W[:, layer + 1], turns[:, layer] * states[-1]))
        costate = sign * states[-1]
        f = (states[-1].conj() * costate).sum(axis=-1).real
        gradient = np.empty(thetas.shape)
        for layer in range(L - 1, -1, -1):
            costate = turns[:, layer].conj() * _apply(W[:, layer + 1].conj().swapaxes(-1, -2), costate)
            gradient[:, layer] = (costate.conj() * sign * states[layer]).sum(axis=-1).imag
        return f, gradient


def directional_curvature(circuits: Circuits, thetas: Array, step: float = 0.02) -> Array:
    """μ = gᵀHg with g = ∇f, shape (draws,), from the slope of f along g by a central difference of order h⁴."""
    _, g = circuits.value_and_gradient(thetas)
    h = step / np.linalg.norm(g, axis=1)

    def slope(times: float) -> Array:
        moved = thetas + (times * h)[:, None] * g
        return np.asarray((circuits.value_and_gradient(moved)[1] * g).sum(axis=1))

    return np.asarray((8 * (slope(1) - slope(-1)) - (slope(2) - slope(-2))) / (12 * h))


def descend(
    circuits: Circuits,
    thetas: Array,
    targets: Array,
    rates: Array,
    steps: int,
    noise: Callable[[Array, Array, Array], tuple[Array, Array]] | None = None,
    sigma: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Array, Array]:
    """Gradient descent on ½(f - y)², one target y and one rate η a draw.

    Args:
        circuits: of ``draws`` draws.
        thetas: initial angles, shape (draws, L).
        targets, rates: y and η, shape (draws,).
        steps: number of steps.
        noise: estimates of f (draws,) and its gradient (draws, L) from θ and their exact values; None for exact ones.
        sigma: standard deviation of noise added to every parameter at every step; needs ``rng``.

    Returns:
        exact residuals f - y and exact kernels along the way, each of shape (draws, steps + 1).
    """
    if sigma and rng is None:
        raise ValueError("update noise needs rng")
    thetas = np.array(thetas, dtype=float)
    residuals, kernels = np.empty((len(thetas), steps + 1)), np.empty((len(thetas), steps + 1))
    for step in range(steps + 1):
        f, g = circuits.value_and_gradient(thetas)
        residuals[:, step], kernels[:, step] = f - targets, (g**2).sum(axis=1)
        seen, slope = (f, g) if noise is None else noise(thetas, f, g)
        thetas -= (rates * (seen - targets))[:, None] * slope
        if rng is not None and sigma:
            thetas += sigma * rng.normal(size=thetas.shape)
    return residuals, kernels


def shot_noise(
    outputs: Callable[[Array], Array], shots: int, rng: np.random.Generator
) -> Callable[[Array, Array, Array], tuple[Array, Array]]:
    """Estimates from ``shots`` shots of an observable with outcomes ±1: of f, and of each component of its gradient.

    The gradient is by the parameter-shift rule of exp(-iθP/2), with ``shots`` shots at θ ± π/2; ``outputs`` gives the
    exact f of angles (rows, L).
    """

    def measure(exact: Array) -> Array:
        chance = np.clip((1 + exact) / 2, 0, 1)
        return np.asarray(2 * rng.binomial(shots, chance) / shots - 1)

    def estimate(thetas: Array, f: Array, _: Array) -> tuple[Array, Array]:
        draws, L = thetas.shape
        shifts = np.pi / 2 * np.eye(L)
        ends = [measure(outputs((thetas[:, None] + s * shifts).reshape(-1, L))).reshape(draws, L) for s in (1, -1)]
        return measure(f), (ends[0] - ends[1]) / 2

    return estimate


def _apply(matrices: NDArray[np.complex128], states: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.asarray((matrices @ states[..., None])[..., 0])
