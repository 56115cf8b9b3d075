"""Skewness and kurtosis: state moments against a sum over all permutations, the kernel's against frames."""

import itertools
from fractions import Fraction
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import HaarLayers, sample
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.shape import excess_kurtosis, skewness, variance_moments

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion."""


def joint_moment(spectrum, firsts, seconds):
    """E <A>^firsts <A²>^seconds over Haar states as Σ_π Tr_π / (D)_m, cycle by cycle."""
    powers = [1] * firsts + [2] * seconds
    size, dimension = len(powers), len(spectrum)
    traces = {k: sum(Fraction(v) ** k for v in spectrum) for k in range(1, 2 * size + 1)}
    total = Fraction(0)
    for permutation in itertools.permutations(range(size)):
        seen, value = set(), Fraction(1)
        for start in range(size):
            if start in seen:
                continue
            weight, here = 0, start
            while here not in seen:
                seen.add(here)
                weight += powers[here]
                here = permutation[here]
            value *= traces[weight]
        total += value
    return total / prod(dimension + k for k in range(size))


@settings(max_examples=15)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=5).filter(lambda s: len(set(s)) > 1))
def test_moments_of_the_variance_against_all_permutations(spectrum):
    """To the third moment, which needs 720 permutations; exact fractions, and the spectrum is not centred."""
    moments = variance_moments(OperatorMoments.from_eigenvalues(spectrum))
    for m in range(4):
        expected = sum(comb(m, j) * (-1) ** j * joint_moment(spectrum, 2 * j, m - j) for j in range(m + 1))
        assert moments[m] == expected


def test_the_fourth_moment_against_all_permutations():
    spectrum = [2, 0, -1]
    expected = sum(comb(4, j) * (-1) ** j * joint_moment(spectrum, 2 * j, 4 - j) for j in range(5))
    assert variance_moments(OperatorMoments.from_eigenvalues(spectrum))[4] == expected


CASES = {
    "Pauli": (SparsePauliOp("IZ"), OperatorMoments.from_pauli(2), 2, 2),
    "Ising": (SparsePauliOp(["ZZ", "IX", "XI"]), OperatorMoments.from_pauli_sum({"ZZ": 1, "IX": 1, "XI": 1}), 2, 3),
    "projector": (np.diag([1.0, 0, 0, 0]), OperatorMoments.from_projector(2), 2, 8),
}


def jackknife(values, statistic, groups=100):
    parts = np.array_split(values, groups)
    left_out = [statistic(np.concatenate(parts[:g] + parts[g + 1 :])) for g in range(groups)]
    return statistic(values), np.std(left_out) * (groups - 1) ** 0.5


def standardised(order):
    return lambda k: ((k - k.mean()) ** order).mean() / k.std() ** order - (3 if order == 4 else 0)


@pytest.mark.parametrize("case", CASES)
def test_skewness_and_kurtosis_against_frames(case):
    """200 000 frames, jackknife errors: sees a skewness wrong by 0.07 and a kurtosis by 0.7; the control must fail."""
    operator, observable, qubits, parameters = CASES[case]
    kernels = sample(HaarLayers(operator, SparsePauliOp("ZI", 0.5), parameters), 200_000, seed=21).kernel
    law = KernelLaw(parameters, observable, OperatorMoments.from_pauli(qubits).scaled(0.5))
    control = KernelLaw(parameters + 2, observable, law.generator)
    for order, predict in ((3, skewness), (4, excess_kurtosis)):
        estimate, error = jackknife(kernels, standardised(order))
        assert abs(estimate - predict(law).value) < FALSE_FAIL_SIGMAS * error
        assert error < (0.014 if order == 3 else 0.14)
        assert abs(estimate - predict(control).value) > FALSE_FAIL_SIGMAS * error or case == "projector"


@given(st.integers(1, 50), st.integers(1, 10**7))
def test_scale_free_and_gamma_like_far_from_the_plateau(qubits, parameters):
    pauli = OperatorMoments.from_pauli(qubits)
    law, half = KernelLaw(parameters, pauli, pauli), KernelLaw(parameters, pauli, pauli.scaled(0.5))
    assert skewness(law).value == pytest.approx(skewness(half).value, rel=1e-14)
    if qubits > 40:
        assert skewness(law).value == pytest.approx((8 / parameters) ** 0.5, rel=1e-4)
        assert excess_kurtosis(law).value == pytest.approx(12 / parameters, rel=1e-3)


def test_pauli_sums_know_their_higher_traces():
    terms = {"ZZI": -1.0, "IZZ": -1.0, "IIX": -0.5, "IXI": -0.5, "XII": -0.5}
    dense = OperatorMoments.from_matrix(SparsePauliOp(list(terms), list(terms.values())).to_matrix())
    for one, other in zip(OperatorMoments.from_pauli_sum(terms).higher, dense.higher, strict=True):
        assert float(one) == pytest.approx(float(other), abs=1e-8)
    chain = {f"{'I' * a}X{'I' * (39 - a)}": 1 for a in range(40)}
    known = OperatorMoments.from_pauli_sum(chain)  # the spectrum 40 - 2k with multiplicities binom(40, k)
    other = OperatorMoments.from_eigenvalues([40 - 2 * k for k in range(41)], [comb(40, k) for k in range(41)])
    assert (known.a2, known.a3, known.a4, *known.higher) == (other.a2, other.a3, other.a4, *other.higher)


def test_what_is_not_known_is_not_guessed():
    rng = np.random.default_rng(3)
    many = {"".join(rng.choice(list("IXYZ"), 40)): 1 for _ in range(150)}
    some = OperatorMoments.from_pauli_sum(many)  # all overlap: A⁴ is too long
    law = KernelLaw(2, some, OperatorMoments.from_pauli(40))
    assert some.higher[2] is None
    assert skewness(law) is not None
    assert excess_kurtosis(law) is None
    with pytest.raises(ValueError, match="not known"):
        variance_moments(some)
    bare = OperatorMoments(4, Fraction(4), Fraction(0), Fraction(4))
    assert skewness(KernelLaw(2, bare, OperatorMoments.from_pauli(2))) is None
