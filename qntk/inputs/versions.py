"""Versions of all that a result may depend on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "scipy", "numba", "qiskit", "qiskit-aer", "stim", "pandas", "pyarrow")


def installed(names: Iterable[str]) -> dict[str, str]:
    """Versions of Python and of packages that are there, by name."""
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def processor() -> str:
    """The processor's kind, those of its features that choose arithmetic, and the C library, in a line."""
    import llvmlite.binding as llvm  # which takes a moment, and most commands do without

    features = llvm.get_host_cpu_features()
    chosen = [name for name in ("sse4.2", "avx2", "fma", "avx512f", "neon", "sve") if features.get(name)]
    return " ".join([platform.machine(), llvm.get_host_cpu_name(), *chosen, *platform.libc_ver()])


def versions() -> dict[str, str]:
    """qntk, Python, the packages and the platform, by name; nothing is imported for it."""
    found = {"qntk": version("qntk"), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | {"platform": platform.platform()}
