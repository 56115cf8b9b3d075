"""Sweep configurations: TOML, validated key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from qntk.inputs.toml import Source, located, read_model
from qntk.validation.judge.claims import Margins
from qntk.validation.sweep.grid import ENSEMBLES, HAAR_LAYERS, Fraction, Generator, Grid, Model, Override

__all__ = ["ENSEMBLES", "HAAR_LAYERS", "Grid", "MarginConfig", "SweepConfig", "load_config"]


MOST_CELLS = 100_000


class MarginConfig(Model):
    """``[margin]``: differences that count as agreement, see ``qntk.validation.judge.claims.Margins``."""

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

    ``folder`` is where the paths of its circuits and observables start: that of the file it was read from.
    """

    title: str = "qntk sweep"
    seed: Annotated[int, Field(ge=0)]
    family_error: Fraction = 0.01
    generator: Generator = "half-pauli"
    margin: MarginConfig = MarginConfig()
    grid: Annotated[list[Grid], Field(min_length=1)]
    _folder: Path = PrivateAttr(default_factory=Path)

    @model_validator(mode="after")
    def _cells_can_be_planned(self) -> SweepConfig:
        cells = sum(grid.count() for grid in self.grid)
        if cells > MOST_CELLS:
            raise ValueError(f"the grids have {cells:,} cells; a sweep takes at most {MOST_CELLS:,}: give fewer sizes")
        return self

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self._folder


def load_config(path: Source) -> tuple[SweepConfig, str]:
    """The configuration and its text, from a file, TOML, or a dict; the packaged default if ``path`` is None.

    Raises ``ValueError`` with one line that names the key, what was given and what is accepted.
    """
    tables: dict[str, type[BaseModel]] = {"override": Override, "grid": Grid, "margin": MarginConfig}
    path = located(path)
    config, text = read_model(path, "default_sweep.toml", SweepConfig, tables)
    config._folder = path.parent if isinstance(path, Path) else Path()
    return config, text
