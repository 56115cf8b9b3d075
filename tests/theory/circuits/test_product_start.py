"""A first layer on single qubits in closed form: against all its strings, and on 30 qubits against random paths."""

from unittest import mock

import numpy as np
import pytest
import stim
from hypothesis import given
from hypothesis import strategies as st
from qiskit.circuit.library import efficient_su2

from qntk.inputs.reader import read_circuit
from qntk.theory.circuits import pauli_paths
from qntk.theory.circuits.clifford_frame import Gate, Rotation, RotationFrame
from qntk.theory.circuits.path_families import input_state
from qntk.theory.circuits.pauli_paths import exact_mean, sampled_mean
from qntk.theory.circuits.product_start import ProductStart

PRODUCT = stim.Circuit("H 0\nS 0\nX 1\nH 2")
BELL = stim.Circuit("H 0\nCX 0 1")


@st.composite
def frames(draw):
    """Rotations on single qubits, then any, with Clifford gates in between."""
    operations = []
    letters = st.sampled_from("XYZ")
    for _ in range(draw(st.integers(1, 5))):
        operations.append(Rotation(draw(letters), (draw(st.integers(0, 2)),), len(operations)))
    count = len(operations)
    for _ in range(draw(st.integers(0, 5))):
        pair = tuple(draw(st.permutations(range(3)))[:2])
        if draw(st.booleans()):
            operations.append(Gate("cx", pair))
        else:
            operations.append(Rotation(draw(letters) + draw(letters), pair, count))
            count += 1
    return RotationFrame.from_operations(3, operations)


@given(frames(), st.text("IXYZ", min_size=3, max_size=3).filter(lambda p: p != "III"), st.booleans(), st.booleans())
def test_it_is_the_sum_over_all_its_strings(frame, label, prepared, two):
    """The sum over strings is that of the tests beside this one, held there against state vectors."""
    inputs = [PRODUCT if prepared else 0, 5 if two else None]
    found = exact_mean(frame, {label: 1.5}, *inputs)
    with mock.patch.object(pauli_paths.ProductStart, "of", return_value=None):
        expected = exact_mean(frame, {label: 1.5}, *inputs)
    assert found.gradients == pytest.approx(expected.gradients, abs=1e-13)


def test_an_entangled_input_is_not_taken_for_a_product():
    frame = RotationFrame.from_operations(2, [Rotation("Y", (0,), 0), Rotation("Y", (1,), 1)])
    assert ProductStart.of(frame, (input_state(BELL, 2),)) is None
    assert ProductStart.of(frame, (input_state(0, 2),)) is not None
    # Negative control: as a product of its one-qubit marginals the state would have no gradient at all.
    assert exact_mean(frame, {"ZZ": 1.0}, BELL).value == pytest.approx(0.5 + 0.5)


def test_thirty_qubits_with_the_default_entanglement():
    """3^30 strings lie below the first layer. 100 000 paths: standard error 0.6 %; fails by chance with 1e-6 each."""
    circuit = read_circuit(efficient_su2(30, reps=1))
    for label in ("I" * 29 + "Z", "Z" + "I" * 29, "I" * 14 + "X" + "I" * 15):
        exact = exact_mean(circuit, {label: 1.0})
        paths = sampled_mean(circuit, {label: 1.0}, 100_000, seed=1)
        assert abs(exact.value - paths.value) < 4.9 * paths.error
        assert not abs(1.1 * exact.value - paths.value) < 4.9 * paths.error  # control: a tenth more is seen
        assert exact.strings < 1000
        assert np.all(exact.gradients >= 0)
