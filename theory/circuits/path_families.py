"""Which terms of an observable interfere in the second moments of a circuit of Clifford gates and Pauli rotations.

In the frame of ``clifford_frame`` the circuit is rotations about Pauli strings Q_1 … Q_L, then Σ_a c_a P_a. Two
strings P_a, P_b move together through exp(-iθQ/2) if it meets (anticommutes with) both or neither; if it meets one
alone, their product carries a factor E cosθ = E sinθ = 0. So P_a and P_b interfere only if they meet the same
rotations: if P_aP_b commutes with every Q_ℓ. Then both branch or neither does, and (iQP_a)(iQP_b) = P_aP_b: the product
S_ab = P_aP_b is kept, sign and all, and where P_a has become P, P_b has become P S_ab.

The terms so fall into families. The family of P_a, with the string P at the beginning, contributes (Σ_b c_b <P S_ab>)².
Two inputs i, j give Σ_b c_b <P S_ab>_i · Σ_b c_b <P S_ab>_j, to which even anticommuting terms contribute. The sign of
P drops out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import stim
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.clifford_frame import RotationFrame, frame_of
from qntk.theory.circuits.pauli_words import StabiliserState, Words, anticommute, multiply, pack_label

Array = NDArray[np.float64]


class State(Protocol):
    """An input state that knows its expectation values."""

    def expectations(self, strings: Words) -> NDArray[Any]:
        """<P> of each string of shape (N, 2W), shape (N,)."""


@dataclass(frozen=True, eq=False)
class Family:
    """Terms of an observable that interfere, or a list of terms of which none does.

    Attributes:
        starts: packed strings P_a, shape (k, 2W).
        weights: their weights, shape (k,); c_a² where no term interferes.
        members: coefficient c_b, packed string and power of i of each S_ab; the identity alone where none interferes.
    """

    starts: Words
    weights: Array
    members: tuple[tuple[float, Words, int], ...]

    def worth(self, strings: Words, inputs: tuple[State, ...]) -> Array:
        """What strings P of shape (N, 2W) at the beginning contribute, shape (N,), for one input or two."""
        total = np.ones(len(strings))
        for state in inputs:
            amounts = np.zeros(len(strings))
            for coefficient, relative, power in self.members:
                words, more = multiply(strings, relative)
                amounts += coefficient * state.expectations(words) * (1 - (power + more) % 4)
            total *= amounts
        return total if len(inputs) == 2 else total**2


def families_of(
    circuit: RotationFrame | NormalForm, observable: Mapping[str, float], first: Any, second: Any
) -> tuple[RotationFrame, list[Family], tuple[StabiliserState, ...]]:
    """The circuit's frame, the families of the observable's terms, and the one or two input states.

    Arguments are those of ``circuits.pauli_paths.exact_mean``. Raises ``ValueError`` where they do not fit each other.

    >>> from qntk.theory.circuits.clifford_frame import Rotation
    >>> turn = [Rotation("Y", (1,), 0)]
    >>> _, families, _ = families_of(RotationFrame.from_operations(2, turn), {"ZI": 1.0, "ZZ": 1.0}, 0, None)
    >>> [len(family.members) for family in families]
    [2]
    """
    frame = frame_of(circuit)
    if not len(frame.rotations):
        raise ValueError("the circuit has no parameters; a tangent kernel needs at least one")
    inputs = tuple(input_state(given, frame.qubits) for given in ((first,) if second is None else (first, second)))
    groups: dict[bytes, list[tuple[float, Words]]] = {}
    for label, coefficient in observable.items():
        if len(label) != frame.qubits:
            raise ValueError(f"Pauli label {label!r} has {len(label)} letters; the circuit has {frame.qubits} qubits")
        if not pack_label(label).any() or coefficient == 0:
            continue
        words, sign = frame.pull_back(label)
        met = anticommute(frame.rotations, words)
        groups.setdefault(met.tobytes(), []).append((float(coefficient) * sign, words))
    if not groups:
        raise ValueError("the observable is a multiple of the identity: its gradients vanish, give another")
    alone = [group[0] for group in groups.values() if len(group) == 1]
    families = []
    if alone:
        weights = np.array([c * c for c, _ in alone])
        unit = (1.0, np.zeros_like(alone[0][1]), 0)
        families.append(Family(np.stack([words for _, words in alone]), weights, (unit,)))
    for group in (g for g in groups.values() if len(g) > 1):
        start = group[0][1]
        products = [(c, *multiply(start, words)) for c, words in group]
        members = tuple((c, relative, int(power)) for c, relative, power in products)
        families.append(Family(start[None], np.ones(1), members))
    return frame, families, inputs


def input_state(given: Any, qubits: int) -> StabiliserState:
    """The stabiliser state that a basis state's number, or a preparation by Clifford gates, means.

    Raises ``ValueError`` for a number out of range, a preparation that is not Clifford, or another number of qubits.
    """
    if isinstance(given, int | np.integer):
        if not 0 <= given < 1 << qubits:
            raise ValueError(f"basis state {given} is not one of {qubits} qubits")
        given = stim.PauliString("".join("X" if int(given) >> q & 1 else "_" for q in range(qubits))).to_tableau()
    elif isinstance(given, stim.Circuit):
        padded = stim.Circuit(f"I {qubits - 1}")
        given = (padded + given).to_tableau()
    elif not isinstance(given, stim.Tableau):
        frame = frame_of(given)
        if len(frame.rotations):
            raise ValueError("an input's preparation has free parameters; give Clifford gates alone")
        given = frame.clifford
    if len(given) != qubits:
        raise ValueError(f"an input state has {len(given)} qubits; the circuit has {qubits}")
    return StabiliserState.from_tableau(given)
