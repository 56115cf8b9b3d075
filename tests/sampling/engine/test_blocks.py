"""Circuits too large for a cache, worked on in groups: the same numbers as gate by gate, and the same circuit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, Statevector, random_hermitian, random_unitary

from qntk.sampling import CircuitModel, ansatz
from qntk.sampling.arithmetic.simd import WIDTH, flipped, load, store, transposed
from qntk.sampling.engine.adjoint import adjoint, compile_observable
from qntk.sampling.engine.gates import at
from qntk.sampling.engine.observables import lane, observe_one
from qntk.sampling.engine.program import compile_circuit
from qntk.sampling.engine.schedule import WHOLE, block, groups_of, side_by_side, widest

QUBITS = WHOLE + 1
WIDEST = widest(QUBITS)


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


def sums(qubits):
    """Two Pauli strings, one of which turns the lowest qubits."""
    return SparsePauliOp(["I" * (qubits - 3) + "XZY", "Z" * qubits], [1.0, 0.5])


def phases(qubits):
    """A product state, all of whose amplitudes count."""
    return Statevector(np.exp(1j * np.arange(2**qubits)) / 2 ** (qubits / 2))


@pytest.mark.parametrize(
    ("circuit", "observable"),
    [
        (mixed(QUBITS, 120, 0), sums(QUBITS)),
        (mixed(QUBITS + 1, 120, 1), sums(QUBITS + 1)),
        (mixed(QUBITS + 3, 40, 2), sums(QUBITS + 3)),
        (ansatz("hea-cz-ring", QUBITS + 3, 2), phases(QUBITS + 3)),
    ],
)
def test_outputs_and_gradients_are_those_of_one_gate_after_the_other(circuit, observable):
    """f, K and every slope to 1e-10 of the largest; what is compared shares the gates' kernels, not the groups.

    On sixteen qubits a group has four parts; forty gates leave some of the state zero for a while.
    """
    program, plain = compile_circuit(circuit), compile_circuit(circuit, merge=False)
    assert len(program.groups) > 1
    assert not len(plain.groups)
    observable = compile_observable(observable, circuit.num_qubits)
    angles = np.random.default_rng(3).uniform(-4, 4, (9, circuit.num_parameters))
    one, two = (adjoint(p, observable, angles) for p in (program, plain))
    other = adjoint(program, observable, angles + 1e-6)  # negative control: the smallest change is seen
    for found, wanted, changed in zip(one, two, other, strict=True):
        largest = np.abs(wanted).max()
        assert found == pytest.approx(wanted, abs=1e-10 * largest)
        assert np.abs(changed - wanted).max() > 1e-8 * largest


@pytest.mark.parametrize(
    "observable",
    [
        SparsePauliOp(["XYZXY", "YYYII", "IIIIX", "ZIZIZ"], [1.0, -0.7, 0.3, 0.2]),
        random_hermitian(32, seed=4),
        phases(5),
    ],
)
def test_an_observable_on_one_draw(observable):
    """O|ψ> and <ψ|O|ψ>, by Qiskit's matrix."""
    rng = np.random.default_rng(8)
    psi = rng.normal(size=32) + 1j * rng.normal(size=32)
    compiled = compile_observable(observable, 5)
    state, image = np.zeros(at(4)), np.zeros(at(4))
    for i in range(32):
        state[lane(i)], state[lane(i) + WIDTH] = psi[i].real, psi[i].imag
    value = observe_one(compiled.terms, compiled.coefficients, compiled.matrix, compiled.vector, state, image, 32)
    wanted = Operator(observable.to_operator()).data @ psi
    found = np.array([image[lane(i)] + 1j * image[lane(i) + WIDTH] for i in range(32)])
    assert found == pytest.approx(wanted, abs=1e-12)
    assert value == pytest.approx(np.vdot(psi, wanted).real, abs=1e-12)


def test_transposed_and_flipped_vectors():
    rows = np.arange(64.0)
    columns, turned = np.empty(64), np.empty(64)
    turn(rows, columns, turned)
    assert columns.reshape(8, 8).T.tolist() == rows.reshape(8, 8).tolist()
    assert turned.reshape(8, 8).tolist() == [[k ^ bits for k in range(8)] for bits in range(8)]


@njit
def turn(rows, columns, turned):
    a, b, c, d = load(rows, 0), load(rows, 8), load(rows, 16), load(rows, 24)
    e, f, g, h = load(rows, 32), load(rows, 40), load(rows, 48), load(rows, 56)
    a, b, c, d, e, f, g, h = transposed(a, b, c, d, e, f, g, h)
    for i, v in enumerate((a, b, c, d, e, f, g, h)):
        store(columns, 8 * i, v)
        store(turned, 8 * i, flipped(load(rows, 0), i))


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
        assert group.active.bit_count() == block(QUBITS + 3)
        assert group.lanes.bit_count() == 3
        assert not group.lanes & group.active
        assert group.lanes == 7 or group.active & 7 == 7
        assert all(not supports[m] & ~group.active for m in group.members)
    assert kept(side_by_side(range(len(supports)), supports, diagonal, turns), supports, diagonal)


def test_outputs_are_those_of_qiskit():
    circuit = mixed(QUBITS + 2, 60, 7)
    angles = np.random.default_rng(2).uniform(-4, 4, circuit.num_parameters)
    bound = circuit.assign_parameters(angles).decompose("PauliEvolution")
    wanted = Statevector(bound).expectation_value(sums(QUBITS + 2)).real
    assert CircuitModel(circuit, sums(QUBITS + 2)).outputs(angles[None]) == pytest.approx([wanted], abs=1e-12)


def test_groups_are_with_the_lowest_qubits_and_without():
    """Both of their ways through memory are tested above."""
    groups = compile_circuit(ansatz("hea-cz-ring", QUBITS + 3, 2)).groups
    assert {int(active) & 7 for active in groups[:, 2]} == {0, 7}


def test_the_check_of_a_schedule_sees_a_wrong_one():
    assert not kept([1, 0], [1, 1], [False, True])
    assert not kept([0, 0], [1, 1], [True, True])
    assert kept([1, 0], [1, 1], [True, True])
