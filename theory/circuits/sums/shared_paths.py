"""Pauli paths where one parameter turns several strings: the mean of K exactly, on any number of qubits.

Without Clifford gates (``circuits.clifford_frame``) a parameter is a factor ∏_j exp(-i(s_jθ + o_j)Q_j/2) of strings
that commute. Backwards through it a string P becomes a sum over subsets J of those that it anticommutes with,

    P → Σ_J ∏_{j∉J} cos(s_jθ + o_j) ∏_{j∈J} sin(s_jθ + o_j) · (∏_{j∈J} iQ_j) P,

and two copies of it no longer stay equal, since E cos^a θ sin^b θ is not 0 for a, b > 1. So pairs of strings (P, P')
are followed with the average over θ of both coefficients, or of both derivatives where the gate is the one
differentiated: a mean over as many angles as the product has frequencies is exact. Equal pairs are merged. Signs count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import stim
from numpy.typing import NDArray

from qntk.inputs.normal_form import Fixed, NormalForm
from qntk.theory.circuits.clifford_frame import Unitary, operation_of, pauli_on, stim_circuit
from qntk.theory.circuits.path_families import input_state
from qntk.theory.circuits.pauli_paths import PathMean
from qntk.theory.circuits.pauli_words import Words, anticommute, multiply, pack_label, pack_stim, unique_rows

Array = NDArray[np.float64]
_APART = (
    "one parameter turns several rotations that do not commute, or are apart: give each its own, or draw K "
    "(qntk.sample)"
)
_ROWS = 2**20
"""Entries of a table of coefficients that are held at a time."""


@dataclass(eq=False)
class _Factor:
    """What one parameter turns: strings, slopes and offsets of their angles."""

    parameter: int
    strings: list[Words]
    slopes: list[int]
    offsets: list[float]


@dataclass(frozen=True, eq=False)
class _Step:
    """How pairs go through a factor: from, to, and the averages of both coefficients and of both derivatives."""

    parameter: int
    origin: NDArray[np.int64]
    target: NDArray[np.int64]
    value: Array
    slope: Array
    weights: Array


def shared_mean(
    circuit: NormalForm, observable: Mapping[str, float], first: Any = 0, most_pairs: int = 2**19
) -> PathMean:
    """E K where parameters turn one rotation or several that commute, angles uniform on [0, 2π).

    Args:
        circuit: its normal form, of Clifford gates and rotations with whole slopes.
        observable: real coefficients of Pauli labels, leftmost letter on the highest qubit.
        first: input state, as for ``circuits.pauli_paths.exact_mean``.
        most_pairs: pairs of strings to follow through one factor.

    Raises ``ValueError`` for circuits and observables that do not fit, parameters whose rotations do not commute, and
    where there are too many pairs.

    >>> from qntk.inputs.normal_form import Angle, NormalForm, Rotation
    >>> turns = tuple(Rotation("X", (q,), Angle(((0, 1.0),), 0.0, None)) for q in range(40))
    >>> round(shared_mean(NormalForm(40, ("a",), turns, (None,)), {"I" * 38 + "ZZ": 1.0}).value, 9)  # f = cos² θ
    0.5
    """
    factors, clifford = _factors(circuit)
    pairs, weights = _start(circuit.qubits, observable, clifford)
    steps: list[_Step] = []
    held = 0
    for factor in reversed(factors):
        step, pairs, weights = _through(factor, pairs, weights, most_pairs)
        held += len(pairs)
        steps.append(step)
    state, half = input_state(first, circuit.qubits), pairs.shape[1] // 2
    worth = (state.expectations(pairs[:, :half]) * state.expectations(pairs[:, half:])).astype(float)
    hits, gradients = int(np.count_nonzero(worth)), np.zeros(len(factors))
    for step in reversed(steps):
        arriving = worth[step.target]
        gradients[step.parameter] = float(np.sum(step.weights[step.origin] * step.slope * arriving))
        worth = np.bincount(step.origin, weights=step.value * arriving, minlength=len(step.weights))
    return PathMean(float(gradients.sum()), 0.0, gradients, np.zeros(len(gradients)), held, hits)


def _factors(circuit: NormalForm) -> tuple[list[_Factor], Any]:
    """The factors in time order, and the tableau of all Clifford gates."""
    simulator = stim.TableauSimulator()
    simulator.set_num_qubits(circuit.qubits)
    found: dict[int, _Factor] = {}
    for given in circuit.operations:
        if isinstance(given, Fixed) or not given.angle.free:
            operation = operation_of(given)
            if isinstance(operation, Unitary):
                simulator.do_tableau(operation.tableau, list(operation.qubits))
            else:
                simulator.do_circuit(stim_circuit(operation))  # type: ignore[arg-type]
            continue
        turn = operation_of(given)  # refuses angles of several parameters and slopes that are not whole
        ((parameter, slope),) = given.angle.slopes
        words, sign = pack_stim(simulator.current_inverse_tableau()(pauli_on(turn, circuit.qubits)))
        if parameter in found:
            since = list(found.values())[list(found).index(parameter) :]
            if any(anticommute(words, other) for factor in since for other in factor.strings):
                raise ValueError(_APART)
        factor = found.setdefault(parameter, _Factor(parameter, [], [], []))
        factor.strings.append(words)
        factor.slopes.append(sign * round(slope))
        factor.offsets.append(sign * given.angle.offset)
    if len(found) < len(circuit.parameters) or not found:
        raise ValueError("a parameter turns nothing; leave it out")
    return list(found.values()), simulator.current_inverse_tableau()


def _start(qubits: int, observable: Mapping[str, float], inverse: Any) -> tuple[Words, Array]:
    """All pairs of the observable's terms at the end of the rotations."""
    strings, weights = [], []
    for label, coefficient in observable.items():
        if len(label) != qubits:
            raise ValueError(f"Pauli label {label!r} has {len(label)} letters; the circuit has {qubits} qubits")
        if pack_label(label).any() and coefficient:
            words, sign = pack_stim(inverse(stim.PauliString(label[::-1].replace("I", "_"))))
            strings.append(words)
            weights.append(sign * float(coefficient))
    if not strings:
        raise ValueError("the observable is a multiple of the identity: its gradients vanish, give another")
    P, c = np.stack(strings), np.array(weights)
    one, two = np.divmod(np.arange(len(c) ** 2), len(c))
    return np.concatenate([P[one], P[two]], axis=1), c[one] * c[two]


def _through(factor: _Factor, pairs: Words, weights: Array, most: int) -> tuple[_Step, Words, Array]:
    half = pairs.shape[1] // 2
    singles, place = unique_rows(np.concatenate([pairs[:, :half], pairs[:, half:]]))
    source, words, value, slope = _expanded(factor, singles, most)
    count = np.bincount(source, minlength=len(singles))
    begin = np.cumsum(count) - count
    left, right = place[: len(pairs)], place[len(pairs) :]
    size = count[left] * count[right]
    if size.sum() > 16 * most:
        raise ValueError(_too_many(most))
    origin = np.repeat(np.arange(len(pairs)), size)
    within = np.arange(len(origin)) - np.repeat(np.cumsum(size) - size, size)
    one = begin[left[origin]] + within // count[right[origin]]
    two = begin[right[origin]] + within % count[right[origin]]
    values, slopes = np.empty(len(origin)), np.empty(len(origin))
    rows = max(1, _ROWS // value.shape[1])
    for start in range(0, len(origin), rows):
        part = slice(start, start + rows)
        values[part] = np.mean(value[one[part]] * value[two[part]], axis=1)
        slopes[part] = np.mean(slope[one[part]] * slope[two[part]], axis=1)
    kept = (np.abs(values) > 1e-14) | (np.abs(slopes) > 1e-14)
    origin, values, slopes = origin[kept], values[kept], slopes[kept]
    before, target = unique_rows(np.concatenate([words[one[kept]], words[two[kept]]], axis=1))
    if len(before) > most:
        raise ValueError(_too_many(most))
    step = _Step(factor.parameter, origin, target, values, slopes, weights)
    added: Array = np.bincount(target, weights=weights[origin] * values, minlength=len(before)).astype(float)
    return step, before, added


def _expanded(factor: _Factor, singles: Words, most: int) -> tuple[NDArray[np.int64], Words, Array, Array]:
    """What single strings become: of which, the strings, and coefficients and derivatives at each angle of the mean."""
    strings, slopes = np.stack(factor.strings), np.array(factor.slopes)
    frequencies = (anticommute(singles[:, None], strings[None]) * np.abs(slopes)).sum(axis=1).max()
    theta = np.arange(2 * int(frequencies) + 1) * 2 * np.pi / (2 * int(frequencies) + 1)
    source, words = np.arange(len(singles)), singles
    value, slope = np.ones((len(singles), len(theta))), np.zeros((len(singles), len(theta)))
    for Q, s, offset in zip(strings, slopes, factor.offsets, strict=True):
        met = anticommute(words, Q)
        if not met.any():
            continue
        if (len(words) + met.sum()) * len(theta) > 2**26 or len(words) > most:
            raise ValueError(_too_many(most))
        cos, sin = np.cos(s * theta + offset), np.sin(s * theta + offset)
        turned, power = multiply(np.broadcast_to(Q, words[met].shape), words[met])
        sign = np.where((power + 1) % 4 == 0, 1.0, -1.0)[:, None]  # of i Q P
        here, there = value[met], slope[met]
        value[met], slope[met] = here * cos, there * cos - s * here * sin
        source, words = np.concatenate([source, source[met]]), np.concatenate([words, turned])
        value = np.concatenate([value, sign * here * sin])
        slope = np.concatenate([slope, sign * (there * sin + s * here * cos)])
    order = np.argsort(source, kind="stable")
    return source[order], words[order], value[order], slope[order]


def _too_many(most: int) -> str:
    return f"more than {most:,} pairs of Pauli strings: allow more, or draw K (qntk.sample)"
