"""What a study's page begins with follows from its verdicts."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest

from qntk.validation.report.reasons import _chosen
from qntk.validation.report.statements import found, spread, statement_rows, study_beside
from qntk.validation.sweep.config import HAAR_LAYERS


def findings(statement, verdicts, estimates=None):
    return [
        {"result": "I", "statement": statement, "statistic": "s", "subject": f"m{i}", "verdict": v, "estimate": e}
        for i, (v, e) in enumerate(zip(verdicts, estimates or range(1, 9), strict=False))
    ]


ROWS = statement_rows(
    findings("all agree", ["agree", "agree"], [1.0, 2.0])
    + findings("one differs", ["agree", "disagree"])
    + findings("none agrees", ["disagree", "inconclusive"], [0.5, 0.5])
    + findings("nothing is known", ["inconclusive"])
    + findings("the dressed kernel is right", ["agree"], [0.1])
    + findings("its first correction is right", ["disagree"], [3.0])
)


def test_outcomes():
    assert [row["outcome"] for row in ROWS] == ["holds", "mixed", "fails", "open", "holds", "fails"]
    assert ROWS[0]["counts"] == Counter(agree=2)
    assert ROWS[1]["subjects"] == {"agree": ["m0 (1)"], "disagree": ["m1 (2)"]}
    assert [spread(row) for row in ROWS[:3]] == ["1 to 2", "1 to 2", "0.5"]


def test_every_outcome_is_told_where_it_belongs():
    assert found(ROWS) == [
        ("Where frozen training ends, it is not true that", "none agrees (0.5)."),
        ("What replaces it:", "the dressed kernel is right (0.1)."),
        ("Even then it is not true that", "its first correction is right (3)."),
        ("Holds:", "all agree (1 to 2)."),
        ("For some models only", "1 statements hold; 1 are open."),
    ]


def test_a_study_in_which_all_holds_says_only_that():
    assert found(ROWS[:1]) == [("Holds:", "all agree (1 to 2).")]
    assert found([]) == []


def test_a_study_beside_a_sweep_is_found_and_a_broken_one_refused(tmp_path):
    """In the directory ``diagnostics`` next to the sweep's, as ``make reference`` lays them."""
    assert study_beside(tmp_path / "default") is None
    (tmp_path / "diagnostics").mkdir()
    document = tmp_path / "diagnostics" / "diagnostics.json"
    rows = findings("the rate is 2/λ_max", ["disagree"], [1.5]) + findings("λ_min grows", ["agree"], [3.0])
    document.write_text(json.dumps({"title": "mine", "findings": rows}), encoding="utf-8")
    told = study_beside(tmp_path / "default")
    assert (told["title"], told["page"]) == ("mine", "../diagnostics/diagnostics.html")
    assert told["found"] == found(statement_rows(rows))
    for text in ("{", '{"title": "mine"}', "[]"):
        document.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"diagnostics\.json is not a document of 'qntk diagnose'"):
            study_beside(tmp_path / "default")


def test_why_is_asked_of_the_fewest_and_the_most_qubits_at_their_deepest():
    """Of each ansatz and observable that is off the law; not of Haar layers."""

    def said(verdict):
        return lambda statistic, regime: SimpleNamespace(verdict=verdict)

    cells = [("hea", n, L, "disagree") for n in (3, 2, 4) for L in (8, 16)]
    cells += [("hea", 5, 8, "agree"), (HAAR_LAYERS, 2, 8, "disagree")]
    results = [
        SimpleNamespace(
            cell=SimpleNamespace(ensemble=name, observable="Z0", qubits=n, parameters=L, dimension=2**n),
            verdict=said(verdict),
        )
        for name, n, L, verdict in cells
    ]
    assert [(r.cell.qubits, r.cell.parameters) for r in _chosen(results)] == [(2, 16), (4, 16)]
