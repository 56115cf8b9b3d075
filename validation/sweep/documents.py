"""A set of documents replaced whole: made in a hidden folder, and put in place only when all of them are there.

The new set lies in ``.NAME.PID`` while it is made. Renaming that folder to ``.NAME.whole`` decides: before, nothing in
the directory has changed; after, the files are renamed into their places, and if a kill falls between two of them, the
next command on the directory puts the rest in place before it does anything else.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SETS = ("report", "diagnostics")
"""Names of the sets that directories hold."""


@contextmanager
def replaced(directory: Path, name: str, known: Iterable[str] = ()) -> Iterator[Path]:
    """A folder to make documents and folders of them in, which take the place of those in the directory at the end.

    Args:
        directory: that holds them.
        name: of the set.
        known: names of documents that go if the new set lacks them.

    If the block raises, the directory is as it was. Raises ``OSError`` if it cannot be written.
    """
    settle(directory)
    staged = directory / f".{name}.{os.getpid()}"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    try:
        yield staged
        for file in staged.rglob("*"):
            if file.is_file():
                _sync(file)
        with _alone(directory, name):
            _put_in_place(directory, name)
            staged.rename(directory / f".{name}.whole")
            for gone in set(known) - {path.name for path in (directory / f".{name}.whole").iterdir()}:
                (directory / gone).unlink(missing_ok=True)
            _put_in_place(directory, name)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def settle(directory: Path) -> None:
    """Finish what a kill interrupted while a set was put in place, and clear what one left unfinished.

    A directory that cannot be written is left as it is.
    """
    for name in SETS:
        if (directory / f".{name}.whole").exists() and os.access(directory, os.W_OK):
            with _alone(directory, name):
                _put_in_place(directory, name)
    for path in directory.glob(".*.*"):
        found = re.fullmatch(rf"\.({'|'.join(SETS)})\.(\d+|old)", path.name)
        if found and not (found[2].isdigit() and _alive(int(found[2]))):
            shutil.rmtree(path, ignore_errors=True)


def _put_in_place(directory: Path, name: str) -> None:
    whole, old = directory / f".{name}.whole", directory / f".{name}.old"
    if not whole.exists():
        return
    shutil.rmtree(old, ignore_errors=True)
    old.mkdir()
    for path in sorted(whole.iterdir()):
        target = directory / path.name
        if target.is_dir() and not target.is_symlink():
            target.rename(old / path.name)  # a folder takes no other's place while that holds files
        os.replace(path, target)
    whole.rmdir()
    shutil.rmtree(old, ignore_errors=True)


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
