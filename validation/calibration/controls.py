"""Wrong theories and bad samplers, planted on purpose: a validator that misses one of these validates nothing.

Each control takes one trial, a fresh column of kernels whose law is known, spoils the theory or the draws, and says
whether the decision pipeline noticed. Verdicts are taken at the level that an interval of a report gets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from qntk.theory import KernelLaw, OperatorMoments, Prediction
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.estimates import Moment, Summary, summarise
from qntk.validation.judge.independence import check_independence
from qntk.validation.judge.verdicts import judge

REPORT_LEVEL = 0.01 / 1165
"""What an interval of the packaged default's report gets: 1165 of them share 1 %."""
MARGINS = Margins()
BIAS, BIAS_MARGIN = 0.05, 0.02
REPEATS = 4
CHAIN = 0.1


@dataclass(frozen=True)
class Setting:
    """A Haar-layer ensemble with a Pauli generator, exp(-iθP): number of qubits, observable, number of parameters."""

    qubits: int
    observable: str
    parameters: int

    def __str__(self) -> str:
        """For a table."""
        return f"n={self.qubits} {self.observable} L={self.parameters}"


MILD = Setting(3, "Z0", 32)
MIDDLE = Setting(4, "tfim:J=1,h=1", 16)
SKEWED = Setting(3, "projector:rank=1", 16)
HEAVY = Setting(4, "projector:rank=1", 8)
SETTINGS = (MILD, MIDDLE, SKEWED, HEAVY)
"""From mild to heavy tails: excess kurtosis 0.2, 1.8, 1.2 and 6.8."""


@dataclass(frozen=True)
class Trial:
    """A column of kernels, its moments, its true law, and random numbers for what a control draws itself."""

    kernels: NDArray[np.float64]
    summary: Summary
    law: KernelLaw
    rng: np.random.Generator


@dataclass(frozen=True)
class Control:
    """One planted fault.

    Attributes:
        name: short identifier.
        setting: the ensemble that it is planted on.
        what: the fault, and what counts as noticing it.
        noticed: whether one trial's check noticed.
    """

    name: str
    setting: Setting
    what: str
    noticed: Callable[[Trial], bool]


def _disagrees(summary: Summary, statistic: Moment, prediction: Prediction, margin: float | None = None) -> bool:
    allowed = getattr(MARGINS, statistic) if margin is None else margin
    return judge(summary, statistic, prediction, allowed, REPORT_LEVEL).verdict == "disagree"


def _generator_convention(trial: Trial) -> bool:
    half = replace(trial.law, generator=trial.law.generator.scaled(Fraction(1, 2)))
    return _disagrees(trial.summary, "mean", half.mean())


def _trace_kept(trial: Trial) -> bool:
    one = Fraction(1)  # Tr O^k of a rank-1 projector
    uncentred = OperatorMoments(trial.law.observable.dimension, one, one, one, "projector with its trace")
    return _disagrees(trial.summary, "mean", replace(trial.law, observable=uncentred).mean())


def _independent_regime(trial: Trial) -> bool:
    return _disagrees(trial.summary, "variance", trial.law.variance("independent"))


def _biased_sampler(trial: Trial) -> bool:
    return _disagrees(summarise((1 + BIAS) * trial.kernels), "mean", trial.law.mean(), BIAS_MARGIN)


def _wrong_variance(trial: Trial) -> bool:
    mean, variance = trial.law.mean().value, trial.law.variance("independent").value
    gamma = trial.rng.gamma(mean**2 / variance, variance / mean, len(trial.kernels))
    summary = summarise(gamma)
    return _disagrees(summary, "variance", trial.law.variance()) and not _disagrees(summary, "mean", trial.law.mean())


def _repeated_draws(trial: Trial) -> bool:
    repeated = np.repeat(trial.kernels[: len(trial.kernels) // REPEATS], REPEATS)
    return check_independence(repeated).p_value < REPORT_LEVEL


def _chained_draws(trial: Trial) -> bool:
    chain = lfilter([1.0], [1.0, -CHAIN], trial.rng.standard_normal(len(trial.kernels)))
    chained = np.sort(trial.kernels)[np.argsort(np.argsort(chain))]
    return check_independence(chained).p_value < REPORT_LEVEL


CONTROLS = (
    Control(
        "generator convention",
        MILD,
        "P/2 in the theory where circuits have P, a factor 4: mean disagrees",
        _generator_convention,
    ),
    Control("trace kept", SKEWED, "Tr O² = 1 in place of 1 - 1/D: mean disagrees", _trace_kept),
    Control(
        "independent regime", MILD, "correlations between parameters dropped: variance disagrees", _independent_regime
    ),
    Control(
        "biased sampler",
        MILD,
        f"kernels {BIAS:.0%} too large, margin {BIAS_MARGIN:.0%}: mean disagrees",
        _biased_sampler,
    ),
    Control(
        "wrong variance",
        HEAVY,
        "a gamma law with the right mean and the variance of independent parameters: variance disagrees, mean does not",
        _wrong_variance,
    ),
    Control("repeated draws", HEAVY, f"each draw {REPEATS} times: independence refused", _repeated_draws),
    Control(
        "chained draws",
        HEAVY,
        f"the same kernels in the order of a chain with correlation {CHAIN:g}: independence refused",
        _chained_draws,
    ),
)
