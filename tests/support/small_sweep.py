"""A small sweep that several files look at, and its report, which all workers share."""

import contextlib
import fcntl
import io
import json
import os

import pytest

from qntk.validation.commands.main import main

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


def printed(*arguments):
    """What the command line prints in this process, where it ends well."""
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    assert stop.value.code == 0
    return out.getvalue()


def reported(tmp_path_factory):
    """The sweep's directory, to look at or to copy, and the document of its report; the first worker makes them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "small-sweep"
    folder.mkdir(exist_ok=True)
    told = folder / "printed.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            (folder / "sweep.toml").write_text(SMALL)
            printed("sweep", folder / "sweep.toml", "--out", folder / "run")
            told.write_text(printed("report", folder / "run", "--json"))
    return folder / "run", json.loads(told.read_text())
