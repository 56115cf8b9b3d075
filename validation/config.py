"""Sweep configurations: TOML, validated key by key."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sampling import CATALOGUE
from validation.claims import Margins
from validation.estimates import MINIMUM_DRAWS

HAAR_LAYERS = "haar-layers"
ENSEMBLES = (HAAR_LAYERS, *CATALOGUE)
MAX_QUBITS = 12
MAX_PARAMETERS = 1_000_000
MAX_DRAWS = 100_000_000

Generator = Literal["half-pauli", "pauli"]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Qubits = Annotated[int, Field(ge=1, le=MAX_QUBITS)]
Count = Annotated[int, Field(ge=1, le=MAX_PARAMETERS)]
DrawCount = Annotated[int, Field(ge=MINIMUM_DRAWS, le=MAX_DRAWS)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
ManyQubits = Annotated[list[Qubits], Field(min_length=1), BeforeValidator(_as_list)]
ManyCounts = Annotated[list[Count], Field(min_length=1), BeforeValidator(_as_list)]
ManySpecs = Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MarginConfig(_Model):
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


class Grid(_Model):
    """``[[grid]]``: the product of its lists is a block of cells.

    ``parameters`` goes with haar-layers, ``layers`` with an ansatz of the catalogue. Each cell takes ``draws`` draws;
    with ``power``, as many as give it ``agree`` with this probability if theory is right, at most ``most_draws``.
    With ``looks`` above 1 it stops early, at the first look that settles every claim of the exact law
    (``validation.sequential``). ``dqntk`` also draws μ, and ``overlap``, for haar-layers, K between two inputs whose
    states overlap by |<x|x'>|² = ``overlap``.
    """

    ensemble: str
    qubits: ManyQubits
    observable: ManySpecs
    draws: DrawCount | None = None
    power: Fraction | None = None
    most_draws: DrawCount = 2_000_000
    parameters: ManyCounts | None = None
    layers: ManyCounts | None = None
    generator: Generator | None = None
    looks: Annotated[int, Field(ge=1, le=10)] = 1
    dqntk: bool = False
    overlap: Annotated[float, Field(ge=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _sizes_fit_the_ensemble(self) -> Grid:
        if self.ensemble not in ENSEMBLES:
            raise ValueError(f"ensemble {self.ensemble!r} is unknown; choose from {', '.join(ENSEMBLES)}")
        wanted, other = ("parameters", "layers") if self.ensemble == HAAR_LAYERS else ("layers", "parameters")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"ensemble {self.ensemble!r} takes the key {wanted!r} and not {other!r}")
        if self.ensemble in CATALOGUE and min(self.qubits) < CATALOGUE[self.ensemble].smallest:
            raise ValueError(f"ensemble {self.ensemble!r} needs qubits >= {CATALOGUE[self.ensemble].smallest}")
        if self.overlap is not None and self.ensemble != HAAR_LAYERS:
            raise ValueError(f"the key 'overlap' goes with {HAAR_LAYERS}; {self.ensemble!r} has no inputs")
        if self.overlap is not None and self.dqntk:
            raise ValueError("give 'dqntk' and 'overlap' in two grids; one circuit is drawn for one of them")
        return self

    @model_validator(mode="after")
    def _one_way_to_set_the_draws(self) -> Grid:
        if (self.draws is None) == (self.power is None):
            raise ValueError("give exactly one of the keys 'draws' and 'power'")
        if self.draws is not None and "most_draws" in self.model_fields_set:
            raise ValueError("the key 'most_draws' goes with 'power', not with 'draws'")
        return self


class SweepConfig(_Model):
    """A sweep: seed, error budget, margins, and blocks of cells."""

    title: str = "qntk sweep"
    seed: Annotated[int, Field(ge=0)]
    family_error: Fraction = 0.01
    generator: Generator = "half-pauli"
    margin: MarginConfig = MarginConfig()
    grid: Annotated[list[Grid], Field(min_length=1)]


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
        return SweepConfig.model_validate(tomllib.loads(text)), text
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
        model: type[_Model] = Grid if "grid" in parent else MarginConfig if "margin" in parent else SweepConfig
        return f"unknown key {key!r}; accepted there: {', '.join(model.model_fields)}{more}"
    message = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] in ("missing", "value_error") else f", given {first['input']!r}"
    return f"{key}: {message[0].lower()}{message[1:]}{given}{more}"
