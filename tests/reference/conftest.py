"""The committed report, its configuration, and what a difference between two documents is."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.drawing import draw_chunk

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.fixture(scope="session")
def text():
    """The text of a committed file."""
    return lambda name: (REPORTS / name).read_text(encoding="utf-8")


@pytest.fixture
def document(text):
    """A committed document, parsed anew, to look at and to change."""
    return lambda name: json.loads(text(name))


@pytest.fixture(scope="session")
def config():
    return load_config(REPORTS / "default" / "config.toml")[0]


@pytest.fixture(scope="session")
def cells(config):
    """All cells of the committed report."""
    return expand(config)


@pytest.fixture(scope="session")
def columns():
    """Cells to their draws by quantity, drawn by the code."""
    names = {"kernel": "kernel", "dqntk": "dqntk", "cross_kernel": "cross"}

    def of_one(cell):
        draws = [draw_chunk(cell, chunk) for chunk in range(len(cell.chunks))]
        return {q: np.concatenate([getattr(d, names[q]) for d in draws]) for q in cell.quantities}

    def of(cells):
        with ThreadPoolExecutor(2) as pool:
            return dict(zip(cells, pool.map(of_one, cells), strict=True))

    return of


@pytest.fixture(scope="session")
def differences():
    """Where two values of a document differ: words and whole numbers at all, floats by more than ``rel`` of themselves.

    A dictionary is compared in the keys of the second. ``rel`` may be a function of the innermost key.
    """

    def lines(committed, mine, rel=1e-6, key=""):
        if isinstance(mine, dict):
            for name, value in mine.items():
                yield from (f"{name}: {line}" for line in lines(committed[name], value, rel, name))
        elif isinstance(mine, list | tuple):
            if len(committed) != len(mine):
                yield f"{len(committed)} entries, not {len(mine)}"
            for one, other in zip(committed, mine, strict=False):
                yield from lines(one, other, rel, key)
        elif isinstance(mine, float) and isinstance(committed, float):
            allowed = rel(key) if callable(rel) else rel
            if not math.isclose(committed, mine, rel_tol=allowed, abs_tol=1e-12):
                yield f"{committed}, not {mine}"
        elif committed != mine:
            yield f"{committed}, not {mine}"

    return lambda *arguments, **options: list(lines(*arguments, **options))
