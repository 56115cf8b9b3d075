"""When the kernel concentrates, when it stays frozen, and how deep a circuit must be for either.

All statements are on the Haar-layer ensemble. Write k = E K / L for the mean per parameter, which is the variance of
one gradient component, of mean 0: the barren-plateau number.

* Fluctuation. (ΔK/K̄)² = c/L + p², with p the plateau of ``KernelLaw.plateau`` and c = E v_O² Var s / (E v_O E s)². So
  ΔK/K̄ <= δ needs L >= c/(δ² - p²), and no L does it if p >= δ. (Published: c alone, p = 0.)
* Rate. The error decays at the rate ηK̄ = ηkL per step, which is of order 1 at L ≈ 1/(ηk): L ≈ D for Tr O² ~ D, L ≈ D²
  for Tr O² ~ 1, with η of order 1 and G² = 1.
* Laziness. While the error ε₀ is trained away the kernel moves by 2με₀/K, to first order in the dQNTK μ, whatever η is
  (``training.meta_kernel``). Frozen to δ, in root mean square: 2|ε₀| √(E μ²)/K̄² <= δ. For a Pauli O the left side is
  √48 |ε₀|·√D/(2L) at L ≪ D (√32 by the quoted size of μ) and falls to a plateau, 2|ε₀|/√D, at L ≫ D.
* Step. One step is linear to δ if ½η²ε²|μ| <= δ·ηK|ε|: η <= 2δK̄/(|ε|√(E μ²)).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qntk.theory.haar.dqntk import second_moment_asymptotic
from qntk.theory.haar.dqntk_second_moment import at_depth, second_moment, second_moment_series
from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.haar.state import relative_variance
from qntk.theory.operators import OperatorMoments
from qntk.theory.prediction import Prediction, Regime

_DEEPEST = 1 << 62


def gradient_variance(observable: OperatorMoments, generator: OperatorMoments) -> Prediction:
    """E g² of one gradient component g, whose mean is 0; exponentially small in n is a barren plateau.

    2 a₂(O) a₂(G)/((D+1)²(D-1)): about 2/D for Paulis, 2/D² for a projector of rank 1.

    >>> pauli = OperatorMoments.from_pauli(10)
    >>> round(float(gradient_variance(pauli, pauli)) * 1024, 3)
    1.998
    """
    mean = KernelLaw(1, observable, generator).mean()
    return Prediction("variance of a gradient component", mean.value, "exact", mean.assumptions, mean.reference)


def depth_for_fluctuation(
    observable: OperatorMoments, generator: OperatorMoments, fluctuation: float, regime: Regime = "exact"
) -> int | None:
    """Smallest L with ΔK/K̄ <= fluctuation; None if the plateau lies at or above it, so that no L does.

    >>> pauli, projector = OperatorMoments.from_pauli(6), OperatorMoments.from_projector(6)
    >>> depth_for_fluctuation(pauli, pauli, 0.1), depth_for_fluctuation(pauli, pauli, 0.1, "asymptotic")
    (206, 205)
    >>> depth_for_fluctuation(projector, pauli, 0.5), depth_for_fluctuation(projector, pauli, 0.5, "asymptotic")
    (None, 20)
    """
    target = _positive("fluctuation", fluctuation) ** 2
    law = KernelLaw(1, observable, generator)
    plateau = Fraction(0)
    if regime == "exact":
        plateau = relative_variance(observable)
    if plateau >= target:
        return None
    single = law.relative_variance(regime)
    return max(1, math.ceil((single - plateau) / (target - plateau)))


def depth_for_rate(
    observable: OperatorMoments, generator: OperatorMoments, rate: float = 1.0, learning_rate: float = 1.0
) -> int:
    """Smallest L at which the error decays at ηK̄ >= rate per step, for the loss ½ε².

    >>> pauli, projector = OperatorMoments.from_pauli(8), OperatorMoments.from_projector(8)
    >>> depth_for_rate(pauli, pauli), depth_for_rate(projector, pauli)  # D/2 and D²/2
    (129, 33025)
    """
    goal = _positive("rate", rate) / _positive("learning_rate", learning_rate)
    return max(1, math.ceil(goal / KernelLaw(1, observable, generator).exact_mean()))


def depth_for_laziness(
    observable: OperatorMoments, generator: OperatorMoments, residual: float, change: float
) -> int | None:
    """Smallest L at which training away the error ``residual`` changes K by a fraction <= change, root mean square.

    None if no L up to 2^62 does: the fraction has a plateau, 2|ε₀| √c₄ / k². ``ValueError`` where the higher traces of
    an operator are not known, and so E μ² is not.

    >>> pauli = OperatorMoments.from_pauli(8)
    >>> depth_for_laziness(pauli, pauli, residual=0.5, change=0.1), depth_for_laziness(pauli, pauli, 0.5, 0.05)
    (555, None)
    """
    series = second_moment_series(observable, generator)
    if series is None:
        raise ValueError("E μ² needs the higher traces of both operators: give their spectra")
    single = KernelLaw(1, observable, generator).exact_mean()
    bound = (_positive("change", change) * single**2 / (2 * _positive("residual", residual))) ** 2

    def lazy(L: int) -> bool:
        return at_depth(series, L) <= bound * L**4

    high = 1
    while not lazy(high):
        high *= 2
        if high > _DEEPEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if lazy(middle) else (middle, high)
    return high


class Frozen(NamedTuple):
    """How frozen training is for one law, one error and one learning rate; each number is a fraction, small is frozen.

    Attributes:
        fluctuation: ΔK/K̄, how much instances differ.
        kernel_change: root mean square of 2με₀/K̄², how much K moves in training.
        step_correction: root mean square of ½ηεμ/K̄, what one step adds beyond the linear one.
        rate: ηK̄; training is stable below 2, fast at order 1.
    """

    fluctuation: float
    kernel_change: float
    step_correction: float
    rate: float

    def holds(self, tolerance: float) -> bool:
        """The combined condition: all three fractions within the tolerance, and ηK̄ < 2."""
        return max(self.fluctuation, self.kernel_change, self.step_correction) <= tolerance and self.rate < 2


def frozen(law: KernelLaw, residual: float, learning_rate: float) -> Frozen:
    """The numbers behind the frozen regime, for the loss ½ε² and an initial error ``residual``.

    E μ² is exact, or where the operators' higher traces are not known its quoted size, which is too small (by √(48/32)
    at L ≪ D for a Pauli). ``ValueError`` where neither is known.

    >>> pauli = OperatorMoments.from_pauli(6)
    >>> [round(x, 4) for x in frozen(KernelLaw(512, pauli, pauli), residual=0.2, learning_rate=0.05)]
    [0.0655, 0.0561, 0.011, 0.7879]
    """
    square = second_moment(law) or second_moment_asymptotic(law)
    if square is None:
        raise ValueError("the size of the dQNTK needs the higher traces of both operators: give their spectra")
    mu = math.sqrt(square.value)
    mean = law.mean().value
    error, eta = float(_positive("residual", residual)), float(_positive("learning_rate", learning_rate))
    return Frozen(law.relative_std().value, 2 * error * mu / mean**2, eta * error * mu / (2 * mean), eta * mean)


def largest_learning_rate(law: KernelLaw, residual: float, correction: float) -> float:
    """The learning rate up to which the dQNTK's part in one step stays below ``correction`` of the linear one.

    2δK̄/(|ε|√(E μ²)), root mean square; compare with the critical rate 2/K̄ of ``qntk.theory.training.frozen``.
    """
    return float(_positive("correction", correction)) / frozen(law, residual, 1.0).step_correction


@dataclass(frozen=True)
class PhaseMap:
    """The frozen regime over a grid.

    Attributes:
        qubits: shape (N,).
        parameters: shape (P,).
        fluctuation, kernel_change, rate: shape (N, P), as in ``Frozen``.
        tolerance: what counts as small.
    """

    qubits: NDArray[np.int64]
    parameters: NDArray[np.int64]
    fluctuation: NDArray[np.float64]
    kernel_change: NDArray[np.float64]
    rate: NDArray[np.float64]
    tolerance: float

    @property
    def phase(self) -> NDArray[np.str_]:
        """ "frozen", "lazy" (K stays put but differs between instances), "concentrated" (the reverse), "neither"."""
        sharp, lazy = self.fluctuation <= self.tolerance, self.kernel_change <= self.tolerance
        return np.where(sharp & lazy, "frozen", np.where(lazy, "lazy", np.where(sharp, "concentrated", "neither")))


def phase_map(
    qubits: Sequence[int],
    parameters: Sequence[int],
    observable: Callable[[int], OperatorMoments],
    generator: Callable[[int], OperatorMoments] = OperatorMoments.from_pauli,
    residual: float = 0.2,
    learning_rate: float = 1.0,
    tolerance: float = 0.1,
) -> PhaseMap:
    """``frozen`` over n and L, with operators given as functions of n.

    >>> phase_map([4, 10], [10, 10**4], OperatorMoments.from_pauli).phase.tolist()
    [['neither', 'frozen'], ['neither', 'frozen']]
    """
    grid = [
        [frozen(KernelLaw(L, observable(n), generator(n)), residual, learning_rate) for L in parameters] for n in qubits
    ]
    values = np.array(grid)
    return PhaseMap(
        np.asarray(qubits), np.asarray(parameters), values[..., 0], values[..., 1], values[..., 3], tolerance
    )


def _positive(name: str, value: float) -> Fraction:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value}; give a positive number")
    return Fraction(value)
