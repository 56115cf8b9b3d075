"""Drawing one chunk: a function of its cell and its number, wherever it runs."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock

from qntk.sampling import STREAM_VERSION, Draws, Ensemble, chunk_generator
from qntk.validation.sweep.cells import Cell

KEPT = 16
"""Ensembles that a process keeps compiled."""
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
