r"""Training with a dressed kernel: the gradients keep their direction, their size follows the output variance.

For an observable of two levels, O = m + hS with S² = 1, the output of datum i is f_i = m + h sin φ_i and its variance
v_i = h² cos²φ_i. What the gradients' direction does is not known from the output, their size is: K_ij is taken as

    K_ij(t) = K_ij(0) √(v_i(t) v_j(t) / (v_i(0) v_j(0))),

which is training of the angles with a frozen kernel, K_ij = √v_i Q_ij √v_j, dφ_i/dt = -η' Σ_j Q_ij √v_j ε_j. Outputs
never leave the spectrum, and labels may. It needs the kernel and the outputs at initialisation, of any model at any
depth; η' is the effective rate of ``frozen``. A step of gradient descent is one of the angles.

More levels: the variance is no function of the output. Where the final states' weights on the eigenvalues are given,
each datum is taken along its own imaginary time, p_k e^{-2 o_k τ}, which makes f and v functions of one angle, dφ =
df/√v.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline

from qntk.theory.training.arguments import (
    EDGE,
    Array,
    finite,
    inside,
    labelled,
    scalar,
    stable,
    step_count,
    training_mask,
    two_levels,
)
from qntk.theory.training.frozen import Loss, critical_rate, loss_prefactor


@dataclass(frozen=True, eq=False)
class DressedTraining:
    """Outputs and kernels of training with a dressed kernel.

    Attributes:
        outputs: f on all P points, shape (steps + 1, P).
        spreads: √v along the way, negative where a step has carried the angle past a pole, shape (steps + 1, P).
        labels: y, shape (P,).
        training: which points are trained on, shape (P,).
        initial_kernel: K(0) between all points and the M training points, shape (P, M).
        loss_convention: as in ``frozen``.
    """

    outputs: Array
    spreads: Array
    labels: Array
    training: NDArray[np.bool_]
    initial_kernel: Array
    loss_convention: Loss

    def kernel(self, step: int) -> Array:
        """K between all points and the training points after the given step, shape (P, M)."""
        factor = self.spreads[step] / self.spreads[0]
        return np.asarray(factor[:, None] * self.initial_kernel * factor[self.training])

    @property
    def variances(self) -> Array:
        """v along the way, shape (steps + 1, P)."""
        return self.spreads**2

    @property
    def residuals(self) -> Array:
        """ε on the training points, shape (steps + 1, M)."""
        return np.asarray((self.outputs - self.labels)[:, self.training])

    @property
    def loss(self) -> Array:
        """The loss, in its own convention, shape (steps + 1,)."""
        prefactor = loss_prefactor(self.loss_convention, int(self.training.sum()))
        return np.asarray(prefactor * (self.residuals**2).sum(axis=1))


def dressed(
    kernel: ArrayLike,
    outputs: ArrayLike,
    labels: ArrayLike,
    training: ArrayLike,
    rate: float,
    steps: int,
    *,
    levels: tuple[float, float] | None = (-1.0, 1.0),
    weights: ArrayLike | None = None,
    eigenvalues: ArrayLike | None = None,
    loss: Loss = "half-sum",
    unstable: bool = False,
) -> DressedTraining:
    """Predict training from the kernel and the outputs at initialisation.

    Args:
        kernel: K(0) between all P points and the M training points, in their order: shape (P, M), or (P, P).
        outputs: f(0) on all points, shape (P,).
        labels: y, shape (P,), anywhere; those of points that are not trained on may be NaN.
        training: boolean, shape (P,).
        rate: η > 0 of the stated loss.
        steps: number of steps.
        levels: the two eigenvalues of O; None for other observables, which need the next two.
        weights: of the final states at initialisation on the eigenvalues, shape (P, levels).
        eigenvalues: shape (levels,).
        loss: convention, as in ``FrozenTraining``.
        unstable: follow a rate beyond 2/λ_max of K(0), which is refused otherwise; outputs stay in the spectrum.

    Raises ``ValueError`` for an output that starts at the edge of the spectrum (or in an eigenstate), where the law is
    0/0, and for shapes that do not fit.

    >>> run = dressed([[2.0]], [0.0], [0.9], np.array([True]), rate=0.1, steps=50)
    >>> run.outputs[-1].round(4), run.kernel(50).round(3)
    (array([0.8836]), array([[0.439]]))
    """
    f = finite("outputs", outputs)
    if f.ndim != 1 or not f.size:
        raise ValueError(f"outputs has shape {f.shape}; give (P,)")
    mask = training_mask(training, f.size)
    y = labelled(labels, mask)
    K = cross_kernel(kernel, mask)
    eta, factor = scalar("rate", rate), 2 * loss_prefactor(loss, int(mask.sum()))
    pull = factor * eta
    stable(eta, factor * float(np.linalg.eigvalsh(K[mask])[-1]), "at the start", unstable)
    if weights is None and eigenvalues is None:
        if levels is None:
            raise ValueError(
                "an observable of more than two levels needs weights and eigenvalues: v is no function of f"
            )
        curve: TwoLevels | _ImaginaryTimes = TwoLevels(f, *two_levels(levels))
    else:
        curve = _ImaginaryTimes(f, weights, eigenvalues)
    angle, count = curve.start, step_count(steps)
    path, spreads = np.empty((count + 1, f.size)), np.empty((count + 1, f.size))
    path[0], spreads[0] = f, curve.spread(angle)
    direction = K / spreads[0][:, None] / spreads[0][mask]
    for t in range(count):
        angle = angle - pull * direction @ (spreads[t] * (path[t] - y))[mask]
        path[t + 1], spreads[t + 1] = curve.output(angle), curve.spread(angle)
    return DressedTraining(path, spreads, y, mask, K, loss)


def dressed_kernel(kernel: ArrayLike, before: ArrayLike, after: ArrayLike, training: ArrayLike | None = None) -> Array:
    """K_ij √(v_i'v_j'/(v_iv_j)) from the output variances ``before`` and ``after``, both of shape (P,).

    ``kernel`` has shape (P, P), or (P, M) with ``training`` to say which points its columns are. With observed
    variances it says what the direction of the gradients did, with predicted ones what is predicted. Raises
    ``ValueError`` for a variance that is negative, or zero before.

    >>> dressed_kernel([[2.0, 1.0], [1.0, 2.0]], [1.0, 1.0], [0.25, 1.0])
    array([[0.5, 0.5],
           [0.5, 2. ]])
    """
    v, w = finite("before", before), finite("after", after)
    if v.ndim != 1 or w.shape != v.shape:
        raise ValueError(f"variances have shapes {v.shape} and {w.shape}; give (P,) and (P,)")
    where = np.flatnonzero(v <= 0)
    if where.size:
        raise ValueError(f"point {where[0]} has no variance before: it is an eigenstate, and its dressed kernel is 0/0")
    if (w < 0).any():
        raise ValueError("a variance after is negative")
    factor = np.sqrt(w / v)
    mask = np.ones(v.size, bool) if training is None else training_mask(training, v.size)
    return np.asarray(factor[:, None] * cross_kernel(kernel, mask) * factor[mask])


def dressed_critical_rate(
    kernel: ArrayLike,
    outputs: ArrayLike,
    labels: ArrayLike,
    levels: tuple[float, float] = (-1.0, 1.0),
    loss: Loss = "half-sum",
) -> float:
    """Critical rate 2/λ_max of the dressed kernel at the labels, on the M training points alone.

    Labels at or beyond an edge have no gradient there and count with the others' modes only; ``inf`` if all are.

    >>> round(dressed_critical_rate([[2.0]], [0.0], [0.9]), 4)
    5.2632
    """
    centre, half = two_levels(levels)
    f, y = finite("outputs", outputs), finite("labels", labels)
    v = half**2 * (1 - inside(f, centre, half) ** 2)
    K = dressed_kernel(kernel, v, np.maximum(half**2 - (y - centre) ** 2, 0))
    return critical_rate(K, loss) if K.any() else float("inf")


def cross_kernel(kernel: ArrayLike, mask: NDArray[np.bool_]) -> Array:
    """K between all points and the training points, (P, M)."""
    K = np.atleast_2d(finite("kernel", kernel))
    points, trained = mask.size, int(mask.sum())
    if K.shape == (points, points):
        K = K[:, mask]
    if K.shape != (points, trained):
        raise ValueError(f"kernel has shape {K.shape}; give ({points}, {trained}) or ({points}, {points})")
    square = K[mask]
    scale = np.abs(square).max()
    if np.abs(square - square.T).max() > 1e-9 * scale or np.linalg.eigvalsh((square + square.T) / 2)[0] < -1e-9 * scale:
        raise ValueError("kernel is not symmetric and positive on the training points")
    return K


class TwoLevels:
    """f = m + h sin φ, datum by datum."""

    def __init__(self, outputs: Array, centre: float, half: float) -> None:
        self.start = np.arcsin(inside(outputs, centre, half))
        self.centre, self.half = centre, half

    def output(self, angle: Array) -> Array:
        """f."""
        return np.asarray(self.centre + self.half * np.sin(angle))

    def spread(self, angle: Array) -> Array:
        """√v with the sign of cos φ: beyond a pole the gradient points back."""
        return np.asarray(self.half * np.cos(angle))


class _ImaginaryTimes:
    """f and √v of each datum along its own imaginary time, by the angle φ = ∫df/√v."""

    def __init__(self, outputs: Array, weights: ArrayLike | None, eigenvalues: ArrayLike | None) -> None:
        if weights is None or eigenvalues is None:
            raise ValueError("give both weights and eigenvalues, or neither")
        o = finite("eigenvalues", eigenvalues)
        p = finite("weights", weights, (outputs.size, o.size))
        if (p < -1e-12).any() or np.abs(p.sum(axis=1) - 1).max() > 1e-8:
            raise ValueError("weights are no probabilities")
        if np.abs(p @ o - outputs).max() > 1e-6 * max(np.ptp(o), 1e-300):
            raise ValueError("weights and outputs contradict each other: f is not Σ p_k o_k")
        self.start = np.zeros(outputs.size)
        self.curves = [_curve(o, np.maximum(row, 0), i) for i, row in enumerate(p)]

    def output(self, angle: Array) -> Array:
        return np.array([_reflected(curve, a)[0] for curve, a in zip(self.curves, angle, strict=True)])

    def spread(self, angle: Array) -> Array:
        return np.array([_reflected(curve, a)[1] for curve, a in zip(self.curves, angle, strict=True)])


def _curve(o: Array, p: Array, index: int) -> CubicHermiteSpline:
    """φ → (f, √v) from one end of the spectrum, as far as the state's support goes, to the other."""
    if not p @ (o - p @ o) ** 2 > EDGE * max(np.ptp(o) ** 2, 1e-300):
        raise ValueError(f"point {index} starts in an eigenstate, where its gradient vanishes: the law is 0/0 there")
    o, p = o[p > 0], p[p > 0]
    support = np.unique(o)
    width = support[-1] - support[0]
    ends = width * 20 / np.array([support[-1] - support[-2], support[1] - support[0]])
    halves = [np.linspace(0, np.arcsinh(end), 2001) for end in ends]
    tau = np.sinh(np.concatenate([-halves[0][::-1], halves[1][1:]])) / width
    exponents = -2 * np.outer(tau, o)
    tilted = p * np.exp(exponents - exponents.max(axis=1, keepdims=True))
    tilted /= tilted.sum(axis=1, keepdims=True)
    f = tilted @ o
    spread = np.sqrt((tilted * (o - f[:, None]) ** 2).sum(axis=1))
    third = (tilted * (o - f[:, None]) ** 3).sum(axis=1)
    slope = -2 * spread  # dφ/dτ
    step = np.diff(tau)
    pieces = step * (slope[:-1] + slope[1:]) / 2 - step**2 / 6 * np.diff(third / spread)  # d²φ/dτ² = 2c₃/√v
    angle = np.concatenate([[0], np.cumsum(pieces)])
    angle -= angle[len(halves[0]) - 1]
    values = np.stack([f, spread], axis=1)[::-1]
    slopes = np.stack([spread, third / (2 * spread**2)], axis=1)[::-1]  # df/dφ = √v, d√v/dφ = c₃/2v
    return CubicHermiteSpline(angle[::-1], values, slopes, extrapolate=False)


def _reflected(curve: CubicHermiteSpline, angle: float) -> Array:
    """f and √v; beyond either end, which is a pole, the way leads back and √v has the other sign."""
    low, high = curve.x[0], curve.x[-1]
    turns, inner = divmod(angle - low, high - low)
    odd = bool(turns % 2)
    return np.asarray(curve(high - inner if odd else low + inner) * [1, -1 if odd else 1])
