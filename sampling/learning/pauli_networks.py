"""Many networks of random Pauli rotations between two Haar unitaries, each its own, trained on the same data.

U = V exp(-iθ_L P_L/2) … exp(-iθ_1 P_1/2) W with Haar V, W, random strings P_ℓ without the identity, uniform angles; O
is Z on qubit 0. Every generator lies between Haar unitaries, so that the mean kernel is that of Haar layers at every L.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.unitaries import haar_unitaries

Array = NDArray[np.float64]
_BATCH = 32
"""Networks that one thread takes at a time."""


@dataclass(frozen=True, eq=False)
class PauliNetworks:
    """A batch of networks.

    Attributes:
        first, last: W and V, shape (N, D, D).
        flips, signs: X and Z bits of P_ℓ, shape (N, L).
        thetas: angles, shape (N, L).
    """

    first: NDArray[np.complex128]
    last: NDArray[np.complex128]
    flips: NDArray[np.int64]
    signs: NDArray[np.int64]
    thetas: Array

    @classmethod
    def draw(cls, count: int, qubits: int, parameters: int, rng: np.random.Generator) -> PauliNetworks:
        """Independent networks at uniform angles. ``ValueError`` for counts below 1."""
        if min(count, qubits, parameters) < 1:
            raise ValueError(f"count {count}, qubits {qubits}, parameters {parameters}; give at least 1 of each")
        D = 1 << qubits
        strings = rng.integers(1, D * D, (count, parameters))
        ends = haar_unitaries(2 * count, D, rng).reshape(2, count, D, D)
        thetas = rng.uniform(0, 2 * np.pi, (count, parameters))
        return cls(ends[0], ends[1], strings % D, strings // D, thetas)

    def train(
        self, states: NDArray[np.complex128], training: NDArray[np.bool_], labels: Array, rate: float, times: list[int]
    ) -> tuple[Array, Array]:
        """Gradient descent on ½Σε² over the training points.

        Args:
            states: inputs, shape (m, D).
            training: boolean, shape (m,).
            labels: of the training points, in order.
            rate: η.
            times: numbers of steps at which outputs are kept, increasing.

        Returns:
            outputs, shape (N, len(times), m), and kernels at the start, shape (N, m, m).
        """
        target = np.zeros(len(states))
        target[training] = labels
        parity = np.array([(-1.0) ** bin(k).count("1") for k in range(states.shape[1])])
        phases = 1j ** np.bitwise_count(self.flips & self.signs)
        outputs = np.empty((len(self.thetas), len(times), len(states)))
        kernels = np.empty((len(self.thetas), len(states), len(states)))

        def piece(start: int) -> None:
            part = slice(start, start + _BATCH)
            observable = np.conj(self.last[part]).transpose(0, 2, 1) * parity_of_first @ self.last[part]
            inputs = np.ascontiguousarray(np.einsum("nab,mb->nma", self.first[part], states))
            _train(
                inputs, np.ascontiguousarray(observable), self.flips[part], self.signs[part], phases[part],
                self.thetas[part].copy(), parity, training, target, rate, np.asarray(times), outputs[part],
                kernels[part],
            )  # fmt: skip

        parity_of_first = 1.0 - 2.0 * (np.arange(states.shape[1]) & 1)
        with ThreadPoolExecutor() as pool:
            list(pool.map(piece, range(0, len(self.thetas), _BATCH)))
        return outputs, kernels


@njit(nogil=True, cache=True, boundscheck=False)
def _turn(state, flip, sign, phase, cosine, sine, parity):  # type: ignore[no-untyped-def]
    """cos - i sin P on a state, in place."""
    for k in range(len(state)):
        j = k ^ flip
        if j < k:
            continue
        one, two = phase * parity[sign & k], phase * parity[sign & j]
        if j == k:
            state[k] *= cosine - 1j * sine * one
            continue
        a, b = state[k], state[j]
        state[k] = cosine * a - 1j * sine * two * b
        state[j] = cosine * b - 1j * sine * one * a


@njit(nogil=True, cache=True, boundscheck=False)
def _train(inputs, observable, flips, signs, phases, thetas, parity, training, target, rate, times, outputs, kernels):  # type: ignore[no-untyped-def]
    """Network by network; a step's gradients of all points, forward and back."""
    points, D, L = inputs.shape[1], inputs.shape[2], thetas.shape[1]
    gradient, f = np.empty((points, L)), np.empty(points)
    state, costate = np.empty(D, np.complex128), np.empty(D, np.complex128)
    for net in range(len(inputs)):
        for step in range(times[-1] + 1):
            for i in range(points):
                if step not in (0, times[-1]) and not training[i] and step not in times:
                    continue
                for k in range(D):
                    state[k] = inputs[net, i, k]
                for gate in range(L):
                    half = 0.5 * thetas[net, gate]
                    _turn(
                        state, flips[net, gate], signs[net, gate], phases[net, gate], np.cos(half), np.sin(half), parity
                    )
                f[i] = 0.0
                for a in range(D):
                    total = 0j
                    for b in range(D):
                        total += observable[net, a, b] * state[b]
                    costate[a] = total
                    f[i] += state[a].real * total.real + state[a].imag * total.imag
                if step > 0 and (step == times[-1] or not training[i]):
                    continue
                for gate in range(L - 1, -1, -1):
                    flip, sign, phase = flips[net, gate], signs[net, gate], phases[net, gate]
                    slope = 0.0
                    for k in range(D):
                        moved = phase * parity[sign & k] * state[k]
                        other = costate[k ^ flip]
                        slope += other.real * moved.imag - other.imag * moved.real
                    gradient[i, gate] = slope
                    half = -0.5 * thetas[net, gate]
                    cosine, sine = np.cos(half), np.sin(half)
                    _turn(state, flip, sign, phase, cosine, sine, parity)
                    _turn(costate, flip, sign, phase, cosine, sine, parity)
            if step == 0:
                for i in range(points):
                    for j in range(points):
                        kernels[net, i, j] = (gradient[i] * gradient[j]).sum()
            for t in range(len(times)):
                if times[t] == step:
                    outputs[net, t] = f
            if step < times[-1]:
                for i in range(points):
                    if training[i]:
                        for gate in range(L):
                            thetas[net, gate] -= rate * (f[i] - target[i]) * gradient[i, gate]
