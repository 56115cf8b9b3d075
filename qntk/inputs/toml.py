"""TOML read into pydantic models, with one line for whatever is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


def read_model(
    path: Path | None, packaged: str, model: type[Model], tables: Mapping[str, type[BaseModel]]
) -> tuple[Model, str]:
    """A configuration and its text.

    Args:
        path: of the file; None for the one that comes with the package.
        packaged: name of that one.
        model: of the whole file.
        tables: of its tables by name, the innermost first.

    Raises ``ValueError`` with one line that names the key, what was given and what is accepted.
    """
    name = "the packaged default" if path is None else str(path)
    try:
        source = resources.files("qntk.validation").joinpath(packaged) if path is None else path
        text = source.read_text(encoding="utf-8-sig")
        return model.model_validate(tomllib.loads(text)), text
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"configuration {name} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"configuration {name} is not TOML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"configuration {name}: {_one_line(error, model, tables)}") from error


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
