"""A small sweep that several files look at."""

import os
import sys
from pathlib import Path

import pytest

from validation.cli import main

ROOT = Path(__file__).parents[2]

SMALL = """
title = "small <b>sweep</b>"
seed = 5
family_error = 0.05

[[grid]]
ensemble = "haar-layers"
qubits = [2, 3]
parameters = [4, 8, 16]
observable = ["Z0", "projector:rank=1"]
draws = 3_000

[[grid]]
ensemble = "hea-cz-ring"
qubits = [3]
layers = [1, 32]
observable = "Z0"
draws = 3_000
"""


@pytest.fixture
def qntk(capfd):
    """Run the command line in this process: exit code, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        captured = capfd.readouterr()
        return stop.value.code, captured.out, captured.err

    return run


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program ``qntk`` on the PATH that runs this checkout, and this Python, whose packages are this checkout's."""
    path = tmp_path / "bin" / "qntk"
    path.parent.mkdir()
    path.write_text(f"#!{sys.executable}\nfrom validation.cli import main\nmain()\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep))
    return str(path)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(SMALL)
    return path
