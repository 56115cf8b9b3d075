"""Write docs/laws.md from the committed study: what each law of training misses, and where it ends.

Every number is read off ``diagnostics/diagnostics.json``; the last section says what no law here explains.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qntk.validation.report.statements import spread, statement_rows

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "laws.md"
LAWS = ("frozen", "dressed", "flow", "corrected")
EDGE = ("λ_max settles at 2/η", "training settles above", "K settles at 2/η", "above the edge of stability")
"""How the statements on the edge of stability begin."""
OPEN = (
    "What turns the directions of the gradients in real models: the dressed kernel leaves what stands under *dressed* "
    "above, and on high-ω test points it is no better than the frozen one.",
    "Where between 1 and 2 times the dressed critical rate a model of many data stops settling. For one datum in Haar "
    "layers the pace is known: each overshoot lowers $S$ by a share of order $(2D-2)/L$, so that the steps to settle "
    "grow with $L/(2D-2)$, and at infinite depth, where $K$ is a function of the output, no step is enough.",
    "The second order in $c=(2D-2)/L$, levels of small multiplicity, and whether $2D$, $2D-2$ or $2D-3$ stands in $c$.",
    "The corrected law beyond $ck_1=0.4$ other than at the Marchenko–Pastur edge; the published XXZ networks, at "
    "$L=3D$, lie there.",
)


def page(study: dict[str, Any]) -> str:
    """The page, in Markdown."""
    return "\n".join(_lines(study)) + "\n"


def _lines(study: dict[str, Any]) -> Iterator[str]:
    yield from ("# How far each law of training reaches", "")
    yield "Written by `python reports/laws.py` from the committed study; a test holds this page to it. The laws are in"
    yield "[Theory](theory.md#training-beyond-the-frozen-kernel), the study in [Diagnostics](diagnostics.md)."
    yield from ("", "## Models that take their data between their gates", "")
    yield "Mean |prediction − model| at the last step, all points, in units of the observable, and"
    yield f"‖K(end) − predicted‖/‖K(0)‖ on the training points; {study['models'][0]['seeds']} seeds, 95 % intervals."
    yield "The flow laws are of circuits whose data come before random layers: here they do not apply (–)."
    yield ""
    yield "| model, depth | f, frozen | dressed | flow | K, frozen | dressed | flow |"
    yield "|---|---|---|--|---|---|--|"
    for row in study["models"]:
        keys = ("mean_abs_difference", "mean_abs_difference_dressed", "kernel_error_frozen", "kernel_error_dressed")
        f, fd, K, Kd = (_told(row, key) for key in keys)
        yield f"| {row['model']}, {row['depth']} | {f} | {fd} | – | {K} | {Kd} | – |"
    if study.get("laws"):
        yield from ("", "## One datum in Haar layers", "")
        yield "At ηSt = 20, means over circuits of |prediction − model|, |K − predicted|/K(0); the spectrum ends at 1."
        yield "Dressed: S = K(0)/v(0) of each circuit in the flow law; flow and corrected: S = 2Lκ."
        yield ""
        yield f"| n | L/(2D−2) | target | circuits | f, {' | '.join(LAWS)} | K, {' | '.join(LAWS)} |"
        yield "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        for row in study["laws"]:
            numbers = " | ".join(f"{row[f'{quantity}_{law}']:.2g}" for quantity in ("output", "kernel") for law in LAWS)
            yield f"| {row['qubits']} | {row['ratio']} | {row['target']:g} | {row['circuits']} | {numbers} |"
    told = statement_rows(study["findings"])
    for heading, those in (
        ("The laws beyond the frozen kernel, judged", [r for r in told if r["result"] == "beyond" and not _edge(r)]),
        ("The edge of stability", [r for r in told if _edge(r)]),
    ):
        if those:
            yield from ("", f"## {heading}", "")
            yield "| statement | estimates | agree | inconclusive | disagree |"
            yield "|---|---|---|---|---|"
            for r in those:
                cells = (", ".join(r["subjects"].get(v, [])) or "–" for v in ("agree", "inconclusive", "disagree"))
                yield f"| {_text(r['statement'])} | {spread(r)} | {' | '.join(map(_text, cells))} |"
    yield from ("", "## What remains unexplained", "")
    yield from (f"- {sentence}" for sentence in OPEN)


def _edge(row: dict[str, Any]) -> bool:
    return str(row["statement"]).startswith(EDGE)


def _told(row: dict[str, Any], key: str) -> str:
    low, high = row["intervals"][key]
    if row[key] is None:
        return "–"
    return f"{row[key]:.2g}" + ("" if low is None or high is None else f" [{low:.2g}, {high:.2g}]")


def _text(text: str) -> str:
    for character in "\\*[]<>|^_":
        text = text.replace(character, "\\" + character)
    return text


if __name__ == "__main__":
    document = json.loads((HERE / "diagnostics" / "diagnostics.json").read_text(encoding="utf-8"))
    PAGE.write_text(page(document), encoding="utf-8")
