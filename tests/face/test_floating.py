"""What users set for their own code: numpy's errors raised, integers of numpy's own types, paths from home."""

import inspect
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from qiskit import qpy
from qiskit.circuit import Parameter, QuantumCircuit

import qntk

CELL = {"ensemble": "haar-layers", "qubits": 2, "parameters": 6, "observable": "Z0", "draws": 2000}


@pytest.fixture
def raising():
    before = np.seterr(all="raise")
    yield
    assert set(np.geterr().values()) == {"raise"}
    np.seterr(**before)


@pytest.fixture
def circuit():
    made = QuantumCircuit(2)
    for index in range(6):
        made.ry(Parameter(f"a{index}"), index % 2)
        made.cx(0, 1)
    return made


def test_errors_that_a_user_raises_break_nothing(raising, circuit, tmp_path, no_figures):
    """Tails of distributions underflow, in scipy too. Control: bare, the same tail raises."""
    with pytest.raises(FloatingPointError):
        np.exp(np.float64(-800))
    law = qntk.law(3, 20, "Z0")
    for word in ("pdf", "cdf", "sf"):
        if hasattr(law, word):
            getattr(law, word)(np.geomspace(1e-9, 1e3, 50))
    assert "e" in repr(law)
    drawn = qntk.haar(3, 20, "Z0", draws=500, seed=1)
    assert qntk.compare(drawn.kernel, law).verdicts
    assert qntk.check(circuit, "Z0", draws=200, repeats=1).text
    model = qntk.Model(circuit, "Z0", inputs=["a0"])
    found = model.diagnose(np.linspace(-1, 1, 5), np.linspace(-0.5, 0.5, 5))
    assert found.compare(20).rows()
    run = qntk.sweep({"seed": 1, "grid": [CELL]}, tmp_path / "run")
    assert run.report().document["verdicts"]
    assert qntk.plan({"seed": 1, "grid": [CELL]}).rows()


def test_the_face_stays_what_it_was():
    assert qntk.law is qntk._law.law
    assert pickle.loads(pickle.dumps(qntk.plan)) is qntk.plan
    assert list(inspect.signature(qntk.status).parameters) == ["directory", "verify"]
    assert "Predict training" in qntk.diagnose.__doc__


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_integers_of_numpy_are_integers(kind, circuit, tmp_path, no_figures):
    """As seeds, sizes and counts, and what is said of them is JSON."""
    plain = qntk.haar(2, 6, "Z0", draws=64, seed=7)
    drawn = qntk.haar(kind(2), kind(6), "Z0", draws=kind(64), seed=kind(7))
    assert drawn.kernel.tolist() == plain.kernel.tolist()
    documents = [
        drawn.to_dict(),
        qntk.law(kind(3), kind(20), "Z0").to_dict(),
        qntk.check(circuit, "Z0", draws=kind(100), repeats=kind(1), seed=kind(3), reasons=False).to_dict(),
        qntk.calibrate(trials=kind(1), seed=kind(3)).to_dict(),
    ]
    numbers = {key: kind(value) if key in ("qubits", "parameters") else value for key, value in CELL.items()}
    sweep = qntk.sweep({"seed": kind(1), "grid": [numbers]}, tmp_path / "run", workers=kind(1))
    documents += [sweep.to_dict(), qntk.status(tmp_path / "run").to_dict()]
    for document in documents:
        assert json.loads(json.dumps(document)) is not None


def test_home_is_found_by_every_door(circuit, tmp_path, monkeypatch, no_figures):
    monkeypatch.setenv("HOME", str(tmp_path))
    with (tmp_path / "c.qpy").open("wb") as file:
        qpy.dump(circuit, file)
    (tmp_path / "o.txt").write_bytes(b"\xef\xbb\xbf1 IZ\n")
    (tmp_path / "s.toml").write_text(
        'seed = 1\n[[grid]]\nensemble = "mine"\ncircuit = "~/c.qpy"\nobservable = "@~/o.txt"\ndraws = 100\n'
    )
    np.save(tmp_path / "k.npy", qntk.haar(2, 6, "Z0", draws=100, seed=1).kernel)
    assert qntk.check("~/c.qpy", "@~/o.txt", draws=100, repeats=1, reasons=False).text
    assert qntk.compare("~/k.npy", qntk.law(2, 6, "@~/o.txt")).verdicts
    assert qntk.sweep("~/s.toml", "~/run").document["drawn"] == 100
    assert qntk.report("~/run").document["verdicts"]
    assert (tmp_path / "run" / "report.html").exists()


def test_windows_is_told_in_one_line():
    script = "import os; os.name = 'nt'; import qntk"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("ImportError: qntk does not run on Windows")
