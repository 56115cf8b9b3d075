"""The dQNTK μ = Σ_kℓ (∂_k∂_ℓ f)(∂_k f)(∂_ℓ f) in the Haar-layer ensemble: its mean, and what is quoted of its size.

Mean, exact at every D and L for any O and G:

    E μ = 2 L(L-1) D a₃(O) a₂(G)² / ((D-1)² (D+1)³ (D+2)).

The diagonal k = ℓ contributes nothing: (∂²f)(∂f)² is the derivative of (∂f)³/3, whose mean does not depend on the
angle. A pair k ≠ ℓ holds each generator twice, of which the average over its Haar conjugates knows a₂(G) alone, so that
the value for a Pauli serves all. It vanishes for a Pauli O.

Second moment, at large D: the size that is commonly quoted is E μ² ≈ 32 L² a₂(O)³ (a₂(G)/D)⁴ / D⁶; for a Pauli O the
limit of the exact law (``qntk.theory.haar.dqntk_second_moment``) has 32 + 16 (1 + L/D)² in place of 32.
"""

from __future__ import annotations

from typing import Literal

from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.prediction import Prediction


def mean(law: KernelLaw) -> Prediction:
    """E μ, exact, in units of O³ G⁴.

    >>> from qntk.theory.operators import OperatorMoments
    >>> projector, pauli = OperatorMoments.from_projector(3), OperatorMoments.from_pauli(3)
    >>> round(mean(KernelLaw(10, projector, pauli)).value, 6)
    0.169312
    """
    D, L = law.observable.dimension, law.parameters
    scale = 2 * L * (L - 1) * D * law.generator.a2**2
    value = float(scale * law.observable.a3 / ((D - 1) ** 2 * (D + 1) ** 3 * (D + 2)))
    return Prediction("dQNTK mean", value, "exact", ("Haar layers (3-design)", "finite D and L"), "docs/theory.md")


def second_moment_asymptotic(law: KernelLaw) -> Prediction | None:
    """The quoted size 32 L² a₂(O)³ (a₂(G)/D)⁴ / D⁶; None unless G² is a multiple of the identity."""
    return _second_moment(law, 32.0, "asymptotic", "the quoted Δμ = √32 L Tr(O²)^{3/2}/D³, squared")


def second_moment_leading(law: KernelLaw) -> Prediction | None:
    """32 + 16 (1 + L/D)² in place of 32, for a Pauli observable; None for others."""
    O, D = law.observable, law.observable.dimension
    if O.a4 * D != O.a2**2 or O.a3 != 0:
        return None
    factor = 32.0 + 16.0 * (1 + law.parameters / D) ** 2
    return _second_moment(law, factor, "leading", "measured on Haar layers at large D with L/D fixed, docs/theory.md")


def _second_moment(
    law: KernelLaw, factor: float, regime: Literal["asymptotic", "leading"], reference: str
) -> Prediction | None:
    if not _squares_to_identity(law):
        return None
    D = law.observable.dimension
    scale = law.parameters**2 * law.observable.a2**3 * (law.generator.a2 / D) ** 4 / D**6
    assumptions = ("Haar layers (6-design)", "leading order in large D")
    return Prediction("dQNTK second moment", factor * float(scale), regime, assumptions, reference)


def _squares_to_identity(law: KernelLaw) -> bool:
    G = law.generator
    return G.a4 * G.dimension == G.a2**2 and G.a3 == 0
