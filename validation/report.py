"""Writing a scaling report: HTML and Markdown from one set of tables, figures and JSON beside them."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from validation import SCHEMA_VERSION
from validation.config import HAAR_LAYERS
from validation.estimates import MOMENTS
from validation.figures import save_figures
from validation.findings import TOLD, WORDS, findings
from validation.results import CellResult, SweepResults, evaluate
from validation.scaling_models import PLATEAU, POWER
from validation.scaling_points import SYMBOLS
from validation.store import Store
from validation.tables import cell_columns, exponent_rows, model_rows, scaling_document, verdicts_document

CALIBRATION = "calibration.json"
"""Document of ``qntk calibrate --json``; a report shows it if it lies in the sweep's directory."""


@dataclass(frozen=True)
class ReportPaths:
    """Files written, and the counts of verdicts."""

    paths: dict[str, str]
    verdicts: dict[str, int]

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"schema_version": SCHEMA_VERSION, "paths": self.paths, "verdicts": self.verdicts}


def write_report(store: Store) -> ReportPaths:
    """Evaluate a sweep's draws and write the report into its directory.

    Raises ``ValueError`` if no cell has enough draws, or the directory cannot be written.
    """
    results = evaluate(store)
    if not results.cells:
        raise ValueError(f"{store.directory} has no cell with enough draws; run 'qntk sweep' to the end first")
    directory = store.directory
    calibration = _calibration(directory / CALIBRATION)
    try:
        figures = save_figures(results, directory / "figures")
        context = _context(results, store, figures) | {"calibration": calibration}
        written = {
            "report.html": _render("report.html.j2", context),
            "report.md": _render("report.md.j2", context),
            "verdicts.json": _json(verdicts_document(results)),
            "scaling.json": _json(scaling_document(results)),
        }
        for name, text in written.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"the report cannot be written to {directory}: {error.strerror}") from error
    counts = Counter(v.verdict for r in results.cells for v in r.verdicts)
    return ReportPaths(
        {name: str(directory / name) for name in (*written, "figures")},
        {verdict: counts[verdict] for verdict in ("agree", "disagree", "inconclusive")},
    )


def _context(results: SweepResults, store: Store, figures: dict[str, str]) -> dict[str, Any]:
    return {
        "config": results.config,
        "promise": results.promise(),
        "findings": findings(results),
        "headings": [
            f"{WORDS.get(statistic, statistic)}, {'published' if regime == 'asymptotic' else regime}"
            for statistic, regime in TOLD
        ],
        "tallies": _tallies(results),
        "figures": [
            {"name": name, "caption": caption, "data": _embedded(store.directory / "figures" / f"{name}.svg")}
            for name, caption in figures.items()
        ],
        "statements": [
            s["text"]
            for s in results.statements
            if s["ensemble"] == HAAR_LAYERS and s["quantity"] != SYMBOLS["mean"] and s["in"] != "D"
        ],
        "exponents": exponent_rows(results),
        "models": model_rows(results),
        "model_names": [
            (POWER, POWER),
            (PLATEAU, "with plateau"),
            ("asymptotic", "published"),
            ("independent", "independent"),
            ("exact", "exact"),
        ],
        "cells": [_cell_row(r) for r in results.cells],
        "skipped": [(cell, reason) for cell, reason in results.skipped],
        "planned": results.planned,
        "drawn": results.drawn,
        "versions": store.versions(),
    }


def _calibration(path: Path) -> str:
    """The table of a calibration whose document lies beside the sweep, or nothing.

    Raises ``ValueError`` if there is one that cannot be read.
    """
    if not path.exists():
        return ""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["table"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a document of 'qntk calibrate --json': {error}") from error


def _tallies(results: SweepResults) -> list[dict[str, Any]]:
    """One row an ensemble and observable: counts of the verdicts on each claim."""
    groups: dict[tuple[str, str], list[CellResult]] = {}
    for result in results.cells:
        groups.setdefault((result.cell.ensemble, result.cell.observable), []).append(result)
    return [
        {
            "ensemble": ensemble,
            "observable": observable,
            "cells": len(group),
            "counts": [Counter(r.verdict(statistic, regime).verdict for r in group) for statistic, regime in TOLD],
        }
        for (ensemble, observable), group in groups.items()
    ]


def _cell_row(result: CellResult) -> dict[str, Any]:
    row = cell_columns(result) | {"draws": result.summary.draws}
    row["estimates"] = [result.verdict(moment, "exact") for moment in MOMENTS]
    row["verdicts"] = [result.verdict(statistic, regime) for statistic, regime in TOLD]
    return row


def _json(document: dict[str, Any]) -> str:
    """One line a key, and one a row of a list: what a person can read and a diff can tell apart."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def block(value: Any) -> str:
        return "[\n" + ",\n".join(map(text, value)) + "\n]" if isinstance(value, list) and value else text(value)

    return "{\n" + ",\n".join(f"{text(key)}: {block(value)}" for key, value in document.items()) + "\n}\n"


def _embedded(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def _render(template: str, context: dict[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("validation"),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sig"] = lambda value, digits=4: f"{value:.{digits}g}"
    environment.filters["md"] = _markdown_cell
    return environment.get_template(template).render(context)


def _markdown_cell(text: object) -> str:
    """Text that a Markdown table can hold whatever a user called it."""
    escaped = str(text).replace("\n", " ")
    for character in "\\`*_{}[]<>|#":
        escaped = escaped.replace(character, "\\" + character)
    return escaped
