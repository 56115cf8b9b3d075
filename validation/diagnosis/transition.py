"""One datum trained through the edge of the spectrum, in Haar layers of several depths: what takes over.

Every depth L = ratio · (2D-2) has its own circuits, more of them where there are fewer parameters, so that all means
are equally sharp. They are trained to targets inside the spectrum of Z on qubit 0, at its edge and beyond it, for
ηSt = 20 with S = 2Lκ the strength; the laws start from each circuit's own output: the flow of infinite depth, and its
first correction in c = (2D-2)/L. With more qubits they are trained to the edge alone, in larger steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.learning.random_circuits import HaarCircuits, descend
from qntk.theory.training.one_datum import OneDatum, exponent, flow_one
from qntk.validation.diagnosis.settling import Settling, settling

Array = NDArray[np.float64]
LawName = Literal["frozen", "dressed", "flow", "corrected"]
LAWS: tuple[LawName, ...] = ("frozen", "dressed", "flow", "corrected")
QUBITS = 3
"""Of the circuits that are trained to every target."""
TARGETS = (0.6, 0.8, 0.9, 1.0, 1.1, 1.3)
INSIDE, EDGE, BEYOND = 0.9, 1.0, 1.1
"""Targets at which the laws are judged."""
LONG = 20.0
"""ηSt at the end."""
PULL, LARGE_PULL = 0.1, 0.25
"""ηS of the circuits that are trained to every target, and to the edge alone."""
_SHOWN = 64
"""Circuits trained to the targets that no verdict needs."""
_AMPLITUDES = 2**20
"""Complex numbers of the unitaries that one thread holds at a time."""


@dataclass(frozen=True, eq=False)
class Depth:
    """Circuits of one depth.

    Attributes:
        qubits: n.
        ratio: L/(2D-2).
        outputs, kernels: f and K by target, each of shape (circuits, steps + 1).
    """

    qubits: int
    ratio: int
    outputs: dict[float, Array]
    kernels: dict[float, Array]

    @property
    def parameters(self) -> int:
        """L."""
        return self.ratio * (2 * (1 << self.qubits) - 2)

    @property
    def pull(self) -> float:
        """ηS."""
        return PULL if self.qubits == QUBITS else LARGE_PULL

    @property
    def steps(self) -> int:
        """Until ηSt = 20."""
        return round(LONG / self.pull)

    @property
    def strength(self) -> float:
        """S = 2Lκ for rotations exp(-iθP/2)."""
        D = 1 << self.qubits
        return 2 * self.parameters * D / (4 * (D**2 - 1))

    @property
    def rate(self) -> float:
        """η."""
        return self.pull / self.strength

    @property
    def correction(self) -> float:
        """c = (2D-2)/L."""
        return 1 / self.ratio

    def law(self, target: float, corrected: bool, own: bool = False) -> OneDatum:
        """Of infinite depth, or with the first correction; from each circuit's output at the start.

        With ``own`` S is K(0)/v(0) of each circuit: for one datum that is its dressed kernel.
        """
        start = self.outputs[target][:, 0]
        S = self.kernels[target][:, 0] / (1 - start**2) if own else self.strength
        c = self.correction if corrected else 0.0
        return flow_one(start, target, self.rate, S, self.steps, c, unstable=own)

    def foretold(self, target: float, law: LawName) -> tuple[Array, Array]:
        """Output and kernel at the end as a law foretells them, each of shape (circuits,)."""
        if law == "frozen":
            f, K = self.outputs[target][:, 0], self.kernels[target][:, 0]
            return target + (f - target) * (1 - self.rate * K) ** self.steps, K
        run = self.law(target, law == "corrected", law == "dressed")
        return run.output[-1], run.kernel[-1]

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

    def rows(self) -> Iterator[dict[str, Any]]:
        """A target each: mean |prediction - model| at the end of every law, and its miss of K over K(0)."""
        for target, f in self.outputs.items():
            K = self.kernels[target]
            row: dict[str, Any] = {
                "qubits": self.qubits, "ratio": self.ratio, "parameters": self.parameters, "target": target,
                "circuits": len(f),
            }  # fmt: skip
            for law in LAWS:
                output, kernel = self.foretold(target, law)
                row[f"output_{law}"] = float(np.abs(output - f[:, -1]).mean())
                row[f"kernel_{law}"] = float((np.abs(kernel - K[:, -1]) / K[:, 0]).mean())
            yield row


def late_speed(depth: Depth, target: float, outputs: Array, kernels: Array) -> Array:
    """How fast it ends, over the second half of training, of outputs and kernels of shape (circuits, steps + 1).

    Inside the spectrum the rate of the error, ln(ε/ε') a step; at its edge the power of time by which the error falls,
    1 where it is as 1/t; beyond it the rate of the kernel.
    """
    half, last = depth.steps // 2, depth.steps
    if target > EDGE:
        return np.asarray(np.log(kernels[:, half] / kernels[:, last]) / (last - half))
    error = np.log(np.abs((outputs[:, half] - target) / (outputs[:, last] - target)))
    return np.asarray(error / (np.log(last / half) if target == EDGE else last - half))


@dataclass(frozen=True, eq=False)
class Transition:
    """All depths, and how fast the kernel gives way in each above the edge of stability."""

    depths: list[Depth]
    settling: list[Settling]

    @property
    def judged(self) -> list[Depth]:
        """Those that were trained to every target."""
        return [d for d in self.depths if d.qubits == QUBITS]


def transition(
    ratios: list[int],
    draws: int,
    rng: np.random.Generator,
    widths: list[int] | None = None,
    workers: int = 1,
    progress: Callable[[], object] = lambda: None,
) -> Transition:
    """Train everything; the result does not depend on ``workers``.

    ``draws`` circuits at the largest ratio, in proportion more at smaller ones; with each of ``widths`` qubits, to the
    edge, a half with 4 qubits, an eighth with 5, a 32nd with 6: their residuals spread less, and cost more.
    """
    cells = [(n, ratio) for n in dict.fromkeys([QUBITS, *(widths or [])]) for ratio in ratios]
    streams = dict(zip(cells, rng.spawn(len(cells)), strict=True))
    above = rng.spawn(len(ratios))

    def one(cell: tuple[int, int]) -> Depth:
        qubits, ratio = cell
        fewer = max(1, 4 ** max(qubits - QUBITS, 0) // 2)
        made = _depth(qubits, ratio, max(2, draws * max(ratios) // ratio // fewer), streams[cell])
        progress()
        return made

    with ThreadPoolExecutor(workers) as pool:
        given_way = pool.map(settling, ratios, [max(2, draws // 8)] * len(ratios), above)
        return Transition(list(pool.map(one, cells)), list(given_way))


def _depth(qubits: int, ratio: int, count: int, rng: np.random.Generator) -> Depth:
    depth = Depth(qubits, ratio, {}, {})
    L = depth.parameters
    targets = TARGETS if qubits == QUBITS else (EDGE,)
    parts: dict[float, list[tuple[Array, Array]]] = {y: [] for y in targets}
    batch = max(1, _AMPLITUDES // ((L + 1) << (2 * qubits)))
    trained = 0
    while trained < count:
        size = min(batch, count - trained)
        circuits = HaarCircuits.draw(size, qubits, L, rng)
        angles = rng.uniform(0, 2 * np.pi, (size, L))
        for y in targets:
            some = size if y in (INSIDE, EDGE, BEYOND) else min(size, max(0, _SHOWN - trained))
            if some:
                part = HaarCircuits(circuits.unitaries[:some])
                ends = np.full(some, y), np.full(some, depth.rate)
                residuals, kernels = descend(part, angles[:some], *ends, depth.steps)
                parts[y].append((residuals + y, kernels))
        trained += size
    outputs = {y: np.concatenate([f for f, _ in runs]) for y, runs in parts.items()}
    return Depth(qubits, ratio, outputs, {y: np.concatenate([K for _, K in runs]) for y, runs in parts.items()})
