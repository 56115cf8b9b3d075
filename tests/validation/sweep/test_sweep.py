"""Sweeps end to end: bytes, resumption, refusals, interruption."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from qntk.validation.sweep import executors
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store

COLUMNS = {
    "ensemble", "qubits", "layers", "parameters", "observable", "generator", "cell", "chunk", "kernel", "output",
}  # fmt: skip


def draws(directory):
    return pd.read_parquet(directory / "draws").sort_values(["cell", "chunk"], kind="stable").reset_index(drop=True)


def test_json_document_dataset_and_resumption(qntk, config, tmp_path):
    out = tmp_path / "run"
    code, text, _ = qntk("sweep", config, "--out", out, "--json")
    document = json.loads(text)
    assert code == 0
    assert (document["cells"], document["drawn"], document["resumed"]) == (14, 42_000, 0)
    first = draws(out)
    assert set(first.columns) == COLUMNS
    assert len(first) == 42_000
    assert (first["kernel"] >= 0).all()
    assert (first.groupby("cell").size() == 3000).all()

    code, text, _ = qntk("sweep", config, "--out", out, "--json")
    document = json.loads(text)
    assert (code, document["drawn"], document["resumed"]) == (0, 0, 42_000)

    files = sorted((out / "draws").iterdir())
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:100])
    code, text, _ = qntk("sweep", config, "--out", out, "--workers", 1, "--json")
    assert (code, json.loads(text)["drawn"] > 0) == (0, True)
    pd.testing.assert_frame_equal(draws(out), first)


def test_the_same_bytes_on_any_number_of_workers(qntk, config, tmp_path):
    runs = []
    for workers in (1, 2, 7):
        qntk("sweep", config, "--out", tmp_path / str(workers), "--workers", workers)
        runs.append(draws(tmp_path / str(workers))["kernel"].to_numpy().tobytes())
    assert runs[0] == runs[1] == runs[2]


def test_every_cell_has_its_own_stream(qntk, config, tmp_path):
    qntk("sweep", config, "--out", tmp_path / "run")
    kernels = draws(tmp_path / "run")["kernel"]
    assert kernels.nunique() == len(kernels)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed = 5", "seed = 6", "seed is 5 there, 6 here"),
        ("qubits = [2, 3]", "qubits = [2]", "has 3000 draws there, 0 here"),
        ("looks = 1", "looks = 2", "has looks 1 there, 2 here"),
        ("draws = 3_000", "draws = 2_000", "has 3000 draws there, 2000 here"),
    ],
)
def test_a_directory_that_holds_another_sweep_is_refused(qntk, config, tmp_path, old, new, words):
    out = tmp_path / "run"
    config.write_text(config.read_text().replace("draws = 3_000", "draws = 3_000\nlooks = 1"))
    Store.create(out, *load_config(config))
    config.write_text(config.read_text().replace(old, new))
    code, text, error = qntk("sweep", config, "--out", out)
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert "holds another sweep" in error
    assert words in error


LARGE = """
[[grid]]
ensemble = "hea"
qubits = [2, 3]
layers = 64
observable = "Z0"
draws = 3_000
dqntk = true
"""


def test_added_cells_and_raised_draws_extend_a_finished_sweep_to_the_bytes_of_a_fresh_one(qntk, config, tmp_path):
    """Full chunks stay as they are; a last chunk that was short is redrawn, and its first draws are the same."""
    old, new = tmp_path / "old", tmp_path / "new"
    qntk("sweep", config, "--out", old)
    short = draws(old)
    text = (
        config.read_text().replace("qubits = [2, 3]", "qubits = [2, 3, 4]").replace("draws = 3_000", "draws = 20_000")
    )
    config.write_text(text + LARGE)
    code, output, error = qntk("sweep", config, "--out", old, "--json")
    assert (code, json.loads(output)["resumed"]) == (0, 0), error  # all 3 000 were less than a chunk of 16 384
    assert qntk("sweep", config, "--out", new)[0] == 0
    assert {p.name: p.read_bytes() for p in (old / "draws").iterdir()} == {
        p.name: p.read_bytes() for p in (new / "draws").iterdir()
    }
    assert draws(old)["dqntk"].notna().sum() == 6000
    longer = draws(old)
    longer["row"] = longer.groupby("cell").cumcount()
    prefix = longer[(longer["row"] < 3000) & longer["cell"].isin(short["cell"])]
    assert prefix["kernel"].to_numpy().tobytes() == short["kernel"].to_numpy().tobytes()

    config.write_text((text + LARGE).replace("20_000", "40_000"))
    before = {path: path.stat().st_mtime_ns for path in (old / "draws").iterdir()}
    code, output, _ = qntk("sweep", config, "--out", old, "--json")
    full = [path for path in before if "-00000" in path.name and path.stat().st_mtime_ns == before[path]]
    assert (code, len(full)) == (0, 22)  # the first chunk of every cell
    assert json.loads(output)["resumed"] >= 18 * 16_384


def test_a_sweep_whose_cells_stop_early_may_not_grow(qntk, config, tmp_path):
    out = tmp_path / "run"
    config.write_text(config.read_text().replace("draws = 3_000", "draws = 3_000\nlooks = 2"))
    Store.create(out, *load_config(config))
    text = config.read_text()
    for old, new, words in (
        ("draws = 3_000", "draws = 4_000", "has 3000 draws there, 4000 here, and a sweep with cells that stop early"),
        ("qubits = [2, 3]", "qubits = [2, 3, 4]", "has 0 draws there, 3000 here, and a sweep with cells that stop"),
        ("family_error = 0.05", "family_error = 0.1", "'family_error' or 'margin' differs"),
    ):
        config.write_text(text.replace(old, new))
        code, _, error = qntk("sweep", config, "--out", out)
        assert (code, words in error) == (2, True), error


def test_margins_may_change_without_new_draws(qntk, config, tmp_path):
    out = tmp_path / "run"
    qntk("sweep", config, "--out", out)
    config.write_text(config.read_text().replace("family_error = 0.05", "family_error = 0.01"))
    code, text, _ = qntk("sweep", config, "--out", out, "--json")
    assert (code, json.loads(text)["drawn"]) == (0, 0)


@pytest.mark.parametrize("kind", ["foreign files", "a file", "damaged manifest", "no sweep to report"])
def test_directories_that_cannot_serve_are_refused_in_one_line(qntk, config, tmp_path, kind):
    out = tmp_path / "run"
    command = ["sweep", config, "--out", out]
    if kind == "foreign files":
        out.mkdir()
        (out / "thesis.tex").touch()
    elif kind == "a file":
        out.write_text("hello")
    elif kind == "damaged manifest":
        Store.create(out, *load_config(config))
        (out / "manifest.json").write_text("{")
    else:
        command = ["report", out]
    code, text, error = qntk(*command)
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert error.startswith("qntk: error: ")


def test_an_exception_keeps_what_was_finished(config, tmp_path, monkeypatch):
    store = Store.create(tmp_path / "run", *load_config(config))
    right = executors.draw_chunks
    seen = []

    def failing(cell, chunks, versions):
        seen.append(cell)
        if len(seen) > 6:
            raise KeyboardInterrupt
        return right(cell, chunks, versions)

    monkeypatch.setattr(executors, "draw_chunks", failing)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(store, workers=2, quiet=True)
    assert len(store.missing()) <= 14 - 6
    monkeypatch.undo()
    run_sweep(store, quiet=True)
    assert not store.missing()


def test_ctrl_c_exits_with_130_and_says_how_to_go_on(config, tmp_path):
    config.write_text(config.read_text().replace("draws = 3_000", "draws = 3_000_000"))
    out = tmp_path / "run"
    command = [
        sys.executable,
        "-c",
        "from qntk.validation.commands.main import main; main()",
        "sweep",
        str(config),
        "--out",
        str(out),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(out.glob("draws/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"go on with: qntk sweep {config} --out {out}" in error
    kept = draws(out)
    assert len(kept) > 0
    assert np.isfinite(kept["kernel"]).all()
