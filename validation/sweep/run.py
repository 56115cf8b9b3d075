"""Running a sweep: chunks drawn in the background, one writer, nothing lost on interruption."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass

from qntk.sampling import Draws
from qntk.validation.sweep.cells import Cell
from qntk.validation.sweep.executors import Executor, threads
from qntk.validation.sweep.progress import Progress
from qntk.validation.sweep.store import Store

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 0.3
"""For chunks that are as good as done when a run is interrupted."""
_TASKS_A_SLOT = 2
_Task = tuple[Cell, list[int]]


class Interrupted(KeyboardInterrupt):
    """A run was stopped; every chunk that was finished is kept.

    Attributes:
        busy: whether some chunk is still being drawn in this process, which it would wait for on a normal exit.
    """

    def __init__(self, busy: bool) -> None:
        super().__init__()
        self.busy = busy


@dataclass(frozen=True)
class SweepResult:
    """What a run of a sweep did.

    Attributes:
        cells: cells in the sweep.
        drawn: draws made now.
        resumed: draws that were there already.
        seconds: wall time.
    """

    cells: int
    drawn: int
    resumed: int
    seconds: float


def run_sweep(
    store: Store, workers: int | None = None, quiet: bool = False, executor: Executor | None = None
) -> SweepResult:
    """Draw every chunk that is missing, on an executor, by default ``workers`` threads (default: all cores).

    Cells that may stop early are drawn to their next look and asked again, until all have stopped. The executor is
    closed at the end.

    On SIGINT or SIGTERM what is not finished within a moment is dropped, and ``Interrupted`` raised. Raises
    ``ValueError`` if a chunk cannot be written or the executor fails; finished chunks are kept then too.
    """
    executor = executor or threads(workers)
    start = time.perf_counter()
    progress: Progress | None = None
    done = False
    try:
        missing = store.missing()
        progress = Progress(store, executor.where, quiet)
        progress.expect(missing, store.cells)
        while missing:
            _draw_all(store, executor, missing, progress)
            stopping = [cell for cell in store.cells if cell.looks > 1]
            missing = store.missing(stopping)
            progress.expect(missing, stopping)
        done = True
    finally:
        executor.close()
        if progress is not None:
            progress.close(finish=done)
    total = sum(store.planned(cell) for cell in store.cells)
    return SweepResult(len(store.cells), progress.drawn, total - progress.drawn, time.perf_counter() - start)


def _draw_all(store: Store, executor: Executor, missing: list[tuple[Cell, int]], progress: Progress) -> None:
    """Draw and write these chunks, with few enough in the background that their draws fit in memory."""
    tasks = _tasks(missing, executor)
    pending: dict[Future[list[Draws]], _Task] = {}

    def collect(future: Future[list[Draws]]) -> None:
        cell, chunks = pending.pop(future)
        for chunk, draws in zip(chunks, future.result(), strict=True):
            store.write(cell, chunk, draws)
            progress.add(cell, chunk, len(draws))

    with _stop_signal() as stop:
        try:
            while True:
                for cell, chunks in tasks:
                    pending[executor.submit(cell, chunks)] = cell, chunks
                    if len(pending) >= _TASKS_A_SLOT * executor.slots:
                        break
                if not pending:
                    return
                for future in wait(pending, _POLL_SECONDS, FIRST_COMPLETED).done:
                    collect(future)
                progress.tick()
                executor.tick()
                if stop.is_set():
                    raise KeyboardInterrupt
        except BaseException as error:
            busy = _keep_finished(pending, collect)
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(busy and executor.blocks_exit) from error
            reason = executor.failure(error)
            if reason is None:
                raise
            raise ValueError(f"{reason}; every finished chunk is kept, run the same command again to go on") from error


def _keep_finished(pending: dict[Future[list[Draws]], _Task], collect: Callable[[Future[list[Draws]]], None]) -> bool:
    """Write what is finished, or will be in a moment, and drop the rest; whether some of that is still running."""
    running = [future for future in list(pending) if not future.cancel()]
    late = wait(running, _GRACE_SECONDS)
    for future in late.done:
        if not future.cancelled() and future.exception() is None:
            collect(future)
    return bool(late.not_done)


def _tasks(missing: list[tuple[Cell, int]], executor: Executor) -> Iterator[_Task]:
    """The chunks in order, neighbours of one cell together where that still leaves enough tasks for every slot."""
    size = max(1, min(executor.batch, len(missing) // (4 * executor.slots)))
    task: _Task | None = None
    for cell, chunk in missing:
        if task is not None and task[0] is cell and len(task[1]) < size:
            task[1].append(chunk)
            continue
        if task is not None:
            yield task
        task = cell, [chunk]
    if task is not None:
        yield task


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, so that neither falls between a chunk's end and its writing.

    A second signal interrupts at once. Outside the main thread, where Python has no signals, it is never set.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
