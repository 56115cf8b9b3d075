"""What a study found, read off its findings: one row a statement, and the sentences that a page begins with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

ASKED = (
    "A quantum neural network is trained by following gradients; its tangent kernel, the matrix of their inner "
    "products over the data, tells at the outset how training will go, as long as it stays what it was, that is, "
    "frozen. Do its predictions come true, where does frozen training end, and what replaces it?"
)
_WIDER = ("dressed kernel", "dressed with", "correction", "exp(-c", "flow of", "2/η", "gives way")
"""What a statement on a theory beyond the frozen kernel names."""


def study_beside(directory: Path) -> dict[str, Any] | None:
    """``title``, ``page`` and ``found`` of the study in the directory ``diagnostics`` next to a sweep's, or None.

    Raises ``ValueError`` if there is one that cannot be read.
    """
    path = directory.absolute().parent / "diagnostics" / "diagnostics.json"
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        found_here = found(statement_rows(document["findings"]))
        title = str(document["title"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a document of 'qntk diagnose': {error}") from error
    return {"title": title, "page": "../diagnostics/diagnostics.html", "found": found_here}


def statement_rows(findings: Sequence[Row]) -> list[Row]:
    """One row a statement: ``result``, ``statement``, ``statistic``, ``counts``, ``subjects`` by verdict, and the rest.

    ``low`` and ``high`` are the ends of its estimates; ``outcome`` is ``holds`` if it agrees for all subjects,
    ``fails`` if it disagrees for some and agrees for none, ``open`` if it does neither, and ``mixed`` otherwise.
    """
    made = []
    for statement in dict.fromkeys(f["statement"] for f in findings):
        those = [f for f in findings if f["statement"] == statement]
        counts = Counter(f["verdict"] for f in those)
        subjects: dict[str, list[str]] = {}
        for f in those:
            subjects.setdefault(f["verdict"], []).append(f"{f['subject']} ({f['estimate']:.3g})")
        made.append(
            {
                "result": those[0]["result"],
                "statement": statement,
                "statistic": " / ".join(dict.fromkeys(f["statistic"] for f in those)),
                "counts": counts,
                "subjects": subjects,
                "low": min(f["estimate"] for f in those),
                "high": max(f["estimate"] for f in those),
                "outcome": _outcome(counts),
            }
        )
    return made


def found(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Heading and sentence: what holds, where frozen training ends, and what replaces it; estimates in brackets."""
    wider = [row for row in rows if any(word in row["statement"] for word in _WIDER)]
    frozen = [row for row in rows if row not in wider]
    told = [
        ("Where frozen training ends, it is not true that", [r for r in frozen if r["outcome"] == "fails"]),
        ("What replaces it:", [r for r in wider if r["outcome"] == "holds"]),
        ("Even then it is not true that", [r for r in wider if r["outcome"] == "fails"]),
        ("Holds:", [r for r in frozen if r["outcome"] == "holds"]),
    ]
    lines = [(heading, _listed(those)) for heading, those in told if those]
    mixed, undecided = (sum(row["outcome"] == outcome for row in rows) for outcome in ("mixed", "open"))
    if mixed + undecided:
        lines.append(("For some models only", f"{mixed} statements hold; {undecided} are open."))
    return lines


def spread(row: Row) -> str:
    """``1.41 to 1.57``, or the one number."""
    low, high = (f"{row[end]:.3g}".replace("-", "−") for end in ("low", "high"))
    return low if low == high else f"{low} to {high}"


def _listed(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row['statement']} ({spread(row)})" for row in rows) + "."


def _outcome(counts: Counter[str]) -> str:
    if counts["agree"] == counts.total():
        return "holds"
    if counts["disagree"]:
        return "mixed" if counts["agree"] else "fails"
    return "mixed" if counts["agree"] else "open"
