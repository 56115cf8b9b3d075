"""``qntk.law(…, ensemble="ising-layers")``: the law of free fermions, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk import _checked
from qntk._result import Result
from qntk.inputs.observables import Observable
from qntk.theory import Prediction
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.validation.judge.free_fermions import LAYERS, fermion_document, fermion_law, fermion_text
from qntk.validation.judge.predict import QUANTILES

MOST_MODES = 10**5


@dataclass(frozen=True, repr=False)
class ChainLaw(Result):
    """The kernel's law in Haar-random SO(2n) layers, for one L; everything exact.

    Attributes:
        ensemble: ``ising-layers`` or ``matchgate-layers``.
        qubits, parameters: n and L.
        observable: as read.
        generator: ``half-pauli``, exp(-iθP/2), or ``pauli``, exp(-iθP), which makes K four times larger.
    """

    ensemble: str
    qubits: int
    parameters: int
    observable: Observable
    generator: str

    @cached_property
    def law(self) -> FermionLaw:
        """The theory's own law."""
        return fermion_law(self.ensemble, self.qubits, self.parameters, self.observable, self.generator)

    def mean(self) -> Prediction:
        """E K."""
        return self.law.mean()

    def variance(self) -> Prediction:
        """Var K."""
        return self.law.variance()

    def relative_std(self) -> Prediction:
        """ΔK/K̄."""
        return self.law.relative_std()

    def plateau(self) -> Prediction:
        """Limit of ΔK/K̄ as L grows."""
        return self.law.plateau()

    def quantiles(self, probabilities: ArrayLike = QUANTILES) -> NDArray[np.float64]:
        """Quantiles of K, of the shape of ``probabilities``."""
        return self.law.quantiles(_checked.numbers("probabilities", probabilities))

    def cdf(self, kernel: ArrayLike) -> NDArray[np.float64]:
        """P(K <= kernel), of the shape of ``kernel``."""
        return self.law.cdf(_checked.numbers("kernel", kernel))

    def pdf(self, kernel: ArrayLike) -> NDArray[np.float64]:
        """The density of K, of the shape of ``kernel``."""
        return self.law.pdf(_checked.numbers("kernel", kernel))

    def draws_needed(
        self,
        statistic: Literal["mean", "variance", "relative_std"],
        margin: float | None = None,
        power: float = 0.9,
        level: float = 0.01 / 4,
    ) -> int:
        """Draws for which a right law gets ``agree`` with probability ``power``; as ``qntk.law(…).draws_needed``."""
        from qntk.validation.judge.design import draws_to_agree  # needs scipy.stats, which takes long to import

        return draws_to_agree(self.law, statistic, margin, power, level)

    def title(self) -> str:
        """What this is a law of."""
        return self.text.partition("\n")[0]

    def rows(self) -> list[dict[str, Any]]:
        """Mean, variance and ΔK/K̄."""
        values = {name: getattr(self, name)().value for name in ("mean", "variance", "relative_std")}
        return [{"L": self.parameters, "regime": "exact"} | values]

    def notes(self) -> list[str]:
        """The plateau."""
        return [f"ΔK/K̄ at L → ∞: {float(self.plateau()):.5g}"]

    def to_dict(self) -> dict[str, Any]:
        """What ``qntk predict --ensemble … --json`` prints."""
        return fermion_document(self.law, self.ensemble, self.observable.spec, self.generator)

    @property
    def text(self) -> str:
        """What ``qntk predict --ensemble …`` prints."""
        return fermion_text(self.to_dict())

    def plot(self, ax: Any = None) -> Any:
        """The distribution of K; returns the axes."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        p = np.linspace(0.001, 0.999, 200)
        axes.plot(self.quantiles(p), p)
        axes.set(xlabel="$K$", ylabel="probability", title=self.title())
        return axes


def chain_law(ensemble: str, qubits: Any, parameters: Any, spec: Any, generator: str) -> ChainLaw:
    """The law of one of ``LAYERS``; ``ValueError`` for sizes out of range and observables without one."""
    from qntk.inputs.operators import observable as read_observable

    if ensemble not in LAYERS:
        raise ValueError(f"ensemble {ensemble!r} is unknown; choose haar-layers, {', '.join(LAYERS)}")
    n = _checked.whole("qubits", qubits, 2, MOST_MODES)
    L = _checked.whole("parameters", parameters, 1, 10**9)
    found = ChainLaw(ensemble, n, L, read_observable(spec, n), _checked.generator(generator))
    _ = found.law
    return found
