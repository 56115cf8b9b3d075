"""``qntk.compare`` and ``qntk.check``: verdicts, each with its error rate."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qntk import _checked
from qntk._chain import ChainLaw
from qntk._draws import Sample
from qntk._law import Law
from qntk._result import Result
from qntk.inputs.draws import column_of
from qntk.inputs.messages import warn
from qntk.inputs.separated import Dialect
from qntk.sampling import Draws
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.attribution.check import check_document, check_text
from qntk.validation.attribution.law_page import law_sentences
from qntk.validation.judge.claims import Margins, Quantity
from qntk.validation.judge.compare import FAMILY_ERROR, compare_document, compare_text


@dataclass(frozen=True, repr=False, eq=False)
class Judged(Result):
    """Verdicts, from the document of a command.

    Attributes:
        document: what the command prints with ``--json``.
    """

    document: dict[str, Any] = field(repr=False)

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """A dict for each verdict, with the keys that scripts read."""
        return list(self.document["verdicts"])

    @property
    def agrees(self) -> bool:
        """Whether every verdict on the exact law is *agree*."""
        return all(v["verdict"] == "agree" for v in self.verdicts if v["regime"] == "exact")

    def rows(self) -> list[dict[str, Any]]:
        """A row for each verdict."""
        return [
            {
                "statistic": v["statistic"],
                "regime": v["regime"],
                "verdict": v["verdict"],
                "estimate": v["estimate"],
                "interval": tuple(v["interval"]),
                "prediction": v["prediction"],
                "p": v["p_value"],
            }
            for v in self.verdicts
        ]

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of the command."""
        return self.document

    def plot(self, ax: Any = None) -> Any:
        """Estimates over predictions with their intervals and margins, a row a verdict; returns the axes."""
        import matplotlib.pyplot as plt

        shown = [v for v in self.verdicts if v["prediction"]]
        axes = plt.subplots(figsize=(6, 0.4 * len(shown) + 1))[1] if ax is None else ax
        colours = {"agree": "C0", "disagree": "C1", "inconclusive": "0.5"}
        for place, v in enumerate(reversed(shown)):
            ends = np.array([v["interval"][0], v["estimate"], v["interval"][1]]) / v["prediction"]
            axes.plot([1 - v["margin"], 1 + v["margin"]], [place, place], color="0.88", linewidth=9, zorder=0)
            axes.plot(ends[[0, 2]], [place, place], color=colours[v["verdict"]])
            axes.plot(ends[1], place, "o", color=colours[v["verdict"]])
        names = [f"{v['statistic']}, {v['regime']}: {v['verdict']}" for v in reversed(shown)]
        axes.set_yticks(range(len(shown)), names)
        axes.axvline(1, color="0.4", linewidth=0.8)
        axes.set_xlabel("estimate over prediction")
        return axes


class Comparison(Judged):
    """What ``qntk.compare`` found; ``print(comparison.text)`` is what the command prints."""

    @property
    def text(self) -> str:
        """As ``qntk compare`` prints it."""
        return compare_text(self.document)

    def title(self) -> str:
        """What was compared."""
        return compare_text(self.document).partition("\n")[0]

    def notes(self) -> list[str]:
        """Which regimes hold, and what is promised."""
        return [self.document["summary"], self.document["promise"]]


class Check(Judged):
    """What ``qntk.check`` found; ``print(check.text)`` is what the command prints."""

    @property
    def text(self) -> str:
        """As ``qntk check`` prints it."""
        return check_text(self.document)

    def title(self) -> str:
        """What was checked."""
        return check_text(self.document).partition("\n")[0]

    def notes(self) -> list[str]:
        """What was done to the circuit, its own law, reasons and advice."""
        own = law_sentences(self.document["own_law"])
        return [*self.document["remarks"], *own, *self.document.get("advice", [])][:10]


@dataclass(frozen=True, repr=False, eq=False)
class Checks(Result):
    """What ``qntk.check`` found of several observables, the outputs of one model.

    Attributes:
        checks: one for each, which share the error.
        traced: mean of the sum of their kernels over the sum of the laws' means: ``estimate``, ``interval`` (the sum
            of theirs) and ``verdict``.
    """

    checks: tuple[Check, ...]
    traced: dict[str, Any]

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """Of all observables, each with its ``observable``."""
        return [{"observable": c.document["observable"]} | v for c in self.checks for v in c.verdicts]

    @property
    def text(self) -> str:
        """As ``qntk check`` prints it."""
        return "\n\n".join([*(c.text for c in self.checks), *self.notes()])

    def title(self) -> str:
        """What was checked."""
        return f"{len(self.checks)} observables: {', '.join(c.document['observable'] for c in self.checks)}"

    def rows(self) -> list[dict[str, Any]]:
        """A row for each verdict."""
        return [{"observable": c.document["observable"]} | row for c in self.checks for row in c.rows()]

    def notes(self) -> list[str]:
        """The traced kernel's mean."""
        low, high = self.traced["interval"]
        return [
            f"Traced kernel, the sum: mean over Haar's {self.traced['estimate']:.3f} [{low:.3f}, {high:.3f}] "
            f"{self.traced['verdict']}"
        ]

    def to_dict(self) -> dict[str, Any]:
        """The documents of each, and the mean of the sum."""
        documents = [c.document for c in self.checks]
        return {
            "schema_version": documents[0]["schema_version"],
            "checks": documents,
            "verdicts": self.verdicts,
            "traced_mean_ratio": self.traced,
        }


def compare(
    draws: Any,
    law: Law | ChainLaw,
    quantity: Quantity = "kernel",
    margin: float | None = None,
    family_error: float = FAMILY_ERROR,
    column: str | None = None,
    estimated: bool = False,
    dialect: Dialect | None = None,
) -> Comparison:
    """Verdicts on independent draws of K, or of μ, against the closed forms.

    Args:
        draws: what ``qntk.sample`` or ``qntk.haar`` gave; an array or Series of shape (n,); a frame with a column
            ``kernel``; or a file that ``qntk compare`` reads.
        law: of one L, from ``qntk.law``, of Haar layers or of free fermions.
        quantity: ``kernel`` or ``dqntk``.
        margin: relative difference that counts as agreement, one for every statistic in place of 5 % and 10 %.
        family_error: probability that any verdict is wrong.
        column: of a file or a frame, where it is not called by its quantity.
        estimated: whether K was estimated from shots, so that it may be negative: the mean alone is tested then. Draws
            of ``qntk.sample`` say so themselves.
        dialect: how a file of text separates and writes its numbers, where that is not plain.

    Raises ``ValueError`` for draws of another cell, fewer than 8, or values that are no kernels.
    """
    if not isinstance(law, Law | ChainLaw):
        raise TypeError(
            f"a {type(law).__name__} was given where a law is meant; give qntk.law(qubits, parameters, observable)"
        )
    parameters = _one(law)
    if isinstance(draws, str | os.PathLike):
        source: Any = Path(draws).expanduser()
    else:
        source = _values(draws, law, quantity, column)
        estimated = estimated or getattr(draws, "estimated", False) is True
    told = law.observable if law.observable.matrix is not None else law.observable.spec
    document = compare_document(
        source, law.qubits, parameters, told, law.generator, quantity, column, margin, family_error, estimated, dialect,
        law.ensemble if isinstance(law, ChainLaw) else "haar-layers",
    )  # fmt: skip
    for warning in document["warnings"]:
        warn(f"draws {source}: {warning}" if isinstance(source, Path) else warning)
    return Comparison(document)


def _one(law: Law | ChainLaw) -> int:
    return law.parameters if isinstance(law, ChainLaw) else law.kernel_law.parameters


def _values(draws: Any, law: Law | ChainLaw, quantity: str, column: str | None) -> Any:
    if isinstance(draws, Sample):
        L = _one(law)
        same: list[tuple[str, Any, Any]] = [("qubits", draws.qubits, law.qubits), ("parameters", draws.parameters, L)]
        same.append(("observable", draws.observable, law.observable.spec))
        for name, given, meant in same:
            if given != meant:
                raise ValueError(f"the draws are of {name} = {given}, the law of {meant}; compare like with like")
        draws = draws.draws
    if isinstance(draws, Draws):
        draws = getattr(draws, quantity)
        if draws is None:
            raise ValueError(f"the draws hold no {quantity}; ask for it with dqntk=True")
    if hasattr(draws, "columns"):
        name = column or quantity
        if name not in draws.columns:
            raise ValueError(f"the frame has no column {name!r}; it has {', '.join(map(str, draws.columns))}")
        draws = draws[name]
    return _checked.numbers("draws", column_of(draws))


def check(
    circuit: Any,
    observable: Any,
    inputs: Any = None,
    generator: str = "half-pauli",
    draws: int = 20_000,
    repeats: int = 4,
    seed: int = 20221114,
    margin: float | None = None,
    family_error: float = 0.01,
    reasons: bool = True,
    layout: str | None = None,
    angles: Any = None,
) -> Check | Checks:
    """Is this ansatz random enough for the theory, how deep must it be, and why not.

    Args:
        circuit: a ``QuantumCircuit``, or the file of one.
        observable: in any spelling of ``qntk.observable``; a list of them for a model with several outputs, whose
            checks share the error and the angles.
        inputs: the parameters that are data, as for ``qntk.sample``.
        generator: of the rotations, for the law.
        draws: of K for each repetition.
        repeats: the circuit is also tried 2, 4, … times in a row, up to this.
        seed: root of all randomness.
        margin: one for every statistic, in place of 5 % and 10 %.
        family_error: probability that any verdict is wrong.
        reasons: whether to look for what keeps it from the law; without, the answer is quick.
        layout: of a transpiled circuit, as for ``qntk.sample``.
        angles: how the trainable parameters are drawn, as for ``qntk.sample``.
    """
    if _checked.several(observable):
        share, settings = family_error / len(observable), {"reasons": reasons, "layout": layout, "angles": angles}
        found = [
            check(circuit, one, inputs, generator, draws, repeats, seed, margin, share, **settings)
            for one in observable
        ]
        each = tuple(one for one in found if isinstance(one, Check))
        return Checks(each, _traced(each, 0.05 if margin is None else margin))
    taken = _checked.circuit(circuit)
    observable = taken.observable(observable, layout)
    random = RandomCircuit.read(taken.circuit, _checked.input_names(taken.circuit, inputs), angles)
    count, root = _checked.draws_and_seed(draws, seed)
    margins = None if margin is None else Margins.uniform(margin)
    document = check_document(
        random, observable, _checked.generator(generator), count,
        _checked.whole("repeats", repeats, 1, 64), root, family_error, margins, reasons,
    )  # fmt: skip
    return Check(document | {"remarks": taken.notes})


def _traced(checks: tuple[Check, ...], margin: float) -> dict[str, Any]:
    """The mean of a sum lies between the sums of the ends of intervals that all hold; an equivalence test on it."""
    rows = [v for c in checks for v in c.verdicts if (v["statistic"], v["regime"]) == ("mean", "exact")]
    total = sum(v["prediction"] for v in rows)
    low, high = (sum(v["interval"][end] for v in rows) / total for end in (0, 1))
    verdict = "inconclusive"
    if 1 - margin <= low and high <= 1 + margin:
        verdict = "agree"
    elif high < 1 - margin or low > 1 + margin:
        verdict = "disagree"
    return {"estimate": sum(v["estimate"] for v in rows) / total, "interval": [low, high], "verdict": verdict}
