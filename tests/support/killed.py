"""Commands that are killed at random moments, in children of a server that has imported all they need."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["qntk.validation.commands.main", "qntk._runs", "matplotlib.pyplot"])


def _run(line: list[str]) -> None:
    from qntk.validation.commands.main import main

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    main(line)


def seconds(*line: Any) -> float:
    """What a command takes if it is left alone, after one whose server had to start; it must succeed."""
    begin = time.monotonic()
    assert kill_after(None, *line)
    return time.monotonic() - begin


def kill_after(moment: float | None, *line: Any) -> bool:
    """Start a command, kill it after so many seconds, and wait for its end; whether it had ended well before."""
    process = _SERVER.Process(target=_run, args=([str(word) for word in line],))
    process.start()
    process.join(moment)
    process.kill()
    process.join()
    return process.exitcode == 0


def texts(directory: Path) -> dict[str, bytes]:
    """The files that a reader finds by their names, folders of figures among them."""
    found = [*directory.glob("*.*"), *directory.glob("figures/*")]
    return {str(p.relative_to(directory)): p.read_bytes() for p in found if p.is_file() and p.name[0] != "."}
