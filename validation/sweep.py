"""Running a sweep: chunks on threads, one writer, nothing lost on interruption."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from tqdm import tqdm

from sampling import Draws, Ensemble, chunk_generator
from validation.cells import Cell
from validation.store import Store


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


def run_sweep(store: Store, workers: int | None = None, quiet: bool = False) -> SweepResult:
    """Draw every chunk that is missing, on ``workers`` threads (default: all cores).

    Cells that may stop early are drawn to their next look and asked again, until all have stopped.

    The compiled kernels release the GIL. On Ctrl-C (``KeyboardInterrupt``) chunks not yet begun are dropped, those
    under way are finished and kept, and the exception goes on to the caller.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; give at least 1")
    start = time.perf_counter()
    missing = store.missing()
    drawn = 0
    count = workers or os.cpu_count() or 1
    stops_early = any(cell.looks > 1 for cell in store.cells)
    todo = sum(_work(cell, chunk) for cell, chunk in missing)
    bar = tqdm(
        total=todo,
        disable=quiet or not missing,
        desc=f"{len(store.cells)} cells",
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
    )
    bar.set_postfix_str("the first use on a machine compiles for some seconds")
    with bar, ThreadPoolExecutor(count) as pool:
        pending: dict[Future[Draws], tuple[Cell, int]] = {}

        def submit(tasks: Iterator[tuple[Cell, int]], limit: int) -> None:
            for cell, chunk in islice(tasks, limit):
                pending[pool.submit(_draw, cell, chunk)] = (cell, chunk)

        def collect(futures: Iterator[Future[Draws]]) -> None:
            nonlocal drawn
            for future in futures:
                cell, chunk = pending.pop(future)
                draws = future.result()
                store.write(cell, chunk, draws)
                drawn += len(draws)
                bar.set_postfix_str(f"{drawn:,} draws, {drawn / (time.perf_counter() - start):,.0f}/s", refresh=False)
                bar.update(_work(cell, chunk))

        try:
            while missing:
                tasks = iter(missing)
                submit(tasks, 2 * count)
                while pending:
                    done, _ = wait(pending, return_when=FIRST_COMPLETED)
                    collect(iter(done))
                    submit(tasks, len(done))
                missing = store.missing() if stops_early else []
                todo += sum(_work(cell, chunk) for cell, chunk in missing)
                bar.total = todo
        except BaseException:
            for future in pending:
                future.cancel()
            collect(f for f in list(pending) if not f.cancelled() and f.exception() is None)
            raise
    total = sum(store.planned(cell) for cell in store.cells)
    return SweepResult(len(store.cells), drawn, total - drawn, time.perf_counter() - start)


def _work(cell: Cell, chunk: int) -> int:
    """Cost of a chunk in arbitrary units, for the progress bar alone."""
    return cell.chunks[chunk] * cell.parameters * (cell.dimension + 8)


def _draw(cell: Cell, chunk: int) -> Draws:
    return _ensemble(cell).draw(cell.chunks[chunk], chunk_generator(cell.seed, cell.key, chunk))


@lru_cache(maxsize=16)
def _ensemble(cell: Cell) -> Ensemble:
    return cell.build()
