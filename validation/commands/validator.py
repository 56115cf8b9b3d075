"""``qntk calibrate`` and ``completion``: the validator itself, and the shell's help with it."""

from __future__ import annotations

import click

from qntk.validation.commands import options
from qntk.validation.commands.output import echo_json, echo_text


@click.command(short_help="Does it keep its error rates, and catch planted faults?")
@click.option("--trials", type=click.IntRange(1, 10**7), default=2000, show_default=True, help="Trials per setting.")
@options.SEED
@options.JSON
def calibrate(trials: int, seed: int, as_json: bool) -> None:
    """Measure the validator's own error rates where the truth is known, and plant faults that it must catch.

    About three minutes on two cores by default; the time grows with the trials, and so does what can be seen.

    \b
    Example:
      qntk calibrate --trials 200 --json
    """
    from qntk._runs import calibrate as measure

    found = measure(trials, seed)
    echo_json(found.to_dict()) if as_json else echo_text(found.text)


@click.command(short_help="A script with which your shell completes qntk.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands, options, their values and files.

    To have it in every new shell:

    \b
      bash (4.4 or later): add to ~/.bashrc     eval "$(qntk completion bash)"
      zsh, after compinit: add to ~/.zshrc      eval "$(qntk completion zsh)"
      fish: write it to ~/.config/fish/completions/qntk.fish

    \b
    Example:
      qntk completion bash
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"click has no completion for {shell}; install click 8.4 or later")
    click.echo(made(context.find_root().command, {}, "qntk", "_QNTK_COMPLETE").source(), nl=False)
