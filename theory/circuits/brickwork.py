"""Mean kernel of a brickwork of random two-qubit gates, exact, by a transfer matrix on occupation patterns.

The ensemble: layers B_1 … B_d of independent Haar-random two-qubit gates. B_1, B_3, … couple qubits (0,1), (2,3), …;
B_2, B_4, … couple (1,2), (3,4), … and, with the periodic boundary, (n-1,0). A qubit without a partner gets a
Haar-random one-qubit gate. After each layer but the last stands exp(-iθ g P) on every qubit, P any Pauli of that qubit:
n(d-1) parameters. The gates absorb their values, whatever those are. Input: any product of one-qubit states. O = Σ_a
c_a P_a.

Transfer. Averaged over a gate, P⊗P of its two qubits becomes the mean of the 15 P'⊗P' other than II, and II stays.
Products of different Paulis average to 0, so the terms of O do not interfere. All that matters is which qubits are
occupied, that is carry X, Y or Z: a pattern S in {0,1}^n. A gate keeps 00 and takes 01, 10 and 11 to 01, 10 and 11 with
probabilities 3/15, 3/15 and 9/15; one-qubit gates change nothing. Let π_t(S) be the weights Σ c² of the patterns of O
pulled back through B_d … B_{t+1}, and A_t(S) the mean of <P>² at the input for a random Pauli P on pattern S, pulled
back through B_t … B_1; before all layers A_0(S) = 3^{-|S|}. The derivative at layer t and qubit q is ig[P_q, ·]. It
takes the 2 of 3 strings that anticommute with P_q to 2g times another string of the same pattern, and the others to 0.
Hence

    E (∂_{t,q} f)² = (2g)² · 2/3 · Σ_{S ∋ q} π_t(S) A_t(S).

Deep circuits forget the pattern: π → Σ c² 3^{|S|}/(D²-1) and A → 1/(D+1) with D = 2^n on S ≠ ∅. This gives the 2-design
value (2g)² D² Σ c² / (2(D+1)²(D-1)), the mean of ``KernelLaw`` for one parameter. Neither the largest |A - 1/(D+1)| nor
Σ|π - π_∞| grows with more layers, so one circuit bounds all deeper ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qntk.theory.circuits.copies.domain_walls import local_gradients
from qntk.theory.prediction import Prediction

Array = NDArray[np.float64]
Boundary = Literal["periodic", "open"]
_MOST_QUBITS = 24


@dataclass(frozen=True, eq=False)
class BrickworkMean:
    """Mean of K over the gates.

    Attributes:
        value: E K, in units of the observable squared.
        gradients: E (∂_{t,q} f)², shape (depth - 1, n): row t - 1 is after layer t, column q is qubit q.
        design: the same for one parameter where all gates together are a 2-design.
    """

    value: float
    gradients: Array
    design: float

    def prediction(self) -> Prediction:
        """The mean as a prediction."""
        assumptions = ("brickwork of Haar two-qubit gates", "product input state")
        return Prediction("kernel mean", self.value, "exact", assumptions, "docs/theory.md")


def brickwork_mean(
    qubits: int,
    depth: int,
    observable: Mapping[str, float],
    boundary: Boundary = "periodic",
    generator: float = 0.5,
    depolarizing: float = 0.0,
) -> BrickworkMean:
    """E K of the brickwork, and its share of every parameter; rounding errors only.

    Args:
        qubits: n, from 2; even for the periodic boundary. Beyond 24, every term must lie within one gate of the last
            layer, without noise, and the work is that of domain walls (``circuits.copies.domain_walls``): n = 1000 at
            200 layers takes a second.
        depth: layers of gates d >= 2.
        observable: real coefficients of Pauli labels, leftmost letter on the highest qubit.
        boundary: ``periodic`` or ``open``. Two qubits with the periodic boundary have one gate in every layer.
        generator: g in exp(-iθ g P): 1/2 is Qiskit's, 1 makes everything 4 times larger.
        depolarizing: p of ρ → (1-p)ρ + p/2 on every qubit after every layer of gates and after every layer of
            rotations: a pattern is worth (1-p)^{2|S|} each time.

    Time goes as depth · n · 2^n, memory as 2√depth · 2^n doubles. Raises ``ValueError`` for sizes out of range, labels
    that do not fit, and a multiple of the identity.

    >>> mean = brickwork_mean(2, 5, {"ZI": 1.0})
    >>> mean.gradients.shape, round(mean.value, 6), round(8 * mean.design, 6)
    ((4, 2), 0.853333, 0.853333)
    """
    if depth < 2:
        raise ValueError(f"depth is {depth}; parameters stand between layers, give at least 2")
    if not 0 <= depolarizing <= 1:
        raise ValueError(f"depolarizing is {depolarizing}; give a probability from 0 to 1")
    if qubits > _MOST_QUBITS:
        return _long(qubits, depth, observable, boundary, generator, depolarizing)
    weights = _start(qubits, observable, boundary)
    design = _design(qubits, float(weights.sum()), generator)
    survival = (1 - depolarizing) ** (2 * _sizes(qubits))
    block = isqrt(depth - 1) + 1
    checkpoints = {0: _inputs(qubits)}
    inputs = checkpoints[0].copy()
    for layer in range(1, depth):
        _step(inputs, layer, boundary, survival)
        if layer % block == 0:
            checkpoints[layer] = inputs.copy()
    gradients = np.empty((depth - 1, qubits))
    stored: dict[int, Array] = {}
    for layer in range(depth - 1, 0, -1):
        weights *= survival
        _layer(weights, layer + 1, boundary, values=False)
        weights *= survival
        if layer not in stored:
            stored = _stretch(checkpoints, layer // block * block, layer, boundary, survival)
        gradients[layer - 1] = (2 * generator) ** 2 * _occupied(weights * stored[layer])
    return BrickworkMean(float(gradients.sum()), gradients, design)


def _long(
    qubits: int, depth: int, observable: Mapping[str, float], boundary: Boundary, generator: float, depolarizing: float
) -> BrickworkMean:
    """The same by domain walls."""
    if depolarizing:
        raise ValueError(f"noise is worked out up to {_MOST_QUBITS} qubits; here are {qubits}")
    terms = _terms(qubits, observable, boundary)
    gradients = np.zeros((depth - 1, qubits))
    for label, square in terms.items():
        occupied = [qubits - 1 - place for place, letter in enumerate(label) if letter != "I"]
        gradients += (2 * generator) ** 2 * square * local_gradients(qubits, depth, occupied, boundary == "open")
    return BrickworkMean(float(gradients.sum()), gradients, _design(qubits, sum(terms.values()), generator))


def depth_of_design(
    qubits: int, observable: Mapping[str, float], tolerance: float, boundary: Boundary = "periodic"
) -> int:
    """Smallest depth from which on every gradient at the middle of the circuit has its 2-design mean.

    That is, |E g²/design - 1| <= tolerance for all n parameters after layer depth // 2, at this and all larger depths.
    The middle is as far from both ends as a parameter can be; E K / L keeps a share of the ends, which fades as 1/depth
    only. Deeper circuits are bounded as in the module's text, so the scan ends. Arguments and errors as for
    ``brickwork_mean``; ``tolerance`` must be positive.

    >>> depth_of_design(4, {"IIIZ": 1.0}, 0.05)
    7
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}; give a positive number")
    start = _start(qubits, observable, boundary)
    total = float(start.sum())
    goal = _design(qubits, total, 0.5)
    limit = total * 3.0 ** _sizes(qubits) / (4.0**qubits - 1)
    limit[0] = 0
    inputs, rest = _inputs(qubits), 1 / (2**qubits + 1)
    odd = start.copy()
    _layer(odd, 1, boundary, values=False)
    pulled = {0: start, 1: odd}  # by the parity of the depth; a layer behind
    answer, open_bounds = 2, {0, 1}
    for depth in itertools.count(2):
        middle, parity = depth // 2, depth % 2
        if parity == 0:
            _layer(inputs, middle, boundary, values=True)
        _layer(pulled[parity], middle + 1, boundary, values=False)
        gradients = _occupied(pulled[parity] * inputs)
        if np.abs(gradients / goal - 1).max() > tolerance:
            answer = depth + 1
        off, away = np.abs(inputs[1:] - rest).max(), np.abs(pulled[parity] - limit).sum()
        if 2 / 3 * (away * (rest + off) + total * off) <= tolerance * goal:
            open_bounds.discard(parity)
        if not open_bounds:
            break
    return answer


def _start(qubits: int, observable: Mapping[str, float], boundary: Boundary) -> Array:
    """Pattern weights of the observable, shape (2^n,), after checking the arguments."""
    if qubits > _MOST_QUBITS:
        raise ValueError(f"qubits is {qubits}; give 2 to {_MOST_QUBITS}")
    terms = _terms(qubits, observable, boundary)
    weights = np.zeros(1 << qubits)
    for label, square in terms.items():
        weights[int("".join("0" if p == "I" else "1" for p in label), 2)] += square
    return weights


def _terms(qubits: int, observable: Mapping[str, float], boundary: Boundary) -> dict[str, float]:
    """c² of each label but the identity, after checking the arguments."""
    if boundary not in ("periodic", "open"):
        raise ValueError(f"boundary {boundary!r} is unknown; choose periodic or open")
    if qubits < 2:
        raise ValueError(f"qubits is {qubits}; give 2 or more")
    if boundary == "periodic" and qubits % 2:
        raise ValueError(f"qubits is {qubits}; the periodic boundary needs an even number")
    for label in observable:
        if len(label) != qubits or set(label) - set("IXYZ"):
            raise ValueError(f"Pauli label {label!r} must hold {qubits} letters I, X, Y or Z")
    terms = {label: float(c) ** 2 for label, c in observable.items() if c and set(label) != {"I"}}
    if not terms:
        raise ValueError("the observable is a multiple of the identity: its gradients vanish, give another")
    return terms


def _inputs(qubits: int) -> Array:
    """A_0 = 3^{-|S|}, shape (2^n,)."""
    values: Array = 3.0 ** -_sizes(qubits)
    return values


def _sizes(qubits: int) -> Array:
    """|S| of every pattern, bit q for qubit q."""
    return np.bitwise_count(np.arange(1 << qubits)).astype(float)


def _design(qubits: int, total: float, generator: float) -> float:
    """2-design mean of one gradient squared, for Σ c² = total."""
    r = 2.0**-qubits  # 1/D: D² is no float at a thousand qubits
    return (2 * generator) ** 2 * r * total / (2 * (1 + r) ** 2 * (1 - r))


def _layer(vector: Array, layer: int, boundary: Boundary, values: bool) -> None:
    """Pull pattern weights back through a layer, or with ``values`` the mean values of patterns forward; in place."""
    qubits = len(vector).bit_length() - 1
    offset = (layer + 1) % 2
    for q in range(offset, qubits - 1, 2):
        view = vector.reshape(-1, 4, 1 << q)
        _gate(view[:, 1], view[:, 2], view[:, 3], values)
    if offset and boundary == "periodic":
        view = vector.reshape(2, -1, 2)
        _gate(view[0, :, 1], view[1, :, 0], view[1, :, 1], values)


def _gate(first: Array, second: Array, both: Array, values: bool) -> None:
    """One gate on the parts of a vector where the first, the second or both of its qubits are occupied."""
    share = (first + second + (3 * both if values else both)) / 5
    first[...] = second[...] = share
    both[...] = share if values else 3 * share


def _occupied(product: Array) -> Array:
    """2/3 of the sum over the patterns in which each qubit is occupied, shape (n,)."""
    qubits = len(product).bit_length() - 1
    return np.array([product.reshape(-1, 2, 1 << q)[:, 1].sum() for q in range(qubits)]) * 2 / 3


def _step(values: Array, layer: int, boundary: Boundary, survival: Array) -> None:
    """A_t of A_{t-1}, in place: the channel after the rotations before layer t, the layer, and the channel after it."""
    if layer > 1:
        values *= survival
    _layer(values, layer, boundary, values=True)
    values *= survival


def _stretch(
    checkpoints: dict[int, Array], first: int, last: int, boundary: Boundary, survival: Array
) -> dict[int, Array]:
    """A_t for t = first … last, from the checkpoint at the first."""
    stored = {first: checkpoints[first]}
    for layer in range(first + 1, last + 1):
        stored[layer] = stored[layer - 1].copy()
        _step(stored[layer], layer, boundary, survival)
    return stored
