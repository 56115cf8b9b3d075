"""``qntk plan``, ``sweep``, ``status`` and ``report``: a grid of cells, drawn and judged."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from qntk.validation.commands import options
from qntk.validation.commands.output import echo_json, echo_text


@click.command(short_help="What a sweep will cost and can resolve, before it runs.")
@options.CONFIG
@options.JSON
def plan(config: Path | None, as_json: bool) -> None:
    """Say what the sweep of CONFIG (the packaged default without one) will cost and can see; draws nothing.

    Times each ensemble on this machine for some seconds.

    \b
    Example:
      qntk plan my-sweep.toml
    """
    from qntk._runs import plan as told

    found = told(config)
    echo_json(found.to_dict()) if as_json else echo_text(found.text)


@click.command(short_help="Draw every cell of a grid; resumable.")
@options.CONFIG
@options.OUT
@options.WORKERS
@click.option("--processes", is_flag=True, help="Use processes in place of threads.")
@click.option("--dask", "address", help="Draw on an existing Dask cluster: its address, or a scheduler file (.json).")
@options.JSON
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
    from qntk._runs import sweep as run

    if address is not None and (workers is not None or processes):
        raise click.UsageError("--dask takes its workers from the cluster; drop --workers and --processes")
    try:
        found = run(config, directory, workers, processes, address)
    except KeyboardInterrupt:
        again = ["qntk", "sweep", *([str(config)] if config else []), "--out", str(directory)]
        again += [*(["--workers", str(workers)] if workers else []), *(["--processes"] if processes else [])]
        again += ["--dask", address] if address else []
        click.echo(f"qntk: interrupted; finished chunks are kept, go on with: {shlex.join(again)}", err=True)
        raise
    echo_json(found.to_dict()) if as_json else echo_text(found.text)


@click.command(short_help="How far a sweep is, also while it runs.")
@options.DIRECTORY
@click.option("--verify", is_flag=True, help="Read every chunk whole, and hold it against its checksums.")
@options.JSON
def status(directory: Path, verify: bool, as_json: bool) -> None:
    """Say how far the sweep in DIRECTORY is; also while another process runs it.

    \b
    Example:
      qntk status runs/default
    """
    from qntk._runs import status as told

    found = told(directory, verify)
    echo_json(found.to_dict()) if as_json else echo_text(found.text)


@click.command(short_help="Verdicts and figures of a sweep, in HTML and Markdown.")
@options.DIRECTORY
@click.option("--paper", is_flag=True, help="Also write tables in LaTeX and figures in PDF, into DIRECTORY/paper.")
@click.option("--watch", is_flag=True, help="While a sweep runs, keep DIRECTORY/watch.html current; then report.")
@options.FAIL_ON
@options.JSON
def report(directory: Path, paper: bool, watch: bool, fail_on: tuple[str, ...], as_json: bool) -> None:
    """Write report.html and report.md, verdicts, exponents and reasons in JSON and CSV, and figures/ into DIRECTORY.

    \b
    Example:
      qntk report runs/default
    """
    from qntk._runs import report as write

    if watch and paper:
        raise click.UsageError("--watch writes a page for a browser; give --paper once the sweep is finished")
    if watch:
        click.echo(f"qntk: {directory / 'watch.html'} is kept current; Ctrl-C ends it", err=True)
    found = write(directory, paper, watch)
    echo_json(found.to_dict()) if as_json else echo_text(found.text)
    if any(found.document["verdicts"][verdict] for verdict in fail_on):
        sys.exit(1)
