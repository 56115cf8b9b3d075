"""Drawing one chunk: a function of its cell and its number, wherever it runs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock

from qntk.sampling import STREAM_VERSION, Draws, Ensemble, chunk_generator
from qntk.sampling.engine.schedule import WHOLE, state_bytes
from qntk.validation.sweep.cells import Cell

KEPT = 16
"""Ensembles that a process keeps compiled."""
_CIRCUIT_BYTES = 6 * 1024
"""Of a compiled circuit, for each of its parameters; measured 2 to 5 KiB."""
_ANGLES_BYTES = 64 * 2**20
"""Of the angles that a thread takes at a time, at most (``sampling.circuits.model``)."""
_DECISIVE = ("qntk", "numpy", "scipy", "numba", "llvmlite", "qiskit")


class _BuiltOnce:
    """Ensembles by cell, each built by the first thread that asks while the others wait for it."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._slots: OrderedDict[Cell, tuple[Lock, list[Ensemble]]] = OrderedDict()

    def get(self, cell: Cell) -> Ensemble:
        with self._lock:
            building, built = self._slots.setdefault(cell, (Lock(), []))
            self._slots.move_to_end(cell)
            if len(self._slots) > self._most:
                self._slots.popitem(last=False)
        with building:
            if not built:
                built.append(cell.build())
            return built[0]


_ensembles = _BuiltOnce(KEPT)


def draw_chunk(cell: Cell, chunk: int) -> Draws:
    """The draws of one chunk of a cell; bit-identical on any thread or process."""
    return _ensembles.get(cell).draw(cell.chunks[chunk], chunk_generator(cell.seed, cell.key, chunk))


def draw_chunks(cell: Cell, chunks: tuple[int, ...], versions: dict[str, str] | None = None) -> list[Draws]:
    """Several chunks of one cell, drawn one after the other.

    Raises ``ValueError`` if the driver's ``decisive_versions`` are given and are not those of this process.
    """
    here = decisive_versions()
    for name, wanted in (versions or here).items():
        if here.get(name) != wanted:
            raise ValueError(f"a worker has {name} {here.get(name)} and the driver {wanted}; install the same on both")
    return [draw_chunk(cell, chunk) for chunk in chunks]


def bytes_drawing(cells: Sequence[Cell], workers: int, batch: Callable[[Cell], int] | None = None) -> int:
    """Bytes that threads take to draw these cells, roughly: circuits that are kept, and a chunk of the largest each.

    ``batch`` tells how many sets of angles of a cell a thread takes at a time; without it, as many as it may.
    """
    sizes = [cell.parameters if cell.layers else 0 for cell in cells]
    circuits = _CIRCUIT_BYTES * max(sum(sizes[start : start + KEPT]) for start in range(len(sizes)))
    return circuits + workers * max(_chunk_bytes(cell, batch(cell) if batch else None) for cell in cells)


def _chunk_bytes(cell: Cell, batch: int | None) -> int:
    """K and f, twice while they are joined and written; angles; the states of eight draws, or of one."""
    size = cell.chunks[0]
    angles = 8 * cell.parameters * (size if batch is None else min(batch, size)) if cell.layers else 0
    states = state_bytes(cell.qubits, cell.dqntk or not cell.layers or cell.qubits <= WHOLE)
    return 64 * size + min(angles, max(_ANGLES_BYTES, 64 * cell.parameters)) + states


@cache
def decisive_versions() -> dict[str, str]:
    """Versions of what may change the bytes of draws."""
    found = {"the stream": str(STREAM_VERSION)}
    for name in _DECISIVE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
