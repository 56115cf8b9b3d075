"""How often intervals miss by the number of draws, with and without the floor below which there is no verdict.

    python benchmarks/small_samples.py [budget] [--held-out]

Populations of 1 000 000 draws from the exact laws (Haar layers, the product law for K, the fast sampler for μ) are
resampled; the truth is the population's own. For each setting, statistic and number of draws: the share of intervals
at 5 % and at 0.25 % that miss, over what is promised, and how many draws the law asks for before a verdict is given
(``qntk.validation.judge.floor``). Prints a table for docs/statistics.md and writes docs/small_samples.svg.

``--held-out`` prints instead, for laws that had no part in the choice of the floor, the same ratios at just the draws
that it asks for.

A ratio q at level ℓ in R repetitions has the standard error sqrt(q / ℓ R). ``budget`` is the number of draws for each
entry (default 4e6, two minutes in all).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numba import njit
from qiskit.quantum_info import SparsePauliOp

from qntk.inputs.observables import parse_observable
from qntk.sampling import HaarLayers
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.pivots import Pivot

DRAWS = (8, 30, 100, 1000, 10_000)
LEVELS = (0.05, 0.0025)
SETTINGS = ((3, "Z0", 32), (3, "projector:rank=1", 1), (4, "projector:rank=1", 8), (8, "projector:rank=1", 4))
HELD_OUT = (
    (1, "Z0", 3), (2, "X0+Z1", 2), (3, "projector:rank=2", 3), (5, "projector:rank=1", 2), (6, "tfim:J=1,h=1", 4),
    (6, "projector:rank=3", 12),
)  # fmt: skip
"""Qubits, observable, parameters of laws that the floor's number of degrees of freedom was not chosen on."""
STATISTICS = (("kernel", "mean"), ("kernel", "variance"), ("kernel", "relative_std"), ("dqntk", "second_moment"))
NAMES = {"mean": "mean of K", "variance": "variance of K", "relative_std": "ΔK/K̄", "second_moment": "E μ²"}
POPULATION = 1_000_000
Row = tuple[str, str, int, list[list[float]]]
"""Setting, statistic, draws for a verdict, and misses over promised at each level, by the number of draws."""
FIGURE = Path(__file__).parent.parent / "docs" / "small_samples.svg"


@njit(cache=False)
def resampled(population, draws, repetitions, statistic, rng):  # type: ignore[no-untyped-def]
    """Estimate, standard error, degrees of freedom and skewness, as in ``judge.pivots``; shape (repetitions, 4).

    ``statistic`` counts mean, variance, ΔK/K̄ and second moment from 0.
    """
    found, x, psi = np.empty((repetitions, 4)), np.empty(draws), np.empty(draws)
    floor = math.sqrt(2 / (draws * (draws - 1)))
    for r in range(repetitions):
        for i in range(draws):
            x[i] = population[rng.integers(0, len(population))]
        mean, square = x.mean(), (x * x).mean()
        m2 = ((x - mean) ** 2).mean()
        if statistic == 0:
            estimate, least = mean, 0.0
            psi[:] = (x - mean) / mean
        elif statistic == 1:
            estimate, least = m2 * draws / (draws - 1), floor
            psi[:] = (x - mean) ** 2 / m2 - 1
        elif statistic == 2:
            estimate, least = math.sqrt(m2 * draws / (draws - 1)) / mean, floor / 2
            psi[:] = ((x - mean) ** 2 / m2 - 1) / 2 - (x - mean) / mean
        else:
            estimate, least = square, floor
            psi[:] = x * x / square - 1
        psi -= psi.mean()
        low, high = psi.min(), psi.max()
        second, third, fourth = low**2 + high**2, low**3 + high**3, low**4 + high**4
        for value in psi:
            second, third, fourth = second + value**2, third + value**3, fourth + value**4
        second = max(second / draws, least**2 * (draws - 1))
        found[r] = (
            estimate,
            math.sqrt(second / (draws - 1)),
            draws / max(fourth / draws / second**2 - 1, draws / (draws - 1)),
            third / draws / second**1.5,
        )
    return found


def misses(population: np.ndarray, statistic: int, draws: int, repetitions: int, seed: int) -> list[float]:
    """Share of intervals that miss the population's own value, over the level, for each level."""
    mean, variance = population.mean(), population.var()
    truth = (mean, variance, math.sqrt(variance) / mean, (population**2).mean())[statistic]
    rows = resampled(population, draws, repetitions, statistic, np.random.default_rng([seed, draws, statistic]))
    p = np.array([Pivot(*map(float, row), draws, logarithmic=True).p_equal(truth) for row in rows])
    return [float((p < level).mean() / level) for level in LEVELS]


def at_the_floor(budget: float) -> None:
    """The same ratios for the held-out laws, with just the draws that a verdict needs."""
    print("| law | statistic | draws | repetitions | 5 % | 0.25 % |\n|---|---|--:|--:|--:|--:|")
    for index, (qubits, observable, parameters) in enumerate(HELD_OUT):
        pauli = SparsePauliOp("I" * (qubits - 1) + "Z")
        ensemble = HaarLayers(parse_observable(observable, qubits).operator(), pauli, parameters)
        kernels = ensemble.draw(POPULATION, np.random.Generator(np.random.SFC64([2028, index]))).kernel
        law = kernel_law(qubits, parameters, observable, "pauli")
        for number, (quantity, statistic) in enumerate(STATISTICS[:3]):
            draws = needed_draws(law, quantity, statistic)
            count = min(max(int(budget / draws), 1200), 40_000)
            shown = [f"{ratio:.2g}" for ratio in misses(kernels, number, draws, count, index)]
            name = f"n={qubits} {observable} L={parameters}"
            print("| " + " | ".join([name, NAMES[statistic], str(draws), str(count), *shown]) + " |", flush=True)


def main() -> None:
    arguments = [word for word in sys.argv[1:] if word != "--held-out"]
    budget = float(arguments[0]) if arguments else 4e6
    if len(arguments) < len(sys.argv) - 1:
        at_the_floor(budget)
        return
    rows = []
    for index, (qubits, observable, parameters) in enumerate(SETTINGS):
        pauli = SparsePauliOp("I" * (qubits - 1) + "Z")
        ensemble = HaarLayers(parse_observable(observable, qubits).operator(), pauli, parameters, dqntk=True)
        drawn = ensemble.draw(POPULATION, np.random.Generator(np.random.SFC64([2026, index])))
        law = kernel_law(qubits, parameters, observable, "pauli")
        for number, (quantity, statistic) in enumerate(STATISTICS):
            population = drawn.kernel if quantity == "kernel" else drawn.dqntk
            needed = needed_draws(law, quantity, statistic)
            counts = [min(max(int(budget / n), 1200), 20_000) for n in DRAWS]
            seen = [misses(population, number, n, R, index) for n, R in zip(DRAWS, counts, strict=True)]
            rows.append((f"n={qubits} {observable} L={parameters}", statistic, needed, seen))
    print("| setting | statistic | verdict from |" + "".join(f" {n:,} |" for n in DRAWS).replace(",", " "))
    print("|---|---|--:|" + "--:|" * len(DRAWS))
    for setting, statistic, needed, seen in rows:
        cells = [f"{a:.2g} / {b:.2g}" for a, b in seen]
        cells = [c if n >= needed else f"({c})" for n, c in zip(DRAWS, cells, strict=True)]
        print("| " + " | ".join([setting, NAMES[statistic], f"{needed:,}".replace(",", " "), *cells]) + " |")
    draw(rows, NAMES, (9.5, 2.7), "draws", FIGURE)


def draw(rows: Sequence[Row], panels: dict[str, str], size: tuple[float, float], x: str, path: Path) -> None:
    """Full marks where there is a verdict, hollow ones where there is none; a panel a title, by what its rows say."""
    plt.rcParams |= {"svg.hashsalt": "qntk", "svg.fonttype": "none", "font.size": 8}
    figure, axes = plt.subplots(1, len(panels), figsize=size, sharey=True, layout="constrained")
    for axis, (shown, title) in zip(axes, panels.items(), strict=True):
        for color, (name, _, needed, seen) in enumerate(row for row in rows if row[1] == shown):
            values = [max(100 * LEVELS[0] * one, 0.5) for one, _ in seen]
            axis.plot(DRAWS, values, color=f"C{color}", lw=0.8, label=name)
            for n, value in zip(DRAWS, values, strict=True):
                face = f"C{color}" if n >= needed else "white"
                axis.plot(n, value, "o", ms=4, color=f"C{color}", markerfacecolor=face)
        axis.axhline(100 * LEVELS[0], color="0.4", ls="--", lw=0.8)
        axis.set(xscale="log", yscale="log", title=title, xlabel=x)
    axes[0].set(ylabel="misses of a 5 % interval, %", yticks=[1, 2, 5, 10, 20, 40])
    axes[0].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes[0].yaxis.set_minor_formatter(lambda value, _: "")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
