"""One datum trained through the edge of the spectrum, in Haar layers of several depths: what takes over.

Every depth L = ratio · (2D-2) has its own circuits, more of them where there are fewer parameters, so that all means
are equally sharp. They are trained to targets inside the spectrum of Z on qubit 0, at its edge and beyond it, for
ηSt = 20 with S = 2Lκ the strength; the flow of infinite depth and its first correction in c = (2D-2)/L start from each
circuit's own output.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.learning.random_circuits import HaarCircuits, descend
from qntk.theory.training.one_datum import OneDatum, exponent, flow_one

Array = NDArray[np.float64]
QUBITS = 3
TARGETS = (0.6, 0.8, 0.9, 1.0, 1.1, 1.3)
EDGE, INSIDE = 1.0, 0.9
"""Targets at which the laws are judged."""
PULL, STEPS = 0.1, 200
"""ηS, and steps until ηSt = 20."""
_SHOWN = 64
"""Circuits trained to the targets that no verdict needs."""
_BATCH = 256


@dataclass(frozen=True, eq=False)
class Depth:
    """Circuits of one depth.

    Attributes:
        ratio: L/(2D-2).
        parameters: L.
        outputs, kernels: f and K by target, each of shape (circuits, STEPS + 1).
    """

    ratio: int
    parameters: int
    outputs: dict[float, Array]
    kernels: dict[float, Array]

    @property
    def strength(self) -> float:
        """S = 2Lκ for rotations exp(-iθP/2)."""
        D = 1 << QUBITS
        return 2 * self.parameters * D / (4 * (D**2 - 1))

    @property
    def correction(self) -> float:
        """c = (2D-2)/L."""
        return 1 / self.ratio

    def law(self, target: float, corrected: bool) -> OneDatum:
        """Of infinite depth, or with the first correction; from each circuit's output at the start."""
        start = self.outputs[target][:, 0]
        c = self.correction if corrected else 0.0
        return flow_one(start, target, PULL / self.strength, self.strength, STEPS, c)

    def given_output(self, target: float) -> Array:
        """K at the end over its mean given the final state, 2Lκ v(f), one value a circuit."""
        f, K = self.outputs[target][:, -1], self.kernels[target][:, -1]
        return np.asarray(K / (self.strength * (1 - f**2)))

    def kernel_at(self, output: float) -> Array:
        """K/(S v) over exp(-c k₁) when a circuit trained to the edge passes an output.

        Circuits that start beyond it are left out; none is returned unless all others come there.
        """
        f, K = self.outputs[EDGE], self.kernels[EDGE]
        below = f[:, 0] < output
        if not (f[below, -1] >= output).all():
            return np.empty(0)
        ratio = K / (self.strength * (1 - f**2))
        seen = [np.interp(output, path, values) for path, values in zip(f[below], ratio[below], strict=True)]
        return np.asarray(np.array(seen) * np.exp(self.correction * exponent(output, f[below, 0])))


@dataclass(frozen=True, eq=False)
class Transition:
    """All depths."""

    depths: list[Depth]


def transition(ratios: list[int], draws: int, rng: np.random.Generator) -> Transition:
    """Train everything; ``draws`` circuits at the largest ratio, in proportion more at smaller ones."""
    made = []
    for ratio in ratios:
        parameters = ratio * (2 * (1 << QUBITS) - 2)
        count = draws * max(ratios) // ratio
        parts: dict[float, list[tuple[Array, Array]]] = {y: [] for y in TARGETS}
        for first in range(0, count, _BATCH):
            size = min(_BATCH, count - first)
            circuits = HaarCircuits.draw(size, QUBITS, parameters, rng)
            angles = rng.uniform(0, 2 * np.pi, (size, parameters))
            for y in TARGETS:
                judged = y in (INSIDE, EDGE)
                if judged or first == 0:
                    some = slice(None if judged else _SHOWN)
                    parts[y].append(_trained(HaarCircuits(circuits.unitaries[some]), angles[some], y))
        outputs = {y: np.concatenate([f for f, _ in runs]) for y, runs in parts.items()}
        kernels = {y: np.concatenate([K for _, K in runs]) for y, runs in parts.items()}
        made.append(Depth(ratio, parameters, outputs, kernels))
    return Transition(made)


def _trained(circuits: HaarCircuits, angles: Array, target: float) -> tuple[Array, Array]:
    D = 1 << QUBITS
    rate = PULL / (2 * circuits.parameters * D / (4 * (D**2 - 1)))
    draws = len(angles)
    residuals, kernels = descend(circuits, angles, np.full(draws, target), np.full(draws, rate), STEPS)
    return residuals + target, kernels
