"""``qntk.compare_trained``: training curves made elsewhere against the laws of training."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk._law import Law
from qntk._result import Result
from qntk.inputs.observables import Observable
from qntk.validation.judge.trained import MARGIN, trained_document, trained_promise, trained_text, trained_title


@dataclass(frozen=True, repr=False, eq=False)
class TrainedComparison(Result):
    """What ``qntk.compare_trained`` found.

    Attributes:
        document: what ``qntk compare --trained`` prints with ``--json``.
    """

    document: dict[str, Any] = field(repr=False)

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """A dict for each law, quantity and step."""
        return list(self.document["verdicts"])

    @property
    def text(self) -> str:
        """As ``qntk compare --trained`` prints it."""
        return trained_text(self.document)

    def title(self) -> str:
        """What was compared."""
        return trained_title(self.document)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each law, quantity and step."""
        keys = ("law", "quantity", "step", "prediction", "estimate", "interval", "verdict")
        return [{k: tuple(row[k]) if k == "interval" else row[k] for k in keys} for row in self.verdicts]

    def notes(self) -> list[str]:
        """What is promised."""
        return [trained_promise(self.document)]

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of the command."""
        return self.document


def compare_trained(
    residuals: Any,
    kernels: Any,
    law: Law,
    target: float,
    rate: float,
    strength: str = "network",
    every: int = 1,
    steps: Sequence[int] | None = None,
    margin: float | None = None,
    family_error: float = 0.01,
    dqntks: Any = None,
    weights: Any = None,
    unstable: bool = False,
) -> TrainedComparison:
    """Verdicts on curves of trained networks of one datum: frozen kernel, flow law, and its first correction.

    Args:
        residuals: ε = f - y along the training, shape (networks, times), the first before any step; an array, or a
            file ``.npy``, ``.npz`` (array ``residual``, or the only one) or ``.csv`` (a network a line, no names).
        kernels: K, likewise (array ``kernel``).
        law: of one L, from ``qntk.law``.
        target: y, in the units of the observable.
        rate: η of gradient descent on ½ε².
        strength: S = K(0)/v(0) of each ``network``, or 2Lκ of the ``law``.
        every: steps of training between two times of the curves.
        steps: at which to judge; by default an eighth, a quarter, a half and all of them.
        margin: share of the mean foretold that counts as agreement, 0.1 by default.
        family_error: probability that any interval misses.
        dqntks: μ, likewise (array ``dqntk``); without it μ is not judged.
        weights: of each final state at the start on the levels of the observable, ascending, shape (networks, levels):
            needed for more than two levels, and then there is no corrected law.
        unstable: follow the laws beyond their critical rate 2/K, which is refused otherwise.

    Raises ``ValueError`` or ``TypeError`` in one line for shapes, levels, targets or rates that do not fit.
    """
    if not isinstance(law, Law):
        raise TypeError(f"a {type(law).__name__} was given where a law is meant; give qntk.law(…)")
    if strength not in ("network", "law"):
        raise ValueError(f"strength {strength!r} is unknown; choose network, K(0)/v(0), or law, 2Lκ")
    one = law.kernel_law
    D, levels, mean, second = 1 << law.qubits, *_levels(law)
    average = D * (second - mean**2) / (D + 1)  # of v over Haar states
    S = one.mean("exact").value / average if strength == "law" else None
    document = trained_document(
        _curves(residuals, "residual"), _curves(kernels, "kernel"), target, rate, levels, mean,
        (2 * D - 2) / one.parameters, S, every, steps, MARGIN if margin is None else margin, family_error,
        None if dqntks is None else _curves(dqntks, "dqntk"), weights, unstable,
    )  # fmt: skip
    return TrainedComparison(document)


def _levels(law: Law) -> tuple[list[float], float, float]:
    """Eigenvalues of O, ascending, Tr O/D and Tr O²/D; the theory knows them up to a shift."""
    spectrum = law.kernel_law.observable.spectrum
    if spectrum is None:
        raise ValueError(
            f"the levels of {law.observable.spec} are not known; give it as a matrix, or a string of terms"
        )
    values, counts = (np.array([float(number) for number in column]) for column in zip(*spectrum, strict=True))
    values = values + (_mean(law.observable) - values @ counts / counts.sum())
    order = np.argsort(values)
    mean, second = (float(values**k @ counts / counts.sum()) for k in (1, 2))
    return values[order].tolist(), mean, second


def _mean(observable: Observable) -> float:
    """Tr O/D."""
    if observable.matrix is not None:
        return float(np.trace(observable.matrix).real) / len(observable.matrix)
    if observable.rank:
        return float(observable.rank / 2**observable.qubits)
    return sum(c for label, c in observable.terms if set(label) == {"I"})


def _curves(source: Any, name: str) -> NDArray[Any] | Any:
    """An array as it comes, or what a file holds."""
    if not isinstance(source, str | os.PathLike):
        return source
    path = Path(source).expanduser()
    try:
        if path.suffix == ".csv":
            return np.loadtxt(path, delimiter=",", ndmin=2)
        if path.suffix not in (".npy", ".npz"):
            raise ValueError("give .npy, .npz or .csv")
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            names = list(found.files)
            if name not in names and len(names) != 1:
                raise ValueError(f"it holds {', '.join(names[:8]) or 'nothing'}; call the array {name}")
            return found[name if name in names else names[0]]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"curves {path} cannot be read: {reason}") from error
