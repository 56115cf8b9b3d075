"""TOML read into pydantic models, with one line for whatever is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tomli_w
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


Source = Path | str | Mapping[str, Any] | None
"""Where a configuration comes from: a file, its text, its keys, or None for the one that comes with the package."""


def read_model(
    path: Source, packaged: str, model: type[Model], tables: Mapping[str, type[BaseModel]]
) -> tuple[Model, str]:
    """A configuration and its text.

    Args:
        path: of the file; a text with a line break or ``=`` is TOML itself, any other a path; a dict has the keys.
            None for the configuration that comes with the package.
        packaged: name of that one.
        model: of the whole file.
        tables: of its tables by name, the innermost first.

    Raises ``ValueError`` with one line that names the key, what was given and what is accepted.
    """
    path = located(path)
    name = "the packaged default" if path is None else str(path) if isinstance(path, Path) else "given"
    try:
        text = _text(path, packaged)
        return model.model_validate(tomllib.loads(text)), text
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"configuration {name} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"configuration {name} is not TOML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"configuration {name}: {_one_line(error, model, tables)}") from error


def located(source: Source) -> Source:
    """A path as a ``Path``, with ``~`` for the home directory; what is no path as it is."""
    if isinstance(source, str) and not any(sign in source for sign in "\n="):
        return Path(source).expanduser()
    return source.expanduser() if isinstance(source, Path) else source


def _text(source: Source, packaged: str) -> str:
    if isinstance(source, Mapping):
        try:
            return tomli_w.dumps(_plain(source))
        except TypeError as error:
            raise ValueError(f"configuration given: {error}") from error
    if isinstance(source, str):
        return source
    file = resources.files("qntk.validation").joinpath(packaged) if source is None else source
    return file.read_text(encoding="utf-8-sig")


def _plain(value: Any) -> Any:
    """Keys and values as TOML has them: numpy's numbers and arrays, tuples and paths become plain ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | range):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _one_line(error: ValidationError, model: type[BaseModel], tables: Mapping[str, type[BaseModel]]) -> str:
    """The first complaint, a misspelt key before anything else, with the key as a path."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        parent = first["loc"][:-1]
        accepted = next((table for name, table in tables.items() if name in parent), model)
        return f"unknown key {key!r}; accepted there: {', '.join(accepted.model_fields)}{more}"
    message = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] in ("missing", "value_error") else f", given {first['input']!r}"
    return f"{key + ': ' if key else ''}{message[0].lower()}{message[1:]}{given}{more}"
