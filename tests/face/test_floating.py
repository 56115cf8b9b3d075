"""What users set for their own code: numpy's errors raised, integers of numpy's own types, paths from home."""

import functools
import importlib
import inspect
import json
import pickle
import pkgutil
import subprocess
import sys
from types import FunctionType

import numpy as np
import pytest
from qiskit import qpy
from qiskit.circuit import Parameter, QuantumCircuit

import qntk
from qntk import _floating
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.distribution import KernelDistribution
from qntk.theory.training.dressed import dressed
from qntk.theory.training.frozen import FrozenTraining, geometric_sum
from qntk.theory.training.late import late_ratio
from qntk.theory.training.meta_kernel import FirstOrderDecay
from qntk.theory.training.noise_floors import ShotNoise, UpdateNoise

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


def law_of(qubits, parameters, observable=OperatorMoments.from_pauli):
    return KernelDistribution(KernelLaw(parameters, observable(qubits), OperatorMoments.from_pauli(qubits)))


def frozen():
    return FrozenTraining(np.diag([1.0, 1e-3]), [0.5, -1.0], 0.5)


FAR = np.geomspace(1e-300, 1e4, 200)
DIRECT = {
    "density of a small circuit": lambda: law_of(1, 2).pdf(FAR),
    "density of a sum": lambda: law_of(4, 40).sum_pdf(FAR),
    "distribution of ten million": lambda: law_of(3, 10**7).cdf(FAR[::40]),
    "quantiles": lambda: law_of(8, 300, OperatorMoments.from_projector).quantiles([1e-3, 0.5, 0.999]),
    "geometric sum": lambda: geometric_sum(np.array([0.0, 0.9, 1.0]), 10**7),
    "frozen": lambda: frozen().residuals_at([0, 10**7]),
    "noise": lambda: UpdateNoise(frozen(), 0.1).variances_at(10**7),
    "noise of shots": lambda: ShotNoise(frozen(), 1e-200, 1e-200).stationary_loss(),
    "first order": lambda: FirstOrderDecay(1.0, 0.01, 0.5, 0.5).residual_at(np.array([0, 10, 10_000])),
    "late": lambda: late_ratio([0.5, 1e-200], 0.5),
    "dressed": lambda: dressed([[8.0]], [0.043], [2.0], [True], 0.2, 20, weights=[[0.2, 0.5, 0.3, 0]],
                               eigenvalues=[-1, 0.3, 0.31, 1.2]).outputs,
}  # fmt: skip


@pytest.mark.parametrize("call", DIRECT.values(), ids=DIRECT)
def test_theory_used_directly(call):
    """The numbers of every day; control: where nothing is done about the user's setting, each of them raises."""
    usual = np.asarray(call())
    with np.errstate(all="raise"):
        assert np.array_equal(call(), usual)
        token = _floating._WITHIN.set(True)
        with pytest.raises(FloatingPointError):
            call()
        _floating._WITHIN.reset(token)


def written(module):
    """Functions, methods and properties that a module makes public, generators left out."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        found = [value]
        if type(value) is type:
            found = [getattr(v, "__func__", getattr(v, "fget", getattr(v, "func", v))) for v in vars(value).values()]
        for function in found:
            function = getattr(function, "__wrapped__", function) if hasattr(function, "cache_info") else function
            if not isinstance(function, FunctionType) or inspect.isgeneratorfunction(function):
                continue
            if inspect.unwrap(function).__code__.co_filename == module.__file__:
                yield function


def test_every_public_function_and_method_of_every_room():
    """Control: the private ones are as they were written."""
    rooms = [qntk.theory, qntk.sampling, qntk.validation, qntk.inputs]
    found = [module for room in rooms for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")]
    modules = [importlib.import_module(module.name) for module in found]
    assert len(modules) > 150
    functions = [function for module in modules for function in written(module)]
    assert len(functions) > 1000
    assert [f"{f.__module__}.{f.__qualname__}" for f in functions if not hasattr(f, "_as_numpy_comes")] == []
    assert not hasattr(qntk.theory.haar.distribution._quantile, "_as_numpy_comes")


def test_caches_and_doctests_stay():
    made = _floating._calmed(_cached)
    assert made(2) == made(2) == 4
    assert made.cache_info().hits == 1
    assert made.cache_parameters() == {"maxsize": 7, "typed": False}
    assert geometric_sum.__globals__ is vars(sys.modules[geometric_sum.__module__])  # where doctest looks


@functools.lru_cache(maxsize=7)
def _cached(number):
    return number**2


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
