"""What goes to standard error: warnings, each one line that ends with what to do."""

from __future__ import annotations

import sys
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_OBEYED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """Text without control characters, which a terminal or a page would obey: each as its escape."""
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in _OBEYED else c for c in text)


def printable_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(map(printable, text.split("\n")))


def shown(text: object, most: int = 60) -> str:
    """What somebody gave, quoted for a message: no control characters, and not the whole of a long one."""
    whole = str(text)
    return f"'{printable(whole[:most])}{'…' if len(whole) > most else ''}'"


def listed(names: Sequence[object], most: int = 8) -> str:
    """The first few names of many, for a message."""
    few = ", ".join(printable(str(name)[:60]) for name in names[:most])
    return few + (f", … ({len(names)} in all)" if len(names) > most else "")


def warn(message: str) -> None:
    """Print a warning, one line: what, a semicolon, and what to do. A progress bar stays whole."""
    from tqdm.auto import tqdm  # which most commands do without

    line = f"qntk: warning: {printable(' '.join(message.split()))}"
    bars = getattr(tqdm, "_instances", ())
    if any(bar.last_print_t >= bar.start_t + bar.delay for bar in bars):
        tqdm.write(line, file=sys.stderr)
    else:  # it would show a bar that is yet to wait
        print(line, file=sys.stderr)


@contextmanager
def python_warnings_as_lines() -> Iterator[None]:
    """Print what Python's ``warnings`` lets through in the same form, and each text once."""
    shown = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = f"{category.__name__}: {message}"
        if text not in shown:
            shown.add(text)
            where = "/".join(Path(filename).parts[-2:])
            warn(f"{text} ({where}:{lineno}); check the result, and if it is odd report this and 'qntk --version'")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
