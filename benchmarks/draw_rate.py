"""Draws per second of full gradients, against the libraries that a researcher would use.

    python benchmarks/draw_rate.py [--json] [--sizes 4 6] [--rounds 5] [--write]

Every contender computes the same gradients first (the largest difference is reported), then all take turns, round by
round, so that a machine whose speed drifts drifts for all; ratios are medians over rounds. Peers come with
``pip install .[peers]``; one that is missing, or too slow to time, is named as skipped.

The limit is what an ideal adjoint sweep of this workload needs, (6n + 18) 2^n fused multiply-adds a layer and draw,
at the rate of fused multiply-adds that this machine reaches in registers on all its cores, measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

THREADS = os.cpu_count() or 1
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))

import numpy as np  # noqa: E402
from numba import njit  # noqa: E402
from qiskit.circuit import QuantumCircuit  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from peers import CONTENDERS, Gradients  # noqa: E402

from qntk.sampling import ansatz  # noqa: E402
from qntk.sampling.arithmetic.simd import WIDTH, fma, load, spread, store  # noqa: E402

SIZES = {4: 16, 6: 32, 8: 64, 10: 64, 12: 32, 14: 8, 16: 8, 18: 4, 20: 2}
"""Qubits to layers."""
SECONDS = 1.0
"""Time that a contender gets in a round, if a draw takes less."""


@njit(nogil=True)
def _multiply_adds(count: int, out: np.ndarray) -> None:
    a, b, c, d = spread(1.0), spread(1.1), spread(1.2), spread(1.3)
    e, f, g, h = spread(1.4), spread(1.5), spread(1.6), spread(1.7)
    x, y = spread(0.999), spread(1e-3)
    for _ in range(count):
        a, b, c, d = fma(a, x, y), fma(b, x, y), fma(c, x, y), fma(d, x, y)
        e, f, g, h = fma(e, x, y), fma(f, x, y), fma(g, x, y), fma(h, x, y)
    store(out, 0, ((a + b) + (c + d)) + ((e + f) + (g + h)) + load(out, 0))


def limit() -> float:
    """Fused multiply-adds of doubles per second on all cores, best of five."""
    count, outs = 20_000_000, [np.zeros(WIDTH) for _ in range(THREADS)]
    _multiply_adds(1, outs[0])
    best = 0.0
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(5):
            start = time.perf_counter()
            list(pool.map(lambda out: _multiply_adds(count, out), outs))
            best = max(best, THREADS * count * 8 * WIDTH / (time.perf_counter() - start))
    return best


def timed(run: Gradients, draws: int, parameters: int, rng: np.random.Generator) -> float:
    """Seconds for a number of draws: of angles, gradients and K for us, of gradients at given angles for peers."""
    thetas = rng.uniform(0, 2 * np.pi, (0 if hasattr(run, "draw") else draws, parameters))
    start = time.perf_counter()
    if hasattr(run, "draw"):
        run.draw(draws)
    else:
        run(thetas)
    return time.perf_counter() - start


def calibrate(run: Gradients, parameters: int, rng: np.random.Generator) -> int:
    """Draws that take about SECONDS."""
    draws = getattr(run, "batch", 1)
    while True:
        seconds = timed(run, draws, parameters, rng)
        if seconds > SECONDS / 4:
            return max(1, round(draws * min(SECONDS / seconds, 4)))
        draws *= 4


def measure(qubits: int, layers: int, rounds: int, peak: float) -> list[dict[str, object]]:
    """All contenders at one size of workload W."""
    rows = race(ansatz("hea-cz-ring", qubits, layers), CONTENDERS, rounds, layers)
    for row in rows:
        row |= {"layers": layers, "threads": THREADS, "percent_of_limit": None}
        if row["contender"] == "qntk":
            needed = layers * (6 * qubits + 18) * 2**qubits
            row["percent_of_limit"] = 100 * float(row["draws_per_second"]) * needed / peak
        print(_line(row), file=sys.stderr, flush=True)
    return rows


def race(circuit: QuantumCircuit, names: Iterable[str], rounds: int, layers: int | None = None) -> list[dict[str, Any]]:
    """Draws per second of each contender on one circuit, and how many times faster ours is, medians over rounds."""
    rng = np.random.default_rng(2026)
    parameters = circuit.num_parameters
    thetas = rng.uniform(0, 2 * np.pi, (2, parameters))
    rows: list[dict[str, Any]] = []
    runs: dict[str, Gradients] = {}
    reference: np.ndarray | None = None
    for name in names:
        row: dict[str, Any] = {
            "qubits": circuit.num_qubits, "parameters": parameters, "contender": name, "draws_per_second": None,
            "ratio": None, "max_gradient_difference": None, "skipped": None,
        }  # fmt: skip
        rows.append(row)
        try:
            run = CONTENDERS[name](circuit, layers)
            gradients = run(thetas)
        except (ImportError, RuntimeError) as error:
            row["skipped"] = str(error)
            continue
        reference = gradients if reference is None else reference
        row["max_gradient_difference"] = float(np.abs(gradients - reference).max())
        runs[name] = run
    counts = {name: calibrate(run, parameters, rng) for name, run in runs.items()}
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            rates[name].append(counts[name] / timed(run, counts[name], parameters, rng))
    for row in rows:
        name = str(row["contender"])
        if name in rates:
            row["draws_per_second"] = statistics.median(rates[name])
            row["ratio"] = statistics.median(a / b for a, b in zip(rates["qntk"], rates[name], strict=True))
    return rows


def _line(row: dict[str, Any]) -> str:
    start = f"| {row['qubits']} | {row['layers']} | {row['contender']} |"
    if row["skipped"]:
        return f"{start} skipped: {row['skipped']} | | | |"
    percent = f"{row['percent_of_limit']:.0f} %" if row["percent_of_limit"] else ""
    difference = f"{row['max_gradient_difference']:.0e}"
    return f"{start} {row['draws_per_second']:.4g} | {row['ratio']:.4g} | {difference} | {percent} |"


HEAD = (
    "| n | layers | contender | draws/s | qntk is faster by | gradient difference | of the limit |\n"
    "|--:|--:|---|--:|--:|--:|--:|"
)


def figure(rows: list[dict[str, object]], path: Path) -> None:
    """Draws per second against n, one line a contender."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import pandas as pd
    import seaborn as sns

    sns.set_theme(context="paper", style="ticks", font_scale=1.05)
    data = pd.DataFrame([r for r in rows if r["draws_per_second"]])
    figure_, axis = plt.subplots(figsize=(5.2, 3.6))
    sns.lineplot(
        data, x="qubits", y="draws_per_second", hue="contender", style="contender", markers=True, palette="colorblind",
        ax=axis, dashes=False,
    )  # fmt: skip
    sizes = [f"{n}\n{SIZES[n]} layers" for n in sorted(set(data["qubits"]))]
    axis.set(yscale="log", xlabel="qubits", ylabel="full gradients per second", xticks=sorted(set(data["qubits"])))
    axis.set_xticklabels(sizes)
    axis.legend(frameon=False, title=None)
    sns.despine(figure_)
    figure_.savefig(path, dpi=160, bbox_inches="tight")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--sizes", type=int, nargs="+", choices=sorted(SIZES), default=sorted(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write draw_rate.md and draw_rate.png beside this file")
    options = parser.parse_args()
    peak = limit()
    print(f"limit: {peak / 1e9:.0f} G multiply-adds/s on {THREADS} threads", file=sys.stderr)
    rows = [row for n in options.sizes for row in measure(n, SIZES[n], options.rounds, peak)]
    table = "\n".join([HEAD, *map(_line, rows)])
    if options.write:
        here = Path(__file__).parent
        note = f"Limit: {peak / 1e9:.0f} G multiply-adds/s on {THREADS} threads. {options.rounds} interleaved rounds."
        (here / "draw_rate.md").write_text(f"# Draws per second\n\n{note}\n\n{table}\n", encoding="utf-8")
        figure(rows, here / "draw_rate.png")
    print(json.dumps({"limit": peak, "rows": rows}) if options.json else table)


if __name__ == "__main__":
    main()
