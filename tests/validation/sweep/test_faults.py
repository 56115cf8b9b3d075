"""Faults: what a run says of them, and that resuming gives the files of an undisturbed run.

Comparisons are of whole files, so that there is no false-fail probability.
"""

import contextlib
import errno
import fcntl
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import pyarrow.parquet as pq
import pytest

from qntk.validation.sweep.chunks import DamagedError, read_chunk
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.lock import hold, running
from qntk.validation.sweep.store import Store

QNTK = [sys.executable, "-c", "from qntk.validation.commands.main import main; main()"]


RUNNING = """
seed = 1
[[grid]]
ensemble = "haar-layers"
qubits = 6
parameters = 64
observable = "Z0"
draws = 4_000_000
"""


def files(directory):
    return {path.name: path.read_bytes() for path in (directory / "draws").iterdir()}


def start(*arguments, **options):
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*QNTK, *map(str, arguments)], **options)


@pytest.fixture
def several(config):
    config.write_text(config.read_text().replace("draws = 3_000", "draws = 40_000"))
    return config


@pytest.fixture
def undisturbed(qntk, several, tmp_path):
    out = tmp_path / "undisturbed"
    assert qntk("sweep", several, "--out", out)[0] == 0
    return out


def test_kill_9_at_any_moment_loses_no_finished_chunk(qntk, several, undisturbed, tmp_path):
    """Five kills: two in the first half second, from before the manifest on, the others after some new chunk."""
    out, moments = tmp_path / "run", random.Random(6)
    kept = 0
    for turn in range(5):
        process = start("sweep", several, "--out", out)
        while not (out / ".lock").exists():
            time.sleep(0.002)
        while turn > 1 and len(list(out.glob("draws/*.parquet"))) <= kept:
            time.sleep(0.002)
        time.sleep(moments.random() * (0.5 if turn < 2 else 0.05) * (turn > 0))
        process.kill()
        process.communicate()
        there = len(list((out / "draws").glob("*.parquet")))
        assert there >= kept
        kept = there
        if (out / "manifest.json").exists():
            assert qntk("status", out)[0] == 0
    assert 0 < kept < len(files(undisturbed))
    (out / "draws" / ".x-00000.parquet.123").write_bytes(b"half a chunk")
    (out / ".gitignore").write_text("*")
    code, text, error = qntk("sweep", several, "--out", out, "--json")
    assert code == 0, error
    assert files(out) == files(undisturbed)
    assert json.loads(text)["resumed"] > 0
    assert (out / ".gitignore").exists()


@pytest.mark.parametrize("kind", ["limit", "no space"])
def test_a_disk_that_is_full_is_named_and_nothing_is_lost(qntk, several, undisturbed, tmp_path, kind, monkeypatch):
    """A limit of 200 kB a file in a process of its own, and the error of a full disk after eleven chunks."""
    out = tmp_path / "run"
    if kind == "limit":
        limit = 200_000
        process = start(
            "sweep", several, "--out", out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        )
        _, error = process.communicate(timeout=60)
        code, words = process.returncode, "File too large"
    else:
        write, calls = pq.write_table, []

        def full(*arguments, **options):
            calls.append(arguments)
            if len(calls) > 11:
                raise OSError(errno.ENOSPC, "Error writing bytes")
            write(*arguments, **options)

        monkeypatch.setattr(pq, "write_table", full)
        code, _, error = qntk("sweep", several, "--out", out)
        monkeypatch.undo()
        words = "No space left on device"
        assert len(files(out)) == 11
    assert code == 2
    assert words in error
    assert "the chunks before it are kept" in error
    assert "Traceback" not in error
    assert not list((out / "draws").glob(".*"))
    assert qntk("sweep", several, "--out", out)[0] == 0
    assert files(out) == files(undisturbed)


def test_a_directory_that_cannot_be_written_is_refused(qntk, config, tmp_path, monkeypatch):
    out = tmp_path / "run"
    out.mkdir()
    real = os.open

    def read_only(path, flags, *rest, **options):
        if flags & os.O_RDWR and str(path).startswith(str(out)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", read_only)
    code, _, error = qntk("sweep", config, "--out", out)
    assert (code, error) == (2, f"qntk: error: directory {out} cannot be used: Read-only file system\n")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_refused(qntk, config, tmp_path):
    tmp_path.joinpath("run").mkdir(mode=0o500)
    code, _, error = qntk("sweep", config, "--out", tmp_path / "run")
    assert (code, "Permission denied" in error) == (2, True)


def test_truncated_and_flipped_chunks_are_named_and_drawn_again(qntk, several, undisturbed, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    paths = sorted((out / "draws").iterdir())
    paths[0].write_bytes(paths[0].read_bytes()[:1000])
    paths[1].write_bytes(b"")
    content = bytearray(paths[2].read_bytes())
    content[len(content) // 4] ^= 1  # among the kernels, which a report reads too
    paths[2].write_bytes(content)
    damaged = {str(path) for path in paths[:3]}
    for command in (["report", out], ["sweep", several, "--out", out]):
        code, _, error = qntk(*command)
        said = [line for line in error.splitlines() if "is damaged" in line]
        assert (code, len(said)) == (0, 3)
        assert {line.split()[3] for line in said} == damaged
        assert all(
            re.fullmatch("qntk: warning: chunk .*; (it is drawn again|run the sweep again, .*)", s) for s in said
        )
    assert files(out) == files(undisturbed)


def footer_at(content, name):
    """Where the footer has a column's name: it begins as long before the end as it says there."""
    return content.index(name, len(content) - 8 - int.from_bytes(content[-8:-4], "little"))


def test_chunks_of_other_cells_and_of_other_hands_are_named_and_drawn_again(qntk, several, undisturbed, tmp_path):
    """Chunks 0 and 1 of one cell replaced by others, one flipped bit in a column's name, one text that is no UTF-8, one
    file written anew with other numbers by somebody: all named, none used, all drawn again. Negative control: without
    a journal the last is not noticed, the others are."""
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    paths = sorted((out / "draws").iterdir())
    cells = {}
    for path in paths:
        cells.setdefault(path.name[:16], []).append(path)
    one, other = [chunks for chunks in cells.values() if len(chunks) > 1][:2]
    shutil.copy(one[1], one[0])
    shutil.copy(other[1], one[1])
    footer, text, written = [path for path in paths if path not in one][-3:]
    content = footer.read_bytes()
    place = footer_at(content, b"kernel")
    footer.write_bytes(content[:place] + b"kerneL" + content[place + 6 :])
    content = text.read_bytes()
    place = footer_at(content, b"output")
    text.write_bytes(content[:place] + b"\xff\xfeutpu"[:6] + content[place + 6 :])
    table = pq.read_table(written)
    shifted = table.set_column(table.column_names.index("kernel"), "kernel", [table["kernel"].to_numpy() * 1.5])
    pq.write_table(shifted, written)
    bad = {str(path) for path in (one[0], one[1], footer, text, written)}
    without = tmp_path / "without"
    shutil.copytree(out, without)
    (without / "journal.txt").unlink()
    for command in (["report", out], ["sweep", several, "--out", out]):
        code, _, error = qntk(*command)
        said = {line.split()[3] for line in error.splitlines() if "is damaged" in line}
        assert (code, said) == (0, bad)
    assert files(out) == files(undisturbed)
    error = qntk("sweep", several, "--out", without)[2]
    assert error.count("is damaged") == 4
    assert files(without) != files(undisturbed)


def test_compare_and_status_hold_chunks_to_their_names(qntk, config, tmp_path):
    out = tmp_path / "run"
    config.write_text(
        'seed = 1\n[[grid]]\nensemble = "haar-layers"\nqubits = 2\nparameters = 4\nobservable = "Z0"\ndraws = 40_000\n'
    )
    assert qntk("sweep", config, "--out", out)[0] == 0
    first, second = sorted((out / "draws").iterdir())[:2]
    compare = ("compare", out, "--qubits", 2, "--params", 4, "--observable", "Z0")
    assert qntk(*compare)[0] == 0
    right = second.read_bytes()
    content = bytearray(right)
    content[len(content) // 3] ^= 1
    second.write_bytes(content)
    code, _, error = qntk(*compare)
    assert (code, error.count("\n"), str(second) in error) == (2, 1, True)
    second.write_bytes(first.read_bytes())
    for journal in (True, False):
        if not journal:
            (out / "journal.txt").unlink()
        code, _, error = qntk(*compare)
        assert (code, error.count("\n"), str(second) in error) == (2, 1, True)
    found = json.loads(qntk("status", out, "--json")[1])
    assert (found["drawn"], found["damaged"]) == (40_000 - 16_384, None)


def test_status_verifies_where_it_is_asked_to(qntk, undisturbed):
    """A bit among the draws is not seen in a footer; ``--verify`` names its chunk."""
    path = sorted((undisturbed / "draws").iterdir())[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    quick = json.loads(qntk("status", undisturbed, "--json")[1])
    whole = json.loads(qntk("status", undisturbed, "--verify", "--json")[1])
    assert (quick["drawn"], quick["damaged"]) == (quick["planned"], None)
    assert (whole["drawn"] < whole["planned"], whole["damaged"]) == (True, [str(path)])
    assert "--verify reads them whole" in qntk("status", undisturbed)[1]
    assert "1 damaged" in qntk("status", undisturbed, "--verify")[1]


def test_no_flipped_bit_of_a_chunk_goes_unnoticed_in_its_draws(undisturbed, tmp_path):
    """Every 997th byte: either the chunk is refused, or the draws that are read are the right ones.

    Negative control: the same without checksums lets wrong draws through.
    """
    path, other = sorted((undisturbed / "draws").iterdir())[0], tmp_path / "flipped.parquet"
    right, content = read_chunk(path).select(["kernel", "output"]), path.read_bytes()
    seen = slipped = 0
    for place in range(0, len(content), 997):
        flipped = bytearray(content)
        flipped[place] ^= 0x10
        other.write_bytes(flipped)
        try:
            assert read_chunk(other).select(["kernel", "output"]).equals(right)
        except DamagedError:
            seen += 1
        with contextlib.suppress(OSError):
            slipped += not pq.read_table(other, columns=["kernel", "output"]).equals(right)
    assert seen > 200
    assert slipped > 100


def test_a_lost_manifest_is_made_anew_and_the_draws_are_kept(qntk, several, undisturbed):
    (undisturbed / "manifest.json").write_text("{")
    code, _, error = qntk("sweep", several, "--out", undisturbed)
    assert (code, "remove manifest.json and run the sweep again" in error) == (2, True)
    (undisturbed / "manifest.json").unlink()
    code, text, _ = qntk("sweep", several, "--out", undisturbed, "--json")
    assert (code, json.loads(text)["drawn"]) == (0, 0)
    (undisturbed / "manifest.json").unlink()
    several.write_text(several.read_text().replace("seed = 5", "seed = 6"))
    code, _, error = qntk("sweep", several, "--out", undisturbed)
    assert (code, "holds draws of no cell of this sweep" in error) == (2, True)


@pytest.mark.parametrize("damage", ["null cell", "string", "list", "digest", "empty", "deep", "no utf"])
def test_any_damage_of_a_manifest_is_one_line(qntk, config, tmp_path, damage):
    out = tmp_path / "run"
    assert qntk("sweep", config, "--out", out)[0] == 0
    document = json.loads((out / "manifest.json").read_text())
    if damage == "null cell":
        document["cells"][1] = None
    elif damage == "string":
        document["cells"][2]["draws"] = "many"
    elif damage == "digest":
        document["circuits"] = {"a": {"digest": "../../x", "qubits": 1, "parameters": 1, "inputs": []}}
    elif damage == "empty":
        document["cells"] = []
    content = {"list": b"[1]", "deep": b"[" * 100_000, "no utf": b"\xff"}.get(damage, json.dumps(document).encode())
    (out / "manifest.json").write_bytes(content)
    for command in (["status", out], ["report", out], ["sweep", config, "--out", out]):
        code, _, error = qntk(*command)
        assert (code, error.count("\n")) == (2, 1), error
        assert "remove manifest.json and run the sweep again" in error


def test_one_writer_many_readers_and_a_killed_writer_is_no_obstacle(qntk, several, tmp_path, no_figures):
    out = tmp_path / "run"
    several.write_text(RUNNING)
    process = start("sweep", several, "--out", out)
    while len(list(out.glob("draws/*.parquet"))) < 2 or not (out / "progress.json").exists():
        time.sleep(0.01)
    code, _, error = qntk("sweep", several, "--out", out)
    assert (code, error.count("\n")) == (2, 1)
    assert f"in use by process {process.pid} on " in error
    status = json.loads(qntk("status", out, "--json")[1])
    assert status["running"]
    assert 0 < status["drawn"] < status["planned"] == 4_000_000
    assert status["process"]["pid"] == process.pid
    assert "running on" in qntk("status", out)[1]
    assert qntk("report", out)[0] == 0
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    status = json.loads(qntk("status", out, "--json")[1])
    assert (status["running"], status["process"]) == (False, None)
    assert "not running; go on with: qntk sweep" in qntk("status", out)[1]
    with hold(out):
        Store.create(out, *load_config(several))


def test_the_lock_itself(tmp_path):
    assert not running(tmp_path)
    with hold(tmp_path):
        assert running(tmp_path)
        with pytest.raises(ValueError, match=f"in use by process {os.getpid()} on "), hold(tmp_path):
            pass
    assert not running(tmp_path)
    assert (tmp_path / ".lock").exists()
    with (tmp_path / ".lock").open() as looked_at:  # as a look does, for an instant
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        threading.Timer(0.2, fcntl.flock, (looked_at, fcntl.LOCK_UN)).start()
        with hold(tmp_path):
            assert running(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_command_alike(qntk, tmp_path, number):
    """plan, which is at work for seconds, ends with 130 and no traceback."""
    process = start("diagnose", "--out", tmp_path / "study")
    while not (tmp_path / "study" / ".lock").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    code, _, error = qntk("diagnose", "--out", tmp_path / "study")
    assert (code, error.count("\n")) == (2, 1)
    assert "in use by process" in error
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in error) == (130, False)
