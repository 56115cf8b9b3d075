"""How fast a kernel gives way above the edge of stability: one datum in Haar layers of several depths.

At η = m · 2/K(y), K(y) the kernel of infinite depth at the target, K = S v(f) with each circuit's own S, no rest at the
target is stable as long as K is a function of the output. In a circuit of finite depth every overshoot lowers S by a
share of order (2D-2)/L, until ηK/2 is below 1 and the circuit settles: after a number of steps that grows with
L/(2D-2), and at no finite one in the limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.learning.random_circuits import HaarCircuits, descend

Array = NDArray[np.float64]
QUBITS, TARGET, MULTIPLE, STEPS, NEAR = 3, 0.6, 1.5, 300, 1e-2
"""n, y, m, steps, and |ε| below which a circuit has settled."""


@dataclass(frozen=True, eq=False)
class Settling:
    """Circuits of one depth; N of them.

    Attributes:
        ratio: L/(2D-2).
        residuals: ε along the way, shape (N, STEPS + 1).
        sharpness: ηK/2 along the way, same shape.
    """

    ratio: int
    residuals: Array
    sharpness: Array

    @property
    def steps(self) -> Array:
        """After which |ε| stays below ``NEAR``; NaN for a circuit that has not settled, shape (N,)."""
        above = np.abs(self.residuals) >= NEAR
        last = np.where(above.any(axis=1), above.shape[1] - np.argmax(above[:, ::-1], axis=1), 0)
        return np.where(above[:, -1], np.nan, last.astype(float))

    @property
    def at_the_end(self) -> Array:
        """ηK/2 of circuits that have settled, NaN of others, shape (N,)."""
        return np.where(np.isnan(self.steps), np.nan, self.sharpness[:, -1])


def settling(ratio: int, draws: int, rng: np.random.Generator) -> Settling:
    """Train ``draws`` circuits."""
    parameters = ratio * (2 * (1 << QUBITS) - 2)
    circuits = HaarCircuits.draw(draws, QUBITS, parameters, rng)
    angles = rng.uniform(0, 2 * np.pi, (draws, parameters))
    f, g = circuits.value_and_gradient(angles)
    at_target = (g**2).sum(axis=1) / (1 - f**2) * (1 - TARGET**2)
    rates = MULTIPLE * 2 / at_target
    residuals, kernels = descend(circuits, angles, np.full(draws, TARGET), rates, STEPS)
    return Settling(ratio, residuals, rates[:, None] * kernels / 2)
