"""Options and arguments that several commands share: one name, one help text, one default each."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

_SPECIFICATIONS = {
    "Z0": "Z on qubit 0",
    "X0": "X on qubit 0",
    "Z0Z1": "Z on qubits 0 and 1",
    "tfim:h=1": "transverse-field Ising chain",
    "xxz:J=2": "XXZ chain",
    "projector:rank=1": "projector on |0…0>",
    "@": "file with one 'coefficient label' a line",
}
"""Without commas: click's script for fish ends a word there."""


def complete_observable(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The forms that begin like this, or after ``@`` the files and folders that do."""
    if not incomplete.startswith("@"):
        return [
            CompletionItem(form, help=said) for form, said in _SPECIFICATIONS.items() if form.startswith(incomplete)
        ]
    folder, slash, start = incomplete[1:].rpartition("/")
    try:
        found = sorted(path for path in Path(folder + slash).iterdir() if path.name.startswith(start))
    except OSError:
        return []
    shown = (path for path in found if start or not path.name.startswith("."))
    return [CompletionItem(f"@{folder}{slash}{path.name}{'/' if path.is_dir() else ''}") for path in shown]


JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to standard output.")
QUBITS = click.option("--qubits", type=click.IntRange(1, 100_000), help="Number of qubits n; D = 2^n.")
ENSEMBLE = click.option(
    "--ensemble",
    type=click.Choice(["haar-layers", "ising-layers", "matchgate-layers"]),
    default="haar-layers",
    show_default=True,
    help="Haar layers on all of U(D), or on SO(2n), the free fermions of an open Ising chain or of matchgates.",
)
PARAMS = click.option("--params", type=click.IntRange(1, 10**9), help="Number of parameters L.")
INPUTS = click.option(
    "--inputs",
    multiple=True,
    help="A parameter, or vector of them, that is data, or x=uniform(-1,1) for how it is drawn; may be given again.",
)
OBSERVABLE = click.option(
    "--observable",
    required=True,
    shell_complete=complete_observable,
    help="Z0, Z0Z1, 0.5*Z0+X1, tfim:J=1,h=1, xxz:J=2, projector:rank=1, @FILE with one 'coefficient label' a line.",
)
OBSERVABLES = click.option(
    "--observable",
    multiple=True,
    required=True,
    shell_complete=complete_observable,
    help="As for predict; given again, the outputs of one model, and the mean of the sum of their kernels.",
)
GENERATOR = click.option(
    "--generator",
    type=click.Choice(["half-pauli", "pauli"]),
    default="half-pauli",
    show_default=True,
    help="exp(-iθP/2), Qiskit's rotations, or exp(-iθP).",
)
MARGIN = click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="What counts as agreement, for every statistic; by default 0.05 of a mean, 0.10 of a variance or second "
    "moment, and 0.05 of probability between distributions.",
)
FAMILY_ERROR = click.option(
    "--family-error",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability that any verdict is wrong.",
)
FAIL_ON = click.option(
    "--fail-on",
    type=click.Choice(["disagree", "inconclusive"]),
    multiple=True,
    help="Exit with 1 if any verdict, in any regime, is this; may be given twice.",
)
SEED = click.option(
    "--seed", type=click.IntRange(min=0), default=20221114, show_default=True, help="Root of all randomness."
)
WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), help="Threads; all cores by default. Results do not depend on it."
)
OUT = click.option(
    "--out",
    "directory",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write to; made if need be, and gone on with if it holds an earlier run.",
)
CONFIG = click.argument("config", required=False, type=click.Path(dir_okay=False, path_type=Path))
DIRECTORY = click.argument("directory", type=click.Path(file_okay=False, path_type=Path))


def cell(qubits: int | None, params: int | None, instead: str = "") -> tuple[int, int]:
    """Number of qubits and of parameters, which a command needs; ``instead`` is what may stand in their place."""
    if qubits is None or params is None:
        raise ValueError(f"give --qubits and --params{instead}")
    return qubits, params
