r"""Many networks at once, each by a law that starts from its own outputs: what labels of order 1 ask for.

With a frozen kernel an ensemble is linear in its initial outputs (``ensembles``). The variance v of O falls as outputs
near the edge of the spectrum, and gradients with it, so that trained networks scatter less than that law says. Two laws
know it, of observables of two levels; both take the networks one by one, and mean and covariance are over them:

* ``dressed_outputs``: at any depth, from outputs and kernels at initialisation (``dressed``);
* ``flow_outputs``: infinite depth between random layers, O² = 1, from the overlaps F_ij = <φ_i|U†OU|φ_j> alone
  (``riccati``), dA/dt = -ηS (A E B + B E A) with A, B = (G ± F)/2, here by steps of fourth order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk.theory.training.arguments import Array, finite, inside, scalar, step_count, training_mask, two_levels
from qntk.theory.training.frozen import Loss, loss_prefactor

_SUBSTEP = 0.1
"""Largest ηS‖E‖ of one step of the flow."""


def dressed_outputs(
    kernels: ArrayLike,
    outputs: ArrayLike,
    labels: ArrayLike,
    training: ArrayLike,
    rate: float,
    steps: int,
    levels: tuple[float, float] = (-1.0, 1.0),
    loss: Loss = "half-sum",
) -> Array:
    """Outputs after ``steps`` steps of training with dressed kernels, (N, m), of N networks at m points.

    Args:
        kernels: K(0) of each network, (N, m, m), or (m, m), one for all.
        outputs: f(0), (N, m), inside the spectrum.
        labels: of the training points, in order.
        training: boolean, (m,).
        rate: η > 0 of the stated loss.
        levels: the two eigenvalues of O.

    >>> dressed_outputs([[2.0]], [[0.0], [0.5]], [0.9], [True], rate=0.1, steps=50).round(4).ravel().tolist()
    [0.8836, 0.8935]
    """
    f = finite("outputs", np.atleast_2d(outputs))
    points = f.shape[1]
    mask = training_mask(training, points)
    K = finite("kernels", kernels)
    if K.shape not in ((points, points), (len(f), points, points)):
        raise ValueError(f"kernels have shape {K.shape}; give {(points, points)} or {(len(f), points, points)}")
    y = finite("labels", np.atleast_1d(labels), (int(mask.sum()),))
    pull = 2 * loss_prefactor(loss, len(y)) * scalar("rate", rate)
    centre, half = two_levels(levels)
    angle = np.arcsin(inside(f.ravel(), centre, half)).reshape(f.shape)
    spread = half * np.cos(angle)
    direction = K[..., mask] / (spread[:, :, None] * spread[:, None, mask])
    for _ in range(step_count(steps)):
        residual = (centre + half * np.sin(angle) - _placed(y, mask))[:, mask]
        pulled = half * np.cos(angle)[:, mask] * residual
        angle = angle - pull * np.einsum("nij,nj->ni", direction, pulled)
    return np.asarray(centre + half * np.sin(angle))


def flow_outputs(
    gram: ArrayLike,
    overlaps: ArrayLike,
    labels: ArrayLike,
    training: ArrayLike,
    strength: float,
    time: float,
) -> Array:
    """Outputs of N networks of infinite depth after gradient flow on ½Σε² for η·steps = ``time``, (N, m).

    Args:
        gram: G_ij = <φ_i|φ_j>, (m, m).
        overlaps: F_ij = <φ_i|Õ|φ_j> at the start, (N, m, m), Õ² = 1.
        labels: of the training points, in order.
        training: boolean, (m,).
        strength: S = 2Lκ.

    >>> flow_outputs([[1.0]], [[[0.2]], [[-0.4]]], [0.8], [True], strength=2.0, time=50.0).round(6).ravel().tolist()
    [0.8, 0.8]
    """
    G, F = np.asarray(gram, dtype=complex), np.asarray(overlaps, dtype=complex)
    points = len(G)
    if G.shape != (points, points) or F.ndim != 3 or F.shape[1:] != G.shape:
        raise ValueError(f"gram and overlaps have shapes {G.shape} and {F.shape}; give (m, m) and (N, m, m)")
    if not (np.isfinite(G).all() and np.isfinite(F).all()):
        raise ValueError("gram or overlaps are not finite")
    mask = training_mask(training, points)
    y = finite("labels", np.atleast_1d(labels), (int(mask.sum()),))
    total = scalar("strength", strength) * scalar("time", time)
    diagonal = np.arange(points)
    target, watched = _placed(y, mask), np.where(mask, 1.0, 0.0)

    def slope(A: NDArray[np.complex128]) -> NDArray[np.complex128]:
        B = G - A
        f = (A - B)[:, diagonal, diagonal].real
        half = (A * ((f - target) * watched)[:, None]) @ B
        return np.asarray(-(half + half.conj().transpose(0, 2, 1)))

    A = (G + F) / 2
    largest = float(mask.sum()) * (1 + float(np.abs(y).max()))
    count = max(int(np.ceil(total * largest / _SUBSTEP)), 1)
    step = total / count
    for _ in range(count):
        one = slope(A)
        two = slope(A + step / 2 * one)
        three = slope(A + step / 2 * two)
        A = A + step / 6 * (one + 2 * two + 2 * three + slope(A + step * three))
    return np.asarray((2 * A - G)[:, diagonal, diagonal].real)


def _placed(labels: Array, mask: NDArray[np.bool_]) -> Array:
    """Labels at their points, 0 elsewhere."""
    placed = np.zeros(mask.size)
    placed[mask] = labels
    return placed
