"""The committed report follows from the code, without a draw: its cells, predictions, margins, levels and verdicts.

``test_redrawn`` and ``test_exponents`` draw some of its cells again, ``test_diagnostics`` trains a model again.
The report is remade by ``make reference``. Nothing here is random.
"""

import math
from collections import Counter, defaultdict
from dataclasses import replace
from importlib.resources import files

import pytest

from qntk.theory import KernelLaw
from qntk.validation.sweep.cells import fitted_quantities, scaling_families

SYMBOLS = {"mean": "K̄", "std": "ΔK", "relative_std": "ΔK/K̄", "dqntk": "Δμ"}


@pytest.fixture
def documents(document):
    return document("default/verdicts.json"), document("default/scaling.json")


def verdict_of(row):
    """By definition: where the interval lies beside prediction ± margin."""
    centre, (low, high) = row["prediction"], row["interval"]
    half = row["margin"] * (abs(centre) if row["margin_kind"] == "relative" else 1.0)
    if centre - half <= low and high <= centre + half:
        return "agree"
    return "disagree" if high < centre - half or low > centre + half else "inconclusive"


def expected_rows(cells, margin):
    """(cell, quantity, statistic, regime, group) to the cell, its prediction, its margin and the margin's kind."""
    rows = {}
    for cell in cells:
        law, own = cell.law(), cell.symmetric_law()
        for claim in cell.claims:
            unit = claim.unit(law) if claim.unit else None
            allowed = margin[claim.statistic] * (1.0 if unit is None else unit)
            for regime, prediction in claim.predict(law, cell.overlap).items():
                key = (cell.name, *claim.key, regime, "unitary")
                rows[key] = cell, prediction.value, allowed, "relative" if unit is None else "absolute"
        for statistic in ("mean", "variance", "relative_std") if own else ():
            key = (cell.name, "kernel", statistic, "exact", own.group)
            rows[key] = cell, getattr(own, statistic)().value, margin[statistic], "relative"
    return rows


def stepped_down(groups, share):
    """Problems with the levels: Holm's step-down reads N intervals at N/(N - r) shares if r of them hold no edge."""
    for name, intervals in groups.items():
        settled = sum("inconclusive" not in (r["verdict"] for r in rows) for rows in intervals.values())
        count, held = len(intervals), name[1] == "distribution"
        wanted = share * (1.0 if held else count / (count - min(settled, count - 1)))
        for rows in intervals.values():
            if any(not math.isclose(r["level"], wanted, rel_tol=1e-9) for r in rows):
                yield f"{name}: {settled} of {count} are settled, which makes the level {wanted}"


def problems(verdicts, scaling, config, cells):
    """What is wrong with the two documents, one line each."""
    margin, wanted = config.margin.model_dump(), expected_rows(cells, config.margin.model_dump())
    rows = [*verdicts["verdicts"], *verdicts["symmetric"]]
    keys = [tuple(r[k] for k in ("cell", "quantity", "statistic", "regime", "group")) for r in rows]
    for key, count in (Counter(keys) - Counter(list(wanted))).items():
        yield f"{key} is there {count} times too often"
    for key in set(wanted) - set(keys):
        yield f"{key} is missing"
    if any(r["group"] != "unitary" for r in verdicts["verdicts"]):
        yield "a verdict on another group is not under symmetric"
    groups = defaultdict(lambda: defaultdict(list))
    for key, row in zip(keys, rows, strict=True):
        groups[key[1], key[2]][row["cell"]].append(row)
        if key in wanted:
            cell, prediction, allowed, kind = wanted[key]
            facts = cell.columns | {"layers": cell.layers or None, "dimension": cell.dimension, "draws": cell.draws}
            yield from (f"{key}: {k} is {row[k]}, not {v}" for k, v in facts.items() if row[k] != v)
            scale = max(abs(prediction), allowed)
            if not math.isclose(row["prediction"], prediction, rel_tol=1e-9, abs_tol=1e-9 * scale):
                yield f"{key}: theory predicts {prediction}, not {row['prediction']}"
            if row["margin_kind"] != kind or not math.isclose(row["margin"], allowed, rel_tol=1e-9):
                yield f"{key}: the margin is {kind} {allowed}, not {row['margin_kind']} {row['margin']}"
        yield from of_one_row(key, row)
    intervals = sum(map(len, groups.values())) + len(scaling["exponents"])
    yield from stepped_down(groups, config.family_error / intervals)
    for document in (verdicts, scaling):
        if (document["intervals"], document["family_error"]) != (intervals, config.family_error):
            yield f"{intervals} intervals share {config.family_error}; the document says otherwise"
    if verdicts["skipped"] or verdicts["drawn"] != sum(cell.draws for cell in cells):
        yield "not all cells were drawn"
    yield from exponent_problems(scaling["exponents"], cells, margin["exponent"], config.family_error / intervals)


def of_one_row(key, row):
    if not row["interval"][0] <= row["estimate"] <= row["interval"][1]:
        yield f"{key}: the estimate lies outside its interval"
    if row["verdict"] != verdict_of(row):
        yield f"{key}: the interval says {verdict_of(row)}, not {row['verdict']}"


def exponent_problems(rows, cells, margin, share):
    wanted = Counter(
        (family[0].ensemble, family[0].observable, len(family), SYMBOLS[quantity], variable, variables)
        for variables, family in scaling_families(cells)
        for quantity in fitted_quantities(family[0])
        for variable in variables
    )
    groups = defaultdict(lambda: defaultdict(list))
    found = Counter()
    for number, row in enumerate(rows):
        sizes = tuple(sorted([row["variable"], *row["with"]], reverse=True))
        found[row["ensemble"], row["observable"], row["points"], row["quantity"], row["variable"], sizes] += 1
        groups[sizes, row["quantity"], row["variable"]][number] = list(row["verdicts"].values())
        for regime, verdict in row["verdicts"].items():
            yield from of_one_row((number, regime), verdict)
            told = (row["predicted"][regime], row["best"], [row["low"], row["high"]], margin, "absolute")
            if told != tuple(verdict[k] for k in ("prediction", "estimate", "interval", "margin", "margin_kind")):
                yield f"exponent {number}, {regime}: the verdict is on something else"
            if row["covers"][regime] != (row["low"] <= row["predicted"][regime] <= row["high"]):
                yield f"exponent {number}, {regime}: covers is wrong"
    yield from (
        f"exponent {key}: {found[key]}, not {wanted[key]}" for key in wanted | found if found[key] != wanted[key]
    )
    yield from stepped_down(groups, share)


def test_every_committed_verdict_follows_from_the_code(documents, config, cells):
    assert list(problems(*documents, config, cells)) == []


def test_the_packaged_sweep_is_the_committed_one(text):
    packaged = files("qntk.validation").joinpath("default_sweep.toml").read_text(encoding="utf-8")
    assert packaged == text("default/config.toml")


def edit(path, change):
    """A planted change of one entry of (verdicts, scaling)."""

    def plant(documents):
        *way, last = path
        for key in way:
            documents = documents[key]
        documents[last] = change(documents[last])

    return plant


OTHER = {"agree": "disagree", "disagree": "inconclusive", "inconclusive": "agree"}
PLANTED = {
    "a verdict": edit((0, "verdicts", 1234, "verdict"), OTHER.get),
    "a symmetric verdict": edit((0, "symmetric", 50, "verdict"), OTHER.get),
    "an exponent's verdict": edit((1, "exponents", 7, "verdicts", "exact", "verdict"), OTHER.get),
    "a prediction": edit((0, "verdicts", 600, "prediction"), lambda x: x * (1 + 1e-8)),
    "an interval": edit((0, "verdicts", 0, "interval"), lambda x: [0.9 * x[0], 1.3 * x[1]]),
    "an estimate": edit((0, "verdicts", 0, "estimate"), lambda x: 1.1 * x),
    "a margin": edit((0, "verdicts", 9, "margin"), lambda x: 1.01 * x),
    "a level": edit((0, "verdicts", 2, "level"), lambda x: 1.001 * x),
    "an observable": edit((0, "verdicts", 2, "observable"), lambda _: "X0"),
    "the error": edit((0, "family_error",), lambda _: 0.05),
    "a row too few": edit((0, "verdicts"), lambda rows: rows[:-1]),
    "a row too many": edit((0, "verdicts"), lambda rows: [*rows, rows[7]]),
    "an exponent too few": edit((1, "exponents"), lambda rows: rows[1:]),
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_planted_change_is_noticed(documents, config, cells, plant):
    plant(documents)
    assert list(problems(*documents, config, cells))


def test_a_changed_law_is_noticed(documents, config, cells, monkeypatch):
    """A variance 1.2 times as large, in every regime; only statements on the variance can tell."""
    right = KernelLaw.variance

    def wrong(law, *arguments):
        prediction = right(law, *arguments)
        return replace(prediction, value=1.2 * prediction.value)

    monkeypatch.setattr(KernelLaw, "variance", wrong)
    told = [line for line in problems(*documents, config, cells) if "'variance'" in line]
    assert len(told) == 3 * len(cells)
    assert all("theory predicts" in line for line in told)
