"""Part of the committed diagnostics, made again: one model at its shallowest and deepest, and most random circuits.

22 of the verdicts follow from these alone and must come out the same. Floats that come from the kernel at
initialisation may differ by 1e-6 of themselves, as in ``test_redrawn``. Training at half the critical rate leaves the
region where kernels are frozen and multiplies round-off: angles moved by 1e-15 to 1e-12 of themselves move what is
measured after training by up to 0.5 % (its intervals by 0.8 %), and the bisected critical rate, where trial runs
decide, by 4 % (10 %). They may differ by 5 % and 20 %. All seeds are fixed: nothing fails by chance.
"""

import json
from dataclasses import asdict
from importlib.resources import files

import numpy as np
import pytest

from qntk.validation.diagnosis import study as diagnose
from qntk.validation.diagnosis.config import load_diagnose_config
from qntk.validation.diagnosis.questions import findings
from qntk.validation.diagnosis.report import model_row
from qntk.validation.diagnosis.study import run_study

MODEL = "low-hva"
CHAOTIC = {
    "final_loss": 0.05, "r2_train": 0.05, "r2_test": 0.05, "mean_abs_difference": 0.05, "kernel_drift": 0.05,
    "parameter_drift": 0.05, "measured_critical_ratio": 0.2, "mean_abs_difference_dressed": 0.05,
    "kernel_error_frozen": 0.05, "kernel_error_dressed": 0.05,
}  # fmt: skip
TRAINED = {
    "mean |prediction - model|, deepest over shallowest": 0.05,
    "bisected over 2/λ_max": 0.2,
    "bisected over 2/λ_max of the kernel dressed with the labels": 0.2,
    "‖K(end) - predicted‖, dressed over frozen": 0.05,
    "mean |prediction - model|, dressed over frozen": 0.05,
    "R², trained": 0.05,
    "loss over the prediction there": 0.05,
    "seen over predicted decay time, off 1 by a factor of, median over modes of at least 3 steps": 0.05,
}


@pytest.fixture(scope="module")
def configured(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("diagnostics") / "config.toml"
    path.write_text(text("diagnostics/config.toml"))
    return load_diagnose_config(path)


@pytest.fixture(scope="module")
def committed(text):
    return json.loads(text("diagnostics/diagnostics.json"))


@pytest.fixture(scope="module")
def mine(committed):
    """The committed findings that are judged again."""
    subjects = (f"{MODEL}, ", "Haar layers", "random Paulis", "update noise", "shots")
    findings = (f for f in committed["findings"] if f["subject"].startswith(subjects))
    return [f for f in findings if f["result"] != "beyond" and "η = " not in f["subject"]]


@pytest.fixture(scope="module")
def study(configured, committed, mine, tmp_path_factory):
    """The part of the study, at the level that its findings have among all."""
    config, toml = configured
    error = config.family_error * len(mine) / len(committed["findings"])
    change = {"random": config.random.model_copy(update={"ratios": []}), "sharpness": [], "family_error": error}
    part = config.model_copy(update=change | {"models": [MODEL], "depths": [5, 30]})
    return run_study(part, toml, tmp_path_factory.mktemp("study"), workers=2)


@pytest.fixture
def rows_differ(differences, committed):
    """Where the committed rows differ from those of trained models."""

    def lines(models):
        found = []
        for model in models:
            (row,) = (r for r in committed["models"] if (r["model"], r["depth"]) == (MODEL, model.network.depth))
            found += differences(row, model_row(model), lambda key: CHAOTIC.get(key, 1e-6))
        return found

    return lines


def test_rows_of_a_model_trained_again_are_the_committed_ones(rows_differ, study):
    assert rows_differ(study.models) == []


def test_other_angles_are_noticed(rows_differ, configured, tmp_path, monkeypatch):
    """Negative control: initial angles off by 1e-3 of themselves move the kernel at initialisation."""
    right = diagnose.initial_angles
    monkeypatch.setattr(diagnose, "initial_angles", lambda *a, **k: right(*a, **k) * 1.001)
    change = {"models": [MODEL], "depths": [5], "random": None, "sharpness": [], "steps": 1, "bisect_steps": 4}
    config, toml = configured
    study = run_study(config.model_copy(update=change), toml, tmp_path, workers=2)
    assert any(line.startswith("lambda_max") for line in rows_differ(study.models))


def test_verdicts_of_the_study_made_again_are_the_committed_ones(differences, mine, study):
    """With two planted changes as a negative control."""
    made = [asdict(finding) for finding in findings(study)]
    for finding in made:
        for name in ("interval", "accepted"):
            finding[name] = [end if np.isfinite(end) else None for end in finding[name]]

    def lines(committed):
        return [
            line
            for row, finding in zip(committed, made, strict=True)
            for line in differences(row, finding, TRAINED.get(finding["statistic"], 1e-6))
        ]

    assert len(made) == 22
    assert lines(mine) == []
    planted = [mine[0] | {"verdict": "disagree"}, *mine[1:-1], mine[-1] | {"estimate": 1.0001 * mine[-1]["estimate"]}]
    assert len(lines(planted)) == 2


def test_the_packaged_study_is_the_committed_one(text):
    packaged = files("qntk.validation").joinpath("default_diagnose.toml").read_text(encoding="utf-8")
    assert packaged == text("diagnostics/config.toml")
