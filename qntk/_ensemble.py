"""The ensemble of trained networks of a model: mean and covariance of its outputs, before one is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qntk._result import Result
from qntk.sampling import CircuitModel
from qntk.theory.training.ensembles import TrainedEnsemble
from qntk.theory.training.frozen import Loss, critical_rate

Array = NDArray[np.float64]
_MOST_ENTRIES = 2**24
"""Entries of a Jacobian that are held at once."""


@dataclass(frozen=True, repr=False, eq=False)
class Ensemble(Result):
    """Networks at random angles, each trained with the mean kernel, frozen.

    Attributes:
        mean: of the outputs at the test points after ``steps`` steps, shape (P,).
        covariance: over the networks, shape (P, P).
        steps: of gradient descent; None for the end of training.
        rate: learning rate η of the stated loss.
        draws: networks that the mean kernel, and mean and covariance of the initial outputs, are estimated from.
        law: the same at any time, on training and test points, in this order.
    """

    mean: Array = field(repr=False)
    covariance: Array = field(repr=False)
    steps: int | None
    rate: float
    draws: int
    law: TrainedEnsemble = field(repr=False)

    @property
    def std(self) -> Array:
        """Standard deviation of the networks' outputs at each test point, shape (P,)."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance).clip(min=0.0)))

    def title(self) -> str:
        """Time, rate and draws."""
        when = "at the end of training" if self.steps is None else f"after {self.steps} steps"
        return f"Ensemble of networks {when}, η = {self.rate:.4g}, moments of {self.draws} draws"

    def rows(self) -> list[dict[str, Any]]:
        """Mean and standard deviation at each test point."""
        return [
            {"point": i, "mean": float(m), "std": float(s)}
            for i, (m, s) in enumerate(zip(self.mean, self.std, strict=True))
        ]

    def to_dict(self) -> dict[str, Any]:
        """The same with the covariance, arrays as lists."""
        told = {"steps": self.steps, "rate": self.rate, "draws": self.draws}
        return told | {"mean": self.mean.tolist(), "covariance": self.covariance.tolist()}

    def plot(self, ax: Any = None) -> Any:
        """Mean with a band of one standard deviation over the test points, in their order; returns the axes."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        at = np.arange(len(self.mean))
        axes.fill_between(at, self.mean - self.std, self.mean + self.std, alpha=0.25, linewidth=0)
        axes.plot(at, self.mean)
        axes.set(xlabel="test point", ylabel="output", title=self.title())
        return axes


def trained(
    model: CircuitModel,
    x: Array,
    labels: Array,
    test: Array,
    steps: int | None,
    rate: float | None,
    fraction: float,
    loss: str | float,
    draws: int,
    rng: np.random.Generator,
) -> Ensemble:
    """Mean kernel and moments of f(0) from draws, put into ``qntk.theory.training.ensembles``."""
    points = np.concatenate([x, test])
    size = max(_MOST_ENTRIES // (len(points) * model.parameters), 1)
    outputs, kernel = [], np.zeros((len(points), len(points)))
    for start in range(0, draws, size):
        thetas = rng.uniform(0, 2 * np.pi, (min(size, draws - start), model.parameters))
        values, jacobian = model.value_and_gradient(thetas, points)
        outputs.append(values)
        kernel += np.einsum("dil,djl->ij", jacobian, jacobian, optimize=True)
    initial = np.concatenate(outputs)
    kernel = (kernel + kernel.T) / (2 * draws)
    training = np.arange(len(points)) < len(x)
    convention = cast(Loss, loss)
    if rate is None:
        rate = fraction * critical_rate(kernel[: len(x), : len(x)], convention)
    law = TrainedEnsemble(
        kernel, np.atleast_2d(np.cov(initial.T)), training, labels, initial.mean(0), float(rate), convention
    )
    mean, covariance = law.mean_at(steps)[~training], law.covariance_at(steps)[np.ix_(~training, ~training)]
    return Ensemble(mean, covariance, steps, float(rate), draws, law)
