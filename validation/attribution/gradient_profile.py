"""Which parameters, and which pairs of them, move mean and variance of K away from the Haar-layer law.

With h_ℓ = (∂_ℓ f)² and the law's values for one parameter e = E h, v = Var h and for two c = Cov(h_k, h_ℓ),

    E K / L e - 1 = Σ_ℓ (E h_ℓ - e) / L e,
    Var K - Var_law = [Σ_ℓ Var h_ℓ - L v] + [Σ_{k≠ℓ} Cov(h_k, h_ℓ) - L(L-1) c].

Each sum is estimated in 32 independent batches of draws, unbiased in each; Student's t over the batches.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from qntk.sampling import CircuitModel
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.theory import KernelLaw
from qntk.validation.attribution.gate_list import GateList

Array = NDArray[np.float64]
BATCHES = 32
DESCRIPTIVE = 0.01
"""Level of intervals that decide nothing."""
_DEAD = 1e-9
"""Gradients that stay below this, relative to the law's, at all drawn angles vanish identically."""

_CONSTANT = 1e-12
"""A column that varies by less, relative to the most variable one, is constant but for round-off."""


def gradient_profile(
    random: RandomCircuit,
    observable: Any,
    law: KernelLaw,
    draws: int,
    seed: int,
    level: float,
) -> dict[str, Any]:
    """The parts of mean and variance, as a document.

    Args:
        random: the circuit, its data, and how all parameters are drawn.
        observable: O on its qubits.
        law: of the circuit's L trainable parameters.
        draws: of the gradient, shared out to the batches.
        seed: root seed; batch b depends on the seed and b alone.
        level: probability that the interval of one part of the variance misses. All others are 99 % each.
    """
    circuit = random.circuit
    model = CircuitModel(circuit, observable, workers=1)
    every = [p.name for p in circuit.parameters]
    order = [int(i) for i in GateList(circuit).order if circuit.parameters[i] not in random.inputs]
    size = max(8, -(-draws // BATCHES))

    def one(child: np.random.SeedSequence) -> tuple[Array, ...]:
        thetas = random.angles.draw(np.random.default_rng(child), every, size)
        gradient = model.value_and_gradient(thetas)[1][:, order]
        squares = gradient**2
        singles = squares.var(axis=0, ddof=1).sum()
        near, far = correlations(squares)
        parts = np.array([singles, squares.sum(axis=1).var(ddof=1) - singles, near, far])
        return squares.mean(axis=0), parts, np.abs(gradient).max(axis=0)

    with ThreadPoolExecutor() as pool:
        seeds = np.random.SeedSequence(seed, spawn_key=(1 << 23,)).spawn(BATCHES)
        means, parts, largest = (np.array(a) for a in zip(*pool.map(one, seeds), strict=True))
    L, single, pair = len(order), replace(law, parameters=1), replace(law, parameters=2)
    e, v = single.mean().value, single.variance().value
    c = pair.variance().value / 2 - v
    names = [circuit.parameters[i].name for i in order]
    dead = largest.max(axis=0) < _DEAD * e**0.5
    ratios = np.where(dead, 0.0, means.mean(axis=0) / e)
    total = law.variance().value
    return {
        "confidence": 1 - DESCRIPTIVE,
        "parameters": names,
        "ratios": ratios.tolist(),
        "smallest": float(ratios.min()),
        "median": float(np.median(ratios)),
        "largest": float(ratios.max()),
        "dead": [name for name, d in zip(names, dead, strict=True) if d],
        "mean": _ends((means / e - 1) / L),
        "variance": {
            "singles": _part(parts[:, 0], L * v, total, level),
            "pairs": _part(parts[:, 1], L * (L - 1) * c, total, level),
        },
        "correlation": {
            "law": c / v,
            "neighbours": _estimate(parts[:, 2], DESCRIPTIVE),
            "distant": _estimate(parts[:, 3], DESCRIPTIVE),
        },
    }


def correlations(squares: Array) -> tuple[float, float]:
    """Mean correlation of columns next to each other, and of columns half the circuit apart; NaN where none varies."""
    centred = squares - squares.mean(axis=0)
    deviation = np.sqrt((centred**2).sum(axis=0))
    alive = deviation > _CONSTANT * deviation.max()
    unit = np.divide(centred, deviation, where=alive, out=np.zeros_like(centred))

    def mean(apart: int) -> float:
        pairs = alive[:-apart] & alive[apart:] if apart else np.zeros(1, bool)
        return float((unit[:, :-apart] * unit[:, apart:]).sum() / pairs.sum()) if pairs.any() else float("nan")

    L = squares.shape[1]
    return mean(1 if L > 1 else 0), mean(L // 2 if L > 3 else 0)


def _ends(deviation: Array) -> dict[str, Any]:
    """What the first and the last tenth of the parameters add to E K / law - 1, and their share of it.

    ``deviation`` holds each batch's (h_ℓ/e - 1)/L, shape (batches, L).
    """
    L = deviation.shape[1]
    tenth = max(1, L // 10)
    first, last = deviation[:, :tenth].sum(axis=1), deviation[:, max(tenth, L - tenth) :].sum(axis=1)
    whole = _estimate(deviation.sum(axis=1), DESCRIPTIVE)
    seen = whole is not None and (whole["interval"][0] > 0 or whole["interval"][1] < 0)
    return {
        "deviation": whole,
        "first_tenth": _estimate(first, DESCRIPTIVE),
        "last_tenth": _estimate(last, DESCRIPTIVE),
        "share_of_ends": float((first + last).mean() / deviation.sum(axis=1).mean()) if seen else None,
    }


def _part(values: Array, law: float, total: float, level: float) -> dict[str, Any]:
    """A part of the variance over the law's, and what it adds to Var K / law - 1."""
    return {
        "ratio": _estimate(values / law, level) if law else None,
        "adds": _estimate((values - law) / total, level),
    }


def _estimate(values: Array, level: float) -> dict[str, Any] | None:
    """Mean of independent batches with Student's interval; None where there is nothing to average."""
    if not np.isfinite(values).all():
        return None
    mean = float(values.mean())
    reach = float(student.isf(level / 2, len(values) - 1) * values.std(ddof=1)) / len(values) ** 0.5
    return {"estimate": mean, "interval": [mean - reach, mean + reach]}
