"""Write docs/findings.md from the committed documents: what the papers state, what is new here, and what is open.

Every number and verdict on the page is read off ``default/verdicts.json`` and ``diagnostics/diagnostics.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qntk.validation.report.figures.collection import figure_of
from qntk.validation.report.findings import found, law_rows
from qntk.validation.report.reach import reaches
from qntk.validation.report.statements import spread, statement_rows
from qntk.validation.report.words import in_words
from qntk.validation.sweep.config import HAAR_LAYERS as HAAR

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "findings.md"
STATED = {
    ("kernel", "mean", "asymptotic"): (r"$\bar K \approx 2L\operatorname{Tr}(O^2)/D^2$", "1"),
    ("kernel", "variance", "asymptotic"): (r"$\Delta K^2 \approx \frac{L}{D^4}(8a_2^2+12a_4)$", "1, 2"),
    ("kernel", "relative_std", "asymptotic"): (r"$\Delta K/\bar K \propto 1/\sqrt L$", "1, 2"),
    ("dqntk", "second_moment", "asymptotic"): (
        r"$\Delta\mu \approx \sqrt{32}\,L\operatorname{Tr}(O^2)^{3/2}/D^3$",
        "1",
    ),
}
"""What the papers state of random circuits, and the number of the reference on the page of the theory."""
EXACT = {
    ("kernel", "variance", "independent"): ("Variance of K if parameters shared nothing", "mean-and-variance-of-k"),
    ("kernel", "mean", "exact"): ("Mean of K at every size", "mean-and-variance-of-k"),
    ("kernel", "variance", "exact"): (
        "Variance of K at every size, with what parameters share",
        "mean-and-variance-of-k",
    ),
    ("kernel", "relative_std", "exact"): ("ΔK/K̄ at every size, with its plateau", "mean-and-variance-of-k"),
    ("kernel", "distribution", "exact"): ("The distribution of K", "all-moments-and-the-predictive-distribution"),
    ("dqntk", "mean", "exact"): ("The mean of the dQNTK is zero", "the-dqntk"),
    ("dqntk", "second_moment", "leading"): ("Second moment of the dQNTK in the limit of large D", "the-dqntk"),
    ("dqntk", "second_moment", "exact"): ("Second moment of the dQNTK at every size", "the-dqntk"),
    ("cross_kernel", "mean", "exact"): ("Mean of K between two inputs", "the-kernel-matrix-of-several-inputs"),
}
"""The laws for every size and their parts: names, and where the page of the theory derives them."""
VERIFIED = {
    "decay rate of order 1": (
        "in the mean",
        "tests/theory/haar/test_concentration.py::test_depth_for_an_order_one_rate_scales_as_published",
    ),
    "overparametrised kernels stay frozen": (
        "for large D alone",
        "tests/theory/haar/test_concentration.py::test_laziness_has_a_plateau_of_its_own",
    ),
    "deep circuits are 2-designs": ("by group", "tests/theory/haar/test_symmetric.py::test_against_the_group"),
    r"$\eta_{\rm crit}": (
        "as a bound",
        "tests/theory/training/test_frozen.py::test_critical_rate_separates_decay_from_growth",
    ),
    "prediction $f_j(t)$": (
        "with the output at the start",
        "tests/theory/training/test_frozen.py::test_frozen_and_first_order_predictions_of_a_trained_circuit",
    ),
}
"""Rows of the theory's table that no document has a verdict on: by how they begin, what holds, and the test of it."""
OUTCOMES = {"holds": "agree", "fails": "disagree", "mixed": "in part", "open": "inconclusive"}
_SUBSCRIPT = re.compile(r"([λη])_(min|max|crit)")


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """``verdicts.json`` of the sweep and ``diagnostics.json`` of the study."""
    names = ("default/verdicts.json", "diagnostics/diagnostics.json")
    sweep, study = (json.loads((HERE / name).read_text(encoding="utf-8")) for name in names)
    return sweep, study


def page(sweep: dict[str, Any], study: dict[str, Any]) -> str:
    """The page, in Markdown, of the two documents."""
    return "\n".join(_lines(sweep, study)) + "\n"


def _lines(verdicts: dict[str, Any], study: dict[str, Any]) -> Iterator[str]:
    rows = verdicts["verdicts"]
    laws = law_rows(rows)
    reached = reaches(verdicts["verdicts"], verdicts["symmetric"], verdicts.get("orbit", []))
    statements = statement_rows(study["findings"])
    yield from ("# Findings", "")
    yield "Each row is read off the committed documents by `reports/findings.py`; a test holds this page to them."
    yield from ("", "![ΔK/K̄ drawn over each law](../reports/default/figures/overview.png)", "")
    for heading, sentence in found(verdicts["verdicts"], reached):
        yield f"- **{_text(heading)}** {_text(sentence)}"
    yield from ("", verdicts["promise"], "")
    yield from ("## What the papers state of random circuits", "")
    yield "Verdicts: agree / inconclusive / disagree, in cells of Haar layers. Furthest off: drawn over stated."
    yield "Figures are those of [the report](../reports/default/report.md), references those of"
    yield "[the theory](theory.md#references)."
    yield "`qntk sweep --out DIR` and `qntk report DIR` draw and judge all of them again."
    yield "*Again* draws and judges the cell that is furthest off, after `import qntk`, or all where one call cannot."
    yield ""
    yield from _table(
        laws, rows, STATED, "statement | with | holds where | verdicts | furthest off | figure | reference"
    )
    yield from ("", "Their other statements have no verdict in a document; each has a test.", "")
    yield "| statement | holds | again |"
    yield "|---|---|---|"
    for statement, (holds, test) in verified():
        yield f"| {statement} | {holds} | `pytest {test}` |"
    yield from ("", "## What is said of training", "")
    data = study["dataset"]
    yield f"{data['name']}, {data['training']} points to train on; estimates over models and ensembles."
    promise = 1 - study["family_error"]
    yield f"With probability at least {promise:g} none of its {len(study['findings'])} verdicts is wrong."
    yield "*In part*: for some models. Their definitions are in [diagnostics](diagnostics.md)."
    yield ""
    yield "| statement | verdict | statistic | estimates | agree / inconclusive / disagree | again |"
    yield "|---|---|---|---|--:|---|"
    for row in statements:
        yield (
            f"| {_text(row['statement'])} | {OUTCOMES[row['outcome']]} | {_text(row['statistic'])} | {spread(row)} | "
            f"{_counts(row['counts'])} | `qntk diagnose --out DIR` |"
        )
    yield from ("", "![Where frozen training ends](../reports/diagnostics/figures/difference.png)", "")
    yield from ("## The exact laws", "")
    yield "For every size; the exact variance and the mean of the dQNTK stand in the code of reference 3 too."
    yield "Each has a second route that shares nothing with it:"
    yield "[how each form is verified](theory.md#how-each-form-is-verified)."
    yield ""
    yield from _table(laws, rows, EXACT, "law | with | holds where | verdicts | furthest off | figure | derivation")
    yield from ("", "## How deep an ansatz must be", "")
    yield "| ansatz | observable | n | agrees with the exact law from | deepest: mean, variance over it | own group |"
    yield "|---|---|--:|---|---|---|"
    for r in reached:
        mean, variance = (r.deepest[s]["estimate"] / r.deepest[s]["prediction"] for s in ("mean", "variance"))
        layers = f"{r.layers} layers, " if r.layers else ""
        told = f"{layers}L = {r.parameters}" if r.parameters else "not reached" if r.apart else "undecided"
        yield (
            f"| {r.ensemble} | {in_words(r.observable)} | {r.qubits} | {told} | {mean:.3f}, {variance:.3f} | "
            f"{r.own_text or '–'} |"
        )
    yield from ("", "## What is open", "")
    for r in reached:
        if r.parameters is None and not r.why:
            deepest = r.deepest["mean"]["layers"]
            yield f"- {r.ensemble}, n = {r.qubits}: whether circuits deeper than {deepest} layers reach the law."
        elif r.own and not r.own_text.endswith(": agrees"):
            yield f"- {r.ensemble}, n = {r.qubits}: at which depth it reaches the law of its own group ({r.own_text})."
    for row in statements:
        if row["outcome"] in ("open", "mixed"):
            waiting = "; ".join(row["subjects"].get("inconclusive", []) + row["subjects"].get("disagree", []))
            yield f"- {_text(row['statement'])}: open or not so for {_text(waiting)}."
    yield from ("", "## Citing this page", "", "```bibtex", *_bibtex(verdicts["fingerprint"]), "```")


def verified() -> Iterator[tuple[str, tuple[str, str]]]:
    """Rows of the theory's table of statements that ``VERIFIED`` names, as they stand there."""
    text = (HERE.parent / "docs" / "theory.md").read_text(encoding="utf-8")
    for line in text.split("## What the papers state")[1].split("\n## ")[0].splitlines():
        statement = line.strip("| ").split(" | ")[0]
        found = [told for start, told in VERIFIED.items() if statement.startswith(start)]
        if found:
            yield statement, found[0]


def again(claim: tuple[str, str, str], row: dict[str, Any]) -> str:
    """What draws and judges one cell of Haar layers anew."""
    quantity, size = claim[0], f'{row["qubits"]}, {row["parameters"]}, "{row["observable"]}"'
    if quantity == "cross_kernel":
        return "qntk sweep --out DIR"
    also, of = (", dqntk=True", ', "dqntk"') if quantity == "dqntk" else ("", "")
    return f"qntk.compare(qntk.haar({size}, draws={row['draws']:_}{also}), qntk.law({size}){of})"


def _table(
    laws: list[dict[str, Any]], rows: list[dict[str, Any]], names: dict[tuple[str, ...], tuple[str, str]], head: str
) -> Iterator[str]:
    yield f"| {head} | again |"
    yield "|---|---|---|--:|---|---|---|---|"
    for law in laws:
        if law["claim"] in names:
            name, source = names[law["claim"]]
            figure = figure_of(HAAR, "", law["claim"][0], law["claim"][1])
            link = f"[{source}](theory.md#references)" if names is STATED else f"[theory](theory.md#{source})"
            off = law["worst"]
            told = (
                "–"
                if not off
                else f"{off['estimate'] / off['prediction']:.3g} at n = {off['qubits']}, L = {off['parameters']}"
            )
            first = next(
                r for r in rows if (r["ensemble"], r["quantity"], r["statistic"], r["regime"]) == (HAAR, *law["claim"])
            )
            yield (
                f"| {name} | {'; '.join(law['observables'])} | {law['where']} | {_counts(law['counts'])} | {told} | "
                f"`{figure}` | {link} | `{again(law['claim'], off or first)}` |"
            )


def _counts(counts: dict[str, int]) -> str:
    return " / ".join(str(counts[verdict]) for verdict in ("agree", "inconclusive", "disagree"))


def _text(text: str) -> str:
    """For a cell: no bars, no emphasis by accident, and λ with its subscript."""
    for character in "\\*[]<>|^":
        text = text.replace(character, "\\" + character)
    return _SUBSCRIPT.sub(r"\1<sub>\2</sub>", text)


def _bibtex(fingerprint: str) -> Iterator[str]:
    citation = (HERE.parent / "CITATION.cff").read_text(encoding="utf-8")
    title, version, released = (
        re.findall(rf'^{key}: "?([^"\n]+)"?$', citation, re.M)[0] for key in ("title", "version", "date-released")
    )
    yield "@software{qntk,"
    yield "  author  = {{The qntk developers}},"
    yield f"  title   = {{{title}}},"
    yield f"  version = {{{version}}},"
    yield f"  year    = {{{released[:4]}}},"
    yield f"  note    = {{Findings, draws {fingerprint[:16]}}}"
    yield "}"


if __name__ == "__main__":
    PAGE.write_text(page(*documents()), encoding="utf-8")
