"""What a sweep costs beside its kernels: two cores, chunks of a second, many cells, many draws.

    python benchmarks/sweep_scale.py                 all of it, several minutes alone on a machine
    python benchmarks/sweep_scale.py --share 0.1     the packaged default with a tenth of its draws

Each run is a process of its own, so that its peak memory is its own. Ratios come from runs side by side.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from qntk.sampling import Draws
from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import SweepConfig, load_config
from qntk.validation.sweep.drawing import draw_chunk
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store

SECOND = {"ensemble": "haar-layers", "qubits": 12, "parameters": 80, "observable": "Z0", "draws": 256 * 12}
SMALL = {
    "ensemble": "haar-layers",
    "qubits": [2, 3, 4, 5],
    "parameters": {"from": 1, "to": 500, "step": 1},
    "observable": "Z0",
    "draws": 200,
}
MANY = {"ensemble": "haar-layers", "qubits": 2, "parameters": 4, "observable": "Z0", "draws": 10_000_000}


def configured(case: str, share: float) -> SweepConfig:
    if case == "default":
        config = load_config(None)[0].model_dump(exclude_unset=True)
        for grid in config["grid"]:
            grid["draws"] = max(int(grid["draws"] * share), 1000)
        return SweepConfig.model_validate(config)
    grid = {"second": SECOND, "small": SMALL, "many": MANY}[case]
    return SweepConfig.model_validate({"seed": 1, "grid": [grid]})


def child(case: str, workers: int, share: float) -> dict[str, Any]:
    """One sweep: compile first, then wall and processor time, peak memory, chunks and bytes."""
    config = configured(case, share)
    kinds = {(cell.ensemble, cell.quantities, cell.observable): cell for cell in reversed(expand(config))}
    for cell in kinds.values():
        cell.build().draw(8, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        begin, before = time.perf_counter(), time.process_time()
        store = Store.create(Path(folder) / "run", config, "")
        opened = time.perf_counter() - begin
        result = run_sweep(store, workers, quiet=True)
        wall, processor = time.perf_counter() - begin, time.process_time() - before
        sizes = [path.stat().st_size for path in store.directory.glob("draws/*")]
        pure = 0.0
        if case == "second":
            cell = store.cells[0]
            begin = time.perf_counter()
            for chunk in range(len(cell.chunks)):
                draw_chunk(cell, chunk)
            pure = time.perf_counter() - begin
    return {
        "case": case,
        "workers": workers,
        "cells": result.cells,
        "draws": result.drawn,
        "chunks": len(sizes),
        "opening": opened,
        "wall": wall,
        "processor": processor,
        "pure": pure,
        "bytes": sum(sizes),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def run(case: str, workers: int, share: float = 1.0) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", case, "--workers", str(workers), "--share", str(share)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def driver_seconds(rows: int, rounds: int = 50) -> float:
    """Of the driver for each chunk of so many rows: writing it."""
    config = configured("many", 1.0)
    rng = np.random.default_rng(0)
    draws = Draws(rng.random(rows), rng.random(rows))
    with tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder) / "run", config, "")
        begin = time.perf_counter()
        for chunk in range(rounds):
            store.write(store.cells[0], chunk, draws)
        return (time.perf_counter() - begin) / rounds


def table(share: float, rounds: int) -> str:
    lines = [
        "| what | cells | chunks | draws | workers | wall | peak memory | on disk |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]

    def row(name: str, found: dict[str, Any]) -> None:
        lines.append(
            f"| {name} | {found['cells']:,} | {found['chunks']:,} | {found['draws']:,} | {found['workers']} | "
            f"{found['wall']:.1f} s | {found['memory'] / 2**20:.0f} MiB | {found['bytes'] / 1e6:.1f} MB |"
        )

    ratios = []
    for _ in range(rounds):
        one, two = run("default", 1, share), run("default", 2, share)
        ratios.append(one["wall"] / two["wall"])
    row(f"packaged default, {share:g} of its draws", one)
    row("the same", two)
    seconds = [run("second", 1) for _ in range(rounds)]
    row("chunks of a second", seconds[-1])
    row("2 000 small cells", run("small", 2))
    row("10⁷ draws of one cell", run("many", 2))
    overheads = [found["wall"] / found["pure"] - 1 for found in seconds]
    each = [found["pure"] / found["chunks"] for found in seconds]
    told = ", ".join(f"{1e3 * driver_seconds(n):.2f} ms for {n:,} draws" for n in (256, 4096, 16384))
    lines += [
        "",
        f"Two threads over one: {', '.join(f'{r:.2f}' for r in ratios)} times as fast.",
        f"Chunks of {np.median(each):.2f} s: a sweep takes {', '.join(f'{100 * o:+.1f} %' for o in overheads)} "
        "beside the bare kernel, opening and closing the directory included.",
        f"The driver writes a chunk in {told}.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the packaged default's draws")
    parser.add_argument("--rounds", type=int, default=1, help="pairs of runs behind each ratio")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(child(arguments.child, arguments.workers, arguments.share)))
    else:
        print(table(arguments.share, arguments.rounds))


if __name__ == "__main__":
    main()
