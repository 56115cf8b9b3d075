"""Seeded generators of malformed input: what a user may bring by mistake, as a command line and the files it needs."""

from __future__ import annotations

import atexit
import functools
import gzip
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import qntk

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
PLAUSIBLE = [
    "1",
    "3",
    "60",
    "61",
    "X1",
    "Z0Z1",
    "tfim:h=1",
    "xxz:J=0",
    "1e77*Z0",
    "1e-162*Z0",
    "Z0-Z0",
    "IIZ",
    "@/dev/null",
]
CELL = ["--qubits", "2", "--params", "4", "--observable", "Z0"]
TOML = 'seed = 1\n[[grid]]\nensemble = "haar-layers"\nqubits = 2\nparameters = 4\nobservable = "Z0"\ndraws = 64\n'
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float a;\nqubit[2] q;\nry(a) q[0];\ncx q[0], q[1];\n'
STATEMENTS = [
    *("rx(a) q[0];", "rx(2*a) q[1];", "h q[2];", "reset q[0];", "barrier q;", "U(a, 0, a) q[0];", "cx q[0], q[0];"),
    *("ry(a/0) q[0];", "ry(log(a)) q[0];", "ry(1e400*a) q[0];", "ry(a*a*a) q[1];", "ry(sin(a)) q[1];", "ry(nan) q[0];"),
    *("input float b;", "input angle[8] b;", "input int n;", "bit c; c = measure q[0];", "delay[100ns] q[0];"),
    *("gate f(x) u { rx(x/3) u; } f(a) q[0];", "ctrl @ ry(a) q[0], q[1];", "pow(0.5) @ x q[0];", "inv @ ry(a) q[1];"),
    *("for int i in [0:2] { ry(a) q[0]; }", "if (true) { x q[0]; }", "while (true) { x q[0]; }", "qubit[40] r;"),
]
VALUES = [
    *(
        "0",
        "-1",
        "1",
        "2",
        "3",
        "1.5",
        "1e400",
        "nan",
        "-inf",
        "true",
        '""',
        '"Z0"',
        '"X1"',
        "[]",
        "[[1]]",
        "{}",
        "1979-05-27",
    ),
    *("9" * 30, "-" + "9" * 30, "[1, 2, 3]", "[2, 2]", '["Z0", "X0"]', "{ from = 2, to = 1000000, step = 1 }"),
    *(
        "{ from = 4, to = 16, points = 3 }",
        '"\\u001b[31m"',
        '"@/dev/null"',
        '"../../x"',
        '"os:getcwd"',
        "0.5",
        "07:32:00",
    ),
]
STUDY = (
    'seed = 1\nqubits = 2\nobservable = "Z0"\nmodels = ["low-hva"]\ndepths = [1]\nseeds = 2\nsteps = 2\n'
    "bisect_steps = 0\n"
)
Case = list[str]


def mangled(rng: random.Random, content: bytes) -> bytes:
    """Some bytes flipped, cut, doubled or put in."""
    made = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        place = rng.randrange(len(made) + 1)
        kind = rng.randrange(5)
        if kind == 0 and made:
            made[place % len(made)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del made[place : place + rng.randint(1, 20)]
        elif kind == 2:
            made[place:place] = rng.choice(WORDS).encode()
        elif kind == 3:
            made[place:place] = bytes(rng.randrange(rng.choice([128, 256])) for _ in range(3))
        else:
            made[place:place] = made[max(0, place - 9) : place]
    return bytes(made)


def revalued(rng: random.Random, text: str) -> str:
    """TOML with the value of one of its keys replaced by another that TOML has."""
    lines = text.splitlines()
    index = rng.choice([index for index, line in enumerate(lines) if " = " in line])
    lines[index] = f"{lines[index].split(' = ')[0]} = {rng.choice(VALUES)}"
    return "\n".join(lines)


def configurations(rng: random.Random, folder: Path) -> Case:
    """A configuration with damage, for the command that reads it and draws little."""
    path = folder / "s.toml"
    path.write_bytes(revalued(rng, TOML).encode() if rng.random() < 0.5 else mangled(rng, TOML.encode()))
    return ["plan", str(path), "--json"]


def options(rng: random.Random, folder: Path) -> Case:
    """A prediction with an option replaced by something else."""
    line = list(CELL)
    line[rng.choice([1, 3, 5])] = rng.choice([*WORDS, *PLAUSIBLE])
    more = [[], [], [], ["--generator", rng.choice([*WORDS, "pauli"])], [rng.choice(WORDS)]]
    return ["predict", *line, *rng.choice(more), "--json"]


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
    lines = QASM.splitlines()
    for _ in range(rng.randint(1, 3)):
        lines.insert(rng.randint(3, len(lines)), rng.choice(STATEMENTS))
    path.write_bytes("\n".join(lines).encode() if rng.random() < 0.5 else mangled(rng, QASM.encode()))
    quick = ["--no-reasons"] if rng.random() < 0.75 else []
    return ["check", str(path), "--observable", "Z0", "--draws", "64", "--repeats", "1", *quick, "--json"]


def tables(rng: random.Random, folder: Path) -> Case:
    """A table for a study in some dialect, with damage, and keys that may be those of another."""
    separator, decimal = rng.choice([(",", "."), (";", "."), (";", ","), ("\t", "."), ("|", "."), (" ", ".")])
    named = [["x", "y"], ["x", "y", "split"], ["", "x", "y"], ["x", "z", "y"], ["id", "x", "y"], ["y", "x", "x"]]
    columns = rng.choice(named)
    rows = [[rng.choice(["train", "test"]) if name == "split" else str(rng.randint(-99, 99) / 128) for name in columns]
            for _ in range(rng.choice([0, 2, 5, 6, 7, 8]))]  # fmt: skip
    if rng.random() < 0.3 and rows:
        rng.choice(rows)[rng.randrange(len(columns))] = rng.choice(["", "NA", "nan", "1e400", "1+2j", "1,234.5", "é"])
    text = "\n".join(separator.join(row) for row in [columns, *rows]).replace(".", decimal) + rng.choice(["", "\n"])
    content = text.encode(rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    name = rng.choice(["t.csv", "t.csv", "t.csv", "t.tsv", "t.csv.gz", "t.parquet"])
    content = gzip.compress(content) if name.endswith(".gz") and rng.random() < 0.9 else content
    (folder / name).write_bytes(mangled(rng, content) if rng.random() < 0.3 else content)
    keys = {"separator": separator, "decimal": decimal}
    other = {"separator": ";", "decimal": ",", "label": rng.choice(["x", "none"]), "features": rng.choice("xyz")}
    keys |= {key: value for key, value in other.items() if rng.random() < 0.1}
    chosen = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    config = f'{STUDY}[dataset]\nkind = "csv"\npath = {json.dumps(str(folder / name))}\n' + "\n".join(chosen)
    (folder / "d.toml").write_text(config, encoding="utf-8")
    return ["diagnose", str(folder / "d.toml"), "--out", str(folder / "study"), "--json"]


def studies(rng: random.Random, folder: Path) -> Case:
    """The configuration of a study with damage."""
    config = STUDY + '[dataset]\nkind = "kink"\npoints = 4\nscale = 0.5\n'
    made = revalued(rng, config).encode() if rng.random() < 0.5 else mangled(rng, config.encode())
    (folder / "d.toml").write_bytes(made)
    return ["diagnose", str(folder / "d.toml"), "--out", str(folder / "study"), "--json"]


def directories(rng: random.Random, folder: Path) -> Case:
    """A sweep that was drawn and reported, with damage to one to three of its files, whatever they are."""
    run = folder / "run"
    shutil.copytree(_sound_sweep(), run, symlinks=True)
    for _ in range(rng.randint(1, 3)):
        damage(rng, rng.choice(sorted(path for path in run.rglob("*") if "figures" not in path.parts)))
    command = rng.choice([["status"], ["status", "--verify"], ["report"], ["sweep"], ["compare"]])
    if command == ["sweep"]:
        return ["sweep", str(_sound_sweep() / "config.toml"), "--out", str(run), "--json"]
    return [*command, str(run), *(CELL if command == ["compare"] else []), "--json"]


def damage(rng: random.Random, path: Path) -> None:
    """One file or folder changed, emptied, gone, of another kind, or in the place of another."""
    kind = rng.choice(["mangled", "mangled", "mangled", "empty", "gone", "folder", "loop", "other", "null"])
    content = path.read_bytes() if path.is_file() else b""
    if kind == "mangled" and path.is_file():
        path.write_bytes(mangled(rng, content))
        return
    if kind == "other" and path.is_file():
        others = [other for other in sorted(path.parent.iterdir()) if other.is_file()]
        path.write_bytes(rng.choice(others).read_bytes())
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind in ("empty", "null"):
        path.write_bytes(b"" if kind == "empty" else b"null")


@functools.cache
def _sound_sweep() -> Path:
    """A sweep of two chunks and its report, made once."""
    out = Path(tempfile.mkdtemp(prefix="qntk-sound-"))
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    qntk.sweep(TOML.replace("draws = 64", "draws = 20_000"), out=out).report()
    return out


KINDS: list[Callable[[random.Random, Path], Case]] = [
    configurations,
    options,
    draws,
    circuits,
    tables,
    studies,
    directories,
]
