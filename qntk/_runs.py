"""``qntk.plan``, ``sweep``, ``status``, ``report``, ``diagnose``, ``calibrate``: what these commands do."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qntk import _checked
from qntk._given import as_files
from qntk._result import Result, notebook_display
from qntk.inputs.machine import cores, refuse_beyond_memory
from qntk.inputs.toml import Source
from qntk.validation import SCHEMA_VERSION
from qntk.validation.calibration.promises import Calibration, calibration_text
from qntk.validation.calibration.run import calibrate as measure
from qntk.validation.diagnosis.config import load_diagnose_config
from qntk.validation.diagnosis.report import diagnose_text, write_diagnostics
from qntk.validation.diagnosis.study import study_alone
from qntk.validation.report.watch import watch as keep_current
from qntk.validation.report.write import ReportPaths, write_report
from qntk.validation.sweep import executors
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.drawing import bytes_drawing
from qntk.validation.sweep.lock import hold
from qntk.validation.sweep.plan import plan_document, plan_text
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.status import status_document, status_text
from qntk.validation.sweep.store import Store, check_directory


@dataclass(frozen=True, repr=False, eq=False)
class Told(Result):
    """The document of a command, with its table.

    Attributes:
        command: which.
        document: what it prints with ``--json``.
        text: what it prints without.
        table: key of the document's list of rows.
        directory: what it is of, where there is one.
    """

    command: str
    document: dict[str, Any] = field(repr=False)
    text: str = field(repr=False)
    table: str | None = None
    directory: Path | None = None

    def title(self) -> str:
        """The command, and its numbers in one line."""
        numbers = {k: v for k, v in self.document.items() if isinstance(v, int | float | str) and k != "schema_version"}
        told = ", ".join(f"{k} {v}" for k, v in list(numbers.items())[:6] if len(str(v)) < 40)
        return f"qntk {self.command}{f' {self.directory}' if self.directory else ''}: {told}"

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the document, their plain values alone."""
        given = self.document.get(self.table, []) if self.table else []
        keys = [k for k, v in (given[0] if given else {}).items() if not isinstance(v, dict | list)]
        return [{k: row.get(k) for k in keys} for row in given]

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of the command."""
        return self.document


@dataclass(frozen=True, repr=False, eq=False)
class Sweep(Told):
    """A sweep that was drawn; its draws are one Parquet dataset below ``directory``."""

    def draws(self, columns: list[str] | None = None) -> Any:
        """All draws with the columns of their cells, as a pandas frame."""
        import pandas as pd

        assert self.directory is not None
        return pd.read_parquet(self.directory / "draws", columns=columns)

    def report(self, paper: bool = False) -> Told:
        """``qntk.report`` of this directory."""
        return report(self.directory, paper)


def plan(config: Source = None) -> Told:
    """What a sweep will cost and can resolve, before it runs; draws nothing.

    Args:
        config: a dict, the path of a TOML file, or TOML; the packaged default without.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, files = as_files(_source(config), Path(folder))
        _write(files)
        document = plan_document(load_config(source)[0])
    return Told("plan", document, plan_text(document), "cells")


def sweep(
    config: Source = None,
    out: Any = None,
    workers: int | None = None,
    processes: bool = False,
    dask: str | None = None,
) -> Sweep:
    """Run a sweep, or resume or extend the one in ``out``; finished chunks are kept whatever happens.

    Args:
        config: a dict, the path of a TOML file, or TOML; the packaged default without. In a dict, the circuit of a grid
            may be a ``QuantumCircuit``, or a function of (qubits, layers) that returns one; ``out`` keeps it as QPY.
        out: directory; a new temporary one by default.
        workers: threads or processes, all cores by default; results do not depend on it.
        processes: whether to use processes.
        dask: address, or scheduler file, of a cluster to draw on instead.
    """
    if dask is not None and (workers is not None or processes):
        raise ValueError("a Dask cluster has workers of its own; drop workers and processes")
    workers = _checked.workers(workers)
    directory = _checked.path(out) if out is not None else Path(tempfile.mkdtemp(prefix="qntk-sweep-"))
    source, files = as_files(_source(config), directory)
    settings, text = load_config(source)
    check_directory(directory)
    with hold(directory):
        _write(files)
        store = Store.create(directory, settings, text)
        if dask is not None:
            executor = executors.dask(dask)
        else:
            count = workers or cores()
            needed = bytes_drawing(store.cells, count) if not processes else count * bytes_drawing(store.cells, 1)
            refuse_beyond_memory(needed, f"a sweep on {count} threads", "take fewer workers, or smaller cells")
            executor = executors.processes(workers) if processes else executors.threads(workers)
        result = run_sweep(store, executor=executor)
    told = (
        f"{result.cells} cells in {directory}: {result.drawn:,} draws made, {result.resumed:,} found, "
        f"{result.seconds:.1f} s; report with: qntk report {directory}"
    )
    return Sweep("sweep", {"schema_version": SCHEMA_VERSION} | asdict(result), told, None, directory)


def status(directory: Any, verify: bool = False) -> Told:
    """How far the sweep in a directory is, also while another process runs it.

    Args:
        directory: of the sweep.
        verify: whether every chunk is read whole and held against its checksums, which takes as long as reading does.
    """
    where = _checked.path(directory)
    document = status_document(where, verify)
    return Told("status", document, status_text(where, document), None, where)


def report(directory: Any, paper: bool = False, watch: bool = False) -> Told:
    """Verdicts and figures of a sweep, written into its directory; the paths written, and the counts of verdicts.

    Args:
        directory: of the sweep.
        paper: also write tables in LaTeX and figures in PDF.
        watch: first keep ``watch.html`` in the directory current until all planned draws are there; a notebook shows
            the same table below the cell, and keeps it current too.
    """
    where = _checked.path(directory)
    written: ReportPaths = (
        keep_current(where, show=notebook_display()) if watch else write_report(Store.open(where), paper)
    )
    counts = ", ".join(f"{count} {verdict}" for verdict, count in written.verdicts.items())
    return Told("report", written.document(), f"{written.paths['report.html']}: {counts}", None, where)


def diagnose(config: Source = None, out: Any = None, full: bool = False, workers: int | None = None) -> Told:
    """Predict training and inference of models on a data set from their kernels at initialisation, then train them.

    Args:
        config: a dict, the path of a TOML file, or TOML; the packaged study without.
        out: directory; a new temporary one by default. Finished seeds are kept, the same call goes on from there.
        full: without ``config``, all depths from 5 to 30, 16 seeds, 5000 steps.
        workers: threads, all cores by default.
    """
    from qntk.inputs.messages import warn

    if config is not None and full:
        raise ValueError("--full is the packaged study over all depths; give it without a CONFIG")
    settings, text = load_diagnose_config(_source(config), full)
    directory = _checked.path(out) if out is not None else Path(tempfile.mkdtemp(prefix="qntk-diagnose-"))
    with study_alone(settings, text, directory, _checked.workers(workers)) as study:
        for warning in study.warnings:
            warn(warning)
        document = write_diagnostics(study, directory)
    told = f"{diagnose_text(document)}\n{directory / 'diagnostics.html'}"
    return Told("diagnose", document, told, "models", directory)


def calibrate(trials: int = 2000, seed: int = 20221114) -> Told:
    """Does the validator keep its promised error rates, and does it catch planted faults?"""
    count, root = _checked.whole("trials", trials, 1, 10**7), _checked.whole("seed", seed, 0)
    result: Calibration = measure(count, root)
    return Told("calibrate", result.document(), calibration_text(result), "controls")


def _write(files: Mapping[Path, bytes]) -> None:
    for path, held in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(held)


def _source(config: Any) -> Source:
    if config is None or isinstance(config, str | Mapping | Path):
        return config
    if callable(config):
        raise TypeError("a function was given where a configuration is meant; give a dict, a path or TOML")
    raise TypeError(f"a {type(config).__name__} is no configuration; give a dict, a path or TOML")
