"""The plan of a sweep: its keys, its promises beside what the sweep then does, and bad keys named."""

import json

import pytest

from qntk.validation.sweep import drawing
from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.plan import Cost, measure, plan_document, plan_text

CELL_KEYS = {
    "ensemble", "qubits", "layers", "parameters", "observable", "generator", "draws", "capped", "power", "moments",
    "detectable", "agree_probability", "seconds",
}  # fmt: skip
POWERED = """
seed = 11
family_error = 1e-4

[[grid]]
ensemble = "haar-layers"
qubits = [2, 3]
parameters = [8, 16, 32]
observable = ["Z0", "projector:rank=1"]
power = 0.999

[[grid]]
ensemble = "hea"
qubits = 2
layers = 64
observable = "Z0"
power = 0.9
most_draws = 2_500
"""


@pytest.fixture
def powered(tmp_path):
    path = tmp_path / "powered.toml"
    path.write_text(POWERED)
    return path


def intervals_of(config):
    """Claims and exponents of a configuration no two of whose grids share a family, off its lists."""
    count = 0
    for grid in config.grid:
        n, sizes = len(grid.qubits), len(grid.parameters or grid.layers)
        claims = 4 + 2 * grid.dqntk + (grid.overlap is not None)
        fits = n * (sizes >= 3)
        if grid.parameters:
            fits += sizes * (n >= 3) + 2 * (n >= 3 and sizes >= 3)
        count += len(grid.observable) * (n * sizes * claims + fits * (3 + grid.dqntk))
    return count


def test_the_packaged_default_is_planned_cell_by_cell():
    config, _ = load_config(None)
    cells = expand(config)
    count, draws, intervals = len(cells), sum(cell.draws for cell in cells), intervals_of(config)
    assert count == sum(len(g.observable) * len(g.qubits) * len(g.parameters or g.layers) for g in config.grid) > 200
    document = plan_document(config, Cost([0.5] * count, 2**30, 2))
    assert len(document["cells"]) == count
    assert set(document) == {
        "schema_version", "family_error", "intervals", "level", "margin", "workers", "draws", "total_seconds",
        "peak_memory_bytes", "cells",
    }  # fmt: skip
    assert document["draws"] == draws
    assert document["total_seconds"] == count / 2
    assert document["intervals"] == intervals
    assert document["level"] == config.family_error / intervals
    for planned, cell in zip(document["cells"], cells, strict=True):
        assert set(planned) == CELL_KEYS
        assert planned["draws"] == cell.draws
        assert planned["moments"] == ("exact" if cell.ensemble == "haar-layers" else "assumed")
        assert not planned["capped"]
        for statistic, margin in (("mean", 0.05), ("variance", 0.10), ("relative_std", 0.10)):
            assert margin < planned["detectable"][statistic] < 0.25
            # At the level of a report in which nothing settles; the worst is a projector on six qubits with L = 4.
            assert 0.75 < planned["agree_probability"][statistic] <= 1
    text = plan_text(document)
    assert f"{count} cells, {draws:,} draws: about {count / 2:.0f} s on 2 threads" in text
    assert f"{intervals} intervals of level 0.01/{intervals}" in text
    assert "assumed: the moments are a guess" in text


def test_a_powered_sweep_does_what_its_plan_says(qntk, powered, tmp_path, no_figures):
    """Each of 12 verdicts on a moment of Haar layers misses 'agree' with probability 1e-3; three or more with 2e-7.

    Draws are planned for the moments; the distances have draws to spare. The plan counts the intervals that the report
    then counts.
    """
    code, text, _ = qntk("plan", powered, "--json")
    plan = json.loads(text)
    assert code == 0
    *haar, hea = plan["cells"]
    assert (hea["draws"], hea["capped"], hea["moments"]) == (2500, True, "assumed")
    for cell in haar:
        assert cell["draws"] % 1000 == 0
        assert (cell["capped"], cell["moments"], cell["layers"]) == (False, "exact", None)
        assert min(cell["agree_probability"].values()) >= 0.999
    assert plan["total_seconds"] == pytest.approx(sum(cell["seconds"] for cell in plan["cells"]))
    assert min(cell["seconds"] for cell in plan["cells"]) > 0
    assert 2**26 < plan["peak_memory_bytes"] < 2**34
    assert "1 cells stop at most_draws" in plan_text(plan)

    out = tmp_path / "run"
    assert json.loads(qntk("sweep", powered, "--out", out, "--json")[1])["drawn"] == plan["draws"]
    qntk("report", out)
    report = json.loads((out / "verdicts.json").read_text())
    assert report["intervals"] == plan["intervals"]
    exact = [v for v in report["verdicts"] if v["regime"] == "exact" and v["ensemble"] == "haar-layers"]
    for statistic in ("mean", "variance", "relative_std"):
        outcomes = [v["verdict"] for v in exact if v["statistic"] == statistic]
        assert len(outcomes) == 12
        assert outcomes.count("agree") >= 10
    assert {v["verdict"] for v in exact if v["statistic"] == "distribution"} == {"agree"}


def test_the_table_names_every_ensemble(qntk, config):
    code, text, _ = qntk("plan", config)
    assert code == 0
    for words in ("haar-layers     Z0", "hea-cz-ring     Z0", "projector:rank=1", "14 cells, 42,000 draws", "assumed"):
        assert words in text


def test_cost_grows_with_the_draws_and_the_depth():
    """What the estimate adds up to, not how fast this machine is: 40 times the draws cost at least 10 times as much."""
    config, _ = load_config(None)
    cells = [c for c in expand(config) if c.ensemble == "hea" and c.qubits == 2 and c.layers in (1, 16, 256)]
    cost = measure(cells)
    assert cost.seconds == sorted(cost.seconds)
    assert cost.seconds[-1] > 10 * cost.seconds[0]
    assert cost.memory > 64 * 16384


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("power = 0.999", "", "grid[0]: give exactly one of the keys 'draws' and 'power'"),
        ("power = 0.999", "power = 0.9\ndraws = 9", "grid[0]: give exactly one of the keys 'draws' and 'power'"),
        ("power = 0.999", "draws = 9\nmost_draws = 9", "grid[0]: the key 'most_draws' goes with 'power'"),
        ("power = 0.999", "power = 1.0", "grid[0].power: input should be less than 1, given 1.0"),
        ("power = 0.999", "power = 0.0", "grid[0].power: input should be greater than 0, given 0.0"),
        ("power = 0.999", 'power = "most"', "grid[0].power: input should be a valid number, given 'most'"),
        ("power = 0.999", "powers = 0.9", "unknown key 'grid[0].powers'; accepted there: "),
        ("most_draws = 2_500", "most_draws = 7", "grid[1].most_draws: input should be greater than or equal to 8"),
        ("most_draws = 2_500", "most_draws = 1e6", "grid[1].most_draws: input should be a valid integer"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "sweep"])
def test_bad_keys_are_named(qntk, powered, tmp_path, command, old, new, words):
    powered.write_text(POWERED.replace(old, new))
    code, text, error = qntk(command, powered, *(["--out", tmp_path / "run"] if command == "sweep" else []))
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert words in error


def test_help_has_an_example(qntk):
    code, text, _ = qntk("plan", "--help")
    assert code == 0
    assert "qntk plan my-sweep.toml" in text


def test_memory_has_the_angles_that_a_thread_takes_at_a_time():
    """Those of a chunk, which is made so small that they take at most 64 MiB."""
    text = "seed = 1\n[[grid]]\nensemble = 'hea'\nqubits = [2]\nlayers = [{}]\nobservable = 'Z0'\ndraws = {}\n"

    for layers, draws in ((1, 100), (2000, 100_000)):
        (cell,) = expand(load_config(text.format(layers, draws))[0])
        taken = drawing.bytes_drawing([cell], 1) - drawing.bytes_drawing([cell], 1, lambda cell: 0)
        assert taken == 8 * cell.parameters * cell.chunks[0] <= 2**26
