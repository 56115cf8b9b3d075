"""Closed forms of the quantum neural tangent kernel: numbers in, frozen predictions out.

Knows numpy and scipy only, and never the sampler that is to check it.

>>> observable, generator = OperatorMoments.from_pauli(6), OperatorMoments.from_pauli(6).scaled(0.5)
>>> KernelLaw(parameters=64, observable=observable, generator=generator).mean().regime
'exact'
"""

from theory.kernel import KernelLaw
from theory.operators import Number, OperatorMoments, hilbert_dimension
from theory.prediction import REGIMES, Prediction, Regime

__all__ = [
    "REGIMES",
    "KernelLaw",
    "Number",
    "OperatorMoments",
    "Prediction",
    "Regime",
    "hilbert_dimension",
]
