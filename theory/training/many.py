r"""Many networks at once, each by a law that starts from its own outputs: what labels of order 1 ask for.

With a frozen kernel an ensemble is linear in its initial outputs (``ensembles``). The variance v of O falls as outputs
near the edge of the spectrum, and gradients with it, so that trained networks scatter less than that law says. Two laws
know it, of observables of two levels; both take the networks one by one, and mean and covariance are over them:

* ``dressed_outputs``: at any depth, from outputs and kernels at initialisation (``dressed``);
* ``flow_outputs``: infinite depth between random layers, O² = 1, from the overlaps F_ij = <φ_i|U†OU|φ_j> alone
  (``riccati``), a step being a rotation of the final states' parts in the two eigenspaces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk.theory.training.arguments import Array, finite, inside, scalar, step_count, training_mask, two_levels
from qntk.theory.training.frozen import Loss, loss_prefactor

_TERMS = 16
"""Of the exponential of a rotation by one radian at most."""


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
    rate: float,
    strength: float,
    steps: int,
) -> Array:
    """Outputs of N networks of infinite depth after gradient descent on ½Σε², (N, m); a small rate is the flow.

    Args:
        gram: G_ij = <φ_i|φ_j>, (m, m).
        overlaps: F_ij = <φ_i|Õ|φ_j> at the start, (N, m, m), Õ² = 1.
        labels: of the training points, in order.
        training: boolean, (m,).
        rate: η.
        strength: S = 2Lκ.

    >>> flow_outputs([[1.0]], [[[0.2]], [[-0.4]]], [0.8], [True], 0.2, 2.0, 200).round(6).ravel().tolist()
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
    pull = scalar("rate", rate) * scalar("strength", strength)
    upper, lower = _root((G + F) / 2), _root((G - F) / 2)
    target, watched = _placed(y, mask), np.where(mask, 1.0, 0.0)
    turns = max(int(np.ceil(pull * mask.sum() * (1 + np.abs(y).max()))), 1)
    for _ in range(step_count(steps)):
        pulled = -pull / turns * (_outputs(upper, lower) - target) * watched
        # The generator is that of the step's beginning, however many turns its exponential is taken in.
        across = (upper * pulled[:, None]) @ lower.conj().swapaxes(1, 2)
        back = -across.conj().swapaxes(1, 2)
        for _ in range(turns):
            u, w = upper, lower
            for term in range(1, _TERMS):
                u, w = across @ w / term, back @ u / term
                upper, lower = upper + u, lower + w
    return _outputs(upper, lower)


def _root(matrices: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Square roots of positive matrices, (N, m, m)."""
    values, vectors = np.linalg.eigh(matrices)
    if values.min() < -1e-8:
        raise ValueError("overlaps are none of a reflection: (G ± F)/2 is not positive")
    return np.asarray(vectors * np.sqrt(values.clip(min=0))[:, None] @ vectors.conj().swapaxes(1, 2))


def _outputs(upper: NDArray[np.complex128], lower: NDArray[np.complex128]) -> Array:
    """f, (N, m)."""
    return np.asarray((np.abs(upper) ** 2 - np.abs(lower) ** 2).sum(axis=1))


def _placed(labels: Array, mask: NDArray[np.bool_]) -> Array:
    """Labels at their points, 0 elsewhere."""
    placed = np.zeros(mask.size)
    placed[mask] = labels
    return placed
