"""What precision outputs and kernels hold in deep circuits.

    python benchmarks/precision.py

The reference is the same circuit run gate by gate in extended precision (numpy's 80-bit long double), written out here;
one draw each. Gradients are held against the parameter-shift rule in the same precision, on all parameters or, in the
deep circuits, on a random choice of them; the error of K is that of the sum over this choice.
"""

from __future__ import annotations

import numpy as np
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import CircuitModel, ansatz

LONG = np.longdouble


def output(qubits: int, layers: int, theta: np.ndarray) -> np.longdouble:
    """<Z0> of RY, RZ and a ring of CZ, in extended precision."""
    state = np.zeros(2**qubits, dtype=np.clongdouble)
    state[0] = 1
    index = np.arange(2**qubits)
    signs = np.ones(2**qubits, dtype=LONG)
    for q in range(qubits if qubits > 2 else 1):
        signs[(index >> q & 1 == 1) & (index >> ((q + 1) % qubits) & 1 == 1)] *= -1
    angles = iter(theta.astype(LONG))
    for _ in range(layers):
        for q in range(qubits):
            half = next(angles) / 2
            view = state.reshape(-1, 2, 2**q)
            low, high = view[:, 0].copy(), view[:, 1].copy()
            view[:, 0] = np.cos(half) * low - np.sin(half) * high
            view[:, 1] = np.sin(half) * low + np.cos(half) * high
        for q in range(qubits):
            half = next(angles) / 2
            view = state.reshape(-1, 2, 2**q)
            view[:, 0] *= np.cos(half) - 1j * np.sin(half)
            view[:, 1] *= np.cos(half) + 1j * np.sin(half)
        state *= signs
    return np.sum(np.abs(state) ** 2 * (1 - 2 * (index & 1)))


def gradient(qubits: int, layers: int, theta: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Parameter shift in extended precision."""
    slopes = []
    for p in chosen:
        step = np.zeros(len(theta), dtype=LONG)
        step[p] = np.arctan(LONG(1)) * 2
        slopes.append((output(qubits, layers, theta + step) - output(qubits, layers, theta - step)) / 2)
    return np.array(slopes)


def main() -> None:
    print("| n | layers | gates | output error | largest gradient error | relative error of K |")
    print("|--:|--:|--:|--:|--:|--:|")
    for qubits, layers in [(6, 8), (6, 64), (6, 556), (14, 239)]:
        rng = np.random.default_rng(1)
        model = CircuitModel(ansatz("hea-cz-ring", qubits, layers), SparsePauliOp("I" * (qubits - 1) + "Z"))
        theta = rng.uniform(0, 2 * np.pi, model.parameters)
        values, slopes = model.value_and_gradient(theta[None])
        few = np.unique(rng.integers(0, len(theta), 20 if qubits > 6 else 200)) if layers > 8 else np.arange(len(theta))
        exact = gradient(qubits, layers, theta, few)
        kernel = abs(np.sum(slopes[0, few] ** 2) / float(np.sum(exact**2)) - 1)
        print(
            f"| {qubits} | {layers} | {3 * qubits * layers} "
            f"| {abs(float(values[0] - output(qubits, layers, theta))):.1e} "
            f"| {np.abs(slopes[0, few] - exact).astype(float).max():.1e} | {kernel:.1e} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
