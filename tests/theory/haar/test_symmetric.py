"""Orthogonal and symplectic layers: exact second routes, sampled matrices, and the ansätze that have the symmetry."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import ortho_group

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.symmetric import SymmetricKernelLaw

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion."""


@pytest.mark.parametrize("dimension", [4, 8, 64])
@pytest.mark.parametrize("spectrum", ["Pauli", "projector", "three levels"])
def test_real_layers_against_the_product_law(dimension, spectrum):
    """Real state, even O: Oψ = <O>ψ + √v ξ with real frames, and K = 4 v_O Σ v_G x² with x a coordinate on S^{D-2}.

    Real Haar states have E ∏<A_i> = Σ over pairings / D(D+2)…; worked out here by hand for v = <A²> - <A>².
    """
    D, L = dimension, 7
    levels = {"Pauli": ([1, -1], [D // 2, D // 2]), "projector": ([1, 0], [1, D - 1])}
    O = OperatorMoments.from_eigenvalues(*levels.get(spectrum, ([2, 0, -1], [D // 4, D // 2, D // 4])))
    G = OperatorMoments.from_eigenvalues([2, 1, -1, -2], [D // 4] * 4)

    def moments(a2, a4, odd):
        first = a2 / D if odd else a2 / (D + 2)  # <A> = 0 for an antisymmetric A in a real state
        square = Fraction(a2**2 + 2 * a4, D * (D + 2))
        if not odd:
            square -= Fraction(2 * (2 * a2**2 + 8 * a4), D * (D + 2) * (D + 4))
            square += Fraction(12 * a2**2 + 48 * a4, D * (D + 2) * (D + 4) * (D + 6))
        return first, square

    (o1, o2), (g1, g2) = moments(O.a2, O.a4, False), moments(G.a2, G.a4, True)
    x1, x2 = Fraction(1, D - 1), Fraction(3, (D - 1) * (D + 1))
    law = SymmetricKernelLaw(L, O, G, "orthogonal", "even", 1)
    mean = 4 * L * o1 * g1 * x1
    variance = 16 * o2 * (L * g2 * x2 + L * (L - 1) * (g1 * x1) ** 2) - mean**2
    assert law.mean().value == pytest.approx(float(mean), rel=1e-14)
    assert law.variance().value == pytest.approx(float(variance), rel=1e-13)


def test_one_qubit_symplectic_is_the_unitary_group():
    """Sp(1) = SU(2)."""
    pauli = OperatorMoments.from_pauli(1)
    law, unitary = SymmetricKernelLaw(5, pauli, pauli, "symplectic", "odd", 0), KernelLaw(5, pauli, pauli)
    assert law.mean().value == pytest.approx(unitary.mean().value, rel=1e-14)
    assert law.variance().value == pytest.approx(unitary.variance().value, rel=1e-14)


def sampled_kernels(layers, observable, generator, state):
    """K of circuits whose gates are absorbed in the layers."""
    forward, vectors = [], layers[0] @ state
    for layer in layers[1:]:
        forward.append(vectors)
        vectors = np.einsum("nij,nj->ni", layer, vectors)
    adjoint = vectors @ observable.T
    kernel = np.zeros(len(adjoint))
    for vectors, layer in zip(reversed(forward), reversed(layers[1:]), strict=True):
        adjoint = np.einsum("nji,nj->ni", layer.conj(), adjoint)
        kernel += (2 * np.einsum("ni,ni->n", adjoint.conj(), vectors @ generator.T).imag) ** 2
    return kernel


PAULI = {"X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1]), "I": np.eye(2)}


def pauli(label):
    matrix = np.eye(1)
    for letter in label:
        matrix = np.kron(matrix, PAULI[letter])
    return matrix


@pytest.mark.parametrize(
    ("group", "parity", "overlap", "observable", "generator"),
    [
        ("orthogonal", "even", 1, "ZII", "YII"),
        ("orthogonal", "even", 0, "ZII", "IYZ"),
        ("orthogonal", "even", Fraction(1, 2), "XZI", "YII"),
        ("orthogonal", "odd", 0, "YII", "IYX"),
        ("orthogonal", "odd", Fraction(1, 2), "YII", "IYX"),
        ("symplectic", "odd", 0, "ZII", "XII"),
        ("symplectic", "even", 0, "IZI", "YII"),
    ],
)
@pytest.mark.parametrize("parameters", [1, 4])
def test_against_the_group(group, parity, overlap, observable, generator, parameters, haar_symplectic):
    """30 000 draws at D = 8: a mean off by 3 to 5 % or a variance off by 10 to 30 % would show. T is conj, or iσ_y conj
    on the first qubit, under which Z1, X1 and Y1 are odd and what leaves that qubit alone and is real is even."""
    draws = 30_000
    rng = np.random.default_rng(np.random.SeedSequence([7, parameters, len(parity), int(4 * overlap)]))
    haar = ortho_group.rvs if group == "orthogonal" else None
    layers = [
        haar(8, size=draws, random_state=rng) if haar else haar_symplectic(8, draws, rng) for _ in range(parameters + 1)
    ]
    angle = np.arccos(np.sqrt(float(overlap))) / 2  # <φ|φ*> = cos²a - sin²a
    state = np.eye(8)[0] * np.cos(angle) + 1j * np.sin(angle) * np.eye(8)[1] if group == "orthogonal" else np.eye(8)[0]
    kernel = sampled_kernels(layers, pauli(observable), pauli(generator) / 2, state)
    O = OperatorMoments.from_pauli(3)
    law = SymmetricKernelLaw(parameters, O, O.scaled(0.5), group, parity, overlap)
    centred = (kernel - law.mean().value) ** 2
    assert abs(kernel.mean() - law.mean().value) < FALSE_FAIL_SIGMAS * kernel.std() / draws**0.5
    assert abs(centred.mean() - law.variance().value) < FALSE_FAIL_SIGMAS * centred.std() / draws**0.5
    unitary = KernelLaw(parameters, O, O.scaled(0.5))
    outside = abs(kernel.mean() - unitary.mean().value) > FALSE_FAIL_SIGMAS * kernel.std() / draws**0.5
    assert outside, "negative control: the unitary law must fail here"


def test_rounded_eigenvalues_of_an_odd_operator_are_odd():
    """Eigenvalues off by some 1e-14 leave a third moment of that size; 1e-6 is no rounding."""
    levels, pauli = np.array([2, 2, 1, 1, -1, -1, -2, -2]), OperatorMoments.from_pauli(3)
    noise = 1e-15 * np.arange(8) ** 2
    exact, rounded, lopsided = (
        OperatorMoments.from_eigenvalues(levels + shift) for shift in (0 * noise, noise, noise * 1e9)
    )
    assert 1e-14 < abs(float(rounded.a3)) < 1e-11
    expected = SymmetricKernelLaw(3, exact, pauli, "symplectic", "odd", 0).variance().value
    for size in (1e-6, 1e6):  # relative to its own size
        law, right = (
            SymmetricKernelLaw(3, levels, levels.scaled(size), "symplectic", "odd", 0) for levels in (rounded, exact)
        )
        assert law.variance().value == pytest.approx(right.variance().value, rel=1e-11)
    assert SymmetricKernelLaw(3, rounded, pauli, "symplectic", "odd", 0).variance().value == pytest.approx(expected)
    for pair in ((lopsided, pauli), (pauli, lopsided)):
        with pytest.raises(ValueError, match="spectrum symmetric"):
            SymmetricKernelLaw(3, *pair, "symplectic", "odd", 0)


def test_large_dimension_is_exact():
    O = OperatorMoments.from_pauli(50)
    law = SymmetricKernelLaw(10**7, O, O, "orthogonal", "even", 1)
    assert law.mean().value == pytest.approx(2 * KernelLaw(10**7, O, O).mean().value, rel=1e-12)
    assert law.relative_std().value > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": "unitary"}, "group"),
        ({"overlap": 2}, "overlap"),
        ({"group": "symplectic", "overlap": 1}, "overlap"),
        ({"parity": "odd", "overlap": 1}, "no kernel"),
        ({"observable": OperatorMoments.from_projector(3), "parity": "odd", "overlap": 0}, "spectrum symmetric"),
        ({"parameters": 0}, "parameters"),
    ],
)
def test_what_fits_no_ensemble_is_refused(change, message):
    arguments = {"parameters": 3, "group": "orthogonal", "parity": "even", "overlap": 1}
    operators = {"observable": OperatorMoments.from_pauli(3), "generator": OperatorMoments.from_pauli(3)}
    with pytest.raises(ValueError, match=message):
        SymmetricKernelLaw(**(arguments | operators | change))
    two = OperatorMoments.from_pauli(2)
    with pytest.raises(ValueError, match=r"SO\(4\)"):
        SymmetricKernelLaw(3, two, two, "orthogonal", "odd", 0)
