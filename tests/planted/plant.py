"""Plants the faults of ``faults.toml`` one at a time, in a copy of the checkout, and prints those that no test notices.

    python tests/planted/plant.py [--only TEXT] [--shard I/N] [--seconds S]

A fault replaces one piece of text by another. Against it run the module's doctests, the test files that import it,
those that name it, and then the rest of its room's, up to the first failure. A fault is caught if a test fails or runs
into the time limit. Tests that fail without a fault are left out, faults whose text is gone are named. Exits with 1 if
fewer than 97 % are caught, or if a fault survives for which the list gives no reason.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

    def stale(self, root: Path = ROOT) -> bool:
        """Whether the file does not have the text once any more."""
        path = root / self.file
        return not path.exists() or path.read_text(encoding="utf-8").count(self.old) != 1

    def __str__(self) -> str:
        """One line."""
        return f"{self.file}: {self.old.strip()}  ->  {self.new.strip()}"


def listed() -> list[Fault]:
    """All faults, in the order of the list."""
    rows = tomllib.loads(FAULTS.read_text(encoding="utf-8"))
    return [Fault(file, *texts) for file, faults in rows.items() for texts in faults]


def against(file: str, root: Path = ROOT) -> list[str]:
    """Test files that may notice a fault in a module, the nearest first: importers, its own, its room's."""
    path = Path(file).with_suffix("")
    package, name = Path(file).parent, path.name
    module = ".".join(path.parts if path.parts[0] == "qntk" else ("qntk", *path.parts))
    imports = re.compile(rf"(from {re.escape(module)} import|import {re.escape(module)}\b)")
    found = {test: test.read_text(encoding="utf-8") for test in sorted((root / "tests").rglob("test_*.py"))}
    room = root / "tests" / (Path("face") if package == Path("qntk") else package.relative_to("qntk") if
                             package.parts[0] == "qntk" else package)  # fmt: skip
    near = [test for test, text in found.items() if imports.search(text)]
    near += [test for test in found if name.strip("_") in test.stem]
    near += [test for test, text in found.items() if test.is_relative_to(room)]
    far = [test for test in found if test.is_relative_to(room.parent) and room.parent != root / "tests"]
    doctests = root / "qntk" / Path(*path.parts[path.parts[0] == "qntk" :]).with_suffix(".py")
    near = [*([doctests] if doctests.exists() else []), *(near or far or [root / "tests" / "face"])]
    browser = root / "tests" / "browser"
    return [str(t.relative_to(root)) for t in dict.fromkeys(near) if not t.is_relative_to(browser)]


def copied(root: Path, to: Path) -> None:
    """The checkout without what is made in it; the rooms' links below ``qntk`` stay links."""
    shutil.copytree(root, to, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT))


def failing(files: list[str], copy: Path) -> list[str]:
    """Tests that fail without a fault: they would take every fault for caught."""
    said = _pytest(copy, ["-rfE", *files], _environment(copy), None).stdout
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.M)


def _environment(copy: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"}


def _pytest(
    copy: Path, arguments: list[str], environment: dict[str, str], seconds: float | None
) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, timeout=seconds, check=False, text=True
    )


def survives(fault: Fault, copy: Path, seconds: float, broken: Sequence[str] = ()) -> bool:
    """Whether all tests pass with it but those that are broken anyway; the copy is as before afterwards."""
    path = copy / fault.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    environment = _environment(copy)
    # A compiled function does not notice that one which it calls in another file has changed.
    fresh = tempfile.mkdtemp(prefix="numba-") if fault.file.startswith("sampling") else None
    environment |= {"NUMBA_CACHE_DIR": fresh} if fresh else {}
    try:
        done = _pytest(
            copy, ["-x", *(f"--deselect={name}" for name in broken), *against(fault.file, copy)], environment, seconds
        )
        return done.returncode == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(text, encoding="utf-8")
        if fresh:
            shutil.rmtree(fresh, ignore_errors=True)


def main() -> int:
    """The survivors on standard output, progress on standard error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="faults whose line has this text")
    parser.add_argument("--shard", default="1/1", help="part I of N of the list")
    parser.add_argument("--seconds", type=float, default=900.0, help="time limit of a fault's tests")
    options = parser.parse_args()
    part, parts = map(int, options.shard.split("/"))
    faults = [fault for fault in listed() if options.only in str(fault)][part - 1 :: parts]
    for fault in (fault for fault in faults if fault.stale()):
        print(f"stale, to be written anew: {fault}")
    faults = [fault for fault in faults if not fault.stale()]
    found: list[Fault] = []
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder) / "checkout"
        copied(ROOT, copy)
        files = dict.fromkeys(test for fault in faults for test in against(fault.file, copy))
        broken = failing(list(files), copy)
        for name in broken:
            print(f"fails without a fault, left out: {name}", file=sys.stderr)
        for number, fault in enumerate(faults, start=1):
            start = time.perf_counter()
            alive = survives(fault, copy, options.seconds, broken)
            found += [fault] if alive else []
            said = "SURVIVES" if alive else "caught"
            print(
                f"{number}/{len(faults)} {said} {time.perf_counter() - start:.0f} s  {fault}",
                file=sys.stderr,
                flush=True,
            )
    for fault in found:
        print(f"survives  {fault}  {f'({fault.survives})' if fault.survives else 'WITHOUT A REASON'}")
    caught = len(faults) - len(found)
    print(f"{caught} of {len(faults)} planted faults caught")
    return int(caught < _SHARE * len(faults) or any(not fault.survives for fault in found))


if __name__ == "__main__":
    sys.exit(main())
