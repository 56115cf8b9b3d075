"""The ``qntk`` command line: the group of commands, and what errors and interrupts become."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import click

from qntk.inputs.messages import printable, python_warnings_as_lines
from qntk.validation.commands.group import ClosedPipeError, Task, TaskGroup
from qntk.validation.commands.own import check, compare, diagnose
from qntk.validation.commands.sweeps import plan, report, status, sweep
from qntk.validation.commands.theory import predict
from qntk.validation.commands.validator import calibrate, completion

_TASKS = (
    Task("Predict", [predict], "qntk predict --qubits 6 --params 64 --observable Z0"),
    Task(
        "Sweep and report",
        [plan, sweep, status, report],
        "qntk sweep --out runs/default && qntk report runs/default",
    ),
    Task(
        "Your own circuit, draws or data",
        [check, compare, diagnose],
        "qntk check ansatz.qpy --observable Z0 --inputs x",
    ),
    Task("The validator itself", [calibrate, completion], "qntk calibrate --trials 200"),
)
_GRACE = 10.0
"""Seconds after which an interrupted process is interrupted again, and then ended."""
_CLOSED_PIPE = 141
"""What a shell gives a process that SIGPIPE ends."""


def _print_versions(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    from qntk.inputs.versions import versions

    click.echo("\n".join(f"{name} {version}" for name, version in versions().items()))
    context.exit()


@click.group(
    cls=TaskGroup,
    tasks=_TASKS,
    epilog="'qntk COMMAND --help' has the options of a command and an example.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_versions,
    help="Print the versions that a result depends on.",
)
def qntk() -> None:
    """Test the theory of the quantum neural tangent kernel against Monte Carlo."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; bad input is one line on standard error and exit code 2, an interrupt 130.

    If the reader of its output goes away, as ``head`` does, it ends with 141 and no word.
    """
    for stream in (sys.stdout, sys.stderr):  # an hour's result must survive any terminal
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with python_warnings_as_lines(), _interruptible(sure=arguments is None):
            result = qntk.main(arguments, prog_name="qntk", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.ClickException as error:
        _fail(error.format_message())
    except ValueError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except MemoryError as error:
        _fail(f"out of memory: {error or 'no more to be had'}; take fewer qubits or draws")
    except ClosedPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what is still buffered goes there when Python ends
        sys.exit(_CLOSED_PIPE)
    except (KeyboardInterrupt, click.Abort) as error:
        if getattr(error.__cause__, "busy", False):  # a normal exit would wait for chunks that nobody wants
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(130)
        sys.exit(130)


@contextlib.contextmanager
def _interruptible(sure: bool) -> Iterator[None]:
    """SIGTERM ends every command as Ctrl-C does, unless somebody has said what else it does.

    With ``sure``, in a process of its own, an interrupt that is lost, in a callback of a compiled library or behind a
    lock that nobody holds any more, is repeated once, and then the process ends: what is finished is on disk.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        if sure and not asked.is_set():
            asked.set()
            threading.Thread(target=_insist, args=(number,), daemon=True).start()
        raise KeyboardInterrupt

    asked = threading.Event()
    usual: dict[int, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    ours = [number for number, handler in usual.items() if signal.getsignal(number) == handler]
    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in ours if not sure else []:  # a process that ends may be interrupted to its end
            signal.signal(number, usual[number])


def _insist(number: int) -> None:
    """End the process if it still runs a while after it was interrupted: by the same signal, another may be ignored."""
    time.sleep(_GRACE)
    os.kill(os.getpid(), number)
    time.sleep(_GRACE)
    os._exit(130)


def _fail(message: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody reads it
        click.echo(f"qntk: error: {printable(' '.join(message.split()))}", err=True)
    sys.exit(2)
