"""The plans that a sweep's reports were made of: draws added after a report may owe their number to what it showed.

A report's error rate stands on numbers of draws that were fixed before anything was seen. ``looks.json`` in the sweep's
directory keeps the plan of each report: another report of the same plan, or of more of its chunks, is no new look; one
of a plan that has grown since is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qntk.validation import SCHEMA_VERSION
from qntk.validation.sweep.cells import Cell

LOOKS = "looks.json"


def looks_document(directory: Path, cells: Sequence[Cell]) -> dict[str, Any]:
    """The plans looked at, this one last; what ``looks.json`` holds once this report is made.

    Raises ``ValueError`` if the directory's record cannot be read.
    """
    defining = sorted(f"{cell.fingerprint} {cell.draws}" for cell in cells)
    this = hashlib.sha256("\n".join(defining).encode()).hexdigest()
    rows = [row for row in _record(directory / LOOKS) if row["plan"] != this]
    here = {"plan": this, "cells": len(cells), "draws": sum(cell.draws for cell in cells)}
    return {"schema_version": SCHEMA_VERSION, "looks": [*rows, here]}


def _record(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["looks"]
        return [{"plan": str(row["plan"]), "cells": int(row["cells"]), "draws": int(row["draws"])} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} cannot be read: {error}; it says which numbers of draws reports have been made of, and without it "
            "this one could promise no error rate"
        ) from error
