"""How the sampler grows: draws per second against L, n and threads, kernel matrices against the number of data, peak
memory against the number of draws, and first-draw times; a table and a figure.

    python benchmarks/growth.py [--write]

Circuits are RY, RZ and a ring of CZ in layers, observable Z0. A law "seconds ∝ gates" shows as a constant last column.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import CircuitEnsemble, CircuitModel, ansatz, sample

MEMORY = """
import resource, sys
from qiskit.quantum_info import SparsePauliOp
from qntk.sampling import CircuitEnsemble, ansatz, sample
ensemble = CircuitEnsemble(ansatz("hea-cz-ring", 8, 16), SparsePauliOp("IIIIIIIZ"))
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sample(ensemble, int(sys.argv[1]), seed=1)
print(base / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
FIRST = """
import time, numpy as np
from qiskit.quantum_info import SparsePauliOp
from qntk.sampling import CircuitEnsemble, ansatz
circuit = ansatz("hea", 4, 4)
start = time.perf_counter()
CircuitEnsemble(circuit, SparsePauliOp("IIIZ")).draw(1, np.random.default_rng(1))
print(time.perf_counter() - start)
"""


Point = tuple[int, float]


def best(function: Callable[[], object]) -> float:
    """Seconds of a call, the least of three after a first."""
    times = []
    for _ in range(4):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def rate(qubits: int, layers: int, threads: int | None = None) -> float:
    """Draws per second."""
    ensemble = CircuitEnsemble(ansatz("hea-cz-ring", qubits, layers), SparsePauliOp("I" * (qubits - 1) + "Z"))
    draws = max(512, 2**24 // (2**qubits * layers * qubits))
    if threads is None:
        return draws / best(lambda: sample(ensemble, draws, seed=1))
    thetas = np.random.default_rng(1).uniform(0, 2 * np.pi, (draws, ensemble.parameters))
    model = ensemble.model.on_threads(threads)
    return draws / best(lambda: model.value_and_kernel(thetas))


def matrices(points: int) -> float:
    """Kernel matrices of M data a second: 4 qubits, 8 layers, RX of a datum before each."""
    circuit, x = QuantumCircuit(4), ParameterVector("x", 1)
    for layer in range(8):
        circuit.rx(x[0], range(4))
        weights = ParameterVector(f"t{layer}", 16)
        circuit.compose(ansatz("hea-cz-ring", 4, 2).assign_parameters(list(weights)), inplace=True)
    model = CircuitModel(circuit, SparsePauliOp("IIIZ"), inputs=list(x))
    data = np.linspace(-1, 1, points)[:, None]
    thetas = np.random.default_rng(1).uniform(0, 2 * np.pi, (2048 // points, model.parameters))
    return len(thetas) / best(lambda: model.kernel(thetas, data))


def figure(panels: dict[str, list[Point]], path: Path) -> None:
    """One panel a quantity, logarithmic both ways."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(context="paper", style="ticks", font_scale=1.05)
    figure_, axes = plt.subplots(1, len(panels), figsize=(3.1 * len(panels), 3.0), layout="constrained")
    for axis, (title, points) in zip(axes, panels.items(), strict=True):
        label, unit = title.split("; ")
        x, y = zip(*points, strict=True)
        axis.plot(x, y, "o-", color=sns.color_palette("colorblind")[0])
        axis.set(xlabel=label, ylabel=unit, xscale="log", yscale="log", ylim=(min(y) / 2, max(y) * 2))
        axis.set_xticks(x, [f"{value}" for value in x], rotation=0 if len(x) < 6 else 45)
        axis.minorticks_off()
    sns.despine(figure_)
    figure_.savefig(path, dpi=160)


def run(script: str, *arguments: str, **environment: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True, text=True, check=True, env=os.environ | environment,
    )  # fmt: skip
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    lines = ["# Growth", "", "![Growth](growth.png)", ""]
    lines += ["| n | layers | L | draws/s | ns a gate and draw |", "|--:|--:|--:|--:|--:|"]
    by_depth, by_qubits = [(6, 2**k) for k in range(0, 11, 2)], [(n, 32) for n in (4, 6, 8, 10, 12, 14)]
    rates: dict[tuple[int, int], float] = {}
    for qubits, layers in dict.fromkeys(by_depth + by_qubits):
        value = rates[qubits, layers] = rate(qubits, layers)
        gates = (2 * qubits + qubits) * layers
        lines.append(f"| {qubits} | {layers} | {2 * qubits * layers} | {value:.4g} | {1e9 / value / gates:.3g} |")
        print(lines[-1], flush=True)
    panels: dict[str, list[Point]] = {
        "parameters, 6 qubits; draws per second": [(2 * n * m, rates[n, m]) for n, m in by_depth],
        "qubits, 32 layers; draws per second": [(n, rates[n, m]) for n, m in by_qubits],
        "threads, 8 qubits; draws per second": [(t, rate(8, 32, t)) for t in range(1, (os.cpu_count() or 1) + 1)],
        "data, 4 qubits, L = 128; kernel matrices per second": [(m, matrices(m)) for m in (1, 4, 16, 64)],
    }
    for title in list(panels)[2:]:
        label, unit = title.split("; ")
        lines += ["", f"{unit.capitalize()}, by {label}: " + ", ".join(f"{m}: {v:.4g}" for m, v in panels[title]) + "."]
        print(lines[-1], flush=True)
    lines += ["", "Peak memory of a process, MiB, before the first draw and after all (8 qubits, L = 256):", ""]
    lines += ["| draws | before | peak |", "|--:|--:|--:|"]
    for draws in (1_000, 100_000, 1_000_000):
        base, peak = run(MEMORY, str(draws))
        lines.append(f"| {draws:,} | {base:.0f} | {peak:.0f} |")
        print(lines[-1], flush=True)
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (run(FIRST, NUMBA_CACHE_DIR=cache)[0] for _ in range(2))
    first = f"{cold:.1f} s where nothing was ever compiled, {warm:.2f} s from the on-disk cache."
    lines += ["", f"First draw in a process that has imported the package: {first}"]
    print(lines[-1])
    if "--write" in sys.argv:
        here = Path(__file__).parent
        (here / "growth.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        figure(panels, here / "growth.png")


if __name__ == "__main__":
    main()
