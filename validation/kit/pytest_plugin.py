"""pytest plugin ``qntk``: a seed for each test, the same in every run, and another with ``--qntk-seed``.

It is loaded by pytest in every project beside which the package is installed: it imports nothing but pytest and the
standard library before a test asks for a fixture.

A test that fails says its seed in a section of its output. The seed of a test is the first 63 bits of the SHA-256 of
its node id, after the root and a newline where there is a root: tests have streams of their own, which do not depend
on the order in which they run, nor on each other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import numpy as np

_USED = pytest.StashKey[int]()
_VARIABLE = "QNTK_SEED"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--qntk-seed N``; the environment variable ``QNTK_SEED`` where it is not given."""
    parser.getgroup("qntk").addoption(
        "--qntk-seed",
        metavar="N",
        help=f"whole number that gives every test another seed, as for a nightly run (default: ${_VARIABLE}, or none)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a root that is no whole number before any test runs."""
    _root(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """The root, where there is one."""
    root = _root(config)
    return None if root is None else f"qntk seed: {root}"


@pytest.fixture
def qntk_seed(request: pytest.FixtureRequest) -> int:
    """Seed of this test, from 0 up to 2^63: of its node id, and of ``--qntk-seed`` or ``QNTK_SEED`` where given."""
    root = _root(request.config)
    words = request.node.nodeid if root is None else f"{root}\n{request.node.nodeid}"
    seed = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") >> 1
    request.node.stash[_USED] = seed
    return seed


@pytest.fixture
def qntk_rng(qntk_seed: int) -> np.random.Generator:
    """numpy's default generator from this test's seed."""
    import numpy as np

    return np.random.default_rng(qntk_seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say the seed of a test that fails, and how to get it again."""
    report = yield
    if report.failed and _USED in item.stash:
        root = _root(item.config)
        again = "the same in every run" if root is None else f"again with --qntk-seed {root}"
        report.sections.append(("qntk seed", f"{item.stash[_USED]}, {again}"))
    return report


def _root(config: pytest.Config) -> int | None:
    given = config.getoption("--qntk-seed")
    name, text = ("--qntk-seed", given) if given is not None else (_VARIABLE, os.environ.get(_VARIABLE, ""))
    if text == "" and given is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(f"{name} is {text!r}; give a whole number") from None
