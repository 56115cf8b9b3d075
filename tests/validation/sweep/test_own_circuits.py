"""The user's own circuits in a sweep: found, identified, kept, and drawn right."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from qiskit import qpy
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qntk.sampling import chunk_generator
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.sweep import drawing
from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.own_circuits import InputEnsemble, UserCircuit

TOML = """
seed = 3
[[grid]]
ensemble = "mine"
circuit = "ansatz.qpy"
inputs = "x"
observable = ["Z0", "X1"]
draws = 2_000

[[grid]]
ensemble = "qasm"
circuit = "ansatz.qasm"
observable = "Z0"
draws = 1_000

[[grid]]
ensemble = "ladder"
circuit = "user_ladder:ladder"
qubits = [2, 3]
layers = [1, 3]
zipped = true
observable = "Z0"
draws = 1_000
"""
QASM = """OPENQASM 3.0;
include "stdgates.inc";
input float a; input float b;
qubit[2] q;
ry(a) q[0]; cx q[0], q[1]; rx(b) q[1]; rz(2*a) q[0]; h q[0];
"""
MODULE = """
from qiskit.circuit import ParameterVector, QuantumCircuit

def ladder(qubits, layers):
    circuit = QuantumCircuit(qubits)
    angles = iter(ParameterVector("t", qubits * layers))
    for _ in range(layers):
        for q in range(qubits):
            circuit.rx(next(angles), q)
        for q in range(qubits - 1):
            circuit.cz(q, q + 1)
    return circuit

def number(qubits, layers):
    return 7
"""


def ansatz(first="x", angle=0.5, entangler="cx"):
    data, weights = ParameterVector(first, 2), ParameterVector("θ", 4)
    circuit = QuantumCircuit(2)
    for q in range(2):
        circuit.ry(data[q], q)
        circuit.rx(weights[q] + angle, q)
    getattr(circuit, entangler)(0, 1)
    circuit.rz(weights[2], 0)
    circuit.ry(weights[3] * weights[2], 1)
    circuit.h(0)
    return circuit


def save(circuit, path):
    with path.open("wb") as file:
        qpy.dump(circuit, file)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "user"
    place.mkdir()
    save(ansatz(), place / "ansatz.qpy")
    (place / "ansatz.qasm").write_text(QASM)
    (place / "user_ladder.py").write_text(MODULE)
    (place / "sweep.toml").write_text(TOML)
    return place


def test_cells_have_the_circuits_own_sizes(folder):
    cells = expand(load_config(folder / "sweep.toml")[0])
    found = [(c.ensemble, c.qubits, c.layers, c.parameters) for c in cells]
    assert found == [("mine", 2, 1, 4), ("mine", 2, 1, 4), ("qasm", 2, 1, 2), ("ladder", 2, 1, 2), ("ladder", 3, 3, 9)]
    assert len({cell.fingerprint for cell in cells}) == 5


def test_the_digest_is_of_what_the_circuit_does():
    """Negative controls: a gate, an angle, the order of the parameters, what is data."""
    reference = UserCircuit.of(ansatz(), ["x"])
    renamed = ansatz()
    renamed.name, renamed.global_phase = "other", 1.0
    assert UserCircuit.of(renamed, ["x"]).digest == reference.digest
    assert UserCircuit.of(ansatz(first="a"), ["a"]).digest == reference.digest
    others = [
        UserCircuit.of(ansatz(entangler="cz"), ["x"]),
        UserCircuit.of(ansatz(angle=0.5001), ["x"]),
        UserCircuit.of(ansatz(first="ω"), ["ω"]),  # sorts behind θ
        UserCircuit.of(ansatz(), []),
    ]
    assert len({reference.digest, *(other.digest for other in others)}) == 5


def test_kernels_over_the_weights_alone_are_those_of_finite_differences():
    """Dense vectors of Qiskit, central differences of 1e-5: within 1e-8. Control: over all parameters they differ."""
    circuit, observable = ansatz(), SparsePauliOp(["IZ", "XX"], [1.0, 0.5])
    draws = InputEnsemble(RandomCircuit.read(circuit, ["x"]), observable).draw(20, chunk_generator(1, (2,), 0))
    angles = chunk_generator(1, (2,), 0).uniform(0, 2 * np.pi, (20, 6))
    weights = [i for i, p in enumerate(circuit.parameters) if p.name.startswith("θ")]

    def output(values):
        state = Statevector(circuit.assign_parameters(dict(zip(circuit.parameters, values, strict=True))))
        return state.expectation_value(observable).real

    for row, kernel, value in zip(angles, draws.kernel, draws.output, strict=True):
        step = 1e-5 * np.eye(6)
        slopes = np.array([(output(row + e) - output(row - e)) / 2e-5 for e in step])
        assert output(row) == pytest.approx(value, abs=1e-12)
        assert (slopes[weights] ** 2).sum() == pytest.approx(kernel, abs=1e-8)
        assert (slopes**2).sum() > kernel + 1e-6


def test_a_directory_that_moves_is_resumed_and_reported_without_the_files(qntk, folder, tmp_path, no_figures):
    out = tmp_path / "run"
    code, _, error = qntk("sweep", folder / "sweep.toml", "--out", out)
    assert code == 0, error
    assert len(list((out / "circuits").glob("*.qpy"))) == 4
    first = pd.read_parquet(out / "draws").groupby("ensemble")["kernel"].count()
    assert first.to_dict() == {"mine": 4000, "qasm": 1000, "ladder": 2000}
    moved = tmp_path / "elsewhere"
    shutil.move(out, moved)
    shutil.rmtree(folder)
    path = sorted((moved / "draws").iterdir())[0]
    content = path.read_bytes()
    path.unlink()
    code, _, error = qntk("sweep", moved / "config.toml", "--out", moved)
    assert code == 0, error
    assert path.read_bytes() == content
    code, _, error = qntk("report", moved)
    assert code == 0, error
    assert "mine" in (moved / "report.md").read_text()


MINE = """
from qiskit.circuit.library import real_amplitudes
from helper import reps
print("I am imported")
def build(qubits, layers):
    from helper import reps
    return real_amplitudes(qubits, reps=reps(layers))
"""
ASKS = """
seed = 1
[[grid]]
ensemble = "mine"
circuit = "mine:build"
qubits = 2
layers = 1
observable = "Z0"
draws = 100
"""


@pytest.fixture
def module(tmp_path):
    """A folder with a module, one beside it, and a configuration."""

    def write(name, more, **files):
        made = tmp_path / name
        made.mkdir(exist_ok=True)
        (made / "helper.py").write_text(f"def reps(layers):\n    return layers + {more}\n")
        (made / "mine.py").write_text(files.get("text", MINE))
        (made / "sweep.toml").write_text(ASKS)
        return made

    return write


def parameters(out):
    return json.loads((out / "manifest.json").read_text())["cells"][0]["parameters"]


def test_each_module_is_its_own_and_an_edited_one_is_read_again(qntk, module, tmp_path):
    """Two folders with a ``mine.py`` and a ``helper.py`` each, in one process; then one of them edited at once."""
    for name, more, wanted in (("one", 0, 4), ("two", 1, 6), ("one", 3, 10)):
        made = module(name, more)
        out = tmp_path / f"run-{wanted}"
        code, text, error = qntk("sweep", made / "sweep.toml", "--out", out, "--json")
        assert code == 0, error
        assert json.loads(text)["drawn"] == 100
        assert "I am imported" in error
        assert parameters(out) == wanted
    assert not {"mine", "helper"} & set(sys.modules)


def test_report_status_and_compare_run_no_code(qntk, module, tmp_path, no_figures):
    made = module("one", 0)
    assert qntk("sweep", made / "sweep.toml", "--out", tmp_path / "run")[0] == 0
    trap = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
    for folder in (made, tmp_path / "run"):
        (folder / "mine.py").write_text(trap)
    for command in ("report", "status"):
        assert qntk(command, tmp_path / "run")[0] == 0
    assert qntk("compare", tmp_path / "run", "--qubits", 2, "--params", 4, "--observable", "Z0")[0] == 0
    assert not list(tmp_path.rglob("ran"))
    assert qntk("plan", made / "sweep.toml")[0] == 2
    assert (made / "ran").exists(), "negative control: a plan runs it"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys\nsys.exit(0)", "raised SystemExit"),
        ("raise RuntimeError('one\\ntwo')", "raised RuntimeError: one two"),
        ("def build(qubits, layers):\n    raise BaseException", "raised BaseException"),
        ("def build(", "raised SyntaxError"),
        ("build = None", "has no function 'build'"),
        ("\0", "raised"),
        ("class E(Exception):\n    def __str__(self):\n        return 1 / 0\nraise E", "raised E: no more can be said"),
        ("import sys\nsys.stdout.close()\nsys.stderr.close()", "has no function 'build'"),
    ],
)
def test_whatever_a_module_does_is_one_line(qntk, module, tmp_path, text, words):
    made = module("one", 0, text=text)
    code, out, error = qntk("sweep", made / "sweep.toml", "--out", tmp_path / "run", "--json")
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert words in error


def test_what_a_module_says_is_ended_as_a_line(qntk, module, tmp_path):
    made = module("one", 0, text="print('so far', end='')\n1 / 0")
    code, out, error = qntk("plan", made / "sweep.toml", "--json")
    assert (code, out) == (2, "")
    assert [line[:12] for line in error.splitlines()] == ["so far", "qntk: error:"]


def test_compiled_code_and_programs_leave_standard_output_pure(qntk, module):
    """They write to the descriptor, C through a buffer of its own."""
    text = MINE + 'import ctypes, os\nos.write(1, b"raw\\n")\nos.system("echo program")\nctypes.CDLL(None).puts(b"C")\n'
    code, out, error = qntk("plan", module("one", 0, text=text) / "sweep.toml", "--json")
    assert (code, json.loads(out)["cells"][0]["parameters"]) == (0, 4)
    assert {"I am imported", "raw", "program", "C"} <= set(error.splitlines())


def test_a_function_that_is_none_of_a_circuit(qntk, module, tmp_path):
    made = module("one", 0)
    (made / "sweep.toml").write_text(ASKS.replace("mine:build", "os:getcwd"))
    code, _, error = qntk("sweep", made / "sweep.toml", "--out", tmp_path / "run")
    assert (code, error.count("\n"), "raised TypeError" in error) == (2, 1, True)


def test_a_circuit_that_was_changed_is_another_sweep(qntk, folder, tmp_path, monkeypatch):
    out = tmp_path / "run"
    qntk("sweep", folder / "sweep.toml", "--out", out)
    save(ansatz(angle=0.4), folder / "ansatz.qpy")
    code, _, error = qntk("sweep", folder / "sweep.toml", "--out", out)
    assert (code, error.count("\n")) == (2, 1)
    assert "circuit ansatz.qpy of x has digest" in error
    kept = next((out / "circuits").glob("*.qpy"))
    for path in (out / "circuits").glob("*.qpy"):
        path.write_bytes(kept.read_bytes()[:-9])
    shutil.rmtree(out / "draws")
    monkeypatch.setattr(drawing, "_ensembles", drawing._BuiltOnce(16))  # as in another process
    code, _, error = qntk("sweep", out / "config.toml", "--out", out)
    assert (code, error.count("\n")) == (2, 1)
    assert "the kept circuit" in error


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ansatz.qpy", "nope.qpy", "grid[0].circuit: circuit"),
        ("ansatz.qpy", "sweep.toml", "its suffix is not .qpy, .qasm or .qasm3"),
        ('inputs = "x"', 'inputs = "y"', "the circuit has no parameter 'y'; it has"),
        ('"mine"', '"hea"', "grid[0]: ensemble 'hea' is one of the catalogue; give your circuit another name"),
        ('inputs = "x"', "layers = 2", "is a file, which sets its own size; drop the key 'layers'"),
        ("user_ladder:ladder", "user_ladder:nope", "module 'user_ladder' has no function 'nope'"),
        ("user_ladder:ladder", "user_nope:ladder", "circuit 'user_nope:ladder' cannot be imported"),
        ("user_ladder:ladder", "user_ladder:number", "returns int; a QuantumCircuit is accepted"),
        ("layers = [1, 3]\nzipped = true\n", "", "is a function; it takes the keys 'qubits' and 'layers'"),
        ("zipped = true", "parameters = 3", "the key 'parameters' does not go with 'circuit'"),
        ('"Z0", "X1"', '"Z0", "X7"', "grid[0].observable: "),
        ('inputs = "x"', 'inputs = "x"\ndqntk = true', "the key 'dqntk' does not go with 'inputs'"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_that_names_the_key(qntk, folder, tmp_path, old, new, words):
    path = folder / "sweep.toml"
    path.write_text(TOML.replace(old, new, 1))
    code, _, error = qntk("sweep", path, "--out", tmp_path / "run")
    assert (code, error.count("\n")) == (2, 1)
    assert words in error


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("reset q[0];", "'reset'"),
        ("for int i in [0:1] { h q[i]; }", ""),
        ("def f(qubit a) { h a; } f(q[0]);", ""),
    ],
)
def test_openqasm_3_that_cannot_be_read_is_said(qntk, folder, tmp_path, line, words):
    (folder / "ansatz.qasm").write_text(QASM + line)
    code, _, error = qntk("sweep", folder / "sweep.toml", "--out", tmp_path / "run")
    assert (code, error.count("\n")) == (2, 1)
    assert "grid[1].circuit: circuit" in error
    assert words in error


def test_a_circuit_without_parameters_or_too_wide_is_refused():
    with pytest.raises(ValueError, match="no free parameters"):
        UserCircuit.of(QuantumCircuit(1))
    wide = QuantumCircuit(13)
    wide.rx(Parameter("a"), 12)
    with pytest.raises(ValueError, match="qubits = 13; a sweep takes at most 12"):
        UserCircuit.of(wide)
