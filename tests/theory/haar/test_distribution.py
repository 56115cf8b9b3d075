"""The predictive distribution: against frames, against integrals done another way, and in its limits."""

import functools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp
from scipy import stats
from scipy.integrate import quad
from scipy.special import roots_jacobi

from qntk.sampling import HaarLayers, sample
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.distribution import KernelDistribution
from qntk.theory.haar.expansion import Reference
from qntk.theory.haar.inversion import TermSum
from qntk.theory.haar.shape import excess_kurtosis, skewness, variance_moments
from qntk.theory.haar.state_variance import StateVariance

FALSE_FAIL = 1e-6
"""Of each Kolmogorov-Smirnov test, by the Dvoretzky-Kiefer-Wolfowitz bound."""


def band(draws):
    """sup |F_n - F| beyond this has probability below FALSE_FAIL; 0.006 for 200 000 draws."""
    return math.sqrt(math.log(2 / FALSE_FAIL) / (2 * draws))


def distance(kernels, distribution):
    """sup |F_n - F| over a thousand of the points; the rest adds at most a thousandth."""
    kernels = np.sort(kernels)
    step = max(1, len(kernels) // 1000)
    return np.abs(distribution.cdf(kernels[::step]) - np.arange(len(kernels))[::step] / len(kernels)).max()


def generic(qubits, seed=3):
    return np.diag(np.sort(np.random.default_rng(seed).normal(size=2**qubits)))


def pauli_matrix(qubits):
    return np.diag(np.repeat([1.0, -1.0], 2 ** (qubits - 1)))


def projector_matrix(qubits, rank=1):
    return np.diag(np.repeat([1.0, 0.0], [rank, 2**qubits - rank]))


CASES = {
    "one qubit, one parameter": (pauli_matrix(1), pauli_matrix(1), 1),
    "one qubit, two parameters": (pauli_matrix(1), pauli_matrix(1), 2),
    "two qubits, projector": (projector_matrix(2), pauli_matrix(2), 2),
    "two qubits, four levels": (generic(2), pauli_matrix(2), 8),
    "four levels twice": (generic(2), generic(2, 4), 30),
    "eight levels twice, one parameter": (generic(3), generic(3, 4), 1),
    "Pauli on the plateau": (pauli_matrix(2), pauli_matrix(2), 400),
    "projector on the plateau": (projector_matrix(3), pauli_matrix(3), 64),
    "rank three": (projector_matrix(3, 3), pauli_matrix(3), 5),
    "projector as generator": (pauli_matrix(3), projector_matrix(3), 3),
    "projector as generator, one parameter": (projector_matrix(3), projector_matrix(3), 1),
}


@pytest.mark.parametrize("case", CASES)
def test_against_frames(case):
    """Frames know no Beta distribution. A wrong CDF by 0.006 shows (0.02 with 400 parameters)."""
    observable, generator, parameters = CASES[case]
    draws = 200_000 if parameters < 50 else 20_000
    kernels = sample(HaarLayers(observable, generator, parameters), draws, seed=4).kernel
    moments = OperatorMoments.from_matrix(observable), OperatorMoments.from_matrix(generator)
    distribution = KernelDistribution(KernelLaw(parameters, *moments))
    assert distance(kernels, distribution) < band(draws) + 1e-3
    wrong = KernelDistribution(KernelLaw(parameters, *moments[:1], moments[1].scaled(1.1)))
    assert distance(kernels, wrong) > band(draws) + 1e-3, "negative control: a generator a tenth too large"
    gamma = stats.gamma(parameters / 2, scale=2 * distribution.law.mean().value / parameters)
    if parameters > 50:
        assert distance(kernels, gamma) > band(draws) + 1e-3, "negative control: independent parameters"


def test_one_qubit_one_parameter_by_another_integral():
    """On the Bloch sphere K = (2 sin a sin b cos c)² with cos a, cos b and c uniform: P(K <= k) by quadrature.

    The density of x² jumps at its end in dimension 2, and here alone; hence 2e-5.
    """
    distribution = KernelDistribution(KernelLaw(1, OperatorMoments.from_pauli(1), OperatorMoments.from_pauli(1)))

    def given_product(r, k):  # P((2 r cos c)² <= k)
        return 1 - 2 / math.pi * math.acos(min(1.0, math.sqrt(k) / (2 * r))) if r else 1.0

    for k in (0.01, 0.5, 2.0, 3.9):

        def inner(h, k=k):  # sin a = √(1 - h²) is the radius of o; sin b has density s/√(1-s²)
            o = math.sqrt(1 - h * h)
            return quad(lambda t: given_product(o * math.sqrt(1 - t * t), k), 0, 1, epsabs=1e-10)[0]

        assert distribution.cdf(k) == pytest.approx(quad(inner, 0, 1, epsabs=1e-9)[0], abs=2e-5)


@pytest.mark.parametrize(
    ("observable", "generator", "parameters"),
    [
        (OperatorMoments.from_pauli(2), OperatorMoments.from_pauli(2), 6),
        (OperatorMoments.from_projector(4), OperatorMoments.from_pauli(4).scaled(0.5), 40),
        (OperatorMoments.from_pauli_sum({"ZZI": 1, "IZZ": 1, "XII": 0.5}), OperatorMoments.from_pauli(3), 9),
    ],
)
def test_density_has_the_exact_moments(observable, generator, parameters):
    law = KernelLaw(parameters, observable, generator)
    distribution = KernelDistribution(law)
    mean, std = law.mean().value, math.sqrt(law.variance().value)
    points, weights = np.polynomial.legendre.leggauss(2000)
    top = mean + 25 * std
    k, w = top * (1 + points) / 2, top * weights / 2 * distribution.pdf(top * (1 + points) / 2)
    moments = [float(w @ ((k - mean) / std) ** n) for n in range(5)]
    exact = [1, 0, 1, skewness(law).value, excess_kurtosis(law).value + 3]
    np.testing.assert_allclose(moments, exact, atol=2e-5)
    inside = (points > -0.9) & (points < 0.3)
    slope = np.gradient(distribution.cdf(k), k)
    np.testing.assert_allclose(slope[inside], distribution.pdf(k)[inside], atol=2e-3 / std)


@settings(max_examples=10)
@given(st.integers(1, 8), st.integers(1, 300), st.booleans(), st.floats(0.001, 0.999))
def test_quantiles_invert_the_distribution(qubits, parameters, projector, level):
    pauli = OperatorMoments.from_pauli(qubits)
    law = KernelLaw(parameters, OperatorMoments.from_projector(qubits) if projector else pauli, pauli)
    distribution = KernelDistribution(law)
    assert distribution.cdf(distribution.quantiles(level)) == pytest.approx(level, abs=1e-9)


LEVELS = [0.001, 0.05, 0.5, 0.95, 0.999]


def test_limit_of_large_dimension_is_the_gamma_law():
    law = KernelLaw(10, OperatorMoments.from_pauli(50), OperatorMoments.from_pauli(50))
    expected = stats.gamma(5, scale=law.mean().value / 5).ppf(LEVELS)
    np.testing.assert_allclose(KernelDistribution(law).quantiles(LEVELS), expected, rtol=1e-10)


def test_ten_million_parameters():
    """A Pauli's kernel is as narrow as √(2/L), nearly normal; a projector's is exponential however large L is."""
    pauli, projector = OperatorMoments.from_pauli(50), OperatorMoments.from_projector(50)
    law = KernelLaw(10**7, pauli, pauli)
    normal = law.mean().value * (1 + math.sqrt(2e-7) * stats.norm.ppf(LEVELS))
    np.testing.assert_allclose(KernelDistribution(law).quantiles(LEVELS), normal, rtol=1e-6)
    law = KernelLaw(10**7, projector, pauli)
    exponential = law.mean().value * stats.expon.ppf(LEVELS)
    np.testing.assert_allclose(KernelDistribution(law).quantiles(LEVELS[1:]), exponential[1:], rtol=1e-5)


def test_plateau_of_a_pauli_is_the_law_of_the_shared_factor():
    """L ≫ D²: K/K̄ = v/E v with 1 - v = s², s² ~ Beta(1/2, D/2)."""
    law = KernelLaw(10**7, OperatorMoments.from_pauli(3), OperatorMoments.from_pauli(3))
    shared = 1 - stats.beta(0.5, 4).ppf(1 - np.array(LEVELS[:4]))
    np.testing.assert_allclose(
        KernelDistribution(law).quantiles(LEVELS[:4]) / law.mean().value, shared * 9 / 8, rtol=1e-3
    )


@pytest.mark.parametrize(("qubits", "parameters"), [(4, 2), (4, 8), (3, 64), (10, 1000)])
def test_inversion_against_the_expansion(qubits, parameters):
    """Two routes to the law of S that share nothing but M and the moments."""
    pauli = OperatorMoments.from_pauli(qubits)
    expansion = KernelDistribution(KernelLaw(parameters, pauli, pauli))._sum.series
    rule = StateVariance(pauli).rule(1.0)
    inversion = TermSum(rule.nodes, rule.weights, pauli.dimension, parameters)
    centre = 4 * parameters / pauli.dimension / 2
    s = centre * np.linspace(1e-3, 4, 300)
    np.testing.assert_allclose(inversion.cdf(s), expansion.cdf(s), atol=1e-6)
    np.testing.assert_allclose(centre * inversion.pdf(s), centre * expansion.pdf(s), atol=1e-4)


def test_traces_alone_come_close():
    """The Ising chain on five qubits by four moments of v, against its 32 levels and against frames."""
    terms = {"ZZIII": 1, "IZZII": 1, "IIZZI": 1, "IIIZZ": 1} | {"I" * q + "X" + "I" * (4 - q): 1 for q in range(5)}
    operator = SparsePauliOp.from_list(list(terms.items()))
    pauli = OperatorMoments.from_pauli(5)
    traces = KernelDistribution(KernelLaw(40, OperatorMoments.from_pauli_sum(terms), pauli))
    levels = KernelDistribution(KernelLaw(40, OperatorMoments.from_matrix(operator.to_matrix()), pauli))
    points = levels.quantiles(np.linspace(0.01, 0.99, 50))
    np.testing.assert_allclose(traces.cdf(points), levels.cdf(points), atol=2e-3)
    kernels = sample(HaarLayers(operator, SparsePauliOp("IIIIZ"), 40), 20_000, seed=5).kernel
    assert distance(kernels, traces) < band(20_000) + 1e-3


@pytest.mark.parametrize("level", [0.0, 1.0, [0.5, 2.0]])
def test_a_probability_outside_its_range_is_refused(level):
    pauli = OperatorMoments.from_pauli(2)
    with pytest.raises(ValueError, match="probability"):
        KernelDistribution(KernelLaw(3, pauli, pauli)).quantiles(level)


def simplex(counts, nodes):
    """A rule over the weights of a Haar state on its levels, one Beta variable after the other."""
    points, weights = np.zeros((1, 0)), np.ones(1)
    left = np.ones(1)
    for i, count in enumerate(counts[:-1]):
        x, w = roots_jacobi(nodes, sum(counts[i + 1 :]) - 1, count - 1)
        share, w = (1 + x) / 2, w / w.sum()
        points = np.concatenate([np.repeat(points, nodes, axis=0), (left[:, None] * share).reshape(-1, 1)], axis=1)
        weights = np.multiply.outer(weights, w).ravel()
        left = (left[:, None] * (1 - share)).ravel()
    return np.concatenate([points, left[:, None]], axis=1), weights


@pytest.mark.parametrize(
    ("levels", "counts", "nodes"),
    [
        ([-1.5, -0.3, 0.4, 2.0], [1, 1, 1, 1], 40),
        ([1.0, 0.0, -1.0], [1, 2, 1], 150),
        ([1.0, 0.2, -1.0], [2, 4, 2], 100),
    ],
)
@pytest.mark.parametrize("parameters", [3, 30])
def test_more_than_two_levels_against_an_integral_over_the_simplex(levels, counts, nodes, parameters):
    """E P(S <= k/v) over the Dirichlet law of the weights, which no moment of v enters."""
    observable = OperatorMoments.from_eigenvalues(levels, counts)
    distribution = KernelDistribution(
        KernelLaw(parameters, observable, OperatorMoments.from_pauli(int(math.log2(sum(counts)))))
    )
    points, weights = simplex(counts, nodes)
    v = points @ np.square(levels) - (points @ np.array(levels)) ** 2
    for k in distribution.quantiles([0.01, 0.2, 0.5, 0.8, 0.99]):
        expected = float(distribution.sum_cdf(k / v) @ weights)
        assert distribution.cdf(k) == pytest.approx(expected, abs=1e-6)
    assert distribution.truncation < 1e-5
    gamma = KernelDistribution(
        KernelLaw(parameters, replace(observable, spectrum=None, a7=None), distribution.law.generator)
    )
    k = distribution.quantiles([0.2, 0.5, 0.8])
    assert np.abs(gamma.cdf(k) - distribution.cdf(k)).max() > 1e-5, "negative control: four moments of v"


@pytest.mark.parametrize(
    ("levels", "counts"), [([2, 1, 0], [1, 1, 30]), ([1, 0, -1], [1, 30, 1]), ([3, 1, 0, -1], [2, 5, 8, 1])]
)
@pytest.mark.parametrize("parameters", [10, 1000])
def test_the_stated_error_is_about_the_error(levels, counts, parameters, monkeypatch):
    """Half as many moments of v: what is stated covers what the others change, and is not a hundred times it."""
    observable = OperatorMoments.from_eigenvalues(levels, counts)
    law = KernelLaw(parameters, observable, OperatorMoments.from_pauli(int(math.log2(sum(counts)))))
    best = KernelDistribution(law)
    k = best.quantiles(np.linspace(0.02, 0.98, 25))
    expected = best.cdf(k)
    monkeypatch.setattr("qntk.theory.haar.state_variance._ORDER", 24)
    monkeypatch.setattr("qntk.theory.haar.state_variance._SMALL_ORDER", 24)
    monkeypatch.setattr("qntk.theory.haar.distribution._state_variance", StateVariance)  # not the one that it kept
    rough = KernelDistribution(law)
    error = np.abs(rough.cdf(k) - expected).max()
    assert error < rough.truncation
    assert rough.truncation < 30 * error


@pytest.mark.parametrize("alpha", [3e5, 1e9, 2.0**50])
def test_a_gamma_reference_keeps_its_digits_at_any_exponent(alpha):
    """Its density becomes normal, with a skewness of 2/√α; by α log x - x alone nothing would be left of it."""
    t = np.linspace(-3, 3, 13)
    x = alpha + math.sqrt(alpha) * t
    density = Reference(Fraction(alpha)).pdf(x) * math.sqrt(alpha)
    correction = 1 + (t**3 - 3 * t) / (3 * math.sqrt(alpha))
    np.testing.assert_allclose(density, stats.norm.pdf(t) * correction, rtol=30 / alpha + 1e-7)


def ising_chain(qubits):
    bonds = {f"{'I' * q}ZZ{'I' * (qubits - 2 - q)}": -1 for q in range(qubits - 1)}
    return bonds | {f"{'I' * q}X{'I' * (qubits - 1 - q)}": -1 for q in range(qubits)}


def ising_levels(qubits):
    """Σ ±ε_k, ε_k the singular values of a bidiagonal matrix: free fermions, and no string enters."""
    epsilon = np.linalg.svd(np.eye(qubits) + np.eye(qubits, k=1), compute_uv=False)
    return functools.reduce(lambda levels, e: np.add.outer(levels, [-e, e]).ravel(), epsilon, np.zeros(1))


@pytest.mark.parametrize(
    ("qubits", "parameters", "floor", "bound"), [(8, 1000, 0, 1e-6), (11, 300, 1e-10, 1e-6), (12, 10**5, 1e-8, 1e-6)]
)
def test_sums_beyond_seven_qubits_against_free_fermions(qubits, parameters, floor, bound):
    """All eigenvalues up to 10 qubits; beyond, levels that stand in for them, and the stated error covers the real one.

    At 10⁵ parameters K is as good as v itself, where what the fifth moment and beyond do is largest.
    """
    levels, counts = np.unique(ising_levels(qubits).round(9), return_counts=True)
    generator = OperatorMoments.from_pauli(qubits)
    sums, known = (
        KernelDistribution(KernelLaw(parameters, observable, generator))
        for observable in (
            OperatorMoments.from_pauli_sum(ising_chain(qubits)),
            OperatorMoments.from_eigenvalues(levels, counts),
        )
    )
    at = known.quantiles([0.001, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999])
    error = np.abs(sums.cdf(at) - known.cdf(at)).max()
    assert floor <= error <= min(bound, sums.truncation)
    assert sums.truncation < max(10 * error, 1e-7)
    few = replace(sums.law.observable, spectrum=None, a7=None)
    rough = KernelDistribution(replace(sums.law, observable=few))
    assert np.abs(rough.cdf(at) - known.cdf(at)).max() > 10 * error, "negative control: four moments of v"


@pytest.mark.parametrize(
    "bond", [{"XX": 1, "YY": 1, "ZZ": 2}, {"XX": 1, "YY": 1, "ZZ": 0.5}, {"ZZ": -1, "XI": -1, "ZI": 0.7}]
)
@pytest.mark.parametrize("parameters", [10**5])
def test_the_stated_error_of_levels_that_stand_in_is_about_the_error(bond, parameters):
    """Chains that are no free fermions on 8 qubits, where the closure is worst, against all 256 eigenvalues."""
    terms = {f"{'I' * q}{p}{'I' * (6 - q)}": c for q in range(7) for p, c in bond.items()}
    known = OperatorMoments.from_pauli_sum(terms)
    generator = OperatorMoments.from_pauli(8)
    best, closed = (
        KernelDistribution(KernelLaw(parameters, observable, generator))
        for observable in (known, replace(known, spectrum=None))
    )
    at = best.quantiles([0.001, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999])
    error = np.abs(closed.cdf(at) - best.cdf(at)).max()
    assert error < closed.truncation < 20 * error


@pytest.mark.parametrize(
    ("levels", "counts"),
    [
        ([-1, 0, 1], [1, 2, 1]),
        ([0, 0.3, 1], [1, 6, 1]),
        ([0, 0.9, 1], [3, 12, 1]),
        ([-2, 0, 1, 5], [1] * 4),
        ([-1, -0.2, 0.2, 1], [1] * 4),
    ],
)
def test_few_levels_have_their_exact_moments(levels, counts):
    """In fractions, from traces: what the density, which knows weights and no trace, integrates to."""
    observable = OperatorMoments.from_eigenvalues(levels, counts)
    rule = StateVariance(observable).rule(1.0)
    expected = [float(m) for m in variance_moments(observable, 12)]
    found = [float(rule.weights @ rule.nodes**m) for m in range(13)]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    moved = OperatorMoments.from_eigenvalues([levels[0], levels[1] + 0.01, *levels[2:]], counts)
    wrong = StateVariance(moved).rule(1.0)
    assert abs(wrong.weights @ wrong.nodes / expected[1] - 1) > 1e-5, (
        "negative control: the second level a hundredth up"
    )


def test_kinks_of_three_levels_on_the_plateau():
    """(1, 2, 1) at D = 4, L = 10⁵, where 128 moments of v miss the law by 1e-4: P(v <= k/S) over the law of S.

    With w ~ Beta(2, 2) on the level in the middle and p uniform, v = (1 - w) - (1 - w)²(1 - 2p)².
    """
    observable = OperatorMoments.from_eigenvalues([1, 0, -1], [1, 2, 1])
    law = KernelLaw(10**5, observable, OperatorMoments.from_pauli(2))
    distribution = KernelDistribution(law)
    assert distribution.truncation < 1e-8
    points, weights = np.polynomial.legendre.leggauss(2000)
    w, weights = (1 + points) / 2, weights * 3 * (1 + points) / 2 * (1 - points) / 2
    mean, std = distribution.sum_quantiles([0.5, 0.84])
    s, step = np.linspace(mean - 7 * (std - mean), mean + 7 * (std - mean), 400, retstep=True)
    for k in distribution.quantiles([0.01, 0.2, 0.5, 0.8, 0.99]):
        left = 1 - w - (k / s)[:, None]
        given_s = (1 - np.sqrt(left.clip(0, (1 - w) ** 2)) / (1 - w)) @ weights
        expected = float(given_s @ distribution.sum_pdf(s)) * step
        assert distribution.cdf(k) == pytest.approx(expected, abs=1e-6)
        assert abs(distribution.cdf(1.001 * k) - expected) > 1e-5, "negative control: a thousandth more"
