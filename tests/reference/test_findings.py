"""The page of findings is what its generator makes of the committed documents, and changes with them."""

import runpy
from pathlib import Path

import pytest

import qntk

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator():
    return runpy.run_path(str(ROOT / "reports" / "findings.py"))


def test_the_page_is_that_of_the_committed_documents(generator):
    """``python reports/findings.py`` writes it anew."""
    assert (ROOT / "docs" / "findings.md").read_text(encoding="utf-8") == generator["page"](*generator["documents"]())


@pytest.mark.parametrize("changed", ["verdict", "estimate", "finding", "fingerprint"])
def test_a_changed_document_changes_the_page(generator, changed):
    """Negative control: one entry of a document."""
    sweep, study = generator["documents"]()
    before = generator["page"](sweep, study)
    haar = [r for r in sweep["verdicts"] if (r["statistic"], r["regime"]) == ("variance", "exact")]
    if changed == "verdict":
        haar[0]["verdict"] = "disagree"
    elif changed == "estimate":
        haar[0]["estimate"] *= 2
    elif changed == "finding":
        study["findings"][0]["verdict"] = "disagree"
    else:
        sweep["fingerprint"] = "0" + sweep["fingerprint"]
    after = generator["page"](sweep, study)
    assert after != before
    if changed == "verdict":
        assert "fail in 1 of the 122 cells of Haar layers; they hold in 121" in after


def test_every_claim_on_haar_layers_and_every_statement_on_training_is_there(generator):
    """Counted by hand: a claim that no table names would be lost in silence."""
    sweep, study = generator["documents"]()
    named = {*generator["STATED"], *generator["EXACT"]}
    claims = {(r["quantity"], r["statistic"], r["regime"]) for r in sweep["verdicts"] if r["ensemble"] == "haar-layers"}
    assert claims - named == {("kernel", "mean", "independent"), ("kernel", "relative_std", "independent")}
    section = generator["page"](sweep, study).split("## What is said of training")[1].split("\n## ")[0]
    assert sum(line.startswith("| ") for line in section.splitlines()) - 1 == len(
        {f["statement"] for f in study["findings"]}
    )


def test_every_statement_of_the_theory_has_a_verdict_or_a_test_that_is_there(generator):
    """The theory's table row by row; the negative control is a row that nobody names."""
    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    table = text.split("## What the papers state")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ")[0] for line in table.splitlines() if line.startswith("| ")][1:]
    named = [statement for statement, _ in generator["verified"]()]
    judged = [row for row in rows if row not in named]
    assert len(named) == len(generator["VERIFIED"]) == len(rows) - 3
    for row, symbol in zip(judged, (r"\bar K", r"Var}K", r"\Delta\mu"), strict=True):
        assert symbol in row
    for _, (_, test) in generator["verified"]():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_what_a_row_says_to_do_again_gives_its_verdict(generator):
    """Each call of a small cell, on draws of another seed than the sweep's; the rest is read."""
    sweep, study = generator["documents"]()
    page = generator["page"](sweep, study)
    done = 0
    for law in generator["law_rows"](sweep["verdicts"]):
        off = law["worst"]
        if law["claim"] not in {**generator["STATED"], **generator["EXACT"]} or not off:
            continue
        call = generator["again"](law["claim"], off)
        assert f"`{call}` |" in page
        if done < 3 and off["qubits"] <= 3 and off["parameters"] <= 32 and call.startswith("qntk.compare"):
            found = eval(call, {"qntk": qntk}).to_dict()["verdicts"]
            verdict = next(v for v in found if (v["statistic"], v["regime"]) == law["claim"][1:])
            assert verdict["verdict"] == off["verdict"]
            assert verdict["prediction"] == pytest.approx(off["prediction"], rel=1e-12)
            done += 1
    assert done == 3
    rows = [line for line in page.splitlines() if line.startswith("| ") and "agree / inconclusive" not in line]
    tables = page.split("## What the papers state")[1].split("## How deep")[0]
    assert all(line.endswith("` |") for line in rows if line in tables and "again |" not in line)
