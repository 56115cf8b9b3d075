"""The closed forms against two exact computations that share no code with them.

1. The Haar twirl on copies: E g² and E g_k² g_ℓ² as traces on two and four copies of the space, averaging over each
   Haar layer by projecting on the span of the permutation operators. No product law, no Beta distribution.
2. Exhaustive enumeration on one qubit: the icosahedral group is a unitary 5-design, so averaging over all 60 (up to
   sign) elements in every layer gives the Haar mean and variance of K exactly, whatever the angles.
"""

import itertools

import numpy as np
import pytest
from qiskit.quantum_info import random_hermitian
from scipy.linalg import expm

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar import dqntk

CASES = {
    "qubit, Pauli": (np.diag([1.0, -1.0]), np.array([[0, 0.5], [0.5, 0]])),
    "qutrit, random": (random_hermitian(3, seed=1).data, random_hermitian(3, seed=2).data),
    "two qubits, projector and half Pauli": (np.diag([1.0, 0, 0, 0]), np.diag([0.5, 0.5, -0.5, -0.5])),
    "two qubits, random": (random_hermitian(4, seed=3).data, random_hermitian(4, seed=4).data),
}


@pytest.mark.parametrize("case", CASES)
def test_closed_forms_against_the_twirl_on_copies(case, copies):
    observable, generator = CASES[case]
    square = copies(len(observable), 2).moment(observable, generator, [(0, 1)])
    space = copies(len(observable), 4)
    fourth = space.moment(observable, generator, [(0, 1, 2, 3)])
    mixed = space.moment(observable, generator, [(0, 1), (2, 3)])
    for parameters in (1, 2, 7):
        law = KernelLaw(parameters, OperatorMoments.from_matrix(observable), OperatorMoments.from_matrix(generator))
        assert law.mean().value == pytest.approx(parameters * square, rel=1e-9)
        second = parameters * fourth + parameters * (parameters - 1) * mixed
        exact = second - (parameters * square) ** 2
        assert law.variance("exact").value == pytest.approx(exact, rel=1e-9)
        independent = parameters * (fourth - square**2)
        assert law.variance("independent").value == pytest.approx(independent, rel=1e-9)


@pytest.mark.parametrize(("dimension", "scale"), [(2, 1.0), (2, 0.5), (4, 0.5), (3, None), (4, None)])
def test_mean_dqntk_against_the_twirl_on_three_copies(dimension, scale, copies):
    """Copy 0 carries the Hessian, 1 and 2 the gradients; both orders of a pair, and the diagonal, which vanishes.

    Multiples of a Pauli, and random generators (scale None): E μ knows a₂(G) alone.
    """
    observable = random_hermitian(dimension, seed=6).data
    generator = random_hermitian(dimension, seed=7).data
    if scale:
        generator = scale * np.kron(np.array([[0, 1], [1, 0]]), np.eye(dimension // 2))
    space = copies(dimension, 3)
    pair = space.moment(observable, generator, [(0, 1), (0, 2)])
    diagonal = space.moment(observable, generator, [(0, 0, 1, 2)])
    law = KernelLaw(5, OperatorMoments.from_matrix(observable), OperatorMoments.from_matrix(generator))
    assert diagonal == pytest.approx(0, abs=1e-9)
    assert dqntk.mean(law).value == pytest.approx(5 * 4 * pair, rel=1e-9)


def test_dqntk_is_silent_where_no_law_is_known_and_zero_for_a_pauli():
    pauli, projector = OperatorMoments.from_pauli(3), OperatorMoments.from_projector(3)
    assert dqntk.mean(KernelLaw(5, pauli, pauli)).value == 0
    assert dqntk.second_moment_asymptotic(KernelLaw(5, pauli, projector)) is None
    assert dqntk.second_moment_leading(KernelLaw(5, projector, pauli)) is None
    half = KernelLaw(16, pauli, pauli.scaled(0.5))
    asymptotic, leading = dqntk.second_moment_asymptotic(half).value, dqntk.second_moment_leading(half).value
    assert asymptotic == pytest.approx(32 * 16**2 * 8**3 / 8**6 / 256, rel=1e-14)
    assert leading / asymptotic == pytest.approx((32 + 16 * 9) / 32, rel=1e-14)


def icosahedral_group():
    """The 60 rotations as SU(2) matrices, one of each pair ±u: unit icosians."""
    golden = (1 + 5**0.5) / 2
    even = [p for p in itertools.permutations(range(4)) if np.linalg.det(np.eye(4)[list(p)]) > 0]
    quaternions = set()
    for signs in itertools.product([1, -1], repeat=4):
        quaternions.update(tuple(signs[0] * 1.0 * (i == j) for j in range(4)) for i in range(4))
        quaternions.add(tuple(0.5 * s for s in signs))
        entries = [0.5 * golden * signs[0], 0.5 * signs[1], 0.5 / golden * signs[2], 0.0]
        quaternions.update(tuple(entries[p[i]] + 0.0 for i in range(4)) for p in even)
    upper = [q for q in quaternions if next(x for x in q if abs(x) > 1e-9) > 0]
    a, b, c, d = np.array(sorted(upper)).T
    return np.array([[a + 1j * b, c + 1j * d], [-c + 1j * d, a - 1j * b]]).transpose(2, 0, 1)


def test_icosahedral_group_has_sixty_unitary_elements():
    group = icosahedral_group()
    assert len(group) == 60
    np.testing.assert_allclose(
        group @ group.conj().transpose(0, 2, 1), np.broadcast_to(np.eye(2), (60, 2, 2)), atol=1e-14
    )
    # The frame potential of order 4 is Haar's, the Catalan number 14: a unitary 4-design.
    overlaps = np.abs(np.einsum("aij,bij->ab", group.conj(), group))
    assert (overlaps**8).mean() == pytest.approx(14, rel=1e-12)


@pytest.mark.parametrize("convention", [1.0, 0.5])
@pytest.mark.parametrize("observable", [np.diag([1.0, -1.0]), np.diag([1.0, 0.0]), random_hermitian(2, seed=5).data])
def test_one_qubit_by_exhaustive_enumeration(observable, convention):
    group = icosahedral_group()
    generator = convention * np.array([[0, 1], [1, 0]])
    gates = [expm(-1j * angle * generator) for angle in (0.3, 1.9)]

    def gradient(operators, states):
        commutators = 1j * (generator @ operators - operators @ generator)
        return np.einsum("...i,...ij,...j->...", states.conj(), commutators, states).real

    rotated = group.conj().transpose(0, 2, 1) @ observable @ group
    first = np.einsum("ij,aj->ai", gates[0], group[:, :, 0])
    one = gradient(rotated[:, None], first[None])
    law = KernelLaw(1, OperatorMoments.from_matrix(observable), OperatorMoments.from_matrix(generator))
    assert (one**2).mean() == pytest.approx(law.mean().value, rel=1e-12)
    assert (one**2).var() == pytest.approx(law.variance().value, rel=1e-12)

    between = gates[1] @ group
    second = np.einsum("bij,aj->bai", between, first)
    pulled = np.einsum("bji,cjk,bkl->cbil", between.conj(), rotated, between)
    kernels = gradient(rotated[:, None, None], second[None]) ** 2 + gradient(pulled[:, :, None], first[None, None]) ** 2
    law = KernelLaw(2, law.observable, law.generator)
    assert kernels.mean() == pytest.approx(law.mean().value, rel=1e-12)
    assert kernels.var() == pytest.approx(law.variance().value, rel=1e-12)


def test_published_fluctuation_of_the_projector_misses_by_a_quarter():
    """Section 2 of Liu et al. against the exact law at D = 8, L = 10: 0.656 stated, 0.865 true."""
    law = KernelLaw(10, OperatorMoments.from_projector(3), OperatorMoments.from_pauli(3))
    assert law.relative_std("asymptotic").value == pytest.approx(0.656, abs=5e-4)
    assert law.relative_std("exact").value == pytest.approx(0.865, abs=5e-4)


@pytest.mark.parametrize(("qubits", "excess"), [(1, 0.125), (2, 0.171875), (3, 0.107422), (4, 0.058350), (5, 0.030243)])
def test_published_mean_is_too_large_in_low_dimension(qubits, excess):
    """2 L Tr O²/D² over the exact mean is (D+1)²(D-1)/D³: 17 % above at D = 4, within 5 % from D = 32 on."""
    law = KernelLaw(10, OperatorMoments.from_pauli(qubits), OperatorMoments.from_pauli(qubits))
    assert law.mean("asymptotic").value / law.mean().value - 1 == pytest.approx(excess, abs=1e-6)


def test_published_mean_needs_a_centred_observable():
    """Tr O² of the projector is 1, a₂ is 1 - 1/D: taken as printed, the published mean is 1.56 times the exact one."""
    law = KernelLaw(10, OperatorMoments.from_projector(2), OperatorMoments.from_pauli(2))
    printed = 2 * 10 * 1 / 4**2
    assert printed / law.mean().value == pytest.approx(1.5625, rel=1e-12)


def test_published_fluctuation_of_a_pauli_ends_near_the_square_of_the_dimension():
    """1/√L holds within 5 % at L = D/4; the truth is √2 times it at L = D² and grows without bound beyond."""
    pauli = OperatorMoments.from_pauli(6)
    ratios = []
    for parameters in (16, 64**2, 64**3):
        law = KernelLaw(parameters, pauli, pauli)
        ratios.append(law.relative_std("exact").value / law.relative_std("asymptotic").value)
    assert ratios == pytest.approx([1.0, 2**0.5, 64**0.5], rel=0.05)
