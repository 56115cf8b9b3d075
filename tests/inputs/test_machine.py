"""Cores as they may be used, a cache where there is none, and text that stays text."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from qntk.inputs import machine
from qntk.inputs.messages import printable, printable_lines
from qntk.sampling.learning.training import Problem
from qntk.validation.commands.output import echo_json
from qntk.validation.report.csv_tables import as_text


def test_cores_are_those_allowed(monkeypatch, tmp_path):
    """By affinity, and by a container's quota: 150 ms of every 100 ms are two cores."""
    assert machine.cores() <= (os.cpu_count() or 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(128)), raising=False)
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    monkeypatch.setattr(machine, "_CGROUPS", ((str(tmp_path / "cpu.max"), None),))
    assert machine.cores() == 2
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.cores() == 128


def test_a_temporary_cache_is_said_once(monkeypatch, capfd):
    """Nothing can be written: numba gets a folder, later calls and children use the same."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setattr(machine, "_can_write", lambda folder: False)
    monkeypatch.setattr("numba.core.config.CACHE_DIR", "")
    for _ in range(2):
        machine.keep_compiled_code(Path("/nowhere"))
    assert capfd.readouterr().err.count("warning: compiled code") == 1
    assert Path(os.environ["NUMBA_CACHE_DIR"]).is_dir()


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_output_survives_any_encoding(encoding):
    command = [sys.executable, "-m", "qntk", "predict", "--qubits", "2", "--params", "8", "--observable", "Z0"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    for line in (command, [*command[:3], "--help"], [*command[:4], "--help"]):
        done = subprocess.run(line, capture_output=True, env=environment)
        assert (done.returncode, done.stderr) == (0, b"")


def test_names_stay_text(capfd):
    assert printable("a\x1b[31m\u202eb é ΔK") == "a\\x1b[31m\\u202eb é ΔK"
    assert printable_lines("a\n\tb") == "a\n\\tb"
    table = as_text(pd.DataFrame({"name": ["=1+1", "-Z0", "\tx", "hea"], "number": [-1.5, 2, 3, 4]}))
    assert table["name"].tolist() == ["'=1+1", "'-Z0", "'\\tx", "hea"]
    assert table["number"].tolist() == [-1.5, 2, 3, 4]
    echo_json({"a": [float("nan"), float("inf"), 1.0]})
    assert capfd.readouterr().out == '{"a": [null, null, 1.0]}\n'


def test_a_mask_of_numbers_is_no_mask():
    """As an index, 0/1 integers would train on point 1 again and again."""
    with pytest.raises(ValueError, match="no mask of booleans"):
        Problem(None, [[0.0]] * 6, [0.0] * 6, [1] * 6)
