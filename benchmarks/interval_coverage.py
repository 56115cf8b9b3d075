"""How often the intervals miss, against what they promise, on kernels whose law is known.

    python benchmarks/interval_coverage.py [repetitions]

Kernels come from the product law of Haar layers with a Pauli generator (Beta variables), 20 000 a repetition. Prints,
for nominal miss rates of 5 % and 0.2 %, the measured rate below and above the truth; its own standard error is
sqrt(rate / repetitions).
"""

from __future__ import annotations

import sys

import numpy as np

from theory import KernelLaw, OperatorMoments
from validation.estimates import summarise
from validation.verdicts import STATISTICS, judge

DRAWS = 20_000
LEVELS = (0.05, 0.002)
CASES = [(2, False, 4), (2, False, 32), (6, False, 4), (3, True, 4), (6, True, 4), (6, True, 32)]


def kernels(qubits: int, projector: bool, parameters: int, rng: np.random.Generator) -> np.ndarray:
    D = 2**qubits
    p = rng.beta(1, D - 1, DRAWS) if projector else rng.beta(D / 2, D / 2, DRAWS)
    total = np.zeros(DRAWS)
    for _ in range(parameters):
        q = rng.beta(D / 2, D / 2, DRAWS)
        total += q * (1 - q) * rng.beta(0.5, D - 1.5, DRAWS)
    return (4 if projector else 16) * p * (1 - p) * 4 * total


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    rng = np.random.default_rng(2026)
    print(f"{repetitions} repetitions of {DRAWS} draws; miss rates in percent, truth below / above the interval\n")
    print("| n | observable | L | kurtosis | statistic |" + "".join(f" {100 * x:g} % promised |" for x in LEVELS))
    print("|--:|---|--:|--:|---|" + "--:|" * len(LEVELS))
    for qubits, projector, parameters in CASES:
        pauli = OperatorMoments.from_pauli(qubits)
        law = KernelLaw(parameters, OperatorMoments.from_projector(qubits) if projector else pauli, pauli)
        misses = np.zeros((len(STATISTICS), len(LEVELS), 2))
        kurtosis = []
        for _ in range(repetitions):
            draws = kernels(qubits, projector, parameters, rng)
            summary = summarise(draws)
            kurtosis.append(summary.log_variance_se**2 * DRAWS - 2)
            for s, statistic in enumerate(STATISTICS):
                prediction = law.mean() if statistic == "mean" else law.variance()
                for i, level in enumerate(LEVELS):
                    low, high = judge(summary, statistic, prediction, 0.1, level).interval
                    misses[s, i] += prediction.value < low, prediction.value > high
        name = "projector" if projector else "Pauli"
        for s, statistic in enumerate(STATISTICS):
            rates = "".join(f" {100 * a:.2f} / {100 * b:.2f} |" for a, b in misses[s] / repetitions)
            print(f"| {qubits} | {name} | {parameters} | {np.median(kurtosis):.0f} | {statistic} |{rates}", flush=True)


if __name__ == "__main__":
    main()
