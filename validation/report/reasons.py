"""Why the ansätze of a sweep are off the Haar-layer law: one attribution for the fewest and the most qubits of each.

Each is of the deepest circuit that disagrees in mean or variance and is not too large to be looked at in seconds. The
verdicts that call for a reason are the report's; the reasons' own intervals share another error of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.attribution.advice import EXPLAINED, causes
from qntk.validation.attribution.causes import attribution, attribution_text, exact_ratios
from qntk.validation.attribution.symmetries import time_reversal
from qntk.validation.report.results import CellResult
from qntk.validation.report.tables import cell_columns
from qntk.validation.sweep.config import HAAR_LAYERS, SweepConfig

LARGEST = 400, 1 << 18
"""Parameters, and parameters times amplitudes, of a circuit that is looked at."""
DRAWS = 4000
_STREAM = 0x9EA5


def reasons(results: Sequence[CellResult], config: SweepConfig) -> list[dict[str, Any]]:
    """What keeps ansätze off the law, one document a circuit: its cell, ``causes`` and the ``numbers`` behind them.

    ``causes`` are names and sentences, as those of ``qntk check``; empty if the numbers support none.
    """
    chosen = list(_chosen(results))
    error = config.family_error / max(1, len(chosen))
    return [_document(r, config, error) for r in tqdm(chosen, desc="asking why", unit="circuit", disable=not chosen)]


def _chosen(results: Sequence[CellResult]) -> Iterator[CellResult]:
    groups: dict[tuple[str, str], dict[int, CellResult]] = {}
    for result in sorted(results, key=lambda r: r.cell.parameters):
        cell = result.cell
        off = any(result.verdict(statistic, "exact").verdict == "disagree" for statistic in EXPLAINED)
        small = cell.parameters <= LARGEST[0] and cell.parameters * cell.dimension <= LARGEST[1]
        if cell.ensemble != HAAR_LAYERS and off and small:
            groups.setdefault((cell.ensemble, cell.observable), {})[cell.qubits] = result
    for by_qubits in groups.values():
        for qubits in sorted({min(by_qubits), max(by_qubits)}):
            yield by_qubits[qubits]


def _document(result: CellResult, config: SweepConfig, error: float) -> dict[str, Any]:
    cell, margins = result.cell, config.margin.margins()
    random = cell.circuit.random() if cell.circuit else RandomCircuit(cell.quantum_circuit())
    root = np.random.SeedSequence(config.seed, spawn_key=(*cell.key, _STREAM))
    seed = int(root.generate_state(1)[0])
    numbers = attribution(random, cell.parsed, result.law, DRAWS, seed, margins, error)
    ratios = exact_ratios([result.verdict(statistic, "exact") for statistic in EXPLAINED])
    document: dict[str, Any] = {f"{statistic}_ratio": ratio for statistic, ratio in ratios.items()}
    reversal = time_reversal(random, np.random.default_rng(root.spawn(1)[0]))
    document |= {
        "observable": cell.observable,
        "generator": cell.generator,
        "attribution": numbers,
        "time_reversal": None if reversal is None else {"letter": reversal[0], "group": reversal[1]},
        "symmetric": [asdict(v) for v in result.own],
    }
    found = [{"name": name, "sentence": sentence} for name, sentence in causes(document, margins)]
    return cell_columns(result) | {
        "draws": DRAWS,
        "mean_ratio": document["mean_ratio"],
        "variance_ratio": document["variance_ratio"],
        "time_reversal": document["time_reversal"],
        "causes": found,
        "numbers": numbers,
        "text": attribution_text(numbers),
    }
