"""Runs of tests in forks of one process that has the libraries imported, and none of this package.

A fork starts in milliseconds where a new process imports Qiskit, SciPy and pytest for seconds, and what a test does to
it ends with it. Limits are of the processor's time, so that a busy machine makes no test fail.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

_LIBRARIES = (
    "click", "hypothesis", "matplotlib.pyplot", "numba", "numpy", "pandas", "pyarrow", "pydantic", "qiskit.primitives",
    "qiskit.qpy", "qiskit.quantum_info", "qiskit.synthesis", "qiskit.transpiler", "qiskit_aer", "scipy.integrate",
    "scipy.linalg", "scipy.optimize", "scipy.sparse.linalg", "scipy.special", "scipy.stats", "stim",
)  # fmt: skip
_OPTIONS = ("-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", "--no-header", "--tb=no")
# What the parent has imported cannot be rewritten; the tests' own asserts still are.
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
_STUCK = 600.0


def warm() -> None:
    """Import the libraries, here and so for all forks."""
    # Hypothesis takes the same examples for all faults, and Qiskit no threads: they end in a fork, and are waited for.
    os.environ |= {"MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1", "CI": "1", "QISKIT_IN_PARALLEL": "TRUE"}
    sys.dont_write_bytecode = True
    for name in _LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)


class _Watch:
    """Orders test files by the time they took before, limits each test and all of them, and notes what happens."""

    def __init__(self, notes: int, times: dict[str, float], seconds: float, budget: float) -> None:
        self._notes, self._times, self._seconds, self._budget = notes, times, seconds, budget

    def _note(self, *words: object) -> None:
        os.write(self._notes, ("\t".join(map(str, words)) + "\n").encode())

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = {name: place for place, name in enumerate(dict.fromkeys(file_of(item.nodeid) for item in items))}
        items.sort(key=lambda item: (self._times.get(file_of(item.nodeid), 2.0), order[file_of(item.nodeid)]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        used = time.process_time()
        if used > self._budget:
            item.session.shouldstop = "budget"
            self._note("stopped", item.nodeid)
        self._note("starts", item.nodeid)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used + self._seconds) + 1, resource.RLIM_INFINITY))
        result = yield
        self._note("took", item.nodeid, f"{time.process_time() - used:.3f}")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._note("failed", report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._note("failed", report.nodeid)


def file_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


def run(
    tests: Sequence[str],
    copy: Path,
    *,
    without: Sequence[str] = (),
    times: dict[str, float] | None = None,
    seconds: float = 150.0,
    budget: float = 1e9,
    cache: Path | None = None,
) -> tuple[str, bool]:
    """Run tests of a checkout up to the first failure, the quickest file first.

    Args:
        tests: files or single tests, from the copy's root.
        copy: the checkout.
        without: tests to leave out.
        times: seconds of each test file, read for the order and brought up to date.
        seconds, budget: limits of one test and of all, of the processor's time.
        cache: folder of compiled functions.

    Returns:
        The name of what failed, hung or died, empty if nothing did; and whether all tests had run.
    """
    times = {} if times is None else times
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            code = _inside(tests, copy, without, _Watch(writer, times, seconds, budget), cache)
        except BaseException:
            code = 70
        os._exit(code)
    os.close(writer)
    code, notes = awaited(child, reader)
    took: dict[str, float] = {}
    for word, name, *rest in notes:
        if word == "took":
            took[file_of(name)] = took.get(file_of(name), 0.0) + float(rest[0])
    failed = [name for word, name, *_ in notes if word == "failed"]
    if failed:
        return failed[0], False
    if code in (0, 2, 5):  # 2 is pytest's word for a session that its budget ended, 5 for one without a test
        times |= took
        return "", not any(word == "stopped" for word, *_ in notes)
    started = [name for word, name, *_ in notes if word == "starts"]
    return started[-1] if started else tests[0], False


def silenced() -> None:
    """A session of its own for this process, which says nothing."""
    os.setsid()
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)


def enter(copy: Path, cache: Path | None) -> None:
    """Make a checkout the one that is imported, here and in what is started from here."""
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.path.insert(0, str(copy))
    if cache is not None:
        from numba.core import config

        os.environ["NUMBA_CACHE_DIR"] = str(cache)
        config.reload_config()


def _inside(tests: Sequence[str], copy: Path, without: Sequence[str], watch: _Watch, cache: Path | None) -> int:
    silenced()
    enter(copy, cache)
    left = [f"--deselect={name}" for name in without]
    return int(pytest.main([*_OPTIONS, *_QUIET, f"--rootdir={copy}", *left, *tests], plugins=[watch]))


def awaited(child: int, reader: int) -> tuple[int, list[list[str]]]:
    """Exit code and notes of a fork; whatever it started ends with it."""
    text, start, status = b"", time.monotonic(), 0
    os.set_blocking(reader, False)
    while True:
        with suppress(BlockingIOError):
            text += os.read(reader, 1 << 20)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - start > _STUCK:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with suppress(BlockingIOError):
        while more := os.read(reader, 1 << 20):
            text += more
    os.close(reader)
    return os.waitstatus_to_exitcode(status), [line.split("\t") for line in text.decode().splitlines()]
