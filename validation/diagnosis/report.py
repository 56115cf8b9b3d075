"""The report of a study: HTML, Markdown and JSON from one set of rows, findings and figures."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from qntk.inputs.versions import installed
from qntk.sampling.learning.qnn import MODELS, build
from qntk.validation import SCHEMA_VERSION
from qntk.validation.diagnosis.config import DiagnoseConfig
from qntk.validation.diagnosis.figures import save_figures
from qntk.validation.diagnosis.findings import Finding, interval95
from qntk.validation.diagnosis.foretold import Foretold, foretold, told
from qntk.validation.diagnosis.questions import findings
from qntk.validation.diagnosis.seed import ModelDiagnosis, SeedDiagnosis, Stage
from qntk.validation.diagnosis.study import Study
from qntk.validation.report.csv_tables import as_text
from qntk.validation.report.render import embedded_figures, render
from qntk.validation.report.statements import ASKED, found, spread, statement_rows
from qntk.validation.sweep.documents import replaced

_PACKAGES = ("qntk", "numpy", "scipy", "numba", "qiskit")
HEADINGS = {
    "I": "Kernel at initialisation",
    "II": "Training",
    "III": "Inference",
    "random": "Random circuits",
    "beyond": "Random circuits beyond the frozen kernel",
}
"""What each group of findings is about."""


_COLUMNS: dict[str, tuple[Stage, bool, Callable[[SeedDiagnosis], float]]] = {
    "lambda_min": ("start", True, lambda d: d.spectrum[0] or math.nan),
    "lambda_max": ("start", True, lambda d: d.spectrum[-1]),
    "condition_number": ("start", True, lambda d: d.spectrum[-1] / d.spectrum[0] if d.spectrum[0] > 0 else math.inf),
    "critical_learning_rate": ("start", True, lambda d: d.critical_rate),
    "learning_rate": ("start", True, lambda d: float(d.run.rate)),
    "decay_time": ("start", True, lambda d: d.start.decay_time),
    "final_loss": ("trained", True, lambda d: float(d.loss_of(d.run.outputs[-1]))),
    "predicted_loss": ("predicted", True, lambda d: max(float(d.loss_of(d.predicted[-1])), 1e-300)),
    "r2_train": ("trained", False, lambda d: d.r2(d.run.outputs[-1], True)),
    "r2_test": ("trained", False, lambda d: d.r2(d.run.outputs[-1], False)),
    "r2_train_predicted": ("predicted", False, lambda d: d.r2(d.predicted[-1], True)),
    "r2_test_predicted": ("predicted", False, lambda d: d.r2(d.predicted[-1], False)),
    "r2_test_long_time": ("start", False, lambda d: math.nan if d.inference is None else d.r2(d.inference, False)),
    "r2_test_dressed": ("predicted", False, lambda d: d.dressed_r2(training=False)),
    "mean_abs_difference": ("predicted", False, lambda d: d.difference("frozen")),
    "mean_abs_difference_dressed": ("predicted", False, lambda d: d.difference("dressed")),
    "kernel_error_frozen": ("predicted", False, lambda d: d.kernel_error("frozen")),
    "kernel_error_dressed": ("predicted", False, lambda d: d.kernel_error("dressed")),
    "kernel_drift": ("trained", False, lambda d: float(d.run.kernel_drift(d.data.training)[-1])),
    "parameter_drift": ("trained", False, lambda d: float(d.run.parameter_drift()[-1])),
    "measured_critical_ratio": (
        "start", True, lambda d: math.sqrt(math.prod(d.run.critical.tolist())) / d.critical_rate,
    ),
}  # fmt: skip
"""Keys of a row: what it is taken from, whether the mean over seeds is geometric, and the number of one seed."""


def model_row(model: ModelDiagnosis) -> dict[str, Any]:
    """One model and depth: means over seeds, ``intervals`` at 95 %, ranks and divergence; null where undefined."""
    row: dict[str, Any] = {
        "model": model.network.name,
        "depth": model.network.depth,
        "parameters": model.network.parameters,
        "qubits": model.network.circuit.num_qubits,
        "seeds": len(model.seeds),
        "diverged": sum(s.diverged for s in model.seeds),
        "rank": min(s.rank for s in model.seeds),
        "frozen_rank": min(int((s.frozen.modes[0] > 0).sum()) for s in model.seeds),
    }
    intervals = {}
    for key, (stage, logarithmic, pick) in _COLUMNS.items():
        middle, low, high = interval95(model.values(pick, stage), logarithmic)
        row[key] = _finite(middle)
        intervals[key] = [_finite(low), _finite(high)]
    return row | {"intervals": intervals}


def document(study: Study, judged: list[Finding]) -> dict[str, Any]:
    """What ``--json`` prints and diagnostics.json holds."""
    config = study.config
    counts = Counter(f.verdict for f in judged)
    return {
        "schema_version": SCHEMA_VERSION,
        "title": config.title,
        "dataset": {
            "name": study.data.name,
            "training": int(study.data.training.sum()),
            "test": int((~study.data.training).sum()),
        },
        "observable": config.observable,
        "loss": config.loss,
        "fraction": config.fraction if config.learning_rate is None else None,
        "steps": config.steps,
        "models": [model_row(m) for m in study.models],
        "foretold": [asdict(row) for row in foretold((m.network for m in study.models), config.observable)],
        "laws": _laws(study),
        "findings": [asdict(f) | _ends(f) for f in judged],
        "verdicts": {v: counts[v] for v in ("agree", "inconclusive", "disagree")},
        "family_error": config.family_error,
        "warnings": study.warnings,
        "trained": study.trained,
        "resumed": study.resumed,
        "seconds": study.seconds,
        "versions": installed(_PACKAGES),
    }


def _laws(study: Study) -> list[dict[str, Any]]:
    """What each law misses, in circuits where all of them apply, a row for each depth and target."""
    if study.random is None or study.random.transition is None:
        return []
    return [row for depth in study.random.transition.depths for row in depth.rows()]


def write_diagnostics(study: Study, directory: Path) -> dict[str, Any]:
    """Write diagnostics.html, .md and .json, models.csv, findings.csv and figures/; returns the document.

    Raises ``ValueError`` if the directory cannot be written.
    """
    judged = findings(study)
    made = document(study, judged)
    try:
        with replaced(directory, "diagnostics") as staged:
            figures = save_figures(study, staged / "figures")
            written = pages(made, judged, study.config, figures, staged) | {
                "models.csv": _csv(made["models"]),
                "findings.csv": _csv(made["findings"]),
                **({"laws.csv": _csv(made["laws"])} if made["laws"] else {}),
                "diagnostics.json": json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
            }
            for name, text in written.items():
                (staged / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"the report cannot be written to {directory}: {error.strerror}") from error
    return made


def pages(
    made: dict[str, Any], judged: list[Finding], config: DiagnoseConfig, figures: dict[str, str], folder: Path
) -> dict[str, str]:
    """The two pages by the name of their file.

    Args:
        made: the document of ``document``.
        judged: the findings.
        config: of the study.
        figures: names and captions of those that lie in ``folder/figures``.
        folder: of the study.
    """
    rows = statement_rows(made["findings"])
    context = {
        "config": config,
        "document": made,
        "rows": [r | {"shown": _shown(r)} for r in made["models"]],
        "groups": [(HEADINGS[k], [f for f in judged if f.result == k]) for k in HEADINGS],
        "statements": [(HEADINGS[k], [r for r in rows if r["result"] == k]) for k in HEADINGS],
        "figures": embedded_figures(figures, folder / "figures"),
        "asked": ASKED,
        "found": found(rows),
        "foretold": told([Foretold(**row) for row in made.get("foretold", [])]),
        "spread": spread,
        "drawings": {
            name: str(build(name, config.qubits, 1).circuit.draw("text", fold=-1))
            for name in config.models
            if name in MODELS
        },
    }
    return {f"diagnostics.{kind}": render(f"diagnostics.{kind}.j2", context) for kind in ("html", "md")}


def diagnose_text(made: dict[str, Any]) -> str:
    """The table for a terminal."""
    lines = [f"{'model':<12}{'depth':>6}{'L':>6}{'λ_min':>10}{'1/λ_max':>10}{'κ':>10}{'τ':>10}{'R² test':>9}{'|Δ|':>8}"]
    for r in made["models"]:
        numbers = [r["lambda_min"], 1 / r["lambda_max"], r["condition_number"], r["decay_time"]]
        cells = "".join(f"{'–' if n is None else format(n, '.3g'):>10}" for n in numbers)
        ends = "".join(
            f"{'–' if n is None else format(n, '.2f'):>{w}}"
            for n, w in ((r["r2_test"], 9), (r["mean_abs_difference"], 8))
        )
        lines.append(f"{r['model']:<12}{r['depth']:>6}{r['parameters']:>6}{cells}{ends}")
    lines.append("findings: " + ", ".join(f"{n} {v}" for v, n in made["verdicts"].items()))
    return "\n".join(lines)


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """Numbers with their intervals, as text."""
    told = {}
    for key in _COLUMNS:
        low, high = row["intervals"][key]
        digits = 3
        value = "–" if row[key] is None else f"{row[key]:.{digits}g}"
        told[key] = value if low is None or high is None else f"{value} [{low:.{digits}g}, {high:.{digits}g}]"
    return told


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a table: intervals as two columns each."""
    told = {name: value for name, value in row.items() if name not in ("interval", "accepted", "intervals")}
    intervals = {name: row[name] for name in ("interval", "accepted") if name in row} | row.get("intervals", {})
    for name, (low, high) in intervals.items():
        told |= {f"{name}_low": low, f"{name}_high": high}
    return told


def _csv(rows: list[dict[str, Any]]) -> str:
    return as_text(pd.json_normalize([_numbers(row) for row in rows])).to_csv(index=False)


def _ends(finding: Finding) -> dict[str, Any]:
    """JSON has no infinity: an open end is null."""
    return {
        "interval": [_finite(e) for e in finding.interval],
        "accepted": [_finite(e) for e in finding.accepted],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
