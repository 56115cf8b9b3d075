r"""Where training with a frozen kernel stops: the noise floor of noisy updates and of gradients from finite shots.

Update noise. Every step adds independent noise of variance σ² to every parameter. The residuals get J ξ, of
covariance σ²K, so each mode of K is an autoregression with x_i = η'λ_i (η' the effective rate of ``training.frozen``):

    a_i(t+1) = (1 - x_i) a_i(t) + ζ_i,   Var ζ_i = σ²λ_i,
    Var a_i(t) = σ²λ_i Σ_{s<t} (1-x_i)^{2s} = σ²λ_i (1 - (1-x_i)^{2t})/(x_i(2-x_i))  →  σ²/(η'(2 - η'λ_i)).

The mean is that of noiseless training. One datum, half-sum loss: L(∞) = ½ Var = σ²/(2η(2 - ηK)). At small rates the
floor of M data is Mσ²/(4η) in every loss convention. A null mode has no noise and keeps its residual. Noise
of standard deviation s on each component of the loss's gradient is σ = ηs.

Shot noise. A device estimates each output with variance s_f² and each component of each output's gradient with
variance s_g², all unbiased and independent: Δθ_ℓ = -η' Σ_k ε̂_k ĝ_kℓ. With ε̂ = ε + ζ and Σ_ℓ g_iℓ ĝ_kℓ = K_ik + ν_ik,
Cov(ν_ik, ν_jl) = δ_kl s_g² K_ij,

    ε_i ← ε_i - η' Σ_k (K_ik + ν_ik)(ε_k + ζ_k),

    S ← (1 - η'K) S (1 - η'K) + η'² s_f² K² + η'² s_g² K (tr S + M s_f²),      S = E εεᵀ.

This closes: in the eigenbasis of K the stationary S is diagonal,

    S_i = η' [s_f² λ_i + s_g² (T + M s_f²)]/(2 - η'λ_i),   T = Σ S_i = (A + C M s_f²)/(1 - C),
    A = Σ_i η' s_f² λ_i/(2 - η'λ_i),   C = Σ_i η' s_g²/(2 - η'λ_i).

Noise on the gradient multiplies the residual, and mean squares stay finite only for C < 1, which is η' < 2/Λ with Λ
the largest eigenvalue of diag(λ) + s_g² (all ones), since C = 1 is its secular equation. One datum: Λ = K + s_g² and

    Var ε = η' s_f² (K + s_g²)/(2 - η'(K + s_g²)).

Parameter-shift rule: exp(-iθP/2), shift π/2: ĝ = (f̂₊ - f̂₋)/2. exp(-iθP), shift π/4: ĝ = f̂₊ - f̂₋.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from qntk.theory.training.frozen import Array, FrozenTraining, Loss, geometric_sum, loss_prefactor, spectrum


@dataclass(frozen=True, eq=False)
class UpdateNoise:
    """Frozen training where every step adds noise of variance σ² to every parameter.

    Args:
        training: the training without noise; its rate must be below the critical one.
        sigma: standard deviation σ >= 0 of the noise, in the unit of the parameters (radians), per parameter and step.

    Raises ``ValueError`` for a negative σ, and at and above the critical rate, where the variance grows for ever.

    >>> floor = UpdateNoise(FrozenTraining(1.0, 0.0, learning_rate=0.5), sigma=0.1)
    >>> round(floor.stationary_loss(), 6)
    0.006667
    """

    training: FrozenTraining
    sigma: float

    def __post_init__(self) -> None:
        """Refuse what has no floor."""
        if not 0 <= self.sigma < float("inf"):
            raise ValueError(f"sigma is {self.sigma}; give a finite one of at least 0")
        _require_stable(self.training)

    def stationary_variances(self) -> Array:
        """Var of each mode at long times, σ²/(η'(2 - η'λ_i)), 0 for null modes; ascending eigenvalues, shape (M,).

        Mode i gets there as (1 - η'λ_i)^{2t}: for a small η'λ_i the floor of the mode is high and late.
        """
        values, rate = self.training.modes[0], self.training.effective_rate
        return np.where(values > 0, self.sigma**2 / (rate * (2 - rate * values)), 0.0)

    def stationary_covariance(self) -> Array:
        """Covariance of the residuals at long times, shape (M, M)."""
        return _rotated(self.training, self.stationary_variances())

    def stationary_loss(self) -> float:
        """The noise floor, in the convention of the loss; the residual of null modes, if any, comes on top."""
        return _prefactor(self.training) * float(self.stationary_variances().sum())

    def mean_at(self, t: ArrayLike) -> Array:
        """Mean residuals after t steps, shape (..., M): those of training without noise."""
        return self.training.residuals_at(t)

    def variances_at(self, t: ArrayLike) -> Array:
        """Var of each mode after t steps from given residuals, shape (..., M)."""
        values = self.training.modes[0]
        x = self.training.effective_rate * values
        return self.sigma**2 * values * geometric_sum(x * (2 - x), t)

    def covariance_at(self, t: ArrayLike) -> Array:
        """Covariance of the residuals after t steps, shape (..., M, M)."""
        return _rotated(self.training, self.variances_at(t))

    def loss_at(self, t: ArrayLike) -> Array:
        """Mean loss after t steps, shape (...): the decay of the start and the growth of the noise."""
        return np.asarray(self.training.loss_at(t) + _prefactor(self.training) * self.variances_at(t).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class ShotNoise:
    """Frozen training where outputs and their gradients come from finite shots.

    Args:
        training: the training without noise.
        output: s_f² >= 0, variance of each estimated output (``output_variance``).
        gradient: s_g² >= 0, variance of each component of each output's estimated gradient (``gradient_variance``).
            Where it differs between the components of one datum, the mean weighted by g_ℓ².

    The outputs and gradients of all data are estimated independently, and afresh each step. Null modes of the kernel
    are taken without residual: they feel no noise. Raises ``ValueError`` for negative variances and where the mean
    square has no limit, from ``shot_critical_rate`` on.

    >>> round(ShotNoise(FrozenTraining(1.0, 0.0, learning_rate=0.5), 0.01, 0.2).stationary_loss(), 6)
    0.002143
    """

    training: FrozenTraining
    output: float
    gradient: float

    def __post_init__(self) -> None:
        """Refuse what has no floor."""
        if not 0 <= self.output < float("inf") or not 0 <= self.gradient < float("inf"):
            raise ValueError(f"output is {self.output}, gradient {self.gradient}; give finite variances of at least 0")
        _require_stable(self.training)
        if self._feedback() >= 1:
            raise ValueError("learning_rate is at or above the critical rate with shot noise; the mean square diverges")

    def stationary_variances(self) -> Array:
        """Var of each mode at long times, ascending eigenvalues, shape (M,)."""
        values, rate = self.training.modes[0], self.training.effective_rate
        live, points = values > 0, len(values)
        gain = np.where(live, rate / (2 - rate * values), 0.0)
        direct, offered = gain * self.output * values, points * self.output
        total = (direct.sum() + self._feedback() * offered) / (1 - self._feedback())
        return np.asarray(direct + gain * self.gradient * (total + offered))

    def stationary_covariance(self) -> Array:
        """Covariance of the residuals at long times, shape (M, M)."""
        return _rotated(self.training, self.stationary_variances())

    def stationary_loss(self) -> float:
        """The noise floor, in the convention of the loss."""
        return _prefactor(self.training) * float(self.stationary_variances().sum())

    def _feedback(self) -> float:
        """C, the share of Σ Var that multiplicative noise gives back; null modes take no part."""
        values, rate = self.training.modes[0], self.training.effective_rate
        return float((self.gradient * rate / (2 - rate * values[values > 0])).sum())


def shot_critical_rate(kernel: ArrayLike, gradient: float, loss: Loss = "half-sum") -> float:
    """Learning rate from which noise of variance s_g² on each gradient component makes the mean square diverge.

    2/Λ for half-sum, and times M, 1/2, M/2 for the others; Λ = K + s_g² for one datum. Typical runs may still converge
    a little above it, with a heavy tail of ones that do not. Raises ``ValueError`` for a negative variance.

    >>> shot_critical_rate(1.5, gradient=0.5), shot_critical_rate(1.5, gradient=0.5, loss="sum")
    (1.0, 0.5)
    """
    if not 0 <= gradient < float("inf"):
        raise ValueError(f"gradient is {gradient}; give a finite variance of at least 0")
    values, _ = spectrum(kernel)
    live = values[values > 0]
    largest = np.linalg.eigvalsh(np.diag(live) + gradient)[-1]
    return float(1 / (largest * loss_prefactor(loss, len(values))))


def output_variance(single_shot: float, shots: int) -> float:
    """s_f² of an output averaged over ``shots`` shots, from the variance <O²> - <O>² of a single one."""
    return gradient_variance(single_shot, 0.0, shots, "P")


def gradient_variance(plus: float, minus: float, shots: int, generator: Literal["P/2", "P"] = "P/2") -> float:
    """s_g² of one gradient component by the parameter-shift rule, ``shots`` shots at each of the two angles.

    ``plus`` and ``minus`` are the single-shot variances there; ``generator`` is G in exp(-iθG), with P² = 1.
    (σ₊² + σ₋²)/(4 · shots) for P/2 (shift π/2), four times that for P (shift π/4). A parameter in several gates needs
    the rule, and so this sum, once a gate. Raises ``ValueError`` for fewer than one shot or negative variances.

    >>> gradient_variance(1.0, 0.5, shots=100), gradient_variance(1.0, 0.5, shots=100, generator="P")
    (0.00375, 0.015)
    """
    if generator not in ("P/2", "P"):
        raise ValueError(f"generator is {generator!r}; give 'P/2' or 'P'")
    if shots < 1 or not min(plus, minus) >= 0:
        raise ValueError(f"shots is {shots}, variances {plus} and {minus}; give at least 1 and no negative variance")
    return (plus + minus) / ((4 if generator == "P/2" else 1) * shots)


def _require_stable(training: FrozenTraining) -> None:
    """The limit t → ∞ exists; else ``ValueError``."""
    training.inference(np.empty((0, len(training.amplitudes))), np.empty(0))


def _prefactor(training: FrozenTraining) -> float:
    return loss_prefactor(training.loss, len(training.amplitudes))


def _rotated(training: FrozenTraining, variances: Array) -> Array:
    """V diag(variances) Vᵀ."""
    vectors = training.modes[1]
    return np.asarray((vectors * variances[..., None, :]) @ vectors.T)
