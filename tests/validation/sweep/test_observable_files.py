"""Observables from files in a sweep: read beside the configuration, kept beside the draws, told by the user's name.

Comparisons are exact (no false-fail probability): the same sum written into the configuration is another route to the
same operator, hence to the same streams and bytes.
"""

import json
import os
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from qntk.validation.judge.law import kernel_law
from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import load_config

TOML = """
seed = 3
[[grid]]
ensemble = "haar-layers"
qubits = 3
parameters = [4, 16]
observable = ["@h.txt", "Z0"]
draws = 2_000

[[grid]]
ensemble = "hea-cz-ring"
qubits = 3
layers = 1
observable = "@h.txt"
draws = 2_000
"""
FILE = "# a chain\n-1 IXX\n0.5 ZII  # field\n"
SUM = "-X0X1+0.5*Z2"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "user"
    place.mkdir()
    (place / "h.txt").write_text(FILE)
    (place / "sweep.toml").write_text(TOML)
    return place


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The current directory; its own ``h.txt`` is another operator, on other qubits, that nobody must read."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "h.txt").write_text("1 ZZ\n")
    monkeypatch.chdir(place)
    return place


def kernels(directory):
    table = pd.read_parquet(directory / "draws").sort_values(["cell", "chunk"], kind="stable")
    return {cell: rows["kernel"].to_numpy().tobytes() for cell, rows in table.groupby("cell", observed=True)}


def copies(directory):
    return {path.name: path.read_text() for path in (directory / "observables").iterdir()}


def refused(result):
    code, text, error = result
    assert (code, text, error.count("\n")) == (2, "", 1)
    return error


def test_cells_are_those_of_the_same_sum_and_need_no_file(folder, elsewhere):
    cells = [c for c in expand(load_config(folder / "sweep.toml")[0]) if c.observable == "@h.txt"]
    (folder / "sweep.toml").write_text(TOML.replace("@h.txt", SUM))
    same = [c for c in expand(load_config(folder / "sweep.toml")[0]) if c.observable == SUM]
    shutil.rmtree(folder)
    assert len(cells) == len(same) == 3
    for cell, other in zip(cells, same, strict=True):
        sent = pickle.loads(pickle.dumps(replace(cell, draws=8)))
        assert sent.fingerprint == other.fingerprint
        assert sent.law().variance().value == other.law().variance().value
        one, two = (c.build().draw(8, np.random.default_rng(1)).kernel for c in (sent, other))
        assert one.tobytes() == two.tobytes()
        assert sent.columns["observable"] == "@h.txt"


def test_sums_from_files_that_differ_are_different_cells(folder):
    """Negative control: one coefficient, one label."""
    found = {expand(load_config(folder / "sweep.toml")[0])[0]}
    for old, new in (("0.5", "0.6"), ("ZII", "IZI")):
        (folder / "h.txt").write_text(FILE.replace(old, new))
        found.add(expand(load_config(folder / "sweep.toml")[0])[0])
    assert len(found) == len({cell.fingerprint for cell in found}) == 3


def test_a_sweep_is_resumed_extended_and_reported_anywhere_without_the_file(
    qntk, folder, elsewhere, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    (folder / "sum.toml").write_text(TOML.replace("@h.txt", SUM))
    assert qntk("sweep", folder / "sum.toml", "--out", tmp_path / "sum")[0] == 0
    reference = kernels(tmp_path / "sum")
    assert kernels(out) == reference
    assert set(pd.read_parquet(out / "draws")["observable"]) == {"@h.txt", "Z0"}
    assert list(copies(out).values()) == ["-1.0 IXX\n0.5 ZII\n"]
    manifest = json.loads((out / "manifest.json").read_text())
    (copy,) = copies(out)
    assert manifest["observables"] == {"@h.txt": {"digest": copy.removesuffix(".txt")}}
    moved = tmp_path / "moved"
    shutil.move(out, moved)
    shutil.rmtree(folder)
    assert qntk("status", moved)[0] == 0
    next((moved / "draws").iterdir()).unlink()
    assert qntk("sweep", moved / "config.toml", "--out", moved)[0] == 0
    assert kernels(moved) == reference
    for path, observable in ((moved, "@h.txt"), (tmp_path / "sum", SUM)):
        longer = (path / "config.toml").read_text().replace("2_000", "3_000").replace("[4, 16]", "[4, 16, 64]")
        (tmp_path / "longer.toml").write_text(longer)
        code, _, error = qntk("sweep", tmp_path / "longer.toml", "--out", path)
        assert code == 0, error
        assert observable in (path / "config.toml").read_text()
    assert kernels(moved) == kernels(tmp_path / "sum")
    assert {len(found) for found in kernels(moved).values()} == {3_000 * 8}

    code, _, error = qntk("report", moved)
    assert code == 0, error
    monkeypatch.setattr("qntk.validation.report.write.save_figures", lambda results, directory: {})
    assert qntk("report", tmp_path / "sum")[0] == 0
    one, two = (json.loads((path / "verdicts.json").read_text()) for path in (moved, tmp_path / "sum"))
    assert one["verdicts"] == [
        row | {"observable": row["observable"].replace(SUM, "@h.txt")} for row in two["verdicts"]
    ]
    one, two = (json.loads((path / "attribution.json").read_text()) for path in (moved, tmp_path / "sum"))
    assert [row["observable"] for row in one["attribution"]] == ["@h.txt"]
    assert [row["numbers"] for row in one["attribution"]] == [row["numbers"] for row in two["attribution"]]
    for name in ("concentration-map", "concentration", "variance"):
        assert (moved / "figures" / f"{name}.svg").stat().st_size > 1000
    assert "@h.txt" in (moved / "report.md").read_text()


def test_processes_draw_what_threads_draw(qntk, folder, elsewhere, tmp_path):
    assert qntk("sweep", folder / "sweep.toml", "--out", tmp_path / "t")[0] == 0
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "t", tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / "draws")
    result = qntk("sweep", tmp_path / "p" / "config.toml", "--out", tmp_path / "p", "--workers", 1, "--processes")
    assert result[0] == 0, result[2]
    assert kernels(tmp_path / "p") == kernels(tmp_path / "t")


def test_a_file_that_was_changed_is_another_sweep_and_comments_do_not_count(qntk, folder, elsewhere, tmp_path):
    out = tmp_path / "run"
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    (folder / "h.txt").write_text("# said otherwise\n-1.0   IXX\n5e-1 ZII\n")
    code, text, _ = qntk("sweep", folder / "sweep.toml", "--out", out, "--json")
    assert (code, json.loads(text)["drawn"]) == (0, 0)
    (folder / "h.txt").write_text(FILE.replace("0.5", "0.6"))
    error = refused(qntk("sweep", folder / "sweep.toml", "--out", out))
    assert "observable @h.txt has digest" in error
    assert "it was changed; give another directory" in error


def test_a_report_takes_the_terms_that_were_drawn_even_where_the_file_is_there_and_changed(
    qntk, folder, tmp_path, no_figures
):
    path, out = folder / "h.txt", tmp_path / "run"
    (folder / "sweep.toml").write_text(TOML.replace("@h.txt", f"@{path}").partition('[[grid]]\nensemble = "hea')[0])
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    assert qntk("report", out)[0] == 0
    before = (out / "verdicts.json").read_bytes()
    path.write_text(FILE.replace("0.5", "5"))
    assert qntk("report", out)[0] == 0
    assert (out / "verdicts.json").read_bytes() == before
    assert "it was changed" in refused(qntk("sweep", folder / "sweep.toml", "--out", out))


def test_files_of_one_name_in_two_folders_are_kept_apart(qntk, folder, elsewhere, tmp_path, no_figures):
    sums = {"a": "1 XII\n", "b": "2 ZZI\n"}
    for name, content in sums.items():
        (folder / name).mkdir()
        (folder / name / "h.txt").write_text(content)
    grid = TOML.partition('\n[[grid]]\nensemble = "hea')[0].replace('["@h.txt", "Z0"]', '"@a/h.txt"')
    (folder / "sweep.toml").write_text(grid + "\n[[grid]]" + grid.partition("[[grid]]")[2].replace("@a", "@b"))
    out = tmp_path / "run"
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    shutil.rmtree(folder)
    assert sorted(copies(out).values()) == ["1.0 XII\n", "2.0 ZZI\n"]
    table = pd.read_parquet(out / "draws").groupby(["observable", "parameters"], observed=True)["kernel"].mean()
    code, _, error = qntk("report", out)
    assert code == 0, error
    rows = json.loads((out / "verdicts.json").read_text())["verdicts"]
    names = ("observable", "parameters", "quantity", "statistic", "regime")
    for label, spec in (("@a/h.txt", "X2"), ("@b/h.txt", "2*Z1Z2")):
        key = (label, 16, "kernel", "mean", "exact")
        (told,) = [row for row in rows if tuple(row[name] for name in names) == key]
        assert told["estimate"] == pytest.approx(table[label, 16])
        assert told["prediction"] == pytest.approx(kernel_law(3, 16, spec, "half-pauli").mean().value)


@pytest.mark.parametrize("content", ["-1 IXX\n", "-1 IXX\n0.5\n", None])
def test_a_copy_that_is_damaged_is_said_and_made_anew_from_the_file(qntk, folder, elsewhere, tmp_path, content):
    out = tmp_path / "run"
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    (copy,) = (out / "observables").iterdir()
    good = copy.read_bytes()
    copy.unlink() if content is None else copy.write_text(content)
    error = refused(qntk("report", out))
    assert (str(copy) if content else str(out / "h.txt")) in error
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    assert copy.read_bytes() == good


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: [Errno 2]"),
        (b"\xff\xfe", "cannot be read: 'utf-8'"),
        (b"-1 IXX\nnot a term\n", "line 2: 'not a term' is not 'coefficient label'"),
        (b"1 ZZ\n", "line 1: label ZZ has 2 letters for 3 qubits"),
        (b"1 III\n", "is a multiple of the identity"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_file(qntk, folder, elsewhere, tmp_path, content, words):
    path = folder / "h.txt"
    path.unlink() if content is None else path.write_bytes(content)
    error = refused(qntk("sweep", folder / "sweep.toml", "--out", tmp_path / "run"))
    assert "grid[0].observable: " in error
    assert words in error
    assert ("'@h.txt'" if content == b"1 III\n" else f"'{path}'") in error
    assert "h.txt" in refused(qntk("plan", folder / "sweep.toml"))


def test_leftovers_of_a_killed_run_are_removed(qntk, folder, tmp_path):
    out = tmp_path / "run"
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    (copy,) = (out / "observables").iterdir()
    copy.with_name(f".{copy.name}.{os.getpid()}").write_text("-1.0 I")
    assert qntk("sweep", folder / "sweep.toml", "--out", out)[0] == 0
    assert list((out / "observables").iterdir()) == [copy]
