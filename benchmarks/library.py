"""Gradients a second on circuits as users bring them, against the same peers as ``draw_rate.py``.

    python benchmarks/library.py [--json] [--sizes 4 8] [--rounds 3] [--write]

Ten circuits: Qiskit's library, and the interleaved gates, RZZ, controlled rotations and dense two-qubit unitaries of
OpenQASM benchmarks; observable Z0. All gradients are compared first. Ratios are medians over interleaved rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import draw_rate
import numpy as np
from peers import CONTENDERS
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import (
    efficient_su2,
    excitation_preserving,
    n_local,
    pauli_two_design,
    qaoa_ansatz,
    real_amplitudes,
)  # fmt: skip
from qiskit.quantum_info import SparsePauliOp, random_unitary

SIZES = (4, 8, 12, 16)


def _ising_ring(n: int) -> QuantumCircuit:
    """Trotter steps of the transverse-field Ising ring, an angle for each gate."""
    circuit, angle = QuantumCircuit(n), iter(ParameterVector("t", 6 * 2 * n))
    for _ in range(6):
        for q in range(n):
            circuit.rzz(next(angle), q, (q + 1) % n)
        for q in range(n):
            circuit.rx(next(angle), q)
    return circuit


def _qaoa(n: int) -> QuantumCircuit:
    """Max-Cut on a ring with chords: two angles a layer, shared by all its gates."""
    edges = {tuple(sorted((q, (q + step) % n))) for q in range(n) for step in (1, n // 2)}
    cost = SparsePauliOp.from_sparse_list([("ZZ", edge, 1.0) for edge in sorted(edges)], n)
    return qaoa_ansatz(cost, reps=6)


def _dense(n: int) -> QuantumCircuit:
    """RY and fixed random two-qubit unitaries in a brickwork."""
    circuit, angle = QuantumCircuit(n), iter(ParameterVector("t", 6 * n))
    for layer in range(6):
        for q in range(n):
            circuit.ry(next(angle), q)
        for q in range(layer % 2, n - 1, 2):
            circuit.unitary(random_unitary(4, seed=97 * layer + q), [q, q + 1])
    return circuit


def _phases(n: int) -> QuantumCircuit:
    """The quantum Fourier transform's gates with free phases, twice."""
    circuit, angle = QuantumCircuit(n), iter(ParameterVector("t", n * (n - 1)))
    for _ in range(2):
        for q in reversed(range(n)):
            circuit.h(q)
            for other in range(q):
                circuit.cp(next(angle), other, q)
    return circuit


def _interleaved(n: int) -> QuantumCircuit:
    """Gates in no order."""
    rng, circuit = np.random.default_rng(7), QuantumCircuit(n)
    for angle in ParameterVector("t", 12 * n):
        one, two = (int(q) for q in rng.choice(n, 2, replace=False))
        kind = rng.integers(6)
        if kind < 3:
            (circuit.rx, circuit.ry, circuit.rz)[kind](angle, one)
        else:
            (circuit.crx, circuit.rzz, circuit.ryy)[kind - 3](angle, one, two)
        circuit.cx(one, two)
    return circuit


CIRCUITS: dict[str, Callable[[int], QuantumCircuit]] = {
    "efficient_su2": lambda n: efficient_su2(n, reps=4),
    "real_amplitudes, full": lambda n: real_amplitudes(n, entanglement="full", reps=4),
    "pauli_two_design": lambda n: pauli_two_design(n, reps=8, seed=3),
    "excitation_preserving": lambda n: excitation_preserving(n, mode="fsim", entanglement="linear", reps=3),
    "n_local, RY and CRX": lambda n: n_local(n, ["ry"], "crx", "linear", reps=4),
    "QAOA, ring with chords": _qaoa,
    "Ising ring, RZZ and RX": _ising_ring,
    "RY and dense pairs": _dense,
    "free Fourier phases": _phases,
    "interleaved": _interleaved,
}
PEERS = [name for name in CONTENDERS if name not in ("tensorcircuit", "aer")]
HEAD = (
    "| circuit | n | L | draws/s | " + " | ".join(f"over {name}" for name in PEERS[1:]) + " | gradient difference |\n"
    "|---|--:|--:|--:|" + "--:|" * len(PEERS)
)


def _line(name: str, rows: list[dict[str, Any]]) -> str:
    ours, *others = rows
    ratios = " | ".join(f"{row['ratio']:.3g}" if row["ratio"] else "skipped" for row in others)
    apart = max((row["max_gradient_difference"] or 0.0) for row in rows)
    start = f"| {name} | {ours['qubits']} | {ours['parameters']} | {ours['draws_per_second']:.4g}"
    return f"{start} | {ratios} | {apart:.0e} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--sizes", type=int, nargs="+", choices=SIZES, default=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write library.md beside this file")
    options = parser.parse_args()
    draw_rate.SECONDS = 0.3
    lines, documents = [HEAD], []
    for name, make in CIRCUITS.items():
        for n in options.sizes:
            rows = draw_rate.race(make(n), PEERS, options.rounds)
            documents += [{"circuit": name, **row} for row in rows]
            lines.append(_line(name, rows))
            print(lines[-1], file=sys.stderr, flush=True)
    table = "\n".join(lines)
    if options.write:
        note = f"{draw_rate.THREADS} threads, {options.rounds} interleaved rounds, observable Z0."
        text = f"# Gradients of circuits as users bring them\n\n{note}\n\n{table}\n"
        (Path(__file__).parent / "library.md").write_text(text, encoding="utf-8")
    print(json.dumps(documents) if options.json else table)


if __name__ == "__main__":
    main()
