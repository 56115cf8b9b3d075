"""The cells of a configuration, and the families of them over which exponents are fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qntk.inputs.observables import Observable, find_observable
from qntk.sampling import CATALOGUE, STREAM_VERSION
from qntk.validation.judge.claims import CLAIMS
from qntk.validation.judge.design import planned_draws
from qntk.validation.sweep.cell import Cell, Variable
from qntk.validation.sweep.config import Grid, SweepConfig
from qntk.validation.sweep.own_circuits import UserCircuit, find_circuit

__all__ = [
    "FITTED",
    "Cell",
    "Kept",
    "Variable",
    "count_intervals",
    "expand",
    "expand_with_grids",
    "fitted_quantities",
    "scaling_families",
]

FITTED: tuple[tuple[Variable, ...], ...] = (("L",), ("D",), ("L", "D"))
"""Sizes in which exponents are fitted, alone and together."""


@dataclass(frozen=True)
class Kept:
    """What a sweep's directory holds of the user's files, for those that are not there.

    Attributes:
        circuits: by key.
        observables: paths of the copies, by specification.
        first: whether copies are read even where the file is there, and nothing else: no code of the user's runs.
        stream: version of the random stream of its draws.
    """

    circuits: Mapping[str, UserCircuit] = field(default_factory=dict)
    observables: Mapping[str, Path] = field(default_factory=dict)
    first: bool = False
    stream: int = STREAM_VERSION


def expand(config: SweepConfig, kept: Kept | None = None) -> list[Cell]:
    """All cells of a configuration, in its order, given what a directory holds.

    Raises ``ValueError`` for an observable that does not parse on some size, a circuit that cannot be had, or a cell
    that appears twice.
    """
    return [cell for cell, _ in expand_with_grids(config, kept)]


def expand_with_grids(config: SweepConfig, kept: Kept | None = None) -> list[tuple[Cell, Grid]]:
    """The same, each cell with the grid that it comes from."""
    cells: dict[str, tuple[Cell, Grid]] = {}
    for index, given in enumerate(config.grid):
        for grid in given.by_ensemble():
            for cell in _cells_of(index, grid, config, kept or Kept()):
                if cell.name in cells:
                    raise ValueError(
                        f"grid[{index}] repeats a cell: {cell.ensemble}, {cell.qubits} qubits, "
                        f"{f'{cell.layers} layers' if cell.layers else f'L = {cell.parameters}'}, {cell.observable}"
                    )
                cells[cell.name] = cell, grid
    level = config.family_error / count_intervals([cell for cell, _ in cells.values()])
    margins = config.margin.margins()

    def planned(cell: Cell, grid: Grid) -> Cell:
        if grid.power is None:
            return cell
        return replace(cell, draws=planned_draws(cell.law(), margins, level, grid.power, grid.most_draws))

    return [(planned(cell, grid), grid) for cell, grid in cells.values()]


def _cells_of(index: int, grid: Grid, config: SweepConfig, kept: Kept) -> Iterator[Cell]:
    """The cells of a grid with one ensemble; draws are 0 where they are yet to be planned."""
    (ensemble,) = grid.ensemble
    circuits: dict[tuple[int, int], UserCircuit] = {}
    try:
        if grid.circuit is not None:
            wanted: list[tuple[int, int] | None] = [*grid.sizes()] or [None]
            found = [
                find_circuit(grid.circuit, grid.inputs, size, config.folder, kept.circuits, kept.first, grid.angles)
                for size in wanted
            ]
            sizes = [size or (circuit.qubits, 1) for size, circuit in zip(wanted, found, strict=True)]
            circuits = dict(zip(sizes, found, strict=True))
        else:
            sizes = grid.sizes()
    except ValueError as error:
        raise ValueError(f"grid[{index}].circuit: {error}") from error
    parsed: dict[tuple[str, int], Observable] = {}
    for observable in grid.observable:
        for qubits, size in sizes:
            try:
                target = parsed.get((observable, qubits)) or find_observable(
                    observable, qubits, config.folder, kept.observables, kept.first
                )
            except ValueError as error:
                raise ValueError(f"grid[{index}].observable: {error}") from error
            parsed[observable, qubits] = target
            circuit = circuits.get((qubits, size))
            parameters = size
            if circuit:
                parameters = circuit.parameters
            elif grid.layers:
                parameters = CATALOGUE[ensemble].parameters(qubits, size)
            yield Cell(
                ensemble=ensemble,
                qubits=qubits,
                layers=size if grid.layers or circuit else 0,
                parameters=parameters,
                observable=observable,
                generator=grid.generator or config.generator,
                draws=grid.draws or 0,
                seed=config.seed,
                dqntk=grid.dqntk,
                overlap=grid.overlap,
                looks=grid.looks,
                circuit=circuit,
                read=target,
                stream=kept.stream,
            )


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
    return sum(map(_count_claims, cells)) + exponents


def _count_claims(cell: Cell) -> int:
    """Of K, of one input and between two, there is always a prediction, which need not be computed to be counted."""
    return len(cell.claims) if cell.dqntk else sum(claim.quantity in cell.quantities for claim in CLAIMS)
