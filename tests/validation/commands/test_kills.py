"""``kill -9`` at random moments of sweep, report and diagnose: nothing lost, nothing mixed, and the next goes on.

``QNTK_KILLS`` is the number of kills of each, 2 unless it is set; ``make nightly`` takes 100. Moments are uniform over
what the command takes when it is left alone.
"""

import os
import random
import shutil

import numpy as np
import pytest
from killed import kill_after, seconds, texts

KILLS = int(os.environ.get("QNTK_KILLS", "2"))
SWEEP = 'seed = 1\n[[grid]]\nensemble = "haar-layers"\nqubits = 2\nparameters = [4, 6]\nobservable = "Z0"\ndraws = {}\n'
STUDY = """
title = "{title}"
seed = 3
qubits = 2
depths = [1, 2]
seeds = 2
steps = {steps}
bisect_steps = 0
models = ["low-hva"]
[dataset]
kind = "kink"
points = 6
"""
_NO_DOCUMENTS = {"config.toml", "manifest.json", "progress.json", "journal.txt"}
"""What a run says of itself as it goes."""


def documents(directory):
    return {name: text for name, text in texts(directory).items() if name not in _NO_DOCUMENTS}


def leftovers(directory, name):
    links = [path for path in directory.rglob(".*") if path.name.endswith(".link")]
    return [*links, *list(directory.glob(f".{name}-*"))[1:]]


def test_a_sweep_that_is_killed(qntk, tmp_path):
    """Every chunk that was there stays, each is that of an undisturbed run, and so is the whole at the end."""
    moments, config, whole, turn, kills, kept = random.Random(1), tmp_path / "s.toml", tmp_path / "whole", 0, 0, {}
    config.write_text(SWEEP.format(120_000))
    kill_after(None, "sweep", config, "--out", tmp_path / "warm")
    takes = seconds("sweep", config, "--out", whole)
    wanted = {path.name: path.read_bytes() for path in (whole / "draws").iterdir()}
    while kills < KILLS:
        out = tmp_path / f"run{turn}"
        done = kill_after(moments.uniform(0, takes), "sweep", config, "--out", out)
        kills += not done
        there = {path.name: path.read_bytes() for path in out.glob("draws/[!.]*")}
        assert kept.items() <= there.items() <= wanted.items()
        kept = there
        if done:
            assert there == wanted
            turn, kept = turn + 1, {}
    assert qntk("sweep", config, "--out", out)[0] == 0
    assert {path.name: path.read_bytes() for path in (out / "draws").iterdir()} == wanted


def test_a_report_that_is_killed(qntk, tmp_path):
    """All documents and figures are those of before or those of after, byte by byte."""
    moments, config, old, new = random.Random(2), tmp_path / "s.toml", tmp_path / "old", tmp_path / "new"
    config.write_text(SWEEP.format(2_000))
    for command in (["sweep", config, "--out", old], ["report", old]):
        assert qntk(*command)[0] == 0
    config.write_text(SWEEP.format(3_000))
    assert qntk("sweep", config, "--out", old)[0] == 0
    shutil.copytree(old, new, symlinks=True)
    kill_after(None, "report", tmp_path)  # starts the server, and is no sweep
    takes = seconds("report", new)
    before, after = documents(old), documents(new)
    assert all(before[name] != after[name] for name in ("report.html", "report.md", "verdicts.csv", "verdicts.json"))
    kills, turn, outcomes = 0, 0, []
    while kills < KILLS:
        run = tmp_path / f"run{turn}"
        shutil.copytree(old, run, symlinks=True)
        kills += not kill_after(moments.uniform(0, 1.05 * takes), "report", run)
        found = documents(run)
        assert found in (before, after)
        outcomes.append(found == after)
        assert qntk("status", run)[0] == 0
        assert documents(run) == found
        assert not leftovers(run, "report")
        shutil.rmtree(run)
        turn += 1
    print(f"{kills} kills: {outcomes.count(False)} old sets, {outcomes.count(True)} new ones")


@pytest.mark.filterwarnings("ignore")
def test_a_study_that_is_killed(qntk, tmp_path):
    """All documents and figures are those of before or all are new, and every seed that is there is whole."""
    moments, config, old = random.Random(3), tmp_path / "d.toml", tmp_path / "old"
    config.write_text(STUDY.format(title="quondam", steps=20))
    assert qntk("diagnose", config, "--out", old)[0] == 0
    before = documents(old)
    config.write_text(STUDY.format(title="hodiern", steps=40))
    shutil.copytree(old, tmp_path / "new", symlinks=True)
    kill_after(None, "report", tmp_path)
    takes = seconds("diagnose", config, "--out", tmp_path / "new")
    differ = {name for name, text in documents(tmp_path / "new").items() if before.get(name) != text}
    assert {"diagnostics.html", "diagnostics.md", "diagnostics.json", "models.csv"} <= differ
    kills, turn, trained, outcomes = 0, 0, {}, []
    while kills < KILLS:
        run = tmp_path / f"run{turn}"
        if not run.exists():
            shutil.copytree(old, run, symlinks=True)
        done = kill_after(moments.uniform(0, takes), "diagnose", config, "--out", run)
        kills += not done
        found = documents(run)
        changed = {name for name in differ if found.get(name) != before.get(name)}
        assert changed in (set(), differ), changed
        assert all((b"quondam" in found[f"diagnostics.{kind}"]) == (not changed) for kind in ("html", "md", "json"))
        seeds = {path.name: path.read_bytes() for path in (run / "training").glob("[!.]*.npz")}
        assert trained.items() <= seeds.items()
        trained = seeds
        for path in (run / "training").glob("[!.]*.npz"):
            with np.load(path) as file:
                assert all(np.isfinite(file[name]).any() or file[name].size == 0 for name in file.files)
        outcomes.append(bool(changed))
        if done or changed:
            assert qntk("diagnose", config, "--out", run)[0] == 0
            assert not leftovers(run, "diagnostics")
            turn, trained = turn + 1, {}
    print(f"{kills} kills: {outcomes.count(False)} old sets, {outcomes.count(True)} new ones")
