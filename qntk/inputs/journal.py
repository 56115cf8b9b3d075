"""The journal of a directory of draws: a digest of every chunk, added before the chunk is put in its place.

    DIR/journal.txt           one line a chunk that was written: the name of its file and the SHA-256 of its bytes

Lines are only ever added; a chunk that was drawn anew may have two. A line that a killed run left unfinished says
nothing, and a chunk without a line, as those of release 0.1, is not held to any.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from pathlib import Path

JOURNAL = "journal.txt"
_LINE = re.compile(r"([0-9a-f]{16}-\d{5,}\.parquet) ([0-9a-f]{64})")


class Journal:
    """What a directory's journal says, read once."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / JOURNAL
        self._known: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        for line in text.splitlines():
            if found := _LINE.fullmatch(line):
                self._known.setdefault(found[1], set()).add(found[2])

    def knows(self, name: str) -> bool:
        """Whether a chunk has a line."""
        return name in self._known

    def disowns(self, name: str, content: bytes) -> bool:
        """Whether a chunk has a line, and this content is none that was written."""
        return name in self._known and _digest(content) not in self._known[name]

    def add(self, name: str, content: bytes) -> None:
        """A chunk is about to be written. ``OSError`` if the journal cannot be."""
        digest = _digest(content)
        with self._lock:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                # A line of its own, also after one that a kill left unfinished.
                os.write(descriptor, f"\n{name} {digest}\n".encode())
            finally:
                os.close(descriptor)
            self._known.setdefault(name, set()).add(digest)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
