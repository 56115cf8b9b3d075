"""The parameter-shift rule gate by gate: derivatives of an expectation value as sums of expectation values.

As a function of one angle of one gate, f is a trigonometric polynomial. Its frequencies are read off the gate's
matrix: with one (RX, RZZ, U, a controlled phase) two shifted values give the derivative, with two in the ratio 1:2
(CRX, the β of XX+YY) four. A parameter that enters several gates, or nonlinearly, gets its derivative by the chain
rule from the angles (Wierichs, Izaac, Wang and Lin, Quantum 6, 677 (2022), sec. 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Gate, ParameterExpression, ParameterVector, QuantumCircuit
from scipy.sparse import csr_array

from qntk.inputs.normal_form import Angle
from qntk.inputs.reader import read_angle
from qntk.sampling.engine.expressions import nonlinear

Array = NDArray[np.float64]
_SAMPLES = 32
"""Points over the period 4π of half-integer frequencies: frequencies up to 8 are told apart; a gate has at most 2."""


@dataclass(frozen=True)
class Rule:
    """∂f = Σ_j w_j [f(a + s_j) - f(a - s_j)]; no terms where f does not depend on the angle."""

    shifts: tuple[float, ...]
    weights: tuple[float, ...]


@lru_cache(maxsize=256)
def shift_rule(gate: type, angles: int, slot: int) -> Rule:
    """The rule of one angle of a gate of Qiskit's, for any values of its others.

    Raises ``ValueError``, with the gate's name, where f has other frequencies than ω, or ω and 2ω.

    >>> from qiskit.circuit.library import CRXGate, RZGate
    >>> len(shift_rule(RZGate, 1, 0).shifts), len(shift_rule(CRXGate, 1, 0).shifts)
    (1, 2)
    """
    others = np.random.default_rng(angles).uniform(0.5, 2.5, angles)
    period = np.arange(_SAMPLES) * 4 * np.pi / _SAMPLES
    matrices = []
    for value in period:
        values = [float(value if k == slot else other) for k, other in enumerate(others)]
        matrix = np.asarray(gate(*values).to_matrix())
        matrices.append(np.kron(matrix, matrix.conj()))
    strength = np.abs(np.fft.fft(matrices, axis=0)).max(axis=(1, 2))[1 : _SAMPLES // 2]
    found = tuple(int(k) + 1 for k in np.flatnonzero(strength > 1e-9 * _SAMPLES))  # in halves
    if not found:
        return Rule((), ())
    if len(found) > 2 or (len(found) == 2 and found[1] != 2 * found[0]):
        told = ", ".join(f"{k / 2:g}" for k in found)
        raise ValueError(f"angle {slot} of gate {gate.__name__} has frequencies {told}: no rule of two or four terms")
    frequencies = np.array(found) / 2
    shifts = (2 * np.arange(len(found)) + 1) * np.pi / (2 * len(found) * frequencies[0])
    weights = np.linalg.solve(2 * np.sin(np.outer(frequencies, shifts)), frequencies)
    return Rule(tuple(shifts.tolist()), tuple(weights.tolist()))


class ShiftedCircuit:
    """A circuit with a parameter of its own for each angle of a gate, and how to get derivatives from its values.

    Args:
        circuit: of Qiskit's standard gates and matrices alone, as ``qntk.inputs.reader.unpacked`` gives.
        parameters: the columns of the angles that are given, as ``circuit.parameters`` of the circuit it came from.
        trainable: the columns to differentiate by; angles that depend on no other are not shifted.
        by_name: write gates that have angles as plain gates of the same name, which Aer reads as well; it does not
            bind the parameters of Qiskit's controlled gates (its issue 2403).

    Attributes:
        circuit: the same with ``angles`` many parameters, in time order.
        points: expectation values that one evaluation takes, its own first.
    """

    def __init__(self, circuit: QuantumCircuit, parameters: Any, trainable: tuple[int, ...], by_name: bool) -> None:
        place = {parameter: index for index, parameter in enumerate(parameters)}
        self.columns, self._trainable = len(place), np.array(trainable)
        template = circuit.copy_empty_like()
        found: list[Angle] = []
        rules: list[Rule] = []
        template.global_phase = 0
        angles = ParameterVector("angle", sum(len(i.operation.params) for i in circuit.data if _free(i.operation)))
        for instruction in circuit.data:
            operation = instruction.operation
            if _free(operation):
                operation = operation.to_mutable()
                fresh = list(operation.params)
                for slot, expression in enumerate(operation.params):
                    if isinstance(expression, ParameterExpression) and expression.parameters:
                        fresh[slot] = angles[len(found)]
                        found.append(read_angle(expression, place))
                        shifted = any(place[p] in trainable for p in expression.parameters)
                        kind = operation.base_class
                        rules.append(shift_rule(kind, len(fresh), slot) if shifted else Rule((), ()))
                operation.params = fresh
                if by_name:
                    operation = Gate(operation.name, operation.num_qubits, fresh)
            template.append(operation, instruction.qubits, instruction.clbits)
        self.circuit, self.angles = template, len(found)
        self._linear = _matrix(
            [(row, column, slope) for row, a in enumerate(found) for column, slope in a.slopes],
            (self.angles, self.columns),
        )
        self._offsets = np.array([a.offset for a in found])
        self._nonlinear = {row: nonlinear(a.source, place) for row, a in enumerate(found) if not a.linear}
        terms = [(row, s, w) for row, r in enumerate(rules) for s, w in zip(r.shifts, r.weights, strict=True)]
        self.points = 1 + 2 * len(terms)
        ahead = [(1 + k, row, s, w) for k, (row, s, w) in enumerate(terms)]
        behind = [(1 + len(terms) + k, row, -s, -w) for k, (row, s, w) in enumerate(terms)]
        self._steps = _matrix([(k, row, s) for k, row, s, _ in ahead + behind], (self.points, self.angles)).toarray()
        self._weights = _matrix([(k, row, w) for k, row, _, w in ahead + behind], (self.points, self.angles))

    def values(self, columns: Array) -> Array:
        """Angles of all points of each evaluation, shape (evaluations, points, angles), from shape (…, columns)."""
        centre = columns @ self._linear.T + self._offsets
        for row, angle in self._nonlinear.items():
            centre[:, row] = angle.value(columns[:, angle.columns].T)
        return np.asarray(centre[:, None, :] + self._steps)

    def gradient(self, outputs: Array, columns: Array) -> Array:
        """∂f/∂θ, shape (evaluations, trainable), from f at all points, shape (evaluations, points)."""
        by_angle = outputs @ self._weights
        total = by_angle @ self._linear
        for row, angle in self._nonlinear.items():
            for column, slope in zip(angle.columns, angle.slopes, strict=True):
                total[:, column] += by_angle[:, row] * slope(columns[:, angle.columns].T)
        return np.asarray(total[:, self._trainable])


def _free(operation: Any) -> bool:
    return any(isinstance(p, ParameterExpression) and p.parameters for p in operation.params)


def _matrix(entries: list[tuple[int, int, float]], shape: tuple[int, int]) -> csr_array:
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    return csr_array((np.array(values, dtype=float), (np.array(rows, dtype=int), np.array(columns, dtype=int))), shape)
