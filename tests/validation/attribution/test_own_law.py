"""A circuit's own law: what is repeated, what is data, what is told, against angles enumerated one by one."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from qiskit import qpy
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qntk import check, predict_circuit, sample
from qntk.inputs.reader import read_circuit
from qntk.sampling.circuits.catalogue import ansatz
from qntk.theory.circuits.noise import PauliNoise, decay, noisy_mean
from qntk.theory.circuits.orbit_law import orbit_mean


def enumerated(circuit, observable, weights):
    """E K over all parameters: a trigonometric polynomial of degree 2 in each, so five points a turn are exact."""
    grid = 2 * np.pi * np.arange(5) / 5
    total = 0.0
    for point in itertools.product(grid, repeat=circuit.num_parameters):
        values = dict(zip(circuit.parameters, point, strict=True))
        for weight in weights:
            ends = [
                Statevector(circuit.assign_parameters({**values, weight: values[weight] + turn}))
                .expectation_value(observable)
                .real
                for turn in (np.pi / 2, -np.pi / 2)
            ]
            total += ((ends[0] - ends[1]) / 2) ** 2
    return total / 5**circuit.num_parameters


def test_data_are_averaged_over_and_no_part_of_k():
    x, a, b = Parameter("x"), Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.rx(a, 0)
    circuit.rz(x, 0)
    circuit.ryy(b, 0, 1)
    found = predict_circuit(circuit, "Z0+0.5*X1", inputs="x")
    exact = enumerated(circuit, SparsePauliOp(["IZ", "XI"], [1, 0.5]), [a, b])
    assert found.law.exact == pytest.approx(exact, rel=1e-12)
    assert found.law.parameters == 2


def test_data_that_come_again_leave_the_limit_alone():
    # RZ(x) and RX make every rotation of the qubit, whatever x: the limit is a Bloch sphere's, 1/3 times 2/3.
    x, theta = Parameter("x"), ParameterVector("t", 3)
    circuit = QuantumCircuit(1)
    circuit.rz(x, 0)
    circuit.rx(theta[0], 0)
    circuit.rz(x * x, 0)
    circuit.rx(theta[1] + x, 0)
    circuit.rx(theta[2], 0)
    found = predict_circuit(circuit, "Z0", inputs=[x])
    assert found.law.orbit.value == pytest.approx(3 * (2 / 3) / 3, rel=1e-12)
    assert found.law.exact is None
    assert "linear" in found.law.reasons["exact"]
    assert "fixed rotations, or data" in found.law.reasons["depth"]


def test_data_that_are_undone_are_none():
    x, theta = Parameter("x"), Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.rx(theta, 0)
    circuit.rz(x, 0)
    circuit.rz(-x, 0)
    found = predict_circuit(circuit, "Z0", inputs=[x])
    assert found.law.orbit.value == pytest.approx(0.5, rel=1e-12)
    assert found.document["orbits"][0]["size"] == 2


def test_a_preparation_is_done_once():
    # QAOA's |+...+>: repeated with its H, mixers would become Z rotations and the orbit of Z0Z1 all 15 strings.
    circuit = QuantumCircuit(2)
    theta = ParameterVector("t", 3)
    circuit.h([0, 1])
    circuit.rzz(theta[0], 0, 1)
    circuit.rx(theta[1], 0)
    circuit.rx(theta[2], 1)
    found = predict_circuit(circuit, "Z0Z1")
    exact = enumerated(circuit, SparsePauliOp("ZZ"), list(theta))
    assert found.law.exact == pytest.approx(exact, rel=1e-12)
    assert found.document["orbits"][0]["size"] < 15
    twice = circuit.compose(again(circuit))
    assert predict_circuit(twice, "Z0Z1").law.orbit.value == pytest.approx(2 * found.law.orbit.value, rel=1e-12)


def again(circuit):
    layer = QuantumCircuit(2)
    for instruction in circuit.data[2:]:
        layer.append(instruction)
    return layer.assign_parameters({p: Parameter(f"s{k}") for k, p in enumerate(circuit.parameters)})


@pytest.mark.parametrize(("name", "law"), [("hva", "orbit"), ("real-amplitudes", "orthogonal")])
def test_the_document_of_the_command(qntk, tmp_path, name, law):
    path = tmp_path / f"{name}.qpy"
    with path.open("wb") as file:
        qpy.dump(ansatz(name, 4, 2), file)
    code, text, error = qntk("predict", "--circuit", path, "--observable", "Z0", "--json")
    document = json.loads(text)
    assert (code, error) == (0, "")
    assert document == predict_circuit(path, "Z0").to_dict()
    assert document["circuit"] == path.name
    assert document["law"] == law
    assert document["haar"]["limit"] == (law != "orbit")
    assert document["orbits"][0]["share_of_all"] == document["orbits"][0]["size"] / 255
    assert document["depth"] > 1
    code, text, _ = qntk("predict", "--circuit", path, "--observable", "Z0")
    assert code == 0
    assert ("never be Haar" in text) == (law == "orbit")


def test_a_circuit_that_was_repeated_often_enough_has_reached_its_law():
    one = predict_circuit(ansatz("real-amplitudes", 3, 1), "Z0", tolerance=0.02)
    assert not one.law.reached
    deep = predict_circuit(ansatz("real-amplitudes", 3, 60), "Z0", tolerance=0.02)
    assert deep.law.reached
    assert deep.law.depth == 1


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (lambda c, t: c.ch(0, 1), "neither a Clifford gate nor a Pauli rotation"),
        (lambda c, t: c.crx(t[1], 0, 1), "qntk.sample"),
        (lambda c, t: c.ry(t[0], 0), "do not commute"),
        (lambda c, t: c.ry(0.5 * t[1], 1), "whole slope"),
    ],
)
def test_a_gate_without_a_law_is_named_with_a_way_on(qntk, tmp_path, gate, words):
    theta = ParameterVector("t", 2)
    circuit = QuantumCircuit(2)
    circuit.rx(theta[0], 0)
    gate(circuit, theta)
    with pytest.raises(ValueError, match=words):
        predict_circuit(circuit, "Z0")
    path = tmp_path / "gate.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    code, text, error = qntk("predict", "--circuit", path, "--observable", "Z0")
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert words in error


def test_a_t_gate_is_a_rotation_without_a_parameter():
    theta = ParameterVector("t", 2)
    circuit = QuantumCircuit(1)
    circuit.rx(theta[0], 0)
    circuit.t(0)
    circuit.rx(theta[1], 0)
    found = predict_circuit(circuit, "Z0")
    assert found.law.orbit.value == pytest.approx(2 * (2 / 3) / 3, rel=1e-12)
    assert found.law.exact is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--circuit", "nowhere.qpy", "--observable", "Z0"], "cannot be read"),
        (["--circuit", "a.qpy", "--qubits", 2, "--observable", "Z0"], "--qubits does not go with --circuit"),
        (["--circuit", "a.qpy", "--generator", "pauli", "--observable", "Z0"], "--generator does not go"),
        (["--qubits", 2, "--observable", "Z0"], "--params"),
        (
            ["--qubits", 2, "--params", 3, "--noise", "dephasing=0.1", "--observable", "Z0"],
            "--noise goes with --circuit",
        ),
        (["--qubits", 2, "--params", 3, "--inputs", "x", "--observable", "Z0"], "--inputs goes with --circuit"),
    ],
)
def test_mistakes_are_one_line(qntk, arguments, words):
    code, text, error = qntk("predict", *arguments)
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert words in error


def checked(circuit, **options):
    return check(circuit, "Z0", repeats=1, reasons=False, family_error=1e-6, **options)


def test_a_check_says_which_law_is_the_circuits_own():
    found = checked(ansatz("hva", 4, 4), draws=4000)
    own = found.document["own_law"]
    assert own["name"] == "orbit"
    assert own["mean"] == pytest.approx(32 * 0.25 / 8, rel=1e-12)
    assert own["reached"] is False
    assert own["haar"]["limit"] is False
    assert own["depth"] > 1
    assert "never be Haar" in found.text
    assert "never be Haar" in repr(found)


def test_the_draws_hold_the_exact_mean():
    # One interval that misses with probability 1e-6 / 6, ±8 % with 20 000 draws. Control: 1.15 times the mean is out.
    found = checked(ansatz("hea", 3, 3), draws=20_000)
    exact, haar = found.document["own_law"]["exact"], found.document["own_law"]["haar"]["mean"]
    low, high = (end * haar for end in found.document["mean_ratio"]["interval"])
    assert low < exact < high
    assert not low < 1.15 * exact < high


@pytest.mark.parametrize(("factor", "reached"), [(1.0, True), (1.2, False), (0.8, False)])
def test_a_deep_circuit_is_there_and_a_wrong_law_is_not_reached(monkeypatch, factor, reached):
    def planted(*arguments, **options):
        found = orbit_mean(*arguments, **options)
        return replace(found, value=factor * found.value)

    monkeypatch.setattr("qntk.validation.attribution.own_law.orbit_mean", planted)
    own = checked(ansatz("real-amplitudes", 3, 60), draws=500).document["own_law"]
    assert (own["name"], own["reached"]) == ("orthogonal", reached)


def test_draws_tell_where_paths_do_not_reach():
    # Controlled rotations share a parameter: no orbits, but all is real. 1e-6 / 6 for the interval, 4000 draws.
    circuit, theta = QuantumCircuit(2), iter(ParameterVector("t", 60))
    for _ in range(15):
        for qubit in (0, 1):
            circuit.ry(next(theta), qubit)
        circuit.cry(next(theta), 0, 1)
        circuit.cry(next(theta), 1, 0)
    own = checked(circuit, draws=4000).document["own_law"]
    assert own["name"] == "orthogonal"
    assert own["exact"] is None
    assert own["depth"] is None
    assert "qntk.sample" in own["reasons"]["orbit"]


def test_noise_of_the_command(qntk, tmp_path):
    path = tmp_path / "hva.qpy"
    with path.open("wb") as file:
        qpy.dump(ansatz("hva", 3, 2), file)
    command = ["predict", "--circuit", path, "--observable", "X0", "--noise", "depolarizing=0.01"]
    code, text, _ = qntk(*command, "--json")
    document = json.loads(text)
    assert code == 0
    form = read_circuit(ansatz("hva", 3, 2))
    noise = PauliNoise(0.99, 0.99, 0.99)
    assert document["mean"]["exact"] == pytest.approx(noisy_mean(form, {"IIX": 1.0}, noise).value, rel=1e-12)
    assert document["mean"]["exact"] < document["mean"]["noiseless"]
    assert document["noise"]["decay"] == pytest.approx(decay(form, {"IIX": 1.0}, noise), rel=1e-12)
    assert "depolarizing=0.01" in qntk(*command)[1]
    code, text, error = qntk(*command[:-1], "thermal=0.1")
    assert (code, text, error.count("\n")) == (2, "", 1)


def test_noise_with_data():
    """A datum that turns one rotation is averaged over, with the noise of its gate."""
    x, a = Parameter("x"), Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(a, 0)
    circuit.rz(x, 0)
    circuit.ry(Parameter("b"), 0)
    found = predict_circuit(circuit, "Z0", inputs="x", noise="depolarizing=0.2")
    whole = noisy_mean(read_circuit(circuit), {"Z": 1.0}, PauliNoise(0.8, 0.8, 0.8))
    assert found.document["mean"]["exact"] == pytest.approx(whole.gradients[:2].sum(), rel=1e-12)
    drawn = predict_circuit(circuit, "Z0", inputs="x=uniform(-1,1)")
    assert drawn.law.exact is None
    assert drawn.law.orbit.value == found.law.orbit.value
    with pytest.raises(ValueError, match="uniform on the circle"):
        predict_circuit(circuit, "Z0", inputs="x=uniform(-1,1)", noise="depolarizing=0.2")


def test_a_parameter_on_several_commuting_rotations(qntk, tmp_path):
    """Exchange gates share an angle among three strings: 20 000 draws at two layers, 5 standard errors (6e-7)."""
    circuit = ansatz("su2-equivariant", 4, 2)
    document = predict_circuit(circuit, "X0X1+Y0Y1+Z0Z1").document
    kernels = sample(circuit, "X0X1+Y0Y1+Z0Z1", draws=20_000, seed=3).kernel
    error = kernels.std() / len(kernels) ** 0.5
    assert abs(kernels.mean() - document["mean"]["exact"]) < 5 * error
    assert abs(kernels.mean() - 1.1 * document["mean"]["exact"]) > 5 * error, "negative control"
    assert (document["mean"]["orbit"], document["law"]) == (pytest.approx(6 * 32 / 9, rel=1e-9), "orbit")
    assert document["algebra"] == "su(3) ⊕ su(2) ⊕ u(1)"
    path = tmp_path / "exchange.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    code, text, _ = qntk("predict", "--circuit", path, "--observable", "X0X1+Y0Y1+Z0Z1")
    assert code == 0
    assert "dynamical Lie algebra" in text
