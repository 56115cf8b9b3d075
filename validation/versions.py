"""Versions of all that a result may depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "scipy", "numba", "qiskit", "qiskit-aer", "stim", "pandas", "pyarrow")


def versions() -> dict[str, str]:
    """qntk, Python, the packages and the platform, by name; nothing is imported for it."""
    found = {"qntk": version("qntk"), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | {"platform": platform.platform()}
