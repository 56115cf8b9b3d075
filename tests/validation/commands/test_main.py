"""The command line: documents, help, and one line for every mistake."""

import json
import sys

import numpy as np
import pytest
import qiskit
import stim

from qntk.validation.commands.main import main


def test_predict_document(qntk):
    code, text, error = qntk(
        "predict",
        "--qubits",
        3,
        "--params",
        10,
        "--observable",
        "projector:rank=1",
        "--generator",
        "pauli",
        "--json",
    )
    document = json.loads(text)
    assert (code, error) == (0, "")
    assert document["dimension"] == 8
    assert document["mean"]["exact"] == pytest.approx(2 * 10 * 8 * 0.875 / (81 * 7), rel=1e-14)
    assert document["relative_std"]["exact"] == pytest.approx(0.865, abs=5e-4)
    assert document["relative_std"]["asymptotic"] == pytest.approx(0.656, abs=5e-4)
    assert set(document["variance"]) == {"asymptotic", "independent", "exact"}
    assert 0 < document["plateau"] < document["relative_std"]["exact"]
    assert document["skewness"]["exact"] > 0
    assert document["kurtosis"]["exact"] > 0
    assert document["dqntk_mean"]["exact"] > 0
    assert document["dqntk_second_moment"]["asymptotic"] > 0
    assert document["dqntk_second_moment"]["leading"] is None
    assert document["dqntk_second_moment"]["exact"] > document["dqntk_mean"]["exact"] ** 2
    quantiles = {float(level): value for level, value in document["quantiles"].items()}
    assert list(quantiles.values()) == sorted(quantiles.values())
    assert quantiles[0.025] < quantiles[0.5] < document["mean"]["exact"] < quantiles[0.975]
    assert 0 <= document["distribution_error"] < 1e-6


def test_the_default_generator_is_qiskits_and_is_said(qntk):
    common = ["predict", "--qubits", 4, "--params", 8, "--observable", "Z0", "--json"]
    half, full = (json.loads(qntk(*common, *extra)[1]) for extra in ([], ["--generator", "pauli"]))
    assert half["generator"] == "half-pauli"
    assert full["mean"]["exact"] == 4 * half["mean"]["exact"]
    assert "exp(-iθP/2)" in qntk(*common[:-1])[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "--qubits", 0, "--params", 1, "--observable", "Z0"], "--qubits"),
        (["predict", "--qubits", "two", "--params", 1, "--observable", "Z0"], "'two'"),
        (["predict", "--qubits", 2, "--params", 0, "--observable", "Z0"], "--params"),
        (["predict", "--qubits", 2, "--params", 1, "--observable", "Z9"], "names qubit 9"),
        (["predict", "--qubits", 2, "--params", 1, "--observable", "1j*Z0"], "does not parse"),
        (["predict", "--qubits", 2, "--params", 1], "--observable"),
        (["predict", "--qubits", 2, "--params", 1, "--observable", "Z0", "--generator", "X"], "half-pauli"),
        (["sweep", "nope.toml", "--out", "x"], "nope.toml"),
        (["sweep"], "--out"),
        (["sweep", "--out", "x", "--workers", 0], "--workers"),
        (["sweep", "folder", "--out", "x"], "'folder' is a directory"),
        (["sweep", "binary.toml", "--out", "x"], "cannot be read"),
        (["sweep", "broken.toml", "--out", "x"], "is not TOML"),
        (["sweep", "--out", "broken.toml"], "'broken.toml' is a file"),
        (["plan", "nope.toml"], "nope.toml"),
        (["plan", "folder"], "'folder' is a directory"),
        (["plan", "broken.toml"], "is not TOML"),
        (["report", "nowhere"], "holds no sweep"),
        (["report", "broken.toml"], "'broken.toml' is a file"),
        (["status", "nowhere"], "holds no sweep"),
        (["check", "nope.qpy", "--observable", "Z0"], "nope.qpy"),
        (["check", "folder", "--observable", "Z0"], "'folder' is a directory"),
        (["check", "broken.toml", "--observable", "Z0"], ".qpy"),
        (["check", "x.qpy", "--observable", "Z0", "--draws", -1], "--draws"),
        (["check", "x.qpy", "--observable", "Z0", "--seed", -1], "--seed"),
        (["check", "x.qpy", "--observable", "Z0", "--margin", 0], "--margin"),
        (["check", "x.qpy", "--observable", "Z0", "--family-error", 1], "--family-error"),
        (["check", "x.qpy", "--observable", "Z0", "--fail-on", "agree"], "inconclusive"),
        (["compare", "nope.npy", "--qubits", 2, "--params", 1, "--observable", "Z0"], "do not exist"),
        (["diagnose", "nope.toml", "--out", "x"], "nope.toml"),
        (["diagnose", "broken.toml", "--out", "x"], "is not TOML"),
        (["diagnose", "--out", "x", "--workers", -2], "--workers"),
        (["calibrate", "--trials", 0], "--trials"),
        (["calibrate", "--seed", -1], "--seed"),
        (["completion"], "zsh"),
        (["completion", "tcsh"], "fish"),
        (["predict", "--qubit", 2], "'--qubits'"),
        (["predict", "--qubits", 2, "--params", 1, "--observable", "@folder"], "cannot be read"),
        (["--frobnicate"], "--frobnicate"),
        (["frobnicate"], "frobnicate"),
        (["sweeep"], "Did you mean 'sweep'?"),
        (["comparr"], "Did you mean 'compare'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(qntk, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("folder").mkdir()
    tmp_path.joinpath("broken.toml").write_text("seed = = 1")
    tmp_path.joinpath("binary.toml").write_bytes(b"\xff\xfe\x00")
    code, text, error = qntk(*arguments)
    assert (code, text) == (2, "")
    assert error.startswith("qntk: error: ")
    assert error.count("\n") == 1
    assert words in error


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (PermissionError(13, "Permission denied", "x/report.html"), "x/report.html: Permission denied"),
        (MemoryError("Unable to allocate 8.00 TiB"), "out of memory: Unable to allocate 8.00 TiB; take fewer qubits"),
    ],
)
def test_what_the_machine_refuses_is_one_line_too(qntk, monkeypatch, raised, words):
    def refuse(*_):
        raise raised

    monkeypatch.setattr("qntk._law.predict_document", refuse)
    code, text, error = qntk("predict", "--qubits", 2, "--params", 1, "--observable", "Z0")
    assert (code, text) == (2, "")
    assert error.startswith(f"qntk: error: {words}")
    assert error.count("\n") == 1


def test_other_errors_keep_their_traceback(monkeypatch):
    """Negative control: a bug is not called bad input."""

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("qntk._law.predict_document", broken)
    with pytest.raises(ZeroDivisionError):
        main(["predict", "--qubits", "2", "--params", "1", "--observable", "Z0"])


def test_version_names_all_that_a_result_depends_on(qntk):
    code, text, error = qntk("--version")
    said = dict(line.split(" ", 1) for line in text.splitlines())
    assert (code, error) == (0, "")
    assert list(said)[:2] == ["qntk", "python"]
    assert said["python"] == ".".join(map(str, sys.version_info[:3]))
    assert said["numpy"] == np.__version__
    assert said["qiskit"] == qiskit.__version__
    assert said["stim"] == stim.__version__
    assert {"scipy", "numba", "qiskit-aer", "pandas", "pyarrow", "platform"} <= set(said)
