"""How the sampler grows: draws per second against L and n, peak memory against the number of draws, first-draw times.

    python benchmarks/growth.py [--write]

Circuits are RY, RZ and a ring of CZ in layers, observable Z0. A law "seconds ∝ gates" shows as a constant last column.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import CircuitEnsemble, ansatz, sample

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


def rate(qubits: int, layers: int) -> float:
    """Draws per second, the best of three."""
    ensemble = CircuitEnsemble(ansatz("hea-cz-ring", qubits, layers), SparsePauliOp("I" * (qubits - 1) + "Z"))
    draws = max(512, 2**24 // (2**qubits * layers * qubits))
    times = []
    for _ in range(4):
        start = time.perf_counter()
        sample(ensemble, draws, seed=1)
        times.append(time.perf_counter() - start)
    return draws / min(times[1:])


def run(script: str, *arguments: str, **environment: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True, text=True, check=True, env=os.environ | environment,
    )  # fmt: skip
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    lines = ["# Growth", "", "| n | layers | L | draws/s | ns a gate and draw |", "|--:|--:|--:|--:|--:|"]
    for qubits, layers in [(6, 2**k) for k in range(0, 11, 2)] + [(n, 32) for n in (4, 8, 10, 12, 14)]:
        value = rate(qubits, layers)
        gates = (2 * qubits + qubits) * layers
        lines.append(f"| {qubits} | {layers} | {2 * qubits * layers} | {value:.4g} | {1e9 / value / gates:.3g} |")
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
        (Path(__file__).parent / "growth.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
