"""One writer a directory: an operating-system lock that dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOCK = ".lock"
_PATIENCE = 1.0
"""Seconds to try: ``running`` holds a shared lock for an instant, and a process just killed may yet be leaving."""


@contextmanager
def hold(directory: Path, advice: str | None = None) -> Iterator[None]:
    """Be the only process that writes into an existing directory, until the end of the block.

    The file is never removed and says who holds or last held it. The lock is the kernel's (``flock``): a process that
    is killed leaves none. On network file systems it works where the server supports locks.

    Raises ``ValueError`` if another process holds it, naming it, or if the directory cannot be written.
    """
    hint = f"wait for it, stop it, or give another directory ('qntk status {directory}' tells how far it is)"
    try:
        descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ValueError(f"directory {directory} cannot be used: {error.strerror}") from error
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _taken(descriptor, fcntl.LOCK_EX, directory):
            if time.monotonic() > deadline:
                raise ValueError(f"directory {directory} is in use by {_name(holder(directory))}; {advice or hint}")
            time.sleep(0.05)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        except OSError:  # a full disk: the lock holds all the same
            pass
        yield
    finally:
        os.close(descriptor)


def running(directory: Path) -> bool:
    """Whether a process holds the lock."""
    try:
        descriptor = os.open(directory / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _taken(descriptor, fcntl.LOCK_SH, directory)
    finally:
        os.close(descriptor)


def holder(directory: Path) -> dict[str, Any]:
    """``pid`` and ``host`` of the process that holds or last held it; empty if unknown."""
    try:
        return dict(json.loads((directory / LOCK).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _name(owner: dict[str, Any]) -> str:
    return f"process {owner['pid']} on {owner['host']}" if {"pid", "host"} <= set(owner) else "another process"


def _taken(descriptor: int, kind: int, directory: Path) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ValueError(f"directory {directory} is on a file system without locks: {error.strerror}") from error
    return True
