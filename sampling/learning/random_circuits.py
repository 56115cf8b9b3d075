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
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.elementary import sines_cosines
from qntk.sampling.arithmetic.sums import squared_norms
from qntk.sampling.arithmetic.unitaries import haar_unitaries
from qntk.sampling.distributions import Normal

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
        flat = haar_unitaries(draws * (parameters + 1), D, rng)
        return cls(np.reshape(flat, (draws, parameters + 1, D, D)))

    @property
    def parameters(self) -> int:
        """Number of parameters L."""
        return int(self.unitaries.shape[1]) - 1

    def value_and_gradient(self, thetas: Array) -> tuple[Array, Array]:
        """f (draws,) and ∂f/∂θ (draws, L), ∂_ℓ f = Im<λ_ℓ|P|ψ_ℓ>."""
        draws, L = len(self.unitaries), self.parameters
        if thetas.shape != (draws, L):
            raise ValueError(f"thetas has shape {thetas.shape}; give {(draws, L)}")
        sine, cosine = sines_cosines(0.5 * thetas)
        f, gradient = np.empty(draws), np.empty(thetas.shape)
        _sweep(self.unitaries, cosine, sine, f, gradient)
        return f, gradient


@njit(nogil=True, cache=True, boundscheck=False)
def _sweep(unitaries, cosine, sine, f, gradient):  # type: ignore[no-untyped-def]
    """Forward, then back, draw by draw, every sum in order."""
    draws, layers, D = unitaries.shape[0], unitaries.shape[1] - 1, unitaries.shape[2]
    states, costate, moved = np.empty((layers + 1, D), np.complex128), np.empty(D, np.complex128), np.empty(D) + 0j
    for draw in range(draws):
        states[0] = unitaries[draw, 0, :, 0]
        for layer in range(layers):
            c, s = cosine[draw, layer], sine[draw, layer]
            for k in range(D):
                moved[k] = complex(c, s if k & 1 else -s) * states[layer, k]
            for k in range(D):
                total = 0j
                for j in range(D):
                    total += unitaries[draw, layer + 1, k, j] * moved[j]
                states[layer + 1, k] = total
        f[draw] = 0.0
        for k in range(D):
            last = states[layers, k]
            costate[k] = -last if k & 1 else last
            f[draw] += last.real * costate[k].real + last.imag * costate[k].imag
        for layer in range(layers - 1, -1, -1):
            c, s = cosine[draw, layer], sine[draw, layer]
            moved[:] = 0j
            for k in range(D):
                for j in range(D):
                    moved[j] += unitaries[draw, layer + 1, k, j].conjugate() * costate[k]
            slope = 0.0
            for k in range(D):
                costate[k] = complex(c, -s if k & 1 else s) * moved[k]
                term = costate[k].real * states[layer, k].imag - costate[k].imag * states[layer, k].real
                slope += -term if k & 1 else term
            gradient[draw, layer] = slope


def directional_curvature(circuits: Circuits, thetas: Array, step: float = 0.02) -> Array:
    """μ = gᵀHg with g = ∇f, shape (draws,), from the slope of f along g by a central difference of order h⁴."""
    _, g = circuits.value_and_gradient(thetas)
    h = step / np.sqrt(squared_norms(g))

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
        residuals[:, step], kernels[:, step] = f - targets, squared_norms(g)
        seen, slope = (f, g) if noise is None else noise(thetas, f, g)
        thetas -= (rates * (seen - targets))[:, None] * slope
        if rng is not None and sigma:
            thetas += sigma * Normal()(rng, thetas.shape)
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
