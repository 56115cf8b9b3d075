"""Where chunks are drawn: threads of this process, processes of this machine, or an existing Dask cluster.

All three are pools of the standard library's kind, so that one driver serves them. Each thread of each worker draws
one chunk at a time; only the driver writes.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor as Pool
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from qntk.inputs.machine import cores
from qntk.inputs.messages import warn
from qntk.sampling import Draws
from qntk.validation.sweep.cells import Cell
from qntk.validation.sweep.drawing import decisive_versions, draw_chunks

_CONNECT_SECONDS = 20
_DROP_SECONDS = 0.1
"""In which a pool of processes drops what has not begun."""
_ALONE_SECONDS = 5.0
"""Without workers, until it is said."""
_COUNT_SECONDS = 2.0
"""Between two looks at how many threads a cluster has."""


class Executor:
    """Draws chunks in the background.

    Attributes:
        where: in words.
        batch: most chunks in one task.
        blocks_exit: whether a normal exit of this process waits for chunks that are still being drawn.
    """

    blocks_exit = True

    def __init__(self, pool: Pool, where: str, count: Callable[[], int], batch: int = 1) -> None:
        self.where, self.batch = where, batch
        self._pool, self._count = pool, count
        self._versions: dict[str, str] | None = None

    @property
    def slots(self) -> int:
        """Tasks that are drawn at once; a cluster may grow and shrink."""
        return max(self._count(), 1)

    def submit(self, cell: Cell, chunks: Sequence[int]) -> Future[list[Draws]]:
        """Draw some chunks of a cell."""
        return self._pool.submit(draw_chunks, cell, tuple(chunks), self._versions)

    def tick(self) -> None:
        """A moment has passed in which the driver waited."""

    def close(self) -> None:
        """Give the pool back; what is not yet begun is dropped, what is under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def failure(self, error: BaseException) -> str | None:
        """One line on an error that is the pool's own and no fault of the draws; None for any other."""
        if isinstance(error, BrokenProcessPool):
            return "a worker process died, killed or out of memory"
        return None


def threads(workers: int | None = None) -> Executor:
    """Threads of this process, as many as it has cores: the compiled kernels release the GIL."""
    count = _positive(workers)
    return Executor(ThreadPoolExecutor(count, "qntk-draw"), f"{count} threads", lambda: count)


def processes(workers: int | None = None) -> Executor:
    """Processes of this machine, one thread each. They ignore Ctrl-C and end with this process, however it ends."""
    count = _positive(workers)
    # Not forked: a forked child would hold the lock of the directory after this process is killed.
    pool, others = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _serve), _children()
    with _signals_ignored():  # which children inherit, from their first moment on
        for _ in range(count):
            pool.submit(int)
    return _ProcessExecutor(pool, f"{count} processes", lambda: count, children=_children() - others)


class _ProcessExecutor(Executor):
    """Of processes, which need not be waited for."""

    blocks_exit = False

    def __init__(self, *arguments: Any, children: set[BaseProcess]) -> None:
        super().__init__(*arguments)
        self._workers = children

    def close(self) -> None:
        """End the processes, whatever they are at."""
        super().close()
        time.sleep(_DROP_SECONDS)
        for child in self._workers:
            child.kill()


def _children() -> set[BaseProcess]:
    return set(multiprocessing.active_children())


def _positive(workers: int | None) -> int:
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; give at least 1")
    return workers or cores()


@contextmanager
def _signals_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve() -> None:
    parent = multiprocessing.parent_process()

    def leave() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()


def dask(address: str) -> Executor:
    """The workers of a Dask cluster at an address such as ``tcp://host:8786``, or of a scheduler file (``.json``).

    A task whose worker dies is given to another, by the scheduler; one that fails is not tried again. Raises
    ``ValueError`` if Dask is not installed or no scheduler answers.
    """
    return _DaskExecutor(address)


class _DaskExecutor(Executor):
    """Of Dask's own adapter to pools; its client gets no more tasks than keep the cluster busy."""

    blocks_exit = False

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError as error:
            raise ValueError("--dask needs the extra 'dask': pip install 'qntk[dask]'") from error
        for name in ["asyncio", "tornado.application", *logging.root.manager.loggerDict]:
            if name.partition(".")[0] in ("asyncio", "tornado", "distributed"):
                logging.getLogger(name).setLevel(logging.CRITICAL)  # ``failure`` tells what goes wrong in one line
        at = _scheduler_of(Path(address).expanduser()) if address.endswith(".json") else address
        try:
            self._client = distributed.Client(at, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ValueError(f"no Dask scheduler answers at {address}: {error}") from error
        self._address, self._seen, self._threads = address, -_COUNT_SECONDS, 0
        super().__init__(self._client.get_executor(pure=False), f"Dask at {address}", self._look, 8)
        self._versions, self._alone, self._said = decisive_versions(), time.monotonic(), False
        self._tried, self._trials = 0, ThreadPoolExecutor(1)
        self._trial: Future[Any] | None = None
        try:
            self.tick()
            self._end_trial(_CONNECT_SECONDS)
        except BaseException:
            self.close()
            raise

    def _end_trial(self, seconds: float | None = None) -> None:
        """The outcome of a trial of the workers, which is waited for where ``seconds`` says how long."""
        if self._trial is None or (seconds is None and not self._trial.done()):
            return
        trial, self._trial = self._trial, None
        try:
            trial.result(seconds)
        except FutureTimeoutError:
            raise ValueError(f"the Dask workers at {self._address} do not answer") from None
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            raise ValueError(
                f"a Dask worker cannot import this package: {reason}; install the same qntk there"
            ) from error

    def tick(self) -> None:
        """Have workers that are new import what draws, where an error would keep the scheduler trying for ever, while
        others go on; and say once that there are none."""
        there = self._look()
        self._end_trial()
        if self._trial is None:
            if there > self._tried:
                self._trial = self._trials.submit(self._client.run, exec, f"import {draw_chunks.__module__}")
            self._tried = there
        if there:
            self._alone, self._said = time.monotonic(), False
        elif time.monotonic() - self._alone > _ALONE_SECONDS and not self._said:
            self._said = True
            warn(f"Dask at {self._address} has no workers; start some, the sweep goes on with them")

    def _look(self) -> int:
        if time.monotonic() - self._seen > _COUNT_SECONDS:
            self._seen = time.monotonic()
            try:
                self._threads = sum(self._client.nthreads().values())
            except OSError:
                self._threads = 0
        return self._threads

    def close(self) -> None:
        """Drop the tasks; the cluster stays."""
        self._pool.shutdown(wait=False)
        self._trials.shutdown(wait=False)
        self._client.close(timeout=0.3)

    def failure(self, error: BaseException) -> str | None:
        """Tasks are cancelled when the scheduler is lost, and killed when their workers died again and again."""
        name = type(error).__name__
        if name in ("CancelledError", "FutureCancelledError", "FuturesCancelledError", "CommClosedError"):
            return f"the Dask scheduler at {self._address} is gone"
        if name == "KilledWorker":
            return f"a chunk was given up after its Dask workers died: {error}"
        if isinstance(error, ImportError | AttributeError):
            return f"a Dask worker cannot import this package: {error}; install the same qntk there"
        if isinstance(error, ValueError | MemoryError | KeyboardInterrupt):
            return None
        return f"a Dask worker raised {name}: {' '.join(str(error).split())[:300]}"


def _scheduler_of(file: Path) -> str:
    """The address that a scheduler file tells."""
    try:
        told = json.loads(file.read_text(encoding="utf-8-sig"))["address"]
    except FileNotFoundError:
        raise ValueError(f"the Dask scheduler file {file} does not exist") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the Dask scheduler file {file} cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(told, str):
        raise ValueError(f"the Dask scheduler file {file} has the address {told!r}; a text is meant")
    return told
