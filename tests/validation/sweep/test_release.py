"""Directories of release 0.1: both are reported for ever, and the sweep is extended while its stream is drawn still."""

import json
import shutil
from pathlib import Path

import pytest

from qntk.sampling import STREAM_VERSION

DATA = Path(__file__).parents[2] / "data" / "release-0.1"


@pytest.fixture
def sweep(tmp_path):
    return Path(shutil.copytree(DATA / "sweep", tmp_path / "sweep"))


def test_a_sweep_is_reported_with_the_verdicts_it_had(qntk, sweep, no_figures):
    """Estimates are the same. A verdict may only have become inconclusive, where draws are too few for the floor."""
    before = json.loads((sweep / "verdicts.json").read_text())["verdicts"]
    code, _, error = qntk("report", sweep)
    assert code == 0, error
    after = json.loads((sweep / "verdicts.json").read_text())["verdicts"]
    keys = ("ensemble", "observable", "qubits", "parameters", "statistic", "regime")
    assert [[row[k] for k in keys] for row in before] == [[row[k] for k in keys] for row in after]
    turned = [new["verdict"] for old, new in zip(before, after, strict=True) if old["verdict"] != new["verdict"]]
    assert set(turned) <= {"inconclusive"}
    assert len(turned) < len(before) / 20
    for old, new in zip(before, after, strict=True):  # a distance to a distribution is as good as its quadrature
        exact = 1e-4 if old["statistic"] == "distribution" else 1e-9
        assert new["estimate"] == pytest.approx(old["estimate"], rel=exact)


def test_a_sweep_is_extended_or_refused_with_the_reason(qntk, sweep, tmp_path):
    """One cell more; the circuit and the observable that lay in files come from the directory."""
    text = (sweep / "config.toml").read_text()
    (tmp_path / "more.toml").write_text(text.replace("parameters = [4, 8, 16]", "parameters = [4, 8, 16, 32]"))
    code, out, error = qntk("sweep", tmp_path / "more.toml", "--out", sweep, "--json")
    if json.loads((DATA / "sweep" / "manifest.json").read_text())["stream_version"] == STREAM_VERSION:
        assert code == 0, error
        assert json.loads(out) | {"seconds": 0} == {
            "schema_version": 1, "cells": 12, "drawn": 800, "resumed": 3400, "seconds": 0,
        }  # fmt: skip
    else:
        assert code == 2
        assert "stream" in error


def test_a_study_is_reported_without_training_again(qntk, tmp_path, no_figures):
    study = Path(shutil.copytree(DATA / "study", tmp_path / "study"))
    before = json.loads((study / "diagnostics.json").read_text())
    code, out, error = qntk("diagnose", study / "config.toml", "--out", study, "--json")
    assert code == 0, error
    after = json.loads(out)
    assert (after["trained"], after["resumed"]) == (0, 12)
    for old, new in zip(before["models"], after["models"], strict=True):
        assert (old["model"], old["depth"]) == (new["model"], new["depth"])
        assert old["lambda_max"] == pytest.approx(new["lambda_max"], rel=1e-9)
