"""Configurations of ``qntk diagnose``: TOML, validated key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from qntk.inputs.circuit_files import load_circuit
from qntk.inputs.circuits import entered, input_parameters, repeated
from qntk.inputs.separated import Dialect
from qntk.inputs.tables import MOST_POINTS, read_table
from qntk.inputs.toml import Source, read_model
from qntk.sampling.learning.datasets import FIELDS, TRAINING_FIELDS, Dataset, alternate, fourier, ising, kink
from qntk.sampling.learning.qnn import MODELS, Qnn, build, from_circuit
from qntk.theory.training.frozen import Loss

PACKAGED = {False: "default_diagnose.toml", True: "full_diagnose.toml"}
"""Packaged configurations: the small study and the one over the full depths."""


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Number = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Depths = Annotated[list[Annotated[int, Field(ge=1, le=1000)]], Field(min_length=1), BeforeValidator(_as_list)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DatasetConfig(_Model):
    """``[dataset]``: ``kind`` is ising, fourier, kink or csv; every other key belongs to some of them.

    ``scale`` multiplies the labels: they must stay inside the observable's spectrum, and well inside for the kernel to
    stay as it is. A table of kind csv has a line of names, and ``features`` are the columns that are inputs, all but
    ``label`` and ``split`` by default.
    """

    kind: Literal["ising", "fourier", "kink", "csv"] = "ising"
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    qubits: Annotated[int, Field(ge=2, le=14)] = 6
    fields: list[Number] = list(FIELDS)
    training: list[Number] = list(TRAINING_FIELDS)
    coupling: Number = 1.0
    periodic: bool = True
    symmetry_breaking: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    direction: Literal["x", "z"] = "x"
    degree: Annotated[int, Field(ge=1, le=100)] = 3
    points: Annotated[int, Field(ge=4, le=MOST_POINTS)] = 20
    seed: Annotated[int, Field(ge=0)] = 0
    path: str = ""
    label: str = "y"
    features: Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list)] | None = None
    separator: str | None = None
    decimal: Literal[".", ","] = "."

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> DatasetConfig:
        own = {
            "ising": {"qubits", "fields", "training", "coupling", "periodic", "symmetry_breaking", "direction"},
            "fourier": {"degree", "points", "seed"},
            "kink": {"points"},
            "csv": {"path", "label", "features", "separator", "decimal"},
        }[self.kind]
        if foreign := sorted(self.model_fields_set - own - {"kind", "scale"}):
            raise ValueError(f"the key {foreign[0]!r} does not go with kind {self.kind!r}; it takes {sorted(own)}")
        if self.kind == "csv" and not self.path:
            raise ValueError("kind 'csv' needs the key 'path'")
        return self

    def load(self) -> Dataset:
        """The data set, its labels scaled."""
        if self.kind == "ising":
            data = ising(
                self.qubits, self.fields, self.training, self.coupling, self.periodic, self.symmetry_breaking,
                self.direction,
            )  # fmt: skip
        elif self.kind == "fourier":
            data = fourier(self.degree, self.points, self.seed)
        else:
            data = kink(self.points) if self.kind == "kink" else self._table()
        labels = np.asarray(self.scale * data.labels)
        return Dataset(data.name, data.x, labels, data.training, data.shown, data.axes, data.notes)

    def _table(self) -> Dataset:
        path = Path(self.path).expanduser()
        default = "\t" if ".tsv" in path.name else ";" if self.decimal == "," else ","
        dialect = Dialect(default if self.separator is None else self.separator, self.decimal, header=True, keys=True)
        table = read_table(path, self.label, self.features, dialect)
        training = alternate(len(table.y)) if table.training is None else table.training
        shown, axes = table.x[:, 0], (table.features[0], self.label)
        return Dataset(path.name, table.x, table.y, training, shown, axes, table.notes)


class CircuitConfig(_Model):
    """``[[circuit]]``: a user's circuit, QPY or OpenQASM 3; ``inputs`` names its data, a depth repeats it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
    path: str
    inputs: Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list)]


class RandomConfig(_Model):
    """``[random]``: training of one datum in random circuits; see ``qntk.validation.diagnosis.random_training``.

    ``ratios`` are depths L/(2D-2) at which it is trained through the edge of the spectrum
    (``qntk.validation.diagnosis.transition``), at 3 qubits, and to the edge at each of the ``widths``; none by default.
    """

    qubits: Annotated[int, Field(ge=2, le=6)] = 4
    parameters: Annotated[int, Field(ge=2, le=512)] = 48
    draws: Annotated[int, Field(ge=8, le=100_000)] = 512
    rate: Fraction = 0.2
    error: Fraction = 0.1
    steps: Annotated[int, Field(ge=10, le=100_000)] = 40
    sigma: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.002
    shots: Annotated[int, Field(ge=1)] = 2000
    targets: list[Number] = [0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0, 1.05, 1.2]
    ratios: list[Annotated[int, Field(ge=1, le=64)]] = []
    widths: list[Annotated[int, Field(ge=2, le=6)]] = []


class DiagnoseConfig(_Model):
    """A study: data, models, training, and what is compared.

    ``models`` are names of the catalogue and of ``[[circuit]]`` tables; a circuit that is not named there comes last.
    ``learning_rate`` is η; without it, η is ``fraction`` of each seed's own critical rate. ``bisect_steps`` is the
    length of the trial runs that find the critical rate (0: none). ``starts`` networks, where there are more of them
    than seeds, are asked what takes no training. ``sharpness`` are multiples of 2/λ_max at which the shallowest and
    the deepest models are trained, to see whether λ_max settles at 2/η (``qntk.validation.diagnosis.stability``).
    """

    title: str = "QNTK diagnostics"
    seed: Annotated[int, Field(ge=0)]
    qubits: Annotated[int, Field(ge=1, le=12)] = 6
    observable: str = "X0"
    models: list[str] = list(MODELS)
    depths: Depths
    seeds: Annotated[int, Field(ge=2, le=1000)]
    starts: Annotated[int, Field(ge=0, le=100_000)] = 0
    steps: Annotated[int, Field(ge=1, le=1_000_000)]
    loss: Loss = "half-sum"
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    fraction: Fraction = 0.5
    bisect_steps: Annotated[int, Field(ge=0, le=100_000)] = 200
    family_error: Fraction = 0.01
    margin: Fraction = 0.1
    dataset: DatasetConfig = DatasetConfig()
    circuit: list[CircuitConfig] = []
    random: RandomConfig | None = None
    sharpness: list[Annotated[float, Field(gt=0, le=16, allow_inf_nan=False)]] = []

    @model_validator(mode="after")
    def _models_are_known(self) -> DiagnoseConfig:
        own = [c.name for c in self.circuit]
        for name in self.models:
            if name not in (*MODELS, *own):
                raise ValueError(
                    f"model {name!r} is unknown; choose from {', '.join((*MODELS, *own))}, or name a [[circuit]] so"
                )
        if not (self.models or own):
            raise ValueError("there is no model; give 'models' or a [[circuit]]")
        if taken := next((name for name in own if name in MODELS), None):
            raise ValueError(f"circuit {taken!r} is called as a model of the catalogue; give it another name")
        if (
            len(set(own)) < len(own)
            or len(set(self.models)) < len(self.models)
            or len(set(self.depths)) < len(self.depths)
        ):
            raise ValueError("a model or a depth is named twice")
        if self.learning_rate is not None and "fraction" in self.model_fields_set:
            raise ValueError("give one of the keys 'learning_rate' and 'fraction'")
        return self

    def networks(self, features: int) -> list[Qnn]:
        """Every model at every depth."""
        own = {entry.name: entry for entry in self.circuit}
        made: list[Qnn] = []
        for name in dict.fromkeys((*self.models, *own)):
            if name in own:
                made += self._own(own[name], features)
            else:
                made += [build(name, self.qubits, depth, features) for depth in self.depths]
        return made

    def _own(self, entry: CircuitConfig, features: int) -> list[Qnn]:
        circuit = entered(load_circuit(Path(entry.path).expanduser())).circuit
        if circuit.num_qubits != self.qubits:
            raise ValueError(f"circuit {entry.name} has {circuit.num_qubits} qubits, the key 'qubits' {self.qubits}")
        inputs = input_parameters(circuit, entry.inputs)
        if len(inputs) != features:
            raise ValueError(f"circuit {entry.name} has {len(inputs)} inputs for {features} features of the data")
        return [from_circuit(repeated(circuit, d, inputs), inputs, entry.name, d) for d in self.depths]


def load_diagnose_config(path: Source, full: bool = False) -> tuple[DiagnoseConfig, str]:
    """The configuration and its text; without a path the packaged small or ``full`` study.

    Raises ``ValueError`` with one line that names the key, what was given and what is accepted.
    """
    tables: dict[str, type[BaseModel]] = {"dataset": DatasetConfig, "circuit": CircuitConfig, "random": RandomConfig}
    return read_model(path, PACKAGED[full], DiagnoseConfig, tables)
