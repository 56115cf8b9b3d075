"""``qntk.law``: the closed forms of a cell, or of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk import _checked
from qntk._chain import ChainLaw, chain_law
from qntk._result import Result
from qntk.inputs.observables import Observable
from qntk.inputs.operators import observable as read_observable
from qntk.theory import REGIMES, KernelLaw, Prediction, Regime
from qntk.theory.haar import dqntk
from qntk.theory.haar.distribution import KernelDistribution
from qntk.theory.haar.dqntk_second_moment import second_moment
from qntk.theory.haar.shape import excess_kurtosis, skewness
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.predict import QUANTILES, predict_document, predict_text, rotation

MOST_QUBITS, MOST_PARAMETERS = 60, 10**9


@dataclass(frozen=True, repr=False)
class Law(Result):
    """The kernel's law in Haar layers, for one L or an array of them.

    Attributes:
        qubits: n; D = 2^n.
        parameters: L, or a tuple of them.
        observable: as read.
        generator: ``half-pauli``, exp(-iθP/2), or ``pauli``, exp(-iθP), which makes K four times larger.

    With several L, moments are arrays of their shape (len,); with one, a ``Prediction``, which is a number that knows
    its regime, its assumptions and its source.
    """

    qubits: int
    parameters: int | tuple[int, ...]
    observable: Observable
    generator: str

    @cached_property
    def laws(self) -> tuple[KernelLaw, ...]:
        """The theory's own law, for each L."""
        Ls = (self.parameters,) if isinstance(self.parameters, int) else self.parameters
        first = kernel_law(self.qubits, Ls[0], self.observable, self.generator)
        return tuple(replace(first, parameters=L) for L in Ls)

    @property
    def kernel_law(self) -> KernelLaw:
        """The theory's own law of one L; ``ValueError`` for several."""
        if not isinstance(self.parameters, int):
            raise ValueError(f"this law is of {len(self.parameters)} values of L; take one of them")
        return self.laws[0]

    def mean(self, regime: str = "exact") -> Prediction | NDArray[np.float64]:
        """E K."""
        return self._each("mean", regime)

    def variance(self, regime: str = "exact") -> Prediction | NDArray[np.float64]:
        """Var K."""
        return self._each("variance", regime)

    def relative_std(self, regime: str = "exact") -> Prediction | NDArray[np.float64]:
        """ΔK/K̄."""
        return self._each("relative_std", regime)

    def plateau(self) -> Prediction:
        """Limit of ΔK/K̄ as L grows."""
        return self.laws[0].plateau()

    def skewness(self) -> Prediction | None:
        """Of K, exact; None where it is not known."""
        return skewness(self.kernel_law)

    def kurtosis(self) -> Prediction | None:
        """Excess kurtosis of K, exact; None where it is not known."""
        return excess_kurtosis(self.kernel_law)

    def dqntk_mean(self) -> Prediction:
        """E μ, exact."""
        return dqntk.mean(self.kernel_law)

    def dqntk_second_moment(self) -> Prediction | None:
        """E μ², exact; None where it is not known."""
        return second_moment(self.kernel_law)

    @cached_property
    def _distribution(self) -> KernelDistribution:
        return KernelDistribution(self.kernel_law)

    def quantiles(self, probabilities: ArrayLike = QUANTILES) -> NDArray[np.float64]:
        """Quantiles of K, of the shape of ``probabilities``."""
        p = _checked.numbers("probabilities", probabilities)
        if ((p <= 0) | (p >= 1)).any():
            raise ValueError("a probability is not between 0 and 1")
        return np.asarray(self._distribution.quantiles(p.ravel())).reshape(p.shape)

    def cdf(self, kernel: ArrayLike) -> NDArray[np.float64]:
        """P(K <= kernel), of the shape of ``kernel``."""
        k = _checked.numbers("kernel", kernel)
        return np.asarray(self._distribution.cdf(k.ravel())).reshape(k.shape)

    def draws_needed(
        self,
        statistic: Literal["mean", "variance", "relative_std"],
        margin: float | None = None,
        power: float = 0.9,
        level: float = 0.01 / 4,
    ) -> int:
        """Draws for which a right law gets ``agree`` with probability ``power``.

        Args:
            statistic: ``mean``, ``variance`` or ``relative_std``.
            margin: relative difference that counts as agreement; 0.05 for a mean and ΔK/K̄, 0.1 for a variance.
            power: probability of the verdict.
            level: with which the interval misses; a quarter of 1 %, as ``qntk.compare`` gives to each of its four.

        >>> from qntk import law
        >>> law(3, 10, "Z0").draws_needed("variance", margin=0.1, power=0.9)
        6499
        """
        from qntk.validation.judge.design import draws_to_agree  # needs scipy.stats, which takes long to import

        return draws_to_agree(self.kernel_law, statistic, margin, power, level)

    def title(self) -> str:
        """What this is a law of."""
        L = self.parameters if isinstance(self.parameters, int) else f"{self.parameters[0]} … {self.parameters[-1]}"
        return f"Haar layers, n = {self.qubits}, L = {L}, observable {self.observable.spec}, {rotation(self.generator)}"

    def rows(self) -> list[dict[str, Any]]:
        """Mean, variance and ΔK/K̄, a row for each L and regime."""
        return [
            {
                "L": law.parameters,
                "regime": regime,
                "mean": law.mean(regime).value,
                "variance": law.variance(regime).value,
                "relative_std": law.relative_std(regime).value,
            }
            for law in self.laws
            for regime in REGIMES
        ]

    def notes(self) -> list[str]:
        """The plateau."""
        return [f"ΔK/K̄ at L → ∞: {float(self.plateau()):.5g}"]

    def to_dict(self) -> dict[str, Any]:
        """What ``qntk predict --json`` prints; ``ValueError`` for several L."""
        return predict_document(self.qubits, self.kernel_law.parameters, self.observable, self.generator)

    @property
    def text(self) -> str:
        """What ``qntk predict`` prints."""
        return predict_text(self.to_dict())

    def plot(self, ax: Any = None) -> Any:
        """ΔK/K̄ against several L in three regimes, or the distribution of K for one; returns the axes."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        if isinstance(self.parameters, int):
            p = np.linspace(0.001, 0.999, 200)
            axes.plot(self.quantiles(p), p)
            axes.set(xlabel="$K$", ylabel="probability", title=self.title())
            return axes
        styles = {"asymptotic": (0, (4, 2)), "independent": ":", "exact": "-"}
        for regime in REGIMES:
            axes.plot(self.parameters, cast(Any, self.relative_std(regime)), linestyle=styles[regime], label=regime)
        axes.set(xscale="log", yscale="log", xlabel="parameters $L$", ylabel=r"$\Delta K/\bar K$", title=self.title())
        axes.legend(frameon=False)
        return axes

    def _each(self, name: str, regime: str) -> Prediction | NDArray[np.float64]:
        chosen = cast(Regime, _checked.regime(regime))
        found = [getattr(law, name)(chosen) for law in self.laws]
        return found[0] if isinstance(self.parameters, int) else np.array([p.value for p in found])


@overload
def law(
    qubits: int,
    parameters: int | Sequence[int] | NDArray[np.int64],
    observable: Any,
    generator: str = "half-pauli",
    ensemble: Literal["haar-layers"] = "haar-layers",
) -> Law: ...


@overload
def law(qubits: int, parameters: int, observable: Any, generator: str = "half-pauli", *, ensemble: str) -> ChainLaw: ...


def law(
    qubits: int,
    parameters: Any,
    observable: Any,
    generator: str = "half-pauli",
    ensemble: str = "haar-layers",
) -> Law | ChainLaw:
    """The closed forms of K in Haar layers, or in layers of free fermions.

    Args:
        qubits: n, 1 to 60.
        parameters: L, or several of them.
        observable: in any spelling of ``qntk.observable``.
        generator: ``half-pauli``, exp(-iθP/2), Qiskit's rotations; or ``pauli``, exp(-iθP).
        ensemble: ``haar-layers``; or Haar-random SO(2n) layers, on up to 100 000 qubits and for one L, as an open chain
            of RX and RZZ from |0…0> goes to in depth (``ising-layers``, observables linear in Majorana operators as Z0)
            or one of RZ, RXX and RYY from a basis state (``matchgate-layers``, quadratic ones as Z0 or X0X1).

    >>> import qntk
    >>> round(float(qntk.law(3, 10, "projector:rank=1", generator="pauli").relative_std()), 3)
    0.865
    >>> qntk.law(3, [8, 16], "Z0").relative_std("asymptotic").round(3)
    array([0.545, 0.385])
    >>> float(qntk.law(1000, 50, "Z0", ensemble="ising-layers").mean())
    2.5e-05
    """
    if ensemble != "haar-layers":
        return chain_law(ensemble, qubits, parameters, observable, generator)
    n = _checked.whole("qubits", qubits, 1, MOST_QUBITS)
    if np.ndim(parameters):
        Ls: int | tuple[int, ...] = tuple(
            _checked.whole("parameters", L, 1, MOST_PARAMETERS) for L in np.asarray(parameters).ravel()
        )
        if not Ls:
            raise ValueError("parameters is empty; give at least one L")
    else:
        Ls = _checked.whole("parameters", parameters, 1, MOST_PARAMETERS)
    return Law(n, Ls, read_observable(observable, n), _checked.generator(generator))
