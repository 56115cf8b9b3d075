"""The command line: documents, help, and one line for every mistake."""

import json

import pytest


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


@pytest.mark.parametrize("command", [[], ["predict"], ["sweep"], ["report"]])
def test_help_has_an_example(qntk, command):
    code, text, _ = qntk(*command, "--help")
    assert code == 0
    assert "Example" in text
    assert f"qntk {' '.join(command)}" in text


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
        (["report", "nowhere"], "holds no sweep"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(qntk, arguments, words):
    code, text, error = qntk(*arguments)
    assert (code, text) == (2, "")
    assert error.startswith("qntk: error: ")
    assert error.count("\n") == 1
    assert words in error


def test_version(qntk):
    assert qntk("--version")[1].startswith("qntk, version ")
