"""A small sweep that several files look at."""

import pytest
from small_sweep import SMALL


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(SMALL)
    return path
