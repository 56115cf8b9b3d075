"""Configurations: what is accepted, and one line that names the key for what is not."""

import time
import tomllib

import pytest

from qntk.inputs import machine
from qntk.validation.sweep.cells import expand, scaling_families
from qntk.validation.sweep.config import SweepConfig, load_config

GRID = {"ensemble": "haar-layers", "qubits": [2], "parameters": [4], "observable": "Z0", "draws": 100}
HEA = {"ensemble": "hea", "qubits": [2], "layers": [4], "observable": "Z0", "draws": 100}
GOOD = {"seed": 1, "grid": [GRID]}


def toml(document):
    lines = [f"{k} = {_value(v)}" for k, v in document.items() if k != "grid" and not isinstance(v, dict)]
    lines += [
        f"[{k}]\n" + "\n".join(f"{a} = {_value(b)}" for a, b in v.items())
        for k, v in document.items()
        if isinstance(v, dict)
    ]
    for grid in document.get("grid", []):
        lines += ["[[grid]]", *(f"{k} = {_value(v)}" for k, v in grid.items())]
    return "\n".join(lines)


def _value(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sead": 1}, "unknown key 'sead'; accepted there: title, seed"),
        ({"seed": "one"}, "seed: input should be a valid integer, given 'one'"),
        ({"seed": -1}, "seed: .* greater than or equal to 0, given -1"),
        ({"family_error": 1.0}, "family_error: .* less than 1"),
        ({"margin": {"mean": 0}}, "margin.mean: "),
        ({"margin": {"median": 0.1}}, "unknown key 'margin.median'; accepted there: mean, variance"),
        ({"generator": "paulis"}, "generator: .*'half-pauli' or 'pauli'"),
        ({"grid": []}, "grid: "),
        ({"grid": [GRID | {"qubit": [2]}]}, r"unknown key 'grid\[0\].qubit'"),
        (
            {"grid": [GRID | {"qubits": [2, 0]}]},
            r"grid\[0\].qubits\[1\]: .* greater than or equal to 1, given 0",
        ),
        ({"grid": [GRID | {"qubits": 99}]}, r"grid\[0\].qubits\[0\]: .* less than or equal to 12, given 99"),
        ({"grid": [GRID | {"parameters": [0]}]}, r"grid\[0\].parameters\[0\]: "),
        ({"grid": [GRID | {"parameters": []}]}, r"grid\[0\].parameters: "),
        ({"grid": [GRID | {"draws": 7}]}, r"grid\[0\].draws: .* greater than or equal to 8, given 7"),
        ({"grid": [GRID | {"draws": 1e3}]}, r"grid\[0\].draws: .* valid integer"),
        ({"grid": [GRID | {"ensemble": "haar"}]}, "ensemble 'haar' is unknown; choose from haar-layers, hea"),
        ({"grid": [GRID | {"ensemble": "hea"}]}, "takes the key 'layers' and not 'parameters'"),
        ({"grid": [GRID | {"layers": [1]}]}, "takes the key 'parameters' and not 'layers'"),
        ({"grid": [GRID | {"looks": 0}]}, r"grid\[0\].looks: .* greater than or equal to 1, given 0"),
        ({"grid": [GRID | {"looks": 11}]}, r"grid\[0\].looks: .* less than or equal to 10, given 11"),
        ({"grid": [GRID | {"looks": 2.5}]}, r"grid\[0\].looks: .* valid integer, given 2.5"),
        ({"grid": [GRID | {"look": 2}]}, r"unknown key 'grid\[0\].look'; accepted there: .*looks, dqntk, overlap"),
        ({"grid": [GRID | {"dqntk": 1}]}, r"grid\[0\].dqntk: input should be a valid boolean, given 1"),
        ({"grid": [GRID | {"dqntk": "yes"}]}, r"grid\[0\].dqntk: input should be a valid boolean, given 'yes'"),
        ({"grid": [GRID | {"overlap": -0.1}]}, r"grid\[0\].overlap: .* greater than or equal to 0, given -0.1"),
        ({"grid": [GRID | {"overlap": 1.0}]}, r"grid\[0\].overlap: input should be less than 1, given 1.0"),
        ({"grid": [GRID | {"overlap": "half"}]}, r"grid\[0\].overlap: input should be a valid number, given 'half'"),
        ({"grid": [GRID | {"overlap": 0.5, "dqntk": True}]}, r"grid\[0\]: give 'dqntk' and 'overlap' in two grids"),
        (
            {"grid": [HEA | {"overlap": 0.5}]},
            r"grid\[0\]: the key 'overlap' goes with haar-layers; 'hea' has no inputs",
        ),
        ({"margin": {"second_moment": 1}}, "margin.second_moment: input should be less than 1, given 1"),
    ],
)
def test_bad_keys_are_named(tmp_path, change, words):
    path = tmp_path / "c.toml"
    path.write_text(toml(GOOD | change))
    with pytest.raises(ValueError, match=words) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


def test_the_ansatz_needs_its_smallest_size(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        toml(
            {
                "seed": 1,
                "grid": [{"ensemble": "hea", "qubits": 1, "layers": 1, "observable": "Z0", "draws": 8}],
            }
        )
    )
    with pytest.raises(ValueError, match="qubits >= 2"):
        load_config(path)


@pytest.mark.parametrize(("content", "words"), [("seed = ", "is not TOML"), ("", "seed")])
def test_files_that_are_no_configuration(tmp_path, content, words):
    path = tmp_path / "c.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=words):
        load_config(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nope\.toml cannot be read"):
        load_config(tmp_path / "nope.toml")


def test_the_packaged_default_is_what_the_readme_says():
    config, text = load_config(None)
    assert SweepConfig.model_validate(tomllib.loads(text)) == config
    cells = expand(config)
    haar = [c for c in cells if c.ensemble == "haar-layers"]
    assert {c.qubits for c in haar} == {2, 3, 4, 5, 6}
    assert {c.observable for c in haar} == {"Z0", "projector:rank=1", "tfim:J=1,h=1"}
    assert min(c.parameters for c in haar) == 4
    assert max(c.parameters for c in haar) >= 128
    assert {c.ensemble for c in cells} == {"haar-layers", "hea", "hea-cz-ring"}
    assert {c.quantities for c in haar} == {("kernel",), ("kernel", "dqntk"), ("kernel", "cross_kernel")}


def cells(**changes):
    return expand(SweepConfig.model_validate(GOOD | {"grid": [GRID | changes]}))


def test_streams_depend_on_what_defines_a_cell_and_not_on_its_neighbours_or_draws():
    (reference,) = cells()
    assert cells(draws=200)[0].key == reference.key
    assert cells(qubits=[3, 2])[1].key == reference.key
    assert cells(observable="1.0*Z0")[0].key == reference.key
    keys = {reference.key}
    for change in ({"qubits": 3}, {"parameters": 5}, {"observable": "Z1"}, {"generator": "pauli"}):
        keys.add(cells(**change)[0].key)
    assert len(keys) == 5


def test_what_is_drawn_beside_the_kernel_makes_another_cell_and_looks_do_not():
    (reference,) = cells()
    assert (reference.dqntk, reference.overlap, reference.looks) == (False, None, 1)
    assert cells(looks=5)[0].key == reference.key
    assert cells(dqntk=False)[0].key == reference.key
    keys = {reference.key, cells(dqntk=True)[0].key, cells(overlap=0.0)[0].key, cells(overlap=0.5)[0].key}
    assert len(keys) == 4


def test_a_repeated_cell_is_refused():
    with pytest.raises(ValueError, match="repeats a cell"):
        cells(qubits=[2, 2])
    with pytest.raises(ValueError, match=r"grid\[1\] repeats a cell"):
        expand(SweepConfig.model_validate(GOOD | {"grid": [GRID, GRID | {"looks": 3}]}))


def test_an_observable_that_does_not_fit_some_size_is_refused():
    with pytest.raises(ValueError, match="names qubit 2; there are 2"):
        cells(qubits=[3, 2], observable="Z2")


def grids(**changes):
    return [(c.ensemble, c.qubits, c.layers or c.parameters, c.draws) for c in cells(**changes)]


def test_ranges_zipped_lists_and_overrides():
    assert [s for *_, s, _ in grids(parameters={"from": 4, "to": 64, "points": 5})] == [4, 8, 16, 32, 64]
    assert [n for _, n, *_ in grids(qubits={"from": 2, "to": 7, "step": 2})] == [2, 4, 6]
    pairs = grids(qubits=[2, 3, 4], parameters=[8, 16, 32], zipped=True)
    assert [(n, s) for _, n, s, _ in pairs] == [(2, 8), (3, 16), (4, 32)]
    found = grids(
        ensemble=["haar-layers", "hea", "hva"],
        override={
            "hea": {"layers": [2, 3], "draws": 50},
            "hva": {"layers": 1, "qubits": {"from": 3, "to": 4, "step": 1}},
        },
    )
    assert found == [
        ("haar-layers", 2, 4, 100), ("hea", 2, 2, 50), ("hea", 2, 3, 50), ("hva", 3, 1, 100), ("hva", 4, 1, 100),
    ]  # fmt: skip
    (plain,), (overridden,) = cells(draws=50), cells(override={"haar-layers": {"draws": 50}})
    assert plain == overridden


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("parameters = { from = 4, to = 2, points = 3 }", r"grid\[0\].parameters: a range is .*'to' is 2, below"),
        ("parameters = { from = 4, to = 8 }", r"grid\[0\].parameters: a range is .*given the keys from, to"),
        ("parameters = { from = 4, to = 8, points = 1.5 }", r"'points' is a whole number from 2 on, given 1.5"),
        ("qubits = { from = 2, to = 20, step = 1 }", r"grid\[0\].qubits\[11\]: .* less than or equal to 12, given 13"),
        ("parameters = [4, 5]\nzipped = true", r"'zipped' takes as many 'qubits' as 'parameters', .* given 1 and 2"),
        ("override.hea.draws = 9", r"grid\[0\]: the key 'override' names 'hea'; it takes haar-layers"),
        ("override.haar-layers.drows = 9", r"unknown key 'grid\[0\].override.haar-layers.drows'; accepted .* draws"),
        ("override.haar-layers.draws = 1", r"grid\[0\].override.haar-layers.draws: .* equal to 8, given 1"),
        ("override.haar-layers.layers = 2", r"grid\[0\]: ensemble 'haar-layers' takes the key 'parameters'"),
        ('ensemble = ["hea", "hea"]\nlayers = 2', r"the key 'ensemble' names one twice"),
        ('inputs = "x"', r"the key 'inputs' goes with 'circuit'"),
    ],
)
def test_bad_ranges_pairs_and_overrides_are_named(tmp_path, change, words):
    path = tmp_path / "c.toml"
    given = {line.partition(" = ")[0] for line in change.splitlines()}
    lines = [f"{key} = {_value(value)}" for key, value in GRID.items() if key not in given]
    path.write_text("\n".join(["seed = 1", "[[grid]]", *lines, change]))
    with pytest.raises(ValueError, match=words) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("qubits = [2, 3]", "qubits = { from = 2, to = 1000000, step = 1 }"), "has '999999' numbers, give at most"),
        (("qubits = [2, 3]", f"qubits = {{ from = 1, to = {10**30}, step = 1 }}"), "give at most"),
        (("qubits = [2, 3]", f"qubits = {{ from = 1, to = {10**30}, points = 3 }}"), "give at most"),
        (("qubits = [2, 3]", "qubits = 1000000"), "less than or equal to 12"),
        (("parameters = [4, 8, 16]", "parameters = { from = 1, to = 90000, step = 1 }"), "at most 100,000"),
        (("draws = 3_000", "draws = 1_000_000_000"), "less than or equal to 100000000"),
    ],
)
def test_what_could_not_be_planned_is_refused_at_once(qntk, config, change, words):
    assert change[0] in config.read_text()
    config.write_text(config.read_text().replace(*change, 1))
    begin = time.monotonic()
    code, _, error = qntk("plan", config)
    assert (code, error.count("\n")) == (2, 1)
    assert words in error
    assert time.monotonic() - begin < 5


def test_a_sweep_that_does_not_fit_in_memory_is_refused_before_it_draws(qntk, config, tmp_path, monkeypatch):
    """The threads that will run are counted: one fits where a thousand do not."""
    monkeypatch.setattr(machine, "free_memory", lambda: 64 * 2**20)
    code, _, error = qntk("sweep", config, "--out", tmp_path / "run", "--workers", 1000)
    assert (code, error.count("\n")) == (2, 1)
    assert "a sweep on 1000 threads needs about" in error
    assert not list((tmp_path / "run").glob("draws/*"))
    assert qntk("sweep", config, "--out", tmp_path / "run", "--workers", 1)[0] == 0


def test_a_plane_is_fitted_over_more_cells_than_it_has_coefficients():
    """Three sizes in L and in D on a diagonal are three cells for three coefficients: no exponent in both."""
    block = '[[grid]]\nensemble = "haar-layers"\nqubits = [{}]\nparameters = [{}]\nobservable = "Z0"\ndraws = 100\n'
    blocks = [block.format(n, L) for n, L in ((2, 4), (3, 8), (4, 16))]
    assert list(scaling_families(expand(load_config("seed = 1\n" + "".join(blocks))[0]))) == []
    blocks.append(block.format(3, 16))
    assert [variables for variables, _ in scaling_families(expand(load_config("seed = 1\n" + "".join(blocks))[0]))] == [
        ("L", "D")
    ]
