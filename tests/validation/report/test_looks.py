"""A second report on a directory that has grown since the first promises no error rate; one of the same plan does."""

import json
import re

import pytest

SWEEP = """
seed = 3
[[grid]]
ensemble = "haar-layers"
qubits = [2]
parameters = [4, 8]
observable = "Z0"
draws = 500
"""
VOID, PROMISE, UNFINISHED = "No error rate is promised", "not one verdict of this report is wrong", "is not finished"


@pytest.fixture
def report(qntk, tmp_path, monkeypatch):
    """Draw a configuration into a directory and report it: the promise, the same on all pages, and standard error."""
    monkeypatch.setattr("qntk.validation.report.write.save_figures", lambda results, directory: {})

    def run(text, out, draw=True):
        (tmp_path / "sweep.toml").write_text(text)
        if draw:
            assert qntk("sweep", tmp_path / "sweep.toml", "--out", out)[0] == 0
        code, _, error = qntk("report", out)
        assert code == 0, error
        promise = json.loads((out / "verdicts.json").read_text())["promise"]
        assert promise in (out / "report.md").read_text()
        assert promise in (out / "report.html").read_text().replace("&#39;", "'")
        return promise, error

    return run


def test_a_report_of_draws_added_after_a_look_promises_nothing(report, tmp_path):
    out, fresh = tmp_path / "run", tmp_path / "fresh"
    for _ in range(2):  # the same plan is no new look
        promise, error = report(SWEEP, out)
        assert PROMISE in promise
        assert VOID not in promise
        assert "promise" not in error
    more = SWEEP.replace("500", "900")
    for _ in range(2):
        promise, error = report(more, out)
        assert promise.startswith(f"{VOID}: this is look 2 ")
        assert PROMISE not in promise
        assert "warning" in error
        assert VOID.lower() in error.lower()
    wider = more.replace("[4, 8]", "[4, 8, 16]")
    assert "look 3" in report(wider, out)[0]
    assert PROMISE in report(wider, fresh)[0]
    looks = json.loads((out / "looks.json").read_text())["looks"]
    assert [(row["cells"], row["draws"]) for row in looks] == [(2, 1000), (2, 1800), (3, 2700)]


def test_a_report_of_an_unfinished_sweep_says_what_its_promise_asks_for(report, tmp_path):
    out = tmp_path / "run"
    assert UNFINISHED not in report(SWEEP, out)[0]
    next((out / "draws").iterdir()).unlink()
    promise, _ = report(SWEEP, out, draw=False)
    assert PROMISE in promise
    assert UNFINISHED in promise
    assert UNFINISHED not in report(SWEEP, out)[0]


@pytest.mark.parametrize("text", ["", "[]", '{"looks": [{}]}', '{"looks": 3}'])
def test_a_record_that_cannot_be_read_is_refused(qntk, report, tmp_path, text):
    out = tmp_path / "run"
    report(SWEEP, out)
    (out / "looks.json").write_text(text)
    code, _, error = qntk("report", out)
    assert code == 2
    assert re.search(r"looks\.json cannot be read", error)
    assert error.count("\n") == 1 or "weighing" in error
