"""The mean kernel of Haar layers that keep a time reversal, for Pauli observable and generator.

Circuits of RY, RZ and a closed ring of CZ, on three qubits or more, commute with T = ⊗(iσ_y)·conj (up to a phase).
With T² = +1 (even n) the layers are Haar on the orthogonal group, with T² = -1 (odd n) on the symplectic one. The law
below holds for O and G odd under T (Paulis of odd weight, such as Z0, RY, RZ) and an input state orthogonal to its
time reverse, such as |0…0>.

Derivation (orthogonal; symplectic is D → -D). E[φφ† ⊗ φφ†] = [1 + S - (2/D) Φ] / ((D+2)(D-1)) with S the swap and Φ
the projector on the invariant pair, times D. C = i[G, Õ] is odd, so Tr(C⊗C Φ) = -Tr C² and
E<C>² = Tr C² / (D(D-1)). The twirl of O⊗O on the odd operators is (S - Φ)/(D-1), so Tr G Õ G Õ has mean D/(D-1) and
E Tr C² = 2D(D-2)/(D-1). For G = P: E g² = 2(D-2)/(D-1)².
"""

from __future__ import annotations

from fractions import Fraction

from theory.operators import hilbert_dimension


def mean_ratio(qubits: int) -> Fraction:
    """E K of the time-reversal-symmetric Haar layers over E K of the unitary ones, at equal L.

    Even n (orthogonal): (D-2)(D+1)²/((D-1)D²). Odd n (symplectic): (D+2)(D-1)/D². Raises ``ValueError`` for n = 2,
    where SO(4) splits into two factors and the law depends on which of them O and G lie in.

    >>> mean_ratio(3), mean_ratio(4)
    (Fraction(35, 32), Fraction(2023, 1920))
    """
    if qubits == 2:
        raise ValueError("on 2 qubits the orthogonal group is SO(4), which is not simple: there is no single law")
    D = hilbert_dimension(qubits)
    if qubits % 2:
        return Fraction((D + 2) * (D - 1), D * D)
    return Fraction((D - 2) * (D + 1) ** 2, (D - 1) * D * D)
