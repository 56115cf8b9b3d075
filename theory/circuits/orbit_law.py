"""The law of a circuit in its deep limit: second moments by the orbits of Pauli strings.

Repeat a circuit many times, with fresh angles. Far back a string P of the observable is uniform on the class of its
orbit (``circuits.orbits``) that the number of repetitions selects. The gradient of a gate about Q, far from both
ends, first sees the class at the gate, of which a share anticommutes with Q, and then, independently, the class at the
input. With G = Q/2

    E g² = Σ_families a(Q) z,        E f² = Σ_families z,

z being the mean over the class at the input of (Σ_b c_b <P S_b>)². Which terms P_b = P S_b of O form a family is as in
``path_families``: P_aP_b must commute with every move of every layer. Two terms of one orbit may be a family or
not; C may turn the sign of S_b. For a family of one, z is c² times the share of the class that a stabiliser input does
not send to 0; for a full orbit of 4^n - 1 strings that is the 2-design mean.

Where a class is too large to list it may fill a quadric, and its sums are taken in closed form (``quadrics``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.clifford_frame import RotationFrame
from qntk.theory.circuits.finder import OrbitFinder, OrbitSize
from qntk.theory.circuits.moves import FREE, Moves
from qntk.theory.circuits.terms import as_moves, as_state, families_in
from qntk.theory.prediction import Prediction

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OrbitMean:
    """Mean of K, or of K_ij, in the deep limit.

    Attributes:
        value: Σ E g² over the circuit's parameters, each as if far from both ends, in units of the observable squared.
        gradients: E g² by parameter, shape (L,).
        output: E f², or E f_i f_j.
        orbits: the orbits of the observable's terms, largest first.
        period: number of repetitions after which the limit recurs.
    """

    value: float
    gradients: Array
    output: float
    orbits: tuple[OrbitSize, ...]
    period: int

    def prediction(self) -> Prediction:
        """The mean as a prediction."""
        assumptions = (
            "Clifford gates and Pauli rotations",
            "independent uniform angles",
            "every gate far from both ends",
        )
        return Prediction("kernel mean", self.value, "orbit", assumptions, "docs/theory.md")


def orbit_mean(
    circuit: Moves | RotationFrame | NormalForm,
    observable: Mapping[str, float],
    first: Any = 0,
    second: Any = None,
    generator: float = 0.5,
    repetitions: int = 1,
    most_strings: int = 2**18,
) -> OrbitMean:
    """E K of a circuit's gates in the limit of a deep circuit.

    Args:
        circuit: the whole of it or one layer; what it is does not matter for the limit, and which gates it has does.
        observable: real coefficients of Pauli labels, leftmost letter on the highest qubit.
        first, second: input states as for ``circuits.pauli_paths.exact_mean``, or ``ProductState``.
        generator: g in exp(-i g a P) for a gate's angle a; 1/2 is Qiskit's, 1 makes everything 4 times larger.
        repetitions: the limit is along this number modulo the period; the gates are those nearest the observable.
        most_strings: strings of an orbit to list; 16 bytes each up to 64 qubits.

    Raises ``ValueError`` for what does not fit, a fixed rotation that commutes with every move and turns the
    observable, and orbits that can neither be listed nor be had in closed form.

    >>> from qntk.theory.circuits.clifford_frame import Rotation
    >>> ring = [Rotation("X", (q,), q) for q in range(3)] + [Rotation("ZZ", (q, (q + 1) % 3), 3 + q) for q in range(3)]
    >>> mean = orbit_mean(Moves.from_operations(3, ring), {"IIZ": 1.0})
    >>> mean.orbits[0].size, round(mean.value, 6)
    (32, 0.375)
    """
    moves = as_moves(circuit)
    inputs = tuple(as_state(given, moves.qubits) for given in ((first,) if second is None else (first, second)))
    families, constants = families_in(moves, observable, repetitions)
    if not families:
        raise ValueError(
            "every term of the observable commutes with every rotation: its gradients vanish, give another"
        )
    finder = OrbitFinder(moves, most_strings)
    shares = np.zeros(len(moves.strings))
    output = 0.0
    for family in constants:
        output += float(family.worth(family.starts, inputs) @ family.weights)
    for family in families:
        for string, weight in zip(family.starts, family.weights, strict=True):
            place = finder.find(string, len(family.members))
            worth = weight * finder.worth(place, repetitions, family.members, inputs)
            output += worth
            shares += worth * finder.shares(place, 1)
    trained = moves.parameters != FREE
    gradients = np.empty(int(trained.sum()))
    gradients[moves.parameters[trained]] = (shares * (2 * generator * moves.slopes) ** 2)[trained]
    return OrbitMean(float(gradients.sum()), gradients, output, finder.sizes(), finder.period())
