"""The same bytes wherever chunks are drawn; workers, schedulers and drivers that die or are stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from qntk.validation.sweep import executors
from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.drawing import _BuiltOnce, decisive_versions, draw_chunks

QNTK = [sys.executable, "-c", "from qntk.validation.commands.main import main; main()"]
LOOPBACK = ["--host", "127.0.0.1", "--no-dashboard"]
LONG = """
seed = 1
[[grid]]
ensemble = "haar-layers"
qubits = 12
parameters = 10_000
observable = "Z0"
draws = 2_000
"""


def files(directory):
    return {path.name: path.read_bytes() for path in (directory / "draws").glob("*.parquet")}


def start(*arguments):
    return subprocess.Popen(
        [*QNTK, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def several(config):
    """Cells of several chunks each."""
    config.write_text(config.read_text().replace("draws = 3_000", "draws = 17_000"))
    return config


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two worker processes on the loopback interface: scheduler file, scheduler, workers."""
    file = tmp_path / "scheduler.json"
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen([*module, "--port", "0", "--scheduler-file", str(file), *LOOPBACK], **quiet)
    wait_for(file.exists)
    module = [sys.executable, "-m", "distributed.cli.dask_worker"]
    command = [*module, "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", *LOOPBACK]
    workers = [subprocess.Popen(command, **quiet) for _ in range(2)]
    yield file, scheduler, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


@contextmanager
def finishing(process):
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_same_files_on_threads_processes_and_a_cluster_with_a_worker_killed(qntk, several, tmp_path, cluster):
    """Exact: no false-fail probability. All of every file, hence all columns."""
    file, _, workers = cluster
    for number in (1, 2, 7):
        assert qntk("sweep", several, "--out", tmp_path / f"{number}", "--workers", number)[0] == 0
    assert qntk("sweep", several, "--out", tmp_path / "p", "--workers", 2, "--processes")[0] == 0
    with finishing(start("sweep", several, "--out", tmp_path / "d", "--dask", file)) as process:
        wait_for(lambda: list((tmp_path / "d").glob("draws/*.parquet")))
        workers[0].kill()
        _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    reference = files(tmp_path / "1")
    assert len(reference) >= 28
    for other in ("2", "7", "p", "d"):
        assert files(tmp_path / other) == reference


def test_a_scheduler_that_dies_ends_the_run_in_one_line_and_threads_go_on(qntk, several, tmp_path, cluster):
    file, scheduler, workers = cluster
    several.write_text(several.read_text().replace("17_000", "400_000"))
    with finishing(start("sweep", several, "--out", tmp_path / "d", "--dask", file)) as process:
        wait_for(lambda: list((tmp_path / "d").glob("draws/*.parquet")))
        for one in (scheduler, *workers):
            one.kill()
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "is gone; every finished chunk is kept" in error
    assert "Traceback" not in error
    kept = files(tmp_path / "d")
    assert kept
    several.write_text(several.read_text().replace("400_000", "500_000"))
    process = start("sweep", several, "--out", tmp_path / "d")
    with finishing(process):
        wait_for(lambda: len(list((tmp_path / "d" / "draws").glob("*.parquet"))) > len(kept))


def test_what_is_no_cluster_is_refused_in_one_line(qntk, config, tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "_CONNECT_SECONDS", 0.5)
    for address, words in (
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at tcp://127.0.0.1:1"),
        ("nowhere.json", "scheduler file nowhere.json does not exist"),
    ):
        code, text, error = qntk("sweep", config, "--out", tmp_path / "run", "--dask", address)
        assert (code, text) == (2, "")
        assert words in error.splitlines()[-1]
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, error = qntk("sweep", config, "--out", tmp_path / "run", "--dask", "tcp://127.0.0.1:1")
    assert (code, error.count("\n")) == (2, 1)
    assert "pip install 'qntk[dask]'" in error
    assert qntk("sweep", config, "--out", tmp_path / "run", "--dask", "x:1", "--workers", 2)[0] == 2


def test_a_worker_with_another_version_is_refused(config):
    """Negative control of the versions: the driver's own pass, another numpy does not."""
    cell = expand(load_config(config)[0])[0]
    assert len(draw_chunks(cell, (0,), decisive_versions())[0]) == 3000
    with pytest.raises(ValueError, match=r"a worker has numpy .* and the driver 0\.0; install the same"):
        draw_chunks(cell, (0,), decisive_versions() | {"numpy": "0.0"})


def test_an_ensemble_is_built_once_however_many_threads_ask(config):
    cells = expand(load_config(config)[0])[:3]
    built, everyone = [], threading.Barrier(8)

    class Slow:
        def __init__(self, cell):
            self.cell = cell

        def build(self):
            time.sleep(0.05)
            built.append(self.cell.name)
            return object()

    slow = [Slow(cell) for cell in cells]
    once = _BuiltOnce(2)

    def ask(index):
        everyone.wait()
        return once.get(slow[index % 2])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 2
    assert sorted(built) == sorted(cell.name for cell in cells[:2])
    for index in (0, 1, 2, 0):
        once.get(slow[index])
    assert len(built) == 4  # the oldest of three had to go


@pytest.mark.parametrize("options", [[], ["--processes"]])
def test_ctrl_c_does_not_wait_for_a_long_chunk(tmp_path, options):
    """A chunk of this cell takes minutes. A second is promised; the rest is for a busy machine."""
    config, out = tmp_path / "long.toml", tmp_path / "run"
    config.write_text(LONG)
    with finishing(start("sweep", config, "--out", out, "--workers", 2, *options)) as process:
        wait_for((out / "progress.json").exists)
        time.sleep(0.5)
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
        elapsed = time.monotonic() - begin
    assert process.returncode == 130
    assert f"go on with: qntk sweep {config} --out {out} --workers 2{' --processes' * bool(options)}" in error
    assert "Traceback" not in error
    assert elapsed < 10


def test_a_dead_local_worker_ends_the_run_in_one_line(tmp_path):
    config, out = tmp_path / "long.toml", tmp_path / "run"
    config.write_text(LONG)
    with finishing(start("sweep", config, "--out", out, "--workers", 1, "--processes")) as process:
        wait_for((out / "progress.json").exists)
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        wait_for(lambda: worker_of(children))
        time.sleep(1)
        os.kill(worker_of(children), signal.SIGKILL)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "a worker process died, killed or out of memory; every finished chunk is kept" in error


def worker_of(children):
    """The child that serves, not the resource tracker."""
    with open(children) as file:
        for pid in map(int, file.read().split()):
            with open(f"/proc/{pid}/cmdline") as command:
                if "spawn_main" in command.read():
                    return pid
    return None


def test_what_workers_cannot_do_is_one_line_at_once(cluster, monkeypatch, config, tmp_path):
    """An import that fails on a worker is told before a draw, an error while drawing after one try; no workers are said
    once; foreign errors are one line each."""
    file, _, workers = cluster
    first = executors.dask(str(file))
    wait_for(lambda: first.slots == 2)
    first.close()
    with monkeypatch.context() as patch:
        patch.setattr(executors.draw_chunks, "__module__", "nowhere_to_be_found")
        with pytest.raises(ValueError, match="a Dask worker cannot import this package: ModuleNotFoundError"):
            executors.dask(str(file))
    executor = executors.dask(str(file))
    tried = tmp_path / "tried.txt"
    with monkeypatch.context() as patch:
        fault = f"lambda *_: open({str(tried)!r}, 'a').write('once') and 1 / 0"
        patch.setattr(executors, "draw_chunks", eval(fault, {}))
        future = executor.submit(expand(load_config(config)[0])[0], [0])
        with pytest.raises(ZeroDivisionError):
            future.result(60)
    assert tried.read_text() == "once"
    assert executor.failure(RuntimeError("a\nb")) == "a Dask worker raised RuntimeError: a b"
    said = []
    monkeypatch.setattr(executors, "warn", said.append)
    monkeypatch.setattr(executors, "_ALONE_SECONDS", 0.0)
    monkeypatch.setattr(executors, "_COUNT_SECONDS", 0.0)
    executor.tick()
    assert said == []
    for process in workers:
        process.kill()
    wait_for(lambda: executor.tick() or said)
    executor.tick()
    assert len(said) == 1
    assert "has no workers" in said[0]
    executor.close()


@pytest.mark.parametrize("text", ["garbage", "{}", "[1]", '{"address": 3}', None])
def test_a_broken_scheduler_file_is_one_line(qntk, config, tmp_path, text):
    path = tmp_path / "scheduler.json"
    if text is not None:
        path.write_text(text)
    code, _, error = qntk("sweep", config, "--out", tmp_path / "run", "--dask", path)
    assert (code, error.count("\n")) == (2, 1)
    assert f"the Dask scheduler file {path}" in error
