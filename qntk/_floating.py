"""Numpy's handling of rounding, overflow and the like as numpy comes, whatever the user has set for his own code.

``np.seterr(all="raise")`` would turn a probability of 1e-320 into an error, here and within scipy. So whatever a module
of qntk makes public, its functions and the methods of its classes, runs under numpy's own settings: decided once, where
the modules are loaded.
"""

from __future__ import annotations

import functools
import sys
from abc import ABCMeta
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import FunctionType, ModuleType
from typing import Any

_WITHIN: ContextVar[bool] = ContextVar("within", default=False)
_GENERATOR = 0x20  # inspect.CO_GENERATOR, without the cost of its import
_PLAIN = (type, ABCMeta)
"""Kinds of classes whose methods are changed: enumerations and models of pydantic compute nothing."""


def as_numpy_comes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run under numpy's own settings of floating-point errors; a second time changes nothing.

    >>> import numpy as np
    >>> tiny = as_numpy_comes(lambda: np.exp(np.float64(-800)))
    >>> with np.errstate(all="raise"):
    ...     float(tiny())
    0.0
    """
    if getattr(function, "_as_numpy_comes", False):
        return function
    within, modules = _WITHIN, sys.modules

    def run(*arguments: Any, **options: Any) -> Any:
        if within.get() or "numpy" not in modules:  # within another such function, or nobody has set anything
            return function(*arguments, **options)
        token = within.set(True)
        try:
            with modules["numpy"].errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
                return function(*arguments, **options)
        finally:
            within.reset(token)

    # In the module of the function: there its doctests are looked for, and there warnings are counted.
    home = getattr(function, "__globals__", run.__globals__)
    made = functools.wraps(function)(FunctionType(run.__code__, home, closure=run.__closure__))
    made._as_numpy_comes = True  # type: ignore[attr-defined]
    return made


def calm(kind: type) -> None:
    """The same for every method and property that a class defines."""
    for name, value in list(vars(kind).items()):
        if isinstance(value, property):
            made: Any = property(value.fget and as_numpy_comes(value.fget), value.fset, value.fdel, value.__doc__)
        elif isinstance(value, functools.cached_property):
            made = functools.cached_property(as_numpy_comes(value.func))
            made.__set_name__(kind, name)
        elif isinstance(value, classmethod | staticmethod):
            made = type(value)(_calmed(value.__func__))
        else:
            made = _calmed(value)
        if made is not value:
            setattr(kind, name, made)


def _calmed(value: Any) -> Any:
    """A function written in a module, also a cached one, as numpy comes; anything else as it is."""
    if hasattr(value, "cache_parameters"):
        return functools.lru_cache(**value.cache_parameters())(as_numpy_comes(value.__wrapped__))
    written = isinstance(value, FunctionType) and not value.__code__.co_filename.startswith("<")
    return as_numpy_comes(value) if written and not value.__code__.co_flags & _GENERATOR else value


class _Loader(SourceFileLoader):
    """Loads a module, and has what it defines and makes public run as numpy comes."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for name, value in list(vars(module).items()):
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if type(value) in _PLAIN:
                calm(value)
            else:
                setattr(module, name, _calmed(value))


class _Finder(PathFinder):
    """Finds the modules of qntk where Python does, for the loader above."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("qntk."):
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """From now on; after finders that others put first, such as pytest's for its plugins."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(sys.meta_path.index(PathFinder), _Finder)
