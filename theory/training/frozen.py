r"""Training with a frozen kernel: everything follows from the kernel matrix and the outputs at initialisation.

Gradient descent on the loss c Σ_k ε_k², with residuals ε = f - y on M training points, moves the parameters by
-2cη Jᵀε, J the Jacobian (M, L). While J does not move, f is linear in the parameters and, with K = J Jᵀ,

    ε(t+1) = (1 - η' K) ε(t),      η' = 2cη:   half-sum ½Σε²   c = 1/2      η' = η
                                               half-mean       c = 1/(2M)   η' = η/M
                                               sum Σε²         c = 1        η' = 2η
                                               mean            c = 1/M      η' = 2η/M

so the loss convention enters through the effective rate η' alone. With K v_i = λ_i v_i, mode i is multiplied by
(1 - η'λ_i)^t. Any other point j moves by -η' K_jA ε(s) at each step, K_jA = J_j J_Aᵀ; summing the geometric series,

    f_j(t) = f_j(0) - K_jA K⁻¹ [1 - (1 - η'K)^t] ε(0) = f_j(0) - Σ_i (K_jA v_i) S_t(λ_i) (v_iᵀ ε(0)),
    S_t(λ) = η' Σ_{s<t} (1 - η'λ)^s = (1 - (1 - η'λ)^t)/λ  →  η' t  as λ → 0,

which needs no inverse. Gradient flow (continuous time, counted in steps) replaces (1 - η'λ)^t by exp(-η'λt).

The fastest mode converges for η' < 2/λ_max. At η' = 2/λ_max itself it is (-1)^t and does not decay, so that a decay
time needs a stated fraction of the critical rate. The rate that makes the slowest mode fastest is 2/(λ_max + λ_min),
where both ends shrink by (κ-1)/(κ+1) per step, κ = λ_max/λ_min.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
LossName = Literal["half-sum", "half-mean", "sum", "mean"]
Loss = LossName | float
"""A convention by name, or c itself in the loss c Σε²."""
NULL = 1e-12
"""Eigenvalues up to this fraction of the largest count as zero: they cannot be told from rounding."""


def loss_prefactor(loss: Loss, points: int) -> float:
    """c in the loss c Σε²: 1/2, 1/(2M), 1 or 1/M, or a number of one's own. ``ValueError`` for anything else."""
    if isinstance(loss, int | float) and not isinstance(loss, bool) and 0 < loss < np.inf:
        return float(loss)
    if loss not in get_args(LossName):
        raise ValueError(f"loss is {loss!r}; give one of {', '.join(get_args(LossName))}, or a factor c of the squares")
    return (0.5 if str(loss).startswith("half") else 1.0) / (points if str(loss).endswith("mean") else 1)


def spectrum(kernel: ArrayLike) -> tuple[Array, Array]:
    """Eigenvalues (M,), ascending and with null ones set to 0, and eigenvectors (M, M) as columns.

    A number is the kernel of one datum. Raises ``ValueError`` unless the kernel is square, finite, symmetric,
    positive semidefinite and not zero.
    """
    matrix = np.atleast_2d(np.asarray(kernel, dtype=float))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"kernel has shape {matrix.shape}; give (M, M)")
    if not np.isfinite(matrix).all() or np.abs(matrix - matrix.T).max() > 1e-9 * np.abs(matrix).max():
        raise ValueError("kernel is not a finite symmetric matrix")
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values[-1] <= 0 or values[0] < -1e-9 * values[-1]:
        raise ValueError("kernel is not positive semidefinite, or zero")
    return np.where(values > NULL * values[-1], values, 0.0), vectors


def jacobian_spectrum(jacobian: ArrayLike) -> Array:
    """Eigenvalues λ_i of K = J Jᵀ, ascending, shape (M,), from the singular values of J (M, L); null ones set to 0.

    Forming J Jᵀ rounds at 1e-16 λ_max and hides all that is smaller. Singular values are rounded at 1e-16 of the
    largest, so that their squares reach down to ``NULL``² = 1e-24 of λ_max; those up to there count as zero.
    Raises ``ValueError`` for a Jacobian that is not a finite matrix, or is zero.

    >>> jacobian_spectrum([[1.0, 0.0], [1.0, 1e-9]]).round(22)
    array([5.e-19, 2.e+00])
    """
    J = np.asarray(jacobian, dtype=float)
    if J.ndim != 2 or not np.isfinite(J).all() or not J.any():
        raise ValueError(f"jacobian has shape {J.shape}; give a finite (M, L) that is not zero")
    values = np.zeros(len(J))
    singular = np.linalg.svd(J, compute_uv=False)[::-1]
    values[len(J) - len(singular) :] = np.where(singular > NULL * singular[-1], singular, 0.0) ** 2
    return values


def critical_rate(kernel: ArrayLike, loss: Loss = "half-sum") -> float:
    """Learning rate η from which the top mode no longer decays: 2/λ_max, times 1, M, 1/2 or M/2 for the four losses.

    >>> critical_rate(np.diag([1.0, 4.0])), critical_rate(np.diag([1.0, 4.0]), "half-mean")
    (0.5, 1.0)
    """
    values, _ = spectrum(kernel)
    return float(1 / (values[-1] * loss_prefactor(loss, len(values))))


def optimal_rate(kernel: ArrayLike, loss: Loss = "half-sum") -> float:
    """Learning rate with the fastest slowest mode, η' = 2/(λ_max + λ_min); null modes, which never move, left out.

    >>> optimal_rate(np.diag([1.0, 4.0]))
    0.4
    """
    values, _ = spectrum(kernel)
    return float(1 / ((values[-1] + values[values > 0][0]) * loss_prefactor(loss, len(values))))


def condition_number(kernel: ArrayLike) -> float:
    """κ = λ_max/λ_min, ``inf`` for a singular kernel."""
    values, _ = spectrum(kernel)
    return float(values[-1] / values[0]) if values[0] > 0 else float("inf")


def decay_times(kernel: ArrayLike, learning_rate: float, loss: Loss = "half-sum") -> Array:
    """Steps in which each mode falls by 1/e, -1/ln|1 - η'λ_i|, in the order of ascending eigenvalues, shape (M,).

    ``inf`` for a mode that does not decay: λ = 0, or η'λ >= 2. The loss falls twice as fast.
    """
    values, _ = spectrum(kernel)
    x = values * 2 * loss_prefactor(loss, len(values)) * _positive(learning_rate)
    with np.errstate(divide="ignore"):
        log = np.where(x < 1, np.log1p(-np.minimum(x, 1)), np.log(np.abs(x - 1)))
        return np.where((x > 0) & decays(x), -1 / log, np.inf)


def decay_time(kernel: ArrayLike, fraction: float = 0.5) -> float:
    """Decay time in steps of the slowest mode, at a fraction (above 0, below 1) of the critical rate.

    There η'λ_i = 2 · fraction · λ_i/λ_max, whatever the loss convention; about κ/(2 · fraction) for a large condition
    number. Raises ``ValueError`` for a fraction outside (0, 1): at the critical rate itself the top mode never decays.

    >>> round(decay_time(np.diag([0.01, 1.0])), 2)
    99.5
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}; give one above 0 and below 1, the critical rate does not converge")
    return float(decay_times(kernel, fraction * critical_rate(kernel)).max())


@dataclass(frozen=True, eq=False)
class FrozenTraining:
    """What gradient descent does while the kernel stays as it is at initialisation.

    Args:
        kernel: K on the training points, shape (M, M); a number for one datum.
        residuals: ε(0) = f(0) - y on them, shape (M,).
        learning_rate: η > 0 of the stated loss; above the critical rate the formulas hold and grow.
        loss: ``half-sum`` ½Σε², ``half-mean`` Σε²/(2M), ``sum`` Σε² or ``mean`` Σε²/M.

    Steps t are whole numbers >= 0, a scalar or an array of any shape, which the results put before their own axes.
    With ``continuous=True`` they are any real number >= 0 and the result is that of gradient flow.

    Raises ``ValueError`` for shapes that do not fit, an unusable kernel, rate, loss or t.

    >>> one = FrozenTraining(0.5, 1.0, learning_rate=1.0)
    >>> one.residuals_at(3), one.loss_at([0, 1])
    (array([0.125]), array([0.5  , 0.125]))
    """

    kernel: ArrayLike
    residuals: ArrayLike
    learning_rate: float
    loss: Loss = "half-sum"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        values, _ = self.modes
        if np.shape(np.atleast_1d(self.residuals)) != values.shape or not np.isfinite(self.amplitudes).all():
            raise ValueError(f"residuals has shape {np.shape(self.residuals)}; give {values.shape}, finite")
        _positive(self.effective_rate)

    @cached_property
    def modes(self) -> tuple[Array, Array]:
        """Eigenvalues λ_i (M,), ascending, and eigenvectors v_i (M, M) as columns."""
        return spectrum(self.kernel)

    @cached_property
    def amplitudes(self) -> Array:
        """v_iᵀ ε(0), shape (M,)."""
        return np.asarray(self.modes[1].T @ np.atleast_1d(np.asarray(self.residuals, dtype=float)))

    @property
    def effective_rate(self) -> float:
        """η' = 2cη, the rate of the half-sum loss that makes the same steps."""
        return 2 * loss_prefactor(self.loss, len(self.modes[0])) * self.learning_rate

    def amplitudes_at(self, t: ArrayLike, continuous: bool = False) -> Array:
        """Mode amplitudes (1 - η'λ_i)^t v_iᵀ ε(0), shape (..., M)."""
        return remaining(self.effective_rate * self.modes[0], t, continuous) * self.amplitudes

    def residuals_at(self, t: ArrayLike, continuous: bool = False) -> Array:
        """ε(t) on the training points, shape (..., M)."""
        return np.asarray(self.amplitudes_at(t, continuous) @ self.modes[1].T)

    def loss_at(self, t: ArrayLike, continuous: bool = False) -> Array:
        """The loss, in its own convention, shape (...)."""
        total = (self.amplitudes_at(t, continuous) ** 2).sum(axis=-1)
        return np.asarray(loss_prefactor(self.loss, len(self.modes[0])) * total)

    def outputs_at(self, t: ArrayLike, cross: ArrayLike, initial: ArrayLike, continuous: bool = False) -> Array:
        """f_j(t) at any P points, shape (..., P).

        ``cross`` is K_jA (P, M) between them and the training points, ``initial`` is f_j(0) (P,), which has no reason
        to vanish.
        """
        rate = self.effective_rate
        gain = rate * geometric_sum(rate * self.modes[0], t, continuous)
        return self._moved(gain, cross, initial)

    def inference(self, cross: ArrayLike, initial: ArrayLike) -> Array:
        """f_j(t → ∞) at any P points, shape (P,): kernel regression on the residuals, plus f_j(0).

        A positive definite kernel interpolates every training label. Of a singular one the null modes keep their
        residual for ever, so training points with a part in them miss their labels; no other point depends on them,
        since K_jA v = 0. Raises ``ValueError`` at and above the critical rate, where there is no limit.
        """
        values = self.modes[0]
        if not decays(self.effective_rate * values).all():
            raise ValueError("learning_rate is at or above the critical rate; there is no limit")
        return self._moved(np.divide(1, values, out=np.zeros_like(values), where=values > 0), cross, initial)

    def _moved(self, gain: Array, cross: ArrayLike, initial: ArrayLike) -> Array:
        K, f = np.asarray(cross, dtype=float), np.asarray(initial, dtype=float)
        if K.ndim != 2 or K.shape[1] != len(self.amplitudes) or f.shape != K.shape[:1]:
            raise ValueError(f"cross has shape {K.shape}, initial {f.shape}; give (P, {len(self.amplitudes)}) and (P,)")
        return np.asarray(f - (gain * self.amplitudes) @ (K @ self.modes[1]).T)


def remaining(x: Array, t: ArrayLike, continuous: bool = False) -> Array:
    """(1 - x)^t, or exp(-xt), for x of shape (M,): shape (..., M). Small x at many steps lose no digits."""
    steps = _steps(t, continuous)
    if continuous:
        return np.exp(-x * steps)
    small = np.minimum(x, 0.5)
    return np.where(x < 0.5, np.exp(steps * np.log1p(-small)), np.power(1 - x, steps))


def geometric_sum(x: Array, t: ArrayLike, continuous: bool = False) -> Array:
    """Σ_{s<t} (1 - x)^s = (1 - (1 - x)^t)/x, or (1 - exp(-xt))/x; t where x = 0. Shape (..., M), as stable as expm1.

    >>> geometric_sum(np.array([0.0, 1e-20, 0.5]), 4)
    array([4.   , 4.   , 1.875])
    """
    steps = _steps(t, continuous)
    small = x if continuous else np.minimum(x, 0.5)
    gone = -np.expm1(-x * steps if continuous else steps * np.log1p(-small))
    if not continuous:
        gone = np.where(x < 0.5, gone, 1 - np.power(1 - x, steps))
    return np.where(x == 0, steps, gone / np.where(x == 0, 1, x))


def _steps(t: ArrayLike, continuous: bool) -> Array:
    steps = np.asarray(t, dtype=float)[..., None]
    if not (np.isfinite(steps) & (steps >= 0)).all() or not (continuous or (steps == np.floor(steps)).all()):
        raise ValueError("t must be finite, at least 0 and, in discrete time, whole numbers")
    return steps


def decays(x: Array) -> NDArray[np.bool_]:
    """Where η'λ is below 2 by more than the rounding of the eigenvalues."""
    return np.asarray(x < 2 * (1 - 1e-14 * len(x)))


def _positive(rate: float) -> float:
    if not 0 < rate < float("inf"):
        raise ValueError(f"learning_rate is {rate}; give a finite one above 0")
    return rate
