"""What noise and shots make of the kernel of Haar layers.

**Global depolarising.** ρ → qρ + (1-q)/D commutes with every unitary: c channels anywhere in the circuit make f the
mixture q^c f + (1 - q^c) Tr O/D, so that K is q^{2c} K, draw by draw, and μ is q^{3c} μ. It is the law of q^c O.

**Shots.** A rotation exp(-igθP) has ∂f = g [f(θ + π/4g) - f(θ - π/4g)]. With N shots of O at each of both values, read
in its eigenbasis, the estimate has variance 2g² v/N, v = <O²> - <O>² averaged over the two: its square is that much too
large. In Haar layers E v = a₂(O)/(D+1), so that the sum K̂ of squares has

    E K̂ = E K (1 + (D² - 1)/(DN)):

half of an estimated kernel is shot noise at about N = D shots, whatever L and O. The product of two halves of the shots
has no such share in its mean.

The variance of K̂, for O with two levels of equal weight: in half-Pauli units f(θ) = a + |z| cos θ with a uniform
phase, so that the two values are a ± g and an estimate of g has the cumulants (readings are ±1)

    κ₂ = (1 - a² - g²)/2N,   κ₃ = -g(1 - 3a² - g²)/2N²,   κ₄ = [-1 + 4(a² + g²) - 3(a⁴ + 6a²g² + g⁴)]/4N³,

and Var ĝ² = 4g²κ₂ + 4gκ₃ + κ₄ + 2κ₂². Given the final state all (a_ℓ, g_ℓ) are independent, with E[g²|f] = G(1 - f²)
and E[a²|f] affine in f². The uniform phase gives the moments of a: E f²g² = E a²g² + E g⁴/3, E f⁴ = E a⁴ + 6 E a²g² +
E g⁴, and with h = |z| cos θ = (f - <POP>)/2 also E f²h² = E a²g² + E g⁴; nothing is needed but E f², E f⁴, E g², E g⁴.
"""

from __future__ import annotations

from fractions import Fraction

from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.operators import OperatorMoments


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


def shot_variance(law: KernelLaw, shots: int) -> float:
    """Var K̂, K̂ as in ``shot_share``; all of it that is not Var K is shot noise.

    Args:
        law: of K, of an observable with two levels of equal weight, such as a Pauli string, and a multiple of a Pauli
            string as generator.
        shots: N, at each of the two shifted values.

    Raises ``ValueError`` for other observables and generators.

    >>> from qntk.theory import OperatorMoments
    >>> law = KernelLaw(8, OperatorMoments.from_pauli(4), OperatorMoments.from_pauli(4).scaled(0.5))
    >>> [round(float(law.variance()) / shot_variance(law, shots), 3) for shots in (16, 1000, 10**6)]
    [0.26, 0.97, 1.0]
    """
    if shots < 1:
        raise ValueError(f"shots is {shots}; give at least 1")
    O, H, D = law.observable, law.generator, law.observable.dimension
    for name, operator in (("observable", O), ("generator", H)):
        a2, a3, a4 = Fraction(operator.a2), Fraction(operator.a3), Fraction(operator.a4)
        if a3**2 > Fraction(1, 10**20) * a2 * a4 or abs(a4 * D - a2**2) > Fraction(1, 10**10) * a2**2:
            raise ValueError(f"the {name} has not two levels of equal weight, so that Var of its estimate is not known")
    pauli = OperatorMoments.from_pauli(D.bit_length() - 1)
    one = KernelLaw(1, pauli, pauli.scaled(Fraction(1, 2)))
    g2 = one.exact_mean()
    g4 = (1 + one.relative_variance()) * g2**2
    f2, f4 = Fraction(1, D + 1), Fraction(3, (D + 1) * (D + 3))
    G = g2 / (1 - f2)
    mixed = G * (f2 - f4)  # E f²g²
    a2, a2g2 = f2 - g2, mixed - g4 / 3
    a4 = f4 - 6 * a2g2 - g4
    # E[<POP>²|f] = c₀ + c₁f², of which E and E f²<POP>² are known; then E[a²|f] has the slope A₁ in f².
    turned = 4 * (a2g2 + g4) - f4 * (1 + Fraction(2, D * D - 1))
    c1 = (turned - f2**2) / (f4 - f2**2)
    A1 = Fraction(-1, D * D - 1) + (1 + Fraction(2, D * D - 1) + c1) / 4
    L, N = law.parameters, Fraction(shots)
    alpha, beta = 1 - 1 / (2 * N), 1 / (2 * N)  # K̂ given the circuit: Σ αg² - βa² + β
    alone = alpha**2 * g4 - 2 * alpha * beta * a2g2 + beta**2 * a4 - (alpha * g2 - beta * a2) ** 2
    together = (alpha * G + beta * A1) ** 2 * (f4 - f2**2)
    read = (
        4 * (g2 - a2g2 - g4) / (2 * N)
        - 4 * (g2 - 3 * a2g2 - g4) / (2 * N**2)
        + (-1 + 4 * (a2 + g2) - 3 * (a4 + 6 * a2g2 + g4)) / (4 * N**3)
        + 2 * (1 + a4 + g4 - 2 * a2 - 2 * g2 + 2 * a2g2) / (4 * N**2)
    )
    unit = Fraction(O.a2) / D * 4 * Fraction(H.a2) / D
    return float((L * (alone + read) + L * (L - 1) * together) * unit**2)
