r"""What the ensemble of trained networks predicts: mean, covariance and test error, before one is drawn or trained.

A network starts at random angles, with outputs f(0) on training points A and others *, and trains with a frozen kernel
K:

    f_*(t) = f_*(0) + T (y - f_A(0)),      T = K_*A K_AA⁻¹ [1 - (1 - η'K_AA)^t].

Where K is the same for all networks, f(t) is linear in f(0). With mean m and covariance k of f(0) over the angles,

    mean        m_* + T (y - m_A),
    covariance  k_** - T k_A* - k_*A Tᵀ + T k_AA Tᵀ,

whatever the law of f(0); Gaussian if that is. The expected test error is bias² + variance. K and k need not be
proportional: for a given circuit they come from Pauli paths, or from draws.

Haar layers, exact at every D, with F_ij the fidelities of the inputs before the first layer:

    m = Tr O/D,      k_ij = a₂(O) (D F_ij - 1)/(D(D²-1)),      K̄_ij = 2LD a₂(G)/(D²-1) · D/(D+1) · k_ij,

so that K̄ is proportional to k, and at t → ∞ the ensemble is the Gaussian posterior given the labels, without noise.
f(0) is Gaussian at large D where D a₄(O)/a₂(O)² is of order 1; of a projector it is exponential, and only mean and
covariance are meant. Frozen training holds where ``concentration.frozen`` says so.

Girardi and De Palma, arXiv 2402.08726 (the Gaussian process); docs/theory.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.training.arguments import finite, positive, training_mask
from qntk.theory.training.frozen import Loss, decays, geometric_sum, loss_prefactor, spectrum

Array = NDArray[np.float64]


class Error(NamedTuple):
    """The expected square error at each point, (m,): the mean of the ensemble misses, and its networks scatter."""

    bias_squared: Array
    variance: Array

    @property
    def total(self) -> Array:
        """E (f - target)²."""
        return self.bias_squared + self.variance


@dataclass(frozen=True)
class TrainedEnsemble:
    """Networks with one kernel and random initial outputs, trained on some of m points.

    Attributes:
        kernel: the kernel of all points, (m, m), positive semidefinite; its training block is what trains.
        covariance: of the initial outputs, (m, m).
        training: which points are trained on, boolean (m,).
        labels: of the training points, in order.
        mean: of the initial outputs, a number or (m,).
        learning_rate: η of the loss named.
        loss: as in ``frozen``.

    ``ValueError`` for shapes that do not fit, or matrices that are not finite and symmetric.

    >>> one = TrainedEnsemble([[1.0, 0.5], [0.5, 1.0]], [[0.1, 0.05], [0.05, 0.1]], [True, False], [0.4])
    >>> one.mean_at().round(4), one.covariance_at().round(4)
    (array([0.4, 0.2]), array([[0.   , 0.   ],
           [0.   , 0.075]]))
    """

    kernel: Array
    covariance: Array
    training: NDArray[np.bool_]
    labels: Array
    mean: Array = field(default_factory=lambda: np.zeros(()))
    learning_rate: float = 1.0
    loss: Loss = "half-sum"

    def __post_init__(self) -> None:
        """Coerce and check."""
        kernel = np.atleast_2d(np.asarray(self.kernel, dtype=float))
        points = len(kernel)
        spectrum(kernel)
        covariance = finite("covariance", self.covariance, (points, points))
        values = np.linalg.eigvalsh((covariance + covariance.T) / 2)
        if np.abs(covariance - covariance.T).max() > 1e-9 * np.abs(covariance).max() or values[0] < -1e-9 * values[-1]:
            raise ValueError("covariance is not symmetric and positive semidefinite")
        training = training_mask(self.training, points)
        mean = np.broadcast_to(np.asarray(self.mean, dtype=float), (points,))
        labels = finite("labels", np.atleast_1d(self.labels), (int(training.sum()),))
        for name, value in zip(
            ("kernel", "covariance", "training", "labels", "mean"),
            (kernel, covariance, training, labels, mean),
            strict=True,
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def of_haar_layers(
        cls,
        law: KernelLaw,
        fidelities: ArrayLike,
        training: ArrayLike,
        labels: ArrayLike,
        mean: float = 0.0,
        learning_rate: float = 1.0,
        loss: Loss = "half-sum",
    ) -> TrainedEnsemble:
        """Haar layers, with the mean kernel.

        Args:
            law: L with the moments of O and G.
            fidelities: |<φ_i|φ_j>|² of the inputs, (m, m).
            training, labels, learning_rate, loss: as above.
            mean: Tr O/D.
        """
        D = law.observable.dimension
        overlaps = np.atleast_2d(np.asarray(fidelities, dtype=float))
        if np.abs(np.diagonal(overlaps) - 1).max() > 1e-9:
            raise ValueError("a fidelity of an input with itself is not 1; give |<φ_i|φ_j>|²")
        centred = (D * overlaps - 1) / (D - 1)
        covariance = float(law.observable.a2 / (D * (D + 1))) * centred
        return cls(
            law.mean().value * centred,
            covariance,
            np.asarray(training),
            np.asarray(labels, dtype=float),
            np.asarray(mean, dtype=float),
            learning_rate,
            loss,
        )

    def mean_at(self, steps: float | None = None, continuous: bool = False) -> Array:
        """The mean output of the ensemble at all points after some steps of training, or at its end (None): (m,)."""
        return np.asarray(self.mean + self._transfer(steps, continuous) @ (self.labels - self.mean[self.training]))

    def covariance_at(self, steps: float | None = None, continuous: bool = False) -> Array:
        """The covariance of the outputs over the ensemble, (m, m)."""
        moved = np.eye(len(self.kernel))
        moved[:, self.training] -= self._transfer(steps, continuous)
        return np.asarray(moved @ self.covariance @ moved.T)

    def error_at(self, targets: ArrayLike, steps: float | None = None, continuous: bool = False) -> Error:
        """The expected square error against targets at all points, (m,)."""
        wanted = finite("targets", targets, (len(self.kernel),))
        variance = np.diagonal(self.covariance_at(steps, continuous)).copy()
        return Error((self.mean_at(steps, continuous) - wanted) ** 2, variance)

    def _transfer(self, steps: float | None, continuous: bool) -> Array:
        """T, (m, training points): K_·A v S_t(λ) vᵀ over the modes of K_AA; null modes do not move."""
        cross = self.kernel[:, self.training]
        values, vectors = spectrum(cross[self.training])
        rate = 2 * loss_prefactor(self.loss, len(values)) * float(positive("learning_rate", self.learning_rate))
        if steps is None:
            if not (continuous or decays(rate * values).all()):
                raise ValueError("learning_rate is at or above the critical rate; training has no end")
            gain = np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
        else:
            gain = rate * geometric_sum(rate * values, np.asarray(steps), continuous)
        return np.asarray(cross @ (vectors * gain) @ vectors.T)
