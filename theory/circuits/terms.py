"""The terms of an observable that move together in a layer that is repeated, and input states in any spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import stim

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.clifford_frame import RotationFrame, frame_of
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.path_families import Family, State, input_state
from qntk.theory.circuits.pauli_words import (
    Words,
    anticommute,
    multiply,
    pack_label,
    pack_stim,
    unpack,
)
from qntk.theory.circuits.product_state import ProductState


def as_moves(circuit: Moves | RotationFrame | NormalForm) -> Moves:
    """The moves of a circuit in any form; ``TypeError`` for anything else."""
    if isinstance(circuit, Moves):
        return circuit
    return Moves.from_form(circuit) if isinstance(circuit, NormalForm) else Moves.from_frame(frame_of(circuit))


def as_state(given: Any, qubits: int) -> State:
    """A product state as it is; else what ``circuits.path_families.input_state`` makes of it."""
    if isinstance(given, ProductState):
        if given.qubits != qubits:
            raise ValueError(f"an input state has {given.qubits} qubits; the circuit has {qubits}")
        return given
    return input_state(given, qubits)


def families_in(moves: Moves, observable: Mapping[str, float], repetitions: int) -> tuple[list[Family], list[Family]]:
    """Families of terms that the moves turn, and those that no move turns.

    Starts are as the observable has them for the first, and as they are at the input for the second. Relative strings
    S_b are as they are at the input, ``repetitions`` layers back. All terms that interfere with none are one family.
    Raises ``ValueError`` for labels that do not fit, a multiple of the identity, and a term without a limit.
    """
    groups: dict[bytes, list[tuple[float, Words]]] = {}
    for label, coefficient in observable.items():
        if len(label) != moves.qubits:
            raise ValueError(f"Pauli label {label!r} has {len(label)} letters; the circuit has {moves.qubits} qubits")
        words = pack_label(label)
        if coefficient == 0:
            continue
        if anticommute(moves.drift, words).any():
            raise ValueError(
                f"a fixed rotation commutes with every trained gate and turns the term {label}: "
                "the mean has no limit in depth"
            )
        groups.setdefault(anticommute(moves.span, words).tobytes(), []).append((float(coefficient), words))
    if all(not words.any() for group in groups.values() for _, words in group):
        raise ValueError("the observable is a multiple of the identity: its gradients vanish, give another")
    back = (moves.clifford**repetitions).inverse()
    unit = (1.0, np.zeros_like(pack_label("I" * moves.qubits)), 0)
    turned, constant, starts, weights = [], [], [], []
    for pattern, group in groups.items():
        start = group[0][1]
        if not any(pattern):
            origin, members = _pulled(back, start, moves.qubits)[0], _members(back, start, group, moves.qubits)
            constant.append(Family(origin[None], np.ones(1), members))
        elif len(group) == 1:
            starts.append(start)
            weights.append(group[0][0] ** 2)
        else:
            turned.append(Family(start[None], np.ones(1), _members(back, start, group, moves.qubits)))
    if starts:
        turned.insert(0, Family(np.stack(starts), np.array(weights), (unit,)))
    return turned, constant


def _members(
    back: Any, start: Words, group: list[tuple[float, Words]], qubits: int
) -> tuple[tuple[float, Words, int], ...]:
    """Coefficient, string and power of i of each S_b = P_a P_b, pulled back."""
    members = []
    for coefficient, words in group:
        relative, power = multiply(start, words)
        pulled, sign = _pulled(back, relative, qubits)
        members.append((coefficient, pulled, (int(power) + (1 - sign)) % 4))
    return tuple(members)


def _pulled(back: Any, words: Words, qubits: int) -> tuple[Words, int]:
    bits = unpack(words[None], qubits)[0]
    return pack_stim(back(stim.PauliString.from_numpy(xs=bits[:qubits], zs=bits[qubits:])))
