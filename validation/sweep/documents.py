"""A set of documents replaced whole: one rename decides.

    DIR/.report-PID.N/    a set: documents, and folders of them
    DIR/.report           a link to the set that counts
    DIR/report.html       and every other name of the set: a link through it, to ``.report/report.html``

A new set is made in a hidden folder of its own. Renaming a link to it over ``.report`` puts it in the place of the old
one: at any moment, and after a kill at any moment, all names lead into the old set or all into the new. The next
command on the directory clears what a kill left. Documents that lie in the directory themselves, as release 0.1 wrote
them and as a copy that follows links has them, become the set that counts before a new one takes its place.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SETS = ("report", "diagnostics")
"""Names of the sets that directories hold."""
_making: set[Path] = set()
"""Folders that this process is filling."""


@contextmanager
def replaced(directory: Path, name: str, known: Iterable[str] = ()) -> Iterator[Path]:
    """A folder to make documents and folders of them in, which take the place of those in the directory at the end.

    Args:
        directory: that holds them.
        name: of the set.
        known: names of documents that go if the new set lacks them; others of the old set stay.

    If the block raises, the directory is as it was. Raises ``OSError`` if it cannot be written, or is on a file system
    without links.
    """
    settle(directory)
    staged = _new_folder(directory, name)
    _making.add(staged)
    try:
        yield staged
        with _alone(directory, name):
            names = {path.name for path in staged.iterdir()}
            _lead_through(directory, name, names | {one for one in known if (directory / one).exists()})
            old = _counting(directory, name)
            assert old is not None
            for path in old.iterdir():
                if path.name not in names and path.name not in known:
                    _same(path, staged / path.name)
            for file in staged.rglob("*"):
                if file.is_file():
                    _sync(file)
            _link(directory / f".{name}", staged.name)
            shutil.rmtree(old)
            _clear(directory, name)
    except BaseException:
        if _counting(directory, name) != staged:
            shutil.rmtree(staged, ignore_errors=True)
        raise
    finally:
        _making.discard(staged)


def settle(directory: Path) -> None:
    """Clear what a kill left; a directory that cannot be written is left as it is."""
    if os.access(directory, os.W_OK):
        for name in SETS:
            if (directory / f".{name}.lock").exists() or any(_folders(directory, name)):
                with _alone(directory, name):
                    _clear(directory, name)


def _lead_through(directory: Path, name: str, names: Iterable[str]) -> None:
    """Make each of these a link through the set's; what lies there itself goes into the set that counts."""
    through = directory / f".{name}"
    if not through.is_symlink() or _counting(directory, name) is None:
        first = _new_folder(directory, name)
        if through.is_dir() and not through.is_symlink():  # a copy that followed links
            through.rename(first)
        _link(through, first.name)
    for one in sorted(names):
        path, target = directory / one, f".{name}/{one}"
        if path.is_symlink() and os.readlink(path) == target:
            continue
        if path.exists() and not path.is_symlink():
            _remove(through / one)
            _same(path, through / one)
        if path.is_dir() and not path.is_symlink():  # which no link may be renamed over
            path.rename(_new_folder(directory, name) / one)
        _link(path, target)


def _clear(directory: Path, name: str) -> None:
    """Remove sets that do not count and nobody makes, and links that lead nowhere."""
    counts = _counting(directory, name)
    left = [
        folder
        for folder, process in _folders(directory, name)
        if folder != counts and folder not in _making and not _alive(process)
    ]
    for path in counts.iterdir() if left and counts else ():
        if not os.path.lexists(directory / path.name):  # a kill fell between the two renames of a folder
            _link(directory / path.name, f".{name}/{path.name}")
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    for path in directory.iterdir():
        if path.is_symlink() and os.readlink(path).startswith(f".{name}/") and not path.exists():
            path.unlink(missing_ok=True)
    for path in directory.glob(".*.link"):
        if (found := re.fullmatch(r"\..+\.(\d+)\.link", path.name)) and not _alive(int(found[1])):
            path.unlink(missing_ok=True)


def _counting(directory: Path, name: str) -> Path | None:
    """The folder of the set that counts; None where there is none, or somebody has put something else in its place."""
    through = directory / f".{name}"
    folder = directory / os.readlink(through) if through.is_symlink() else through
    return folder if folder.parent == directory and folder.is_dir() else None


def _folders(directory: Path, name: str) -> Iterator[tuple[Path, int]]:
    for path in directory.glob(f".{name}-*"):
        if found := re.fullmatch(rf"\.{name}-(\d+)\.\d+", path.name):
            yield path, int(found[1])


def _new_folder(directory: Path, name: str) -> Path:
    for number in itertools.count():
        folder = directory / f".{name}-{os.getpid()}.{number}"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
    raise AssertionError


def _link(path: Path, target: str) -> None:
    """Put a link in the place of a file or link, at once."""
    temporary = path.with_name(f".{path.name.lstrip('.')}.{os.getpid()}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, path)


def _same(path: Path, other: Path) -> None:
    """The same file, or files, under another name too; copies where the file system has no second names."""

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    if path.is_dir():
        shutil.copytree(path, other, copy_function=link)
    else:
        link(str(path), str(other))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _alone(directory: Path, name: str) -> Iterator[None]:
    """One process at a time puts a set in place; the lock dies with it."""
    descriptor = os.open(directory / f".{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _alive(process: int) -> bool:
    """Whether another process may be at work."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
