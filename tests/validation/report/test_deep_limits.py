"""Ansätze against the orbit law in a report: a regime of its own, that moves no other verdict."""

import json
from dataclasses import replace

import numpy as np
import pytest

from qntk.theory.circuits.orbit_law import OrbitMean
from qntk.validation.judge.step_down import step_down_level
from qntk.validation.report import deep_limits
from qntk.validation.report.findings import found
from qntk.validation.report.reach import reaches
from qntk.validation.report.results import evaluate
from qntk.validation.report.tables import frame, verdicts_document
from qntk.validation.sweep.config import SweepConfig
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store

GRID = [
    {"ensemble": ["haar-layers"], "qubits": [3], "parameters": [8], "observable": ["Z0"], "draws": 2000},
    {"ensemble": ["hva"], "qubits": [3], "layers": [1, 64], "observable": ["Z0"], "draws": 2000},
    {"ensemble": ["hea"], "qubits": [2], "layers": [64], "observable": ["Z0"], "draws": 2000},
    {"ensemble": ["matchgate", "ising-chain"], "qubits": [3], "layers": [96], "observable": ["Z0"], "draws": 2000},
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    config = SweepConfig(seed=8, family_error=0.01, margin={"mean": 0.1}, grid=GRID)
    made = Store.create(tmp_path_factory.mktemp("deep") / "run", config, "")
    run_sweep(made, workers=2, quiet=True)
    return made


@pytest.fixture(scope="module")
def results(store):
    return evaluate(store)


def by_cell(results):
    return {(r.cell.ensemble, r.cell.layers): r for r in results.cells}


def test_each_ansatz_is_held_against_its_own_limit(results):
    """2000 draws, error 0.01 for the four together: means see 6 %.

    Limits by hand: E g² = a z/4 · 4 with a, z = 1/2 · 3/4 of the 32 strings of the ring's orbit; and 8/15 · 1/5 of the
    15 quadratic ones of the matchgates."""
    cells = by_cell(results)
    assert cells["haar-layers", 0].orbit is None
    for key, law in ((("hva", 64), 384 / 16), (("hea", 64), None), (("matchgate", 96), 480 * 8 / 75)):
        result = cells[key]
        assert (result.orbit.regime, result.orbit.statistic, result.orbit.verdict) == ("orbit", "mean", "agree"), key
        wanted = result.law.mean().value if law is None else law
        assert result.orbit.prediction == pytest.approx(wanted, rel=1e-9)
    for name, haar in (("hea", "agree"), ("matchgate", "disagree")):
        assert next(r for key, r in cells.items() if key[0] == name).verdict("mean", "exact").verdict == haar
    assert cells["hva", 1].orbit.verdict == "disagree", "negative control: one layer is not deep"


def test_no_other_verdict_knows_of_it(results, store, monkeypatch):
    monkeypatch.setattr("qntk.validation.report.results.orbit_question", lambda cell, margin: None)
    without = evaluate(store)
    assert [(r.verdicts, r.own) for r in without.cells] == [(r.verdicts, r.own) for r in results.cells]
    assert without.intervals == results.intervals
    assert "orbit" not in without.promise()
    assert "their 5 intervals share another error of the same size" in results.promise()


def test_the_family_of_its_own_is_read_by_step_down(results):
    """Levels are α/(N - r) for r of N settled; a cell that may stop early keeps its share."""
    orbit = [r.orbit for r in results.cells if r.orbit]
    settled = sum(v.verdict != "inconclusive" for v in orbit)
    assert [v.level for v in orbit] == pytest.approx([0.01 / (len(orbit) - min(settled, len(orbit) - 1))] * 5)
    rows = [(r, deep_limits.orbit_question(r.cell, 0.1)) for r in results.cells if r.orbit]
    evidence = [{deep_limits.MEAN: r.summary.pivot("mean")} for r, _ in rows]
    asked = [(q, e, 1.0) for (_, q), e in zip(rows, evidence, strict=True)]
    early = [*asked[:-1], (*asked[-1][:2], 0.5)]
    settling = [q.settling(e[deep_limits.MEAN]) for q, e, _ in asked]
    assert deep_limits.orbit_levels(asked, 0.04) == [step_down_level(settling, 0.04)] * 5
    assert deep_limits.orbit_levels(early, 0.04) == pytest.approx([step_down_level(settling[:-1], 0.032)] * 4 + [0.004])


def test_documents_sentences_and_figures(results):
    document = json.loads(json.dumps(verdicts_document(results)))
    assert {row["regime"] for row in document["orbit"]} == {"orbit"}
    assert all(row["regime"] != "orbit" for row in (*document["verdicts"], *document["symmetric"]))
    reached = reaches(document["verdicts"], document["symmetric"], document["orbit"])
    told = dict(found(document["verdicts"], reached))
    assert "deep limit of its own, of orbits, at n = 3 from 64 layers on." in told["hva, Z0"]
    assert "of orbits" not in told["hea, Z0"]
    assert {r.ensemble: r.own_text for r in reached} == {
        "hva": "mean of orbits: agrees",
        "hea": "",
        "matchgate": "free fermions: open",
        "ising-chain": "free fermions: open",
    }
    table = frame(results).set_index(["ensemble", "layers"])
    assert table["mean_orbit"].notna().sum() == 5


def test_chains_are_held_against_the_law_of_free_fermions(results):
    """State vectors of 480 rotations, mean within 10 %; the fluctuation is not contradicted; no other ansatz has it."""
    document = verdicts_document(results)
    own = {(row["ensemble"], row["statistic"]): row for row in document["symmetric"]}
    assert {name for name, _ in own} == {"matchgate", "ising-chain"}
    assert {row["group"] for row in own.values()} == {"free fermions"}
    for name, mean in (("matchgate", 480 * 8 / 75), ("ising-chain", 480 / 18)):
        assert own[name, "mean"]["verdict"] == "agree"
        assert own[name, "mean"]["prediction"] == pytest.approx(mean)
        assert own[name, "relative_std"]["verdict"] != "disagree"
        assert own[name, "variance"]["verdict"] != "disagree"


def test_a_wrong_law_is_rejected(store, monkeypatch):
    """Negative control: twice the limit, of every ansatz."""
    right = OrbitMean.prediction

    def wrong(self):
        return replace(right(self), value=2 * self.value)

    deep_limits.orbit_question.cache_clear()
    monkeypatch.setattr(OrbitMean, "prediction", wrong)
    try:
        assert {r.orbit.verdict for r in evaluate(store).cells if r.orbit} == {"disagree"}
    finally:
        deep_limits.orbit_question.cache_clear()


def test_where_no_limit_is_known(store):
    """random-pauli turns about strings between Haar unitaries; Z0 has no gradient in QAOA's own input."""
    cell = replace(store.cells[1], observable="Z0")
    assert deep_limits.orbit_question(replace(cell, ensemble="random-pauli", layers=4, parameters=4), 0.1) is None
    assert deep_limits.orbit_question(replace(cell, ensemble="qaoa", layers=2, parameters=12), 0.1) is None
    assert np.isfinite(deep_limits.orbit_question(cell, 0.1).prediction.value)
