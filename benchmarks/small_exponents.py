"""How often intervals of exponents miss by the number of draws in each of four cells, and at the draws that they need.

    python benchmarks/small_exponents.py [budget]

As ``small_samples``, whose populations and resampling it uses: each of four cells of a family is resampled, the logs
are fitted with weights 1/se², and the interval is Student's with Welch's degrees of freedom, as in
``qntk.validation.scaling.exponents``. The truth is the same fit to the populations' own values. Prints a table for
docs/statistics.md and writes docs/small_exponents.svg; ``budget`` is the number of draws for each entry.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from qiskit.quantum_info import SparsePauliOp
from scipy.special import stdtr
from small_samples import DRAWS, LEVELS, draw, resampled

from qntk.inputs.observables import parse_observable
from qntk.sampling import HaarLayers
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.law import kernel_law

FAMILIES = {
    "projector n=8, L=2…16": [(8, "projector:rank=1", L) for L in (2, 4, 8, 16)],
    "projector L=4, n=2…8": [(n, "projector:rank=1", 4) for n in (2, 4, 6, 8)],
    "projector n=3, L=1…8": [(3, "projector:rank=1", L) for L in (1, 2, 4, 8)],
    "Z0 n=3, L=4…32": [(3, "Z0", L) for L in (4, 8, 16, 32)],
}
QUANTITIES = {"K̄": ("kernel", "mean", 0, 1.0), "ΔK/K̄": ("kernel", "relative_std", 2, 1.0),
              "Δμ": ("dqntk", "second_moment", 3, 0.5)}  # fmt: skip
"""Quantity and statistic of the claim, its number in ``resampled``, and the power of it that is fitted."""
POPULATION = 300_000
FIGURE = Path(__file__).parent.parent / "docs" / "small_exponents.svg"


def misses(populations: list[np.ndarray], sizes: np.ndarray, number: int, power: float, draws: list[int], count: int,
           seed: int) -> list[float]:  # fmt: skip
    """Share of intervals that miss, over the level, for each level."""
    rows = [
        resampled(population, n, count, number, np.random.default_rng([seed, number, cell, n]))
        for cell, (population, n) in enumerate(zip(populations, draws, strict=True))
    ]
    estimate, error, freedom, _ = np.stack(rows, axis=1).transpose(2, 0, 1)
    moments = [(p.mean(), p.var(), p.std() / p.mean(), np.mean(p**2))[number] for p in populations]
    weights = 1 / error**2
    solver = weights * (sizes - (weights @ sizes / weights.sum(axis=1))[:, None])
    solver /= (solver @ sizes)[:, None]
    parts = (solver * error * power) ** 2
    away = np.abs((solver * (power * (np.log(estimate) - np.log(moments)))).sum(axis=1)) / np.sqrt(parts.sum(axis=1))
    p = 2 * stdtr(parts.sum(axis=1) ** 2 / (parts**2 / freedom).sum(axis=1), -away)
    return [float((p < level).mean() / level) for level in LEVELS]


def main() -> None:
    budget = float(sys.argv[1]) if len(sys.argv) > 1 else 1e6
    rows = []
    for index, (name, cells) in enumerate(FAMILIES.items()):
        drawn = []
        for cell, (n, observable, L) in enumerate(cells):
            pauli = SparsePauliOp("I" * (n - 1) + "Z")
            ensemble = HaarLayers(parse_observable(observable, n).operator(), pauli, L, dqntk=True)
            drawn.append(ensemble.draw(POPULATION, np.random.Generator(np.random.SFC64([2027, index, cell]))))
        sizes = np.log([L if len({c[0] for c in cells}) == 1 else 2**n for n, _, L in cells])
        for title, (quantity, statistic, number, power) in QUANTITIES.items():
            populations = [d.kernel if quantity == "kernel" else d.dqntk for d in drawn]
            needed = [needed_draws(kernel_law(n, L, O, "pauli"), quantity, statistic) for n, O, L in cells]
            seen = []
            for draws in (*([n] * len(cells) for n in DRAWS), needed):
                if max(draws) > 60_000:
                    seen.append([math.nan] * len(LEVELS))
                    continue
                count = min(max(int(budget / sum(draws)), 600), 10_000)
                seen.append(misses(populations, sizes, number, power, draws, count, index))
            rows.append((name, title, max(needed), seen))
    print(
        "| family | exponent of | verdict from |" + "".join(f" {n:,} |" for n in DRAWS).replace(",", " ") + " needed |"
    )
    print("|---|---|--:|" + "--:|" * (len(DRAWS) + 1))
    for name, title, needed, seen in rows:
        shown = ["–" if math.isnan(a) else f"{a:.2g} / {b:.2g}" for a, b in seen]
        shown[:-1] = [s if n >= needed else f"({s})" for n, s in zip(DRAWS, shown[:-1], strict=True)]
        print("| " + " | ".join([name, title, f"{needed:,}".replace(",", " "), *shown]) + " |")
    panels = {title: f"exponent of {title}" for title in QUANTITIES}
    draw([(*row, seen[:-1]) for *row, seen in rows], panels, (8, 2.7), "draws a cell", FIGURE)


if __name__ == "__main__":
    main()
