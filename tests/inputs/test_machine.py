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


@pytest.fixture
def groups(monkeypatch, tmp_path):
    """Control groups of one's own: a function that writes their files."""
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "_OWN", tmp_path / "own")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_max", ".max").replace("_current", ".current")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def test_cores_are_those_allowed(monkeypatch, groups, tmp_path):
    """By affinity, and by a container's quota: 150 ms of every 100 ms are two cores."""
    assert machine.cores() <= (os.cpu_count() or 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(128)), raising=False)
    groups(cpu_max="150000 100000\n")
    assert machine.cores() == 2
    groups(cpu_max="max 100000\n")
    assert machine.cores() == 128
    groups(own="0::/user/job\n", user__cpu_max="400000 100000\n", user__job__cpu_max="max 100000\n")
    assert machine.cores() == 4
    (tmp_path / "cpu" / "old").mkdir(parents=True)
    (tmp_path / "cpu" / "old" / "cpu.cfs_quota_us").write_text("300000\n")
    (tmp_path / "cpu" / "old" / "cpu.cfs_period_us").write_text("100000\n")
    groups(own="4:cpu,cpuacct:/old\n3:memory:/other\n")
    assert machine.cores() == 3
    (tmp_path / "cpu" / "old" / "cpu.cfs_quota_us").write_text("-1\n")
    assert machine.cores() == 128


def test_memory_is_what_is_free(groups, tmp_path):
    """Of the machine, and below the limit of a control group of either version; cached files do not count as used."""
    assert machine.free_memory() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    groups(meminfo="MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert machine.free_memory() == 8000 * 1024
    groups(own="0::/job\n", job__memory_max="max\n", job__memory_current="1000\n")
    assert machine.free_memory() == 8000 * 1024
    groups(job__memory_max="5000\n")
    assert machine.free_memory() == 4000
    (tmp_path / "job" / "memory.stat").write_text("anon 1\ninactive_file 300\n")
    assert machine.free_memory() == 4300
    groups(own="8:memory:/old\n")
    (tmp_path / "memory" / "old").mkdir(parents=True)
    for name, text in (("limit_in_bytes", "900"), ("usage_in_bytes", "1000")):
        (tmp_path / "memory" / "old" / f"memory.{name}").write_text(text)
    assert machine.free_memory() == 0
    with pytest.raises(ValueError, match=r"a thing needs about 2 GiB of memory, and 0 are free; take less"):
        machine.refuse_beyond_memory(2**31, "a thing", "take less")


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
