"""The user's own code, run where a configuration asks for it, and each time from its own file.

A module beside the configuration is compiled from its source as it is now, under a name that no import finds, and the
modules beside it that it imports are forgotten afterwards: two folders may each have a ``mine.py``, and an edited one
is read again. Whatever the code raises is one line; what it prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TextIO

_PRIVATE = "_qntk_user_module"


class MissingModuleError(ImportError):
    """The module, or one that it imports, is not there."""


def call_function(name: str, folder: Path, arguments: tuple[int, ...]) -> Any:
    """What ``module:function`` returns for these arguments.

    Args:
        name: of a module in the folder, or else one that is installed, and of its function.
        folder: of the configuration.
        arguments: of the function.

    Raises ``MissingModuleError``, and ``ValueError`` with one line for whatever else goes wrong in it.
    """
    module_name, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")) or not attribute.isidentifier():
        raise ValueError(f"circuit {name!r} is no 'module:function'")
    try:
        with _no_output(), _from(folder.resolve()):
            function = getattr(_load(module_name, folder.resolve()), attribute, None)
            if not callable(function):
                raise _NoFunctionError
            return function(*arguments)
    except _NoFunctionError:
        raise ValueError(f"circuit {name!r}: module {module_name!r} has no function {attribute!r}") from None
    except ImportError as error:
        raise MissingModuleError(f"circuit {name!r} cannot be imported: {_line(error)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may raise anything, and SystemExit is no way out
        raise ValueError(f"circuit {name!r} raised {type(error).__name__}: {_line(error)}") from error


@contextlib.contextmanager
def _no_output() -> Iterator[None]:
    """Standard output is standard error, for compiled code and other programs too, which know the descriptor alone."""
    said = _Said(sys.stderr)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), contextlib.ExitStack() as stack:
        stack.callback(said.end)
        with contextlib.suppress(OSError):  # one of both is closed
            flush, kept = ctypes.CDLL(None).fflush, os.dup(1)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, 1)
            flush(None)
            os.dup2(2, 1)
            stack.callback(flush, None)
        yield


class _Said(io.TextIOBase):
    """Standard error as a user's code has it: that may close it, and what it says is ended as a line."""

    def __init__(self, to: TextIO) -> None:
        self._to, self._last = to, "\n"

    def write(self, text: str) -> int:
        self._last = text[-1:] or self._last
        return self._to.write(text)

    def flush(self) -> None:
        self._to.flush()

    def fileno(self) -> int:
        return self._to.fileno()

    def end(self) -> None:
        self._to.write("" if self._last == "\n" else "\n")
        self._to.flush()


class _NoFunctionError(Exception):
    pass


def _line(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())[:300] or "no more is said"
    except Exception:  # its own text is the user's code too
        return "no more can be said"


def _load(name: str, folder: Path) -> ModuleType:
    path = folder / f"{name}.py"
    if "." in name or not path.is_file():
        return importlib.import_module(name)
    source = path.read_bytes()
    spec = importlib.util.spec_from_file_location(_PRIVATE, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    code: CodeType = compile(source, str(path), "exec", dont_inherit=True)
    sys.modules[_PRIVATE] = module
    try:
        exec(code, module.__dict__)
    finally:
        del sys.modules[_PRIVATE]
    return module


@contextlib.contextmanager
def _from(folder: Path) -> Iterator[None]:
    """Imports find the folder first, and what they find there is forgotten at the end."""
    beside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}

    def ours(is_ours: Callable[[ModuleType], bool]) -> dict[str, ModuleType]:
        found = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in beside and isinstance(m, ModuleType)}
        return {n: m for n, m in found.items() if is_ours(m)}

    def within(module: ModuleType) -> bool:
        file = getattr(module, "__file__", None)
        return file is not None and folder in Path(file).resolve().parents

    # Modules of the same names from elsewhere step aside, but for what is part of Python or installed.
    aside = {n: m for n, m in ours(lambda m: not within(m)).items() if not _installed(m)} | ours(within)
    for name in aside:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # it goes by seconds, too coarse for edits
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
        for name in ours(within):
            del sys.modules[name]
        sys.modules.update(aside)


def _installed(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    if file is None:
        return True
    at = Path(file).resolve()
    library = Path(importlib.__file__).resolve().parents[1]
    return "site-packages" in at.parts or library in at.parents or module.__name__.partition(".")[0] == "qntk"
