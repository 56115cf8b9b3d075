"""Containers and clusters: neither the package nor the home can be written, and nothing names a cache."""

import os
import shutil
import subprocess
import sys

from environments import ROOT

EVERY_MODULE = """
import importlib, pkgutil, qntk
for room in ("theory", "sampling"):
    package = importlib.import_module("qntk." + room)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(qntk.__file__)
print(qntk.haar(1, 2, "Z0", draws=8, seed=1).kernel.min() >= 0)
"""


def test_kernels_are_compiled_into_a_temporary_folder_that_is_said_once_and_removed(tmp_path):
    """A file where a cache would be made stops root too, whom permissions do not."""
    site = tmp_path / "site"
    shutil.copytree(ROOT / "qntk", site / "qntk", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [site / "qntk", *(path for path in (site / "qntk").rglob("*") if path.is_dir())]:
        (folder / "__pycache__").touch()
    (tmp_path / "temporary").mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA", "XDG", "MPL"))}
    environment |= {"HOME": os.devnull, "PYTHONPATH": str(site), "TMPDIR": str(tmp_path / "temporary")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", EVERY_MODULE], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(site / "qntk" / "__init__.py"), "True"]
    assert done.stderr.count("qntk: warning: compiled code is kept in") == 1
    assert not any((tmp_path / "temporary").glob("qntk-numba-*"))
