"""Runs ``byte_probe.py`` as other kinds of machine, and compares.

    python tests/support/machines.py

prints a table of all kinds, and exits with 1 where bytes differ. A kind that this machine cannot run is named.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import llvmlite.binding as llvm

PROBE = Path(__file__).with_name("byte_probe.py")
_V3 = "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt,+f16c"
_V4 = f"{_V3},+avx512f,+avx512cd,+avx512bw,+avx512dq,+avx512vl"
_LIBRARIES = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4,-AVX2_Usable,-FMA_Usable",
}
THREADS = range(1, 8)


@dataclass(frozen=True)
class Machine:
    """A kind: environment variables, number of threads, and the features of the processor that it needs."""

    name: str
    environment: dict[str, str]
    workers: int = 2
    needs: str = ""

    def cannot_run(self) -> str:
        """The feature that is missing here, or nothing."""
        here = llvm.get_host_cpu_features()
        return next((f for f in self.needs.replace("+", "").split(",") if f and not here.get(f)), "")

    def digests(self) -> dict[str, str]:
        """What the probe prints, by name."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_CPU", "NPY_", "OPENBLAS_", "GLIBC_"))}
        done = subprocess.run(
            [sys.executable, str(PROBE), str(self.workers)],
            env=clean | self.environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return dict(json.loads(line) for line in done.stdout.splitlines())


HERE = Machine("this one", {})
TARGETS = (
    Machine("no FMA", {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}),
    Machine("AVX2 and FMA", {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": _V3}, needs=_V3),
    Machine("AVX-512", {"NUMBA_CPU_NAME": "skylake-avx512", "NUMBA_CPU_FEATURES": _V4}, needs=_V4),
)
LIBRARIES = tuple(
    Machine(f"other libraries, BLAS for {core}", _LIBRARIES | {"OPENBLAS_CORETYPE": core}, 3, needs)
    for core, needs in (("Prescott", "+sse3"), ("Haswell", _V3), ("SkylakeX", _V4))
)


def main() -> None:
    expected, wrong = {k: v for k, v in HERE.digests().items() if not k.startswith("control")}, 0
    print(f"| machine | same of {len(expected)} |\n|---|---|")
    for machine in (*TARGETS, *LIBRARIES, *(Machine(f"{n} threads", {}, n) for n in THREADS)):
        missing = machine.cannot_run()
        if missing:
            print(f"| {machine.name} | not run: this processor has no {missing} |", flush=True)
            continue
        found = machine.digests()
        other = [name for name, digest in expected.items() if found.get(name) != digest]
        wrong += len(other)
        print(
            f"| {machine.name} | {len(expected) - len(other)}{' but ' + ', '.join(other) if other else ''} |",
            flush=True,
        )
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
