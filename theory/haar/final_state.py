r"""The kernel's law given the final state, in the Haar-layer ensemble.

In the final-time picture the generators H_ℓ = U_{>ℓ} G U_{>ℓ}† are independent Haar conjugates of G, and independent of
the final state ψ. With o, v, c₃ the mean, variance and third central moment of O in ψ, and κ = a₂(G)/(D²-1):

* K = v S with S the sum of the product law (``kernel``), hence E[K|ψ] = 2Lκ v, and its whole law is that of S scaled by
  v;
* E[μ|ψ] = 2L(L-1)κ² c₃ + L (α c₃ + β v (Tr O - D o)), where α and β are averages of four copies of G; for G² a multiple
  g² of the identity both are 16g⁴ (D+2)/(4(D²-1)(D+3));
* between two data with their own observables, E[K_ab|ψ_a, ψ_b] = Lκ Tr(B_aB_b), B_a = i[O_a, ψ_aψ_a†], and its
  variance.

For two levels o₋ < o₊ everything follows from the outputs: v = (f - o₋)(o₊ - f), c₃ = v (o₋ + o₊ - 2f). With a
projector this is the "restricted Haar ensemble" of Zhang et al., arXiv 2311.18144, at every D. Networks after training
follow it where L ≫ 2D-2. Reference: docs/theory.md, "The law given the final state".
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qntk.inputs.hermitian import hermitian_matrix
from qntk.theory.haar.distribution import KernelDistribution
from qntk.theory.haar.invariants import Expression, Trace, average
from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.haar.shape import sum_moments
from qntk.theory.operators import OperatorMoments
from qntk.theory.prediction import Prediction

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
_ASSUMPTIONS = ("Haar layers", "finite D and L", "final state given")
_REFERENCE = "docs/theory.md"
_R, _O, _B = 0, 1, 2


@dataclass(frozen=True)
class StateMoments:
    """Mean o, variance v and third central moment c₃ of O in a state.

    >>> StateMoments.two_levels(0.5, (0, 1))
    StateMoments(mean=0.5, variance=0.25, third=0.0)
    """

    mean: float
    variance: float
    third: float

    def __post_init__(self) -> None:
        """Refuse moments that no state has."""
        if not np.isfinite([self.mean, self.variance, self.third]).all() or self.variance < 0:
            raise ValueError(f"no state has mean {self.mean}, variance {self.variance}, third moment {self.third}")

    @classmethod
    def two_levels(cls, output: float, levels: tuple[float, float] = (-1.0, 1.0)) -> StateMoments:
        """From the output alone, for an observable with two eigenvalues; ``ValueError`` for one outside them."""
        low, high = levels
        if not low < high or not low <= output <= high:
            raise ValueError(f"output {output} is not within the levels {low} and {high}, lower one first")
        variance = (output - low) * (high - output)
        return cls(output, variance, variance * (low + high - 2 * output))

    @classmethod
    def of(cls, state: ArrayLike, observable: ArrayLike) -> StateMoments:
        """From a state vector (D,) and a Hermitian matrix (D, D)."""
        psi, O = _state(state), _observable(observable)
        image = O @ psi
        mean = float(np.vdot(psi, image).real)
        rest = image - mean * psi
        return cls(mean, float(np.vdot(rest, rest).real), float(np.vdot(rest, O @ rest - mean * rest).real))


@dataclass(frozen=True)
class FinalStateLaw:
    """K and μ given the final state.

    Args:
        law: L, O and G of the ensemble.
        state: moments of O in the final state.
        trace: Tr O, which the mean of μ alone needs; 0 for Pauli strings.

    >>> pauli = OperatorMoments.from_pauli(3)
    >>> given = FinalStateLaw(KernelLaw(100, pauli, pauli.scaled(0.5)), StateMoments.two_levels(0.6))
    >>> round(given.mean().value, 4), given.quantiles([0.5]).round(3)
    (4.0635, array([4.044]))
    """

    law: KernelLaw
    state: StateMoments
    trace: float | None = None

    def mean(self) -> Prediction:
        """E[K|ψ] = 2Lκv."""
        value = float(sum_moments(self.law, 1)[1]) * self.state.variance
        return self._prediction("kernel mean given the final state", value)

    def variance(self) -> Prediction:
        """Var[K|ψ] = v² Var S."""
        moments = sum_moments(self.law, 2)
        spread = float(moments[2] - moments[1] ** 2)
        return self._prediction("kernel variance given the final state", spread * self.state.variance**2)

    def cdf(self, kernel: ArrayLike) -> Array:
        """P(K <= kernel | ψ), any shape; a step at 0 for an eigenstate."""
        k = np.asarray(kernel, dtype=float)
        if self.state.variance == 0:
            return np.where(k >= 0, 1.0, 0.0)
        return KernelDistribution(self.law).sum_cdf(np.maximum(k, 0) / self.state.variance)

    def pdf(self, kernel: ArrayLike) -> Array:
        """Density of K given ψ, any shape; ``ValueError`` for an eigenstate, which has none."""
        if self.state.variance == 0:
            raise ValueError("in an eigenstate K is 0, and has no density")
        v = self.state.variance
        return KernelDistribution(self.law).sum_pdf(np.asarray(kernel, dtype=float) / v) / v

    def quantiles(self, probabilities: ArrayLike) -> Array:
        """Values that K stays below with the given probabilities."""
        return self.state.variance * KernelDistribution(self.law).sum_quantiles(probabilities)

    def dqntk_mean(self) -> Prediction:
        """E[μ|ψ]; ``ValueError`` unless Tr O is given."""
        if self.trace is None:
            raise ValueError("the mean dQNTK given the final state depends on Tr O: give trace (0 for a Pauli string)")
        L, G, s = self.law.parameters, self.law.generator, self.state
        D = G.dimension
        kappa = float(G.a2) / (D**2 - 1)
        alpha, beta = (float(x) for x in _same_generator(D, G.a2, G.a3, G.a4))
        value = 2 * L * (L - 1) * kappa**2 * s.third
        value += L * (alpha * s.third + beta * s.variance * (self.trace - D * s.mean))
        return self._prediction("dQNTK mean given the final state", value)

    def _prediction(self, quantity: str, value: float) -> Prediction:
        return Prediction(quantity, value, "exact", _ASSUMPTIONS, _REFERENCE)


def kernel_between(
    parameters: int,
    generator: OperatorMoments,
    states: tuple[ArrayLike, ArrayLike],
    observables: tuple[ArrayLike, ArrayLike],
) -> tuple[Prediction, Prediction]:
    """Mean and variance of K_ab = Σ_ℓ ∂_ℓf_a ∂_ℓf_b given both final states.

    Args:
        parameters: L.
        generator: centred traces of G.
        states: ψ_a and ψ_b, shape (D,).
        observables: O_a and O_b, Hermitian, shape (D, D), the same or not.

    Raises ``ValueError`` for shapes that do not fit.

    >>> G, Z = OperatorMoments.from_pauli(1).scaled(0.5), np.diag([1, -1])
    >>> mean, _ = kernel_between(6, G, ([0.6, 0.8], [0.6, 0.8]), (Z, Z))
    >>> round(mean.value, 4)
    1.8432
    """
    if parameters < 1:
        raise ValueError(f"parameters is {parameters}; a kernel needs at least 1")
    D = generator.dimension
    B = []
    for state, observable in zip(states, observables, strict=True):
        psi, O = _state(state), _observable(observable)
        if psi.shape != (D,) or O.shape != (D, D):
            raise ValueError(f"state and observable have shapes {psi.shape}, {O.shape}; the generator acts on {D}")
        image = np.outer(O @ psi, psi.conj())
        B.append(1j * (image - image.conj().T))
    powers = {1: Fraction(0), 2: generator.a2, 3: generator.a3, 4: generator.a4}
    one: tuple[Trace, ...] = (((0,),), ((1,),))
    mean, second = (_evaluate(average(traces, powers, D), B) for traces in (one, one + one))
    quantity = "kernel between two data given their final states"
    return (
        Prediction(quantity, parameters * mean, "exact", _ASSUMPTIONS, _REFERENCE),
        Prediction(f"variance of the {quantity}", parameters * (second - mean**2), "exact", _ASSUMPTIONS, _REFERENCE),
    )


@cache
def _same_generator(D: int, a2: Fraction, a3: Fraction, a4: Fraction) -> tuple[Fraction, Fraction]:
    """α and β: E (∂²f)(∂f)² of one parameter is α c₃ + β v (Tr O - D o).

    ∂²f = 2 Tr(RHOH) - Tr(H²RO) - Tr(H²OR) and ∂f = Tr(HB), R = ψψ†, O shifted to o = 0. What is left after the average
    lives in the plane of ψ and Oψ, but for Tr O itself; there v may be 1.
    """
    powers = {1: Fraction(0), 2: a2, 3: a3, 4: a4}
    gradient: tuple[Trace, ...] = (((_B,),), ((_B,),))
    curvature: list[tuple[int, Trace]] = [(2, ((_R,), (_O,))), (-1, ((), (_R, _O))), (-1, ((), (_O, _R)))]
    alpha = beta = Fraction(0)
    for factor, trace in curvature:
        for words, weight in average((trace, *gradient), powers, D).items():
            third, free = _plane(words)
            alpha += factor * weight * third
            beta += factor * weight * free
    return alpha, beta


def _plane(words: tuple[tuple[int, ...], ...]) -> tuple[Fraction, Fraction]:
    """Coefficients of c₃ and of Tr O in a product of traces, for o = 0 and v = 1; Gaussian integers throughout."""
    value = np.array([1, 0], dtype=complex)  # constant in c₃, linear in c₃
    free = False
    for word in words:
        if word == (_O,):
            free = True
            continue
        at = [np.trace(_product(word, c3)) for c3 in (0, 1)]
        value = np.array([value[0] * at[0], value[1] * at[0] + value[0] * (at[1] - at[0])])
    constant, linear = (Fraction(round(part.real)) for part in value)
    return (Fraction(0), constant) if free else (linear, Fraction(0))


def _product(word: tuple[int, ...], c3: int) -> Complex:
    R, O = np.diag([1, 0]), np.array([[0, 1], [1, c3]])
    letters = {_R: R, _O: O, _B: 1j * (O @ R - R @ O)}
    product = np.eye(2, dtype=complex)
    for letter in word:
        product = product @ letters[letter]
    return product


def _evaluate(expression: Expression, constants: list[Complex]) -> float:
    total = 0.0
    for words, weight in expression.items():
        value = complex(float(weight))
        for word in words:
            product = constants[word[0]]
            for letter in word[1:]:
                product = product @ constants[letter]
            value *= np.trace(product)
        total += value.real
    return float(total)


def _state(state: ArrayLike) -> Complex:
    psi = np.asarray(state, dtype=complex)
    if psi.ndim != 1 or not np.isfinite(psi).all() or abs(np.linalg.norm(psi) - 1) > 1e-8:
        raise ValueError(f"a final state is a normalised vector (D,); this one has shape {psi.shape}")
    return psi


def _observable(observable: ArrayLike) -> Complex:
    return hermitian_matrix(observable)
