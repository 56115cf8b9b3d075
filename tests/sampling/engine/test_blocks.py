"""Circuits too large for a cache, worked on in groups: the same numbers as gate by gate, and the same circuit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate
from qiskit.quantum_info import Pauli, SparsePauliOp, random_unitary

from qntk.sampling import CircuitModel
from qntk.sampling.engine.adjoint import adjoint, compile_observable
from qntk.sampling.engine.program import compile_circuit
from qntk.sampling.engine.schedule import BLOCK, WHOLE, WIDEST, groups_of, side_by_side

QUBITS = WHOLE + 1


def mixed(qubits, gates, seed):
    """Rotations of one and two qubits, longer Pauli strings, CX, CZ, and dense unitaries, on any wires."""
    rng = np.random.default_rng(seed)
    circuit, angles = QuantumCircuit(qubits), iter(ParameterVector("θ", gates))
    for _ in range(gates):
        wires = [int(w) for w in rng.permutation(qubits)[:4]]
        kind = int(rng.integers(8))
        if kind < 3:
            getattr(circuit, ("rx", "ry", "rz")[kind])(next(angles), wires[0])
        elif kind == 3:
            circuit.rzz(0.5 * next(angles) + 0.3, *wires[:2])
        elif kind == 4:
            circuit.append(PauliEvolutionGate(Pauli("XYZY"), next(angles)), wires)
        elif kind == 5:
            circuit.cx(*wires[:2])
        elif kind == 6:
            circuit.cz(*wires[:2])
        else:
            circuit.append(UnitaryGate(random_unitary(4, seed=int(rng.integers(2**31)))), wires[:2])
    return circuit


@pytest.mark.parametrize("seed", range(3))
def test_outputs_and_gradients_are_those_of_one_gate_after_the_other(seed):
    """f to 1e-12, every slope to 1e-11; what is compared shares the gates' kernels, not the groups."""
    circuit = mixed(QUBITS, 120, seed)
    program, plain = compile_circuit(circuit), compile_circuit(circuit, merge=False)
    assert len(program.groups) > 1
    assert not len(plain.groups)
    label = "I" * (QUBITS - 3) + "XZY"
    observable = compile_observable(SparsePauliOp([label, "Z" * QUBITS], [1.0, 0.5]), QUBITS)
    angles = np.random.default_rng(seed).uniform(-4, 4, (9, circuit.num_parameters))
    one, two = (adjoint(p, observable, angles) for p in (program, plain))
    assert one[0] == pytest.approx(two[0], abs=1e-12)
    assert one[1] == pytest.approx(two[1], abs=1e-11)
    assert one[2] == pytest.approx(two[2], abs=1e-11)
    other = adjoint(program, observable, angles + 1e-6)  # negative control: the smallest change is seen
    assert np.abs(other[2] - two[2]).max() > 1e-8


def test_the_same_bytes_on_any_number_of_workers():
    circuit = mixed(QUBITS, 60, 5)
    angles = np.random.default_rng(1).uniform(0, 6, (20, circuit.num_parameters))
    one, three = (CircuitModel(circuit, "Z0", workers=w).kernel(angles) for w in (1, 3))
    assert (one == three).all()


def test_a_gate_that_is_too_wide_for_a_group_leaves_the_circuit_whole():
    circuit = QuantumCircuit(QUBITS)
    a = ParameterVector("a", 2)
    circuit.ry(a[0], 0)
    circuit.append(UnitaryGate(random_unitary(2 ** (WIDEST + 1), seed=1)), range(WIDEST + 1))
    circuit.rzz(a[1], 0, 1)
    assert not len(compile_circuit(circuit).groups)


GATES = st.lists(
    st.tuples(st.sets(st.integers(0, QUBITS + 2), min_size=1, max_size=WIDEST), st.booleans()), min_size=1, max_size=60
)


def kept(order, supports, diagonal):
    """Whether all gates are there once, and those that do not commute keep their order."""
    place = {gate: index for index, gate in enumerate(order)}
    return sorted(order) == list(range(len(supports))) and all(
        place[i] < place[j]
        for j in range(len(supports))
        for i in range(j)
        if supports[i] & supports[j] and not (diagonal[i] and diagonal[j])
    )


@settings(max_examples=150, deadline=None)
@given(GATES, st.lists(st.booleans(), min_size=60, max_size=60))
def test_a_schedule_is_the_same_circuit(gates, flags):
    supports = [sum(1 << q for q in qubits) for qubits, _ in gates]
    diagonal = [d for _, d in gates]
    turns = [f and not d and s.bit_count() == 1 for f, d, s in zip(flags, diagonal, supports, strict=False)]
    groups = groups_of(supports, diagonal, QUBITS + 3)
    assert kept([m for g in groups for m in g.members], supports, diagonal)
    for group in groups:
        assert group.active.bit_count() == BLOCK
        assert all(not supports[m] & ~group.active for m in group.members)
    assert kept(side_by_side(range(len(supports)), supports, diagonal, turns), supports, diagonal)


def test_the_check_of_a_schedule_sees_a_wrong_one():
    assert not kept([1, 0], [1, 1], [False, True])
    assert not kept([0, 0], [1, 1], [True, True])
    assert kept([1, 0], [1, 1], [True, True])
