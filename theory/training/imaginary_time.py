r"""One datum, any observable, circuits of infinite depth: training is imaginary time.

With p_k the weight of the initial final state on the eigenvalue o_k of O, gradient flow on ½ε² runs, for L ≫ 2D-2,
through

    o(τ) = Σ_k p_k o_k e^{-2 o_k τ} / Σ_k p_k e^{-2 o_k τ},      dτ/dt = ηLκ (o - y),      K = 2Lκ v(τ),

whatever the label: it sets the pace, not the path. Along it do/dτ = -2v, and the third central moment c₃ = -½ dv/dτ
gives the mean dQNTK, μ = ½S²c₃ with S = 2Lκ. A step of gradient descent turns ψ in the plane of ψ and χ = (O - o)ψ/√v
by the angle ½ηSε√v, hence the amplitudes √p_k → (cos α - sin α (o_k - o)/√v) √p_k, which may change sign.

Lotka and Volterra. dε/dt = -ηKε and dK/dt = -2ημε; with λ = μ/K held constant, K - 2λε is conserved (Zhang et al.,
arXiv 2311.18144). λ = ½S c₃/v, which is constant for no two-level observable: there c₃/v = o₋ + o₊ - 2f. The closure is
the tangent to K(f) at the start, and for two levels it misses K by S(f - f₀)², a share (f - f₀)²/v of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from qntk.theory.training.arguments import EDGE, Array, finite, scalar, stable, step_count


@dataclass(frozen=True, eq=False)
class ImaginaryTime:
    """The course of one datum.

    Attributes:
        eigenvalues: o_k, shape (levels,).
        weights: p_k after each step, shape (steps + 1, levels).
        label: y.
        rate: η.
        strength: S.
    """

    eigenvalues: Array
    weights: Array
    label: float
    rate: float
    strength: float

    @property
    def output(self) -> Array:
        """f = Σ p_k o_k, shape (steps + 1,)."""
        return np.asarray(self.weights @ self.eigenvalues)

    @property
    def variance(self) -> Array:
        """v, shape (steps + 1,)."""
        return self._central(2)

    @property
    def kernel(self) -> Array:
        """K = S v, shape (steps + 1,)."""
        return self.strength * self.variance

    @property
    def dqntk(self) -> Array:
        """μ = ½S²c₃, shape (steps + 1,)."""
        return self.strength**2 / 2 * self._central(3)

    @property
    def residual(self) -> Array:
        """ε, shape (steps + 1,)."""
        return self.output - self.label

    def _central(self, power: int) -> Array:
        distance = self.eigenvalues - self.output[:, None]
        return np.asarray((self.weights * distance**power).sum(axis=1))


def imaginary_time(
    eigenvalues: ArrayLike,
    weights: ArrayLike,
    label: float,
    rate: float,
    strength: float,
    steps: int,
    *,
    continuous: bool = False,
    unstable: bool = False,
) -> ImaginaryTime:
    """Train one datum on any observable in a circuit of infinite depth.

    Args:
        eigenvalues: o_k, shape (levels,), equal ones allowed.
        weights: p_k >= 0 of the final state on them at the start, adding up to 1, shape (levels,).
        label: y, anywhere.
        rate: η > 0 of the loss ½ε².
        strength: S = 2Lκ > 0, so that K = S v.
        steps: number of steps.
        continuous: gradient flow, read off at whole steps, in place of gradient descent.
        unstable: follow gradient descent beyond the critical rate, which is refused otherwise.

    Raises ``ValueError`` for weights that are no probabilities, and for an eigenstate, which has no gradient.

    >>> run = imaginary_time([-1, 0, 1], [0.25, 0.5, 0.25], label=1.0, rate=0.1, strength=1.0, steps=100)
    >>> run.output[[0, 10, 100]].round(4)
    array([0.    , 0.3829, 0.8964])
    """
    o = finite("eigenvalues", eigenvalues)
    if o.ndim != 1 or not o.size:
        raise ValueError(f"eigenvalues has shape {o.shape}; give (levels,)")
    p = finite("weights", weights, o.shape)
    if (p < -1e-12).any() or abs(p.sum() - 1) > 1e-8:
        raise ValueError(f"weights are no probabilities: smallest {p.min():.3g}, sum {p.sum():.9g}")
    p = np.maximum(p, 0) / np.maximum(p, 0).sum()
    y = float(finite("label", label, ()))
    eta, S = scalar("rate", rate), scalar("strength", strength)
    variance = float(p @ (o - p @ o) ** 2)
    if variance <= EDGE * max(np.ptp(o) ** 2, 1e-300):
        raise ValueError(
            "the initial state is an eigenstate of the observable: its gradient vanishes, and it never moves"
        )
    count = step_count(steps)
    path = _continuous(o, p, y, eta * S, count) if continuous else _discrete(o, p, y, eta * S, count)
    result = ImaginaryTime(o, path, y, eta, S)
    if not continuous:
        stable(eta, float(result.kernel.max()), "on the way", unstable)
    return result


def _discrete(o: Array, p: Array, y: float, pull: float, steps: int) -> Array:
    amplitudes = np.empty((steps + 1, o.size))
    amplitudes[0] = np.sqrt(p)
    for t in range(steps):
        a = amplitudes[t]
        f = float(a**2 @ o)
        spread = float(np.sqrt(a**2 @ (o - f) ** 2))
        turn = pull * (f - y) * spread / 2
        ratio = pull * (f - y) / 2 * np.sinc(turn / np.pi)  # sin(turn)/spread, also where spread vanishes
        a = (np.cos(turn) - ratio * (o - f)) * a
        amplitudes[t + 1] = a / np.linalg.norm(a)
    return np.asarray(amplitudes**2)


def _continuous(o: Array, p: Array, y: float, pull: float, steps: int) -> Array:
    def weights(tau: float) -> Array:
        exponents = -2 * o * tau
        tilted = p * np.exp(exponents - exponents.max())
        return np.asarray(tilted / tilted.sum())

    def slope(_: float, tau: Array) -> float:
        return pull / 2 * (float(weights(tau[0]) @ o) - y)

    run = solve_ivp(slope, (0, max(steps, 1)), [0.0], "LSODA", np.arange(steps + 1.0), rtol=1e-10, atol=1e-12)
    if not run.success:
        raise ValueError(f"the flow could not be followed: {run.message}")
    return np.array([weights(tau) for tau in run.y[0]])
