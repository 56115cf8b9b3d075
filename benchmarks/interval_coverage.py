"""How often the intervals miss, against what they promise, on kernels whose law is known.

    python benchmarks/interval_coverage.py [budget]

Kernels come from the product law of Haar layers with a Pauli generator (Beta variables). Prints for the mean, the
variance and ΔK/K̄, with few and many draws, how often the truth lies below / above the interval, divided by what is
promised for that side (1 is right, less is cautious), at several levels: first for Student's t with the sample's own
standard error (on the logarithm, but for the mean), after the arrow for ``judge.pivots``. Also the relative widths
at 1 %: the median of the logarithm of high / low.

A rate r from R repetitions has the standard error sqrt(r / R); levels that promise fewer than one miss a side in R are
left out. ``budget`` is the number of Beta pairs drawn for each setting (default 1e8, about seven minutes in all).
"""

from __future__ import annotations

import math
import sys

import numpy as np
from scipy.special import stdtr, stdtrit

from qntk.inputs.observables import parse_observable
from qntk.sampling.operators import spectrum
from qntk.validation.judge.estimates import Estimated, Summary, summarise
from qntk.validation.judge.law import kernel_law

DRAWS = (50, 200, 1000, 10_000, 40_000)
LEVELS = (0.05, 0.01, 0.001, 2e-5)
STATISTICS: tuple[Estimated, ...] = ("mean", "variance", "relative_std")
SETTINGS = [
    (3, "Z0", 32),
    (4, "tfim:J=1,h=1", 16),
    (4, "projector:rank=1", 8),
    (6, "projector:rank=1", 4),
    (8, "projector:rank=1", 4),
]
MOST = 100_000
"""Repetitions at most."""
WIDTH_AT = 0.01


def kernels(qubits: int, eigenvalues: np.ndarray, parameters: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    D = 2**qubits
    total = np.zeros(draws)
    for _ in range(parameters):
        total += rng.beta(D / 2, 0.5, draws) * rng.beta(0.5, D - 1.5, draws)
    values, multiplicity = np.unique(eigenvalues.round(12), return_counts=True)
    weights = np.stack([rng.standard_gamma(m, draws) for m in multiplicity])
    weights /= weights.sum(axis=0)
    mean = values @ weights
    return 4 * (values**2 @ weights - mean**2) * total


def student(summary: Summary, statistic: Estimated, truth: float) -> tuple[float, float, float]:
    """Student's t: one-sided p-values of truths so low and so high, and the width of the interval."""
    df = summary.draws - 1
    estimate = getattr(summary, statistic)
    if statistic == "mean":
        se, x = summary.log_mean_se, (truth - estimate) / summary.mean_se
    else:
        se = summary.log_variance_se if statistic == "variance" else summary.log_relative_std_se
        x = math.log(truth / estimate) / se
    return float(stdtr(df, x)), float(stdtr(df, -x)), -2 * se * float(stdtrit(df, WIDTH_AT / 2))


def corrected(summary: Summary, statistic: Estimated, truth: float) -> tuple[float, float, float]:
    """The same of ``qntk.validation.judge.pivots``."""
    pivot = summary.pivot(statistic)
    low, high = pivot.interval(WIDTH_AT)
    return pivot.p_at_most(truth), pivot.p_at_least(truth), math.log(high / low)


def ratios(before: np.ndarray, after: np.ndarray, level: float) -> str:
    """Misses below / above over those promised, of both methods; p-values of shape (repetitions, 2)."""
    if len(before) * level < 2:
        return ""
    seen = [(p < level / 2).mean(axis=0) / (level / 2) for p in (before, after)]
    return " → ".join(" / ".join(f"{x:.2f}" if x < 10 else f"{x:.0f}" for x in pair) for pair in seen)


def main() -> None:
    budget = float(sys.argv[1]) if len(sys.argv) > 1 else 1e8
    print("| setting | statistic | draws | repetitions |" + "".join(f" {100 * x:g} % |" for x in LEVELS) + " width |")
    print("|---|---|--:|--:|" + "--:|" * (len(LEVELS) + 1))
    for index, (qubits, name, parameters) in enumerate(SETTINGS):
        rng = np.random.default_rng([2026, index])
        law = kernel_law(qubits, parameters, name, "pauli")
        eigenvalues = spectrum(parse_observable(name, qubits).operator())
        truth = {"mean": law.mean().value, "variance": law.variance().value, "relative_std": law.relative_std().value}
        block = max(DRAWS)
        blocks = max(int(budget / parameters / block), 1)
        seen: dict[tuple[int, Estimated, str], list[tuple[float, float, float]]] = {}
        for _ in range(blocks):
            draws = kernels(qubits, eigenvalues, parameters, block, rng)
            for n in DRAWS:
                done = len(seen.get((n, "mean", "t"), ()))
                for column in draws.reshape(-1, n)[: max(MOST - done, 0)]:
                    summary = summarise(column)
                    for statistic in STATISTICS:
                        for label, method in (("t", student), ("pivot", corrected)):
                            row = method(summary, statistic, truth[statistic])
                            seen.setdefault((n, statistic, label), []).append(row)
        for statistic in STATISTICS:
            for n in DRAWS:
                before, after = (np.array(seen[n, statistic, label]) for label in ("t", "pivot"))
                cells = [ratios(before[:, :2], after[:, :2], level) for level in LEVELS]
                widths = " → ".join(f"{np.median(rows[:, 2]):.3g}" for rows in (before, after))
                row = [f"n={qubits} {name} L={parameters}", statistic, str(n), str(len(before)), *cells, widths]
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
