"""Plants the faults of ``faults.toml`` one at a time, in a copy of the checkout, and prints those that no test notices.

    python tests/planted/plant.py [--only TEXT] [--results FOLDER] [--seconds S] [--budget S]

A fault replaces one piece of text by another. First all tests run once with a probe before each statement that a fault
changes (``reach``); then against each fault run the test files that reached it, the quickest first, up to the first
failure, in a fork of a session that has collected all tests (``session``). What runs at import or is compiled has no
probe: against it a new session runs the tests that import or name the module, and its room's (``forked``). A fault is
caught if a test fails, dies or runs into its time limit which passes without the fault. With ``--results`` a run goes
on where the last one ended: what was reached and caught is not asked again. Faults without their text are named.
Exits with 1 if fewer than 97 % are caught, or if a fault survives for which the list gives no reason.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import forked
import reach
import session

ROOT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).with_name("faults.toml")
ROOMS = ("qntk", "theory", "sampling", "validation")
_LEFT = (".git", ".venv", "build", "runs", "*_cache", "__pycache__", ".hypothesis")
_SHARE = 0.97


@dataclass(frozen=True)
class Fault:
    """One piece of text, which its file has once, and what takes its place.

    Attributes:
        file: from the root.
        old, new: text.
        survives: why no test can notice it; empty if one must.
    """

    file: str
    old: str
    new: str
    survives: str = ""

    @property
    def room(self) -> str:
        """The folder of its file."""
        return str(Path(self.file).parent)

    def stale(self, root: Path = ROOT) -> bool:
        """Whether the file does not have the text once any more."""
        path = root / self.file
        return not path.exists() or path.read_text(encoding="utf-8").count(self.old) != 1

    def replaceable(self, root: Path = ROOT) -> bool:
        """Whether it stands in a function that can be given other code: not at import, and not compiled."""
        return bool(reach.probed((root / self.file).read_text(encoding="utf-8"), [(0, self.old)])[1])

    def __str__(self) -> str:
        """One line."""
        return f"{self.file}: {self.old.strip()}  ->  {self.new.strip()}"


def listed() -> list[Fault]:
    """All faults: the first of each room, then the second of each, so that a run that is cut off has been in all."""
    rows = tomllib.loads(FAULTS.read_text(encoding="utf-8"))
    faults = [Fault(file, *texts) for file, faults in rows.items() for texts in faults]
    before: Counter[str] = Counter()
    places = [(before.update([fault.room]), before[fault.room])[1] for fault in faults]
    return [fault for _, fault in sorted(zip(places, faults, strict=True), key=lambda pair: pair[0])]


def against(file: str, root: Path = ROOT) -> tuple[list[str], list[str]]:
    """Test files that may notice a fault in a module: those that import or name it, and the rest of its room's."""
    path = Path(file).with_suffix("")
    package, name = Path(file).parent, path.name
    module = ".".join(path.parts if path.parts[0] == "qntk" else ("qntk", *path.parts))
    imports = re.compile(rf"(from {re.escape(module)} import|import {re.escape(module)}\b)")
    found = {test: test.read_text(encoding="utf-8") for test in sorted((root / "tests").rglob("test_*.py"))}
    room = root / "tests" / (Path("face") if package == Path("qntk") else package.relative_to("qntk") if
                             package.parts[0] == "qntk" else package)  # fmt: skip
    near = [test for test, text in found.items() if imports.search(text)]
    near += [test for test in found if name.strip("_") in test.stem]
    doctests = root / "qntk" / Path(*path.parts[path.parts[0] == "qntk" :]).with_suffix(".py")
    near = [*([doctests] if doctests.exists() else []), *near]
    rest = [test for test in found if test.is_relative_to(room)]
    if not rest and room.parent != root / "tests":
        rest = [test for test in found if test.is_relative_to(room.parent)]
    rest = rest or [test for test in found if test.is_relative_to(root / "tests" / "face")]
    kept = [t for t in dict.fromkeys([*near, *rest]) if not t.is_relative_to(root / "tests" / "browser")]
    names = [str(t.relative_to(root)) for t in kept]
    count = sum(t in near for t in kept)
    return names[:count], names[count:]


def copied(root: Path, to: Path) -> None:
    """The checkout without what is made in it; the rooms' links below ``qntk`` stay links."""
    shutil.copytree(root, to, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT))


@dataclass(frozen=True)
class Field:
    """A copy of the checkout in which faults are planted.

    Attributes:
        copy: its root.
        compiled: folder of functions compiled without a fault.
        seconds, budget: limits of one test and of a fault's tests, of the processor's time.
        times: seconds of test files, as far as they are known.
        reached: by the line of each fault with a probe, the test files that reach it.
        sound: tests that were seen to pass without a fault, or not to.
    """

    copy: Path
    compiled: Path
    seconds: float = 150.0
    budget: float = 600.0
    times: dict[str, float] = field(default_factory=dict)
    reached: dict[str, list[str]] = field(default_factory=dict)
    sound: dict[str, bool] = field(default_factory=dict)

    def catcher(self, fault: Fault) -> tuple[str, bool]:
        """The test that notices a fault, empty if none does, and whether all were asked; the copy is as before."""
        left = self.budget
        for tests in self._asked(fault):
            while True:
                start = time.process_time() + _children()
                failed, whole = self._planted(fault, tests, left)
                left -= time.process_time() + _children() - start
                if not failed or self._passes(failed):
                    break
            if failed or not whole:
                return failed, whole
        return "", True

    def _asked(self, fault: Fault) -> list[list[str]]:
        """Files that bear the module's name or a part of it, others that import it, and the rest."""
        near, rest = against(fault.file, self.copy)
        if (reached := self.reached.get(str(fault))) is not None:
            near = [test for test in near if test in reached or test not in self.times]  # a new file may reach it
            rest = [test for test in reached if test not in near]
        words = set(Path(fault.file).stem.strip("_").split("_"))
        named = [test for test in near if words & set(Path(test).stem.split("_"))]
        return [tests for tests in (named, [test for test in near if test not in named], rest) if tests]

    def in_session(self, fault: Fault, ask: Any) -> tuple[str, bool] | None:
        """The same in a running session (``session.Planter``); None where the fault cannot be planted there."""
        path = self.copy / fault.file
        for tests in self._asked(fault):
            left_out: set[str] = set()
            while True:
                with self._written(fault) as (old, new):
                    broken = left_out | {name for name, passes in self.sound.items() if not passes}
                    plant = partial(session.swap, path, old, new)
                    failed, whole, planted = ask(tests, plant, self.seconds, self.budget, broken)
                if not planted:
                    return None
                if failed and failed not in self.sound:
                    self.sound[failed] = not ask([failed], lambda: True, self.seconds, self.budget, ())[0]
                if not failed or self.sound[failed]:
                    break
            if failed or not whole:
                return failed, whole
        return "", True

    def _planted(self, fault: Fault, tests: list[str], budget: float) -> tuple[str, bool]:
        broken = [name for name, passes in self.sound.items() if not passes]
        with self._written(fault), tempfile.TemporaryDirectory(prefix="numba-") as folder:
            self._compiled_without(fault.file, Path(folder))
            limits = {"times": self.times, "seconds": self.seconds, "budget": budget}
            return forked.run(tests, self.copy, without=broken, cache=Path(folder), **limits)

    @contextmanager
    def _written(self, fault: Fault) -> Iterator[tuple[str, str]]:
        """The fault in its file, whose text without and with it is given."""
        path = self.copy / fault.file
        text, stat = path.read_text(encoding="utf-8"), path.stat()
        new = text.replace(fault.old, fault.new)
        path.write_text(new, encoding="utf-8")
        try:
            yield text, new
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # else its functions were compiled anew

    def _compiled_without(self, file: str, folder: Path) -> None:
        """Compiled functions of before: a compiled function does not notice that one which it calls has changed."""
        shutil.copytree(self.compiled, folder, copy_function=os.link, dirs_exist_ok=True)
        for user in users(file, self.copy):
            for stored in folder.glob(f"{user.parent.name}_*/{user.stem}.*"):
                stored.unlink()

    def _passes(self, test: str) -> bool:
        if test not in self.sound:
            failed, _ = forked.run([test], self.copy, seconds=self.seconds, cache=self.compiled)
            self.sound[test] = not failed
            if failed:
                print(f"fails without a fault, left out: {test}", file=sys.stderr)
        return self.sound[test]


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


@cache
def _imports(root: Path) -> dict[str, set[str]]:
    """Of each module of ``sampling`` those that it imports, by files from the root."""
    found = {}
    for path in (root / "sampling").rglob("*.py"):
        nodes = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)
        ]
        names = {node.module or "" for node in nodes} | {
            f"{node.module}.{a.name}" for node in nodes for a in node.names
        }
        files = (
            name.removeprefix("qntk.").replace(".", "/") + ".py" for name in names if name.startswith("qntk.sampling")
        )
        found[str(path.relative_to(root))] = {file for file in files if (root / file).exists()}
    return found


def users(file: str, root: Path = ROOT) -> set[Path]:
    """A module of ``sampling`` and those that import it, directly or not."""
    found, new = {file}, {file}
    while new:
        new = {user for user, imported in _imports(root).items() if imported & new} - found
        found |= new
    return {Path(name) for name in found if name.startswith("sampling")}


def main() -> int:
    """The survivors and a table by room on standard output, progress on standard error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="faults whose line has this text")
    parser.add_argument("--results", type=Path, help="folder that keeps what was reached and caught")
    parser.add_argument("--seconds", type=float, default=150.0, help="the processor's time for a test")
    parser.add_argument("--budget", type=float, default=600.0, help="the processor's time for all tests of a fault")
    options = parser.parse_args()
    faults = [fault for fault in listed() if options.only in str(fault)]
    for fault in (fault for fault in faults if fault.stale()):
        print(f"stale, to be written anew: {fault}")
    faults = [fault for fault in faults if not fault.stale()]
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        results = options.results or Path(folder) / "results"
        results.mkdir(exist_ok=True)
        reached, times = _reached(faults, results / "reached.json", Path(folder))
        forked.warm()
        copied(ROOT, Path(folder) / "checkout")
        (compiled := Path(folder) / "compiled").mkdir()
        place = Field(Path(folder) / "checkout", compiled, options.seconds, options.budget, times, reached)
        kept = Results(results / "caught.jsonl")
        if (child := os.fork()) == 0:  # the session has the package imported, the parent must not have
            new_first = sorted(faults, key=lambda fault: kept.by(fault) is not None)
            work = partial(_in_session, [fault for fault in new_first if fault.replaceable()], place, kept)
            os._exit(session.collected(place.copy, compiled, session.Planter(work, times)))
        os.waitpid(child, 0)
        kept = Results(kept.path)
        for fault in faults:
            if kept.by(fault) is None:
                start = time.monotonic()
                kept.add(fault, *place.catcher(fault), time.monotonic() - start)
        found = [fault for fault in faults if not kept.by(fault)]
    _table(faults, found)
    caught = len(faults) - len(found)
    return int(caught < _SHARE * len(faults) or any(not fault.survives for fault in found))


class Results:
    """What was found so far, a line a fault; only what was caught is not asked again.

    A line has the fault, what caught it, and whether all its tests had run.
    """

    def __init__(self, path: Path) -> None:
        """From a file, which need not be there."""
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._by: dict[str, str] = {name: by for name, by, *_ in map(json.loads, lines)}

    def by(self, fault: Fault) -> str | None:
        """What caught it; empty if it survives, None if it was not asked."""
        return self._by.get(str(fault))

    def add(self, fault: Fault, by: str, whole: bool, seconds: float) -> None:
        """Keep it and say it."""
        self._by[str(fault)] = by
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([str(fault), by, whole]) + "\n")
        said = f"caught by {by}" if by else "SURVIVES" if whole else "SURVIVES THE BUDGET"
        print(f"{len(self._by)} {seconds:.0f} s  {fault}  {said}", file=sys.stderr, flush=True)


def _in_session(faults: list[Fault], place: Field, kept: Results, ask: Any) -> None:
    for fault in faults:
        start = time.monotonic()
        if not kept.by(fault) and (found := place.in_session(fault, ask)) is not None:
            kept.add(fault, *found, time.monotonic() - start)


def _reached(faults: list[Fault], path: Path, folder: Path) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Test files that reach each fault with a probe, and their seconds: as kept, or by a run of all tests."""
    if not path.exists():
        copied(ROOT, folder / "probed")
        alike = {str(fault): (fault.file, fault.old) for fault in faults}
        path.write_text(json.dumps(reach.measured(folder / "probed", alike, folder / "probes")), encoding="utf-8")
    reached, times = json.loads(path.read_text(encoding="utf-8"))
    return reached, times


def _table(faults: list[Fault], found: list[Fault]) -> None:
    for fault in found:
        print(f"survives  {fault}  {f'({fault.survives})' if fault.survives else 'WITHOUT A REASON'}")
    planted, alive = (Counter(fault.room for fault in some) for some in (faults, found))
    for room, count in sorted(planted.items()):
        print(f"{room:28s} {count - alive[room]:4d} of {count:4d}")
    print(f"{len(faults) - len(found)} of {len(faults)} planted faults caught")


if __name__ == "__main__":
    sys.exit(main())
