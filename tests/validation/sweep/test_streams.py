"""A directory whose draws are of an older stream, or made elsewhere: what may still be done with it."""

import json
import shutil
from pathlib import Path

import pytest

from qntk.validation.sweep.config import SweepConfig, load_config
from qntk.validation.sweep.store import Store

OLD = Path(__file__).parents[2] / "data" / "release-0.1" / "sweep"


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def test_draws_of_an_older_stream_are_read(old):
    store = Store.open(old)
    assert store.cells
    assert all(len(store.columns(cell)["kernel"]) == store.planned(cell) for cell in store.cells)


def test_draws_of_an_older_stream_are_not_extended(old):
    config, text = load_config(old / "config.toml")
    with pytest.raises(ValueError, match=r"stream_version is 1 there, \d here: .* reported on but not extended"):
        Store.create(old, config, text)


def test_a_sweep_that_goes_on_elsewhere_says_so(tmp_path, capsys):
    grid = {"ensemble": ["haar-layers"], "qubits": [2], "parameters": [2], "observable": ["Z0"], "draws": 100}
    config = SweepConfig(seed=1, grid=[grid])
    text = ""
    Store.create(tmp_path / "run", config, text)
    Store.create(tmp_path / "run", config, text)
    assert capsys.readouterr().err == "", "negative control"
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["processor"] = "aarch64 neon"
    manifest["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(manifest))
    Store.create(tmp_path / "run", config, text)
    told = capsys.readouterr().err
    assert "machine aarch64 neon there" in told
    assert "numpy 1.0 there" in told
