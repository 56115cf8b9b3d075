"""The group of commands: listed by task with examples, and a closed pipe told apart from everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click


class ClosedPipeError(Exception):
    """Who read standard output has gone, as ``head`` does."""


@dataclass(frozen=True)
class Task:
    """Commands that are used together.

    Attributes:
        title: of their section of the help.
        commands: in the order in which one needs them.
        example: a command line.
    """

    title: str
    commands: Sequence[click.Command]
    example: str


class TaskGroup(click.Group):
    """A group of commands by task; without arguments it prints its help."""

    def __init__(self, *arguments: Any, tasks: Sequence[Task] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.tasks = tasks
        for task in tasks:
            for command in task.commands:
                self.add_command(command)

    def list_commands(self, context: click.Context) -> list[str]:
        """Names in the order of the tasks."""
        return list(self.commands)

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands, and then the options of the group itself."""
        self.format_commands(context, formatter)
        click.Command.format_options(self, context, formatter)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """A section for each task, its example last."""
        width = max(map(len, self.commands))
        for task in self.tasks:
            with formatter.section(task.title):
                formatter.write_dl([(f"{c.name:{width}}", c.get_short_help_str(100)) for c in task.commands])
                formatter.write(f"\n{'':{formatter.current_indent}}Example: {task.example}\n")

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """No arguments ask for help."""
        return super().parse_args(context, arguments or ([] if context.resilient_parsing else ["--help"]))

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """As in click, where help and versions are printed. Raises ``ClosedPipeError``."""
        with _told_apart():
            return super().make_context(*arguments, **options)

    def invoke(self, context: click.Context) -> Any:
        """As in click, where commands run. Raises ``ClosedPipeError``."""
        with _told_apart():
            return super().invoke(context)


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:  # click would exit with 1, which --fail-on does
        raise ClosedPipeError from error
