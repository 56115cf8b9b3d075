"""Stopping early: the looks share one level, and sweeps that stop are as reproducible and complete as others."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp
from scipy.stats import binom

from qntk.sampling import HaarLayers, sample
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.pivots import Pivot
from qntk.validation.judge.sequential import Look, plan_looks, settled
from qntk.validation.report.results import evaluate
from qntk.validation.report.write import write_report
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store

FALSE_FAIL = 1e-6

chunk_lists = st.lists(st.integers(1, 20_000), min_size=1, max_size=200)


@given(chunk_lists, st.integers(1, 10))
def test_looks_share_the_level_and_end_with_the_last_chunk(chunks, looks):
    planned = plan_looks(chunks, looks)
    assert sum(look.share for look in planned) == pytest.approx(1)
    assert all(look.share > 0 for look in planned)
    ends = [look.chunks for look in planned]
    assert ends == sorted(set(ends))
    assert 1 <= ends[0] <= ends[-1] == len(chunks)
    assert [look.last for look in planned] == [False] * (len(planned) - 1) + [True]
    assert 1 <= len(planned) <= looks
    seen = [sum(chunks[:end]) / sum(chunks) for end in ends]
    np.testing.assert_allclose(np.cumsum([look.share for look in planned]), seen)


def test_looks_by_hand():
    assert plan_looks([50] * 6, 1) == [Look(6, 1.0, True)]
    assert plan_looks([50], 9) == [Look(1, 1.0, True)]
    found = plan_looks([100, 100, 100, 60], 10)
    assert [(look.chunks, round(look.share * 360)) for look in found] == [(1, 100), (2, 100), (4, 160)]


STEP, LOOKS, COLUMNS, LEVEL = 16, plan_looks([1] * 128, 8), 2500, 0.05


def columns(law, rng):
    """Columns of mean 1, shape (columns, draws)."""
    size = (COLUMNS, STEP * LOOKS[-1].chunks)
    return 1 + 0.3 * rng.standard_normal(size) if law == "normal" else rng.gamma(4.0, 0.25, size)


def wrong_verdicts(law, shares, seed):
    """How many columns stop, or end, with an interval that puts their true mean, an edge, on the wrong side.

    A column stops at the first look whose interval holds no edge. With the truth on an edge that is always wrong for
    one of the two margins that meet there.
    """
    wrong = 0
    for column in columns(law, np.random.default_rng(seed)):
        for look, share in zip(LOOKS, shares, strict=True):
            part = column[: STEP * look.chunks]
            low, high = Pivot.of_influence(part.mean(), part, logarithmic=False).interval(LEVEL * share)
            if not low <= 1 <= high:
                wrong += 1
                break
    return wrong


@pytest.mark.parametrize("law", ["normal", "gamma"])
def test_a_column_that_may_stop_at_eight_looks_is_wrong_as_rarely_as_one_that_may_not(law):
    """2500 columns of 2048 draws at a level of 5 %: a true rate of 5 % fails with probability at most 1e-6.

    A true rate of 9 % is seen with probability above 0.999.
    """
    assert len(LOOKS) == 8
    wrong = wrong_verdicts(law, [look.share for look in LOOKS], seed=4)
    assert wrong <= binom.isf(FALSE_FAIL, COLUMNS, LEVEL)
    assert wrong >= binom.ppf(FALSE_FAIL, COLUMNS, 0.02), "and not for want of trying"


@pytest.mark.parametrize("law", ["normal", "gamma"])
def test_negative_control_peeking_at_the_full_level_breaks_the_promise(law):
    """The true rate is about 0.2."""
    assert wrong_verdicts(law, [1.0] * 8, seed=5) > binom.isf(FALSE_FAIL, COLUMNS, LEVEL)


HAAR = kernel_law(2, 16, "Z0", "half-pauli")


@pytest.fixture(scope="module")
def haar():
    """60 000 draws of that law."""
    return sample(HaarLayers(SparsePauliOp("IZ"), SparsePauliOp("IZ", 0.5), 16, dqntk=True), 60_000, seed=6)


def test_settled_is_every_claim_of_the_exact_law_on_one_side_of_its_margin(haar):
    """At a level of 1e-4 all intervals lie 5 standard errors or more inside their margins, except where they must not:
    false-fail probability 1e-6 each."""

    def asks(kernel, dqntk=None, margins=None):
        columns = {"kernel": kernel} if dqntk is None else {"kernel": kernel, "dqntk": dqntk}
        return settled(columns, HAAR, margins or Margins(), 1e-4)

    assert asks(haar.kernel)
    assert not asks(haar.kernel[:500])
    assert asks(2 * haar.kernel), "wrong by a factor: settled as well"
    assert not asks(1.2 * haar.kernel, margins=Margins(mean=0.2, variance=0.9)), "the mean on an edge"
    assert asks(haar.kernel, haar.dqntk)
    assert not asks(haar.kernel[:500], haar.dqntk[:500])
    # The estimate on an edge of the independent regime's margin, well inside that of the exact law.
    apart = abs(haar.kernel.var(ddof=1) / HAAR.variance("independent").value - 1)
    assert 0.1 < apart < 1
    assert asks(haar.kernel, margins=Margins(variance=apart)), "other regimes do not keep a cell going"
    # 10 % of the second moment: μ on an edge, K as it was.
    assert not asks(haar.kernel, math.sqrt(1.1) * haar.dqntk)


SWEEP = """
seed = 5
family_error = 0.01

[[grid]]  # right: settles at the first look
ensemble = "haar-layers"
qubits = 2
parameters = 16
observable = "Z0"
draws = 131_072
looks = 3

[[grid]]  # grossly wrong: so does it
ensemble = "hea-cz-ring"
qubits = 3
layers = 1
observable = "Z0"
draws = 131_072
looks = 3

[[grid]]  # too few draws for its tail: goes to the end
ensemble = "haar-layers"
qubits = 5
parameters = 4
observable = "projector:rank=1"
draws = 20_000
looks = 2

[[grid]]  # may not stop
ensemble = "haar-layers"
qubits = 2
parameters = 4
observable = "projector:rank=1"
draws = 20_000
"""
DRAWN = [32_768, 32_768, 20_000, 20_000]
"""Of this seed; a fresh one differs with probability below 1e-3."""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """The sweep on one worker, with its report, without figures."""
    root = tmp_path_factory.mktemp("looks")
    (root / "sweep.toml").write_text(SWEEP)
    store = Store.create(root / "run", *load_config(root / "sweep.toml"))
    result = run_sweep(store, workers=1, quiet=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qntk.validation.report.figures.collection._figures", lambda results: iter(()))
        write_report(store)
    return root, store, result


def frame(directory):
    return pd.read_parquet(directory / "draws").sort_values(["cell", "chunk"], kind="stable")


def content(directory):
    return frame(directory)["kernel"].to_numpy().tobytes()


def test_what_is_clear_stops_and_what_is_not_goes_on(swept):
    root, store, result = swept
    sizes = frame(root / "run").groupby("cell", observed=True).size()
    assert [sizes[cell.name] for cell in store.cells] == DRAWN
    assert (result.drawn, result.resumed) == (sum(DRAWN), 0)
    assert [store.planned(cell) for cell in store.cells] == DRAWN
    assert [cell.draws for cell in store.cells] == [131_072, 131_072, 20_000, 20_000]
    assert store.missing() == []


def test_the_same_bytes_on_three_workers(swept, qntk):
    root, _, _ = swept
    code, _, _ = qntk("sweep", root / "sweep.toml", "--out", root / "three", "--workers", 3)
    assert code == 0
    assert content(root / "three") == content(root / "run")


def test_a_second_run_draws_nothing_and_the_report_is_complete(swept, qntk):
    root, _, _ = swept
    document = json.loads(qntk("sweep", root / "sweep.toml", "--out", root / "run", "--json")[1])
    assert (document["drawn"], document["resumed"]) == (0, sum(DRAWN))
    report = json.loads((root / "run" / "verdicts.json").read_text())
    assert report["planned"] == report["drawn"] == sum(DRAWN)
    assert report["skipped"] == []
    assert "not finished" not in (root / "run" / "report.md").read_text()


def test_levels_are_the_shares_of_the_looks(swept):
    """16 claims on four cells and no exponent: each has 0.01/16, and a look its share of the planned draws."""
    root, store, _ = swept
    report = json.loads((root / "run" / "verdicts.json").read_text())
    assert report["intervals"] == 16
    shares = dict(zip([cell.name for cell in store.cells], [0.25, 0.25, 3_616 / 20_000, 1.0], strict=True))
    for row in report["verdicts"]:
        assert row["level"] == pytest.approx(0.01 / 16 * shares[row["cell"]])


def test_cells_that_stopped_are_settled_at_their_own_level(swept):
    """What stopped early has no exact verdict left open; the cell at the end has."""
    root, store, _ = swept
    rows = json.loads((root / "run" / "verdicts.json").read_text())["verdicts"]
    seen = [{r["verdict"] for r in rows if r["cell"] == c.name and r["regime"] == "exact"} for c in store.cells[:3]]
    assert seen[0] == {"agree"}
    assert "disagree" in seen[1]
    assert "inconclusive" not in seen[1]
    assert "inconclusive" in seen[2]


@pytest.mark.parametrize(("cell", "chunk"), [(0, 0), (0, 1), (2, 0), (2, 1)])
def test_a_deleted_chunk_is_drawn_again(swept, qntk, cell, chunk):
    root, store, _ = swept
    before = content(root / "run")
    store._chunk(store.cells[cell], chunk).unlink()
    assert store.missing()[0] == (store.cells[cell], chunk)
    document = json.loads(qntk("sweep", root / "sweep.toml", "--out", root / "run", "--json")[1])
    assert document["drawn"] == store.cells[cell].chunks[chunk]
    assert content(root / "run") == before


def test_a_cell_on_its_way_to_a_look_has_no_verdict(swept):
    _, store, _ = swept
    path = store._chunk(store.cells[0], 1)
    kept = path.read_bytes()
    path.unlink()
    try:
        results = evaluate(store)
    finally:
        path.write_bytes(kept)
    assert (results.planned, results.drawn) == (sum(DRAWN), sum(DRAWN) - 16_384)
    assert results.skipped == ((store.cells[0], "it may stop early, and has not come to its next look"),)
    assert [row.cell for row in results.cells] == store.cells[1:]
