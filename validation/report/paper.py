"""A report's tables, made of its documents, and in LaTeX (booktabs) with its figures in PDF, for a paper."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from qntk.inputs.messages import printable
from qntk.theory import REGIMES
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.report.context import MODEL_NAMES, headings
from qntk.validation.report.figures.collection import save_figures
from qntk.validation.report.findings import TOLD
from qntk.validation.report.render import tiny
from qntk.validation.report.results import SweepResults
from qntk.validation.report.tables import scaling_document, verdicts_document
from qntk.validation.report.words import WORDS
from qntk.validation.scaling.models import PLATEAU
from qntk.validation.sweep.config import HAAR_LAYERS

_MATHEMATICS = {
    "ΔK/K̄": r"$\Delta K/\bar K$",
    "K̄": r"$\bar K$",
    "ΔK": r"$\Delta K$",
    "Δμ": r"$\Delta\mu$",
    "±": r"$\pm$",
    "–": "--",
    "<": "$<$",
}
"""Symbols of a report that LaTeX has no letters for; longer ones first."""
_NAMES = {"mean": "K̄", "variance": "variance", "relative_std": "ΔK/K̄"}
_VERDICTS = ("agree", "inconclusive", "disagree")


Document = dict[str, Any]


def write_paper(results: SweepResults, directory: Path) -> None:
    """Write verdicts.tex, cells.tex and, where exponents were fitted, exponents.tex and models.tex, and PDF figures.

    The tables need ``\\usepackage{booktabs}``, that of the cells ``\\usepackage{longtable}`` too.
    """
    save_figures(results, directory, ("pdf",))
    for name, (table, caption) in paper_tables(verdicts_document(results), scaling_document(results)).items():
        text = table.map(lambda v: printable(v) if isinstance(v, str) else v).to_latex(
            index=False, escape=True, caption=caption, label=f"tab:{name}", longtable=name == "cells",
            column_format="l" * len(table.columns),
        )  # fmt: skip
        (directory / f"{name}.tex").write_text(_mathematics(text), encoding="utf-8")


def paper_tables(verdicts: Document, scaling: Document) -> dict[str, tuple[pd.DataFrame, str]]:
    """Table and caption by name, of ``verdicts.json`` and ``scaling.json``; those without a row are left out."""
    promise = f"{verdicts['promise']} Counts: agree / inconclusive / disagree."
    tables = {
        "verdicts": (_verdicts(verdicts), promise),
        "cells": (_cells(verdicts), "Moments of $K$, with the intervals that decide the verdicts."),
        "exponents": (_exponents(scaling), "Fitted exponents, and those that the laws give over the same window."),
        "models": (_models(scaling), "Akaike weights of models of ΔK/K̄ in $L$; in brackets the goodness of fit."),
    }
    return {name: told for name, told in tables.items() if len(told[0])}


def _verdicts(document: Document) -> pd.DataFrame:
    groups: dict[tuple[str, str], list[Document]] = {}
    for row in document["verdicts"]:
        if row["quantity"] == "kernel":
            groups.setdefault((row["ensemble"], row["observable"]), []).append(row)
    made = []
    for (ensemble, observable), rows in groups.items():
        columns = {"ensemble": ensemble, "observable": observable, "cells": len({row["cell"] for row in rows})}
        for claim, heading in zip(TOLD, headings(), strict=True):
            counts = Counter(row["verdict"] for row in rows if (row["statistic"], row["regime"]) == claim)
            columns[heading] = " / ".join(str(counts[v]) for v in _VERDICTS)
        made.append(columns)
    return pd.DataFrame(made)


def _cells(document: Document) -> pd.DataFrame:
    cells: dict[str, Document] = {}
    for row in document["verdicts"]:
        if row["quantity"] == "kernel" and row["regime"] == "exact" and row["statistic"] in MOMENTS:
            where = {"ensemble": row["ensemble"], "observable": row["observable"]}
            where |= {"n": row["qubits"], "L": row["parameters"], "draws": row["draws"]}
            text = f"{row['estimate']:.4g} [{row['interval'][0]:.4g}, {row['interval'][1]:.4g}]"
            cells.setdefault(row["cell"], where)[_NAMES[row["statistic"]]] = text
    return pd.DataFrame(list(cells.values()))


def _exponents(document: Document) -> pd.DataFrame:
    """Of Haar layers: those of K̄ and ΔK/K̄ along one size, all of them in both."""
    return pd.DataFrame(
        {
            "of": row["quantity"],
            "in": row["variable"],
            "observable": row["observable"],
            "at": row["fixed"] or "all L and n",
            "fitted": f"{row['best']:.4f}",
            "interval": f"[{row['low']:.4f}, {row['high']:.4f}]",
        }
        | {WORDS.get(r, r): f"{row['verdicts'][r]['prediction']:.4f}" if r in row["verdicts"] else "–" for r in REGIMES}
        for row in document["exponents"]
        if row["ensemble"] == HAAR_LAYERS and (row["with"] or row["quantity"] != "ΔK")
    )


def _models(document: Document) -> pd.DataFrame:
    rows = []
    for row in document["models"]:
        if (row["ensemble"], row["quantity"], row["variable"]) != (HAAR_LAYERS, "relative_std", "L"):
            continue
        found = {model["name"]: model for model in row["ranked"]}
        cells = {
            name: f"{tiny(found[key]['weight'])} ({tiny(found[key]['p'])})" if key in found else "–"
            for key, name in MODEL_NAMES.items()
        }
        rows.append({"observable": row["observable"], "at": row["fixed"]} | cells | {"fitted plateau": _plateau(row)})
    return pd.DataFrame(rows)


def _plateau(row: Document) -> str:
    """The fitted plateau with its standard error, or why there is none."""
    if PLATEAU in row["omitted"]:
        return str(row["omitted"][PLATEAU])
    value, error = next(model for model in row["ranked"] if model["name"] == PLATEAU)["parameters"]["p"]
    return f"{value:.4f} ± {error:.4f}"


def _mathematics(text: str) -> str:
    for symbol, formula in _MATHEMATICS.items():
        text = text.replace(symbol, formula)
    return text
