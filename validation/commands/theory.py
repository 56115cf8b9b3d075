"""``qntk predict``: what the theory says."""

from __future__ import annotations

import click

from qntk.validation.commands import options
from qntk.validation.commands.output import echo_json, echo_text


@click.command(short_help="The closed forms for one cell: moments and quantiles of K.")
@options.QUBITS
@options.PARAMS
@options.OBSERVABLE
@options.GENERATOR
@options.JSON
def predict(qubits: int, params: int, observable: str, generator: str, as_json: bool) -> None:
    """Print the closed forms for one cell: mean, variance and concentration of K.

    \b
    Example:
      qntk predict --qubits 3 --params 10 --observable projector:rank=1 --generator pauli
    """
    from qntk._law import law

    found = law(qubits, params, observable, generator)
    echo_json(found.to_dict()) if as_json else echo_text(found.text)
