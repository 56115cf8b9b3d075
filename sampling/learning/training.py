r"""Full-batch gradient descent on exact gradients, several seeds at once, with the kernel's drift recorded.

The loss is c Σ_k (f_k - y_k)² over M training points, c = 1/2 (``half-sum``), 1/(2M) (``half-mean``), 1 (``sum``) or
1/M (``mean``), and a step is θ ← θ - η · 2c Jᵀ(f - y); or it is a function of one's own, ℒ(f, y), and a step is
θ ← θ - η Jᵀ ∂ℒ/∂f. Seeds are rows; what one does depends on no other, to the bit.

A bounded observable keeps outputs bounded, so that a rate above the critical one need not overflow: a run counts as
diverged if its loss, averaged over the last tenth of its steps, is above where it began, or if its angles or loss
leave the range of numbers; then it stops there and keeps its last outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk._result import Result
from qntk.inputs.losses import OwnLoss
from qntk.sampling.arithmetic.sums import inner_products
from qntk.sampling.circuits.model import CircuitModel

Array = NDArray[np.float64]
LOSSES = {"half-sum": (0.5, False), "half-mean": (0.5, True), "sum": (1.0, False), "mean": (1.0, True)}
"""Factor of the squares, and whether they are averaged."""
_LARGEST_ANGLE = 1e4
"""Angles beyond this, in radians, are taken for a run that flies apart."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be learned by which model.

    Args:
        model: compiled, with inputs.
        x: inputs of all points, shape (points, inputs).
        labels: y, shape (points,); those of test points are used by no step.
        training: boolean, shape (points,).
        loss: one of ``LOSSES``, or c itself, a positive number; or an ``OwnLoss``.

    Raises ``ValueError`` for an unknown loss, shapes that do not fit, or labels that are not finite.
    """

    model: CircuitModel
    x: Array
    labels: Array
    training: NDArray[np.bool_]
    loss: str | float | OwnLoss = "half-sum"

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        own = isinstance(self.loss, int | float) and not isinstance(self.loss, bool) and 0 < self.loss < np.inf
        if not own and not isinstance(self.loss, OwnLoss) and self.loss not in LOSSES:
            raise ValueError(f"loss is {self.loss!r}; give one of {', '.join(LOSSES)}, or a factor c of the squares")
        if np.asarray(self.training).dtype != bool:
            raise ValueError("training is no mask of booleans; give one, such as np.array(mask, dtype=bool)")
        if not len(self.x) == len(self.labels) == len(self.training) or not self.training.any():
            raise ValueError(f"{len(self.x)} points, {len(self.labels)} labels; give as many of each, some to train on")
        if not np.isfinite(self.labels[self.training]).all():
            raise ValueError("a training label is not finite")

    @property
    def prefactor(self) -> float:
        """c; ``ValueError`` for a loss that is no square."""
        if isinstance(self.loss, OwnLoss):
            raise ValueError(f"loss {self.loss} is no square")
        if not isinstance(self.loss, str):
            return float(self.loss)
        factor, averaged = LOSSES[self.loss]
        return factor / int(self.training.sum()) if averaged else factor

    def loss_of(self, outputs: Array) -> Array:
        """Loss of outputs of shape (..., points), on training points."""
        if isinstance(self.loss, OwnLoss):
            return self.loss.value(outputs[..., self.training], self.labels[self.training])
        errors = (outputs - self.labels)[..., self.training]
        return np.asarray(self.prefactor * (errors**2).sum(axis=-1))

    def slope_of(self, outputs: Array) -> tuple[float, Array]:
        """∂loss/∂f of outputs of shape (seeds, points) on the training points, as a factor and (seeds, M)."""
        if isinstance(self.loss, OwnLoss):
            labels = self.labels[self.training]
            return 1.0, np.stack([self.loss.slope(row[self.training], labels) for row in outputs])
        return 2 * self.prefactor, (outputs - self.labels)[:, self.training]


@dataclass(frozen=True, eq=False, repr=False)
class Training(Result):
    """What training did; P points, M of them for training, C checkpoints. Many seeds at once put an axis (S,) before
    every shape but that of the checkpoints.

    Attributes:
        rate: η, shape ().
        outputs: f at every step on every point, initial ones first, shape (steps + 1, P).
        checkpoints: steps at which the next two were recorded, 0 and the last among them, shape (C,).
        thetas: shape (C, L).
        kernels: K_jA between all points and the training points, shape (C, P, M).
        jacobian: at initialisation, all points, shape (P, L).
        diverged_at: step at which a diverged run's loss was first above where it began, -1 if it did not diverge;
            shape ().
    """

    rate: Array
    outputs: Array
    checkpoints: NDArray[np.int64]
    thetas: Array
    kernels: Array
    jacobian: Array
    diverged_at: NDArray[np.int64]

    def title(self) -> str:
        """Steps, points, rates."""
        steps, points = self.outputs.shape[-2] - 1, self.outputs.shape[-1]
        seeds = f" of {len(self.outputs)} seeds" if self.outputs.ndim == 3 else ""
        return f"Training{seeds}: {points} points, {steps} steps, L = {self.thetas.shape[-1]}"

    def rows(self) -> list[dict[str, Any]]:
        """A run each: its rate, the step of divergence, outputs at the end."""
        rates, diverged = np.atleast_1d(self.rate), np.atleast_1d(self.diverged_at)
        ends = self.outputs[..., -1, :].reshape(len(rates), -1)
        return [
            {"seed": s, "rate": float(rates[s]), "diverged at": int(diverged[s]) if diverged[s] >= 0 else None}
            | {f"f{i}": float(f) for i, f in enumerate(ends[s, :6])}
            for s in range(len(rates))
        ]

    def to_dict(self) -> dict[str, Any]:
        """Rates, outputs at every step, steps of divergence, arrays as lists."""
        return {name: getattr(self, name).tolist() for name in ("rate", "outputs", "checkpoints", "diverged_at")}

    def seed(self, index: int) -> dict[str, Any]:
        """The fields of one of many seeds."""
        own = {f.name: np.asarray(getattr(self, f.name)[index]) for f in fields(Training) if f.name != "checkpoints"}
        return own | {"checkpoints": self.checkpoints}

    def kernel_drift(self, training: NDArray[np.bool_]) -> Array:
        """‖K(t) - K(0)‖/‖K(0)‖, Frobenius norms on the training points, shape (C,)."""
        K = self.kernels[..., training, :]
        first = K[..., :1, :, :]
        return np.asarray(_norm(K - first, (-2, -1)) / _norm(first, (-2, -1)))

    def parameter_drift(self) -> Array:
        """‖θ(t) - θ(0)‖ in radians, shape (C,)."""
        return _norm(self.thetas - self.thetas[..., :1, :], (-1,))


def checkpoint_steps(steps: int, count: int = 24) -> NDArray[np.int64]:
    """0, about ``count`` steps spaced evenly on a logarithmic scale, and the last."""
    spaced = np.geomspace(1, max(steps, 1), count).round().astype(np.int64)
    return np.unique(np.concatenate([[0], np.minimum(spaced, steps), [steps]]))


def initial_angles(parameters: int, seeds: int, root: int, key: tuple[int, ...] = ()) -> Array:
    """Angles uniform on [0, 2π), shape (seeds, L); seed s of a root and key is the same however many there are."""
    return np.stack(
        [
            np.random.default_rng(np.random.SeedSequence(root, spawn_key=(*key, seed))).uniform(
                0, 2 * np.pi, parameters
            )
            for seed in range(seeds)
        ]
    )


def train(
    problem: Problem,
    thetas: Array,
    rates: Array,
    steps: int,
    progress: Callable[[int], object] | None = None,
) -> Training:
    """Gradient descent from each row of ``thetas`` (S, L), at its rate η > 0 of ``rates`` (S,).

    ``progress`` is told after each step how many seeds took it. Raises ``ValueError`` for shapes or rates that do not
    fit and for negative steps.
    """
    thetas, rates = np.array(thetas, dtype=float), np.asarray(rates, dtype=float)
    _check(thetas, rates, steps)
    marks, chosen, points = checkpoint_steps(steps), problem.training, len(problem.labels)
    seeds, parameters = thetas.shape
    outputs = np.empty((seeds, steps + 1, points))
    kept = np.empty((seeds, len(marks), parameters))
    kernels = np.empty((seeds, len(marks), points, int(chosen.sum())))
    flying = np.zeros(seeds, dtype=bool)
    first = np.empty(0)
    for step in range(steps + 1):
        f, J = problem.model.value_and_gradient(thetas, problem.x)
        outputs[:, step] = f
        if step == 0:
            first = J.copy()
        place = int(np.searchsorted(marks, step))
        if marks[place] == step:
            kept[:, place] = thetas
            kernels[:, place] = inner_products(J, J[:, chosen])
        if step < steps:
            thetas = _step(problem, thetas, f, J, rates, flying)
        if progress is not None:
            progress(seeds)
    return Training(rates, outputs, marks, kept, kernels, first, _diverged(problem.loss_of(outputs), flying))


def critical_rates(
    problem: Problem,
    thetas: Array,
    guess: Array,
    steps: int = 200,
    resolution: float = 0.01,
    progress: Callable[[int], object] | None = None,
) -> tuple[Array, Array]:
    """Bracket, for each seed, the rate from which the loss rises above its initial value within ``steps`` steps.

    Bisection on real training, on the logarithm of η, from a bracket about ``guess`` (S,) that widens until it holds;
    stops at relative width ``resolution``. Returns the largest rate seen stable and the smallest seen unstable, each
    (S,). A seed for which none is found within a factor 256 gets 0 or infinity on that side. ``progress`` is called
    with 0 at each step, so that it can end the search by raising.
    """
    train_only = Problem(
        problem.model,
        problem.x[problem.training],
        problem.labels[problem.training],
        np.ones(int(problem.training.sum()), bool),
        problem.loss,
    )
    guess = np.asarray(guess, dtype=float)
    _check(np.asarray(thetas), guess, steps)
    low, high = np.zeros(len(guess)), np.full(len(guess), np.inf)
    trial = guess.copy()
    for _ in range(60):
        open_ = np.where(low > 0, high / np.where(low > 0, low, 1), np.inf) > 1 + resolution
        open_ &= (trial < 256 * guess) & (trial > guess / 256)
        if not open_.any():
            break
        unstable = _rises(train_only, np.asarray(thetas)[open_], trial[open_], steps, progress)
        high[open_] = np.where(unstable, np.minimum(high[open_], trial[open_]), high[open_])
        low[open_] = np.where(unstable, low[open_], np.maximum(low[open_], trial[open_]))
        bounded = (low > 0) & np.isfinite(high)
        middle = np.sqrt(np.where(bounded, low * np.where(bounded, high, 1.0), 1.0))
        widened = np.where(low > 0, low * 1.5, high / 1.5)
        trial = np.where(bounded, middle, widened)
    return low, high


def _rises(
    problem: Problem, thetas: Array, rates: Array, steps: int, progress: Callable[[int], object] | None
) -> NDArray[np.bool_]:
    """Whether the loss comes above its initial value; a run that does stops there."""
    thetas = thetas.copy()
    above = np.zeros(len(thetas), dtype=bool)
    start = np.empty(0)
    for step in range(steps + 1):
        live = np.flatnonzero(~above)
        if not len(live):
            break
        if progress is not None:
            progress(0)
        f, J = problem.model.value_and_gradient(thetas[live], problem.x)
        loss = problem.loss_of(f)
        if step == 0:
            start = loss
        out = np.zeros(len(live), dtype=bool)
        thetas[live] = _step(problem, thetas[live], f, J, rates[live], out)
        above[live] |= (loss > start[live] * (1 + 1e-9)) | out
    return above


def _step(problem: Problem, thetas: Array, f: Array, J: Array, rates: Array, flying: NDArray[np.bool_]) -> Array:
    """One step for the seeds that do not fly apart; marks those that begin to."""
    chosen = problem.training
    factor, pulls = problem.slope_of(f)
    slope = (pulls[:, :, None] * J[:, chosen]).sum(axis=1)
    moved = thetas - (factor * rates)[:, None] * slope
    flying |= ~(np.abs(moved) < _LARGEST_ANGLE).all(axis=1)
    return np.where(flying[:, None], thetas, moved)


def _diverged(loss: Array, flying: NDArray[np.bool_]) -> NDArray[np.int64]:
    steps = loss.shape[1]
    end = loss[:, steps - max(1, steps // 10) :].mean(axis=1)
    above = loss > loss[:, :1]
    first = np.where(above.any(axis=1), above.argmax(axis=1), steps - 1)
    bad = flying | (end > loss[:, 0]) if steps > 1 else flying
    return np.where(bad, first, -1).astype(np.int64)


def _check(thetas: Array, rates: Array, steps: int) -> None:
    if thetas.ndim != 2 or rates.shape != thetas.shape[:1]:
        raise ValueError(f"thetas has shape {thetas.shape}, rates {rates.shape}; give (seeds, L) and (seeds,)")
    if not ((rates > 0) & np.isfinite(rates)).all() or steps < 0:
        raise ValueError("rates must be finite and above 0, steps at least 0")


def _norm(values: Array, axes: tuple[int, ...]) -> Array:
    return np.asarray(np.sqrt((values**2).sum(axis=axes)))
