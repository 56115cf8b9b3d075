"""The pages of the committed report tell what its documents hold, so that neither is older than the other."""

import json
import re
from collections import Counter, defaultdict

import pytest


@pytest.fixture
def documents(document):
    return document("default/verdicts.json"), document("default/scaling.json")


def test_the_counts_of_the_report_are_those_of_the_verdicts(documents, text):
    """Each row of "Verdicts by claim": ensemble, observable, cells, and agree / inconclusive / disagree by claim."""
    section = text("default/report.md").split("## Verdicts by claim")[1].split("\n## ")[0]
    header, _, *lines = [re.split(r"\s*\|\s*", line.strip("| ")) for line in re.findall(r"^\|.*$", section, re.M)]
    names = {"ΔK/K̄": "relative_std", "published": "asymptotic"}
    claims = [tuple(names.get(word, word) for word in title.split(", ")) for title in header[3:]]
    tally = defaultdict(Counter)
    for row in documents[0]["verdicts"]:
        if row["quantity"] == "kernel":
            tally[row["ensemble"], row["observable"], row["statistic"], row["regime"]][row["verdict"]] += 1
    assert {tuple(line[:2]) for line in lines} == {key[:2] for key in tally}
    for ensemble, observable, count, *shown in lines:
        for claim, told in zip(claims, shown, strict=True):
            counts = tally[ensemble, observable, *claim]
            assert told == " / ".join(str(counts[v]) for v in ("agree", "inconclusive", "disagree")), claim
            assert counts.total() == int(count)


def test_the_pages_hold_the_documents_verdicts(documents, text):
    """The ledger that the HTML holds has a row for each verdict of both documents."""
    verdicts, scaling = documents
    page = text("default/report.html")
    counts = Counter(row["verdict"] for key in ("verdicts", "symmetric", "orbit") for row in verdicts[key])
    counts += Counter(v["verdict"] for row in scaling["exponents"] for v in row["verdicts"].values())
    ledger = json.loads(page.split('id="ledger-data">')[1].split("</script>")[0])
    assert Counter(ledger["words"]["verdict"][i] for i in ledger["columns"]["verdict"]) == counts
    assert {len(column) for column in ledger["columns"].values()} == {counts.total()}


def test_the_promise_is_the_same_everywhere(documents, text):
    """Number of intervals, error and levels."""
    promise = documents[0]["promise"]
    assert promise in text("default/report.md")
    assert promise in text("default/report.html").replace("&#39;", "'")
