"""Numpy's handling of rounding, overflow and the like as numpy comes, whatever the user has set for his own code.

``np.seterr(all="raise")`` would turn a probability of 1e-320 into an error, here and within scipy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def as_numpy_comes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run under numpy's own settings of floating-point errors; a second time changes nothing.

    >>> tiny = as_numpy_comes(lambda: np.exp(np.float64(-800)))
    >>> with np.errstate(all="raise"):
    ...     float(tiny())
    0.0
    """
    if getattr(function, "_as_numpy_comes", False):
        return function

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            return function(*arguments, **options)

    run._as_numpy_comes = True  # type: ignore[attr-defined]
    return run


def calm(kind: type) -> None:
    """The same for every method and property that a class defines."""
    for name, value in list(vars(kind).items()):
        if isinstance(value, property):
            made: Any = property(value.fget and as_numpy_comes(value.fget), value.fset, value.fdel, value.__doc__)
        elif isinstance(value, functools.cached_property):
            made = functools.cached_property(as_numpy_comes(value.func))
            made.__set_name__(kind, name)
        elif isinstance(value, classmethod | staticmethod):
            made = type(value)(as_numpy_comes(value.__func__))
        elif isinstance(value, type) or not callable(value) or not hasattr(value, "__code__"):
            continue
        else:
            made = as_numpy_comes(value)
        setattr(kind, name, made)
