"""The law given the final state, against generators drawn from the Haar measure.

20 000 draws of five generators at D = 4, Paulis and a random Hermitian matrix. A mean fails falsely with 1e-6; one
standard error is 0.4 % (K) to 4 % (K_ab), of which five are seen.
"""

import numpy as np
import pytest
from scipy import stats

from qntk.theory.haar.final_state import FinalStateLaw, StateMoments, kernel_between
from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.operators import OperatorMoments

D, GATES, DRAWS = 4, 5, 20_000
LIMIT = 4.9


def hermitian(rng):
    a = rng.normal(size=(D, D, 2)) @ [1, 1j]
    return (a + a.conj().T) / 2


def commutator(a, b):
    return a @ b - b @ a


class Draws:
    """K and μ for one final state, K between two, of random generators."""

    def __init__(self, generator, seed):
        rng = np.random.default_rng(seed)
        self.generator = generator
        self.observables = hermitian(rng), hermitian(rng)
        self.states = [v / np.linalg.norm(v) for v in rng.normal(size=(2, D, 2)) @ [1, 1j]]
        q, r = np.linalg.qr(rng.normal(size=(DRAWS, GATES, D, D, 2)) @ [1, 1j])
        phases = np.diagonal(r, axis1=-2, axis2=-1)
        V = q * (phases / np.abs(phases))[..., None, :]
        H = V @ generator @ V.conj().swapaxes(-1, -2)
        rho = [np.outer(psi, psi.conj()) for psi in self.states]
        g = [
            np.einsum("nkij,ji->nk", H, 1j * commutator(O, r)).real for O, r in zip(self.observables, rho, strict=True)
        ]
        self.kernel, self.between = (g[0] ** 2).sum(1), (g[0] * g[1]).sum(1)
        self.dqntk = np.zeros(DRAWS)
        for k in range(GATES):
            for l in range(GATES):
                first, second = H[:, min(k, l)], H[:, max(k, l)]
                hessian = -np.einsum(
                    "ij,nji->n", rho[0], commutator(first, commutator(second, self.observables[0]))
                ).real
                self.dqntk += hessian * g[0][:, k] * g[0][:, l]
        self.moments = OperatorMoments.from_matrix(generator)

    def law(self):
        O = self.observables[0]
        ensemble = KernelLaw(GATES, OperatorMoments.from_matrix(O), self.moments)
        return FinalStateLaw(ensemble, StateMoments.of(self.states[0], O), float(np.trace(O).real))


@pytest.fixture(scope="module", params=["half-pauli", "random"])
def draws(request):
    generator = (
        np.diag([0.5, 0.5, -0.5, -0.5]) if request.param == "half-pauli" else hermitian(np.random.default_rng(3))
    )
    return Draws(generator, 4)


def score(samples, prediction):
    return (samples.mean() - prediction) / (samples.std() / np.sqrt(len(samples)))


def test_mean_and_variance_of_the_kernel(draws):
    law = draws.law()
    assert abs(score(draws.kernel, law.mean().value)) < LIMIT
    squares = (draws.kernel - law.mean().value) ** 2
    assert abs(score(squares, law.variance().value)) < LIMIT
    unconditional = law.law.mean().value
    assert abs(score(draws.kernel, unconditional)) > LIMIT  # the law without the final state is another


def test_distribution(draws):
    """Kolmogorov-Smirnov: √n D_n above 2.69 has probability 1e-6; a distribution function off by 0.02 shows."""
    law = draws.law()
    test = stats.kstest(draws.kernel, law.cdf)
    assert np.sqrt(DRAWS) * test.statistic < 2.69
    assert np.sqrt(DRAWS) * stats.kstest(draws.kernel * 1.06, law.cdf).statistic > 2.69
    assert np.allclose(law.cdf(law.quantiles([0.1, 0.5, 0.9])), [0.1, 0.5, 0.9], atol=1e-9)
    middle = np.linspace(*law.quantiles([0.3, 0.7]), 2001)
    assert abs(np.trapezoid(law.pdf(middle), middle) - 0.4) < 1e-3


def test_mean_of_the_dqntk(draws):
    law = draws.law()
    assert abs(score(draws.dqntk, law.dqntk_mean().value)) < LIMIT
    leading = 2 * GATES * (GATES - 1) * (float(draws.moments.a2) / (D**2 - 1)) ** 2 * law.state.third
    assert abs(score(draws.dqntk, leading)) > LIMIT


def test_half_pauli_dqntk_in_closed_form():
    """The coefficients of one parameter for G = P/2, and for any G² = g²: 16 g⁴ of them."""
    for n in (1, 2, 3, 6):
        size = 2**n
        pauli = OperatorMoments.from_pauli(n)
        for scale in (0.5, 1.0):
            law = FinalStateLaw(KernelLaw(1, pauli, pauli.scaled(scale)), StateMoments(0.3, 0.7, 0.2), trace=0.4)
            expected = (size + 2) / (4 * (size**2 - 1) * (size + 3)) * (0.2 + 0.7 * (0.4 - size * 0.3)) * 16 * scale**4
            assert np.isclose(law.dqntk_mean().value, expected, rtol=1e-12)


def test_kernel_between_two_data(draws):
    mean, variance = kernel_between(GATES, draws.moments, tuple(draws.states), draws.observables)
    assert abs(score(draws.between, mean.value)) < LIMIT
    assert abs(score((draws.between - mean.value) ** 2, variance.value)) < LIMIT
    same = kernel_between(GATES, draws.moments, (draws.states[0],) * 2, (draws.observables[0],) * 2)
    assert np.isclose(same[0].value, draws.law().mean().value, rtol=1e-12)
    assert np.isclose(same[1].value, draws.law().variance().value, rtol=1e-10)


def test_two_levels_need_the_outputs_alone():
    rng = np.random.default_rng(5)
    psi = rng.normal(size=(8, 2)) @ [1, 1j]
    psi /= np.linalg.norm(psi)
    O = np.diag([0.0, 0, 0, 2, 2, 2, 2, 2])
    given, known = (
        StateMoments.of(psi, O),
        StateMoments.two_levels(float(np.abs(psi[3:]) ** 2 @ np.full(5, 2.0)), (0, 2)),
    )
    assert np.allclose([given.mean, given.variance, given.third], [known.mean, known.variance, known.third], atol=1e-14)


def test_averaging_over_the_final_state_gives_the_unconditional_mean():
    """E v = a₂/(D+1): a projector's output is Beta(1, D-1)."""
    O, G = OperatorMoments.from_projector(3), OperatorMoments.from_pauli(3).scaled(0.5)
    law = KernelLaw(50, O, G)
    f, w = np.polynomial.legendre.leggauss(40)
    f, w = (f + 1) / 2, w / 2 * 7 * (1 - (f + 1) / 2) ** 6
    means = [FinalStateLaw(law, StateMoments.two_levels(float(x), (0, 1))).mean().value for x in f]
    assert np.isclose(w @ means, law.mean().value, rtol=1e-12)


PAULI = OperatorMoments.from_pauli(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: StateMoments.two_levels(1.2), "not within the levels"),
        (lambda: StateMoments(0.0, -0.1, 0.0), "no state has"),
        (lambda: StateMoments.of([1.0, 1.0], np.eye(2)), "normalised"),
        (lambda: StateMoments.of([1.0, 0.0], [[0, 1], [0, 0]]), "not Hermitian"),
        (lambda: FinalStateLaw(KernelLaw(3, PAULI, PAULI), StateMoments(0, 1, 0)).dqntk_mean(), "give trace"),
        (lambda: FinalStateLaw(KernelLaw(3, PAULI, PAULI), StateMoments(1, 0, 0)).pdf(0.1), "eigenstate"),
        (lambda: kernel_between(0, PAULI, ([1, 0], [1, 0]), (np.eye(2), np.eye(2))), "parameters is 0"),
        (lambda: kernel_between(1, PAULI, ([1, 0, 0], [1, 0]), (np.eye(3), np.eye(2))), "generator acts on 2"),
    ],
)
def test_what_no_state_has_is_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
