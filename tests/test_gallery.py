"""The gallery: every notebook runs from top to bottom, in a dozen lines of code at most, and makes a picture."""

import ast
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

PAGES = sorted(p for p in (Path(__file__).parents[1] / "docs" / "gallery").glob("*.md") if p.stem != "index")
CELLS = re.compile(r"^```\{code-cell\} python\n(.*?)^```", re.MULTILINE | re.DOTALL)
JOBS = 10


def cells(page):
    return CELLS.findall(page.read_text(encoding="utf-8"))


def lines(page):
    """Lines of code, without blank ones and comments."""
    return [line for cell in cells(page) for line in cell.splitlines() if re.match(r"\s*[^#\s]", line)]


def test_there_is_a_notebook_for_each_job():
    assert len(PAGES) == JOBS
    for page in PAGES:
        assert len(lines(page)) <= 12, page.name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_notebook_runs_and_makes_a_picture(page):
    if "qiskit_machine_learning" in page.read_text(encoding="utf-8"):
        pytest.importorskip("qiskit_machine_learning", reason="qiskit-machine-learning is not installed (extra qml)")
    plt.close("all")
    scope = {}
    for cell in cells(page):
        code = ast.parse(cell)
        exec(compile(code, page.name, "exec"), scope)
    assert plt.get_fignums()
    assert all(axes.lines or axes.patches or axes.collections for axes in plt.gcf().axes)
    plt.close("all")
