"""Seeded generators of malformed input: what a user may bring by mistake, as a command line and the files it needs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

WORDS = [
    "",
    "0",
    "-1",
    "1e400",
    "nan",
    "Z0",
    "[]",
    "{}",
    "\x1b[31m",
    "é",
    "=1+1",
    "9" * 30,
    "null",
    "true",
    "'",
    '"',
    "\\",
    "0,5",
]
CELL = ["--qubits", "2", "--params", "4", "--observable", "Z0"]
TOML = 'seed = 1\n[[grid]]\nensemble = "haar-layers"\nqubits = 2\nparameters = 4\nobservable = "Z0"\ndraws = 64\n'
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float a;\nqubit[2] q;\nry(a) q[0];\ncx q[0], q[1];\n'
Case = list[str]


def mangled(rng: random.Random, content: bytes) -> bytes:
    """Some bytes flipped, cut, doubled or put in."""
    made = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(made) + 1)
        kind = rng.randrange(5)
        if kind == 0 and made:
            made[place % len(made)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del made[place : place + rng.randint(1, 20)]
        elif kind == 2:
            made[place:place] = rng.choice(WORDS).encode()
        elif kind == 3:
            made[place:place] = bytes(rng.randrange(256) for _ in range(3))
        else:
            made[place:place] = made[max(0, place - 9) : place]
    return bytes(made)


def configurations(rng: random.Random, folder: Path) -> Case:
    """A configuration with damage, for the command that reads it and draws little."""
    path = folder / "s.toml"
    path.write_bytes(mangled(rng, TOML.encode()))
    return ["plan", str(path), "--json"]


def options(rng: random.Random, folder: Path) -> Case:
    """A prediction with an option replaced by something else."""
    line = list(CELL)
    line[rng.choice([1, 3, 5])] = rng.choice(WORDS)
    return ["predict", *line, *rng.choice([[], ["--generator", rng.choice(WORDS)], [rng.choice(WORDS)]]), "--json"]


def draws(rng: random.Random, folder: Path) -> Case:
    """A file of draws with damage, in each format."""
    suffix = rng.choice(["csv", "npy", "npz", "parquet", "csv.gz", "tsv"])
    path, frame = folder / f"d.{suffix}", pd.DataFrame({"kernel": np.arange(1.0, 40.0), "seed": range(39)})
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix == "npy":
        np.save(path, frame["kernel"].to_numpy())
    elif suffix == "npz":
        np.savez(path, kernel=frame["kernel"].to_numpy())
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    path.write_bytes(mangled(rng, path.read_bytes()))
    return ["compare", str(path), *CELL, "--json"]


def circuits(rng: random.Random, folder: Path) -> Case:
    """A circuit with damage."""
    path = folder / "c.qasm"
    path.write_bytes(mangled(rng, QASM.encode()))
    return ["check", str(path), "--observable", "Z0", "--draws", "64", "--repeats", "1", "--json"]


def tables(rng: random.Random, folder: Path) -> Case:
    """A table for a study, with damage."""
    path = folder / "t.csv"
    path.write_bytes(mangled(rng, b"x,y,split\n0.1,0.2,train\n0.3,0.1,train\n0.5,0.4,test\n"))
    config = 'qubits = 2\nmodels = ["nope"]\n[dataset]\nname = "csv"\npath = "t.csv"\n'
    (folder / "d.toml").write_text(config, encoding="utf-8")
    return ["diagnose", str(folder / "d.toml"), "--out", str(folder / "study"), "--json"]


def directories(rng: random.Random, folder: Path) -> Case:
    """A sweep's manifest or configuration with damage."""
    path = folder / rng.choice(["manifest.json", "config.toml"])
    (folder / "draws").mkdir(exist_ok=True)
    (folder / "config.toml").write_text(TOML, encoding="utf-8")
    (folder / "manifest.json").write_text('{"seed": 1, "stream_version": 1, "versions": {}, "cells": [{}]}', "utf-8")
    path.write_bytes(mangled(rng, path.read_bytes()))
    return [rng.choice(["status", "report"]), str(folder), "--json"]


KINDS: list[Callable[[random.Random, Path], Case]] = [configurations, options, draws, circuits, tables, directories]
