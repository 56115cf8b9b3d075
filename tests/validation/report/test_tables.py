"""Every table of a report against the numbers it was made of: the right column, cell, order and unit."""

import re

import numpy as np
import pytest

from qntk.theory import REGIMES
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.report.context import _tested_on
from qntk.validation.report.csv_tables import csv_tables
from qntk.validation.report.figures.quantiles import shown_cells
from qntk.validation.report.figures.scaling import scaling_figure
from qntk.validation.report.findings import TOLD
from qntk.validation.report.ledger import ledger
from qntk.validation.report.paper import write_paper
from qntk.validation.report.results import evaluate
from qntk.validation.report.tables import frame, scaling_document
from qntk.validation.scaling import families as families_module
from qntk.validation.scaling.families import fit_families
from qntk.validation.scaling.models import PLATEAU, POWER
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store

SWEEP = """
seed = 9
family_error = 0.05
[[grid]]
ensemble = "haar-layers"
qubits = [2, 3]
parameters = [3, 8, 20, 40]
observable = ["Z0", "projector:rank=1"]
draws = 3000
[[grid]]
ensemble = "hea"
qubits = [2]
layers = [1, 16]
observable = "Z0"
draws = 3000
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = Store.create(tmp_path_factory.mktemp("tables") / "run", *load_config(SWEEP))
    run_sweep(made, workers=1, quiet=True)
    return made


@pytest.fixture(scope="module")
def results(store):
    return evaluate(store)


def test_the_cells_alone_are_a_table_of_several_pages(results, tmp_path, monkeypatch):
    monkeypatch.setattr("qntk.validation.report.paper.save_figures", lambda *given: {})
    write_paper(results, tmp_path)
    long = {path.stem for path in tmp_path.glob("*.tex") if "longtable" in path.read_text()}
    assert long == {"cells"}
    assert len(list(tmp_path.glob("*.tex"))) > 2


@pytest.fixture
def tex(results, tmp_path, monkeypatch):
    """Header and rows of a table in LaTeX."""
    monkeypatch.setattr("qntk.validation.report.paper.save_figures", lambda *given: {})
    write_paper(results, tmp_path)

    def rows(name):
        text = (tmp_path / f"{name}.tex").read_text()
        for symbol, formula in ((r"$\Delta K/\bar K$", "ΔK/K̄"), (r"$\bar K$", "K̄"), ("--", "–"), ("$<$", "<")):
            text = text.replace(formula if formula in text else symbol, formula)
        lines = [line for line in text.splitlines() if line.endswith(r"\\") and "&" in line]
        table = [[cell.strip() for cell in line.removesuffix(r"\\").split("&")] for line in lines]
        header, *body = dict.fromkeys(map(tuple, table))
        return header, body

    return rows


def numbers(text):
    return [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", text)]


def test_the_cells_of_the_paper(tex, results):
    header, body = tex("cells")
    assert header[2:5] == ("n", "L", "draws")
    assert len(body) == len(results.cells)
    for row, result in zip(body, results.cells, strict=True):
        assert row[2:5] == (str(result.cell.qubits), str(result.cell.parameters), "3000")
        for text, moment in zip(row[5:], MOMENTS, strict=True):
            verdict = result.verdict(moment, "exact")
            assert numbers(text) == pytest.approx([verdict.estimate, *verdict.interval], rel=1e-3)


def test_the_counts_of_the_paper(tex, results):
    """Agree, inconclusive, disagree, in this order and under the claim they are of."""
    header, body = tex("verdicts")
    words = {"asymptotic": "published", "relative_std": "ΔK/K̄"}
    for heading, claim in zip(header[3:], TOLD, strict=True):
        assert all(words.get(word, word) in heading for word in claim), heading
    groups = {}
    for result in results.cells:
        groups.setdefault((result.cell.ensemble, result.cell.observable), []).append(result)
    assert len(body) == len(groups)
    for row, group in zip(body, groups.values(), strict=True):
        for column, (statistic, regime) in enumerate(TOLD, start=3):
            said = [r.verdict(statistic, regime).verdict for r in group]
            assert row[column] == " / ".join(str(said.count(v)) for v in ("agree", "inconclusive", "disagree"))


def test_the_exponents_and_models_of_the_paper(tex, results):
    _, body = tex("exponents")
    rows = [numbers(" ".join(row[4:])) for row in body]
    for family in results.families:
        shown = {key: v for key, v in family.verdicts.items() if len(family.variables) > 1 or key[0] != "std"}
        for (quantity, variable), verdicts in shown.items():
            exponent = family.fit.fits[quantity].exponents[variable]
            interval = verdicts["exact"].interval
            wanted = [exponent.best, *interval, *(verdicts[r].prediction for r in REGIMES if r in verdicts)]
            assert any(len(row) == len(wanted) and np.allclose(row, wanted, atol=6e-5) for row in rows), quantity
    header, body = tex("models")
    columns = {name: next(i for i, h in enumerate(header) if word in h)
               for name, word in ((POWER, "power law"), (PLATEAU, "plateau"), ("exact", "exact"))}  # fmt: skip
    told = [{name: numbers(row[i])[:2] for name, i in columns.items()} for row in body]
    for family in (f for f in results.families if f.variables == ("L",)):
        ranked = next(m for m in family.models if m.quantity == "relative_std").ranked
        wanted = {m.name: [m.weight, m.p] for m in ranked if m.name in columns}
        near = [t for t in told if all(np.allclose(t[k], v, rtol=0.06, atol=1e-90) for k, v in wanted.items() if t[k])]
        assert near, wanted


def test_ratios_are_estimates_over_predictions(results):
    rows = [row for row in ledger(results) if row["prediction"]]
    assert all(row["ratio"] == pytest.approx(row["estimate"] / row["prediction"]) for row in rows)
    assert max(row["ratio"] for row in rows) > 1.1


def test_quantiles_are_those_of_the_cell_they_stand_beside(results, store):
    table = csv_tables(results, scaling_document(results), ledger(results), [])["quantiles.csv"]
    shown = shown_cells(results.cells)
    assert table.groupby(["observable", "qubits", "parameters"]).ngroups == len(shown) == 4
    for result in shown:
        cell = result.cell
        rows = table[(table["observable"] == cell.observable) & (table["parameters"] == cell.parameters)]
        kernels = np.sort(store.columns(cell, len(cell.chunks))["kernel"])
        ranks = np.rint(rows["probability"] * (len(kernels) + 1)).astype(int)
        assert rows["draws"].to_numpy() == pytest.approx(kernels[ranks - 1])
        assert set(rows["qubits"]) == {cell.qubits}


def test_a_cell_has_joined_where_all_three_moments_agree(results):
    said = {tuple(r.verdict(m, "exact").verdict for m in MOMENTS): r.joined() for r in results.cells}
    assert all(joined == (set(verdicts) == {"agree"}) for verdicts, joined in said.items())
    assert any(len(set(verdicts)) == 2 and "agree" in verdicts for verdicts in said), "nothing told all from any"


def test_the_promise_has_the_sweeps_error_and_intervals(results):
    low, high = results.levels
    promise = results.promise()
    assert promise.startswith(
        f"With probability at least 0.95 not one verdict of this report is wrong: its {results.intervals} intervals "
        "share an error of 0.05 ("
    )
    assert f"a level from {low:.2g} to {high:.2g};" in promise


@pytest.mark.parametrize("along", ["L", "D"])
def test_the_solid_law_of_a_figure_is_the_exact_one(results, along):
    """The first line of a panel's top is solid, the second dashed; ΔK/K̄ of the smallest L is 3 to 35 % apart."""
    table = frame(results)
    haar = table[table["ensemble"] == "haar-layers"]
    figure = scaling_figure(haar, "relative_std", Margins(), along_dimension=along == "D")
    drawn = 0
    for line in (line for axis in figure.axes for line in axis.get_lines() if len(line.get_xdata()) > 1):
        for r in results.cells:
            size = r.cell.parameters if along == "L" else r.cell.dimension
            y = np.asarray(line.get_ydata())[np.asarray(line.get_xdata()) == size]
            for regime, style in (("exact", "-"), ("asymptotic", "--")):
                near = len(y) == 1 and y[0] == pytest.approx(r.law.relative_std(regime).value, rel=1e-9)
                if near and abs(r.law.relative_std("exact").value / r.law.relative_std("asymptotic").value - 1) > 0.02:
                    assert line.get_linestyle() == style
                    drawn += 1
    assert drawn >= 12


def test_what_was_tested_is_said_from_the_smallest_to_the_largest(results):
    said = _tested_on(results)
    assert f"{results.drawn:,} kernels" in said
    assert "n = 2 to 3 qubits and L = 3 to 64 parameters" in said


def test_an_exponent_is_settled_when_all_that_is_asked_of_it_is(results, monkeypatch):
    """Three regimes are held against one interval: the level at which it settles is the largest of theirs."""
    seen, shares = [], []

    def level(values, error):
        seen.extend(values)
        shares.append(error / len(values))
        return 0.01

    monkeypatch.setattr(families_module, "step_down_level", level)
    points = {
        cell: point for family in results.families for cell, point in zip(family.cells, family.points, strict=True)
    }
    wanted = []
    for family in fit_families(points, results.config, 0.001):
        for (quantity, variable), verdicts in family.verdicts.items():
            edges = [v.prediction + side * v.margin for v in verdicts.values() for side in (-1, 1)]
            wanted.append(max(family.evidence(quantity, variable).p_equal(edge) for edge in edges))
    assert sorted(seen) == pytest.approx(sorted(wanted))
    assert shares == pytest.approx([0.001] * len(shares))
