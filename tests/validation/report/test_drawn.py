"""Figures draw the numbers of the report: points, bars, windows and bins read back from the axes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from qntk.validation.judge.claims import Margins
from qntk.validation.report.figures.distributions import _density
from qntk.validation.report.figures.exponents import exponent_figure
from qntk.validation.report.figures.overview import _haar
from qntk.validation.report.figures.quantiles import shown_cells
from qntk.validation.report.figures.ratios import own_name
from qntk.validation.report.figures.scaling import _window, scaling_figure
from qntk.validation.report.figures.style import estimates
from qntk.validation.report.results import evaluate
from qntk.validation.report.tables import frame, trend_rows
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store

SWEEP = """
seed = 9
family_error = 0.05
[[grid]]
ensemble = "haar-layers"
qubits = [2, 3]
parameters = [3, 8, 20]
observable = "Z0"
draws = 900
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    made = Store.create(tmp_path_factory.mktemp("drawn") / "run", *load_config(SWEEP))
    run_sweep(made, workers=1, quiet=True)
    return evaluate(made)


@pytest.fixture(scope="module")
def rows(results):
    return frame(results)


@pytest.fixture
def axis():
    return Figure().subplots()


def ends(axis):
    """Lower and upper ends of the error bars."""
    (bars,) = (c for c in axis.collections if hasattr(c, "get_segments"))
    return np.array([segment[:, 1] for segment in bars.get_segments()])


def test_bars_are_the_intervals(rows, axis):
    estimates(axis, rows["parameters"], rows, "mean", "k", unit=rows["mean_law"])
    wanted = rows[["mean_low", "mean_high"]].to_numpy() / rows[["mean_law"]].to_numpy()
    assert ends(axis) == pytest.approx(wanted)


def test_the_first_figure_has_drawn_over_law(rows, axis):
    for regime in ("exact", "asymptotic"):
        _haar(axis, rows, regime)
        x, y = axis.lines[-1].get_data()
        assert list(x) == pytest.approx(list(rows["parameters"] / rows["dimension"]))
        assert list(y) == pytest.approx(list(rows["relative_std"] / rows[f"relative_std_{regime}"]))


def test_exponents_have_the_intervals_that_decide(results):
    trends = trend_rows(results)
    (axis, *_) = exponent_figure(trends).axes
    wanted = [row["exponent"].interval for row in trends if row["of"] == trends[0]["of"]]
    assert ends(axis) == pytest.approx(np.array(wanted))


def test_both_laws_are_drawn_each_as_its_own(rows):
    """Above the cells, at the ends of each line of L."""
    top = scaling_figure(rows, "relative_std", Margins()).axes[0]
    drawn = [line.get_ydata()[[0, -1]] for line in top.lines if len(line.get_xdata()) > 3]
    for n in (2, 3):
        line = rows[rows["qubits"] == n].sort_values("parameters")
        for regime in ("exact", "asymptotic"):
            values = line[f"relative_std_{regime}"].to_numpy()[[0, -1]]
            assert any(np.allclose(values, found, rtol=1e-9) for found in drawn), (n, regime)


def test_the_window_shows_every_interval_and_the_margin(axis):
    table = pd.DataFrame({"mean_law": [2.0, 1.0], "mean_low": [1.0, 0.9], "mean_high": [2.1, 1.8]})
    _window(axis, table, "mean", 0.1)
    low, high = axis.get_ylim()
    assert (low, high) == pytest.approx((0.5 - 0.025, 1.8 + 0.025))
    _window(axis, pd.DataFrame({"mean_law": [1.0], "mean_low": [0.99], "mean_high": [1.01]}), "mean", 0.1)
    assert axis.get_ylim() == pytest.approx((0.85, 1.15))


def test_quantiles_are_of_the_most_qubits_at_both_ends_of_l(results):
    cells = [r.cell for r in shown_cells(results.cells)]
    assert [(cell.qubits, cell.parameters) for cell in cells] == [(3, 3), (3, 20)]


def test_bins_of_a_histogram_hold_a_hundredth_of_the_draws_and_no_fewer(results, axis):
    """All of them together hold what lies between the first and the last order statistic that is kept."""
    _density(axis, results.cells[0])
    (stairs,) = (patch for patch in axis.patches if isinstance(patch, StepPatch))
    heights, edges, _ = stairs.get_data()
    shares = heights * np.diff(edges)
    assert shares.min() >= 0.01 - 1e-12
    assert 10 <= len(shares) <= 100
    assert 0.95 < shares.sum() <= 1


def test_one_line_with_a_group_of_its_own_names_all_dotted_ones():
    """An ansatz may have a time reversal at even numbers of qubits alone."""
    assert own_name(pd.DataFrame({"mean_own": [0.5, np.nan]})) == "own group"
