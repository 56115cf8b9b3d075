"""What noise and shots make of the kernel of Haar layers.

**Global depolarising.** ρ → qρ + (1-q)/D commutes with every unitary: c channels anywhere in the circuit make f the
mixture q^c f + (1 - q^c) Tr O/D, so that K is q^{2c} K, draw by draw, and μ is q^{3c} μ. It is the law of q^c O.

**Shots.** A rotation exp(-igθP) has ∂f = g [f(θ + π/4g) - f(θ - π/4g)]. With N shots of O at each of both values, read
in its eigenbasis, the estimate has variance 2g² v/N, v = <O²> - <O>² averaged over the two: its square is that much too
large. In Haar layers E v = a₂(O)/(D+1), so that the sum K̂ of squares has

    E K̂ = E K (1 + (D² - 1)/(DN)):

half of an estimated kernel is shot noise at about N = D shots, whatever L and O. The product of two halves of the shots
has no such share in its mean.
"""

from __future__ import annotations

from fractions import Fraction

from qntk.theory.haar.kernel import KernelLaw


def depolarised(law: KernelLaw, survival: float, channels: int) -> KernelLaw:
    """The law of K where ``channels`` global channels ρ → qρ + (1-q)/D act, q = ``survival``, wherever they stand.

    >>> from qntk.theory import OperatorMoments
    >>> law = KernelLaw(8, OperatorMoments.from_pauli(2), OperatorMoments.from_pauli(2).scaled(0.5))
    >>> round(float(depolarised(law, 0.9, 10).mean()) / float(law.mean()), 6) == round(0.9**20, 6)
    True
    """
    if not 0 < survival <= 1:
        raise ValueError(f"survival is {survival}; give a probability above 0, up to 1: at 0 every kernel is 0")
    if channels < 0:
        raise ValueError(f"channels is {channels}; give their number")
    return KernelLaw(law.parameters, law.observable.scaled(Fraction(survival) ** channels), law.generator)


def shot_share(law: KernelLaw, shots: int) -> float:
    """Share of E K̂ that is shot noise, K̂ the sum of squares of gradients by parameter shift of Pauli rotations.

    Args:
        law: of K, its generator a multiple of a Pauli string.
        shots: N, at each of the two shifted values.

    >>> from qntk.theory import OperatorMoments
    >>> law = KernelLaw(8, OperatorMoments.from_pauli(4), OperatorMoments.from_pauli(4).scaled(0.5))
    >>> round(shot_share(law, 16), 4), round(shot_share(law, 10_000), 4)
    (0.499, 0.0016)
    """
    if shots < 1:
        raise ValueError(f"shots is {shots}; give at least 1")
    D = law.observable.dimension
    added = Fraction(D * D - 1, D * shots)
    return float(added / (1 + added))
