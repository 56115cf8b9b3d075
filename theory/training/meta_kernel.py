r"""The first correction to frozen training: the kernel moves, by the quantum meta-kernel (dQNTK).

With g_i = ∇f_i and H_i the Hessian of f_i, μ_ijk = Σ_ab (∂_a∂_b f_i)(∂_a f_j)(∂_b f_k) = g_jᵀ H_i g_k. One step
Δθ = -η' Σ_k ε_k g_k, to second order in η' for the residual and to first order in H for the kernel, gives

    ε_i ← ε_i - η' Σ_j K_ij ε_j + ½ η'² Σ_jk μ_ijk ε_j ε_k,      K_ij ← K_ij - η' Σ_k ε_k (μ_ijk + μ_jik),

where μ itself moves only at second order. η' is the effective rate of ``qntk.theory.training.frozen``.

One datum, first order in μ, with q = 1 - η'K₀. At zeroth order ε_t = q^t ε₀, so the kernel is
K_t = K₀ - 2η'με₀ (1 - q^t)/(1 - q), and the residual's correction δ obeys

    δ_{t+1} = q δ_t + 2η'²με₀² q^t (1 - q^t)/(1 - q) + ½ η'²με₀² q^{2t},

    δ_t = μ η'² ε₀² q^{t-1} [ 2/(1-q) · (t - (1-q^t)/(1-q)) + ½ (1-q^t)/(1-q) ].

Gradient flow has dK/dt = -2η'με instead: K(t) = K₀ - (2με₀/K₀)(1 - e^{-η'K₀t}), and

    ε(t) = ε₀ e^{-η'K₀t} [ 1 + (2η'με₀/K₀) (t - (1 - e^{-η'K₀t})/(η'K₀)) ].

Both end at K(∞) = K₀ - 2με₀/K₀: the relative change 2|με₀|/K₀² has neither η nor t in it, and tells before training
whether the kernel is frozen. Many data: η' Σ_t ε(t) = K⁻¹ε(0), hence ΔK_ij = -Σ_k [K⁻¹ε(0)]_k (μ_ijk + μ_jik).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qntk.theory.training.frozen import Array, FrozenTraining, Loss, geometric_sum, loss_prefactor, remaining, spectrum


def meta_kernel(jacobian: ArrayLike, hessians: ArrayLike) -> Array:
    """μ_ijk = g_jᵀ H_i g_k, shape (M, M, M), from the Jacobian (M, L) and the Hessians (M, L, L).

    Symmetric in j and k. For one datum it is the number gᵀHg. Raises ``ValueError`` for shapes that do not fit.

    >>> meta_kernel([[1.0, 2.0]], [[[1.0, 0.5], [0.5, 0.0]]])
    array([[[3.]]])
    """
    J, H = np.asarray(jacobian, dtype=float), np.asarray(hessians, dtype=float)
    if J.ndim != 2 or H.shape != (*J.shape, J.shape[1]):
        raise ValueError(f"jacobian has shape {J.shape}, hessians {H.shape}; give (M, L) and (M, L, L)")
    return np.asarray(J @ H @ J.T)


@dataclass(frozen=True)
class FirstOrderDecay:
    """One datum: the decay of its residual to first order in the dQNTK.

    Args:
        kernel: K₀ > 0 at initialisation.
        dqntk: μ = gᵀHg at initialisation.
        residual: ε₀.
        learning_rate: η > 0 of the stated loss.
        loss: convention, as in ``FrozenTraining``.

    Good while ``frozenness(kernel, dqntk, residual)`` is small; the error is of second order in the Hessian. Steps t
    are as in ``FrozenTraining``: shape (...), whole numbers unless ``continuous``. Raises ``ValueError`` as it does.

    >>> decay = FirstOrderDecay(1.0, 0.1, 1.0, learning_rate=0.5)
    >>> decay.residual_at([0, 1]), round(float(decay.kernel_at(1)), 6)
    (array([1.    , 0.5125]), 0.9)
    """

    kernel: float
    dqntk: float
    residual: float
    learning_rate: float
    loss: Loss = "half-sum"

    def __post_init__(self) -> None:
        """Refuse what ``FrozenTraining`` refuses."""
        FrozenTraining(self.kernel, self.residual, self.learning_rate, self.loss)

    @property
    def effective_rate(self) -> float:
        """η' = 2cη."""
        return 2 * loss_prefactor(self.loss, 1) * self.learning_rate

    def residual_at(self, t: ArrayLike, continuous: bool = False) -> Array:
        """ε(t), shape (...)."""
        rate = self.effective_rate
        x = np.array([rate * self.kernel])
        zeroth = remaining(x, t, continuous)
        if continuous:
            correction = 2 * rate**2 * zeroth * _double_sum(x, t, continuous=True)
        else:
            before = remaining(x, np.maximum(np.asarray(t) - 1, 0))
            correction = rate**2 * before * (2 * _double_sum(x, t) + 0.5 * geometric_sum(x, t))
        return np.asarray(zeroth * self.residual + self.dqntk * self.residual**2 * correction)[..., 0]

    def kernel_at(self, t: ArrayLike, continuous: bool = False) -> Array:
        """K(t), shape (...)."""
        rate = self.effective_rate
        moved = rate * geometric_sum(np.array([rate * self.kernel]), t, continuous)
        return np.asarray(self.kernel - 2 * self.dqntk * self.residual * moved)[..., 0]


def first_order_training(
    kernel: ArrayLike,
    meta: ArrayLike,
    residuals: ArrayLike,
    learning_rate: float,
    steps: int,
    loss: Loss = "half-sum",
) -> tuple[Array, Array]:
    """Run the recurrence of residuals and kernel above: shapes (steps+1, M) and (steps+1, M, M), t = 0 included.

    ``kernel`` is (M, M), ``meta`` (M, M, M), ``residuals`` (M,). The moving kernel is used at once, so for one datum
    this and ``FirstOrderDecay`` differ at second order in μ. Raises ``ValueError`` for shapes that do not fit,
    negative steps, and as ``FrozenTraining`` does.

    >>> residuals, kernels = first_order_training(1.0, 0.1, 1.0, 0.5, steps=1)
    >>> residuals[-1], kernels[-1]
    (array([0.5125]), array([[0.9]]))
    """
    frozen = FrozenTraining(kernel, residuals, learning_rate, loss)
    rate, points = frozen.effective_rate, len(frozen.amplitudes)
    mu = _cubic(meta, points)
    if steps < 0:
        raise ValueError(f"steps is {steps}; give 0 or more")
    e, K = np.empty((steps + 1, points)), np.empty((steps + 1, points, points))
    e[0], K[0] = residuals, kernel
    for t in range(steps):
        slope = mu @ e[t]  # Σ_k μ_ijk ε_k
        e[t + 1] = e[t] - rate * K[t] @ e[t] + 0.5 * rate**2 * slope @ e[t]
        K[t + 1] = K[t] - rate * (slope + slope.T)
    return e, K


def kernel_change(kernel: ArrayLike, meta: ArrayLike, residuals: ArrayLike) -> Array:
    """First-order change of the kernel over the whole training, K(∞) - K(0), shape (M, M), at any stable rate.

    ``kernel`` (M, M), ``meta`` (M, M, M), ``residuals`` ε(0) (M,). Null modes of K move nothing and are left out.
    """
    values, vectors = spectrum(kernel)
    mu, start = _cubic(meta, len(values)), np.atleast_1d(np.asarray(residuals, dtype=float))
    if start.shape != values.shape:
        raise ValueError(f"residuals has shape {start.shape}; give {values.shape}")
    inverse = np.divide(1, values, out=np.zeros_like(values), where=values > 0)
    slope = mu @ (vectors @ (inverse * (vectors.T @ start)))
    return np.asarray(-(slope + slope.T))


def frozenness(kernel: ArrayLike, meta: ArrayLike, residuals: ArrayLike) -> float:
    """Predicted relative change ‖K(∞) - K(0)‖/‖K(0)‖ (Frobenius norm), no unit; 2|με₀|/K₀² for one datum.

    Frozen training is good where this is much smaller than 1; so is this prediction.

    >>> frozenness(2.0, 0.1, 1.0)
    0.05
    """
    change = kernel_change(kernel, meta, residuals)
    return float(np.linalg.norm(change) / np.linalg.norm(np.atleast_2d(np.asarray(kernel, dtype=float))))


def _double_sum(x: Array, t: ArrayLike, continuous: bool = False) -> Array:
    """(t - S_t)/x with S_t the geometric sum; a series in xt where that would lose digits."""
    steps = np.asarray(t, dtype=float)[..., None]
    direct = (steps - geometric_sum(x, t, continuous)) / x
    k = 0.0 if continuous else 1.0  # t^n/n! in continuous time, binomials C(t, n) in discrete time
    second = steps * (steps - k) / 2
    third, fourth = (steps - 2 * k) * x / 3, (steps - 3 * k) * x / 4
    series = second * (1 - third * (1 - fourth))
    return np.where(x * steps < 1e-4, series, direct)


def _cubic(meta: ArrayLike, points: int) -> Array:
    mu = np.asarray(meta, dtype=float)
    mu = mu.reshape(1, 1, 1) if mu.ndim == 0 else mu
    if mu.shape != (points, points, points):
        raise ValueError(f"meta has shape {mu.shape}; give {(points, points, points)}")
    return mu
