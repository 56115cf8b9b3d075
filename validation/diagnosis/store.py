"""The directory of a study: its configuration, and one file for every model, depth and seed that was trained.

    DIR/config.toml           the configuration as given
    DIR/training/*.npz        one seed each, written whole or not at all

A file's name ends in a fingerprint of all that its content depends on: a changed configuration finds no old results.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.learning.datasets import Dataset
from qntk.sampling.learning.qnn import Qnn
from qntk.sampling.learning.training import Training
from qntk.validation.diagnosis.config import DiagnoseConfig
from qntk.validation.sweep.documents import settle
from qntk.validation.sweep.lock import hold
from qntk.validation.sweep.manifest import write_atomically

Array = NDArray[np.float64]
_LEFTOVER = re.compile(r"\..+\.(toml|npz|html|md|json|csv)\.\d+")
"""Files that a run which was killed had not finished."""
FORMAT = 2
"""Raised whenever the same configuration would train to other numbers."""
_READ = (FORMAT, 1)
"""Formats whose files serve as well: 1 has the same runs, and narrower brackets of the critical rate."""


@dataclass(frozen=True, eq=False)
class SeedRun(Training):
    """One seed of one model; ``critical`` is the bracket of its measured critical rate, (0, inf) if not looked for."""

    critical: Array


class TrainingStore:
    """A study's directory. Raises ``ValueError`` if it holds something else, or cannot be written."""

    def __init__(self, directory: Path, config: DiagnoseConfig, text: str, data: Dataset) -> None:
        self.directory, self.config, self.data = directory, config, data
        self._text = text
        self._fingerprints: dict[tuple[Qnn, int], str] = {}
        try:
            if directory.exists() and any(directory.iterdir()) and not (directory / "training").is_dir():
                raise ValueError(f"directory {directory} is not empty and holds no study; give another")
            (directory / "training").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"directory {directory} cannot be used: {error.strerror}") from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process that trains here, beginning with the configuration and without a killed run's leftovers.

        Raises ``ValueError`` if another process does, or the directory cannot be written.
        """
        with hold(self.directory, "wait for it, stop it, or give another directory"):
            try:
                settle(self.directory)
                for folder in (self.directory, self.directory / "training"):
                    for path in folder.glob(".*"):
                        if _LEFTOVER.fullmatch(path.name):
                            path.unlink(missing_ok=True)
                write_atomically(self.directory / "config.toml", self._text)
            except OSError as error:
                raise ValueError(f"directory {self.directory} cannot be used: {error.strerror}") from error
            yield

    def path(self, network: Qnn, seed: int, form: int = FORMAT) -> Path:
        """Where a seed's results are or will be."""
        if (network, form) not in self._fingerprints:
            self._fingerprints[network, form] = self._fingerprint(network, form)
        name = f"{network.name}-depth{network.depth:03d}-seed{seed:03d}-{self._fingerprints[network, form]}.npz"
        return self.directory / "training" / name

    def read(self, network: Qnn, seed: int) -> SeedRun | None:
        """The results of a seed; None if there are none or the file is damaged."""
        for form in _READ:
            try:
                with np.load(self.path(network, seed, form)) as file:
                    return SeedRun(**{field.name: file[field.name] for field in fields(SeedRun)})
            except Exception:  # a flipped bit makes the reader stumble in any way
                continue
        return None

    def write(self, network: Qnn, seed: int, run: SeedRun) -> None:
        """Add a seed, whole or not at all."""
        buffer = io.BytesIO()
        np.savez(buffer, **{field.name: getattr(run, field.name) for field in fields(SeedRun)})
        try:
            write_atomically(self.path(network, seed), buffer.getvalue())
        except OSError as error:
            raise ValueError(f"results cannot be written to {self.directory}: {error.strerror}") from error

    def _fingerprint(self, network: Qnn, form: int) -> str:
        c = self.config
        digest = hashlib.sha256()
        told = (form, c.seed, c.qubits, c.observable, c.steps, c.loss, c.learning_rate, c.fraction, c.bisect_steps)
        gates = [
            (
                i.operation.name,
                [_told(p) for p in i.operation.params],
                [network.circuit.find_bit(q).index for q in i.qubits],
            )
            for i in network.circuit.data
        ]
        digest.update(repr((told, network.name, network.depth, gates, network.sources)).encode())
        for array in (self.data.x, self.data.labels, self.data.training):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]


def _told(parameter: object) -> object:
    return parameter.tobytes() if isinstance(parameter, np.ndarray) else str(parameter)
