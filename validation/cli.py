"""The ``qntk`` command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from validation import SCHEMA_VERSION

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to standard output.")


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
@click.option("--qubits", type=click.IntRange(1, 60), required=True, help="Number of qubits n; D = 2^n.")
@click.option("--params", type=click.IntRange(1, 10**9), required=True, help="Number of parameters L.")
@click.option(
    "--observable", required=True, help="Z0, Z0Z1, 0.5*Z0+X1, tfim:J=1,h=1, xxz:J=2, projector:rank=1, @file."
)
@click.option(
    "--generator",
    type=click.Choice(["half-pauli", "pauli"]),
    default="half-pauli",
    show_default=True,
    help="exp(-iθP/2), Qiskit's rotations, or exp(-iθP).",
)
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
@_JSON
def sweep(config: Path | None, directory: Path, workers: int | None, as_json: bool) -> None:
    """Run a sweep, or resume it: draw every cell of CONFIG (the packaged default without one).

    A run that is interrupted keeps every finished chunk; the same command goes on from there.

    \b
    Example:
      qntk sweep my-sweep.toml --out runs/mine --workers 2
    """
    from validation.config import load_config
    from validation.store import Store
    from validation.sweep import run_sweep

    settings, text = load_config(config)
    store = Store.create(directory, settings, text)
    try:
        result = run_sweep(store, workers)
    except KeyboardInterrupt:
        again = f"qntk sweep {f'{config} ' if config else ''}--out {directory}"
        click.echo(f"interrupted; finished chunks are kept, go on with: {again}", err=True)
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
@click.option(
    "--fail-on",
    type=click.Choice(["disagree", "inconclusive"]),
    multiple=True,
    help="Exit with 1 if any verdict is this; may be given twice.",
)
@_JSON
def report(directory: Path, fail_on: tuple[str, ...], as_json: bool) -> None:
    """Write report.html, report.md, verdicts.json, scaling.json and figures/ for the sweep in DIRECTORY.

    \b
    Example:
      qntk report runs/default
    """
    from validation.report import write_report
    from validation.store import Store

    written = write_report(Store.open(directory))
    if as_json:
        click.echo(json.dumps(written.document()))
    else:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in written.verdicts.items())
        click.echo(f"{written.paths['report.html']}: {counts}")
    if any(written.verdicts[verdict] for verdict in fail_on):
        sys.exit(1)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; bad input is one line on standard error and exit code 2, an interrupt 130."""
    try:
        result = qntk.main(arguments, prog_name="qntk", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.ClickException as error:
        _fail(error.format_message())
    except ValueError as error:
        _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


def _fail(message: str) -> None:
    click.echo(f"qntk: error: {' '.join(message.split())}", err=True)
    sys.exit(2)
