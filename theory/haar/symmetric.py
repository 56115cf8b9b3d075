"""The kernel of Haar layers that are real or keep a time reversal: orthogonal and symplectic groups, exact.

An ansatz whose gates all commute with an antiunitary T has real layers if T² = 1 (orthogonal group O(D)) and
quaternionic ones if T² = -1 (symplectic group Sp(D/2)). Generators lie in the group's algebra: G is odd, T G T⁻¹ = -G.
The observable may be even or odd under T, and the input φ enters through the overlap τ = |<φ|Tφ>|² (0 if T² = -1).

* RY, CX, CZ (``RealAmplitudes``): T is complex conjugation, the input |0…0> is real, τ = 1; Z0 is even.
* RY, RZ and a closed ring of CZ on three qubits or more: T = ⊗(iσ_y)·conj up to a phase, T² = (-1)^n, T|0…0> = ±|1…1>
  and τ = 0; Paulis of odd weight are odd, those of even weight even. (Each edge of the ring contributes e^{iπZZ/4},
  which T turns into itself times -iZZ, and around a closed ring the ZZ multiply to one. One CZ on two qubits is no
  ring, and breaks T.)

Derivation: ``haar.commutators`` with R = (ρ + TρT⁻¹)/2 for an even O and (ρ - TρT⁻¹)/2 for an odd one, since only the
part of i[ρ, O] in the algebra meets G. On the plane of φ and Tφ, R has the eigenvalues (1 ± √τ)/2, or ±√(1-τ)/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from qntk.theory.haar.commutators import Ensemble
from qntk.theory.haar.invariants import Expression
from qntk.theory.operators import Number, OperatorMoments
from qntk.theory.prediction import Prediction

Group = Literal["orthogonal", "symplectic"]
_ASSUMPTIONS = "finite D and L, correlations between parameters kept"
_SIGN = {"even": 1, "odd": -1}
_ROUNDED = Fraction(1, 10**10)


def _lopsided(operator: OperatorMoments) -> bool:
    """Whether the spectrum is not symmetric about 0, beyond what rounding makes of one that is."""
    return operator.a3**2 > _ROUNDED**2 * operator.a2 * operator.a4


@dataclass(frozen=True)
class SymmetricKernelLaw:
    """Mean and variance of K for Haar layers of the orthogonal or the symplectic group.

    Args:
        parameters: number of parameters L >= 1.
        observable, generator: centred traces of O and G.
        group: "orthogonal" (T² = 1) or "symplectic" (T² = -1).
        parity: "even" or "odd", how O behaves under T. An odd operator has a3 = 0, up to 1e-10 of its largest value
            √(a2 a4), as eigenvalues are rounded; the generator is always odd.
        overlap: τ = |<φ|Tφ>|² of the input state, from 0 to 1; 0 for the symplectic group.

    Raises ``ValueError`` for arguments that fit no such ensemble, and for O(4) unless O is even and the input real:
    SO(4) is not simple, and its law depends on which factor O and G lie in.

    >>> pauli = OperatorMoments.from_pauli(3)
    >>> law = SymmetricKernelLaw(10, pauli, pauli, "orthogonal", "even", overlap=1)
    >>> round(law.mean().value, 6)  # 4 L D / ((D+2)(D-1)), about twice the unitary value
    4.571429
    """

    parameters: int
    observable: OperatorMoments
    generator: OperatorMoments
    group: Group
    parity: Literal["even", "odd"]
    overlap: Number

    def __post_init__(self) -> None:
        """Refuse what fits no ensemble."""
        D = self.observable.dimension
        if self.parameters < 1:
            raise ValueError(f"parameters is {self.parameters}; a kernel needs at least 1")
        if self.generator.dimension != D:
            raise ValueError(f"observable acts on dimension {D}, generator on {self.generator.dimension}")
        if self.group not in ("orthogonal", "symplectic") or self.parity not in _SIGN:
            raise ValueError("group is orthogonal or symplectic, parity even or odd")
        if _lopsided(self.generator) or (self.parity == "odd" and _lopsided(self.observable)):
            raise ValueError("an operator odd under time reversal has a spectrum symmetric about 0, and a3 = 0")
        if not 0 <= self.overlap <= 1 or (self.group == "symplectic" and self.overlap != 0):
            raise ValueError("overlap is |<φ|Tφ>|², from 0 to 1, and 0 for the symplectic group")
        if self.parity == "odd" and self.overlap == 1:
            raise ValueError("an odd observable has expectation 0 in every real state: there is no kernel")
        if self.group == "symplectic" and D % 2:
            raise ValueError(f"the symplectic group needs an even dimension, not {D}")
        if self.group == "orthogonal" and D == 4 and not (self.parity == "even" and self.overlap == 1):
            raise ValueError("on 2 qubits SO(4) is not simple: there is no single law")

    def mean(self) -> Prediction:
        """E K."""
        value = self.parameters * self._value(self._ensemble.second((0, 0)))
        return self._prediction("kernel mean", value)

    def variance(self) -> Prediction:
        """Var K."""
        return self._prediction("kernel variance", self._variance)

    def relative_std(self) -> Prediction:
        """ΔK/K̄ = sqrt(Var K) / E K."""
        mean = self.parameters * self._value(self._ensemble.second((0, 0)))
        return self._prediction("kernel relative standard deviation", math.sqrt(self._variance / mean**2))

    @cached_property
    def _variance(self) -> Fraction:
        L, labels = self.parameters, (0, 0, 0, 0)
        mean = self._value(self._ensemble.second((0, 0)))
        same, different = (self._value(term(labels)) for term in (self._ensemble.same, self._ensemble.different))
        return L * same + L * (L - 1) * different - (L * mean) ** 2

    @property
    def _ensemble(self) -> Ensemble:
        return Ensemble(self.observable, self.generator, self.group, _SIGN[self.parity])

    def _value(self, expression: Expression) -> Fraction:
        """Put in Tr R^k, from k = 1 to 4."""
        tau = Fraction(self.overlap)
        traces = (
            {1: Fraction(1), 2: (1 + tau) / 2, 3: (1 + 3 * tau) / 4, 4: (1 + 6 * tau + tau * tau) / 8}
            if self.parity == "even"
            else {1: Fraction(0), 2: (1 - tau) / 2, 3: Fraction(0), 4: (1 - tau) ** 2 / 8}
        )
        return sum((c * math.prod(traces[len(w)] for w in words) for words, c in expression.items()), Fraction(0))

    def _prediction(self, quantity: str, value: Fraction | float) -> Prediction:
        haar = f"Haar layers of the {self.group} group (4-design)"
        return Prediction(quantity, float(value), "exact", (haar, _ASSUMPTIONS), "docs/theory.md")
