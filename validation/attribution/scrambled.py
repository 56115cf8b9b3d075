"""A circuit between Haar-random ends: K without what its input state and its observable owe to fixed gates nearby.

A Haar-random unitary before the circuit and one before the observable, fresh for each draw, make the state φ that
enters and the part √v ξ of U†OU φ orthogonal to it a uniformly random pair of orthonormal vectors, with
v = <O²> - <O>² in a Haar-random state, independent of the pair and of the angles. So no unitary is built:

    ∂_ℓ f = √v · 2 Im<ξ|∂_ℓ-generator, pulled back through the circuit|φ>.

If each parameter turns one rotation, every (∂_ℓ f)² then has the law's own distribution: the mean of K is that of the
Haar-layer law whatever the circuit, its variance tells how the gates between correlate the parameters. A Haar-random
unitary between two blocks likewise gives the second a fresh pair.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.circuits import repeated
from qntk.inputs.machine import cores
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.sampling.operators import OperatorLike, spectrum
from qntk.validation.attribution.gate_list import GateList, States

Array = NDArray[np.float64]
LARGEST_QUBITS = 8
_WORK, _FEWEST, _CHUNK = 2**28, 1000, 1024
"""Amplitudes times gates of all draws together, a second or two; no fewer draws than these."""


def scrambled_draws(cost: int, qubits: int, draws: int) -> int:
    """The draws asked for, or fewer where a circuit of this ``GateList.cost`` would take more than seconds."""
    return min(draws, max(_FEWEST, _WORK // (2 * cost << qubits)))


def scrambled_kernels(
    random: RandomCircuit,
    observable: OperatorLike,
    draws: int,
    seed: int,
    times: int = 1,
    fresh: bool = False,
) -> Array:
    """K over the trainable parameters between Haar-random ends, shape (draws,).

    Args:
        random: the circuit, its data, which are no part of K, and how all parameters are drawn.
        observable: O on its qubits.
        draws: how many.
        seed: root seed; chunk c depends on the seed, ``times``, ``fresh`` and c alone.
        times: the circuit this many times in a row, with fresh trainable parameters and the same inputs.
        fresh: whether a Haar-random unitary stands between the repetitions too.
    """
    piece = random.circuit if fresh else repeated(random.circuit, times, random.inputs)
    gates = GateList(piece)
    names = [p.name for p in piece.parameters]
    trainable = np.array([p not in random.inputs for p in piece.parameters])
    trained = [name for name, chosen in zip(names, trainable, strict=True) if chosen]
    levels = spectrum(observable)

    def one(chunk: int) -> Array:
        size = min(_CHUNK, draws - chunk * _CHUNK)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 22, times, fresh, chunk)))
        weights = rng.standard_exponential((size, len(levels)))  # |ψ|² of a Haar-random state, but for the norm
        weights /= weights.sum(axis=1, keepdims=True)
        mean = weights @ levels
        total = np.zeros(size)
        thetas = random.angles.draw(rng, names, size)
        for _ in range(times if fresh else 1):
            slopes = gates.slopes(thetas, random_frames(gates.dimension, size, rng))
            total += (slopes[:, trainable] ** 2).sum(axis=1)
            thetas[:, trainable] = random.angles.draw(rng, trained, size)
        spread = ((levels - mean[:, None]) ** 2 * weights).sum(axis=1)
        return np.asarray(spread * total)

    with ThreadPoolExecutor(cores()) as pool:
        return np.concatenate(list(pool.map(one, range(-(-draws // _CHUNK)))))


def random_frames(dimension: int, draws: int, rng: np.random.Generator) -> States:
    """Uniformly random pairs of orthonormal vectors (φ, ξ), shape (D, 2, draws)."""
    frames = rng.standard_normal((dimension, 2, draws)) + 1j * rng.standard_normal((dimension, 2, draws))
    first, second = frames[:, 0], frames[:, 1]
    first /= np.linalg.norm(first, axis=0)
    second -= first * (first.conj() * second).sum(axis=0)
    second /= np.linalg.norm(second, axis=0)
    return frames
