"""The ledger: every verdict of a report as one row, with the figure that shows it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from qntk.inputs.messages import printable_lines
from qntk.validation.judge.verdicts import Verdict
from qntk.validation.report.figures.collection import figure_of
from qntk.validation.report.results import SweepResults
from qntk.validation.report.tables import cell_columns, family_columns
from qntk.validation.report.words import QUANTITIES, WORDS
from qntk.validation.scaling.points import SYMBOLS

FILTERS = ("ensemble", "observable", "quantity", "statistic", "regime", "verdict")
"""What a page lets one choose rows by."""
_NUMBERS = ("qubits", "layers", "parameters", "estimate", "low", "high", "prediction", "margin")


def ledger(results: SweepResults) -> list[dict[str, Any]]:
    """One row a verdict: on cells (also on an ansatz's own group and its deep limit), and on exponents.

    Keys are those of ``Verdict`` (``low`` and ``high`` for the interval), those of the cell or, for an exponent,
    ``fixed``, ``of`` and ``along``, and ``figure``, the name of the figure that shows it.
    """
    return [*_on_cells(results), *_on_exponents(results)]


def ledger_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The same as a table: whole numbers as such, verdict and figure last."""
    table = pd.DataFrame(rows)
    whole = ["qubits", "layers", "parameters", "dimension", "draws"]
    last = ["verdict", "figure"]
    return table.astype(dict.fromkeys(whole, "Int64"))[[*(c for c in table if c not in last), *last]]


def ledger_document(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The same by columns, as a page holds it: ``words`` of each text column, and in ``columns`` which of them it is.

    Numbers have six digits. ``relative``: whether the margin is in units of the prediction.
    """
    words: dict[str, dict[str, int]] = {name: {} for name in (*FILTERS, "figure")}
    columns: dict[str, list[float | None]] = {name: [] for name in (*words, *_NUMBERS, "relative")}
    for row in rows:
        for name, text in (row | reading(row)).items():
            if name in words:
                columns[name].append(words[name].setdefault(printable_lines(text), len(words[name])))
        for name in _NUMBERS:
            columns[name].append(_digits(row.get(name)))
        columns["relative"].append(int(row["margin_kind"] == "relative" and row["ratio"] is not None))
    return {"words": {name: list(told) for name, told in words.items()}, "columns": columns}


def reading(row: dict[str, Any]) -> dict[str, str]:
    """How a person reads what a row is about: ``quantity``, ``statistic`` and ``regime``."""
    quantity = QUANTITIES[row["quantity"]]
    regime = WORDS.get(row["regime"], row["regime"])
    group = "" if row["group"] == "unitary" else f", {row['group']}"
    if row["statistic"] == "exponent":
        statistic = f"exponent of {SYMBOLS[row['of']]} in {row['along']}"
    elif row["statistic"] == "relative_std":
        statistic = WORDS["relative_std"]
    else:
        statistic = f"{WORDS.get(row['statistic'], row['statistic'])} of {quantity}"
    return {"quantity": quantity, "statistic": statistic, "regime": regime + group}


def _on_cells(results: SweepResults) -> Iterator[dict[str, Any]]:
    for result in results.cells:
        where = cell_columns(result)
        for verdict in (*result.verdicts, *result.own, *([result.orbit] if result.orbit else [])):
            figure = figure_of(where["ensemble"], where["observable"], verdict.quantity, verdict.statistic)
            yield where | _row(verdict) | {"figure": figure}


def _on_exponents(results: SweepResults) -> Iterator[dict[str, Any]]:
    for family in results.families:
        where, first = family_columns(family), family.cells[0]
        sizes = {
            "qubits": first.qubits if family.variables == ("L",) else None,
            "parameters": first.parameters if family.variables == ("D",) else None,
        }
        for (quantity, variable), verdicts in family.verdicts.items():
            along = " and ".join(family.variables)
            figure = figure_of(where["ensemble"], where["observable"], "kernel", quantity, along)
            for verdict in verdicts.values():
                told = {"of": quantity, "along": variable if along == variable else f"{variable}, joint fit"}
                yield where | sizes | _row(verdict) | told | {"figure": figure}


def _row(verdict: Verdict) -> dict[str, Any]:
    row = asdict(verdict)
    low, high = row.pop("interval")
    return row | {"low": low, "high": high, "ratio": None if verdict.prediction == 0 else verdict.ratio}


def _digits(value: float | None) -> float | None:
    """Six of them; a whole number is itself, and what is no number is None."""
    if value is None or isinstance(value, int) or not math.isfinite(value):
        return value if isinstance(value, int) else None
    return float(f"{value:.6g}")
