"""What this process may use of its machine: cores, and a place to keep compiled code, and saying what takes long."""

from __future__ import annotations

import atexit
import math
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CGROUPS = (
    ("/sys/fs/cgroup/cpu.max", None),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def cores() -> int:
    """Cores that this process may use: by its affinity, and by the quota of its container."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for quota, period in _CGROUPS:
        try:
            words = Path(quota).read_text(encoding="ascii").split()
            words += Path(period).read_text(encoding="ascii").split() if period else []
            if words[0] != "max" and int(words[0]) > 0:
                count = min(count, math.ceil(int(words[0]) / int(words[1])))
        except (OSError, ValueError, IndexError, ZeroDivisionError):
            continue
    return max(count, 1)


def keep_compiled_code(package: Path) -> None:
    """Give numba a temporary folder, and say so, where it could write neither beside a package nor into the home.

    Before numba is asked to compile; processes that are started from here use the same folder.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    if sys.platform == "darwin":
        home = Path("~/Library/Caches").expanduser()
    if _can_write(package / "__pycache__") or _can_write(home / "numba"):
        return
    folder = tempfile.mkdtemp(prefix="qntk-numba-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = folder
    if "numba" in sys.modules:
        from numba.core import config

        config.CACHE_DIR = folder
    print(
        f"qntk: warning: compiled code is kept in {folder} and compiled anew each time, as no cache is writable; set "
        "NUMBA_CACHE_DIR to a folder that can",
        file=sys.stderr,
    )


@contextmanager
def saying_if_slow(message: str, seconds: float = 1.0) -> Iterator[None]:
    """Print a line on standard error once the block has taken this long; nothing if it is done before."""
    timer = threading.Timer(seconds, lambda: print(f"qntk: {message}", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
