"""K₁₂ of two inputs on frames, against literal circuits of dense Haar unitaries and against the exact theory.

Draws are fixed before sampling. Each statistical assertion fails falsely with probability 1e-6 (4.9 standard errors,
by the normal approximation; the file makes 31 of them). On 30 000 draws a mean is seen if it is off by 0.04 standard
deviations of what is averaged, and distribution functions 0.02 apart.
"""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp, random_hermitian
from scipy.stats import kstwo, norm, unitary_group

from qntk.sampling import HaarLayers, sample
from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.haar.kernel_matrix import KernelMatrixLaw
from qntk.theory.operators import OperatorMoments

FALSE_FAIL = 1e-6
DRAWS = 30_000


def projector(dimension, rank=1):
    return np.diag([1.0] * rank + [0.0] * (dimension - rank))


CASES = {
    "D=2, Pauli, L=3": (SparsePauliOp("Z"), SparsePauliOp("X", 0.5), 3, 0.3),
    "D=4, Pauli, L=1": (SparsePauliOp("IZ"), SparsePauliOp("ZI"), 1, 0.5),
    "D=4, projector, random generator, L=3": (projector(4), random_hermitian(4, seed=3).data, 3, 0.8),
    "D=8, projector of rank 3, L=3": (projector(8, 3), SparsePauliOp("IIZ", 0.5), 3, 0.0),
    "D=8, sum, L=3": (SparsePauliOp(["IZZ", "ZZI", "IIX", "XII"]), random_hermitian(8, seed=4).data, 3, 0.95),
}


def literal(observable, generator, parameters, fidelity, draws, seed):
    """f and K of input |0>, and K₁₂ with √s |0> + √(1-s) |1>, of U = W_L e^{-iθ_L G} … e^{-iθ_1 G} W_0 as matrices."""
    rng = np.random.default_rng(seed)
    O, G = (np.asarray(o if isinstance(o, np.ndarray) else o.to_matrix()) for o in (observable, generator))
    D = len(O)
    inputs = np.zeros((D, 2))
    inputs[0], inputs[1, 1] = [1, np.sqrt(fidelity)], np.sqrt(1 - fidelity)
    values, basis = np.linalg.eigh(G)
    unitary, prefixes = unitary_group.rvs(D, size=draws, random_state=rng), []
    for _ in range(parameters):
        phases = np.exp(-1j * rng.uniform(0, 2 * np.pi, (draws, 1, 1)) * values)
        prefixes.append((basis * phases) @ basis.conj().T @ unitary)
        unitary = unitary_group.rvs(D, size=draws, random_state=rng) @ prefixes[-1]
    heisenberg = unitary.conj().swapaxes(1, 2) @ O @ unitary
    gradients = []
    for prefix in prefixes:
        pulled = prefix.conj().swapaxes(1, 2) @ G @ prefix
        slope = 1j * (pulled @ heisenberg - heisenberg @ pulled)
        gradients.append(np.einsum("ix,dij,jx->dx", inputs, slope, inputs).real)
    one, two = np.moveaxis(np.array(gradients), -1, 0)
    return {"f": heisenberg[:, 0, 0].real, "K": (one**2).sum(axis=0), "K12": (one * two).sum(axis=0)}


def frames(observable, generator, parameters, fidelity, draws, seed):
    drawn = sample(HaarLayers(observable, generator, parameters, overlap=fidelity), draws, seed)
    return {"f": drawn.output, "K": drawn.kernel, "K12": drawn.cross}


def same_mean(a, b):
    z = (a.mean() - b.mean()) / np.hypot(a.std() / len(a) ** 0.5, b.std() / len(b) ** 0.5)
    return abs(z) < norm.isf(FALSE_FAIL / 2)


def same_distribution(a, b):
    grid = np.sort(np.concatenate([a, b]))
    counts = [np.searchsorted(np.sort(x), grid, "right") / len(x) for x in (a, b)]
    return np.abs(counts[0] - counts[1]).max() < kstwo.isf(FALSE_FAIL, len(a) * len(b) // (len(a) + len(b)))


CHECKS = {
    "E K12": lambda a, b: same_mean(a["K12"], b["K12"]),
    "E K12²": lambda a, b: same_mean(a["K12"] ** 2, b["K12"] ** 2),
    "E K12 K": lambda a, b: same_mean(a["K12"] * a["K"], b["K12"] * b["K"]),
    "E K12 f²": lambda a, b: same_mean(a["K12"] * a["f"] ** 2, b["K12"] * b["f"] ** 2),
    "distribution": lambda a, b: same_distribution(a["K12"], b["K12"]),
}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    observable, generator, parameters, fidelity = CASES[request.param]
    dense = literal(observable, generator, parameters, fidelity, DRAWS, seed=32)
    other = frames(observable, generator, parameters, (fidelity + 0.5) % 1, DRAWS, seed=33)
    return frames(observable, generator, parameters, fidelity, DRAWS, seed=31), dense, other


@pytest.mark.parametrize("check", CHECKS)
def test_frames_and_dense_circuits_are_one_ensemble(pair, check):
    drawn, dense, _ = pair
    assert CHECKS[check](drawn, dense)


@pytest.mark.parametrize("check", CHECKS)
def test_negative_control_another_overlap(pair, check):
    """s + 1/2, modulo 1: every check must see it."""
    _, dense, other = pair
    assert not CHECKS[check](other, dense)


@pytest.mark.parametrize("observable", ["Pauli", "projector"])
def test_mean_and_covariance_of_the_theory(observable):
    """n = 4, L = 8, s = 0.4, 100 000 draws: mean, variance and covariance with K₁₁."""
    s, O = 0.4, {"Pauli": SparsePauliOp("ZIII"), "projector": projector(16)}[observable]
    moments = {"Pauli": OperatorMoments.from_pauli(4), "projector": OperatorMoments.from_projector(4)}[observable]
    law = KernelLaw(8, moments, OperatorMoments.from_pauli(4).scaled(0.5))
    theory = KernelMatrixLaw(law, np.array([[1, s**0.5], [s**0.5, 1]]))
    drawn = frames(O, SparsePauliOp("XXXX", 0.5), 8, s, 100_000, seed=34)
    mean, covariance = theory.mean(), theory.covariance()
    one, two = drawn["K"] - mean[0, 0], drawn["K12"] - mean[0, 1]

    def agrees(values, expected):
        return abs(values.mean() - expected) < norm.isf(FALSE_FAIL / 2) * values.std() / len(values) ** 0.5

    for values, expected in (
        (drawn["K12"], mean[0, 1]),
        (two**2, covariance[0, 1, 0, 1]),
        (one * two, covariance[0, 0, 0, 1]),
    ):
        assert agrees(values, expected)
        assert not agrees(1.1 * values, expected)


@pytest.mark.parametrize("case", CASES)
def test_kernel_and_output_are_those_drawn_without_it(case):
    observable, generator, parameters, fidelity = CASES[case]
    alone = sample(HaarLayers(observable, generator, parameters), 200, seed=5)
    both = frames(observable, generator, parameters, fidelity, 200, seed=5)
    assert alone.cross is None
    np.testing.assert_allclose(both["K"], alone.kernel, rtol=1e-7)
    np.testing.assert_allclose(both["f"], alone.output, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_inputs_that_almost_coincide_share_the_kernel(case):
    observable, generator, parameters, _ = CASES[case]
    drawn = frames(observable, generator, parameters, 1 - 1e-14, 200, seed=5)
    np.testing.assert_allclose(drawn["K12"], drawn["K"], rtol=1e-5, atol=1e-5 * drawn["K"].max())


def test_constants_have_none_and_workers_do_not_matter():
    for operators in ((np.eye(4), SparsePauliOp("ZI")), (SparsePauliOp("ZI"), np.eye(4))):
        assert np.abs(frames(*operators, 3, 0.2, 50, seed=1)["K12"]).max() < 1e-20
    ensemble = HaarLayers(SparsePauliOp("IZ"), SparsePauliOp("IX", 0.5), 4, overlap=0.5)
    one, three = (sample(ensemble, 40_000, seed=3, workers=w).cross for w in (1, 3))
    assert np.array_equal(one, three)


@pytest.mark.parametrize("overlap", [1.0, -0.1, 1.5, float("nan")])
def test_overlaps_out_of_range_are_refused(overlap):
    with pytest.raises(ValueError, match="below 1"):
        HaarLayers(SparsePauliOp("Z"), SparsePauliOp("X"), 2, overlap=overlap)


def test_both_at_once_are_refused():
    with pytest.raises(ValueError, match="one of them"):
        HaarLayers(SparsePauliOp("Z"), SparsePauliOp("X"), 2, dqntk=True, overlap=0.5)
