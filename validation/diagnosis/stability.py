"""The edge of stability: above 2/λ_max(0) the top mode overshoots, the kernel gives way, and λ_max settles at 2/η.

Known of classical networks (Cohen et al., arXiv 2103.00065). Models are trained at multiples of each seed's own frozen
critical rate; what is followed is ηλ_max(t)/2, which is 1 at the rate's own edge. Below the edge nothing drives it
there. A run counts as settled if its loss ends below a tenth of where it began: those above oscillate without end, and
in models of few parameters a tenth is as far as 300 steps go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.learning.datasets import Dataset
from qntk.sampling.learning.qnn import Qnn
from qntk.sampling.learning.training import Problem, train
from qntk.theory.training.frozen import jacobian_spectrum

Array = NDArray[np.float64]
STEPS, MOST_SEEDS, SETTLED = 400, 32, 0.1
"""Steps and seeds at most, and the share of the loss at the start below which a run has settled."""


@dataclass(frozen=True, eq=False)
class Sharpness:
    """Runs of one model at one multiple of the critical rate; S seeds.

    Attributes:
        network: the model.
        multiple: η over each seed's 2/λ_max(0).
        steps: at which λ_max was recorded, shape (C,).
        sharpness: ηλ_max/2 there, shape (S, C).
        loss: at the end over that at the start, shape (S,).
    """

    network: Qnn
    multiple: float
    steps: NDArray[np.int64]
    sharpness: Array
    loss: Array

    @property
    def settled(self) -> NDArray[np.bool_]:
        """Which seeds have settled, shape (S,)."""
        return np.asarray(self.loss < SETTLED)

    @property
    def at_the_end(self) -> Array:
        """ηλ_max/2 at the last step, NaN for seeds that have not settled, shape (S,)."""
        return np.where(self.settled, self.sharpness[:, -1], np.nan)


def sharpness(
    network: Qnn,
    observable: object,
    data: Dataset,
    loss: str | float,
    multiple: float,
    thetas: Array,
    steps: int,
) -> Sharpness:
    """Train from each row of ``thetas`` (S, L) on the training points alone."""
    chosen = data.training
    x, labels = network.columns(data.x[chosen]), data.labels[chosen]
    problem = Problem(network.model(observable), x, labels, np.ones(len(labels), bool), loss)
    _, J = problem.model.value_and_gradient(thetas, problem.x)
    rates = np.array([multiple / (jacobian_spectrum(j)[-1] * problem.prefactor) for j in J])
    run = train(problem, thetas, rates, min(steps, STEPS))
    seen = rates[:, None] * problem.prefactor * np.linalg.eigvalsh(run.kernels)[..., -1]
    losses = problem.loss_of(run.outputs[:, [0, -1]])
    return Sharpness(network, multiple, run.checkpoints, seen, losses[:, 1] / losses[:, 0])
