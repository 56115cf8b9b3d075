"""Closed forms of the quantum neural tangent kernel: numbers in, frozen predictions out.

Knows numpy and scipy (and stim, for given circuits) only, and never the sampler that is to check it.

* Haar layers: ``kernel`` (mean, variance), ``shape`` (skewness, kurtosis), ``distribution``, ``dqntk``,
  ``dqntk_second_moment``, ``concentration`` (depths and conditions)
* other layouts and inputs: ``layers``, ``boundary``, ``kernel_matrix``, ``symmetric``
* beyond Haar: ``pauli_paths`` (a given circuit), ``brickwork``
* training: ``frozen`` and its ``meta_kernel``, ``noise_floors``, ``dressed``; beyond the frozen kernel ``one_datum``,
  ``riccati``, ``imaginary_time``, ``double_bracket``, ``finite_depth``

docs/theory.md derives them all.

>>> observable, generator = OperatorMoments.from_pauli(6), OperatorMoments.from_pauli(6).scaled(0.5)
>>> KernelLaw(parameters=64, observable=observable, generator=generator).mean().regime
'exact'
"""

from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.operators import Number, OperatorMoments, hilbert_dimension
from qntk.theory.prediction import REGIMES, Prediction, Regime

__all__ = [
    "REGIMES",
    "KernelLaw",
    "Number",
    "OperatorMoments",
    "Prediction",
    "Regime",
    "hilbert_dimension",
]
