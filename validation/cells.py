"""A cell: one point of a sweep, and what each side of the suite makes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from qiskit.quantum_info import SparsePauliOp, Statevector

from sampling import CATALOGUE, STREAM_VERSION, CircuitEnsemble, Ensemble, HaarLayers, ansatz, chunk_sizes
from theory import KernelLaw
from theory.symmetric import SymmetricKernelLaw
from validation.claims import Claim, Quantity, claims_on
from validation.config import HAAR_LAYERS, Grid, SweepConfig
from validation.design import planned_draws
from validation.law import kernel_law, symmetric_law
from validation.observables import parse_observable
from validation.sequential import Look, plan_looks

Variable = Literal["L", "D"]
FITTED: tuple[tuple[Variable, ...], ...] = (("L",), ("D",), ("L", "D"))
"""Sizes in which exponents are fitted, alone and together."""
_CIRCUIT_STREAM = 0xC1AC
"""Word that sets the stream of an ansatz's fixed gates apart from those of its chunks."""


@dataclass(frozen=True)
class Cell:
    """One ensemble at one size with one observable.

    Attributes:
        ensemble: ``haar-layers`` or a name of the catalogue.
        qubits: n.
        layers: of an ansatz; 0 for Haar layers, whose layers are their parameters.
        parameters: L.
        observable: specification, see ``validation.observables``.
        generator: ``half-pauli`` or ``pauli``.
        draws: planned number of draws.
        seed: root seed.
        dqntk: whether μ is drawn too.
        overlap: |<x|x'>|² of two inputs between which K is drawn too, or None.
        looks: planned looks at the draws; with more than one it may stop early.
    """

    ensemble: str
    qubits: int
    layers: int
    parameters: int
    observable: str
    generator: str
    draws: int
    seed: int
    dqntk: bool = False
    overlap: float | None = None
    looks: int = 1

    @property
    def dimension(self) -> int:
        """D = 2^n."""
        return 1 << self.qubits

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the draws except their number."""
        parsed = parse_observable(self.observable, self.qubits)
        defining: dict[str, Any] = asdict(self) | {"stream": STREAM_VERSION}
        defining |= {"observable": [sorted(parsed.terms), parsed.rank]}
        for number in ("draws", "looks"):
            del defining[number]
        for option, absent in (("dqntk", False), ("overlap", None)):  # a plain cell keeps its stream
            if defining[option] == absent:
                del defining[option]
        return hashlib.sha256(json.dumps(defining, sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Short identifier, unique within a sweep."""
        return self.fingerprint[:16]

    @property
    def key(self) -> tuple[int, ...]:
        """Spawn key of this cell's random streams, so that no other cell's presence moves them."""
        return tuple(int(self.fingerprint[i : i + 8], 16) for i in range(0, 32, 8))

    @property
    def chunks(self) -> list[int]:
        """Draws in each chunk."""
        return chunk_sizes(self.draws, self.parameters, self.dimension)

    @property
    def columns(self) -> dict[str, str | int]:
        """What tells it apart in a table, beside its name."""
        keys = ("ensemble", "qubits", "layers", "parameters", "observable", "generator")
        return {key: getattr(self, key) for key in keys}

    def size(self, variable: Variable) -> int:
        """L or D."""
        return self.parameters if variable == "L" else self.dimension

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is drawn and judged."""
        wanted: dict[Quantity, bool] = {
            "kernel": True,
            "cross_kernel": self.overlap is not None,
            "dqntk": self.dqntk,
        }
        return tuple(quantity for quantity, drawn in wanted.items() if drawn)

    @property
    def claims(self) -> list[Claim]:
        """What is judged: one interval each."""
        return claims_on(self.law(), self.quantities, self.overlap)

    @property
    def looks_at(self) -> list[Look]:
        """The planned looks; one, at all draws, unless the cell may stop early."""
        return plan_looks(self.chunks, self.looks)

    def law(self) -> KernelLaw:
        """What theory says: the Haar-layer law with this cell's L, O and G."""
        return kernel_law(self.qubits, self.parameters, self.observable, self.generator)

    def symmetric_law(self) -> SymmetricKernelLaw | None:
        """The law of the group that this cell's ansatz is confined to, if it is not the unitary one."""
        return symmetric_law(self.ensemble, self.qubits, self.parameters, self.observable, self.generator)

    def build(self) -> Ensemble:
        """What sampling draws from."""
        parsed = parse_observable(self.observable, self.qubits)
        observable = parsed.operator()
        if self.ensemble == HAAR_LAYERS:
            scale = 0.5 if self.generator == "half-pauli" else 1.0
            pauli = SparsePauliOp("I" * (self.qubits - 1) + "Z", scale)
            return HaarLayers(observable, pauli, self.parameters, self.dqntk, self.overlap)
        sequence = np.random.SeedSequence(self.seed, spawn_key=(*self.key, 0, _CIRCUIT_STREAM))
        rng = np.random.default_rng(sequence)
        circuit = ansatz(self.ensemble, self.qubits, self.layers, self.generator, rng)
        # A rank-1 projector as its state costs O(D) to apply, as a matrix O(D²).
        target = Statevector.from_int(0, 1 << self.qubits) if parsed.rank == 1 else observable
        return CircuitEnsemble(circuit, target, dqntk=self.dqntk)


def expand(config: SweepConfig) -> list[Cell]:
    """All cells of a configuration, in its order.

    Raises ``ValueError`` for an observable that does not parse on some size, or a cell that appears twice.
    """
    return [cell for cell, _ in expand_with_grids(config)]


def expand_with_grids(config: SweepConfig) -> list[tuple[Cell, Grid]]:
    """The same, each cell with the grid that it comes from."""
    cells: dict[str, tuple[Cell, Grid]] = {}
    for index, grid in enumerate(config.grid):
        for observable in grid.observable:
            for qubits in grid.qubits:
                parse_observable(observable, qubits)
                for size in grid.parameters or grid.layers or []:
                    cell = Cell(
                        ensemble=grid.ensemble,
                        qubits=qubits,
                        layers=size if grid.layers else 0,
                        parameters=CATALOGUE[grid.ensemble].parameters(qubits, size) if grid.layers else size,
                        observable=observable,
                        generator=grid.generator or config.generator,
                        draws=grid.draws or 0,
                        seed=config.seed,
                        dqntk=grid.dqntk,
                        overlap=grid.overlap,
                        looks=grid.looks,
                    )
                    if cell.name in cells:
                        raise ValueError(
                            f"grid[{index}] repeats a cell: {cell.ensemble}, {qubits} qubits, size {size}, {observable}"
                        )
                    cells[cell.name] = cell, grid
    level = config.family_error / count_intervals([cell for cell, _ in cells.values()])
    margins = config.margin.margins()

    def planned(cell: Cell, grid: Grid) -> Cell:
        if grid.power is None:
            return cell
        return replace(cell, draws=planned_draws(cell.law(), margins, level, grid.power, grid.most_draws))

    return [(planned(cell, grid), grid) for cell, grid in cells.values()]


def scaling_families(cells: Sequence[Cell]) -> Iterator[tuple[tuple[Variable, ...], list[Cell]]]:
    """Cells over which exponents are fitted, with the sizes in which they differ.

    In L at each number of qubits; for Haar layers, where L can be held, in D at each L, and in both together. Three
    sizes at least, and one more cell than there are coefficients. A cell that may stop early is left out: where it
    stops depends on its draws, which would bend a fit.
    """
    fixed = [cell for cell in cells if cell.looks == 1]
    for variables in FITTED:
        families: dict[tuple[object, ...], list[Cell]] = {}
        for cell in fixed:
            if "D" in variables and cell.layers:
                continue
            held = tuple(cell.size(v) for v in ("L", "D") if v not in variables)
            kind = (cell.ensemble, cell.observable, cell.generator, cell.quantities, cell.overlap)
            families.setdefault((*kind, *held), []).append(cell)
        for family in families.values():
            if len(family) > len(variables) + 1 and all(len({c.size(v) for c in family}) >= 3 for v in variables):
                yield variables, family


def fitted_quantities(cell: Cell) -> tuple[str, ...]:
    """What is fitted over a family of such cells."""
    return ("mean", "std", "relative_std", *(["dqntk"] if cell.dqntk else []))


def count_intervals(cells: Sequence[Cell]) -> int:
    """Intervals that share the error budget of a report on these cells: one a claim, and one an exponent."""
    exponents = sum(len(v) * len(fitted_quantities(family[0])) for v, family in scaling_families(cells))
    return sum(len(cell.claims) for cell in cells) + exponents
