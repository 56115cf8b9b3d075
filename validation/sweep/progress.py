"""How far a run is: one display, and ``progress.json`` for other processes."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import click
from tqdm.auto import tqdm

from qntk.validation import SCHEMA_VERSION
from qntk.validation.judge.estimates import summarise
from qntk.validation.judge.verdicts import Outcome, judge_all
from qntk.validation.sweep.cells import Cell
from qntk.validation.sweep.config import HAAR_LAYERS
from qntk.validation.sweep.manifest import write_atomically
from qntk.validation.sweep.store import Store

PROGRESS = "progress.json"
_LINE_SECONDS, _FILE_SECONDS = 10.0, 2.0
_MOST_JUDGED = 2**20
"""Draws of a cell that are judged while others are drawn: its first ones, for bounded memory."""
_HAAR_COST = 10
"""Of an amplitude of a random frame beside one of a circuit, roughly."""
OUTCOMES: tuple[Outcome, ...] = ("agree", "disagree", "inconclusive")


def work(cell: Cell, chunk: int) -> int:
    """Cost of a chunk in arbitrary units, for the time left."""
    cost = cell.chunks[chunk] * cell.parameters * (cell.dimension + 8)
    return cost * _HAAR_COST if cell.ensemble == HAAR_LAYERS else cost


class Progress:
    """Counts what a run does, and shows it on standard error: a bar on a terminal, else a line every ten seconds.

    The verdicts counted are those on the moments of K in the exact law, of cells that are finished, at the level of an
    interval of a full report and by a million draws at most; the report itself may settle a few more.

    Attributes:
        drawn: draws made by this run.
    """

    def __init__(self, store: Store, where: str, quiet: bool = False) -> None:
        self.drawn = 0
        self._store, self._where, self._quiet = store, where, quiet
        self._start = time.monotonic()
        self._written, self._said = 0.0, self._start
        self._work_done = self._work_todo = 0
        self._open: Counter[str] = Counter()
        config = store.config
        self._judged_by = {
            "cells": len(store.cells),
            "family_error": config.family_error,
            "margin": config.margin.model_dump(),
        }
        self._finished = self._before()
        self._bar: Any = None
        self._lock = threading.Lock()
        self._backlog: SimpleQueue[Cell | None] = SimpleQueue()
        self._judge = threading.Thread(target=self._judge_all, daemon=True)
        self._judge.start()

    def _before(self) -> dict[str, dict[str, Any]]:
        """What an earlier run found of cells, if it judged by the same levels and margins."""
        document = read_progress(self._store.directory)
        return dict(document["cells"]) if document.get("judged_by") == self._judged_by else {}

    def expect(self, missing: Iterable[tuple[Cell, int]], cells: Iterable[Cell]) -> None:
        """These chunks are to be drawn next; those of the cells that are not among them are finished."""
        self._open.clear()
        for cell, chunk in missing:
            self._open[cell.name] += 1
            self._work_todo += work(cell, chunk)
        for cell in cells:
            if cell.name in self._open:
                with self._lock:
                    self._finished = {name: found for name, found in self._finished.items() if name != cell.name}
            elif cell.looks > 1 or self._finished.get(cell.name, {}).get("draws") != cell.draws:
                self._backlog.put(cell)
        if self._bar is None and self._open and not self._quiet and sys.stderr.isatty():
            self._bar = tqdm(bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}")
            self._bar.set_postfix_str("the first use on a machine compiles for some seconds")
        if self._bar is not None:
            self._bar.total = self._work_todo

    def add(self, cell: Cell, chunk: int, draws: int) -> None:
        """A chunk was drawn and written."""
        self.drawn += draws
        self._work_done += work(cell, chunk)
        self._open[cell.name] -= 1
        if self._open[cell.name] <= 0:
            del self._open[cell.name]
            if cell.looks == 1:
                self._backlog.put(cell)
        if self._bar is not None:
            self._bar.update(work(cell, chunk))

    def tick(self) -> None:
        """Show and write what is due."""
        now = time.monotonic()
        if self._bar is not None:
            self._bar.set_description_str(self._cells(), refresh=False)
            self._bar.set_postfix_str(f"{self.drawn:,} draws, {self._rate:,.0f}/s; {self._tally()}", refresh=False)
        elif not self._quiet and now - self._said > _LINE_SECONDS:
            self._said = now
            left = self._seconds_left
            click.echo(
                f"{self._cells()}, {self.drawn:,} draws made, {self._rate:,.0f} draws/s, "
                f"{'' if left is None else f'about {duration(left)} left; '}{self._tally()}",
                err=True,
            )
        if now - self._written > _FILE_SECONDS:
            self._write()

    def close(self, finish: bool) -> None:
        """The last word; with ``finish``, of all cells that are finished."""
        self._backlog.put(None)
        if finish:
            self._judge.join()
        if self._bar is not None:
            self.tick()
            self._bar.close()
        self._write()

    def _judge_all(self) -> None:
        """Judge cells as they are finished, beside the drawing; the first waits for what all levels need."""
        while (cell := self._backlog.get()) is not None:
            found = self._verdicts(cell)
            with self._lock:
                self._finished = self._finished | {cell.name: found}

    def _verdicts(self, cell: Cell) -> dict[str, Any]:
        look = self._store.reached(cell)
        most = max(_MOST_JUDGED // cell.chunks[0], 1)
        kernels = self._store.columns(cell, min(look.chunks, most))["kernel"]
        margins = self._store.config.margin.margins()
        try:
            found = judge_all(summarise(kernels), cell.law(), margins, self._store.share * look.share)
        except ValueError:  # a constant column, which the report explains
            found = []
        counts = Counter(v.verdict for v in found if v.regime == "exact")
        return {
            "draws": sum(cell.chunks[: look.chunks]),
            "verdicts": [counts[o] for o in OUTCOMES],
        }

    def _cells(self) -> str:
        return f"{len(self._store.cells) - len(self._open):,}/{len(self._store.cells):,} cells"

    def _tally(self) -> str:
        return tally(self._finished)

    @property
    def _rate(self) -> float:
        return self.drawn / max(time.monotonic() - self._start, 1e-9)

    @property
    def _seconds_left(self) -> float | None:
        if not self._work_done:
            return None
        return (self._work_todo - self._work_done) * (time.monotonic() - self._start) / self._work_done

    def _write(self) -> None:
        self._written = time.monotonic()
        document = {
            "schema_version": SCHEMA_VERSION,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "where": self._where,
            "updated": time.time(),
            "draws_per_second": self._rate,
            "seconds_left": self._seconds_left,
            "judged_by": self._judged_by,
            "cells": self._finished,
        }
        with contextlib.suppress(OSError):  # a full disk stops the run where draws are written, which says so
            write_atomically(self._store.directory / PROGRESS, json.dumps(document), durable=False)


def read_progress(directory: Path) -> dict[str, Any]:
    """``progress.json`` of a directory; empty if there is none or it cannot be read."""
    try:
        document = dict(json.loads((directory / PROGRESS).read_text(encoding="utf-8")))
        return document if all(len(c["verdicts"]) == len(OUTCOMES) for c in document["cells"].values()) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def verdict_counts(finished: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Verdicts of finished cells, by outcome."""
    rows = [cell["verdicts"] for cell in finished.values()]
    return {outcome: sum(row[place] for row in rows) for place, outcome in enumerate(OUTCOMES)}


def tally(finished: dict[str, dict[str, Any]]) -> str:
    """The same in words."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in verdict_counts(finished).items())


def duration(seconds: float) -> str:
    """In words, such as ``50 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
