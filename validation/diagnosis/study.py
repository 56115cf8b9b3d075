"""QNTK diagnostics of models on a data set: predictions from the kernel at initialisation, then the training itself.

Every seed is trained at its own rate, a fraction of its own critical one. What is said of a model and depth is over its
seeds: geometric means of positive quantities, means of the others, with Student's t intervals (of logarithms for the
former) at 95 % beside the numbers; the verdicts have intervals of their own (``qntk.validation.diagnosis.findings``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from qntk.inputs.machine import cores, refuse_beyond_memory
from qntk.inputs.observables import parse_observable
from qntk.sampling.learning.datasets import Dataset
from qntk.sampling.learning.qnn import Qnn
from qntk.sampling.learning.training import Problem, checkpoint_steps, critical_rates, initial_angles, train
from qntk.theory.training.frozen import jacobian_spectrum
from qntk.validation.diagnosis.config import DiagnoseConfig
from qntk.validation.diagnosis.random_training import RandomTraining, random_training
from qntk.validation.diagnosis.seed import ModelDiagnosis, SeedDiagnosis, Start
from qntk.validation.diagnosis.stability import MOST_SEEDS, Sharpness, sharpness
from qntk.validation.diagnosis.store import SeedRun, TrainingStore
from qntk.validation.diagnosis.transition import QUBITS

Array = NDArray[np.float64]
_TOGETHER = 4
"""Seeds trained as one batch."""
_WIDTH = 0.04
"""Relative, of the brackets of critical rates, which differ by a fifth from seed to seed."""
_STILL = 1e-12
"""Of an observable's norm: slopes up to here are rounding."""


class _StoppedError(Exception):
    """Ctrl-C reached a thread that trains."""


@dataclass(frozen=True, eq=False)
class Study:
    """What was configured, trained and diagnosed."""

    config: DiagnoseConfig
    data: Dataset
    models: list[ModelDiagnosis]
    random: RandomTraining | None
    sharpness: list[Sharpness]
    warnings: list[str]
    trained: int
    resumed: int
    seconds: float
    steps_per_second: float

    def at(self, name: str, depth: int) -> ModelDiagnosis | None:
        """A model at a depth."""
        return next((m for m in self.models if (m.network.name, m.network.depth) == (name, depth)), None)


def run_study(config: DiagnoseConfig, text: str, directory: Path, workers: int | None = None) -> Study:
    """Train what DIR does not hold yet, and diagnose everything.

    One process at a time does so in a directory. Ctrl-C stops after the step under way; finished seeds stay.
    Results do not depend on ``workers``.
    """
    with study_alone(config, text, directory, workers) as study:
        return study


@contextmanager
def study_alone(config: DiagnoseConfig, text: str, directory: Path, workers: int | None = None) -> Iterator[Study]:
    """The same, and no other process uses the directory until the end of the block."""
    data = config.dataset.load()
    store = TrainingStore(directory, config, text, data)
    with store.alone():
        yield _run(config, data, store, workers)


def _run(config: DiagnoseConfig, data: Dataset, store: TrainingStore, workers: int | None) -> Study:
    begin = time.perf_counter()
    networks = config.networks(data.features)
    observable = parse_observable(config.observable, config.qubits).operator()
    eigenvalues = _eigenvalues(observable)
    levels = two_levels(eigenvalues)
    warnings = _warnings(data, eigenvalues)
    missing = [
        (network, [s for s in range(config.seeds) if store.read(network, s) is None]) for network in networks
    ]  # fmt: skip
    for network, seeds in missing:
        if seeds:
            _refuse_still(config, data, network, observable, float(np.abs(eigenvalues).max()))
    batches = [
        (network, seeds[i : i + _TOGETHER]) for network, seeds in missing for i in range(0, len(seeds), _TOGETHER)
    ]
    batches.sort(key=lambda b: -b[0].circuit.size() * len(b[1]))  # the longest first, so that threads end together
    threads = min(workers or cores(), len(batches))
    if batches:
        largest = sum(
            _bytes(config, data, n, len(s)) for n, s in sorted(batches, key=lambda b: -b[0].parameters)[:threads]
        )
        refuse_beyond_memory(largest, f"training on {threads} threads", "take fewer points, depths or workers")
    stop, lock = threading.Event(), threading.Lock()
    total = sum(n.circuit.size() * len(s) * (config.steps + 1) for n, s in batches) or 1

    with tqdm(total=total, desc="training", unit="gate", unit_scale=True, delay=1) as bar:

        def one(batch: tuple[Qnn, list[int]]) -> None:
            network, seeds = batch

            def tell(count: int) -> None:
                if stop.is_set():
                    raise _StoppedError
                if count:
                    with lock:
                        bar.update(count * network.circuit.size())

            for seed, run in zip(seeds, _train(config, data, network, observable, seeds, tell), strict=True):
                store.write(network, seed, run)

        with ThreadPoolExecutor(workers or cores()) as pool:
            futures = [pool.submit(one, batch) for batch in batches]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    spent = time.perf_counter() - begin
    steps = sum(len(s) for _, s in batches) * config.steps
    random = None
    if config.random is not None:
        cells = len(config.random.ratios) * len({QUBITS, *config.random.widths})
        with tqdm(total=4 + bool(cells) + cells, desc="random circuits", unit="part", delay=1) as bar:
            random = random_training(config.random, config.seed, lambda _: bar.update(), workers or cores())
    ends = (max(config.depths), min(config.depths))  # the longest first, so that threads end together
    followed = [(n, m) for d in dict.fromkeys(ends) for n in networks if n.depth == d for m in config.sharpness]
    with (
        tqdm(total=len(followed), desc="edge of stability", unit="run", delay=1) as bar,
        ThreadPoolExecutor(workers or cores()) as pool,
    ):

        def follow(asked: tuple[Qnn, float]) -> Sharpness:
            network, multiple = asked
            thetas = _angles(config, network, list(range(min(config.seeds, MOST_SEEDS))))
            made = sharpness(network, observable, data, config.loss, multiple, thetas, config.steps)
            bar.update()
            return made

        sharp = list(pool.map(follow, followed))
        starts = list(pool.map(lambda network: _starts(config, data, network, observable), networks))
    models = [
        ModelDiagnosis(network, [_diagnosis(store, network, seed, levels) for seed in range(config.seeds)], before)
        for network, before in zip(networks, starts, strict=True)
    ]
    warnings += _divergence(models) + _undressed(models)
    trained = sum(len(s) for _, s in missing)
    return Study(
        config, data, models, random, sharp, warnings, trained, len(networks) * config.seeds - trained,
        time.perf_counter() - begin, steps / spent,
    )  # fmt: skip


def _starts(config: DiagnoseConfig, data: Dataset, network: Qnn, observable: object) -> list[Start]:
    """Kernels before training, of the seeds' networks and more; none where the seeds are enough."""
    made: list[Start] = []
    if config.starts <= config.seeds:
        return made
    model, x = network.model(observable), network.columns(data.x[data.training])
    for first in range(0, config.starts, _TOGETHER):
        thetas = _angles(config, network, list(range(first, min(first + _TOGETHER, config.starts))))
        for jacobian in model.value_and_gradient(thetas, x)[1]:
            spectrum = jacobian_spectrum(jacobian)
            critical = Start(spectrum, config.loss, 0.0).critical_rate
            made.append(Start(spectrum, config.loss, config.learning_rate or config.fraction * critical))
    return made


def _refuse_still(config: DiagnoseConfig, data: Dataset, network: Qnn, observable: object, size: float) -> None:
    """A model whose outputs no parameter moves has no rate to be trained at."""
    theta = _angles(config, network, [0])
    _, J = network.model(observable).value_and_gradient(theta, network.columns(data.x[data.training]))
    if np.abs(J).max() <= _STILL * size:
        raise ValueError(
            f"no parameter of {network.name} at depth {network.depth} moves {config.observable}: its kernel is zero on "
            "the training points; take another observable or model"
        )


def _bytes(config: DiagnoseConfig, data: Dataset, network: Qnn, seeds: int) -> int:
    """What training so many seeds at once holds: Jacobians, twice while they are made, kernels and angles."""
    points, trained = len(data.labels), int(data.training.sum())
    kernels = len(checkpoint_steps(config.steps)) * (points * trained + network.parameters)
    return 8 * seeds * (2 * points * network.parameters + kernels + points * config.steps)


def _angles(config: DiagnoseConfig, network: Qnn, seeds: list[int]) -> Array:
    key = (*network.name.encode(), network.depth)
    return initial_angles(network.parameters, max(seeds) + 1, config.seed, key)[seeds]


def _train(
    config: DiagnoseConfig,
    data: Dataset,
    network: Qnn,
    observable: object,
    seeds: list[int],
    tell: Callable[[int], None],
) -> list[SeedRun]:
    model = network.model(observable)
    problem = Problem(model, network.columns(data.x), data.labels, data.training, config.loss)
    thetas = _angles(config, network, seeds)
    _, J = model.value_and_gradient(thetas, problem.x)
    critical = np.array([1 / (jacobian_spectrum(j[data.training])[-1] * problem.prefactor) for j in J])
    fixed = config.learning_rate
    rates = np.full(len(seeds), fixed) if fixed is not None else config.fraction * critical
    bracket = np.stack([np.zeros(len(seeds)), np.full(len(seeds), np.inf)])
    if config.bisect_steps:
        bracket = np.stack(critical_rates(problem, thetas, critical, config.bisect_steps, _WIDTH, tell))
    done = train(problem, thetas, rates, config.steps, tell)
    return [SeedRun(**done.seed(index), critical=bracket[:, index]) for index in range(len(seeds))]


def two_levels(eigenvalues: Array) -> tuple[float, float] | None:
    """The two distinct eigenvalues of an ascending list, if there are two, to 1e-9 of their distance."""
    low, high = float(eigenvalues[0]), float(eigenvalues[-1])
    near = np.minimum(np.abs(eigenvalues - low), np.abs(eigenvalues - high))
    return (low, high) if low < high and near.max() <= 1e-9 * (high - low) else None


def _diagnosis(store: TrainingStore, network: Qnn, seed: int, levels: tuple[float, float] | None) -> SeedDiagnosis:
    run = store.read(network, seed)
    if run is None:
        raise ValueError(f"{store.path(network, seed)} vanished or is damaged; run the same command again")
    return SeedDiagnosis(run, store.data, store.config.loss, store.config.fraction, levels)


def _eigenvalues(observable: object) -> Array:
    matrix = observable if isinstance(observable, np.ndarray) else observable.to_matrix()  # type: ignore[attr-defined]
    return np.linalg.eigvalsh(matrix)


def _warnings(data: Dataset, eigenvalues: Array) -> list[str]:
    said = list(data.notes)
    if unreachable := data.unreachable(float(eigenvalues[0]), float(eigenvalues[-1])):
        said.append(f"{unreachable}; give 'scale' in [dataset] a smaller value")
    tests = int((~data.training).sum())
    if tests < 2:
        said.append(f"R² on test points has no meaning for {tests} of them; leave 2 or more points out of training")
    return said


def _undressed(models: list[ModelDiagnosis]) -> list[str]:
    """Seeds without a dressed prediction, though the observable has two levels."""
    said = []
    for model in models:
        missing = sum(s.levels is not None and s.dressed is None for s in model.seeds)
        if missing:
            said.append(
                f"{missing} of {len(model.seeds)} seeds of {model.network.name} at depth {model.network.depth} start "
                "with an output at the edge of the spectrum, where the dressed kernel is 0/0: no dressed prediction"
            )
    return said


def _divergence(models: list[ModelDiagnosis]) -> list[str]:
    said = []
    for model in models:
        diverged = [int(s.run.diverged_at) for s in model.seeds if s.diverged]
        if diverged:
            said.append(
                f"{len(diverged)} of {len(model.seeds)} runs of {model.network.name} at depth {model.network.depth} "
                f"diverged (loss above its start first at step {min(diverged)}) and are left out of its averages"
                + ("" if len(diverged) < len(model.seeds) else ", so that nothing of its training has a mean")
                + "; lower 'fraction' or 'learning_rate'"
            )
    return said
