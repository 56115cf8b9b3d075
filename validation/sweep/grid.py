"""A block of a sweep: the keys of ``[[grid]]``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from qntk.sampling import CATALOGUE
from qntk.validation.judge.estimates import MINIMUM_DRAWS
from qntk.validation.sweep.ranges import as_list, as_numbers

HAAR_LAYERS = "haar-layers"
ENSEMBLES = (HAAR_LAYERS, *CATALOGUE)
MAX_QUBITS = 12
MAX_PARAMETERS = 1_000_000
MAX_DRAWS = 100_000_000

Generator = Literal["half-pauli", "pauli"]
Qubits = Annotated[int, Field(ge=1, le=MAX_QUBITS)]
Count = Annotated[int, Field(ge=1, le=MAX_PARAMETERS)]
DrawCount = Annotated[int, Field(ge=MINIMUM_DRAWS, le=MAX_DRAWS)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Looks = Annotated[int, Field(ge=1, le=10)]
Overlap = Annotated[float, Field(ge=0, lt=1)]
ManyQubits = Annotated[list[Qubits], Field(min_length=1), BeforeValidator(as_numbers)]
ManyCounts = Annotated[list[Count], Field(min_length=1), BeforeValidator(as_numbers)]
ManySpecs = Annotated[list[str], Field(min_length=1), BeforeValidator(as_list)]
_EITHER = ({"draws", "power"}, {"draws", "most_draws"}, {"parameters", "layers"})
"""Keys of which one in an override takes the place of the other in the grid."""


class Model(BaseModel):
    """No unknown keys, no conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Override(Model):
    """``[grid.override.NAME]``: keys that are other for one ensemble of the grid; they take the place of the grid's."""

    qubits: ManyQubits | None = None
    observable: ManySpecs | None = None
    draws: DrawCount | None = None
    power: Fraction | None = None
    most_draws: DrawCount | None = None
    parameters: ManyCounts | None = None
    layers: ManyCounts | None = None
    zipped: bool | None = None
    generator: Generator | None = None
    looks: Looks | None = None
    dqntk: bool | None = None
    overlap: Overlap | None = None


class Grid(Model):
    """``[[grid]]``: the product of its lists is a block of cells.

    ``ensemble`` is one name or several, which may differ in some keys (``override``). ``parameters`` goes with
    haar-layers, ``layers`` with an ansatz of the catalogue; ``zipped`` takes the qubits and these sizes in pairs
    instead of their product. Numbers may be given as ranges (``qntk.validation.sweep.ranges``).

    With ``circuit`` the ensemble is the user's own, under any name that is not taken: a QPY or OpenQASM 3 file, beside
    the configuration, which sets qubits and parameters itself; or ``module:function``, called with (qubits, layers),
    which both are lists as ever. ``inputs`` names parameters that are data: drawn, but not part of K;
    ``"x=uniform(-1,1)"`` says how. ``angles`` is the distribution of the others, such as ``normal(0,0.1)``.

    Each cell takes ``draws`` draws; with ``power``, as many as give it ``agree`` with this probability if theory is
    right, at most ``most_draws``. With ``looks`` above 1 it stops early, at the first look that settles every claim of
    the exact law (``judge.sequential``). ``dqntk`` also draws μ, and ``overlap``, for haar-layers, K between two
    inputs whose states overlap by |<x|x'>|² = ``overlap``.
    """

    ensemble: ManySpecs
    qubits: ManyQubits | None = None
    observable: ManySpecs
    draws: DrawCount | None = None
    power: Fraction | None = None
    most_draws: DrawCount = 2_000_000
    parameters: ManyCounts | None = None
    layers: ManyCounts | None = None
    zipped: bool = False
    generator: Generator | None = None
    looks: Looks = 1
    dqntk: bool = False
    overlap: Overlap | None = None
    circuit: str | None = None
    inputs: Annotated[list[str], BeforeValidator(as_list)] = []
    angles: str = ""
    override: dict[str, Override] = {}

    @model_validator(mode="after")
    def _each_ensemble_is_a_grid(self) -> Grid:
        if stray := set(self.override) - set(self.ensemble):
            raise ValueError(f"the key 'override' names {stray.pop()!r}; it takes {', '.join(self.ensemble)}")
        if len(set(self.ensemble)) < len(self.ensemble):
            raise ValueError("the key 'ensemble' names one twice")
        if len(self.ensemble) > 1 or self.override:
            self.by_ensemble()
            return self
        self._check_draws()
        if self.circuit is not None:
            self._check_circuit(self.circuit)
        else:
            self._check_sizes()
        return self

    def by_ensemble(self) -> list[Grid]:
        """A grid for each ensemble, overrides applied. ``ValueError`` if one of them does not fit its ensemble."""
        if len(self.ensemble) == 1 and not self.override:
            return [self]
        grids = []
        for name in self.ensemble:
            keys: dict[str, Any] = {key: getattr(self, key) for key in self.model_fields_set - {"override"}}
            change = self.override.get(name, Override())
            changed = {key: getattr(change, key) for key in change.model_fields_set}
            for key in {key for pair in _EITHER if pair & set(changed) for key in pair}:
                keys.pop(key, None)
            try:
                grids.append(Grid.model_validate(keys | changed | {"ensemble": [name]}))
            except ValidationError as error:
                raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
        return grids

    def count(self) -> int:
        """How many cells it has, without writing them down."""
        if len(self.ensemble) > 1 or self.override:
            return sum(grid.count() for grid in self.by_ensemble())
        counts = self.parameters or self.layers or [1]
        sizes = len(counts) if self.zipped else len(self.qubits or [1]) * len(counts)
        return len(self.observable) * sizes

    def sizes(self) -> list[tuple[int, int]]:
        """Qubits with parameters or layers; empty for a circuit from a file."""
        qubits, counts = self.qubits or [], self.parameters or self.layers or []
        if self.zipped:
            return list(zip(qubits, counts, strict=True))
        return [(n, count) for n in qubits for count in counts]

    def _check_sizes(self) -> None:
        (name,) = self.ensemble
        if name not in ENSEMBLES:
            raise ValueError(
                f"ensemble {name!r} is unknown; choose from {', '.join(ENSEMBLES)}, or give the key 'circuit'"
            )
        if self.qubits is None:
            raise ValueError(f"ensemble {name!r} takes the key 'qubits'")
        wanted, other = ("parameters", "layers") if name == HAAR_LAYERS else ("layers", "parameters")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"ensemble {name!r} takes the key {wanted!r} and not {other!r}")
        if name in CATALOGUE and min(self.qubits) < CATALOGUE[name].smallest:
            raise ValueError(f"ensemble {name!r} needs qubits >= {CATALOGUE[name].smallest}")
        if self.overlap is not None and name != HAAR_LAYERS:
            raise ValueError(f"the key 'overlap' goes with {HAAR_LAYERS}; {name!r} has no inputs")
        if self.overlap is not None and self.dqntk:
            raise ValueError("give 'dqntk' and 'overlap' in two grids; one circuit is drawn for one of them")
        for key in ("inputs", "angles"):
            if getattr(self, key):
                raise ValueError(f"the key {key!r} goes with 'circuit'; {name!r} is one of the catalogue")
        self._check_zipped(wanted)

    def _check_circuit(self, circuit: str) -> None:
        (name,) = self.ensemble
        if name in ENSEMBLES:
            raise ValueError(f"ensemble {name!r} is one of the catalogue; give your circuit another name")
        for key in ("parameters", "overlap"):
            if getattr(self, key) is not None:
                raise ValueError(f"the key {key!r} does not go with 'circuit'")
        if self.dqntk and (self.inputs or self.angles):
            raise ValueError("the key 'dqntk' does not go with 'inputs' or 'angles'")
        given = [key for key in ("qubits", "layers") if getattr(self, key) is not None]
        if ":" in circuit and len(given) < 2:
            raise ValueError(f"circuit {circuit!r} is a function; it takes the keys 'qubits' and 'layers'")
        if ":" not in circuit and given:
            raise ValueError(f"circuit {circuit!r} is a file, which sets its own size; drop the key {given[0]!r}")
        self._check_zipped("layers")

    def _check_zipped(self, size: str) -> None:
        qubits, counts = self.qubits or [], getattr(self, size) or []
        if self.zipped and len(qubits) != len(counts):
            raise ValueError(
                f"'zipped' takes as many 'qubits' as {size!r}, one for one; given {len(qubits)} and {len(counts)}"
            )

    def _check_draws(self) -> None:
        if (self.draws is None) == (self.power is None):
            raise ValueError("give exactly one of the keys 'draws' and 'power'")
        if self.draws is not None and "most_draws" in self.model_fields_set:
            raise ValueError("the key 'most_draws' goes with 'power', not with 'draws'")
