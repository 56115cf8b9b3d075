"""How far a sweep is: what a run shows, and what ``qntk status`` makes of a directory."""

import json

import pytest

from qntk.validation.report.results import evaluate
from qntk.validation.sweep import progress as progress_module
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store


def status(qntk, out):
    code, text, _ = qntk("status", out, "--json")
    assert code == 0
    return json.loads(text)


def test_status_counts_what_is_there(qntk, config, tmp_path):
    out = tmp_path / "run"
    Store.create(out, *load_config(config))
    empty = status(qntk, out)
    assert (empty["cells"], empty["finished"], empty["drawn"], empty["planned"]) == (14, 0, 0, 42_000)
    assert (empty["running"], empty["judged"]) == (False, 0)
    qntk("sweep", config, "--out", out)
    full = status(qntk, out)
    assert (full["finished"], full["drawn"], full["judged"]) == (14, 42_000, 14)
    next((out / "draws").iterdir()).unlink()
    assert (status(qntk, out)["drawn"], status(qntk, out)["finished"]) == (39_000, 13)
    config.write_text(config.read_text().replace("draws = 3_000", "draws = 4_000"))
    Store.create(out, *load_config(config))
    raised = status(qntk, out)
    assert (raised["drawn"], raised["planned"], raised["finished"]) == (39_000, 56_000, 0)


def test_the_verdicts_counted_are_those_of_the_report(qntk, config, tmp_path):
    """At its Bonferroni share a verdict that is settled is the report's; step-down may settle more."""
    out = tmp_path / "run"
    qntk("sweep", config, "--out", out)
    counted = status(qntk, out)["verdicts"]
    rows = [verdict for cell in evaluate(Store.open(out)).cells for verdict in cell.verdicts]
    exact = [v.verdict for v in rows if v.regime == "exact" and v.statistic != "distribution"]
    assert sum(counted.values()) == len(exact) == 42
    for outcome in ("agree", "disagree"):
        assert 0 < counted[outcome] <= exact.count(outcome)


def test_a_cell_that_stopped_early_is_finished_where_it_stopped(qntk, tmp_path):
    """One layer of the ansatz is so far from the law that the first look shows it."""
    config, out = tmp_path / "looks.toml", tmp_path / "run"
    config.write_text(
        'seed = 3\n[[grid]]\nensemble = "hea"\nqubits = 4\nlayers = [1, 16]\nobservable = "Z0"\n'
        "draws = 30_000\nlooks = 4\n"
    )
    done = json.loads(qntk("sweep", config, "--out", out, "--json")[1])
    assert done["drawn"] < 60_000
    found = status(qntk, out)
    assert (found["finished"], found["drawn"], found["planned"]) == (2, done["drawn"], done["drawn"])
    assert json.loads(qntk("sweep", config, "--out", out, "--json")[1])["drawn"] == 0


def test_plain_lines_where_there_is_no_terminal(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "_LINE_SECONDS", 0.0)
    run_sweep(Store.create(tmp_path / "run", *load_config(config)))
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all("/14 cells, " in line and " draws/s, about " in line and " inconclusive" in line for line in lines)
    assert "\r" not in "".join(lines)


def test_a_bar_on_a_terminal(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run_sweep(Store.create(tmp_path / "run", *load_config(config)))
    last = capsys.readouterr().err.split("\r")[-1]
    assert "14/14 cells: 100%" in last
    assert "42,000 draws" in last
    assert " agree, " in last


def test_seconds_are_told_in_words():
    told = [progress_module.duration(seconds) for seconds in (5.2, 720, 36_000)]
    assert told == ["5 s", "12 min", "10.0 h"]


@pytest.mark.parametrize("content", [None, "hello"])
def test_no_sweep_is_said_in_one_line(qntk, tmp_path, content):
    if content:
        (tmp_path / "manifest.json").write_text(content)
    code, text, error = qntk("status", tmp_path)
    assert (code, text, error.count("\n")) == (2, "", 1)
