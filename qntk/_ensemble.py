"""The ensemble of trained networks of a model: mean and covariance of its outputs, before one is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qntk._result import Result
from qntk.inputs.observables import Observable
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.copies.outputs import output_moments
from qntk.theory.training.ensembles import TrainedEnsemble
from qntk.theory.training.frozen import Loss, critical_rate
from qntk.theory.training.many import dressed_outputs

Array = NDArray[np.float64]
_MOST_ENTRIES = 2**24
"""Entries of a Jacobian that are held at once."""


@dataclass(frozen=True, repr=False, eq=False)
class Ensemble(Result):
    """Networks at random angles, each trained by a law: the mean kernel, frozen, or its own kernel, dressed.

    Attributes:
        mean: of the outputs at the test points after ``steps`` steps, shape (P,).
        covariance: over the networks, shape (P, P).
        steps: of gradient descent; None for the end of training.
        rate: learning rate η of the stated loss.
        draws: networks that the moments are estimated from; 0 where they are exact.
        how: where the moments come from, and why not from Pauli paths if they do not.
        training_law: ``frozen`` or ``dressed``.
        law: the frozen law at any time, on training and test points, in this order.
    """

    mean: Array = field(repr=False)
    covariance: Array = field(repr=False)
    steps: int | None
    rate: float
    draws: int
    how: str
    training_law: str
    law: TrainedEnsemble = field(repr=False)

    @property
    def std(self) -> Array:
        """Standard deviation of the networks' outputs at each test point, shape (P,)."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance).clip(min=0.0)))

    def title(self) -> str:
        """Time, rate and draws."""
        when = "at the end of training" if self.steps is None else f"after {self.steps} steps"
        return f"Ensemble of networks {when}, η = {self.rate:.4g}, law: {self.training_law}"

    def notes(self) -> list[str]:
        """Where its moments come from."""
        return [self.how]

    def rows(self) -> list[dict[str, Any]]:
        """Mean and standard deviation at each test point."""
        return [
            {"point": i, "mean": float(m), "std": float(s)}
            for i, (m, s) in enumerate(zip(self.mean, self.std, strict=True))
        ]

    def to_dict(self) -> dict[str, Any]:
        """The same with the covariance, arrays as lists."""
        told = {"steps": self.steps, "rate": self.rate, "law": self.training_law, "draws": self.draws, "how": self.how}
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
    model: Any,
    x: Array,
    labels: Array,
    test: Array,
    steps: int | None,
    rate: float | None,
    fraction: float,
    loss: str | float,
    draws: int,
    rng: np.random.Generator,
    law: str,
    moments: str,
) -> Ensemble:
    """Of a ``qntk.Model``: mean kernel and moments of f(0), by Pauli paths or from draws, then a law of training."""
    points, convention = np.concatenate([x, test]), cast(Loss, loss)
    training = np.arange(len(points)) < len(x)
    kernels = outputs = exact = None
    how = f"kernel and initial outputs of {draws:,} draws"
    if law == "frozen" and moments != "draws":
        try:
            exact = output_moments(
                read_circuit(model.circuit, list(model.inputs)), _terms(model.observables[0]), points
            )
            how = f"mean kernel and covariance exact, from all Pauli paths ({exact.pairs:,} pairs of strings)"
        except ValueError as error:
            if moments == "paths":
                raise
            how += f"; no Pauli paths: {error}"
    if exact:
        mean, covariance, kernel = exact.mean, exact.covariance, exact.kernel
    else:
        outputs, kernel, kernels = _drawn(model, points, draws, rng, keep=law == "dressed")
        mean, covariance = outputs.mean(0), np.atleast_2d(np.cov(outputs.T))
    if rate is None:
        rate = fraction * critical_rate(kernel[: len(x), : len(x)], convention)
    frozen = TrainedEnsemble(kernel, covariance, training, labels, mean, float(rate), convention)
    if law == "frozen":
        mean, covariance = frozen.mean_at(steps), frozen.covariance_at(steps)
    else:
        assert kernels is not None
        assert outputs is not None
        if steps is None:
            raise ValueError("law 'dressed' has no closed end of training; give steps")
        levels = _levels(model.observables[0])
        ends = dressed_outputs(kernels, outputs, labels, training, float(rate), steps, levels, convention)
        mean, covariance = ends.mean(0), np.atleast_2d(np.cov(ends.T))
    return Ensemble(
        mean[~training],
        covariance[np.ix_(~training, ~training)],
        steps,
        float(rate),
        0 if exact else draws,
        how,
        law,
        frozen,
    )


def _terms(observable: Observable) -> dict[str, float]:
    """Its Pauli terms; ``ValueError`` where it is given otherwise."""
    if not observable.terms:
        raise ValueError(f"observable {observable.spec!r} is no sum of Pauli strings")
    return dict(observable.terms)


def _levels(observable: Observable) -> tuple[float, float]:
    """The two eigenvalues; ``ValueError`` where there are more, or it is not known."""
    terms = [c for label, c in observable.terms if set(label) != {"I"}]
    if observable.terms and len(terms) == 1:
        centre = sum(c for label, c in observable.terms if set(label) == {"I"})
        return centre - abs(terms[0]), centre + abs(terms[0])
    raise ValueError(
        f"law 'dressed' needs an observable of two levels, here a Pauli string; {observable.spec!r} is another: "
        "take law='frozen'"
    )


def _drawn(
    model: Any, points: Array, draws: int, rng: np.random.Generator, keep: bool
) -> tuple[Array, Array, Array | None]:
    """Initial outputs (draws, points), the mean kernel, and each network's where they are kept."""
    compiled, outputs, kept = model.model, [], []
    size = max(_MOST_ENTRIES // (len(points) * compiled.parameters), 1)
    kernel = np.zeros((len(points), len(points)))
    for start in range(0, draws, size):
        thetas = rng.uniform(0, 2 * np.pi, (min(size, draws - start), compiled.parameters))
        values, jacobian = compiled.value_and_gradient(thetas, points)
        outputs.append(values)
        each = jacobian @ jacobian.swapaxes(1, 2)
        kernel += each.sum(axis=0)
        if keep:
            kept.append(each)
    return np.concatenate(outputs), (kernel + kernel.T) / (2 * draws), np.concatenate(kept) if keep else None
