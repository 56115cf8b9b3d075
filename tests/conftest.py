"""How hypothesis runs: no deadline (a first call compiles), and the same examples every time in CI.

The suite uses its own pytest plugin; a checkout that is not installed has no entry point, and names it here.
"""

import os
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

PLUGIN = "validation.pytest_plugin"
INSTALLED = bool(entry_points(group="pytest11", name="qntk", value=PLUGIN))
pytest_plugins = ["pytester"] if INSTALLED else ["pytester", PLUGIN]


@pytest.fixture
def no_figures(monkeypatch):
    """Reports and studies without figures, which take most of their time."""
    monkeypatch.setattr("validation.figures._figures", lambda results: iter(()))
    monkeypatch.setattr("validation.diagnose_figures._figures", lambda study: iter(()))


@pytest.fixture
def plugin(monkeypatch):
    """Arguments with which another pytest, in this process or another, has the plugin of this checkout."""
    paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.delenv("QNTK_SEED", raising=False)
    return ["-p", "no:cacheprovider", *([] if INSTALLED else ["-p", PLUGIN])]
