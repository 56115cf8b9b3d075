"""Where a law holds, of verdicts that were made up so that the answer is known."""

import json
from collections import Counter
from pathlib import Path

import pytest

from qntk.validation.report.findings import found, law_rows
from qntk.validation.report.reach import reaches
from qntk.validation.report.regions import region, worst

SIZES = [(L, 2**n) for L in (4, 8, 16, 32, 64, 128) for n in (2, 3, 4, 5, 6)]
COMMITTED = Path(__file__).parents[3] / "reports" / "default" / "verdicts.json"


def rows(verdict, sizes=SIZES, **more):
    """Rows of a law whose verdict is a function of L and D."""
    made = {"ensemble": "haar-layers", "observable": "Z0", "quantity": "kernel", "statistic": "mean"}
    made |= {"regime": "asymptotic", "margin_kind": "relative", "prediction": 1.0, "estimate": 1.0}
    return [
        made | {"parameters": L, "dimension": D, "qubits": D.bit_length() - 1, "verdict": verdict(L, D)} | more
        | {"cell": f"{L}-{D}"}
        for L, D in sizes
    ]  # fmt: skip


def ends(low, high, size):
    """Agree up to a size, disagree from another on."""
    return lambda L, D: "agree" if size(L, D) <= low else "disagree" if size(L, D) >= high else "inconclusive"


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (lambda L, D: "agree", "holds in every cell"),
        (lambda L, D: "disagree", "fails in every cell"),
        (ends(-32, -8, lambda L, D: -D), "holds for D ≥ 32, fails for D ≤ 8"),
        (ends(0.25, 4, lambda L, D: L / D), "holds for L ≤ D/4, fails for L ≥ 4D"),
        (ends(1 / 16, 0.25, lambda L, D: L / D**2), "holds for L ≤ D²/16, fails for L ≥ D²/4"),
        (lambda L, D: "agree" if L <= D else "inconclusive", "holds for L ≤ D"),
        (lambda L, D: "agree" if (L, D) == (4, 64) else "disagree", "fails for L ≥ D/8"),
    ],
)
def test_a_region_that_was_planted_is_found(verdict, text):
    assert region(rows(verdict)).text() == text


def test_what_has_no_region_says_so():
    """Negative control: verdicts that go with no size."""
    mixed = rows(lambda L, D: "agree" if (L.bit_length() + D.bit_length()) % 2 else "disagree")
    found = region(mixed)
    assert (found.variable, found.holds, found.fails) == ("", None, None)
    assert found.text() == "agrees in 15 and disagrees in 15 of 30 cells, in no one region"


def test_one_cell_against_the_grain_moves_the_edge():
    """A region is of the cells, not of most of them."""
    planted = rows(ends(-32, -8, lambda L, D: -D))
    next(r for r in planted if (r["parameters"], r["dimension"]) == (4, 32))["verdict"] = "inconclusive"
    assert region(planted).holds == 64


def test_the_furthest_off_is_so_in_either_direction():
    one, other = rows(lambda L, D: "disagree", SIZES[:2])
    assert worst([one | {"estimate": 0.2}, other | {"estimate": 3.0}])["estimate"] == 0.2
    assert worst([one | {"prediction": 0.0}]) is None


def test_sentences_of_a_sweep_without_haar_layers_or_without_ansaetze():
    haar = rows(lambda L, D: "agree", regime="exact") + rows(lambda L, D: "disagree")
    headings = [heading for heading, _ in found(haar, [])]
    assert headings == ["The exact laws", "The published laws"]
    moments = ("mean", "variance", "relative_std")
    deep = [
        row
        for layers, verdict in ((1, "disagree"), (2, "agree"), (4, "agree"))
        for s in moments
        for row in rows(lambda L, D, v=verdict: v, [(4 * layers, 4)], regime="exact", statistic=s, ensemble="hea")
        for _ in [row.update(layers=layers)]
    ]
    told = found(deep, reaches(deep, []))
    assert told == [("hea, Z0", "reaches the exact law of Haar layers at n = 2 from 2 layers on.")]
    deep[-1]["verdict"] = "inconclusive"
    assert found(deep, reaches(deep, []))[0][1] == "undecided at n = 2."


def test_regions_of_the_committed_report_hold_for_every_cell_in_them():
    """By a count of its own, from the words: no cell inside a region says otherwise."""
    verdicts = json.loads(COMMITTED.read_text(encoding="utf-8"))["verdicts"]
    names = {"published mean of K": ("mean", "asymptotic"), "independent variance of K": ("variance", "independent")}
    told = {(row["law"], *row["observables"]): row for row in law_rows(verdicts)}
    haar = [r for r in verdicts if r["ensemble"] == "haar-layers" and r["quantity"] == "kernel"]
    mean = told["published mean of K", "Z0", "Ising chain, J = h = 1", "projector of rank 1"]
    those = [r for r in haar if (r["statistic"], r["regime"]) == names["published mean of K"]]
    assert mean["where"] == "holds for D ≥ 32, fails for D ≤ 8"
    assert {r["verdict"] for r in those if r["dimension"] >= 32} == {"agree"}
    assert {r["verdict"] for r in those if r["dimension"] <= 8} == {"disagree"}
    assert mean["counts"] == Counter(r["verdict"] for r in those)
    variance = told["independent variance of K", "Z0"]
    those = [r for r in haar if (r["statistic"], r["regime"]) == names["independent variance of K"]]
    those = [r for r in those if r["observable"] == "Z0"]
    assert variance["where"] == "holds for L ≤ D²/16, fails for L ≥ D²/4"
    assert {r["verdict"] for r in those if 16 * r["parameters"] <= r["dimension"] ** 2} == {"agree"}
    assert {r["verdict"] for r in those if 4 * r["parameters"] >= r["dimension"] ** 2} == {"disagree"}
