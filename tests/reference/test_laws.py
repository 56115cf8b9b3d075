"""The page on the reach of the laws is what its generator makes of the committed study, and changes with it."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator():
    return runpy.run_path(str(ROOT / "reports" / "laws.py"))


@pytest.fixture
def study(text):
    return json.loads(text("diagnostics/diagnostics.json"))


def test_the_page_is_that_of_the_committed_study(generator, study):
    """``python reports/laws.py`` writes it anew."""
    assert (ROOT / "docs" / "laws.md").read_text(encoding="utf-8") == generator["page"](study)


def test_a_changed_study_changes_the_page(generator, study):
    """Negative control: a number of a model, a verdict, and a row of random circuits."""
    before = generator["page"](study)
    study["models"][0]["kernel_error_dressed"] = 0.123
    changed = generator["page"](study)
    assert changed != before
    assert "0.12 [" in changed
    beyond = [f for f in study["findings"] if f["result"] == "beyond"]
    beyond[0]["estimate"] = 0.777
    assert "(0.777)" in generator["page"](study)
    numbers = {f"{q}_{law}": 0.5 for q in ("output", "kernel") for law in generator["LAWS"]}
    study["laws"] = [{"qubits": 5, "ratio": 9, "target": 1.0, "circuits": 7, **numbers}]
    assert "| 5 | 9 | 1 | 7 | 0.5 |" in generator["page"](study)
