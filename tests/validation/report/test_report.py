"""Reports: files, keys, and verdicts that a reader may rely on."""

import json
import re
import shutil
from itertools import product

import numpy as np
import pandas as pd
import pytest
import small_sweep

from qntk import ansatz, exact_mean
from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.store import Store

VERDICT_KEYS = {
    "quantity", "statistic", "regime", "prediction", "estimate", "interval", "margin", "p_value", "verdict",
    "ensemble", "qubits", "parameters", "observable", "generator",
}  # fmt: skip
EXPONENT_KEYS = {
    "ensemble", "observable", "generator", "fixed", "quantity", "variable", "with", "best", "low", "high",
    "freedom", "standard_error", "bootstrap", "predicted", "covers", "verdicts", "goodness_p", "chi2", "dof", "window",
    "points",
}  # fmt: skip
FIGURES = (
    "overview", "exponents", "concentration-map", "concentration", "mean", "variance", "concentration-dimension",
    "mean-dimension", "variance-dimension", "distances", "densities", "quantiles", "depth-hea-cz-ring-Z0",
)  # fmt: skip
TABLES = ("verdicts.csv", "exponents.csv", "models.csv", "attribution.csv", "quantiles.csv")
DOCUMENTS = ("report.html", "report.md", "verdicts.json", "scaling.json", "attribution.json")


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """The small sweep with its report, and the report's document."""
    return small_sweep.reported(tmp_path_factory)


@pytest.fixture
def reported(kept, tmp_path):
    """A copy of them."""
    directory, document = kept
    return shutil.copytree(directory, tmp_path / "run"), document


@pytest.fixture
def quick(monkeypatch):
    """Reports without figures and attribution; those for a paper keep theirs."""
    monkeypatch.setattr("qntk.validation.report.write.save_figures", lambda results, directory: {})
    monkeypatch.setattr("qntk.validation.report.write.reasons", lambda cells, config: [])


def read(out, name):
    return json.loads((out / name).read_text())


def test_files_and_documents(reported):
    """14 cells have 3 regimes of 3 moments and one distribution each: 10 verdicts from 4 intervals."""
    out, document = reported
    assert set(document["paths"]) == {*DOCUMENTS, *TABLES, "figures"}
    verdicts = read(out, "verdicts.json")
    assert verdicts["schema_version"] == 1
    assert len(verdicts["verdicts"]) == sum(document["verdicts"].values()) == 14 * 10
    assert all(set(row) >= VERDICT_KEYS for row in verdicts["verdicts"])
    assert verdicts["planned"] == verdicts["drawn"] == 14 * 3_000
    scaling = read(out, "scaling.json")
    # In L, for two observables on two numbers of qubits; two dimensions or two depths make no fit. Three quantities.
    assert len(scaling["exponents"]) == 2 * 2 * 3
    assert verdicts["intervals"] == scaling["intervals"] == 4 * 14 + 2 * 2 * 3
    for name in FIGURES:
        assert (out / "figures" / f"{name}.svg").stat().st_size > 1000
        assert (out / "figures" / f"{name}.png").stat().st_size > 1000
    assert {path.stem for path in (out / "figures").iterdir()} == set(FIGURES)


def test_tables_hold_the_numbers_of_the_documents(reported):
    """The ledger is the verdicts on cells, an ansatz's own laws, and exponents, each with a figure there is."""
    out, _ = reported
    ledger = pd.read_csv(out / "verdicts.csv", float_precision="round_trip")
    verdicts, scaling = read(out, "verdicts.json"), read(out, "scaling.json")
    on_cells = [*verdicts["verdicts"], *verdicts["symmetric"], *verdicts["orbit"]]
    on_exponents = [v for row in scaling["exponents"] for v in row["verdicts"].values()]
    for mine, rows in ((ledger[ledger["of"].isna()], on_cells), (ledger[ledger["of"].notna()], on_exponents)):
        wanted = pd.DataFrame([row | dict(zip(("low", "high"), row["interval"], strict=True)) for row in rows])
        columns = [name for name in wanted if name not in ("interval", "layers")]
        first, second = (table[columns].sort_values(columns, ignore_index=True) for table in (mine, wanted))
        pd.testing.assert_frame_equal(first, second, check_dtype=False, check_exact=True)
    assert set(ledger["figure"]) <= set(FIGURES)
    assert len(pd.read_csv(out / "exponents.csv")) == len(scaling["exponents"])
    assert len(pd.read_csv(out / "models.csv")) == sum(len(row["ranked"]) for row in scaling["models"])
    quantiles = pd.read_csv(out / "quantiles.csv")
    assert quantiles.groupby("cell").size().min() > 40
    assert (quantiles["band_low"] < quantiles["law"]).all()


def test_the_report_says_why_the_ring_differs(reported):
    """The deepest circuit that disagrees; a report that finds no time reversal in a ring of CZ would be wrong."""
    out, _ = reported
    (found,) = read(out, "attribution.json")["attribution"]
    assert (found["ensemble"], found["qubits"], found["layers"]) == ("hea-cz-ring", 3, 32)
    sentences = {cause["name"]: cause["sentence"] for cause in found["causes"]}
    assert "the group is symplectic" in sentences["time reversal"]
    assert found["numbers"]["intervals"] == 16
    for name in ("report.html", "report.md"):
        text = (out / name).read_text()
        assert "Why ansätze differ" in text
        assert "the group is symplectic" in text


def test_the_first_lines_say_what_was_tested_and_what_came_out(reported):
    out, _ = reported
    text = (out / "report.md").read_text()
    asked, found = text.split("\n\n")[1:3]
    assert "tangent kernel K" in asked
    assert asked.endswith("where do the laws end?")
    haar = [r for r in read(out, "verdicts.json")["verdicts"] if r["ensemble"] == "haar-layers"]
    cells = {r["cell"] for r in haar}
    held = cells - {r["cell"] for r in haar if r["regime"] == "exact" and r["verdict"] != "agree"}
    assert len(cells) == 12
    assert (
        f"**The exact laws** fail in none of the 12 cells of Haar layers; they hold in {len(held)}, and "
        f"{12 - len(held)} need more draws."
    ) in found
    assert "**hea-cz-ring, Z0** does not reach the exact law of Haar layers at n = 3 by 32 layers" in found
    assert (
        "42,000 kernels from Haar layers and hea-cz-ring, drawn in 14 cells of n = 2 to 3 qubits and L = 4 to 192 "
        "parameters with observables Z0 and projector of rank 1."
    ) in text
    assert f"`{read(out, 'verdicts.json')['fingerprint']}`" in text


def test_the_fingerprint_changes_with_what_was_drawn(reported, qntk, config, tmp_path, quick):
    out, _ = reported
    before = read(out, "verdicts.json")["fingerprint"]
    other = tmp_path / "other"
    config.write_text(config.read_text().replace("seed = 5", "seed = 6"))
    assert qntk("sweep", config, "--out", other)[0] == 0
    assert qntk("report", other)[0] == 0
    assert read(other, "verdicts.json")["fingerprint"] != before
    config.write_text(config.read_text().replace("seed = 6", "seed = 5").replace("small", "another title for the"))
    assert qntk("sweep", config, "--out", tmp_path / "same")[0] == 0
    assert qntk("report", tmp_path / "same")[0] == 0
    assert read(tmp_path / "same", "verdicts.json")["fingerprint"] == before


def test_tables_and_figures_for_a_paper(qntk, reported, quick):
    """As LaTeX reads them: math for symbols, no bare underscore or percent sign, one row a cell."""
    out, _ = reported
    code, text, _ = qntk("report", out, "--paper", "--json")
    assert code == 0
    assert json.loads(text)["paths"]["paper"] == str(out / "paper")
    assert {path.stem for path in (out / "paper").glob("*.pdf")} == set(FIGURES)
    tables = {path.stem: path.read_text() for path in (out / "paper").glob("*.tex")}
    assert set(tables) == {"verdicts", "cells", "exponents", "models"}
    for table in tables.values():
        assert table.isascii()
        assert r"\toprule" in table
        assert not re.search(r"(?<!\\)[%#&_](?=\w)", re.sub(r"\\label\{.*\}|\$.*?\$", "", table))
    assert sum(" [" in line for line in tables["cells"].splitlines()) == 14
    assert r"$\Delta K/\bar K$" in tables["exponents"]


def test_levels_lie_between_a_share_and_what_step_down_leaves(reported):
    """All 14 cells have one level of a moment, α/N times 14/(14 - r) for r that settled; a distance has its share."""
    verdicts = read(reported[0], "verdicts.json")
    share = 0.05 / verdicts["intervals"]
    for statistic in ("mean", "variance", "relative_std", "distribution"):
        (level,) = {row["level"] for row in verdicts["verdicts"] if row["statistic"] == statistic}
        settled = 14 - 14 * share / level
        assert settled == pytest.approx(round(settled), abs=1e-9)
        assert settled == pytest.approx(0) if statistic == "distribution" else 0 <= settled <= 13
        rows = [*verdicts["verdicts"], *verdicts["symmetric"]]
        opened = {r["cell"] for r in rows if r["statistic"] == statistic and r["verdict"] == "inconclusive"}
        assert statistic == "distribution" or settled <= 14 - len(opened)
    assert {row["level"] for row in verdicts["symmetric"]} <= {row["level"] for row in verdicts["verdicts"]}
    assert f"its {verdicts['intervals']} intervals share an error of 0.05" in verdicts["promise"]


def test_exponents_with_their_intervals_and_covariances(reported):
    """An interval of 0.05/68 is 3.4 to 4 standard errors to each side, a bootstrap one at 95 % two, to a fifth."""
    scaling = read(reported[0], "scaling.json")
    for row in scaling["exponents"]:
        assert set(row) == EXPONENT_KEYS
        assert row["low"] < row["best"] < row["high"]
        assert 4 < row["freedom"] < 3 * 5000
        assert (row["variable"], row["with"], row["window"], row["points"], row["dof"]) == ("L", [], [4, 16], 3, 1)
        assert row["fixed"] in ("n = 2", "n = 3")
        assert 0 <= row["goodness_p"] <= 1
        half = (row["high"] - row["low"]) / 2
        assert 2.2 < half / row["standard_error"] < 4
        low, high = row["bootstrap"]
        assert (high - low) / 2 / row["standard_error"] == pytest.approx(1.96, rel=0.2)
        assert set(row["predicted"]) == set(row["covers"]) == set(row["verdicts"])
        for regime, value in row["predicted"].items():
            assert row["covers"][regime] == (row["low"] <= value <= row["high"])
            verdict = row["verdicts"][regime]
            assert (verdict["prediction"], verdict["estimate"]) == (value, row["best"])
            assert verdict["interval"] == [row["low"], row["high"]]
            assert (verdict["statistic"], verdict["margin"], verdict["margin_kind"]) == ("exponent", 0.02, "absolute")
        assert row["covers"]["exact"], row
    assert len(scaling["covariances"]) == 4
    for family in scaling["covariances"]:
        assert family["exponents"] == ["K̄ in L", "ΔK in L", "ΔK/K̄ in L"]
        covariance = np.array(family["covariance"])
        np.testing.assert_allclose(covariance, covariance.T)
        assert np.linalg.eigvalsh(covariance).min() > -1e-12
        mine = [r for r in scaling["exponents"] if all(r[k] == family[k] for k in ("observable", "fixed"))]
        larger = [r["standard_error"] for r in mine] / np.sqrt(np.diag(covariance))
        assert ((larger > 1 - 1e-9) & (larger < 1.15)).all()  # with the outermost draws once more


def test_models_and_statements(reported):
    """One comparison a quantity and family; one sentence for K̄ and for ΔK/K̄. Akaike weights add to 1."""
    scaling = read(reported[0], "scaling.json")
    assert len(scaling["models"]) == 4 * 3
    for row in scaling["models"]:
        assert sum(model["weight"] for model in row["ranked"]) == pytest.approx(1)
        aic = [model["aic"] for model in row["ranked"]]
        assert aic == sorted(aic)
        assert {"power law", "exact"} <= {model["name"] for model in row["ranked"]}
        assert "3 parameters need at least 4 points" in row["omitted"]["power law with plateau"]
    assert [(s["quantity"], s["in"]) for s in scaling["statements"]] == 4 * [("K̄", "L"), ("ΔK/K̄", "L")]
    for s in scaling["statements"]:
        assert s["text"].startswith(f"{s['quantity']} ∝ L^")


def test_the_physics_of_the_small_sweep(reported):
    """False-fail probability 0.05 for a fresh seed, by the report's own promise; this seed is fixed."""
    out, _ = reported
    rows = read(out, "verdicts.json")["verdicts"]
    haar_exact = [r for r in rows if r["ensemble"] == "haar-layers" and r["regime"] == "exact"]
    assert len(haar_exact) == 12 * 4
    assert {r["verdict"] for r in haar_exact} <= {"agree", "inconclusive"}
    published = [
        r for r in rows
        if r["observable"] == "projector:rank=1" and r["statistic"] == "variance" and r["regime"] == "asymptotic"
        and r["parameters"] == 16
    ]  # fmt: skip
    assert "disagree" in {r["verdict"] for r in published} <= {"disagree", "inconclusive"}
    ring = [r for r in rows if r["layers"] == 32 and r["statistic"] == "variance" and r["regime"] == "exact"]
    assert {r["verdict"] for r in ring} == {"disagree"}
    own = read(out, "verdicts.json")["symmetric"]
    assert [(r["group"], r["layers"], r["statistic"]) for r in own] == [
        ("symplectic", layers, statistic)
        for layers, statistic in product((1, 32), ("mean", "variance", "relative_std"))
    ]
    assert {r["verdict"] for r in own[:3]} == {"disagree"}, "negative control: one layer is no Haar layer"
    below = float(exact_mean(ansatz("hea-cz-ring", 3, 32), "Z0")) / own[3]["prediction"]
    assert 0.93 < below < 0.95, "its ends keep the mean of 32 layers 6 % below, beyond the margin"
    assert own[3]["verdict"] != "agree"
    assert "disagree" not in {r["verdict"] for r in own[4:]}
    assert "| symplectic: " in (out / "report.md").read_text()


def test_names_that_users_supply_are_escaped(reported):
    out, _ = reported
    html = (out / "report.html").read_text()
    assert "<b>sweep</b>" not in html
    assert "small &lt;b&gt;sweep&lt;/b&gt;" in html
    assert "<b>" not in (out / "report.md").read_text().splitlines()[0].replace("\\<b\\>", "")


def test_html_is_one_file_that_asks_the_network_for_nothing(reported):
    out, _ = reported
    html = (out / "report.html").read_text()
    figures = re.findall(r'src="data:image/svg\+xml,([^"]+)"', html)
    assert len(figures) == len(FIGURES)
    for figure in figures:
        assert not re.search(r"href='(?!%23|data:)|url\((?!%23)", figure), "a figure refers to itself alone"
        html = html.replace(figure, "")
    assert not re.search(r'(src|href)=(?!"#|"data:|"verdicts\.csv")', html)
    for name in FIGURES:
        assert f'id="figure-{name}"' in html
        assert f"(figures/{name}.png)" in (out / "report.md").read_text()


def test_fail_on_gives_one(qntk, reported, quick):
    out, _ = reported
    assert qntk("report", out, "--fail-on", "disagree")[0] == 1


def test_a_calibration_beside_the_sweep_is_shown(qntk, reported, quick):
    out, _ = reported
    assert "The validator, validated" not in (out / "report.md").read_text() + (out / "report.html").read_text()
    code, text, _ = qntk("calibrate", "--trials", 1, "--seed", 7, "--json")
    assert code == 0
    (out / "calibration.json").write_text(text)
    assert qntk("report", out)[0] == 0
    table = json.loads(text)["table"]
    assert table.startswith("1 trials of 10000 kernels")
    assert "\n## The validator, validated\n\nThe decision pipeline" in (out / "report.md").read_text()
    assert f"```\n{table}\n```" in (out / "report.md").read_text()
    html = (out / "report.html").read_text()
    assert '<h2 id="calibration">The validator, validated</h2>' in html
    assert "planted faults, noticed at a report&#39;s level" in html


@pytest.mark.parametrize("content", [b"[1]", b"{}", b"\xff\xfe"])
def test_a_broken_calibration_is_refused(qntk, reported, quick, content):
    out, _ = reported
    before = (out / "report.md").read_bytes()
    (out / "calibration.json").write_bytes(content)
    code, text, error = qntk("report", out)
    assert (code, text) == (2, "")
    last = error.splitlines()[-1]
    assert last.startswith(f"qntk: error: {out / 'calibration.json'} is not a document of 'qntk calibrate --json'")
    assert (out / "report.md").read_bytes() == before


def test_an_unfinished_sweep_is_reported_as_such(qntk, reported, quick):
    out, _ = reported
    store = Store.open(out)
    for cell in store.cells[:2]:
        for path in out.glob(f"draws/{cell.name}-*"):
            path.unlink()
    code, _, _ = qntk("report", out)
    text = (out / "report.md").read_text()
    assert code == 0
    assert "not finished: 36,000 of 42,000" in text
    assert "0 draws are too few" in text


def test_a_sweep_without_draws_is_refused(qntk, config, tmp_path):
    Store.create(tmp_path / "run", *load_config(config))
    code, _, error = qntk("report", tmp_path / "run")
    assert code == 2
    assert "no cell with enough draws" in error


MIXED = """
seed = 8
family_error = 1e-4

[[grid]]
ensemble = "haar-layers"
qubits = 2
parameters = [4, 8, 16]
observable = "Z0"
draws = 20_000
dqntk = true

[[grid]]
ensemble = "haar-layers"
qubits = 2
parameters = [8, 16]
observable = "Z0"
draws = 20_000
overlap = 0.3

[[grid]]
ensemble = "hea"
qubits = 2
layers = 1
observable = "Z0"
draws = 1_000
dqntk = true

[[grid]]
ensemble = "haar-layers"
qubits = 2
parameters = 8
observable = "Z0"
draws = 1_000
"""


def test_dqntk_and_kernel_between_inputs_in_one_dataset(qntk, tmp_path, quick):
    """A family error of 1e-4 for a fresh seed; this one is fixed. One layer of an ansatz is no Haar layer."""
    config, out = tmp_path / "mixed.toml", tmp_path / "run"
    config.write_text(MIXED)
    assert qntk("sweep", config, "--out", out)[0] == 0
    assert qntk("report", out)[0] == 0
    data = pd.read_parquet(out / "draws")
    with_mu, with_cross, ansatz, plain = np.split(np.array(expand(load_config(config)[0])), [3, 5, 6])
    seen = data.groupby("cell", observed=True)[["kernel", "dqntk", "cross_kernel"]].count()
    for cells, counts in (
        (with_mu, (20_000, 20_000, 0)),
        (with_cross, (20_000, 0, 20_000)),
        (ansatz, (1_000, 1_000, 0)),
        (plain, (1_000, 0, 0)),
    ):
        for cell in cells:
            assert tuple(seen.loc[cell.name]) == counts
    report, scaling = read(out, "verdicts.json"), read(out, "scaling.json")
    # Four claims on the kernels of 7 cells, two on the dQNTK of 4, one on K between inputs of 2; four exponents in L.
    assert report["intervals"] == 7 * 4 + 4 * 2 + 2 + 4
    count = pd.DataFrame(report["verdicts"]).groupby(["quantity", "statistic", "regime"]).size()
    assert count["kernel", "distribution", "exact"] == 7
    assert count["dqntk", "mean", "exact"] == 4
    assert count["dqntk", "second_moment"].to_dict() == {"asymptotic": 4, "exact": 4, "leading": 4}
    assert count["cross_kernel"].to_dict() == {("mean", "exact"): 2}
    haar = [r for r in report["verdicts"] if r["ensemble"] == "haar-layers" and r["quantity"] != "kernel"]
    exact = {(r["quantity"], r["statistic"]): set() for r in haar}
    for row in haar:
        if row["regime"] == "exact":
            exact[row["quantity"], row["statistic"]].add(row["verdict"])
    assert set().union(*exact.values()) <= {"agree", "inconclusive"}
    assert exact["cross_kernel", "mean"] == {"agree"}
    assert {r["verdict"] for r in haar if r["regime"] == "asymptotic"} == {"disagree"}
    assert [row["quantity"] for row in scaling["exponents"]] == ["K̄", "ΔK", "ΔK/K̄", "Δμ"]
    assert scaling["exponents"][3]["covers"]["exact"]
    assert set(scaling["exponents"][3]["predicted"]) == {"asymptotic", "leading", "exact"}
    text = (out / "report.md").read_text()
    for words in (
        "| exact second moment of dQNTK μ | Z0 | ",
        "| exact mean of K between two inputs | Z0 | holds in every cell | 2 / 0 / 0 |",
    ):
        assert words in text


def test_a_column_that_is_not_asked_for_is_not_there(reported):
    assert not {"dqntk", "cross_kernel"} & set(pd.read_parquet(reported[0] / "draws").columns)
