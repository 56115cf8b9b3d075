"""``qntk`` as a process: what a start imports, and what a reader that goes away does to it."""

import os
import signal
import subprocess
import sys

import pytest

PREDICT = ["predict", "--qubits", "6", "--params", "64", "--observable", "xxz:J=2"]
SLOW = {"qiskit", "scipy.stats", "pandas", "matplotlib", "seaborn", "numba", "llvmlite", "pyarrow", "hypothesis"}
"""Packages that take long to import. Without them ``predict`` is far below its limit of 1.5 s."""
NUMERICAL = {"numpy", "scipy", "stim", "pydantic", "tqdm", "jinja2"}
"""And without these, help is far below its 0.5 s."""
LOADED = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from qntk.validation.commands.main import main
main()
"""


def loaded(program, *arguments):
    """The modules that a run has imported at its end."""
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(done.stderr.split())


def test_predict_imports_no_slow_package(program):
    """Negative control: it has imported what it computes with."""
    modules = loaded(program, *PREDICT)
    assert not modules & SLOW
    assert {"numpy", "scipy.optimize"} <= modules


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["--version"],
        ["completion", "zsh"],
        *([command, "--help"] for command in ("predict", "plan", "sweep", "status", "report")),
        *([command, "--help"] for command in ("check", "compare", "diagnose", "calibrate", "completion")),
    ],
    ids=" ".join,
)
def test_help_and_versions_import_nothing_numerical(program, arguments):
    modules = loaded(program, *arguments)
    assert not modules & (SLOW | NUMERICAL)
    assert "click" in modules


@pytest.mark.parametrize("arguments", [PREDICT, [*PREDICT, "--json"], ["--help"], ["--version"]], ids=" ".join)
def test_a_reader_that_has_gone_is_no_traceback(program, arguments):
    """As of ``qntk predict … | head``, of a pipe whose reader is sure to be gone; never the 1 of ``--fail-on``."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = subprocess.run([program, *arguments], stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_mistake_that_nobody_reads_is_still_exit_code_two(program):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        assert subprocess.run([program, "sweeep"], stdout=pipe, stderr=pipe).returncode == 2


def test_a_pipe_that_is_read_is_left_alone(program):
    """Negative control: the same with a reader ends well, and so does one that wants a line only."""
    done = subprocess.run([program, *PREDICT], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 10
    line = f"qntk {' '.join(PREDICT)} | head -1"
    first = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert first.stdout.splitlines() == done.stdout.splitlines()[:1]
    assert first.stderr == ""


LOST = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it puts in the background without it
from qntk.validation.commands import main
main._GRACE = 0.2
def deaf(*arguments, **options):
    once = iter(["working"])
    while True:
        try:
            for word in once:
                print(word, flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("lost", flush=True)
main.qntk.main = deaf
main.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_is_lost_ends_the_process_all_the_same(program, number):
    """As a callback of a compiled library loses one, or a lock that a dead call holds: said twice, then it ends."""
    process = subprocess.Popen([sys.executable, "-c", LOST], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    told, _ = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "lost\nlost\n")
