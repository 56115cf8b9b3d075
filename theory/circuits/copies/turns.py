"""A circuit as rotations about signed Pauli strings, its Clifford gates moved to the end, some angles being data.

As in ``clifford_frame``, with two differences: rotations by fixed angles that are no quarter turns stay rotations
(and any other gate on one qubit is RZ, RY, RZ), and the signs of the strings are kept, since such angles are not
averaged. An angle may be a free parameter plus data: the two are turns about one string, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import stim
from numpy.typing import NDArray

from qntk.inputs.normal_form import Angle, Fixed, NormalForm, Rotation
from qntk.theory.circuits.clifford_frame import SHARED, QuarterTurns, Unitary, operation_of, pauli_on, stim_circuit
from qntk.theory.circuits.pauli_words import Words, multiply, pack_label, pack_stim, unpack

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Turn:
    """exp(-i a Q/2).

    Attributes:
        string: packed Q without its sign, shape (2W,).
        sign: of Q, ±1.
        slope: da/dθ of a free parameter, whose angle is uniform; 0 for angles that are given.
        angles: a at each datum, shape (m,), or (1,) where all have the same; of given angles alone.
    """

    string: Words
    sign: int
    slope: int
    angles: Array

    def turned(self, strings: Words) -> tuple[Words, NDArray[np.int64]]:
        """iQP of strings P that anticommute with Q: words, shape (N, 2W), and signs ±1."""
        words, power = multiply(self.string, strings)
        return words, self.sign * (1 - (power + 1) % 4)


def turns_of(form: NormalForm, x: Array | None = None) -> tuple[list[Turn], Any, list[int]]:
    """The turns of a circuit at data, in time order, the ``stim.Tableau`` of its Clifford gates, and the place in
    ``form.parameters`` of what turns each (-1 for a given angle).

    Args:
        form: its normal form.
        x: data, shape (m, inputs); None for a circuit without inputs.

    Raises ``ValueError`` for fixed gates on several qubits that are neither Clifford gates nor Pauli rotations, for
    parameters in several rotations, and for angles that are not linear in one parameter with a whole slope.
    """
    simulator = stim.TableauSimulator()
    simulator.set_num_qubits(form.qubits)
    turns: list[Turn] = []
    met: list[int] = []
    places: list[int] = []
    for operation in form.operations:
        made = operation_of(operation) if _clifford(operation) else None
        if isinstance(made, Unitary):
            simulator.do_tableau(made.tableau, list(made.qubits))
            continue
        for rotation in _rotations(operation):
            slope, angles = _split(form, rotation.angle, x, met)
            quarters = round(angles[0] / (np.pi / 2))
            if not slope and len(angles) == 1 and abs(angles[0] / (np.pi / 2) - quarters) < 1e-9:
                simulator.do_circuit(stim_circuit(QuarterTurns(rotation.pauli, rotation.qubits, quarters % 4)))
                continue
            string, sign = pack_stim(simulator.current_inverse_tableau()(pauli_on(rotation, form.qubits)))
            if slope:
                turns.append(Turn(string, sign, slope, np.zeros(1)))
                places.append(met[-1])
            if not slope or len(angles) > 1:
                turns.append(Turn(string, sign, 0, angles))
                places.append(-1)
    if sorted(met) != sorted(form.weights):
        raise ValueError(SHARED)
    return turns, simulator.current_inverse_tableau().inverse(), places


def first_and_rest(turns: list[Turn], qubits: int) -> tuple[list[tuple[int, Turn]], list[Turn]]:
    """Turns on one qubit that no turn on several comes before, with their qubits, and all others: a turn on one qubit
    passes those on others."""
    first, rest, touched = [], [], np.zeros(qubits, dtype=bool)
    for turn in turns:
        on = letters_of(turn.string[None], qubits)[0] > 0
        if on.sum() == 1 and not (on & touched).any():
            first.append((int(on.argmax()), turn))
        else:
            touched |= on
            rest.append(turn)
    return first, rest


def letters_of(strings: Words, qubits: int) -> NDArray[np.int64]:
    """I, X, Z, Y as 0 to 3, shape (N, n)."""
    x, z = np.split(unpack(strings, qubits).astype(np.int64), 2, axis=1)
    return np.asarray(x + 2 * z)


def terms_at_beginning(observable: Mapping[str, float], clifford: Any, qubits: int) -> tuple[Words, Array, float]:
    """C†OC of Σ c P: packed strings (k, 2W), coefficients (k,), and that of the identity apart."""
    inverse, constant = clifford.inverse(), 0.0
    strings, coefficients = [], []
    for label, coefficient in observable.items():
        if len(label) != qubits:
            raise ValueError(f"Pauli label {label!r} has {len(label)} letters; the circuit has {qubits} qubits")
        if not pack_label(label).any():
            constant += float(coefficient)
        elif coefficient:
            words, sign = pack_stim(inverse(stim.PauliString(label[::-1].replace("I", "_"))))
            strings.append(words)
            coefficients.append(float(coefficient) * sign)
    if not strings:
        raise ValueError("the observable is a multiple of the identity: its gradients vanish, give another")
    return np.stack(strings), np.array(coefficients), constant


def _clifford(operation: Rotation | Fixed) -> bool:
    """Whether a fixed gate is to be a Clifford gate; on one qubit it need not be."""
    if isinstance(operation, Rotation):
        return False
    try:
        operation_of(operation)
    except ValueError:
        if len(operation.qubits) > 1:
            raise
        return False
    return True


def _rotations(operation: Rotation | Fixed) -> list[Rotation]:
    """A rotation, or any gate on one qubit as RZ, RY, RZ."""
    if isinstance(operation, Rotation):
        return [operation]
    matrix = operation.matrix / np.sqrt(np.linalg.det(operation.matrix) + 0j)
    half, quarter = np.angle(matrix[1, 1]), np.angle(matrix[1, 0])
    theta = 2 * np.arctan2(abs(matrix[1, 0]), abs(matrix[0, 0]))
    angles = (("Z", half - quarter), ("Y", theta), ("Z", half + quarter))
    return [Rotation(pauli, operation.qubits, Angle((), float(a), float(a))) for pauli, a in angles]


def _split(form: NormalForm, angle: Angle, x: Array | None, met: list[int]) -> tuple[int, Array]:
    """The slope in a free parameter, 0 without one, and the rest of the angle at each datum."""
    column = {place: k for k, place in enumerate(form.inputs)}
    if not angle.linear:
        if x is None or not set(angle.source.parameters) <= {form.sources[p] for p in form.inputs}:
            raise ValueError(f"angle {angle.source} must be linear in one parameter, else draw K (qntk.sample)")
        used = [p for p in form.inputs if form.sources[p] in angle.source.parameters]
        rows = [{form.sources[p]: row[column[p]] for p in used} for row in x]
        return 0, np.array([float(angle.source.bind(row)) for row in rows])
    free = [(p, s) for p, s in angle.slopes if p not in column]
    data = [(column[p], s) for p, s in angle.slopes if p in column]
    if data and x is None:
        raise ValueError(f"angle {angle.source} has data; give x")
    angles = np.array([angle.offset])
    for place, slope in data:
        assert x is not None
        angles = angles + slope * x[:, place]
    if not free:
        return 0, angles
    if len(free) > 1 or free[0][1] != round(free[0][1]) or not free[0][1]:
        raise ValueError(
            f"angle {angle.source} must be linear in one parameter with a whole slope: draw K (qntk.sample)"
        )
    met.append(free[0][0])
    return round(free[0][1]), angles
