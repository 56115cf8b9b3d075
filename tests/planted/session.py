"""Many faults in one session of pytest: tests are collected once, and each fault is planted in a fork of the session.

In the fork the functions that a fault changes get their new code, wherever they are held. So nothing is imported again,
and a fault costs what its tests take. What runs at import, or is compiled, cannot be planted like this.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from forked import awaited, enter, file_of, silenced

_OPTIMIZED = 1
"""Flag of code that has local variables: a function's, not that of a class or a module."""


def swap(path: Path, old: str, new: str) -> bool:
    """Give the functions of a file that differ between two texts their new code; False where that is no help."""
    pairs = list(_changed(compile(old, str(path), "exec"), compile(new, str(path), "exec")))
    if not pairs or any(not before.co_flags & _OPTIMIZED for before, _ in pairs):
        return False
    functions = [
        f for f in gc.get_objects() if type(f) is FunctionType and Path(f.__code__.co_filename).name == path.name
    ]
    functions = [f for f in functions if os.path.realpath(f.__code__.co_filename) == os.path.realpath(path)]
    for before, after in pairs:
        holders = [f for f in functions if f.__code__.co_qualname == before.co_qualname]
        holders = [f for f in holders if f.__code__.co_firstlineno == before.co_firstlineno]
        if not holders:
            return False
        for function in holders:
            function.__code__ = after
    return True


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The outermost functions that differ; a class or the module itself if what it does at import differs."""
    if old == new:
        return
    if old.co_flags & _OPTIMIZED or _own(old) != _own(new):
        yield old, new
        return
    for one, two in zip(_inner(old), _inner(new), strict=True):
        yield from _changed(one, two)


def _inner(code: CodeType) -> list[CodeType]:
    return [c for c in code.co_consts if isinstance(c, CodeType)]


def _own(code: CodeType) -> tuple[Any, ...]:
    consts = [None if isinstance(c, CodeType) else c for c in code.co_consts]
    return code.co_code, code.co_names, repr(consts)


class Planter:
    """A plugin that runs, in place of the tests, what is asked for each fault in a fork.

    Args:
        work: called with ``ask``; ``ask(files, plant, seconds, budget, without)`` runs the tests of these files, or
            single tests, in a fork after ``plant()``, and gives the name of what failed (empty if nothing did), whether
            all tests had run, and whether the fault could be planted.
        times: seconds of each test file, for the order.
    """

    def __init__(self, work: Callable[[Any], None], times: Mapping[str, float]) -> None:
        self._work, self._times, self._failed = work, times, ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._failed:
            self._failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._work(lambda *arguments: self._ask(session.items, *arguments))
        return True

    def _ask(
        self,
        items: list[pytest.Item],
        names: list[str],
        plant: Callable[[], bool],
        seconds: float,
        budget: float,
        without: Collection[str],
    ) -> tuple[str, bool, bool]:
        places = {name: place for place, name in enumerate(names)}
        chosen = [item for item in items if item.nodeid in places or file_of(item.nodeid) in places]
        chosen = [item for item in chosen if item.nodeid not in without]
        if not chosen:
            return "", True, True
        known = {name: self._times.get(name, 2.0) for name in map(file_of, places)}
        chosen.sort(key=lambda item: (known[file_of(item.nodeid)], file_of(item.nodeid)))
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reader)
                silenced()
                self._run(chosen, plant, writer, seconds, budget)
            finally:
                os._exit(70)
        os.close(writer)
        code, notes = awaited(child, reader)
        started = [name for word, name in notes if word == "starts"]
        failed = [name for word, name in notes if word == "failed"]
        if code == 3:
            return "", True, False
        if code == 0 or failed:
            return (failed[0] if failed else ""), not any(word == "stopped" for word, _ in notes), True
        return (started[-1] if started else names[0]), False, True

    def _run(
        self, items: list[pytest.Item], plant: Callable[[], bool], notes: int, seconds: float, budget: float
    ) -> None:
        def note(*words: str) -> None:
            os.write(notes, ("\t".join(words) + "\n").encode())

        if not plant():
            os._exit(3)
        start = time.process_time()
        for item, following in zip(items, [*items[1:], None], strict=True):
            used = time.process_time()
            if used - start > budget:
                note("stopped", item.nodeid)
                break
            note("starts", item.nodeid)
            resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, resource.RLIM_INFINITY))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                note("failed", self._failed)
                break
        os._exit(0)


def collected(copy: Path, cache: Path, planter: Planter) -> int:
    """A session over all tests of a checkout but those of pages in a browser; pytest's exit code."""
    enter(copy, cache)
    out = ["--ignore=tests/browser", "--ignore=tests/planted", f"--rootdir={copy}"]
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(
        pytest.main(["-q", "-s", "-p", "no:xdist", "-p", "no:cacheprovider", "--tb=no", *quiet, *out], [planter])
    )
