"""One page on a sweep while it runs: a plain file, written again and again, that loads itself again in a browser."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from qntk.validation.report.context import headings, tallies
from qntk.validation.report.findings import found
from qntk.validation.report.reach import reaches
from qntk.validation.report.render import render
from qntk.validation.report.results import SweepResults, evaluate
from qntk.validation.report.tables import verdicts_document
from qntk.validation.report.write import ReportPaths, write_report
from qntk.validation.sweep.manifest import write_atomically
from qntk.validation.sweep.status import status_document, status_text
from qntk.validation.sweep.store import Store

PAGE = "watch.html"
SECONDS = 10
"""Between two looks at the directory, and between two loads of the page."""
_SHARE = 4
"""Looking takes at most one part in so many and one of the time, so that the sweep keeps the machine."""


def watch(directory: Path, seconds: float = SECONDS, show: Callable[[str, str], None] | None = None) -> ReportPaths:
    """Keep ``watch.html`` current until every planned draw is there, then write the report.

    Args:
        directory: of the sweep, which another process draws.
        seconds: between two looks at it, more where a look takes long.
        show: is given the same table at every look, as HTML for a notebook and as text.

    Raises ``ValueError`` if the directory holds no sweep, or cannot be written.
    """
    while True:
        begun = time.monotonic()
        status = status_document(directory)
        done = status["drawn"] >= status["planned"] and not status["running"]
        report = write_report(Store.open(directory)) if done else None
        page, table = watch_pages(directory, status, done, seconds)
        _write(directory, page)
        if show is not None:
            show(table, status_text(directory, status))
        if report is not None:
            return report
        took = time.monotonic() - begun
        time.sleep(max(seconds, _SHARE * took))


def watch_pages(directory: Path, status: dict[str, Any], done: bool, seconds: float = SECONDS) -> tuple[str, str]:
    """The page, and what a notebook shows: progress, what was found so far, and the table of verdicts.

    Args:
        directory: of the sweep.
        status: of ``status_document``.
        done: whether the report is there; the page leads to it then, and does not load itself again.
        seconds: between two loads.
    """
    store = Store.open(directory)
    with contextlib.redirect_stderr(io.StringIO()):  # no bar a look
        results = evaluate(store, workers=1)
    templates = files("qntk.validation.report").joinpath("templates")
    script = templates.joinpath("watch.js").read_text(encoding="utf-8")
    style = "".join(templates.joinpath(name).read_text(encoding="utf-8") for name in ("style.css", "report.css"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    context = {
        "title": store.config.title,
        "status": status,
        "share": 100 * status["drawn"] / max(1, status["planned"]),
        "left": _duration(status["seconds_left"] or 0),
        "clock": time.strftime("%H:%M:%S"),
        "seconds": max(1, round(seconds)),
        "done": done,
        "found": _found(results),
        "headings": headings(),
        "tallies": tallies(results),
        "script": Markup(script),
        "script_hash": f"sha256-{digest}",
        "style": Markup(style.replace(":root", ":scope")),
    }
    return render("watch.html.j2", context), render("notebook.html.j2", context)


def _found(results: SweepResults) -> list[tuple[str, str]]:
    document = verdicts_document(results) if results.cells else {}
    parts = [document.get(part, []) for part in ("verdicts", "symmetric", "orbit")]
    return found(parts[0], reaches(*parts))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{rest} s"


def _write(directory: Path, text: str) -> None:
    try:
        write_atomically(directory / PAGE, text, durable=False)
    except OSError as error:
        raise ValueError(f"{directory / PAGE} cannot be written: {error.strerror}") from error
