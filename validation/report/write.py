"""Writing a scaling report: HTML and Markdown from one set of tables and figures, with JSON and CSV beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qntk.inputs.messages import warn
from qntk.validation import SCHEMA_VERSION
from qntk.validation.report.context import report_context
from qntk.validation.report.csv_tables import TABLES, csv_tables
from qntk.validation.report.figures.collection import save_figures
from qntk.validation.report.ledger import ledger
from qntk.validation.report.paper import write_paper
from qntk.validation.report.reasons import reasons
from qntk.validation.report.render import render
from qntk.validation.report.results import evaluate
from qntk.validation.report.statements import study_beside
from qntk.validation.report.tables import scaling_document, verdicts_document
from qntk.validation.sweep.documents import replaced
from qntk.validation.sweep.looks import LOOKS, looks_document
from qntk.validation.sweep.store import Store

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


def write_report(store: Store, paper: bool = False) -> ReportPaths:
    """Evaluate a sweep's draws and write the report into its directory.

    Args:
        store: of the sweep.
        paper: also write tables in LaTeX and figures in PDF, into ``paper/``.

    The files are replaced whole or not at all (``qntk.validation.sweep.documents``).

    Raises ``ValueError`` if no cell has enough draws, or the directory cannot be written.
    """
    results = evaluate(store)
    if not results.cells:
        raise ValueError(f"{store.directory} has no cell with enough draws; run 'qntk sweep' to the end first")
    directory = store.directory
    calibration, frozen = _calibration(directory / CALIBRATION), study_beside(directory)
    rows, why = ledger(results), reasons(results.cells, results.config)
    documents = {
        "verdicts.json": verdicts_document(results),
        "scaling.json": scaling_document(results),
        "attribution.json": {"schema_version": SCHEMA_VERSION, "attribution": why},
    }
    tables = csv_tables(results, documents["scaling.json"], rows, why)
    try:
        with replaced(directory, "report", TABLES) as staged:
            figures = save_figures(results, staged / "figures")
            context = report_context(results, store, figures, rows, why, staged)
            context |= {"calibration": calibration, "frozen": frozen, "numbers": [*documents, *tables]}
            written = {
                "report.html": render("report.html.j2", context),
                "report.md": render("report.md.j2", context),
                **{name: _json(document) for name, document in documents.items()},
                **{name: table.to_csv(index=False) for name, table in tables.items()},
            }
            record = {LOOKS: _json(looks_document(directory, store.cells))}
            for name, text in (written | record).items():
                (staged / name).write_text(text, encoding="utf-8")
            if paper:
                write_paper(results, staged / "paper")
    except OSError as error:
        raise ValueError(f"the report cannot be written to {directory}: {error.strerror}") from error
    if results.looks > 1:
        warn(results.promise())
    counts = results.counts()
    return ReportPaths(
        {name: str(directory / name) for name in (*written, "figures", *(["paper"] if paper else []))},
        {verdict: counts[verdict] for verdict in ("agree", "disagree", "inconclusive")},
    )


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


def _json(document: dict[str, Any]) -> str:
    """One line a key, and one a row of a list: what a person can read and a diff can tell apart."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def block(value: Any) -> str:
        return "[\n" + ",\n".join(map(text, value)) + "\n]" if isinstance(value, list) and value else text(value)

    return "{\n" + ",\n".join(f"{text(key)}: {block(value)}" for key, value in document.items()) + "\n}\n"
