"""How the suite runs: hypothesis without a deadline (a first call compiles) and, in CI, always with the same examples;
and how several workers share the files.

The suite uses its own pytest plugin; a checkout that is not installed has no entry point, and names it here.
"""

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import settings

from qntk.inputs.machine import cores
from qntk.validation.commands.main import main

ROOT = Path(__file__).parents[1]

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

PLUGIN = "qntk.validation.kit.pytest_plugin"
INSTALLED = bool(entry_points(group="pytest11", name="qntk", value=PLUGIN))
pytest_plugins = ["pytester"] if INSTALLED else ["pytester", PLUGIN]

LONG = (
    "tests/browser/",
    "tests/test_docs.py",
    "tests/validation/report/test_report.py",
    "tests/sampling/test_bytes.py",
    "tests/validation/diagnosis/test_study.py",
    "tests/validation/sweep/test_executors.py",
    "tests/validation/sweep/test_faults.py",
    "tests/theory/haar/test_distribution.py",
    "tests/theory/haar/test_layers.py",
    "tests/theory/circuits/test_orbits.py",
    "tests/environment/test_one_name.py",
    "tests/test_site.py",
    "tests/validation/commands/test_kills.py",
)
"""Folders and files that take longest: workers begin with them, lest one is left alone with the last."""


def pytest_collection_modifyitems(items):
    def place(item):
        return next((i for i, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One more than cores: browsers, kernels and killed programs are waited for."""
    return cores() + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file goes to one worker, and the tests of the browser to one together; in the order of collection."""
    from xdist.scheduler import LoadFileScheduling

    class InOrder(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return next((name for name in LONG if nodeid.startswith(name)), super()._split_scope(nodeid))

    config.option.loadscopereorder = False
    return InOrder(config, log)


def pytest_make_parametrize_id(val, argname):
    """Bytes are named by their argument: compressed ones change with the clock, and two workers must agree on names."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture
def no_figures(monkeypatch):
    """Reports and studies without figures, which take most of their time."""
    monkeypatch.setattr("qntk.validation.report.figures.collection._figures", lambda results: iter(()))
    monkeypatch.setattr("qntk.validation.diagnosis.figures._figures", lambda study: iter(()))


@pytest.fixture
def plugin(monkeypatch):
    """Arguments with which another pytest, in this process or another, has the plugin of this checkout."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.delenv("QNTK_SEED", raising=False)
    return ["-p", "no:cacheprovider", *([] if INSTALLED else ["-p", PLUGIN])]


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
    path.write_text(f"#!{sys.executable}\nfrom qntk.validation.commands.main import main\nmain()\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep))
    return str(path)
