"""The ``qntk`` command line."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from validation import SCHEMA_VERSION

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to standard output.")
_QUBITS = click.option("--qubits", type=click.IntRange(1, 60), required=True, help="Number of qubits n; D = 2^n.")
_PARAMS = click.option("--params", type=click.IntRange(1, 10**9), required=True, help="Number of parameters L.")
_GENERATOR = click.option(
    "--generator",
    type=click.Choice(["half-pauli", "pauli"]),
    default="half-pauli",
    show_default=True,
    help="exp(-iθP/2), Qiskit's rotations, or exp(-iθP).",
)

_FAIL_ON = click.option(
    "--fail-on",
    type=click.Choice(["disagree", "inconclusive"]),
    multiple=True,
    help="Exit with 1 if any verdict, in any regime, is this; may be given twice.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="qntk", prog_name="qntk")
def qntk() -> None:
    """Test the theory of the quantum neural tangent kernel against Monte Carlo.

    \b
    Examples:
      qntk predict --qubits 6 --params 64 --observable Z0
      qntk sweep --out runs/default && qntk report runs/default
    """


@qntk.command()
@_QUBITS
@_PARAMS
@click.option(
    "--observable", required=True, help="Z0, Z0Z1, 0.5*Z0+X1, tfim:J=1,h=1, xxz:J=2, projector:rank=1, @file."
)
@_GENERATOR
@_JSON
def predict(qubits: int, params: int, observable: str, generator: str, as_json: bool) -> None:
    """Print the closed forms for one cell: mean, variance and concentration of K.

    \b
    Example:
      qntk predict --qubits 3 --params 10 --observable projector:rank=1 --generator pauli
    """
    from validation.predict import predict_document, predict_text

    document = predict_document(qubits, params, observable, generator)
    click.echo(json.dumps(document) if as_json else predict_text(document))


@qntk.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--out", "directory", required=True, type=click.Path(path_type=Path), help="Directory of the sweep.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Threads; all cores by default. Results do not depend on it.",
)
@click.option("--processes", is_flag=True, help="Use processes in place of threads.")
@click.option("--dask", "address", help="Draw on an existing Dask cluster: its address, or a scheduler file (.json).")
@_JSON
def sweep(
    config: Path | None, directory: Path, workers: int | None, processes: bool, address: str | None, as_json: bool
) -> None:
    """Run a sweep, or resume or extend it: draw every cell of CONFIG (the packaged default without one).

    A run that is interrupted keeps every finished chunk; the same command goes on from there. A configuration with
    more cells or more draws adds to what is there.

    \b
    Example:
      qntk sweep my-sweep.toml --out runs/mine --workers 2
    """
    from validation import executors
    from validation.config import load_config
    from validation.lock import hold
    from validation.store import Store, check_directory
    from validation.sweep import run_sweep

    if address is not None and (workers is not None or processes):
        raise click.UsageError("--dask takes its workers from the cluster; drop --workers and --processes")
    settings, text = load_config(config)
    check_directory(directory)
    try:
        with hold(directory):
            store = Store.create(directory, settings, text)
            if address is not None:
                executor = executors.dask(address)
            else:
                executor = executors.processes(workers) if processes else executors.threads(workers)
            result = run_sweep(store, executor=executor)
    except KeyboardInterrupt:
        again = ["qntk", "sweep", *([str(config)] if config else []), "--out", str(directory)]
        again += [*(["--workers", str(workers)] if workers else []), *(["--processes"] if processes else [])]
        again += ["--dask", address] if address else []
        click.echo(f"interrupted; finished chunks are kept, go on with: {shlex.join(again)}", err=True)
        raise
    if as_json:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION} | asdict(result)))
    else:
        click.echo(
            f"{result.cells} cells in {directory}: {result.drawn:,} draws made, {result.resumed:,} found, "
            f"{result.seconds:.1f} s; report with: qntk report {directory}"
        )


@qntk.command()
@click.argument("directory", type=click.Path(path_type=Path))
@_JSON
def status(directory: Path, as_json: bool) -> None:
    """Say how far the sweep in DIRECTORY is; also while another process runs it.

    \b
    Example:
      qntk status runs/default
    """
    from validation.status import status_document, status_text

    document = status_document(directory)
    click.echo(json.dumps(document) if as_json else status_text(directory, document))


@qntk.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--paper", is_flag=True, help="Also write tables in LaTeX and figures in PDF, into DIRECTORY/paper.")
@_FAIL_ON
@_JSON
def report(directory: Path, paper: bool, fail_on: tuple[str, ...], as_json: bool) -> None:
    """Write report.html and report.md, verdicts, exponents and reasons in JSON and CSV, and figures/ into DIRECTORY.

    \b
    Example:
      qntk report runs/default
    """
    from validation.report import write_report
    from validation.store import Store

    written = write_report(Store.open(directory), paper)
    if as_json:
        click.echo(json.dumps(written.document()))
    else:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in written.verdicts.items())
        click.echo(f"{written.paths['report.html']}: {counts}")
    if any(written.verdicts[verdict] for verdict in fail_on):
        sys.exit(1)


@qntk.command()
@click.option("--trials", type=click.IntRange(1, 10**7), default=2000, show_default=True, help="Trials per setting.")
@click.option("--seed", type=click.IntRange(min=0), default=20221114, show_default=True, help="Root seed.")
@_JSON
def calibrate(trials: int, seed: int, as_json: bool) -> None:
    """Measure the validator's own error rates where the truth is known, and plant faults that it must catch.

    About three minutes on two cores by default; the time grows with the trials, and so does what can be seen.

    \b
    Example:
      qntk calibrate --trials 200 --json
    """
    from validation.calibration import calibrate as measure
    from validation.promises import calibration_text

    result = measure(trials, seed)
    click.echo(json.dumps(result.document()) if as_json else calibration_text(result))


@qntk.command()
@click.argument("circuit", type=click.Path(path_type=Path))
@click.option("--observable", required=True, help="As in predict.")
@click.option("--inputs", multiple=True, help="A parameter, or vector of them, that is data; may be given again.")
@_GENERATOR
@click.option("--draws", type=click.IntRange(8), default=20_000, show_default=True, help="Of K, for each repetition.")
@click.option("--repeats", type=click.IntRange(1, 64), default=4, show_default=True, help="Try it 1, 2, 4, … in a row.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Root of all randomness.")
@_JSON
def check(
    circuit: Path,
    observable: str,
    inputs: tuple[str, ...],
    generator: str,
    draws: int,
    repeats: int,
    seed: int,
    as_json: bool,
) -> None:
    """Is this ansatz (QPY or OpenQASM 3) random enough for the theory, and deep enough to concentrate?

    \b
    Example:
      qntk check ansatz.qpy --observable Z0 --inputs x
    """
    from validation.check import check_document, check_text
    from validation.circuits import input_parameters, load_circuit

    loaded = load_circuit(circuit)
    chosen = input_parameters(loaded, inputs) if inputs else []
    document = check_document(loaded, observable, chosen, generator, draws, repeats, seed)
    click.echo(json.dumps(document) if as_json else check_text(document))


@qntk.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@_JSON
def plan(config: Path | None, as_json: bool) -> None:
    """Say what the sweep of CONFIG (the packaged default without one) will cost and can see; draws nothing.

    Times each ensemble on this machine for some seconds.

    \b
    Example:
      qntk plan my-sweep.toml
    """
    from validation.config import load_config
    from validation.plan import plan_document, plan_text

    document = plan_document(load_config(config)[0])
    click.echo(json.dumps(document) if as_json else plan_text(document))


@qntk.command()
@click.argument("draws", type=click.Path(path_type=Path))
@_QUBITS
@_PARAMS
@click.option("--observable", required=True, help="As for predict.")
@_GENERATOR
@click.option(
    "--quantity",
    type=click.Choice(["kernel", "dqntk"]),
    default="kernel",
    show_default=True,
    help="What was drawn: K, or the dQNTK μ.",
)
@click.option("--column", help="Column of a .csv or .parquet; by default the quantity, or the only column.")
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="What counts as agreement, for every statistic; by default 0.05 of a mean, 0.10 of a variance or second "
    "moment, and 0.05 of probability between the distributions.",
)
@click.option(
    "--family-error",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability that any verdict is wrong.",
)
@_FAIL_ON
@_JSON
def compare(draws: Path, params: int, fail_on: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Test draws made elsewhere, a column of independent K or μ in DRAWS, against the closed forms.

    DRAWS is a .npy, .csv or .parquet file, or a folder of Parquet files, of one cell.

    \b
    Example:
      qntk compare kernels.npy --qubits 3 --params 10 --observable Z0
    """
    from validation.compare import compare_document, compare_text

    document = compare_document(draws, parameters=params, **options)
    click.echo(json.dumps(document) if as_json else compare_text(document))
    if any(row["verdict"] in fail_on for row in document["verdicts"]):
        sys.exit(1)


@qntk.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--out", "directory", required=True, type=click.Path(path_type=Path), help="Directory of the study.")
@click.option("--full", is_flag=True, help="Without CONFIG: all depths from 5 to 30, 16 seeds, 5000 steps.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Threads; all cores by default. Results do not depend on it."
)
@_JSON
def diagnose(config: Path | None, directory: Path, full: bool, workers: int | None, as_json: bool) -> None:
    """Predict training and inference of models on a data set from the kernel at initialisation, then train them.

    Without CONFIG: four re-uploading models on the Ising magnetisation, in under two minutes on two cores. A study that
    is interrupted keeps every finished seed; the same command goes on from there.

    \b
    Example:
      qntk diagnose --out runs/ising
    """
    from validation.diagnose import run_study
    from validation.diagnose_config import load_diagnose_config
    from validation.diagnose_report import diagnose_text, write_diagnostics

    if config is not None and full:
        raise ValueError("--full is the packaged study over all depths; give it without a CONFIG")
    settings, text = load_diagnose_config(config, full)
    try:
        study = run_study(settings, text, directory, workers)
    except KeyboardInterrupt:
        click.echo("interrupted; finished seeds are kept, the same command goes on from there", err=True)
        raise
    for warning in study.warnings:
        click.echo(f"qntk: warning: {warning}", err=True)
    document = write_diagnostics(study, directory)
    if as_json:
        click.echo(json.dumps(document, allow_nan=False))
    else:
        click.echo(f"{diagnose_text(document)}\n{directory / 'diagnostics.html'}")


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; bad input is one line on standard error and exit code 2, an interrupt 130."""
    try:
        result = qntk.main(arguments, prog_name="qntk", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.ClickException as error:
        _fail(error.format_message())
    except ValueError as error:
        _fail(str(error))
    except (KeyboardInterrupt, click.Abort) as error:
        if getattr(error.__cause__, "busy", False):  # a normal exit would wait for chunks that nobody wants
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(130)
        sys.exit(130)


def _fail(message: str) -> None:
    click.echo(f"qntk: error: {' '.join(message.split())}", err=True)
    sys.exit(2)
