"""What the kernel at initialisation says of a model's training, beside what training does."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from qntk import _checked
from qntk._result import Result, frame
from qntk.inputs.losses import OwnLoss
from qntk.inputs.observables import Observable
from qntk.sampling import CircuitModel
from qntk.sampling.learning.training import Problem, Training, train
from qntk.theory.training.dressed import dressed
from qntk.theory.training.frozen import FrozenTraining, Loss, decay_times, jacobian_spectrum
from qntk.theory.training.own_loss import curved_critical_rate, curved_decay_time, curved_modes, own_loss_outputs
from qntk.validation.diagnosis.seed import r_squared

Array = NDArray[np.float64]
TrainingLaw = Literal["frozen", "dressed"]
_TOLERANCE = 1e-9


@dataclass(frozen=True, repr=False, eq=False)
class Diagnosis(Result):
    """One model at one initialisation, on data.

    Attributes:
        problem: model, data, labels, training mask and loss.
        observable: of the model.
        theta: initial angles, shape (L,).
        rate: learning rate η of the stated loss.
        initial: f(0) on all P points, shape (P,).
        jacobian: ∂f/∂θ at the start, shape (P, L).
    """

    problem: Problem = field(repr=False)
    observable: Observable
    theta: Array = field(repr=False)
    rate: float
    initial: Array = field(repr=False)
    jacobian: Array = field(repr=False)

    @classmethod
    def of(
        cls,
        model: CircuitModel,
        observable: Observable,
        x: Array,
        y: Array,
        mask: NDArray[np.bool_],
        theta: Array,
        rate: float | None,
        fraction: float,
        loss: str | float | OwnLoss,
    ) -> Diagnosis:
        """Evaluate the model once at its initial angles; errors are those of ``qntk.Model.diagnose``."""
        problem = Problem(model, x, y, mask, loss)
        outputs, jacobian = model.value_and_gradient(theta[None], x)
        made = cls(problem, observable, theta, 0.0, outputs[0], jacobian[0])
        if isinstance(loss, OwnLoss):
            loss.check(outputs[0][mask], y[mask])
        if rate is None:
            if not fraction > 0:
                raise ValueError(f"fraction is {fraction}; give a positive number, 1 for the critical rate")
            rate = fraction * made.critical_rate
            if math.isinf(rate):
                raise ValueError(f"loss {loss} is not curved upwards at the start, so no rate is critical; give rate=")
        if not (rate > 0 and math.isfinite(rate)):
            raise ValueError(f"rate is {rate}; give a positive number")
        return cls(problem, observable, theta, float(rate), outputs[0], jacobian[0])

    @cached_property
    def eigenvalues(self) -> Array:
        """λ of K on the training points, ascending, shape (M,)."""
        return jacobian_spectrum(self.jacobian[self.problem.training])

    @property
    def condition_number(self) -> float:
        """λ_max/λ_min; infinite for a singular kernel."""
        low, high = self.eigenvalues[0], self.eigenvalues[-1]
        return float(high / low) if low > 0 else math.inf

    @property
    def critical_rate(self) -> float:
        """2/λ_max in the loss's convention: above it the frozen kernel foresees divergence.

        For a loss of one's own, of KH with its curvature H at the start, which may change on the way; infinite where
        it curves upwards in no direction.
        """
        if self._curved is not None:
            return curved_critical_rate(self._curved)
        return float(1 / (self.eigenvalues[-1] * self.problem.prefactor))

    @property
    def decay_time(self) -> float:
        """Steps in which the slowest mode falls to 1/e, at this rate; infinite if it does not."""
        if self._curved is not None:
            return curved_decay_time(self._curved, self.rate)
        return float(np.max(decay_times(self.kernel_matrix[self.problem.training], self.rate, self._loss)))

    @cached_property
    def kernel_matrix(self) -> Array:
        """K between all points and the training points, shape (P, M)."""
        return np.asarray(self.jacobian @ self.jacobian[self.problem.training].T)

    @property
    def _loss(self) -> Loss:
        return cast(Loss, self.problem.loss)

    @cached_property
    def _curved(self) -> Array | None:
        """Eigenvalues of KH of a loss of one's own at the start, ascending, shape (M,)."""
        p = self.problem
        if not isinstance(p.loss, OwnLoss):
            return None
        curvature = p.loss.curvature(self.initial[p.training], p.labels[p.training])
        return curved_modes(self.kernel_matrix[p.training], curvature)

    @cached_property
    def _frozen(self) -> FrozenTraining:
        start = (self.initial - self.problem.labels)[self.problem.training]
        return FrozenTraining(self.kernel_matrix[self.problem.training], start, self.rate, self._loss)

    def predict(self, X: Any = None, steps: int = 100, law: str = "dressed") -> Array:
        """Outputs after ``steps`` steps on the points of X, shape (points,); on all points of the data by default.

        Args:
            X: shape (points, inputs); they need no labels.
            steps: of gradient descent.
            law: ``frozen``, or ``dressed``, which needs an observable of two levels. ``flow`` is refused: it is a law
                of circuits of infinite depth between random layers, which a model of data is not.
        """
        count = _checked.whole("steps", steps, 0)
        x, y, mask = self._points(X)
        initial, cross = self._at(x)
        asked = len(x) if X is None else len(x) - int(self.problem.training.sum())
        own = self.problem.loss
        if isinstance(own, OwnLoss) and law in ("frozen", "dressed"):
            labels, levels = y[mask], None if law == "frozen" else self._levels()
            path = own_loss_outputs(cross, initial, mask, lambda f: own.slope(f, labels), self.rate, count, levels)
            return np.asarray(path[-1][:asked])
        if law == "frozen":
            return np.asarray(self._frozen.outputs_at(np.array([count]), cross, initial)[0])[:asked]
        if law == "dressed":
            run = dressed(
                cross, initial, y, mask, self.rate, count, levels=self._levels(), loss=self._loss, unstable=True
            )
            return np.asarray(run.outputs[-1][:asked])
        if law == "flow":
            raise ValueError(
                "law 'flow' is of circuits of infinite depth between random layers, qntk.flow; "
                "for a model of data take 'dressed' or 'frozen'"
            )
        raise ValueError(f"law {law!r} is unknown; choose frozen or dressed")

    def _points(self, X: Any) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Points, labels and mask: new points come first, and the training points behind them."""
        p = self.problem
        if X is None:
            return p.x, p.labels, p.training
        new = _checked.points(X, p.x.shape[1])
        known = p.x[p.training]
        labels = np.concatenate([np.full(len(new), np.nan), p.labels[p.training]])
        mask = np.concatenate([np.zeros(len(new), bool), np.ones(len(known), bool)])
        return np.concatenate([new, known]), labels, mask

    def _at(self, x: Array) -> tuple[Array, Array]:
        if x is self.problem.x:
            return self.initial, self.kernel_matrix
        outputs, jacobian = self.problem.model.value_and_gradient(self.theta[None], x)
        return outputs[0], np.asarray(jacobian[0] @ self.jacobian[self.problem.training].T)

    def _levels(self) -> tuple[float, float]:
        operator = self.observable.operator()
        matrix = operator if isinstance(operator, np.ndarray) else operator.to_matrix()  # type: ignore[attr-defined]
        values = np.linalg.eigvalsh(matrix)
        low, high = float(values[0]), float(values[-1])
        if np.minimum(values - low, high - values).max() > _TOLERANCE * (high - low):
            raise ValueError(
                f"the dressed kernel needs an observable of two levels; {self.observable.spec} has more: take 'frozen'"
            )
        return low, high

    def train(self, steps: int = 100) -> Training:
        """Really train the model from these angles by gradient descent; arrays without an axis of seeds."""
        count = _checked.whole("steps", steps, 1)
        done = train(self.problem, self.theta[None], np.array([self.rate]), count)
        return Training(**done.seed(0))

    def compare(self, steps: int = 100) -> TrainingComparison:
        """Train, and put the predictions beside it."""
        return TrainingComparison(self, self.train(steps))

    def notes(self) -> list[str]:
        """What the numbers mean for a loss of one's own."""
        if not isinstance(self.problem.loss, OwnLoss):
            return []
        return ["critical rate and decay time are those of the loss's curvature at the start"]

    def title(self) -> str:
        """Sizes, loss and rate."""
        p = self.problem
        return (
            f"Diagnosis: {int(p.training.sum())} training points of {len(p.labels)}, L = {len(self.theta)}, observable "
            f"{self.observable.spec}, loss {p.loss}, η = {self.rate:.4g}"
        )

    def rows(self) -> list[dict[str, Any]]:
        """The numbers that decide training."""
        numbers = {
            "λ_min": float(self.eigenvalues[0]),
            "λ_max": float(self.eigenvalues[-1]),
            "condition number": self.condition_number,
            "critical rate": self.critical_rate,
            "decay time (steps)": self.decay_time,
        }
        return [{"quantity": name, "value": value} for name, value in numbers.items()]

    def to_dict(self) -> dict[str, Any]:
        """The same with the keys of ``qntk diagnose``; null where a number is not finite."""
        numbers = {
            "parameters": len(self.theta),
            "lambda_min": float(self.eigenvalues[0]),
            "lambda_max": float(self.eigenvalues[-1]),
            "condition_number": self.condition_number,
            "critical_learning_rate": self.critical_rate,
            "learning_rate": self.rate,
            "decay_time": self.decay_time,
        }
        return {key: value if math.isfinite(value) else None for key, value in numbers.items()}

    def plot(self, ax: Any = None) -> Any:
        """Eigenvalues of K; returns the axes."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        axes.semilogy(np.arange(1, len(self.eigenvalues) + 1), self.eigenvalues[::-1], "o")
        axes.set(xlabel="eigenvalue", ylabel=r"$\lambda$", title=self.title())
        return axes


@dataclass(frozen=True, repr=False, eq=False)
class Diagnoses(Result):
    """One model at several initialisations and learning rates, on the same data.

    Attributes:
        runs: a ``Diagnosis`` each, rates within seeds.
        seeds: of the initial angles of each run; None where they were given.
    """

    runs: tuple[Diagnosis, ...]
    seeds: tuple[int | None, ...]

    def __len__(self) -> int:
        """Number of runs."""
        return len(self.runs)

    def __getitem__(self, index: int) -> Diagnosis:
        """One run."""
        return self.runs[index]

    def compare(self, steps: int = 100) -> Any:
        """Train all, as a pandas frame: ``TrainingComparison.rows`` of each run with its seed and rate."""
        rows = [
            {"seed": seed, "rate": run.rate} | {("law" if key == "" else key): value for key, value in row.items()}
            for seed, run in zip(self.seeds, self.runs, strict=True)
            for row in run.compare(steps).rows()
        ]
        return frame(rows)

    def title(self) -> str:
        """How many, and what the first is."""
        return f"{len(self)} runs. {self.runs[0].title()}"

    def rows(self) -> list[dict[str, Any]]:
        """The numbers that decide training, a row a run."""
        return [
            {"seed": seed, "η": run.rate} | {row["quantity"]: row["value"] for row in run.rows()}
            for seed, run in zip(self.seeds, self.runs, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """The document of each run, with its seed."""
        runs = [{"seed": seed} | run.to_dict() for seed, run in zip(self.seeds, self.runs, strict=True)]
        return {"runs": runs}


@dataclass(frozen=True, repr=False, eq=False)
class TrainingComparison(Result):
    """A real training beside its predictions.

    Attributes:
        diagnosis: what was known at the start.
        trained: what training did.
    """

    diagnosis: Diagnosis
    trained: Training = field(repr=False)

    @cached_property
    def predictions(self) -> dict[str, Array]:
        """Outputs at the last step on all points by law; the dressed one for observables of two levels alone."""
        steps = len(self.trained.outputs) - 1
        found = {"frozen": self.diagnosis.predict(steps=steps, law="frozen")}
        with contextlib.suppress(ValueError):  # more than two levels, or an output that starts at the edge
            found["dressed"] = self.diagnosis.predict(steps=steps, law="dressed")
        return found

    def title(self) -> str:
        """How far it was trained."""
        return f"After {len(self.trained.outputs) - 1} steps; {self.diagnosis.title()}"

    def rows(self) -> list[dict[str, Any]]:
        """Loss and R² of training and of each law, and how far the law is off on training and test points."""
        p, end = self.diagnosis.problem, self.trained.outputs[-1]
        rows: list[dict[str, Any]] = []
        for name, outputs in {"trained": end, **self.predictions}.items():
            off = np.abs(outputs - end)
            rows.append(
                {
                    "": name,
                    "loss": float(p.loss_of(outputs)),
                    "R² train": _r2(outputs, p.labels, p.training),
                    "R² test": _r2(outputs, p.labels, ~p.training),
                    "|Δ| train": float(off[p.training].mean()),
                    "|Δ| test": float(off[~p.training].mean()) if (~p.training).any() else None,
                }
            )  # fmt: skip
        return rows

    def to_dict(self) -> dict[str, Any]:
        """The table, and outputs at the last step."""
        outputs = {"trained": self.trained.outputs[-1].tolist()} | {k: v.tolist() for k, v in self.predictions.items()}
        return {"rows": self.rows(), "outputs": outputs}

    def plot(self, ax: Any = None) -> Any:
        """Outputs on all points after training, against their labels; returns the axes."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        p = self.diagnosis.problem
        for name, outputs in {"trained": self.trained.outputs[-1], **self.predictions}.items():
            axes.plot(p.labels, outputs, "o", label=name, alpha=0.8)
        axes.axline((float(p.labels[0]), float(p.labels[0])), slope=1, color="0.7", linewidth=0.8)
        axes.set(xlabel="label", ylabel="output", title=self.title())
        axes.legend(frameon=False)
        return axes


def _r2(outputs: Array, labels: Array, chosen: NDArray[np.bool_]) -> float | None:
    value = r_squared(outputs[chosen], labels[chosen])
    return None if math.isnan(value) else value
