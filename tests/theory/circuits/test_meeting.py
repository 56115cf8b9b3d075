"""Means of repeated circuits, and where they meet the orbit law, against the exact average of two copies."""

from dataclasses import replace

import numpy as np
import pytest
import two_copies
from layers import FAMILIES, basis_state, chain, dense

from qntk.theory.circuits.clifford_frame import Gate, Rotation, RotationFrame
from qntk.theory.circuits.meeting import meeting
from qntk.theory.circuits.moves import FixedRotation, Moves
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.theory.circuits.pauli_paths import exact_mean


def brute(operations, qubits, observable, state, repetitions):
    """E K of so many repetitions: each gate with so many layers before and behind."""
    vector = two_copies.expectations(state)
    gates = dense(operations, qubits)
    return sum(
        two_copies.deep_moments(gates, observable, vector, vector, ahead, repetitions - 1 - ahead)[0].sum()
        for ahead in range(repetitions)
    )


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("re-uploading", "clifford circle")])
def test_every_depth_is_the_exact_average(name):
    operations, observable = FAMILIES[name](3), {"IIZ": 1.0, "IXX": 0.5, "ZIX": 2.0}
    moves = Moves.from_operations(3, operations)
    found = meeting(moves, observable, tolerance=0.03)
    for repetitions in (1, 4):
        mean = brute(operations, 3, observable, basis_state(3, 0), repetitions)
        assert found.means[repetitions - 1] == pytest.approx(mean, rel=1e-10, abs=1e-12)
    law = orbit_mean(moves, observable)
    assert law.period == 1
    np.testing.assert_allclose(found.laws, law.value * np.arange(1, len(found.laws) + 1), rtol=1e-10)


@pytest.mark.parametrize("name", ["real amplitudes"])
def test_the_meeting_is_where_the_exact_average_first_stays_within(name):
    # The depth before it must be outside: a count that is one off is seen.
    operations = FAMILIES[name](3)
    moves, observable = Moves.from_operations(3, operations), {"IXX": 1.0, "IIZ": 0.5}
    found = meeting(moves, observable, tolerance=0.05)
    value = orbit_mean(moves, observable).value

    def off(repetitions):
        mean = brute(operations, 3, observable, basis_state(3, 0), repetitions)
        return abs(mean / (repetitions * value) - 1)

    assert found.repetitions > 1
    assert off(found.repetitions - 1) > 0.05
    assert all(off(found.repetitions + more) <= 0.05 for more in (0, 1, 7))


def test_beyond_the_scan_the_difference_is_constant():
    # The scan of two qubits ends within 200 repetitions; 1e-3 is met after more, and there paths of the whole say so.
    operations = FAMILIES["hea"](2)
    found = meeting(Moves.from_operations(2, operations), {"IZ": 1.0}, tolerance=1e-3)
    assert len(found.means) < 200 < found.repetitions
    for repetitions, within in ((found.repetitions - 1, False), (found.repetitions, True)):
        shifted = [
            replace(o, parameter=o.parameter + 4 * k) if isinstance(o, Rotation) else o
            for k in range(repetitions)
            for o in operations
        ]
        mean = exact_mean(RotationFrame.from_operations(2, shifted), {"IZ": 1.0}).value
        assert (abs(mean / (repetitions * found.laws[0]) - 1) <= 1e-3) == within


def test_a_limit_that_alternates_is_met_at_every_depth():
    # RX on both qubits, SWAP, Z on qubit 0, input |+> on qubit 0: at odd depths Z comes from qubit 0.
    operations = [*chain(2, "X", []), Gate("swap", (0, 1))]
    plus = Moves.from_operations(2, [Gate("h", (0,))]).clifford
    moves = Moves.from_operations(2, operations)
    found = meeting(moves, {"IZ": 1.0}, first=plus, tolerance=0.01)
    vector = np.kron([1, 0], [1, 1]) / np.sqrt(2)
    state = np.outer(vector, vector)
    for repetitions in range(1, 5):
        mean = brute(operations, 2, {"IZ": 1.0}, state, repetitions)
        assert found.means[repetitions - 1] == pytest.approx(mean, abs=1e-12)
        assert found.laws[repetitions - 1] == pytest.approx(mean, abs=1e-12)
    assert found.repetitions == 1
    assert (found.laws[:4] == 0).any()
    assert (found.laws[:4] > 0).any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_terms_that_interfere(sign):
    operations = chain(3, "X", ["ZZ"], True)
    plus = Moves.from_operations(3, [Gate("h", (q,)) for q in range(3)]).clifford
    observable = {"IIX": 1.0, "XXI": sign}
    found = meeting(Moves.from_operations(3, operations), observable, first=plus)
    state = np.full((8, 8), 1 / 8)
    for repetitions in (1, 3):
        mean = brute(operations, 3, observable, state, repetitions)
        assert found.means[repetitions - 1] == pytest.approx(mean, rel=1e-10, abs=1e-12)
    assert found.laws[0] == pytest.approx(2.56 if sign > 0 else 0, abs=1e-12)


def test_what_has_no_meeting_is_one_line():
    chain_of_three = chain(3, "X", ["ZZ"])
    with pytest.raises(ValueError, match="fixed rotations, or data"):
        meeting(Moves.from_operations(3, [*chain_of_three, FixedRotation("Z", (0,), 0.3)]), {"IIZ": 1.0})
    with pytest.raises(ValueError, match="too large to list"):
        meeting(Moves.from_operations(3, FAMILIES["hea"](3)), {"IIZ": 1.0}, most_strings=20)
    with pytest.raises(ValueError, match="positive number"):
        meeting(Moves.from_operations(3, chain_of_three), {"IIZ": 1.0}, tolerance=0.0)
    few = meeting(Moves.from_operations(3, chain_of_three), {"IIZ": 1.0}, most_repetitions=3)
    assert few.repetitions is None
    assert len(few.means) == 3
