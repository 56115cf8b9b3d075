"""``qntk check``, ``compare`` and ``diagnose``: the user's own circuit, draws and data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from qntk.validation.commands import options
from qntk.validation.commands.output import echo_json, echo_text


def _exit_on(verdicts: list[dict[str, Any]], fail_on: tuple[str, ...]) -> None:
    if any(row["verdict"] in fail_on for row in verdicts):
        sys.exit(1)


@click.command(short_help="Is your ansatz random enough for the theory, and deep enough?")
@click.argument("circuit", type=click.Path(dir_okay=False, path_type=Path))
@options.OBSERVABLES
@options.INPUTS
@click.option(
    "--angles", help="How the others are drawn: normal(0,0.1), beta(2,2), identity-blocks; uniform(0,2*pi) by default."
)
@options.GENERATOR
@click.option("--draws", type=click.IntRange(8), default=20_000, show_default=True, help="Of K, for each repetition.")
@click.option("--repeats", type=click.IntRange(1, 64), default=4, show_default=True, help="Try it 1, 2, 4, … in a row.")
@options.SEED
@options.MARGIN
@options.FAMILY_ERROR
@click.option("--no-reasons", is_flag=True, help="Do not look for what keeps it from the law: the quick answer.")
@options.FAIL_ON
@options.JSON
def check(
    circuit: Path,
    observable: tuple[str, ...],
    inputs: tuple[str, ...],
    angles: str | None,
    generator: str,
    draws: int,
    repeats: int,
    seed: int,
    margin: float | None,
    family_error: float,
    no_reasons: bool,
    fail_on: tuple[str, ...],
    as_json: bool,
) -> None:
    """Is this ansatz (QPY or OpenQASM 3) random enough for the theory, and deep enough to concentrate?

    \b
    Example:
      qntk check ansatz.qpy --observable Z0 --inputs "x=uniform(-1,1)"
    """
    from qntk._verdicts import check as look

    found = look(
        circuit,
        list(observable),
        inputs,
        generator,
        draws,
        repeats,
        seed,
        margin,
        family_error,
        reasons=not no_reasons,
        angles=angles,
    )
    echo_json(found.to_dict()) if as_json else echo_text(found.text)
    _exit_on(found.verdicts, fail_on)


@click.command(short_help="Test kernels that you drew elsewhere against the closed forms.")
@click.argument("draws", type=click.Path(path_type=Path))
@options.QUBITS
@options.PARAMS
@options.OBSERVABLE
@options.GENERATOR
@options.ENSEMBLE
@click.option(
    "--quantity",
    type=click.Choice(["kernel", "dqntk"]),
    default="kernel",
    show_default=True,
    help="What was drawn: K, or the dQNTK μ.",
)
@click.option("--column", help="Column of a .csv, .parquet or .npz; by default the quantity, or the only column.")
@click.option("--separator", help="Between the columns of a .csv: , ; | a tab or a space.")
@click.option("--decimal", type=click.Choice([".", ","]), help="Mark of the decimals in a .csv.")
@click.option("--header/--no-header", default=None, help="Whether the first line of a .csv has names.")
@click.option("--estimated", is_flag=True, help="The kernels are estimates from shots; judge their mean alone.")
@click.option(
    "--trained",
    type=click.Path(path_type=Path),
    metavar="KERNELS",
    help="Training curves in place of draws: DRAWS holds residuals f - y, this file K, both (networks, times).",
)
@click.option("--target", type=float, help="With --trained: the label y.")
@click.option("--rate", type=float, help="With --trained: the learning rate of the loss ½(f - y)².")
@click.option("--every", type=int, help="With --trained: steps between two times of the curves, 1 by default.")
@click.option(
    "--dqntk", type=click.Path(path_type=Path), metavar="DQNTKS", help="With --trained: curves of μ, judged as well."
)
@click.option("--unstable", is_flag=True, help="With --trained: follow the laws beyond their critical rate.")
@options.MARGIN
@options.FAMILY_ERROR
@options.FAIL_ON
@options.JSON
def compare(
    draws: Path,
    qubits: int | None,
    params: int | None,
    observable: str,
    generator: str,
    ensemble: str,
    fail_on: tuple[str, ...],
    as_json: bool,
    separator: str | None,
    decimal: str | None,
    header: bool | None,
    trained: Path | None,
    target: float | None,
    rate: float | None,
    every: int | None,
    dqntk: Path | None,
    unstable: bool,
    **settings: Any,
) -> None:
    """Test draws made elsewhere, a column of independent K or μ in DRAWS, against the closed forms.

    DRAWS is a .npy, .csv or .parquet file, or a folder of Parquet files, of one cell. A table is read strictly: a
    line that does not fit is an error that names it.

    \b
    Example:
      qntk compare kernels.npy --qubits 3 --params 10 --observable Z0
    """
    from qntk._law import law
    from qntk._trained import compare_trained
    from qntk._verdicts import compare as weigh
    from qntk.inputs.separated import Dialect

    of_training = {
        "--target": target, "--rate": rate, "--every": every, "--dqntk": dqntk, "--unstable": unstable or None,
    }  # fmt: skip
    if trained is None and any(value is not None for value in of_training.values()):
        raise click.UsageError(f"{' '.join(k for k, v in of_training.items() if v is not None)} goes with --trained")
    if trained is not None:
        of_draws = {"--separator": separator, "--decimal": decimal, "--header": header, "--column": settings["column"]}
        strange = [name for name, value in of_draws.items() if value is not None]
        strange += ["--estimated"] * settings["estimated"] + ["--quantity"] * (settings["quantity"] != "kernel")
        strange += ["--ensemble"] * (ensemble != "haar-layers")
        if strange:
            raise click.UsageError(f"{strange[0]} is for draws; leave it out with --trained")
        if target is None or rate is None:
            raise click.UsageError("--trained needs --target and --rate")
        cell = law(*options.cell(qubits, params), observable, generator)
        shares = {name: settings[name] for name in ("margin", "family_error")}
        shares |= {"every": 1 if every is None else every, "dqntks": dqntk, "unstable": unstable}
        judged = compare_trained(draws, trained, cell, target, rate, **shares)
        echo_json(judged.to_dict()) if as_json else echo_text(judged.text)
        _exit_on(judged.verdicts, fail_on)
        return
    dialect = None
    if (separator, decimal, header) != (None, None, None):
        default = "\t" if ".tsv" in draws.name else ";" if decimal == "," else ","
        mark = {None: default, "\\t": "\t", "tab": "\t"}.get(separator, separator)
        dialect = Dialect(str(mark), decimal or ".", header)
    cell_law = law(*options.cell(qubits, params), observable, generator, ensemble=ensemble)
    found = weigh(draws, cell_law, dialect=dialect, **settings)
    echo_json(found.to_dict()) if as_json else echo_text(found.text)
    _exit_on(found.verdicts, fail_on)


@click.command(short_help="Predict a model's training from its kernel, then train it.")
@options.CONFIG
@options.OUT
@click.option("--full", is_flag=True, help="Without CONFIG: all depths from 5 to 30, 16 seeds, 5000 steps.")
@options.WORKERS
@options.JSON
def diagnose(config: Path | None, directory: Path, full: bool, workers: int | None, as_json: bool) -> None:
    """Predict training and inference of models on a data set from the kernel at initialisation, then train them.

    Without CONFIG: four re-uploading models on the Ising magnetisation, in under two minutes on two cores. A study that
    is interrupted keeps every finished seed; the same command goes on from there.

    \b
    Example:
      qntk diagnose --out runs/ising
    """
    from qntk._runs import diagnose as study

    try:
        found = study(config, directory, full, workers)
    except KeyboardInterrupt:
        click.echo("qntk: interrupted; finished seeds are kept, the same command goes on from there", err=True)
        raise
    echo_json(found.to_dict()) if as_json else echo_text(found.text)
