"""The article: it is typeset where there is an engine, and every number in it comes from the committed documents."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAPER = Path(__file__).parents[2] / "reports" / "paper"
WITHOUT = "make paper needs the typesetter Typst, and it is not installed: pip install typst"
ENGINE = importlib.util.find_spec("typst") is not None


@pytest.fixture
def article(monkeypatch):
    """The module that typesets, with the one that reads the documents beside it."""
    monkeypatch.syspath_prepend(str(PAPER))
    spec = importlib.util.spec_from_file_location("article", PAPER / "article.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["quoted"]


@pytest.fixture
def typeset(article, tmp_path):
    """Bytes of the PDF of some documents; without an engine, what is said instead."""

    def of(documents):
        article.typeset(documents, tmp_path / "article.pdf")
        return (tmp_path / "article.pdf").read_bytes()

    return of


def test_it_is_typeset_with_the_same_bytes_twice_and_in_a_few_pages(article, typeset):
    if not ENGINE:
        with pytest.raises(ValueError, match=WITHOUT):
            typeset(article.documents())
        return
    pdf = typeset(article.documents())
    assert pdf.startswith(b"%PDF")
    assert pdf == typeset(article.documents())
    assert 5 <= len(re.findall(rb"/Type */Page\b", pdf)) <= 8


def test_without_an_engine_one_line_says_so():
    code = "import sys; sys.modules['typst'] = None; sys.argv = ['article.py']; import article; article.main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=PAPER, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", WITHOUT + "\n")


def test_prose_has_no_number_of_its_own():
    """What is left of the text without formulas, names and lengths has no digit; one that is planted is seen."""
    text = (PAPER / "article.typ").read_text(encoding="utf-8")

    def digits(text):
        prose = text.partition("#place(top")[2]
        lengths = (r"-?[\d.]+(pt|em|fr|cm)\b", r"width: \d+%", r"(text-then|even-after)\(\d")
        for taken in (r'"[^"]*"', r"\$[^$]*\$", r"@\w+", *lengths):
            prose = re.sub(taken, "", prose)
        return [line for line in prose.splitlines() if re.search(r"\d", line)]

    assert digits(text) == []
    assert digits(text.replace("A law that is a limit ends", "122 cells agree. A law that is a limit ends"))


def test_a_changed_document_changes_the_article(article, typeset):
    """Negative control: one entry of each document, and what the article says of it."""
    documents, quoted = article.documents, article.quoted
    before = quoted(documents())
    pdfs = {typeset(documents()) if ENGINE else b""}

    def planted(document, change):
        changed = documents()
        change(changed[document])
        said = quoted(changed)
        assert said != before
        if ENGINE:
            pdfs.add(typeset(changed))
        return said

    def exact(sweep):
        return next(r for r in sweep["verdicts"] if (r["statistic"], r["regime"]) == ("variance", "exact"))

    said = planted("sweep", lambda d: exact(d).update(verdict="disagree"))
    assert int(said["haar"]["held"]) == int(before["haar"]["held"]) - 1
    assert said["laws"]["kernel variance exact"]["disagree"] == "1"
    said = planted("scaling", lambda d: d["exponents"][2].update(best=-0.123))
    assert said["exponents"]["ΔK/K̄ L Z0 n = 2"]["fitted"] == "−0.123"
    said = planted("calibration", lambda d: d["controls"][0].update(caught=False))
    assert int(said["calibration"]["caught"]) == int(before["calibration"]["caught"]) - 1
    said = planted("study", lambda d: d["findings"][0].update(verdict="disagree"))
    assert said["tables"]["statements"][1] != before["tables"]["statements"][1]
    assert len(pdfs) == (5 if ENGINE else 1)


def test_a_number_that_the_documents_lack_stops_it(article, typeset):
    if ENGINE:
        changed = article.documents()
        changed["sweep"]["verdicts"] = [r for r in changed["sweep"]["verdicts"] if r["quantity"] != "dqntk"]
        with pytest.raises(ValueError, match=r"cannot be typeset: .*dqntk"):
            typeset(changed)
