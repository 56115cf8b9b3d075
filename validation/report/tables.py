"""Results as tables: rows for JSON documents and a tidy frame for figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from qntk.validation import SCHEMA_VERSION
from qntk.validation.report.results import CellResult, SweepResults
from qntk.validation.scaling.families import FamilyResult
from qntk.validation.scaling.models import PLATEAU, ModelComparison
from qntk.validation.scaling.points import SYMBOLS
from qntk.validation.scaling.statements import power_text, statement_parts

_BEST_LAST = ("asymptotic", "independent", "leading", "exact")
"""Regimes, the one that is closest to the truth last."""


def cell_columns(result: CellResult) -> dict[str, Any]:
    """What identifies a cell; ``layers`` is None where layers are parameters."""
    cell = result.cell
    return cell.columns | {"layers": cell.layers or None, "dimension": cell.dimension, "cell": cell.name}


def verdicts_document(results: SweepResults) -> dict[str, Any]:
    """``verdicts.json``: the error budget and one row a verdict.

    ``symmetric`` has those on an ansatz's own group, ``orbit`` those on its deep limit.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "title": results.config.title,
        "seed": results.config.seed,
        "fingerprint": results.fingerprint,
        "family_error": results.config.family_error,
        "intervals": results.intervals,
        "promise": results.promise(),
        "planned": results.planned,
        "drawn": results.drawn,
        "skipped": [{"cell": cell.name, "reason": reason} for cell, reason in results.skipped],
        "verdicts": [cell_columns(r) | asdict(v) for r in results.cells for v in r.verdicts],
        "symmetric": [cell_columns(r) | asdict(v) for r in results.cells for v in r.own],
        "orbit": [cell_columns(r) | asdict(r.orbit) for r in results.cells if r.orbit],
    }


def scaling_document(results: SweepResults) -> dict[str, Any]:
    """``scaling.json``: one row an exponent, one a comparison of models, and the statements."""
    exponents, comparisons = [], []
    for family in results.families:
        where = family_columns(family)
        for (quantity, variable), verdicts in family.verdicts.items():
            fit = family.fit.fits[quantity]
            exponent = fit.exponents[variable]
            interval = next((v.interval for v in verdicts.values()), exponent.interval)
            exponents.append(
                where
                | {
                    "quantity": SYMBOLS[quantity],
                    "variable": variable,
                    "with": [v for v in family.variables if v != variable],
                    "best": exponent.best,
                    "low": interval[0],
                    "high": interval[1],
                    "standard_error": exponent.standard_error,
                    "freedom": exponent.freedom,
                    "bootstrap": exponent.bootstrap,
                    "predicted": dict(exponent.predicted),
                    "covers": {r: interval[0] <= v <= interval[1] for r, v in exponent.predicted.items()},
                    "verdicts": {regime: asdict(v) for regime, v in verdicts.items()},
                    "goodness_p": fit.p,
                    "chi2": fit.chi2,
                    "dof": fit.dof,
                    "window": fit.windows[variable],
                    "points": fit.points,
                }
            )
        comparisons += [where | asdict(comparison) for comparison in family.models]
    return {
        "schema_version": SCHEMA_VERSION,
        "family_error": results.config.family_error,
        "intervals": results.intervals,
        "exponents": exponents,
        "covariances": [
            family_columns(family)
            | {
                "exponents": [f"{SYMBOLS[q]} in {v}" for q in family.fit.fits for v in family.variables],
                "covariance": family.fit.covariance.tolist(),
            }
            for family in results.families
        ],
        "models": comparisons,
        "statements": results.statements,
    }


def trend_rows(results: SweepResults) -> list[dict[str, Any]]:
    """How ΔK/K̄ and Δμ of Haar layers go with L, one row a fit: the exponent, and where each law is rejected."""
    share = results.config.family_error / results.intervals
    rows = []
    for family in results.families:
        if family.cells[0].layers or family.variables != ("L",):
            continue
        for quantity in (q for q in ("relative_std", "dqntk") if q in family.fit.fits):
            fit = family.fit.fits[quantity]
            exponent = fit.exponents["L"]
            parts = statement_parts(fit, family.points, family.fixed, share)
            rows.append(
                {
                    "of": SYMBOLS[quantity],
                    "observable": family.cells[0].observable,
                    "at": family.fixed,
                    "window": fit.windows["L"],
                    "exponent": exponent,
                    "text": power_text(exponent),
                    "p": fit.p,
                    "power": parts.get("shape", "").split(" is ")[-1],
                    "published": parts.get("asymptotic", "–").removeprefix("the published law ").removeprefix("is "),
                    "exact": parts.get("exact", "–").removeprefix("the exact law ").split(" at all ")[0],
                }
            )
    return rows


def model_rows(results: SweepResults) -> list[dict[str, Any]]:
    """Models of ΔK/K̄ in L for Haar layers: Akaike weight and goodness of fit of each."""
    return [
        {
            "observable": family.cells[0].observable,
            "at": family.fixed,
            "comparison": comparison,
            "found": {model.name: model for model in comparison.ranked},
            "plateau": _plateau(comparison),
        }
        for family in results.families
        for comparison in family.models
        if not family.cells[0].layers and (comparison.quantity, comparison.variable) == ("relative_std", "L")
    ]


def _plateau(comparison: ModelComparison) -> str:
    """The fitted plateau with its standard error, or why there is none."""
    if PLATEAU in comparison.omitted:
        return comparison.omitted[PLATEAU]
    value, error = comparison.model(PLATEAU).parameters["p"]
    return f"{value:.4f} ± {error:.4f}"


def family_columns(family: FamilyResult) -> dict[str, Any]:
    """What a fit was made over."""
    first = family.cells[0]
    return {
        "ensemble": first.ensemble,
        "observable": first.observable,
        "generator": first.generator,
        "fixed": family.fixed,
    }


def frame(results: SweepResults) -> pd.DataFrame:
    """One row a cell, for figures.

    Of each statistic (``mean``, ``dqntk_mean``, …) its estimate, the ends of its interval (``_low``, ``_high``), the
    prediction of every regime (``_exact``, …), and against the best law there is, ``_law``: ``_verdict``, ``_margin``
    and its ``_kind``. ``_own``: what the law of an ansatz's own group says; ``mean_orbit``: its deep limit; ``law``:
    that of Haar layers.
    """
    rows = []
    for result in results.cells:
        row = cell_columns(result) | {"law": result.law, "plateau": result.law.plateau().value}
        for verdict in sorted(result.verdicts, key=lambda v: _BEST_LAST.index(v.regime)):
            key = verdict.statistic if verdict.quantity == "kernel" else f"{verdict.quantity}_{verdict.statistic}"
            row |= {
                key: verdict.estimate,
                f"{key}_low": verdict.interval[0],
                f"{key}_high": verdict.interval[1],
                f"{key}_{verdict.regime}": verdict.prediction,
                f"{key}_law": verdict.prediction,
                f"{key}_margin": verdict.margin,
                f"{key}_kind": verdict.margin_kind,
                f"{key}_verdict": verdict.verdict,
            }
        row |= {f"{v.statistic}_own": v.prediction for v in result.own}
        rows.append(row | ({"mean_orbit": result.orbit.prediction} if result.orbit else {}))
    return pd.DataFrame(rows)
