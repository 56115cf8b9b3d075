"""The numbers of a report as CSV, for spreadsheets and for those who plot with tools of their own."""

from __future__ import annotations

from typing import Any

import pandas as pd

from qntk.inputs.messages import printable
from qntk.validation.report.figures.quantiles import quantile_table, shown_cells
from qntk.validation.report.ledger import ledger_frame
from qntk.validation.report.results import SweepResults
from qntk.validation.report.tables import cell_columns

TABLES = ("verdicts.csv", "exponents.csv", "models.csv", "attribution.csv", "quantiles.csv")
"""All that there may be."""


def csv_tables(
    results: SweepResults, scaling: dict[str, Any], ledger: list[dict[str, Any]], reasons: list[dict[str, Any]]
) -> dict[str, pd.DataFrame]:
    """Tables by the name of their file; those without rows are left out, nested keys are joined by dots.

    Args:
        results: of the sweep.
        scaling: the document of ``tables.scaling_document``.
        ledger: rows of ``qntk.validation.report.ledger``.
        reasons: documents of ``qntk.validation.report.reasons``.
    """
    models = [
        {key: value for key, value in row.items() if key not in ("ranked", "omitted")} | model
        for row in scaling["models"]
        for model in row["ranked"]
    ]
    tables = {
        "verdicts.csv": ledger_frame(ledger),
        "exponents.csv": pd.json_normalize(scaling["exponents"]),
        "models.csv": pd.json_normalize(models),
        "attribution.csv": pd.json_normalize([{k: v for k, v in row.items() if k != "text"} for row in reasons]),
        "quantiles.csv": _quantiles(results),
    }
    return {name: as_text(table) for name, table in tables.items() if len(table)}


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Text that a spreadsheet would run as a formula gets the apostrophe that keeps it text; numbers are left alone."""

    def kept(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        runs = value.lstrip()[:1] in ("=", "+", "-", "@") or value[:1] in ("\t", "\r")
        return ("'" if runs else "") + printable(value)

    return table.map(kept)


def _quantiles(results: SweepResults) -> pd.DataFrame:
    """Those that the figures of quantiles and densities show."""
    rows = [quantile_table(r).assign(**cell_columns(r)) for r in shown_cells(results.cells)]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
