"""What the documentation shows is what happens: its Python, its commands and what they print, its configurations.

A page is run from top to bottom in a directory of its own. Blocks in ``python`` share one namespace; with ``def test_``
in them they go to pytest. A first line ``# name.toml`` or ``# name.py`` says that a block is that file. Every line of a
``console`` block (or an indented one) is run in this process, and what is shown below a ``$ `` must be printed, with
``...`` for anything. A block in any other language is on the list of what is not run, with its reason.
"""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from docs_reader import NOT_RUN, PACKAGED, PAGES, ROOT, Block, Reader, blocks, commands

from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import load_config


@pytest.fixture
def reader(tmp_path, monkeypatch, capsys):
    """One in an empty directory, where the packaged defaults are small."""
    packaged, here, known = tmp_path / "packaged", tmp_path / "here", set(sys.modules)
    packaged.mkdir(), here.mkdir()
    for name, text in PACKAGED.items():
        (packaged / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr("qntk.inputs.toml.resources", SimpleNamespace(files=lambda package: packaged))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(here)
    made = Reader("", capsys)
    yield made
    for process in reversed(made.background):
        process.terminate()
        process.wait(timeout=20)
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(here)):
            del sys.modules[name]


def readme(done):
    """Each of the four intervals misses with probability 0.0025; the seed in the README is fixed."""
    moments = [line for line in done.printed[0].splitlines() if line.startswith(("mean", "variance", "relative_std"))]
    assert len(moments) == 9
    assert all(" disagree " not in line for line in moments if " exact " in line)
    assert len(expand(load_config(Path("mine.toml"))[0])) == 16


def python_api(done):
    shapes = [done.scope[name].shape for name in ("outputs", "jacobian", "kernel", "mu", "covariance")]
    assert shapes == [(10, 5), (10, 5, 4), (10, 5, 5), (10, 5), (3, 3, 3, 3)]
    assert (done.scope["depth"], done.scope["never"]) == (206, None)
    assert 0 < done.scope["low"] < done.scope["median"] < done.scope["high"]


CHECKS = {"README.md": readme, "docs/python-api.md": python_api}
"""What else holds when a page has been read."""


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_is_what_happens(page, reader):
    reader.page = page
    found = [block for block in blocks(page) if not block.tests]
    for block in found:
        if block.name:
            Path(block.name).write_text(block.text, encoding="utf-8")
    for block in found:
        reader.read(block)
    CHECKS.get(page, lambda done: None)(reader)


def test_every_test_on_the_pages_passes(pytester, plugin):
    """Each assertion fails by chance with the probability that it says, 1e-6 at most; the node ids are fixed."""
    found = [(page, block.text) for page in PAGES for block in blocks(page) if block.tests]
    names = [f"test_{number}_{re.sub(r'[^a-z]', '_', Path(page).stem)}" for number, (page, _) in enumerate(found)]
    pytester.makepyfile(**{name: text for name, (_, text) in zip(names, found, strict=True)})
    pytester.makeconftest("import hypothesis\nhypothesis.settings.register_profile('docs', deadline=None)\n"
                          "hypothesis.settings.load_profile('docs')")  # fmt: skip
    result = pytester.runpytest_subprocess("--import-mode=importlib", *plugin)
    result.assert_outcomes(passed=sum(text.count("def test_") for _, text in found))


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (Block("console", "$ qntk predict --qubits 2 --params 4 --observable Z0\nHaar layers, n = 3 ...\n"), "shown"),
        (Block("console", "$ qntk predict --qubits 2\n"), "exit code 2"),
        (Block("console", "make nothing\n"), "the Makefile has no"),
        (Block("console", "$ curl example.org\n"), "nobody runs"),
        (Block("slurm", "#SBATCH\n"), "nobody runs"),
        (Block("python", "assert False, 'wrong'\n"), "wrong"),
    ],
)
def test_what_is_not_so_is_noticed(block, why, reader):
    """Negative control, one for each way in which a page can be wrong."""
    with pytest.raises(AssertionError, match=why):
        reader.read(block)


def test_nothing_is_excused_that_is_not_there():
    """The list does not outlive the lines that it names."""
    lines = set()
    for page in PAGES:
        for block in blocks(page):
            lines.add((page, block.text.partition("\n")[0]))
            lines |= {(page, line) for line, _ in commands(block.text)} if block.language == "console" else set()
    assert set(NOT_RUN) <= lines


@pytest.mark.parametrize("page", ["docs/theory.md", "docs/statistics.md", "CONTRIBUTING.md", "README.md"])
def test_the_tests_that_a_page_names_are_there(page):
    """Named from ``tests/`` or the root, or by a bare name that some folder of the tests has."""
    for name in re.findall(r"`([\w/]*test_\w+\.py)`", (ROOT / page).read_text(encoding="utf-8")):
        there = [(ROOT / name), (ROOT / "tests" / name), *(() if "/" in name else (ROOT / "tests").rglob(name))]
        assert any(path.is_file() for path in there), f"{page} names {name}"


def test_every_kind_of_check_has_the_control_that_the_page_names():
    """Each row of the table names functions of the test files that stand before them."""
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    table = text.partition("has a control that must fail\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 30
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)`: ((?:`test_\w+`(?:, )?)+)", row)
        assert named, row
        for file, tests in named:
            source = (ROOT / "tests" / file).read_text(encoding="utf-8")
            for test in re.findall(r"`(test_\w+)`", tests):
                assert f"def {test}(" in source, f"{file} has no {test}"
