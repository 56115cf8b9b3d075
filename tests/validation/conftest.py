"""A small sweep that several files look at."""

import pytest

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
def config(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(SMALL)
    return path
