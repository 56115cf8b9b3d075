"""What this process may use of its machine, cores, memory, a place for compiled code; and saying what takes long."""

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

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_MEMINFO = Path("/proc/meminfo")
_GIB = 2**30


def cores() -> int:
    """Cores that this process may use: by its affinity, and by the quotas of its control groups."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for folder in _groups("cpu"):
        quota = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(quota) == 2 and all(word.isdecimal() for word in quota) and int(quota[1]):
            count = min(count, math.ceil(int(quota[0]) / int(quota[1])))
    return max(count, 1)


def free_memory() -> int:
    """Bytes that this process may still take: of the machine, and within the limits of its control groups.

    What files hold of memory until it is needed counts as free.
    """
    told = {line.partition(":")[0]: line.split()[1] for line in _lines(_MEMINFO) if len(line.split()) > 1}
    if told.get("MemAvailable", "").isdecimal():
        free = int(told["MemAvailable"]) * 1024
    else:
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for folder in _groups("memory"):
        for most, used, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, now = _words(folder / most), _words(folder / used)
            if limit and now and limit[0].isdecimal() and now[0].isdecimal():
                stat = dict(line.split()[:2] for line in _lines(folder / "memory.stat") if len(line.split()) > 1)
                kept = stat.get(cached, "0")
                free = min(free, int(limit[0]) - int(now[0]) + (int(kept) if kept.isdecimal() else 0))
    return max(free, 0)


def refuse_beyond_memory(needed: float, what: str, instead: str) -> None:
    """Raise ``ValueError`` if so many bytes are not free, saying what needs them and what to do instead."""
    free = free_memory()
    if needed > free:
        raise ValueError(
            f"{what} needs about {needed / _GIB:.3g} GiB of memory, and {free / _GIB:.3g} are free; {instead}"
        )


def _groups(controller: str) -> Iterator[Path]:
    """Folders of the control groups that this process is in, of version 2 and 1, up to their roots."""
    paths = {"/"}
    for line in _lines(_OWN):
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if not names or controller in names.split(","):
            paths |= {path, *map(str, Path(path).parents)}
    for root in (_CGROUPS, _CGROUPS / controller):
        for path in sorted(paths):
            yield root / path.lstrip("/")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


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
