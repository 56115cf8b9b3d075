"""The example projects work for someone who has installed the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def project(tmp_path):
    return shutil.copytree(EXAMPLES / "downstream", tmp_path / "downstream")


def run(project, *arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


@pytest.mark.parametrize("root", [(), ("--qntk-seed", "20260101")])
def test_the_downstream_project_passes_its_tests(project, plugin, root):
    """The law's assertion fails with probability 1e-6; the negative control, 36 standard errors off, never."""
    done = run(project, *plugin, *root)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_broken_ansatz_fails_them_in_a_way_one_can_read(project, plugin):
    """Twice each angle, so more than twice the mean: 262 standard errors off."""
    path = project / "my_ansatz.py"
    path.write_text(path.read_text().replace("circuit.ry(next(angles)", "circuit.ry(2 * next(angles)"))
    done = run(project, *plugin)
    assert done.returncode == 1
    assert "AssertionError: mean of K disagrees: estimate " in done.stdout
    assert "qntk seed" in done.stdout
