r"""Training with any differentiable loss: what the kernel and the outputs at initialisation say of it.

A step θ ← θ - η ∂ℒ/∂θ moves outputs, to first order in the angles' step, by

    f(t+1) = f(t) - η K(t) g(f(t)),      g = ∂ℒ/∂f on the M training points,

and for a frozen K that is all: the step is exact for a model that is linear in its parameters, whatever the loss,
and outputs follow by iteration where no closed form does (Lee et al., NeurIPS 32 (2019), sec. 2). With a dressed
kernel the angle of each datum, f = m + h sin φ, moves by -η Q (√v g), as in ``dressed``. For squares c Σε² both are
``frozen`` and ``dressed``.

Near any outputs, H = ∂²ℒ/∂f² there, small deviations of the outputs are multiplied by 1 - ηKH a step. KH has the
eigenvalues of √K H √K, which are real; for squares they are 2cλ.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from qntk.theory.training.arguments import Array, finite, scalar, step_count, training_mask, two_levels
from qntk.theory.training.dressed import TwoLevels, cross_kernel
from qntk.theory.training.frozen import NULL, decays, spectrum

Slope = Callable[[Array], Array]


def own_loss_outputs(
    kernel: ArrayLike,
    outputs: ArrayLike,
    training: ArrayLike,
    slope: Slope,
    rate: float,
    steps: int,
    levels: tuple[float, float] | None = None,
) -> Array:
    """Outputs on all P points at every step, shape (steps + 1, P).

    Args:
        kernel: K(0) between all points and the M training points, shape (P, M) or (P, P).
        outputs: f(0) on all points, shape (P,).
        training: boolean, shape (P,).
        slope: ∂ℒ/∂f (M,) from f (M,) on the training points.
        rate: η > 0.
        steps: of gradient descent.
        levels: the two eigenvalues of O, for the dressed kernel; None for the frozen one.

    Raises ``ValueError`` for shapes that do not fit, outputs that leave the range of numbers, and, of the dressed
    kernel, an output that starts at the edge of the spectrum.

    >>> own_loss_outputs([[2.0]], [0.5], [True], lambda f: 4 * f**3, rate=0.1, steps=2).round(4).T
    array([[0.5   , 0.4   , 0.3488]])
    """
    f = finite("outputs", outputs)
    mask = training_mask(training, f.size)
    K, eta, count = cross_kernel(kernel, mask), scalar("rate", rate), step_count(steps)
    path = np.empty((count + 1, f.size))
    path[0] = f
    if levels is None:
        for t in range(count):
            with np.errstate(over="ignore", invalid="ignore"):
                path[t + 1] = path[t] - eta * K @ slope(path[t][mask])
            if not np.isfinite(path[t + 1]).all():
                raise ValueError(f"outputs leave the range of numbers at step {t + 1}; take a smaller rate")
        return path
    curve = TwoLevels(f, *two_levels(levels))
    angle, start = curve.start, curve.spread(curve.start)
    direction = K / start[:, None] / start[mask]
    for t in range(count):
        angle = angle - eta * direction @ (curve.spread(angle)[mask] * slope(path[t][mask]))
        path[t + 1] = curve.output(angle)
    return path


def curved_modes(kernel: ArrayLike, curvature: ArrayLike) -> Array:
    """Eigenvalues of KH, ascending, shape (M,), from K and H of shape (M, M).

    >>> curved_modes([[2.0]], [[3.0]])
    array([6.])
    """
    values, vectors = spectrum(kernel)
    root = vectors * np.sqrt(values)
    return np.asarray(np.linalg.eigvalsh(root.T @ finite("curvature", curvature, root.shape) @ root))


def curved_critical_rate(modes: Array) -> float:
    """2/λ_max of KH: from there on deviations in its direction grow; infinite where the loss curves up nowhere."""
    top = float(modes[-1])
    return 2 / top if top > NULL * max(-float(modes[0]), 0.0) and top > 0 else float("inf")


def curved_decay_time(modes: Array, rate: float) -> float:
    """Steps in which the slowest mode of KH falls to 1/e; infinite if one does not decay."""
    x = rate * modes
    if x[0] <= NULL * max(x[-1], 0.0) or not decays(x).all():
        return float("inf")
    with np.errstate(divide="ignore"):
        return float(np.max(-1 / np.log(np.abs(1 - x))))
