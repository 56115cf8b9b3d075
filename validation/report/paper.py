"""A report's tables in LaTeX (booktabs) and its figures in PDF, for a paper."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from qntk.inputs.messages import printable
from qntk.theory import REGIMES
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.report.context import MODEL_NAMES, headings, tallies
from qntk.validation.report.figures.collection import save_figures
from qntk.validation.report.render import tiny
from qntk.validation.report.results import SweepResults
from qntk.validation.report.tables import cell_columns, exponent_rows, model_rows
from qntk.validation.report.words import WORDS

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


def write_paper(results: SweepResults, directory: Path) -> None:
    """Write verdicts.tex, cells.tex and, where exponents were fitted, exponents.tex and models.tex, and PDF figures.

    The tables need ``\\usepackage{booktabs}``, that of the cells ``\\usepackage{longtable}`` too.
    """
    save_figures(results, directory, ("pdf",))
    promise = f"{results.promise()} Counts: agree / inconclusive / disagree."
    tables = {
        "verdicts": (_verdicts(results), promise),
        "cells": (_cells(results), "Moments of $K$, with the intervals that decide the verdicts."),
        "exponents": (_exponents(results), "Fitted exponents, and those that the laws give over the same window."),
        "models": (_models(results), "Akaike weights of models of ΔK/K̄ in $L$; in brackets the goodness of fit."),
    }
    for name, (table, caption) in tables.items():
        if len(table):
            text = table.map(lambda v: printable(v) if isinstance(v, str) else v).to_latex(
                index=False, escape=True, caption=caption, label=f"tab:{name}", longtable=name == "cells",
                column_format="l" * len(table.columns),
            )  # fmt: skip
            (directory / f"{name}.tex").write_text(_mathematics(text), encoding="utf-8")


def _verdicts(results: SweepResults) -> pd.DataFrame:
    return pd.DataFrame(
        {"ensemble": row["ensemble"], "observable": row["observable"], "cells": row["cells"]}
        | {
            heading: " / ".join(str(count[v]) for v in _VERDICTS)
            for heading, count in zip(headings(), row["counts"], strict=True)
        }
        for row in tallies(results)
    )


def _cells(results: SweepResults) -> pd.DataFrame:
    rows = []
    for result in results.cells:
        where = cell_columns(result)
        row = {name: where[name] for name in ("ensemble", "observable")}
        row |= {"n": where["qubits"], "L": where["parameters"], "draws": result.summary.draws}
        for moment in MOMENTS:
            v = result.verdict(moment, "exact")
            row[_NAMES[moment]] = f"{v.estimate:.4g} [{v.interval[0]:.4g}, {v.interval[1]:.4g}]"
        rows.append(row)
    return pd.DataFrame(rows)


def _exponents(results: SweepResults) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "of": row["quantity"],
            "in": row["variable"],
            "observable": row["observable"],
            "at": row["at"],
            "fitted": f"{row['exponent'].best:.4f}",
            "interval": f"[{row['interval'][0]:.4f}, {row['interval'][1]:.4f}]",
        }
        | {
            WORDS.get(regime, regime): f"{row['verdicts'][regime].prediction:.4f}" if regime in row["verdicts"] else "–"
            for regime in REGIMES
        }
        for row in exponent_rows(results)
    )


def _models(results: SweepResults) -> pd.DataFrame:
    rows = []
    for row in model_rows(results):
        found = row["found"]
        cells = {
            name: f"{tiny(found[key].weight)} ({tiny(found[key].p)})" if key in found else "–"
            for key, name in MODEL_NAMES.items()
        }
        rows.append({"observable": row["observable"], "at": row["at"]} | cells | {"fitted plateau": row["plateau"]})
    return pd.DataFrame(rows)


def _mathematics(text: str) -> str:
    for symbol, formula in _MATHEMATICS.items():
        text = text.replace(symbol, formula)
    return text
