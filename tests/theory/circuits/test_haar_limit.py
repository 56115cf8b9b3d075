"""The nearest Haar group from Pauli strings, against the laws of Haar layers from invariant theory."""

import numpy as np
import pytest
from layers import FAMILIES, rotations

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.circuits.clifford_frame import Gate
from qntk.theory.circuits.haar_limit import haar_limit
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.theory.haar.symmetric import SymmetricKernelLaw


def moves_of(name, qubits):
    return Moves.from_operations(qubits, FAMILIES[name](qubits))


def law(group, parity, overlap, qubits, parameters):
    pauli = OperatorMoments.from_pauli(qubits)
    if group == "unitary":
        return KernelLaw(parameters, pauli, pauli.scaled(0.5)).mean("exact").value
    return SymmetricKernelLaw(parameters, pauli, pauli.scaled(0.5), group, parity, overlap).mean().value


@pytest.mark.parametrize(
    ("name", "qubits", "label", "group", "parity", "overlap"),
    [
        ("hea", 3, "IIZ", "unitary", "even", 0),
        ("hea", 5, "XIXIZ", "unitary", "even", 0),
        ("real amplitudes", 3, "IIZ", "orthogonal", "even", 1),
        ("real amplitudes", 4, "IXIZ", "orthogonal", "even", 1),
        ("cz ring", 3, "IIZ", "symplectic", "odd", 0),
        ("cz ring", 3, "IXZ", "symplectic", "even", 0),
        ("cz ring", 4, "IIIX", "orthogonal", "odd", 0),
        ("cz ring", 4, "IYZI", "orthogonal", "even", 0),
        ("cz ring", 5, "IIIIX", "symplectic", "odd", 0),
    ],
)
def test_the_mean_is_that_of_haar_layers(name, qubits, label, group, parity, overlap):
    moves = moves_of(name, qubits)
    limit = haar_limit(moves, {label: 1.5})
    assert limit.group == group
    expected = 1.5**2 * law(group, parity, overlap, qubits, len(moves.strings))
    assert limit.value == pytest.approx(expected, rel=1e-12)
    own = orbit_mean(moves, {label: 1.5})
    assert limit.filled_by(own.orbits)
    assert own.value == pytest.approx(limit.value, rel=1e-12)


@pytest.mark.parametrize("name", ["ising ring", "ising chain", "xy chain with field", "heisenberg chain"])
@pytest.mark.parametrize("qubits", [3, 4])
def test_what_is_not_haar_is_told(name, qubits):
    moves, observable = moves_of(name, qubits), {"I" * (qubits - 1) + "Z": 1.0}
    limit = haar_limit(moves, observable)
    assert not limit.filled_by(orbit_mean(moves, observable).orbits)


def test_a_class_that_alternates_is_not_haar():
    layer = [*rotations(("X", (0,)), ("Y", (0,)), ("X", (1,)), ("Y", (1,))), Gate("swap", (0, 1))]
    moves = Moves.from_operations(2, layer)
    limit = haar_limit(moves, {"IZ": 1.0})
    assert limit is None or not limit.filled_by(orbit_mean(moves, {"IZ": 1.0}).orbits)


def test_two_real_qubits_have_no_single_law():
    assert haar_limit(moves_of("real amplitudes", 2), {"IZ": 1.0}) is None


def test_slopes_count():
    pauli = OperatorMoments.from_pauli(3)
    moves = moves_of("hea", 3)
    double = Moves(3, moves.strings, moves.parameters, 2 * np.ones_like(moves.slopes), moves.clifford)
    expected = KernelLaw(len(moves.strings), pauli, pauli).mean("exact").value
    assert haar_limit(double, {"IIZ": 1.0}).value == pytest.approx(expected, rel=1e-12)
