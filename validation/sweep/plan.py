"""What a sweep will cost and can see, before it runs.

Resolution follows from the law's moments (``judge.design``). Time comes from a benchmark: each ensemble, size and
observable is drawn for a moment at its smallest and its largest depth, after a first draw that compiles, on all cores
at once as a sweep runs; between them a draw costs a + b L. Very deep circuits are timed at a smaller depth.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from qntk.inputs.machine import cores
from qntk.sampling import CATALOGUE, CircuitEnsemble, Ensemble
from qntk.validation import SCHEMA_VERSION
from qntk.validation.judge.design import agree_probability, detectable_discrepancy
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.judge.spread import Spread
from qntk.validation.judge.verdicts import POWER
from qntk.validation.sweep.cells import Cell, count_intervals, expand_with_grids
from qntk.validation.sweep.config import HAAR_LAYERS, SweepConfig
from qntk.validation.sweep.drawing import bytes_drawing
from qntk.validation.sweep.own_circuits import InputEnsemble

_MOST_WORK = 2**18
"""Amplitudes times parameters up to which a circuit is timed as it is: building and eight draws take under a second."""
_LEAST_SECONDS = 0.04
_WARM_UP = 8


@dataclass(frozen=True)
class Cost:
    """What a sweep takes on this machine.

    Attributes:
        seconds: wall time of each cell, in the order of the cells; they add up.
        memory: bytes at the peak, roughly: what the process holds after the benchmark, the circuits that a sweep keeps
            compiled, and what a chunk of the largest cell holds on every thread.
        workers: threads.
    """

    seconds: list[float]
    memory: int
    workers: int


@dataclass(frozen=True)
class _Probe:
    """Timings at one depth: seconds to build, seconds a draw on one thread, angles held at a time for each of L."""

    parameters: int
    build: float
    draw: float
    batch: int


def plan_document(config: SweepConfig, cost: Cost | None = None) -> dict[str, Any]:
    """The plan, keyed as the command line promises.

    ``cost`` is measured if it is None, with a progress bar on standard error. ``detectable`` is the relative
    discrepancy that gets ``disagree`` with probability ``power``, None if there is none; ``agree_probability`` that
    of ``agree`` if the law holds; ``moments`` says whether both rest on the cell's exact moments.
    """
    rows = expand_with_grids(config)
    cells = [cell for cell, _ in rows]
    cost = cost or measure(cells)
    intervals = count_intervals(cells)
    level, margins = config.family_error / intervals, config.margin.margins()
    entries = []
    for (cell, grid), seconds in zip(rows, cost.seconds, strict=True):
        spread, power = Spread.of_law(cell.law()), grid.power or POWER
        shares = {s: (getattr(margins, s), level, cell.draws) for s in MOMENTS}
        seen = {s: detectable_discrepancy(spread, s, *shares[s], power) for s in MOMENTS}
        agree = {s: agree_probability(spread, s, *shares[s]) for s in MOMENTS}
        exact = spread.exact and cell.ensemble == HAAR_LAYERS
        entry: dict[str, Any] = dict(cell.columns)
        entries.append(
            entry
            | {
                "layers": cell.layers or None,
                "draws": cell.draws,
                "capped": grid.power is not None and min(agree.values()) < grid.power,
                "power": power,
                "moments": "exact" if exact else "assumed",
                "detectable": {s: d if math.isfinite(d) else None for s, d in seen.items()},
                "agree_probability": agree,
                "seconds": seconds,
            }
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "family_error": config.family_error,
        "intervals": intervals,
        "level": level,
        "margin": {s: getattr(margins, s) for s in MOMENTS},
        "workers": cost.workers,
        "draws": sum(cell.draws for cell in cells),
        "total_seconds": sum(cost.seconds),
        "peak_memory_bytes": cost.memory,
        "cells": entries,
    }


def plan_text(document: dict[str, Any]) -> str:
    """The same for a person: the worst cell of each ensemble and observable, and totals."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for cell in document["cells"]:
        groups.setdefault((cell["ensemble"], cell["observable"], cell["moments"]), []).append(cell)
    width = max(len(observable) for _, observable, _ in groups) + 2
    lines = [
        f"{'':16}{'':{width}}{'':>6}{'':>13}{'sees a difference of':^22}{'P(agree)':^18}",
        f"{'ensemble':16}{'observable':{width}}{'cells':>6}{'draws':>13}"
        f"{'mean':>11}{'variance':>11}{'mean':>9}{'variance':>9}{'seconds':>9}  moments",
    ]
    for (ensemble, observable, moments), cells in groups.items():
        seen = [_percent([cell["detectable"][s] for cell in cells]) for s in MOMENTS]
        agree = [min(cell["agree_probability"][s] for cell in cells) for s in MOMENTS]
        lines.append(
            f"{ensemble:16}{observable:{width}}{len(cells):6}{sum(cell['draws'] for cell in cells):13,}"
            f"{seen[0]:>11}{seen[1]:>11}{agree[0]:9.3f}{agree[1]:9.3f}"
            f"{sum(cell['seconds'] for cell in cells):9.1f}  {moments}"
        )
    margin, powers = document["margin"], sorted({cell["power"] for cell in document["cells"]})
    lines += [
        "",
        f"{len(document['cells'])} cells, {document['draws']:,} draws: about {document['total_seconds']:.0f} s on "
        f"{document['workers']} threads, {document['peak_memory_bytes'] / 2**30:.2f} GiB of memory",
        f"{document['intervals']} intervals of level {document['family_error']:g}/{document['intervals']} "
        f"(asymptotic in the draws); margins: mean {100 * margin['mean']:g} %, variance {100 * margin['variance']:g} %",
        "sees: a relative difference from the prediction that is this large gets 'disagree' with probability "
        f"{' or '.join(f'{p:g}' for p in powers)}; P(agree): if the prediction is right. The worst cell of each row.",
    ]
    if any(moments == "assumed" for _, _, moments in groups):
        lines.append(
            "assumed: the moments are a guess. An ansatz is taken to scatter as Haar layers do, which a shallow one "
            "does not; of a large Pauli sum the kurtosis is approximate."
        )
    if capped := sum(cell["capped"] for cell in document["cells"]):
        lines.append(f"{capped} cells stop at most_draws, short of the power asked for.")
    return "\n".join(lines)


def _percent(values: list[float | None]) -> str:
    """The largest of relative differences; none at all is the worst."""
    known = [value for value in values if value is not None]
    return f"{100 * max(known):.1f} %" if len(known) == len(values) else "none"


def measure(cells: list[Cell], workers: int | None = None) -> Cost:
    """Time and memory that the cells take on this machine, on all its cores unless ``workers`` says otherwise.

    On Ctrl-C the benchmark stops after the probe under way.
    """
    count = workers or cores()
    groups: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(_kind(cell), []).append(cell)
    wanted = [(kind, probe) for kind, group in groups.items() for probe in _probe_cells(group)]
    probes: dict[tuple[object, ...], list[_Probe]] = {}
    with tqdm(total=len(wanted), desc="timing draws", unit="probe", delay=2) as bar, ThreadPoolExecutor(count) as pool:
        for kind, cell in wanted:
            probes.setdefault(kind, []).append(_probe(cell, pool, count))
            bar.update()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    held += bytes_drawing(cells, count, lambda cell: probes[_kind(cell)][-1].batch)
    return Cost([_seconds(cell, probes[_kind(cell)], count) for cell in cells], held, count)


def _kind(cell: Cell) -> tuple[object, ...]:
    return cell.ensemble, cell.qubits, cell.observable, cell.generator, cell.quantities, cell.circuit


def _probe_cells(group: list[Cell]) -> list[Cell]:
    """The smallest and the largest of cells that differ in L, brought down to what is quickly timed."""
    ends = min(group, key=lambda c: c.parameters), max(group, key=lambda c: c.parameters)
    probes: dict[int, Cell] = {}
    for cell in ends:
        limit = max(_MOST_WORK // cell.dimension, 1)
        layers = cell.layers
        if cell.parameters > limit and cell.circuit is None:
            if cell.layers:
                layers = max(cell.layers * limit // cell.parameters, 1)
                limit = CATALOGUE[cell.ensemble].parameters(cell.qubits, layers)
            cell = replace(cell, layers=layers, parameters=limit)
        probes[cell.parameters] = cell
    return list(probes.values())


def _probe(cell: Cell, pool: ThreadPoolExecutor, workers: int) -> _Probe:
    """Build, warm up, and draw on every thread at once for a moment."""
    start = time.perf_counter()
    ensemble = cell.build()
    build = time.perf_counter() - start
    rngs = [np.random.default_rng(index) for index in range(workers)]
    ensemble.draw(_WARM_UP, rngs[0])
    draws, elapsed = _WARM_UP, 0.0
    while elapsed < _LEAST_SECONDS:
        draws = draws * 2 if elapsed == 0 else math.ceil(draws * min(1.5 * _LEAST_SECONDS / elapsed, 64))
        start = time.perf_counter()
        list(pool.map(lambda rng, n=draws: len(ensemble.draw(n, rng)), rngs))
        elapsed = time.perf_counter() - start
    return _Probe(ensemble.parameters, build, elapsed / draws, _batch(ensemble))


def _batch(ensemble: Ensemble) -> int:
    return ensemble.model.batch if isinstance(ensemble, CircuitEnsemble | InputEnsemble) else 0


def _seconds(cell: Cell, probes: list[_Probe], workers: int) -> float:
    """Wall time: draws are shared out to the threads; one of them builds the cell."""
    small, large = probes[0], probes[-1]
    slope = large.draw / large.parameters
    if len(probes) > 1:
        slope = max(large.draw - small.draw, 0.0) / (large.parameters - small.parameters)
    draw = large.draw + slope * (cell.parameters - large.parameters)
    build = large.build * max(cell.parameters / large.parameters, 0.0)
    return cell.draws * draw / workers + build
