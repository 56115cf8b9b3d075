"""Results as tables: rows for JSON documents and a tidy frame for figures."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import pandas as pd

from theory import REGIMES
from validation import SCHEMA_VERSION
from validation.results import CellResult, SweepResults


def cell_columns(result: CellResult) -> dict[str, Any]:
    """What identifies a cell; ``layers`` is None where layers are parameters."""
    cell = result.cell
    return cell.columns | {"layers": cell.layers or None, "dimension": cell.dimension, "cell": cell.name}


def verdicts_document(results: SweepResults) -> dict[str, Any]:
    """``verdicts.json``: the error budget and one row a verdict; ``symmetric`` has those on an ansatz's own group."""
    return {
        "schema_version": SCHEMA_VERSION,
        "title": results.config.title,
        "seed": results.config.seed,
        "family_error": results.config.family_error,
        "intervals": results.intervals,
        "promise": results.promise(),
        "planned": results.planned,
        "drawn": results.drawn,
        "skipped": [{"cell": cell.name, "reason": reason} for cell, reason in results.skipped],
        "verdicts": [cell_columns(r) | asdict(v) for r in results.cells for v in r.verdicts],
        "symmetric": [cell_columns(r) | asdict(v) for r in results.cells for v in r.own],
    }


def scaling_document(results: SweepResults) -> dict[str, Any]:
    """``scaling.json``: one row an exponent."""
    rows = []
    for result in results.exponents:
        row = {key: value for key, value in asdict(result).items() if key != "exponent"}
        row |= asdict(result.exponent)
        row["covers"] = {regime: result.exponent.covers(regime) for regime in REGIMES}
        rows.append(row)
    return {
        "schema_version": SCHEMA_VERSION,
        "family_error": results.config.family_error,
        "intervals": results.intervals,
        "exponents": rows,
    }


def frame(results: SweepResults) -> pd.DataFrame:
    """One row a cell: estimates with interval ends, predictions (``own``: of the ansatz's own group, or NaN)."""
    rows = []
    for result in results.cells:
        mean, variance = (result.verdict(s, "exact") for s in ("mean", "variance"))
        law = result.law
        rows.append(
            cell_columns(result)
            | {
                "mean": mean.estimate,
                "mean_low": mean.interval[0],
                "mean_high": mean.interval[1],
                "mean_exact": mean.prediction,
                "mean_asymptotic": law.mean("asymptotic").value,
                "mean_verdict": mean.verdict,
                "variance": variance.estimate,
                "variance_low": variance.interval[0],
                "variance_high": variance.interval[1],
                "variance_exact": variance.prediction,
                "variance_verdict": variance.verdict,
                "mean_own": result.own[0].prediction if result.own else math.nan,
                "variance_own": result.own[1].prediction if result.own else math.nan,
                "relative_std": result.summary.relative_std,
                "relative_std_log_se": result.summary.log_relative_std_se,
                "plateau": law.plateau().value,
            }
        )
    return pd.DataFrame(rows)
