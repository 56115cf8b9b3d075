"""Some cells of the committed report, drawn again: the same estimates, intervals and verdicts.

A cell's draws depend on the root seed and the cell alone, which is tested first, so that a few cells tell of the whole
sweep. Verdicts must come out the same to the letter. Floats may differ by 1e-6 of themselves: another processor, BLAS
or C library rounds differently in the last of 16 digits, sums of 40 000 to 130 000 draws lose two or three more, and
a p-value far in the tail multiplies that by a few thousand. All seeds are fixed: nothing fails by chance.
"""

from dataclasses import asdict, replace

import numpy as np
import pytest

from qntk.theory import KernelLaw
from qntk.validation.judge.claims import CLAIM, weigh
from qntk.validation.judge.verdicts import own_questions, questions
from qntk.validation.sweep.config import SweepConfig
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store

MOST = 1e7
"""Largest cost of a cell, in parameters times amplitudes times draws, that is drawn again."""


@pytest.fixture(scope="module")
def chosen(cells):
    """Of every kind and number of qubits, up to 4, the least costly cell and the most costly one that is allowed."""
    kinds = {}
    for cell in cells:
        if cell.qubits <= 4 and cell.parameters * cell.dimension * cell.draws <= MOST:
            kinds.setdefault((cell.ensemble, cell.observable, cell.quantities, cell.qubits), []).append(cell)
    return [cell for kind in kinds.values() for cell in dict.fromkeys((kind[0], kind[-1]))]


@pytest.fixture(scope="module")
def drawn(chosen, columns):
    return columns(chosen)


@pytest.fixture
def wrong(config, differences):
    """Where the committed verdicts on some cells differ from those of draws, read at the committed levels."""
    margins = config.margin.margins()

    def answers(cell, draws, rows):
        law, own = cell.law(), cell.symmetric_law()
        evidence = weigh(draws, law, cell.overlap)
        asked = questions(law, evidence, margins, cell.overlap) + (own_questions(own, margins) if own else [])
        level = {CLAIM[r["quantity"], r["statistic"]]: r["level"] for r in rows}
        return [asdict(q.answer(evidence[q.claim], level[q.claim], cell.draws)) for q in asked]

    def lines(verdicts, drawn):
        found = []
        for cell, draws in drawn.items():
            rows = [r for part in ("verdicts", "symmetric") for r in verdicts[part] if r["cell"] == cell.name]
            found += [f"{cell}: {line}" for line in differences(rows, answers(cell, draws, rows))]
        return found

    return lines


def test_draws_depend_on_the_seed_and_the_cell_alone(config, chosen, drawn, columns, tmp_path):
    """A sweep of three cells, in another order, has the draws that the cells have in the whole one, to the bit."""
    grid = {"observable": ["Z0"], "draws": 40_000}
    small = SweepConfig(
        seed=config.seed,
        grid=[
            grid | {"ensemble": ["hea-cz-ring"], "qubits": [3], "layers": [1]},
            grid | {"ensemble": ["haar-layers"], "qubits": [2], "parameters": [8], "overlap": 0.5},
            grid | {"ensemble": ["haar-layers"], "qubits": [3], "parameters": [4]},
        ],
    )
    store = Store.create(tmp_path / "run", small, "")
    run_sweep(store, workers=2, quiet=True)
    for cell in store.cells:
        assert cell in chosen
        for quantity, column in store.columns(cell).items():
            np.testing.assert_array_equal(column, drawn[cell][quantity])
    first = store.cells[0]
    ((_, other),) = columns([replace(first, seed=config.seed + 1)]).items()
    assert not np.isin(other["kernel"], drawn[first]["kernel"]).any(), "negative control"


def test_every_ensemble_observable_and_quantity_is_drawn_again(cells, chosen):
    for keys in (lambda c: (c.ensemble, c.observable), lambda c: c.quantities):
        assert {keys(c) for c in chosen} == {keys(c) for c in cells}


def test_verdicts_on_new_draws_are_the_committed_ones(document, drawn, wrong):
    assert wrong(document("default/verdicts.json"), drawn) == []


@pytest.mark.parametrize("planted", ["estimate", "verdict", "interval", "draws", "law"])
def test_a_planted_change_is_noticed(document, drawn, wrong, monkeypatch, planted):
    """An estimate or an interval's end off by 1e-4, another verdict, draws off by 1e-5, a variance times 1.2."""
    verdicts, cell = document("default/verdicts.json"), next(iter(drawn))
    row = next(r for r in verdicts["verdicts"] if r["cell"] == cell.name and r["statistic"] == "variance")
    draws = drawn[cell]
    if planted == "estimate":
        row["estimate"] *= 1 + 1e-4
    elif planted == "verdict":
        row["verdict"] = "agree" if row["verdict"] != "agree" else "disagree"
    elif planted == "interval":
        row["interval"][1] *= 1 + 1e-4
    elif planted == "draws":
        draws = {"kernel": draws["kernel"] * (1 + 1e-5)}
    else:
        right = KernelLaw.variance
        monkeypatch.setattr(KernelLaw, "variance", lambda *a: replace(right(*a), value=1.2 * right(*a).value))
    assert wrong(verdicts, {cell: draws})
