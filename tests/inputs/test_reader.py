"""The reader of circuits against Qiskit's own Operator, on circuits of all kinds, under any name.

Both sides of the house share this reader, so nothing of ours is on the other side of these tests: the matrix of a
normal form is built here from Kronecker products.
"""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import qasm3, qpy
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    ForLoopOp,
    Gate,
    Parameter,
    ParameterVector,
    QuantumCircuit,
    WhileLoopOp,
)
from qiskit.circuit import library as gates
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Clifford, Operator, Pauli, SparsePauliOp, random_clifford, random_unitary
from qiskit.synthesis import MatrixExponential, SuzukiTrotter
from scipy.linalg import expm

from qntk.inputs.circuits import entered, repeated
from qntk.inputs.normal_form import Fixed, Rotation
from qntk.inputs.reader import read_circuit, unpacked
from qntk.sampling import CircuitModel

NAMES = [
    "rx", "ry", "rz", "p", "u", "rxx", "rzz", "rzx", "cx", "cz", "h", "x", "id", "barrier", "delay", "measure", "reset",
    "unitary", "initialize", "PauliEvolution", "clifford", "swap", "ccx", "mcx", "global_phase", "if_else", "box",
]  # fmt: skip
ONE = [gates.HGate, gates.SGate, gates.TGate, gates.SXGate, gates.XGate, gates.YGate, gates.IGate]
TURNS = [gates.RXGate, gates.RYGate, gates.RZGate, gates.PhaseGate]
TWO = [gates.CXGate, gates.CZGate, gates.CHGate, gates.SwapGate, gates.ECRGate, gates.iSwapGate, gates.CSXGate]
PAIRS = [gates.RXXGate, gates.RYYGate, gates.RZZGate, gates.RZXGate, gates.CRXGate, gates.CRZGate, gates.CPhaseGate]
KINDS = ["one", "turn", "two", "open", "pair", "u", "three", "evolution", "matrix", "clifford"]
QUBITS = 3
θ = ParameterVector("θ", 4)


@st.composite
def operations(draw):
    """One gate and its qubits."""
    wires = draw(st.permutations(range(QUBITS)))
    angle = draw(st.sampled_from([0.3, θ[0], 2 * θ[1] - 0.4, θ[2] * θ[3], θ[0] + θ[1], np.pi / 2, 0.5 * θ[2] ** 2]))
    kind = draw(
        st.sampled_from(["one", "turn", "two", "open", "pair", "u", "three", "evolution", "matrix", "clifford"])
    )
    seed = draw(st.integers(0, 99))
    if kind == "one":
        return draw(st.sampled_from(ONE))(), wires[:1]
    if kind == "turn":
        return draw(st.sampled_from(TURNS))(angle), wires[:1]
    if kind == "two":
        return draw(st.sampled_from(TWO))(), wires[:2]
    if kind == "open":
        return gates.CXGate(ctrl_state=0), wires[:2]
    if kind == "pair":
        return draw(st.sampled_from(PAIRS))(angle), wires[:2]
    if kind == "u":
        return gates.UGate(angle, 0.2, θ[3]), wires[:1]
    if kind == "three":
        return draw(st.sampled_from([gates.CCXGate, gates.CSwapGate, gates.CCZGate]))(), wires
    if kind == "evolution":
        terms = SparsePauliOp(["XZ", "YY"], [0.4, -0.7])
        return gates.PauliEvolutionGate(terms, time=angle, synthesis=SuzukiTrotter(order=2)), wires[:2]
    if kind == "matrix":
        return UnitaryGate(random_unitary(4, seed=seed)), wires[:2]
    return Clifford(random_clifford(2, seed=seed)), wires[:2]


@st.composite
def circuits(draw, most=6):
    circuit = QuantumCircuit(QUBITS)
    circuit.ry(θ[0], 0)
    for operation, wires in draw(st.lists(operations(), min_size=1, max_size=most)):
        circuit.append(operation, wires)
    return circuit


def matrix_of(form, values):
    """Of a normal form, by Kronecker products."""
    total = np.eye(2**form.qubits, dtype=complex)
    for operation in form.operations:
        if isinstance(operation, Fixed):
            step = Operator(np.eye(2**form.qubits)).compose(Operator(operation.matrix), operation.qubits).data
        else:
            angle = operation.angle
            value = angle.offset + sum(slope * values[place] for place, slope in angle.slopes)
            if not angle.linear:
                value = float(angle.source.bind({p: values[form.sources.index(p)] for p in angle.source.parameters}))
            label = ["I"] * form.qubits
            for letter, qubit in zip(operation.pauli, operation.qubits, strict=True):
                label[form.qubits - 1 - qubit] = letter
            string = Pauli("".join(label)).to_matrix()
            step = np.cos(value / 2) * np.eye(len(string)) - 1j * np.sin(value / 2) * string
        total = step @ total
    return total


def same(one, two, tolerance=1e-10):
    """Whether two unitaries are equal up to a phase."""
    return abs(abs(np.vdot(one, two)) / len(one) - 1) < tolerance


def bound(circuit, values):
    """Qiskit's operator of a circuit in which evolutions stand as their synthesis; Operator takes the exponential."""
    plain = circuit.copy_empty_like()
    for instruction in circuit.data:
        evolution = isinstance(instruction.operation, gates.PauliEvolutionGate)
        operation = instruction.operation.definition.to_instruction() if evolution else instruction.operation
        plain.append(operation, instruction.qubits)
    return Operator(plain.assign_parameters(dict(zip(circuit.parameters, values, strict=True)))).data


def values_of(circuit):
    return np.linspace(0.4, 1.7, circuit.num_parameters)


@settings(max_examples=150)
@given(circuits())
def test_the_normal_form_is_the_circuit(circuit):
    values = values_of(circuit)
    form = read_circuit(circuit)
    assert form.parameters == tuple(p.name for p in circuit.parameters)
    assert same(matrix_of(form, values), bound(circuit, values))
    assert same(bound(unpacked(circuit), values), bound(circuit, values))
    wrong = values + 0.1  # negative control: other angles are other circuits
    assert not same(matrix_of(form, wrong), bound(circuit, values))


def test_weights_and_inputs_are_told_apart_in_public_order():
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = QuantumCircuit(1)
    for angle in (w[0], x[1], w[1], x[0], w[2]):
        circuit.ry(angle, 0)
    form = read_circuit(circuit, [x[1], x[0]])
    assert [form.parameters[i] for i in form.weights] == ["w[0]", "w[1]", "w[2]"]
    assert [form.parameters[i] for i in form.inputs] == ["x[1]", "x[0]"]
    with pytest.raises(ValueError, match="twice"):
        read_circuit(circuit, [x[1], x[1]])


@settings(max_examples=100)
@given(circuits(4), circuits(3), st.sampled_from(NAMES), st.booleans(), st.booleans())
def test_packing_a_part_into_a_gate_of_any_name_changes_nothing(rest, part, name, deep, through_qpy):
    """K and f by the adjoint engine, from Python and from QPY, to 1e-12; the names are those that Qiskit uses."""
    plain = rest.compose(part)
    gate = part.to_gate() if all(isinstance(i.operation, Gate) for i in part.data) else part.to_instruction()
    gate.name = name
    if deep:
        outer = QuantumCircuit(QUBITS, name="rx")
        outer.append(gate, range(QUBITS))
        gate = outer.to_instruction()
    packed = rest.copy()
    packed.append(gate, range(QUBITS))
    if through_qpy:
        file = io.BytesIO()
        qpy.dump(packed, file)
        (packed,) = qpy.load(io.BytesIO(file.getvalue()))
    points = np.linspace(0.1, 1.9, 2 * plain.num_parameters).reshape(2, -1)
    results = [CircuitModel(c, SparsePauliOp("XIZ"), workers=1).value_and_gradient(points) for c in (plain, packed)]
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-12)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-12)


OWN_RXX = """OPENQASM 3.0;
include "stdgates.inc";
gate rxx(a) u, v { h u; h v; cx u, v; rz(2*a) v; cx u, v; h u; h v; }
input float w;
qubit[2] q;
rxx(w) q[0], q[1];
"""


def test_openqasm_that_defines_a_gate_of_a_known_name():
    """f = cos 2w, so that K(0.5) = 4 sin²(1) = 2.8323; by the name alone it would be 0.2298."""
    circuit = qasm3.loads(OWN_RXX)
    value, gradient = CircuitModel(circuit, SparsePauliOp("IZ"), workers=1).value_and_gradient(np.array([[0.5]]))
    assert value[0] == pytest.approx(np.cos(1.0), abs=1e-14)
    assert gradient[0, 0] ** 2 == pytest.approx(4 * np.sin(1.0) ** 2, abs=1e-13)
    assert same(bound(unpacked(circuit), [0.5]), bound(circuit, [0.5]))


@pytest.mark.parametrize("wires", [2, 3])
@pytest.mark.parametrize("free", [False, True])
def test_a_pauli_evolution_is_its_synthesis_with_and_without_parameters(wires, free):
    """The negative control is the exact exponential, which Operator takes it for: that is something else."""
    terms = SparsePauliOp(["XI", "ZZ", "IY"], [0.7, 0.4, 0.9])
    operator = terms if wires == 2 else terms.expand("I")
    gate = gates.PauliEvolutionGate(operator, time=Parameter("t") if free else 0.8)
    circuit = QuantumCircuit(3)
    circuit.append(gate, range(wires))
    values = [0.8] * circuit.num_parameters
    found = matrix_of(read_circuit(circuit), values)
    assert same(found, bound(circuit, values))
    exact = UnitaryGate(expm(-0.8j * operator.to_matrix()))
    assert not same(found, Operator(np.eye(8)).compose(exact, range(wires)).data, 1e-6)


@pytest.mark.parametrize("synthesis", [None, MatrixExponential()])
def test_an_evolution_under_a_matrix_for_a_free_time_has_gradients(synthesis):
    """exp(-iHt) on two qubits: f and its derivative against matrix exponentials and finite differences."""
    rng = np.random.default_rng(4)
    H = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    H = H + H.conj().T
    time = Parameter("t")
    circuit = QuantumCircuit(2)
    circuit.h(0)
    if synthesis is None:
        circuit.append(gates.HamiltonianGate(H, time), [1, 0])
    else:
        operator = SparsePauliOp.from_operator(Operator(H))
        circuit.append(gates.PauliEvolutionGate(operator, time=time, synthesis=synthesis), [1, 0])
    model = CircuitModel(circuit, SparsePauliOp("ZX"), workers=1)
    observable = SparsePauliOp("ZX").to_matrix()

    def f(t):
        start = np.kron([1, 0], [1, 1]) / np.sqrt(2)
        turn = Operator(gates.HamiltonianGate(H, t)).data
        state = Operator(np.eye(4)).compose(Operator(turn), [1, 0]).data @ start
        return float(np.real(state.conj() @ observable @ state))

    value, gradient = model.value_and_gradient(np.array([[0.37]]))
    assert value[0] == pytest.approx(f(0.37), abs=1e-12)
    assert gradient[0, 0] == pytest.approx((f(0.37 + 1e-6) - f(0.37 - 1e-6)) / 2e-6, abs=1e-7)


def test_a_modified_operation_and_a_box():
    circuit = QuantumCircuit(2)
    circuit.ry(θ[0], 0)
    circuit.append(AnnotatedOperation(gates.SXGate(), ControlModifier(1)), [1, 0])
    with circuit.box():
        circuit.rx(θ[1], 1)
    plain = QuantumCircuit(2)
    plain.ry(θ[0], 0)
    plain.append(gates.CSXGate(), [1, 0])
    plain.rx(θ[1], 1)
    assert same(matrix_of(read_circuit(circuit), [0.3, 0.9]), bound(plain, [0.3, 0.9]))


def test_what_prepares_a_state_and_loops_of_fixed_length():
    """States of Qiskit's own by three names, reset, a loop with a parameter and one without, final measurements."""
    turn = Parameter("k")
    circuit = QuantumCircuit(3, 3)
    circuit.reset(0)
    circuit.initialize([0.6, 0, 0, 0.8j], [0, 1])
    circuit.prepare_state("1", [2])
    with circuit.for_loop(range(1, 4), turn):
        circuit.ry(θ[0] * turn, 0)
        circuit.cx(0, 2)
    with circuit.for_loop(range(2)):
        circuit.rx(θ[1], 1)
    circuit.measure(range(3), range(3))
    plain = QuantumCircuit(3)
    plain.x(2)
    for factor in (1, 2, 3):
        plain.ry(factor * θ[0], 0)
        plain.cx(0, 2)
    plain.rx(2 * θ[1], 1)
    start = np.zeros(8, complex)
    start[[0, 3]] = 0.6, 0.8j
    values = [0.3, 0.9]
    found = matrix_of(read_circuit(circuit), values)[:, 0]
    expected = bound(plain, values) @ start
    assert abs(abs(np.vdot(found, expected)) - 1) < 1e-12
    assert abs(np.vdot(matrix_of(read_circuit(circuit), [0.4, 0.9])[:, 0], expected)) < 1 - 1e-3


def test_a_repetition_prepares_its_input_once():
    circuit = QuantumCircuit(1, 1)
    circuit.initialize([0.6, 0.8], 0)
    circuit.ry(θ[0], 0)
    circuit.measure(0, 0)
    deep = repeated(entered(circuit).circuit, 3, [])
    assert deep.num_parameters == 3
    assert len([op for op in read_circuit(deep).operations if isinstance(op, Rotation) and op.angle.free]) == 3


def while_loop():
    body = QuantumCircuit(1, 1)
    body.x(0)
    return WhileLoopOp((body.clbits[0], True), body)


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (lambda c: c.append(Gate("mystery", 1, [θ[0]]), [0]), "gate 'mystery' has no definition"),
        (lambda c: c.append(Gate("rx", 1, []), [0]), "gate 'rx' has no definition"),
        (
            lambda c: (c.measure_all(), c.rx(θ[0], 1)),
            r"instruction 4 of the circuit, 'rx' on qubits 1: .* after its measurement",
        ),
        (lambda c: c.reset(0), "instruction 1 of the circuit, 'reset' on qubits 0: .* in use already"),
        (lambda c: c.initialize([0, 1], 0), "'initialize' on qubits 0: .* in use already"),
        (lambda c: c.rx(1j * θ[0], 0), "'rx' on qubits 0: .* is not real and finite"),
        (lambda c: c.rx(float("inf"), 0), "'rx' on qubits 0: .* is not real and finite"),
        (lambda c: c.append(UnitaryGate(2 * np.eye(2), check_input=False), [1]), "'unitary' on qubits 1: .*off by 3"),
        (lambda c: c.append(while_loop(), [0], [0]), "'while_loop' on qubits 0: .* open control flow"),
        (lambda c: c.append(ForLoopOp(range(10**6), None, QuantumCircuit(1)), [0]), "longer than 100,000"),
        (lambda c: c.rx(θ[0].sign(), 0), "has no derivative"),
    ],
)
def test_what_has_no_gradients_is_refused_with_its_place(build, line):
    circuit = QuantumCircuit(2, 2)
    circuit.ry(θ[1], 0)
    build(circuit)
    with pytest.raises(ValueError, match=line):
        read_circuit(circuit)


def test_a_bit_that_decides_something_keeps_its_circuit_whole():
    """Beside a gate without bits: the end's measurement is not taken off, and the reader says what is refused."""
    circuit = QuantumCircuit(2, 2)
    circuit.ry(θ[0], 0)
    circuit.append(while_loop(), [0], [0])
    circuit.measure(1, 1)
    assert entered(circuit).circuit is circuit
    with pytest.raises(ValueError, match="open control flow"):
        read_circuit(entered(circuit).circuit)
