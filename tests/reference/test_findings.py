"""The page of findings is what its generator makes of the committed documents, and changes with them."""

import runpy
from pathlib import Path

import pytest

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
