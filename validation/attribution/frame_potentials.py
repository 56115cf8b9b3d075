"""Frame potentials of an ensemble's output states and unitaries over those of Haar's.

F_t = E |<ψ|ψ'>|^{2t} over independent pairs of output states is least for a state t-design, 1/C(D+t-1, t). For
unitaries, F_t = E |Tr U†V|^{2t} is least for a unitary t-design, where it counts the permutations of t without an
increasing subsequence longer than D: t! for t <= D (Rains, Electron. J. Combin. 5, R12 (1998)). For the Haar measure of
a subgroup F_1 is the dimension of its commutant.

Estimator: the mean over all pairs of different members of a batch, a U-statistic and unbiased. The m(m-1)/2 pairs of
m states resolve t = 4, where few pairs carry the mean. Batches are independent: Student's t over them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from math import comb, isqrt
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from qntk.inputs.machine import cores
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.attribution.gate_list import GateList

ORDERS = 4
"""F_1 … F_4: the kernel's variance asks for a 4-design."""
BATCHES = 32
LARGEST = {"states": 12, "unitaries": 6}
"""Most qubits."""
_WORK = {"states": 2**28, "unitaries": 2**29}
"""Amplitudes times gates, all batches together: a second or two."""
_GRAM = 2**26
_MEMBERS = (8, 512)

Draw = Callable[[int, np.random.Generator], NDArray[np.complex128]]


class Potential(TypedDict):
    """F_t over Haar's value, with a two-sided interval."""

    ratio: float
    interval: tuple[float, float]


def haar_states(dimension: int, t: int) -> float:
    """F_t of Haar-random states, 1/C(D+t-1, t).

    >>> haar_states(2, 2) * 3
    1.0
    """
    return 1 / comb(dimension + t - 1, t)


def haar_unitaries(dimension: int, t: int) -> int:
    """F_t of Haar-random unitaries: permutations of t with no increasing subsequence longer than D.

    >>> haar_unitaries(4, 4), haar_unitaries(2, 3), haar_unitaries(2, 4)
    (24, 5, 14)
    """
    return sum(_longest_increasing(p) <= dimension for p in permutations(range(t)))


def circuit_potentials(
    random: RandomCircuit, kind: Literal["states", "unitaries"], seed: int, level: float
) -> dict[str, Potential] | None:
    """F_1 … F_4 of a circuit at random angles; None beyond 12 qubits for states, 6 for unitaries.

    Args:
        random: the circuit and how its parameters are drawn.
        kind: of what.
        seed: root seed; the streams are this function's own.
        level: probability that one interval misses, both sides together.
    """
    gates, names = GateList(random.circuit), [p.name for p in random.circuit.parameters]
    D = gates.dimension
    if 1 << LARGEST[kind] < D:
        return None
    length = D if kind == "states" else D * D
    fewest, most = _MEMBERS
    size = min(_WORK[kind] // (BATCHES * length * gates.cost), isqrt(_GRAM // length))
    size = min(max(size, fewest), most)

    def draw(members: int, rng: np.random.Generator) -> NDArray[np.complex128]:
        thetas = random.angles.draw(rng, names, members)
        return gates.outputs(thetas) if kind == "states" else gates.unitaries(thetas).reshape(members, -1)

    value = haar_states if kind == "states" else haar_unitaries
    haar = [value(D, t) for t in range(1, ORDERS + 1)]
    return potentials(draw, haar, size, np.random.SeedSequence(seed, spawn_key=(1 << 21, D, length)), level)


def potentials(
    draw: Draw, haar: list[float], size: int, seed: np.random.SeedSequence, level: float, batches: int = BATCHES
) -> dict[str, Potential]:
    """F_t / ``haar[t-1]`` of vectors that ``draw(size, rng)`` gives, shape (size, N), with intervals over batches.

    Args:
        draw: independent members; their inner products are what F_t is the moment of.
        haar: the least values, from t = 1.
        size: members of a batch, at least 2.
        seed: spawns one stream for each batch.
        level: probability that one interval misses.
        batches: at least 2.
    """

    def one(child: np.random.SeedSequence) -> NDArray[np.float64]:
        return np.asarray(pair_moments(draw(size, np.random.default_rng(child)), len(haar)) / np.array(haar))

    with ThreadPoolExecutor(cores()) as pool:
        means = np.array(list(pool.map(one, seed.spawn(batches))))
    ratio = means.mean(axis=0)
    reach = student.isf(level / 2, batches - 1) * means.std(axis=0, ddof=1) / np.sqrt(batches)
    return {
        f"F{t}": Potential(ratio=float(r), interval=(float(r - e), float(r + e)))
        for t, (r, e) in enumerate(zip(ratio, reach, strict=True), start=1)
    }


def pair_moments(vectors: NDArray[np.complex128], orders: int) -> NDArray[np.float64]:
    """Mean of |<v|w>|^{2t} over all pairs of different rows v, w, for t = 1 … ``orders``; shape (orders,)."""
    gram = vectors.conj() @ vectors.T
    overlaps = gram.real**2 + gram.imag**2
    np.fill_diagonal(overlaps, 0.0)
    pairs = len(vectors) * (len(vectors) - 1)
    power, sums = np.ones_like(overlaps), np.empty(orders)
    for t in range(orders):
        power *= overlaps
        sums[t] = power.sum() / pairs
    return sums


def _longest_increasing(order: tuple[int, ...]) -> int:
    best: list[int] = []
    for place, value in enumerate(order):
        best.append(1 + max((best[i] for i in range(place) if order[i] < value), default=0))
    return max(best, default=0)
