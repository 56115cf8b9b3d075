"""Aer's noise models in Pauli paths, against Aer's own density matrices on an exact grid of angles."""

import itertools
import json

import numpy as np
import pytest
from qiskit import qpy
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
)
from qiskit_aer.primitives import EstimatorV2

from qntk import predict_circuit
from qntk.inputs.noise_models import gate_errors
from qntk.validation.commands.main import main


def circuit():
    made = QuantumCircuit(2)
    theta = ParameterVector("θ", 4)
    made.ry(theta[0], 0)
    made.rx(theta[1], 1)
    made.cx(0, 1)
    made.s(1)
    made.rzz(theta[2], 1, 0)
    made.cx(1, 0)
    made.ry(theta[3], 0)
    return made


def model():
    made = NoiseModel()
    made.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    made.add_all_qubit_quantum_error(pauli_error([("X", 0.1), ("Z", 0.05), ("I", 0.85)]), ["ry", "s"])
    made.add_quantum_error(pauli_error([("Y", 0.2), ("I", 0.8)]), ["ry"], [0])
    made.add_all_qubit_quantum_error(pauli_error([("XZ", 0.2), ("IY", 0.1), ("II", 0.7)]), ["rzz"])
    return made


def brute(label, noise):
    """E K by parameter shift over four angles a turn, exact for products of two: the shifts lie on the grid."""
    options = {"noise_model": noise, "method": "density_matrix"}
    estimator = EstimatorV2(options={"default_precision": 0.0, "backend_options": options})
    grid = np.array(list(itertools.product(np.arange(4) * np.pi / 2, repeat=4)))
    result = estimator.run([(circuit(), SparsePauliOp(label), grid)]).result()[0].data.evs.reshape((4,) * 4)
    return sum(np.mean(((np.roll(result, -1, k) - np.roll(result, 1, k)) / 2) ** 2) for k in range(4))


@pytest.mark.parametrize("label", ["IZ", "XZ"])
def test_against_density_matrices(label):
    found = predict_circuit(circuit(), label, noise=model()).document["mean"]
    assert found["exact"] == pytest.approx(brute(label, model()), rel=1e-9)
    assert found["exact"] < 0.9 * found["noiseless"], "negative control: noise is not left out"
    assert found["exact"] != pytest.approx(brute(label, NoiseModel()), rel=0.05)


def test_what_is_no_pauli_channel_is_named():
    damped, read, elsewhere = NoiseModel(), model(), NoiseModel()
    damped.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["ry"])
    read.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.1, 0.9]]))
    elsewhere.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["sx"])
    for noise, words in (
        (damped, "error on gate 'ry' is no Pauli channel"),
        (read, "readout error"),
        (elsewhere, "noise on sx, and the circuit has none"),
    ):
        with pytest.raises(ValueError, match=words):
            predict_circuit(circuit(), "IZ", noise=noise)
    with pytest.raises(TypeError, match="NoiseModel"):
        predict_circuit(circuit(), "IZ", noise=0.1)


def test_an_error_on_one_qubit_of_a_gate():
    """A circuit on two qubits of which it flips one is on both."""
    flip, noise = QuantumCircuit(2), NoiseModel()
    flip.x(0)
    noise.add_all_qubit_quantum_error(QuantumError([(flip, 0.3), (QuantumCircuit(2), 0.7)]), ["rzz"])
    found = predict_circuit(circuit(), "XZ", noise=noise).document["mean"]["exact"]
    assert found == pytest.approx(brute("XZ", noise), rel=1e-9)


def test_the_decay_is_that_of_the_same_noise_in_words():
    """Depolarising on every qubit of every gate, after Cliffords that prepare the input and are not repeated."""
    error, noise, prepared = depolarizing_error(0.1, 1), NoiseModel(), QuantumCircuit(2)
    for gate in ("ry", "rx", "s", "h"):
        noise.add_all_qubit_quantum_error(error, [gate])
    for gate in ("cx", "rzz"):
        noise.add_all_qubit_quantum_error(error.tensor(error), [gate])
    prepared.h(1)
    prepared = prepared.compose(circuit())
    here, there = (predict_circuit(prepared, "IZ", noise=n).document["noise"] for n in (noise, "depolarizing=0.1"))
    assert here["decay"] == pytest.approx(there["decay"], rel=1e-9)
    assert 0 < here["decay"] < 0.9


@pytest.fixture
def files(tmp_path):
    with (tmp_path / "own.qpy").open("wb") as file:
        qpy.dump(circuit(), file)
    return tmp_path


def run(files, noise, capsys, *more):
    with pytest.raises(SystemExit) as end:
        main(["predict", "--circuit", str(files / "own.qpy"), "--observable", "IZ", "--noise", str(noise), *more])
    return end.value.code or 0, *capsys.readouterr()


def test_a_file_is_the_model(files, capsys):
    noise = files / "noise.json"
    noise.write_text(json.dumps(model().to_dict(), default=str))
    code, out, _ = run(files, noise, capsys, "--json")
    assert code == 0
    assert json.loads(out)["mean"]["exact"] == pytest.approx(brute("IZ", model()), rel=1e-9)
    for given in (noise, model().to_dict()):
        found = predict_circuit(circuit(), "IZ", noise=given).document["mean"]["exact"]
        assert found == json.loads(out)["mean"]["exact"]


def without_errors():
    return {"errors": 3}


def unlikely():
    found = model().to_dict()
    found["errors"][0]["probabilities"][0] += 0.1
    return found


def damped():
    made = NoiseModel()
    made.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["ry"])
    return made.to_dict()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (without_errors, "no list 'errors'"),
        (unlikely, "errors[0] is none of a NoiseModel"),
        (damped, "error on gate 'ry' is no Pauli channel, it has 'kraus'"),
        (None, "is no JSON"),
    ],
)
def test_files_that_are_none(files, capsys, written, words):
    noise = files / "noise.json"
    noise.write_text(json.dumps(written(), default=str) if written else "{")
    code, out, err = run(files, noise, capsys)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert run(files, files / "absent.json", capsys)[0] == 2


def test_damaged_models_are_refused_in_one_line():
    """Every part of a model's dictionary in turn replaced by what does not belong there, or left out."""
    whole = json.dumps(model().to_dict(), default=str)

    def places(value, path=()):
        yield path
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            yield from places(value[key], (*path, key))

    refused = 0
    for path in list(places(json.loads(whole)["errors"][1])):
        for wrong in (None, -1, "Q", [[]], {"a": 1}, 1e400):
            document = json.loads(whole)
            holder, key = document["errors"], 1
            for step in path:
                holder, key = holder[key], step
            holder[key] = wrong
            try:
                gate_errors(document)
            except ValueError as error:
                refused += 1
                assert "\n" not in str(error)  # noqa: PT017 (that there is an error is counted)
    assert refused > 100
