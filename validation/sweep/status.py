"""How far a sweep is, from its directory alone: quick, and while another process runs it.

Draws are counted by the footers of the files, which say of which cell and chunk they are; a file that says otherwise
does not count. Damage further down is found when asked for, or by whatever reads the draws.
"""

from __future__ import annotations

import os
import shlex
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from qntk.inputs.journal import Journal
from qntk.inputs.messages import listed
from qntk.sampling import chunk_sizes
from qntk.validation import SCHEMA_VERSION
from qntk.validation.sweep.chunks import DamagedError, Expected, chunk_path, read_chunk, rows_of
from qntk.validation.sweep.documents import settle
from qntk.validation.sweep.lock import holder, running
from qntk.validation.sweep.manifest import MANIFEST, read_manifest
from qntk.validation.sweep.progress import duration, read_progress, verdict_counts

_STALE_SECONDS = 30.0


def status_document(directory: Path, verify: bool = False) -> dict[str, Any]:
    """The keys that the command line promises, and beside them what a run says of itself.

    With ``verify`` every chunk is read whole and held against its checksums and the journal, and ``damaged`` names
    those that do not count; without, ``damaged`` is None.

    ``planned`` counts a cell that stopped early up to where it stopped. ``draws_per_second`` and ``seconds_left`` are
    None unless a run is under way and has told within half a minute; ``verdicts`` are those of ``judged`` finished
    cells on the moments of K in the exact law.

    Raises ``ValueError`` if the directory holds no sweep.
    """
    if not (directory / MANIFEST).exists():
        raise ValueError(f"directory {directory} holds no sweep; run 'qntk sweep --out {directory}' first")
    settle(directory)
    manifest, progress, active = read_manifest(directory), read_progress(directory), running(directory)
    folder = directory / "draws"
    files, damaged = _files(folder), list[str]()
    journal = Journal(directory) if verify else None
    cells = drawn = planned = finished = 0
    known = progress.get("cells", {})
    for cell in manifest["cells"]:
        sizes = chunk_sizes(cell["draws"], cell["parameters"], 1 << cell["qubits"])
        there = [chunk for chunk in files.get(cell["cell"], ()) if chunk < len(sizes)]
        rows = 0
        for chunk in there:
            path, expected = chunk_path(folder, cell["cell"], chunk), Expected(cell["cell"], chunk, sizes[chunk])
            found = rows_of(path, expected) if journal is None else _verified(path, expected, journal)
            rows += max(found, 0)
            damaged += [str(path)] if found < 0 else []
        wanted = cell["draws"]
        if cell["looks"] > 1:
            wanted = known.get(cell["cell"], {}).get("draws", wanted)
        cells, drawn, planned = cells + 1, drawn + rows, planned + wanted
        finished += rows >= wanted
    fresh = active and time.time() - progress.get("updated", 0.0) < _STALE_SECONDS
    judged = {name: known[name] for name in known if name in {cell["cell"] for cell in manifest["cells"]}}
    return {
        "schema_version": SCHEMA_VERSION,
        "cells": cells,
        "finished": finished,
        "drawn": drawn,
        "planned": planned,
        "damaged": damaged if verify else None,
        "running": active,
        "process": holder(directory) if active else None,
        "where": progress.get("where") if active else None,
        "draws_per_second": progress.get("draws_per_second") if fresh else None,
        "seconds_left": progress.get("seconds_left") if fresh else None,
        "judged": len(judged),
        "verdicts": verdict_counts(judged),
    }


def _verified(path: Path, expected: Expected, journal: Journal) -> int:
    """Rows of a chunk that is sound; -1 for one that is not."""
    try:
        table = read_chunk(path, ["kernel", "output"], expected, journal)
    except DamagedError:
        return -1
    return 0 if table is None else int(table.num_rows)


def _files(folder: Path) -> dict[str, list[int]]:
    """Chunks that are there, by the name of their cell."""
    found: dict[str, list[int]] = defaultdict(list)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                cell, _, rest = entry.name.partition("-")
                chunk, dot, suffix = rest.partition(".")
                if dot and suffix == "parquet" and chunk.isdigit():
                    found[cell].append(int(chunk))
    except OSError as error:
        raise ValueError(f"directory {folder} cannot be read: {error.strerror}") from error
    return found


def status_text(directory: Path, document: dict[str, Any]) -> str:
    """The same for a person."""
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in document["verdicts"].items())
    lines = [
        f"{document['finished']:,} of {document['cells']:,} cells finished, {document['drawn']:,} of "
        f"{document['planned']:,} draws",
        f"verdicts on mean, variance and ΔK/K̄ of {document['judged']:,} cells: {counts}",
    ]
    if document["damaged"] is None:
        lines.append("counted by what the files say of themselves; --verify reads them whole")
    else:
        names = f": {listed(document['damaged'], 3)}; the sweep draws them again" if document["damaged"] else ""
        lines.append(f"every chunk read and verified, {len(document['damaged'])} damaged{names}")
    if not document["running"]:
        if document["drawn"] < document["planned"]:
            again = shlex.join(["qntk", "sweep", str(directory / "config.toml"), "--out", str(directory)])
            lines.append(f"not running; go on with: {again}")
        else:
            lines.append(f"complete; report with: {shlex.join(['qntk', 'report', str(directory)])}")
        return "\n".join(lines)
    owner, rate, left = document["process"], document["draws_per_second"], document["seconds_left"]
    told = [f"running on {owner.get('host', 'some machine')}, process {owner.get('pid', 'unknown')}"]
    if document["where"]:
        told.append(document["where"])
    if rate is not None:
        told.append(f"{rate:,.0f} draws/s")
    if left is not None:
        told.append(f"about {duration(left)} left")
    return "\n".join([*lines, ", ".join(told)])
