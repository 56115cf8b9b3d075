"""Sweep configurations: TOML, validated key by key."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from validation.claims import Margins
from validation.grid import ENSEMBLES, HAAR_LAYERS, Fraction, Generator, Grid, Model, Override

__all__ = ["ENSEMBLES", "HAAR_LAYERS", "Grid", "MarginConfig", "SweepConfig", "load_config"]


class MarginConfig(Model):
    """``[margin]``: differences that count as agreement, see ``validation.claims.Margins``."""

    mean: Fraction = Margins.mean
    variance: Fraction = Margins.variance
    relative_std: Fraction = Margins.relative_std
    distribution: Fraction = Margins.distribution
    second_moment: Fraction = Margins.second_moment
    exponent: Fraction = Margins.exponent

    def margins(self) -> Margins:
        """The same as a plain value."""
        return Margins(**self.model_dump())


class SweepConfig(Model):
    """A sweep: seed, error budget, margins, and blocks of cells.

    ``folder`` is where the paths of its circuits start: that of the file it was read from.
    """

    title: str = "qntk sweep"
    seed: Annotated[int, Field(ge=0)]
    family_error: Fraction = 0.01
    generator: Generator = "half-pauli"
    margin: MarginConfig = MarginConfig()
    grid: Annotated[list[Grid], Field(min_length=1)]
    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self._folder


def load_config(path: Path | None) -> tuple[SweepConfig, str]:
    """The configuration and its text; the packaged default if ``path`` is None.

    Raises ``ValueError`` with one line that names the key, what was given and what is accepted.
    """
    name = "the packaged default" if path is None else str(path)
    try:
        if path is None:
            text = resources.files("validation").joinpath("default_sweep.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        config = SweepConfig.model_validate(tomllib.loads(text))
        config._folder = Path() if path is None else path.parent
        return config, text
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"configuration {name} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"configuration {name} is not TOML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"configuration {name}: {_one_line(error)}") from error


def _one_line(error: ValidationError) -> str:
    """The first complaint, a misspelt key before anything else, with the key as a path."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        parent = first["loc"][:-1]
        models: dict[str, type[BaseModel]] = {"override": Override, "grid": Grid, "margin": MarginConfig}
        model = next((model for name, model in models.items() if name in parent), SweepConfig)
        return f"unknown key {key!r}; accepted there: {', '.join(model.model_fields)}{more}"
    message = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] in ("missing", "value_error") else f", given {first['input']!r}"
    return f"{key}: {message[0].lower()}{message[1:]}{given}{more}"
