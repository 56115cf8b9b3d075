r"""Many trained networks against the laws of their ensemble: mean, variance, test error, Gaussianity.

A cell is n qubits, L parameters, M training points and a size of labels. Its networks are random Pauli rotations
between Haar unitaries, each its own (``qntk.sampling.learning.pauli_networks``), O = Z on qubit 0; M + 1 inputs have
fidelity ½ with each other, the last is the test point. Labels are size · (1, 0.6, -0.8), the target at the test point
0.4 · size.

Three laws: ``frozen`` (the mean kernel, ``theory.training.ensembles``), ``dressed`` (each network's own kernel at
initialisation), ``flow`` (infinite depth, Haar reflections drawn anew: trained networks given where they start).

Verdicts are read off a 99 % interval: mean within 0.2 standard deviations of the law's, variance and expected square
error within 25 %. Gaussianity is D'Agostino's test of skewness and kurtosis on the test point's output, at 0.1 %.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qntk.sampling.learning.pauli_networks import PauliNetworks
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.training.ensembles import TrainedEnsemble
from qntk.theory.training.many import dressed_outputs, flow_outputs

Array = NDArray[np.float64]
LEVEL, MEAN_MARGIN, MARGIN, NORMAL_LEVEL = 0.01, 0.2, 0.25, 0.001
FIDELITY = 0.5
_PATTERN = np.array([1.0, 0.6, -0.8])
_TARGET = 0.4
_REFLECTIONS = 4000


@dataclass(frozen=True)
class Cell:
    """What is trained; ``step`` is when its outputs are looked at."""

    qubits: int
    parameters: int
    data: int
    label: float
    networks: int
    steps: tuple[int, ...] = (4, 32)
    fraction: float = 0.25

    @property
    def dimension(self) -> int:
        """D."""
        return 1 << self.qubits

    @property
    def ratio(self) -> float:
        """L/D."""
        return self.parameters / self.dimension


@dataclass(frozen=True)
class Row:
    """One law at one time in one cell; errors are standard errors of trained networks and law together."""

    qubits: int
    parameters: int
    ratio: float
    data: int
    label: float
    networks: int
    step: int
    law: str
    mean: float
    mean_law: float
    mean_error: float
    variance: float
    variance_law: float
    variance_error: float
    square_error: float
    square_error_law: float
    square_error_error: float
    skewness: float
    kurtosis: float
    normal_p: float
    kurtosis_seen: float
    mean_verdict: str
    variance_verdict: str
    square_error_verdict: str
    gaussian: str

    def to_dict(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def study(cell: Cell, seed: int) -> list[Row]:
    """Train the networks of a cell and weigh every law on them, at each of its times and at the start."""
    rng = np.random.default_rng([seed, cell.qubits, cell.parameters, cell.data, round(100 * cell.label)])
    points, D = cell.data + 1, cell.dimension
    if points > D:
        raise ValueError(f"{points} inputs of fidelity {FIDELITY} need a dimension of {points}; here it is {D}")
    gram, inside = _inputs(points)
    states = np.zeros((points, D), dtype=complex)
    states[:, :points] = inside
    training, labels = np.arange(points) < cell.data, cell.label * _PATTERN[: cell.data]
    law = KernelLaw(
        cell.parameters, OperatorMoments.from_pauli(cell.qubits), OperatorMoments.from_pauli(cell.qubits).scaled(0.5)
    )
    kernel = TrainedEnsemble.of_haar_layers(law, gram**2, training, labels, 0.0, 1e-9).kernel
    rate = cell.fraction * 2 / float(np.linalg.eigvalsh(kernel[: cell.data, : cell.data])[-1])
    frozen = TrainedEnsemble.of_haar_layers(law, gram**2, training, labels, 0.0, rate)
    networks = PauliNetworks.draw(cell.networks, cell.qubits, cell.parameters, rng)
    outputs, kernels = networks.train(states, training, labels, rate, [0, *cell.steps])
    overlaps = _reflections(inside, D, rng)
    strength = cell.parameters * D / (2 * (D * D - 1))
    target, rows = _TARGET * cell.label, []
    for place, step in enumerate((0, *cell.steps)):
        seen = outputs[:, place, -1]
        predicted = {"frozen": (frozen.mean_at(step)[-1], frozen.covariance_at(step)[-1, -1])}
        drawn = {
            "dressed": dressed_outputs(kernels, outputs[:, 0], labels, training, rate, step),
            "flow": flow_outputs(gram, overlaps, labels, training, rate, strength, step),
        }
        rows.append(_weigh(cell, step, "frozen", seen, *predicted["frozen"], target, None))
        for name, ends in drawn.items() if step else ():
            law_draws = ends[:, -1]
            rows.append(_weigh(cell, step, name, seen, law_draws.mean(), law_draws.var(ddof=1), target, law_draws))
    return rows


def flow_over_frozen(qubits: int, data: int, label: float, seed: int, steps: int = 48) -> tuple[float, float]:
    """Variance of the flow's networks over the frozen law's at infinite depth, and its standard error; nothing is
    trained."""
    D, points = 1 << qubits, data + 1
    gram, inside = _inputs(points)
    training, labels = np.arange(points) < data, label * _PATTERN[:data]
    law = KernelLaw(10**6, OperatorMoments.from_pauli(qubits), OperatorMoments.from_pauli(qubits).scaled(0.5))
    kernel = TrainedEnsemble.of_haar_layers(law, gram**2, training, labels, 0.0, 1e-12).kernel
    rate = 0.5 / float(np.linalg.eigvalsh(kernel[:data, :data])[-1])
    frozen = TrainedEnsemble.of_haar_layers(law, gram**2, training, labels, 0.0, rate).covariance_at(steps)[-1, -1]
    overlaps = _reflections(inside, D, np.random.default_rng([seed, qubits, data, round(100 * label)]))
    strength = law.parameters * D / (2 * (D * D - 1))
    ends = flow_outputs(gram, overlaps, labels, training, rate, strength, steps)[:, -1]
    return float(ends.var(ddof=1) / frozen), float(_errors(ends, 0.0)[1] / frozen)


def _inputs(points: int) -> tuple[Array, Array]:
    """The Gram matrix of inputs with the fidelity named, and the inputs within their span, rows."""
    gram = np.full((points, points), np.sqrt(FIDELITY)) + (1 - np.sqrt(FIDELITY)) * np.eye(points)
    return gram, np.linalg.cholesky(gram)


def _reflections(inside: Array, D: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """<φ_i|Õ|φ_j> of Haar reflections of trace 0, (draws, m, m)."""
    frames = rng.normal(size=(_REFLECTIONS, D, inside.shape[1], 2)) @ [1, 1j]
    q, r = np.linalg.qr(frames)
    phases = np.einsum("nii->ni", r)
    states = (q * (phases / np.abs(phases))[:, None]) @ inside.T
    signs = 1.0 - 2.0 * (np.arange(D) & 1)
    return np.asarray(states.conj().swapaxes(1, 2) @ (signs[:, None] * states))


def _weigh(
    cell: Cell, step: int, law: str, seen: Array, mean: float, variance: float, target: float, draws: Array | None
) -> Row:
    """Trained networks against a law's mean and variance; ``draws`` where the law itself is drawn."""
    observed = [seen.mean(), seen.var(ddof=1), ((seen - target) ** 2).mean()]
    foreseen = [float(mean), float(variance), (float(mean) - target) ** 2 + float(variance)]
    errors = np.hypot(_errors(seen, target), 0.0 if draws is None else _errors(draws, target))
    scale = [np.sqrt(foreseen[1]) * MEAN_MARGIN, foreseen[1] * MARGIN, foreseen[2] * MARGIN]
    z = float(stats.norm.isf(LEVEL / 2))
    verdicts = [
        verdict(o - p, z * e, margin) for o, p, e, margin in zip(observed, foreseen, errors, scale, strict=True)
    ]
    p_value = float(stats.normaltest(seen).pvalue)
    sees = (stats.norm.isf(NORMAL_LEVEL / 2) + stats.norm.isf(0.2)) * np.sqrt(24 / len(seen))
    return Row(
        cell.qubits, cell.parameters, cell.ratio, cell.data, cell.label, cell.networks, step, law,
        float(observed[0]), foreseen[0], float(errors[0]), float(observed[1]), foreseen[1], float(errors[1]),
        float(observed[2]), foreseen[2], float(errors[2]), float(stats.skew(seen)), float(stats.kurtosis(seen)),
        p_value, float(sees), verdicts[0], verdicts[1], verdicts[2],
        "rejected" if p_value < NORMAL_LEVEL else "not rejected",
    )  # fmt: skip


def verdict(difference: float, half: float, margin: float) -> str:
    """Agree if the whole interval lies within the margin, disagree if outside.

    >>> verdict(0.1, 0.05, 0.2), verdict(0.1, 0.15, 0.2), verdict(-0.5, 0.1, 0.2)
    ('agree', 'inconclusive', 'disagree')
    """
    if abs(difference) + half <= margin:
        return "agree"
    return "disagree" if abs(difference) - half > margin else "inconclusive"


def _errors(values: Array, target: float) -> Array:
    """Standard errors of mean, variance and mean square error."""
    centred, square = values - values.mean(), (values - target) ** 2
    spread = [centred.std(), (centred**2).std(), square.std()]
    return np.asarray(np.array(spread) / np.sqrt(len(values)))
