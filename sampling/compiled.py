"""Numba's kernels: how they are compiled, and that a first call which compiles says so."""

from __future__ import annotations

import threading
from typing import Any

from numba import njit, typeof

from qntk.inputs.machine import saying_if_slow

_COMPILING = threading.Lock()


def jit(function):  # type: ignore[no-untyped-def]
    """Numba with what every kernel of the engine wants: no GIL, a cache on disk, no bounds checks."""
    return njit(nogil=True, cache=True, boundscheck=False)(function)


def leaf(function):  # type: ignore[no-untyped-def]
    """The same for a kernel that makes and returns no array, which then counts no references to those it is given.

    Counts are atomic: at a call of another kernel, two for each array, they cost as much as a row on 32 amplitudes.
    """
    return njit(nogil=True, cache=True, boundscheck=False, _nrt=False)(function)


def called(kernel: Any, *arguments: Any) -> None:
    """Call a kernel; where that compiles it, once in an installation, a line says so."""
    if not kernel.signatures:
        with _COMPILING, saying_if_slow("compiling for this machine, once; later runs find it on disk"):
            kernel.compile(tuple(map(typeof, arguments)))
    kernel(*arguments)
