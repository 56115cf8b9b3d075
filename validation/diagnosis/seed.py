"""One trained seed: what the kernel at initialisation says of it, beside what training did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.learning.datasets import Dataset
from qntk.sampling.learning.qnn import Qnn
from qntk.theory.training.dressed import DressedTraining, dressed, dressed_critical_rate
from qntk.theory.training.frozen import FrozenTraining, Loss, jacobian_spectrum, loss_prefactor
from qntk.validation.diagnosis.store import SeedRun

Array = NDArray[np.float64]
Stage = Literal["start", "trained", "predicted"]
"""What a number is taken from: the kernel at initialisation, training, or the frozen kernel's prediction of it."""
Law = Literal["frozen", "dressed"]
"""What a prediction takes the kernel for."""
_LARGEST = 1e100


@dataclass(frozen=True, eq=False)
class Start:
    """The kernel of one network before training.

    Args:
        spectrum: λ_i on the training points, ascending, from the singular values of the Jacobian.
        loss: convention.
        rate: η.
    """

    spectrum: Array
    loss: Loss
    rate: float

    @property
    def critical_rate(self) -> float:
        """2/λ_max in the loss's convention."""
        return float(1 / (self.spectrum[-1] * loss_prefactor(self.loss, len(self.spectrum))))

    @property
    def condition_number(self) -> float:
        """λ_max/λ_min, infinite for a singular kernel."""
        return float(self.spectrum[-1] / self.spectrum[0]) if self.spectrum[0] > 0 else float("inf")

    @property
    def decay_time(self) -> float:
        """Of the slowest mode, in steps; infinite for a singular kernel, or where some mode does not decay."""
        first, last = (
            float(value) * 2 * self.rate / self.critical_rate / float(self.spectrum[-1])
            for value in (self.spectrum[0], self.spectrum[-1])
        )
        slowest = max(abs(1 - first), abs(1 - last))
        if first <= 0 or slowest > 1:
            return float("inf")
        return -1 / float(np.log1p(-first)) if slowest == abs(1 - first) and first < 1 else -1 / float(np.log(slowest))


@dataclass(frozen=True, eq=False)
class SeedDiagnosis:
    """One seed: what the kernel at initialisation says, beside what training did.

    Args:
        run: the training.
        data: the data set.
        loss: convention.
        fraction: of the critical rate for the decay time.
        levels: the observable's two eigenvalues; None if it has more, and then there is no dressed prediction.
    """

    run: SeedRun
    data: Dataset
    loss: Loss
    fraction: float
    levels: tuple[float, float] | None = None

    @cached_property
    def spectrum(self) -> Array:
        """λ_i on the training points, ascending, from the singular values of the Jacobian."""
        return jacobian_spectrum(self.run.jacobian[self.data.training])

    @property
    def rank(self) -> int:
        """Number of eigenvalues above 1e-24 λ_max."""
        return int((self.spectrum > 0).sum())

    @property
    def start(self) -> Start:
        """The kernel at initialisation, with the rate of this run."""
        return Start(self.spectrum, self.loss, float(self.run.rate))

    @property
    def critical_rate(self) -> float:
        """2/λ_max in the loss's convention."""
        return self.start.critical_rate

    @cached_property
    def frozen(self) -> FrozenTraining:
        """Training as the kernel at initialisation foresees it."""
        start = self.run.outputs[0] - self.data.labels
        kernel = self.run.kernels[0][self.data.training]
        return FrozenTraining(kernel, start[self.data.training], float(self.run.rate), self.loss)

    @cached_property
    def predicted(self) -> Array:
        """Outputs at every step on every point, shape (steps + 1, P); NaN where a diverging prediction leaves 1e100."""
        with np.errstate(over="ignore", invalid="ignore"):
            made = self.frozen.outputs_at(np.arange(len(self.run.outputs)), self.run.kernels[0], self.run.outputs[0])
            return np.where(np.abs(made) < _LARGEST, made, np.nan)

    @cached_property
    def inference(self) -> Array | None:
        """Predicted outputs at t → ∞, shape (P,); None where the rate has no limit."""
        try:
            return self.frozen.inference(self.run.kernels[0], self.run.outputs[0])
        except ValueError:
            return None

    @cached_property
    def dressed(self) -> DressedTraining | None:
        """Training with the dressed kernel; None without two levels, or where an output starts at their edge."""
        run, data = self.run, self.data
        if self.levels is None:
            return None
        try:
            return dressed(
                run.kernels[0], run.outputs[0], data.labels, data.training, float(run.rate), len(run.outputs) - 1,
                levels=self.levels, loss=self.loss, unstable=True,
            )  # fmt: skip
        except ValueError:
            return None

    @property
    def dressed_critical_rate(self) -> float:
        """2/λ_max of the dressed kernel at the labels, in the loss's convention; NaN where there is none."""
        if self.dressed is None or self.levels is None:
            return float("nan")
        chosen = self.data.training
        kernel, outputs = self.run.kernels[0][chosen], self.run.outputs[0][chosen]
        return dressed_critical_rate(kernel, outputs, self.data.labels[chosen], self.levels, self.loss)

    @property
    def diverged(self) -> bool:
        """Whether training ended above where it began."""
        return int(self.run.diverged_at) >= 0

    @property
    def foreseen_to_diverge(self) -> bool:
        """Whether the frozen kernel foresees divergence: the rate is above 2/λ_max."""
        return float(self.run.rate) > self.critical_rate

    def loss_of(self, outputs: Array) -> Array:
        """Loss on the training points."""
        errors = (outputs - self.data.labels)[..., self.data.training]
        return np.asarray(loss_prefactor(self.loss, errors.shape[-1]) * (errors**2).sum(axis=-1))

    def r2(self, outputs: Array, training: bool) -> float:
        """1 - Σε²/Σ(y - ȳ)² on training or test points; NaN where these have no spread."""
        chosen = self.data.training if training else ~self.data.training
        return r_squared(outputs[chosen], self.data.labels[chosen])

    def dressed_r2(self, training: bool) -> float:
        """R² of what the dressed kernel predicts at the last step; NaN without a prediction."""
        return float("nan") if self.dressed is None else self.r2(self.dressed.outputs[-1], training)

    def difference(self, law: Law, points: NDArray[np.bool_] | slice = slice(None)) -> float:
        """Mean |prediction - model| at the last step, over all points or those chosen; NaN without a prediction."""
        if law == "frozen":
            made = self.predicted
        elif self.dressed is not None:
            made = self.dressed.outputs
        else:
            return float("nan")
        return float(np.abs(made[-1] - self.run.outputs[-1])[points].mean())

    def kernel_error(self, law: Law) -> float:
        """‖K(end) - predicted‖/‖K(0)‖ on the training points; the frozen kernel's is the drift."""
        chosen = self.data.training
        first, last = (self.run.kernels[at][chosen] for at in (0, -1))
        if law == "dressed" and self.dressed is None:
            return float("nan")
        predicted = first if law == "frozen" or self.dressed is None else self.dressed.kernel(-1)[chosen]
        return float(np.linalg.norm(last - predicted) / np.linalg.norm(first))

    @cached_property
    def mode_times(self) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Steps in which each mode falls to 1/e: predicted, seen (inf if not within the run), and which count.

        Those count whose initial amplitude is above a tenth of the modes' root mean square.
        """
        _, vectors = self.frozen.modes
        seen = (self.run.outputs - self.data.labels)[:, self.data.training] @ vectors
        foreseen = self.frozen.amplitudes_at(np.arange(len(seen)))
        start = np.abs(seen[0])
        return fall_times(foreseen), fall_times(seen), start > 0.1 * np.sqrt((start**2).mean())


@dataclass(frozen=True, eq=False)
class ModelDiagnosis:
    """All finished seeds of a model at a depth, and the kernels of more networks that were not trained."""

    network: Qnn
    seeds: list[SeedDiagnosis]
    starts: list[Start] = field(default_factory=list)

    def at_start(self, pick: Callable[[Start], float]) -> Array:
        """One number a network before training: of ``starts`` where there are any, else of the seeds."""
        return np.array([pick(start) for start in self.starts or [s.start for s in self.seeds]], dtype=float)

    def values(self, pick: Callable[[SeedDiagnosis], float], of: Stage = "trained") -> Array:
        """One number a seed: of all for what is known at the start, else of those that did not diverge.

        What the frozen kernel predicts also leaves out the seeds for which it foresees divergence. So no number depends
        on how far a run, or a prediction, has diverged; where no seed is left there are none.
        """
        chosen = [s for s in self.seeds if of == "start" or not s.diverged]
        return np.array([pick(s) for s in chosen if of != "predicted" or not s.foreseen_to_diverge], dtype=float)


def r_squared(outputs: Array, labels: Array) -> float:
    """1 - Σε²/Σ(y - ȳ)², both of shape (points,); NaN for labels without spread."""
    spread = float(((labels - labels.mean()) ** 2).sum()) if len(labels) else 0.0
    return 1 - float(((outputs - labels) ** 2).sum()) / spread if spread > 0 else float("nan")


def fall_times(amplitudes: Array) -> Array:
    """When |a(t)| first falls to |a(0)|/e, on straight lines of log |a| between steps; inf if it does not.

    ``amplitudes`` has shape (steps + 1, M).
    """
    size = np.maximum(np.abs(amplitudes), 1e-300)
    edge = size[0] / np.e
    below = size <= edge
    at = np.maximum(below.argmax(axis=0), 1)
    if len(size) < 2:
        return np.full(size.shape[1], np.inf)
    columns = np.arange(size.shape[1])
    before, after = np.log(size[at - 1, columns]), np.log(size[at, columns])
    with np.errstate(divide="ignore", invalid="ignore"):
        times = at - 1 + (before - np.log(edge)) / (before - after)
    return np.where(below.any(axis=0), times, np.inf)
