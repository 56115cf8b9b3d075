"""The plugin in projects of others: seeds that repeat, that can be moved, and that a failure tells."""

import hashlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
SEEDS = """
import pytest

@pytest.mark.parametrize("case", ["a", "b"])
def test_case(case, qntk_seed, qntk_rng):
    print("SEED", case, qntk_seed, qntk_rng.integers(2**60))

def test_other(qntk_seed):
    print("SEED other", qntk_seed, 0)
"""


@pytest.fixture
def seeds(pytester, plugin):
    """Run two tests, one of them twice: name to seed and first random number."""
    pytester.makepyfile(test_seeds=SEEDS)

    def run(*arguments):
        result = pytester.runpytest(*plugin, "-s", *arguments)
        found = re.findall(r"SEED (\w+) (\d+) (\d+)", result.stdout.str())
        return {name: (int(seed), int(number)) for name, seed, number in found}

    return run


def sha(words):
    return int(hashlib.sha256(words.encode()).hexdigest(), 16) >> (256 - 63)


def test_every_test_has_a_seed_of_its_own_the_same_in_every_run(seeds):
    first = seeds()
    assert first == seeds()
    assert {name: seed for name, (seed, _) in first.items()} == {
        "a": sha("test_seeds.py::test_case[a]"),
        "b": sha("test_seeds.py::test_case[b]"),
        "other": sha("test_seeds.py::test_other"),
    }
    assert first["b"][1] == np.random.default_rng(first["b"][0]).integers(2**60)


def test_the_order_of_tests_does_not_matter(seeds):
    assert seeds("-k", "b") == {"b": seeds()["b"]}


def test_a_root_moves_every_seed_and_the_option_goes_before_the_variable(seeds, monkeypatch):
    plain, seven = seeds(), seeds("--qntk-seed", "7")
    assert seven["other"][0] == sha("7\ntest_seeds.py::test_other")
    assert not {s for s, _ in plain.values()} & {s for s, _ in seven.values()}
    monkeypatch.setenv("QNTK_SEED", "7")
    assert seeds() == seven
    assert seeds("--qntk-seed", "8") != seven
    monkeypatch.setenv("QNTK_SEED", "")
    assert seeds() == plain


def test_a_root_stands_in_the_header(pytester, plugin):
    pytester.makepyfile("def test_nothing(): pass")
    pytester.runpytest(*plugin, "--qntk-seed=7").stdout.fnmatch_lines(["qntk seed: 7"])
    pytester.runpytest(*plugin).stdout.no_fnmatch_line("*qntk seed*")


@pytest.mark.parametrize("given", ["--qntk-seed=seven", "--qntk-seed="])
def test_a_root_that_is_no_number_is_refused_in_one_line(pytester, plugin, given):
    result = pytester.runpytest(*plugin, given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --qntk-seed is '{given[12:]}'; give a whole number"])


def test_so_is_a_variable(pytester, plugin, monkeypatch):
    monkeypatch.setenv("QNTK_SEED", "1.5")
    pytester.runpytest(*plugin).stderr.fnmatch_lines(["ERROR: QNTK_SEED is '1.5'; give a whole number"])


def test_a_failure_tells_its_seed_and_a_pass_does_not(pytester, plugin):
    pytester.makepyfile(
        test_fails="""
        def test_fails(qntk_rng):
            assert qntk_rng is None

        def test_passes(qntk_rng):
            assert qntk_rng is not None

        def test_fails_without():
            assert False
        """
    )
    seed = sha("test_fails.py::test_fails")
    plain = pytester.runpytest(*plugin)
    plain.assert_outcomes(passed=1, failed=2)
    plain.stdout.fnmatch_lines(["-* qntk seed -*", f"{seed}, the same in every run"])
    assert plain.stdout.str().count("- qntk seed -") == 1
    moved = pytester.runpytest(*plugin, "--qntk-seed", "7")
    moved.stdout.fnmatch_lines([f"{sha('7' + chr(10) + 'test_fails.py::test_fails')}, again with --qntk-seed 7"])


HEAVY = {
    "numpy",
    "scipy",
    "qiskit",
    "pandas",
    "matplotlib",
    "numba",
    "qntk.theory",
    "qntk.sampling",
    "qntk.validation.kit.testing",
}


def test_a_project_that_does_not_use_it_does_not_pay_for_it(pytester, plugin):
    """In a process of its own; negative control: a test that takes ``qntk_rng`` does import numpy."""
    pytester.makepyfile(
        f"""
        import sys

        def test_unrelated():
            assert not {HEAVY!r} & set(sys.modules)

        def test_related(qntk_rng):
            assert "numpy" in sys.modules
        """
    )
    pytester.runpytest_subprocess(*plugin, "-p", "no:xdist").assert_outcomes(passed=2)


def test_strategies_say_what_is_missing_without_hypothesis():
    script = "import sys; sys.modules['hypothesis'] = None; import qntk.validation.kit.strategies"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: qntk.validation.kit.strategies needs hypothesis; pip install hypothesis"
    )


def test_the_entry_point_is_installed():
    """Install the checkout again where this fails: an old installation does not know the plugin."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert {e.name: e.value for e in entry_points(group="pytest11") if e.name == "qntk"} == declared
