"""Mean, variance and concentration of the quantum neural tangent kernel K = Σ_ℓ (∂f/∂θ_ℓ)² in the Haar-layer ensemble.

The ensemble: U = W_L e^{-iθ_L G} W_{L-1} … e^{-iθ_1 G} W_0 with independent Haar unitaries W_0 … W_L, f = <0|U†OU|0>.

Product law. Pull the pair (state, O·state) back through the circuit from the end. The part of O·state orthogonal to
the final state ψ has squared norm v_O(ψ) = <O²> - <O>²; every Haar layer maps the pair to a fresh random orthonormal
pair (φ_ℓ, ξ_ℓ), so ∂_ℓ f = 2 √v_O Im<ξ_ℓ|G|φ_ℓ>. Split G φ = <G>φ + √v_G ζ with ζ ⊥ φ: Im<ξ|ζ> is one coordinate
x of a uniform point on the sphere S^{2D-3}, and

    K = 4 v_O(ψ) Σ_ℓ v_G(φ_ℓ) x_ℓ²,      x² ~ Beta(1/2, D - 3/2),      all factors independent,

with E x² = 1/(2(D-1)) and E x⁴ = 3/(4D(D-1)). Everything below follows. Values are computed in exact rational
arithmetic and rounded once, so D = 2^50 is as safe as D = 2.

References: [1] J. Liu et al., PRX Quantum 3, 030323 (2022). [2] J. Liu et al., Phys. Rev. Lett. 130, 150601 (2023).
[3] B. Zhang et al., Nat. Commun. (2024), arXiv 2311.18144 (their code holds the exact variance, as 'Cor').
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from qntk.theory.haar.state import relative_variance, variance_mean, variance_second_moment, variance_variance
from qntk.theory.operators import OperatorMoments
from qntk.theory.prediction import Prediction, Regime

_DERIVED = "product law of the Haar-layer ensemble, docs/theory.md"
_REFERENCE: dict[Regime, str] = {
    "asymptotic": "Liu et al., PRX Quantum 3, 030323 (2022); PRL 130, 150601 (2023)",
    "independent": _DERIVED,
    "exact": f"{_DERIVED}; also in the code of Zhang et al., arXiv 2311.18144",
}
_ASSUMPTIONS: dict[Regime, tuple[str, ...]] = {
    "asymptotic": (
        "Haar layers (2-design for the mean, 4-design for the variance)",
        "leading order in large D",
        "parameters independent",
        "generator with G² close to a multiple of the identity",
    ),
    "independent": ("Haar layers (4-design)", "finite D", "parameters independent"),
    "exact": ("Haar layers (4-design)", "finite D and L", "correlations between parameters kept"),
}


@dataclass(frozen=True)
class KernelLaw:
    """The kernel's law in the Haar-layer ensemble.

    Args:
        parameters: number of parameters L >= 1.
        observable: centred traces of O.
        generator: centred traces of G in exp(-iθG): ``from_pauli(n)`` for exp(-iθP), ``.scaled(1/2)`` for Qiskit's
            rotations exp(-iθP/2), which makes K four times smaller.

    Raises ``ValueError`` for L < 1 or operators of different dimension.

    >>> pauli = OperatorMoments.from_pauli(3)
    >>> law = KernelLaw(10, OperatorMoments.from_projector(3), pauli)
    >>> round(law.relative_std("exact").value, 3), round(law.relative_std("asymptotic").value, 3)
    (0.865, 0.656)
    """

    parameters: int
    observable: OperatorMoments
    generator: OperatorMoments

    def __post_init__(self) -> None:
        """Refuse what has no kernel."""
        if self.parameters < 1:
            raise ValueError(f"parameters is {self.parameters}; a kernel needs at least 1")
        if self.observable.dimension != self.generator.dimension:
            raise ValueError(
                f"observable acts on dimension {self.observable.dimension}, generator on {self.generator.dimension}"
            )

    def mean(self, regime: Regime = "exact") -> Prediction:
        """E K. Exact: 2 L a₂(O) a₂(G) / ((D+1)²(D-1)); asymptotic: 2 L a₂(O) a₂(G) / D³.

        Correlations do not enter a mean, so ``independent`` equals ``exact``.
        """
        return self._prediction("kernel mean", self._mean(regime), regime)

    def variance(self, regime: Regime = "exact") -> Prediction:
        """Var K.

        * asymptotic: (L/D⁴)(8 a₂(O)² + 12 a₄(O)) (a₂(G)/D)², the published form with centred traces;
        * independent: L · Var g² for one gradient component g, at finite D;
        * exact: adds L(L-1) Cov(g_k², g_ℓ²), which all parameters owe to the one v_O they share.
        """
        return self._prediction("kernel variance", self._variance(regime), regime)

    def relative_std(self, regime: Regime = "exact") -> Prediction:
        """ΔK/K̄ = sqrt(Var K) / E K, both taken in the same regime."""
        value = math.sqrt(self.relative_variance(regime))
        return self._prediction("kernel relative standard deviation", value, regime)

    def exact_mean(self) -> Fraction:
        """E K before it is rounded."""
        return self._mean("exact")

    def relative_variance(self, regime: Regime = "exact") -> Fraction:
        """Var K / (E K)² before it is rounded."""
        return self._variance(regime) / self._mean(regime) ** 2

    def plateau(self) -> Prediction:
        """Limit of ΔK/K̄ as L grows at fixed D: sqrt(Var v_O) / E v_O, exact.

        About √2/D for a Pauli, about 1 for a rank-1 projector: such a kernel never concentrates. The asymptotic and
        independent regimes have no plateau; they go to 0 as 1/√L.
        """
        value = math.sqrt(relative_variance(self.observable))
        return self._prediction("plateau of the relative standard deviation", value, "exact")

    def _mean(self, regime: Regime) -> Fraction:
        D = self.observable.dimension
        traces = 2 * self.parameters * self.observable.a2 * self.generator.a2
        return traces / D**3 if regime == "asymptotic" else traces / ((D + 1) ** 2 * (D - 1))

    def _variance(self, regime: Regime) -> Fraction:
        L, O, G = self.parameters, self.observable, self.generator
        D = O.dimension
        if regime == "asymptotic":
            return L * (8 * O.a2**2 + 12 * O.a4) * (G.a2 / D) ** 2 / D**4
        # One term s = 4 v_G x² of the sum, and K = v_O Σ s.
        term_mean = 2 * variance_mean(G) / (D - 1)
        term_variance = 12 * variance_second_moment(G) / (D * (D - 1)) - term_mean**2
        if regime == "independent":
            return L * (variance_second_moment(O) * term_variance + variance_variance(O) * term_mean**2)
        return variance_second_moment(O) * L * term_variance + variance_variance(O) * (L * term_mean) ** 2

    def _prediction(self, quantity: str, value: Fraction | float, regime: Regime) -> Prediction:
        return Prediction(quantity, float(value), regime, _ASSUMPTIONS[regime], _REFERENCE[regime])
