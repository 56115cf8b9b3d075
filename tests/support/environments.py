"""Environments as users have them: qntk from a wheel, from the sdist, and editable, each in an environment of its own.

They borrow the other packages from the environment that runs the tests, by a path that finds qntk itself first where
it was installed.
"""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = ["wheel", "sdist", "editable"]


def run(*command, **options):
    """Run a command and return what came of it; the caller's own Python path stays out of it."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    environment |= options.pop("env", {})
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, env=environment, **options)


def build(target, folder, source=ROOT):
    """A distribution of ``source``, ``wheel`` or ``sdist``, in ``folder``."""
    done = run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    assert done.returncode == 0, done.stderr
    (made,) = folder.iterdir()
    return made


@dataclass(frozen=True)
class Environment:
    """A virtual environment with qntk in it."""

    path: Path

    def run(self, command, *arguments, **options):
        """A program of this environment, by its name."""
        return run(self.path / "bin" / command, *arguments, **options)

    def python(self, code, **options):
        """What a line of Python prints."""
        done = self.run("python", "-c", code, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def make(path, *what):
    """A new environment with ``what`` installed."""
    assert run(sys.executable, "-m", "venv", "--without-pip", path).returncode == 0
    ((site),) = path.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = path / "bin" / "python"
    for name in ("pytest", "py.test"):
        (path / "bin" / name).write_text(
            f"#!{python}\nfrom pytest import console_main\nraise SystemExit(console_main())\n"
        )
        (path / "bin" / name).chmod(0o755)
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    done = run(*install, "--no-build-isolation", "--ignore-installed", *what)
    assert done.returncode == 0, done.stderr
    return Environment(path)
