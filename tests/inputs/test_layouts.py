"""A transpiled circuit means the circuit before transpilation: against Qiskit's own state vectors and layouts."""

import numpy as np
import pytest
from qiskit import QuantumCircuit, qpy, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import efficient_su2, real_amplitudes
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector
from qiskit.transpiler import CouplingMap

import qntk
from qntk.inputs.circuits import entered

BASES = (["rz", "sx", "x", "cx"], ["rz", "sx", "cz"], ["u", "cz"], ["rz", "sx", "ecr"])
CASES = range(24)


def case(number):
    """A circuit, and the same transpiled onto a line, a ring or a grid, at every level of optimisation."""
    rng = np.random.default_rng(number)
    n = int(rng.integers(2, 5))
    circuit = efficient_su2(n, reps=2, entanglement=str(rng.choice(["full", "linear", "circular"])))
    if number % 2:
        circuit.swap(0, n - 1)
        circuit.cx(0, 1)
    maps = (CouplingMap.from_line(n + number % 4), CouplingMap.from_ring(n + 3), CouplingMap.from_grid(3, 3))
    there = maps[number % 3]
    start = [int(w) for w in rng.permutation(there.size())[:n]] if number % 2 else None
    laid = transpile(
        circuit,
        coupling_map=there,
        initial_layout=start,
        optimization_level=number % 4,
        basis_gates=BASES[number // 4 % 4],
        seed_transpiler=number,
    )
    return circuit, laid, rng.uniform(0, 6, circuit.num_parameters)


@pytest.mark.parametrize("number", CASES)
def test_text_and_operators_of_either_width_mean_what_they_meant_before(number):
    circuit, laid, values = case(number)
    taken = entered(laid)
    n = circuit.num_qubits
    assert taken.circuit.num_qubits == n  # routing may pass through other wires, and leaves them in |0>
    told = dict(zip((p.name for p in circuit.parameters), values, strict=True))
    before, after = (Statevector(c.assign_parameters(told)) for c in (circuit, taken.circuit))
    rng = np.random.default_rng(number)
    labels = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(4)]
    virtual = SparsePauliOp([*labels, "Z" * n], rng.normal(size=5))
    physical = virtual.apply_layout(laid.layout)
    expected = before.expectation_value(virtual)
    same_width = physical.num_qubits == n
    for given, how in ((virtual, "apply" if same_width else None), (physical, "applied" if same_width else None)):
        found = qntk.observable(taken.observable(given, how), n).operator()
        assert after.expectation_value(found) == pytest.approx(expected, abs=1e-10)
    wrong = Statevector(laid.assign_parameters(told)) if laid.num_qubits == n else None
    if wrong is not None and taken.layout.permutes:  # negative control: without the layout it is another number
        assert abs(wrong.expectation_value(virtual) - expected) > 1e-3


def permuted():
    circuit = QuantumCircuit(2)
    a, b, c, d = (Parameter(name) for name in "abcd")
    circuit.ry(a, 0)
    circuit.ry(b, 0)
    circuit.rz(c, 1)
    circuit.rx(d, 1)
    return circuit, transpile(circuit, coupling_map=CouplingMap.from_line(2), initial_layout=[1, 0])


def test_every_door_reads_the_circuit_before_transpilation(tmp_path):
    """A file, a Python object, a model, a check and an exact mean; E K of Z0 is that of two rotations about Y."""
    circuit, laid = permuted()
    path = tmp_path / "laid.qpy"
    with path.open("wb") as file:
        qpy.dump(laid, file)
    expected = float(qntk.exact_mean(circuit, "Z0"))
    assert expected == 1.0
    for given in (laid, path):
        assert float(qntk.exact_mean(given, "Z0")) == expected
        drawn = qntk.sample(given, "Z0", draws=64, seed=1)
        assert drawn.kernel == pytest.approx(qntk.sample(circuit, "Z0", draws=64, seed=1).kernel, abs=1e-12)
        assert "transpiled onto 2 wires" in repr(drawn)
    assert "transpiled onto 2 wires" in repr(qntk.Model(laid, "Z0"))
    assert "transpiled onto 2 wires" in qntk.check(laid, "Z0", draws=64, repeats=1, reasons=False).text


def test_an_operator_whose_width_does_not_tell_is_asked_for():
    _, laid = permuted()
    z0 = SparsePauliOp("IZ")
    for given in (z0, Operator(z0), {"IZ": 1.0}, z0.to_matrix()):
        with pytest.raises(ValueError, match=r"layout='apply'.*or layout='applied'"):
            qntk.exact_mean(laid, given)
    assert float(qntk.exact_mean(laid, z0, layout="apply")) == 1.0
    assert float(qntk.exact_mean(laid, z0.apply_layout(laid.layout), layout="applied")) == 1.0
    assert float(qntk.exact_mean(laid, z0, layout="applied")) == 0.5
    with pytest.raises(ValueError, match="was not transpiled"):
        qntk.exact_mean(permuted()[0], z0, layout="apply")


def test_three_qubits_on_a_large_machine_are_three_qubits():
    """Also repeated: the permutation that routing leaves behind is part of the circuit."""
    circuit = real_amplitudes(3, entanglement="full", reps=2)
    laid = transpile(circuit, coupling_map=CouplingMap.from_heavy_hex(7), seed_transpiler=5, optimization_level=1)
    assert laid.num_qubits > 100
    one, two = (qntk.check(c, "Z0", draws=400, repeats=4, reasons=False, seed=3) for c in (circuit, laid))
    assert two.document["qubits"] == 3
    for before, after in zip(one.document["depths"], two.document["depths"], strict=True):
        assert after["mean_ratio"]["estimate"] == pytest.approx(before["mean_ratio"]["estimate"], rel=1e-9)
