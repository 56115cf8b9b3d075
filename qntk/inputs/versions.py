"""Versions of all that a result may depend on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "scipy", "numba", "qiskit", "qiskit-aer", "stim", "pandas", "pyarrow")


def installed(names: Iterable[str]) -> dict[str, str]:
    """Versions of Python and of packages that are there, by name."""
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def versions() -> dict[str, str]:
    """qntk, Python, the packages and the platform, by name; nothing is imported for it."""
    found = {"qntk": version("qntk"), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | {"platform": platform.platform()}
