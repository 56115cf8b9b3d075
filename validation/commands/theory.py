"""``qntk predict``: what the theory says, of Haar layers or of a given circuit."""

from __future__ import annotations

from pathlib import Path

import click

from qntk.validation.commands import options
from qntk.validation.commands.output import echo_json, echo_text


@click.command(short_help="The closed forms for one cell, or the laws of a given circuit.")
@options.QUBITS
@options.PARAMS
@click.option(
    "--circuit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="In place of these: a QPY or OpenQASM 3 file of Pauli rotations and Clifford gates.",
)
@options.INPUTS
@click.option(
    "--noise",
    help="With --circuit, after every gate: depolarizing=P, dephasing=P, bit-flip=P, several with commas, or the JSON "
    "file of an Aer NoiseModel.",
)
@options.OBSERVABLE
@options.GENERATOR
@options.ENSEMBLE
@options.JSON
@click.pass_context
def predict(
    context: click.Context,
    qubits: int | None,
    params: int | None,
    circuit: Path | None,
    inputs: tuple[str, ...],
    noise: str | None,
    observable: str,
    generator: str,
    ensemble: str,
    as_json: bool,
) -> None:
    """Print the closed forms for one cell: mean, variance and concentration of K.

    With --circuit: the exact mean of a given circuit, where it goes in depth, at how many repetitions it gets there,
    and which Haar group is nearest.

    \b
    Examples:
      qntk predict --qubits 3 --params 10 --observable projector:rank=1 --generator pauli
      qntk predict --qubits 1000 --params 50 --observable Z0 --ensemble ising-layers
      qntk predict --circuit ansatz.qpy --observable Z0 --inputs x
    """
    if circuit is not None:
        given = [f"--{name}" for name in ("qubits", "params", "generator", "ensemble") if _given(context, name)]
        if given:
            raise ValueError(f"{given[0]} does not go with --circuit: the circuit's own gates say it")
        from qntk._predict import predict_circuit

        own = predict_circuit(circuit, observable, inputs, noise=noise)
        echo_json(own.to_dict()) if as_json else echo_text(own.text)
        return
    cell = options.cell(qubits, params, ", or --circuit with the file of a circuit")
    if inputs or noise:
        raise ValueError(f"--{'inputs' if inputs else 'noise'} goes with --circuit alone")
    from qntk._law import law

    found = law(*cell, observable, generator, ensemble=ensemble)
    echo_json(found.to_dict()) if as_json else echo_text(found.text)


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
