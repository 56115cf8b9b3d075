"""μ on frames against Hessians of literal circuits of dense Haar unitaries, and against the exact theory.

Draws are fixed before sampling. Each statistical assertion fails falsely with probability 1e-6 (4.9 standard errors,
by the normal approximation; the file makes 40 of them). On 30 000 draws a mean is seen if it is off by 0.04 standard
deviations of what is averaged, which for μ² is 8 to 24 % of its value, and distribution functions 0.02 apart.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp, random_hermitian
from scipy.stats import kstwo, norm, unitary_group

from qntk.sampling import HaarLayers, sample
from qntk.theory.haar import dqntk, dqntk_second_moment
from qntk.theory.haar.kernel import KernelLaw
from qntk.theory.operators import OperatorMoments

FALSE_FAIL = 1e-6
DRAWS = 30_000
KERNELS = [0.3297230127823867, 0.6136792923797042, 0.5709946497447945]
OUTPUTS = [0.25072391221405627, 0.0074127137819736, 0.11091846256965814]
SUM = SparsePauliOp(["IZZ", "ZZI", "IIX", "XII"])


def projector(dimension, rank=1):
    return np.diag([1.0] * rank + [0.0] * (dimension - rank))


CASES = {
    "D=2, Pauli, L=1": (SparsePauliOp("Z"), SparsePauliOp("X", 0.5), 1),
    "D=2, projector, L=3": (projector(2), random_hermitian(2, seed=3).data, 3),
    "D=4, Pauli, L=3": (SparsePauliOp("IZ"), SparsePauliOp("ZI"), 3),
    "D=4, projector, projector as generator, L=3": (projector(4), projector(4), 3),
    "D=8, sum, L=1": (SUM, SparsePauliOp("IIZ", 0.5), 1),
    "D=8, sum, random generator, L=3": (SUM, random_hermitian(8, seed=4).data, 3),
}


class Literal:
    """U = W_L e^{-iθ_L G} … W_1 e^{-iθ_1 G} W_0 as matrices, draws along the first axis."""

    def __init__(self, observable, generator, parameters, draws, seed):
        rng = np.random.default_rng(seed)
        self.O, self.G = (
            np.asarray(o if isinstance(o, np.ndarray) else o.to_matrix()) for o in (observable, generator)
        )
        D = len(self.O)
        layers = unitary_group.rvs(D, size=draws * (parameters + 1), random_state=rng)
        self.layers = layers.reshape(draws, parameters + 1, D, D)
        self.thetas = rng.uniform(0, 2 * np.pi, (draws, parameters))

    def unitaries(self, thetas):
        """U, and what follows each generator."""
        values, basis = np.linalg.eigh(self.G)
        after, later = self.layers[:, -1], []
        for index in reversed(range(thetas.shape[1])):
            gate = (basis * np.exp(-1j * thetas[:, index, None, None] * values)) @ basis.conj().T
            later.insert(0, after @ gate)
            after = later[0] @ self.layers[:, index]
        return after, later

    def output(self, thetas):
        psi = self.unitaries(thetas)[0][:, :, 0]
        return np.einsum("di,ij,dj->d", psi.conj(), self.O, psi).real

    def derivatives(self):
        """Gradient (draws, L), and the Hessian (draws, L, L) in two parts: <ψ|O|∂∂ψ> and <∂ψ|O|∂ψ>."""
        unitary, later = self.unitaries(self.thetas)
        psi = unitary[:, :, 0]
        moved = np.stack([u @ self.G @ u.conj().swapaxes(1, 2) for u in later], axis=1)
        first = -1j * np.einsum("dlij,dj->dli", moved, psi)
        second = -1j * np.einsum("dlij,dkj->dlki", moved, first)  # l after k
        backward = psi.conj() @ self.O
        gradient = 2 * np.einsum("di,dli->dl", backward, first).real
        bent = 2 * np.einsum("di,dlki->dlk", backward, second).real
        bent = np.tril(bent) + np.tril(bent, -1).swapaxes(1, 2)
        return gradient, bent, 2 * np.einsum("dli,ij,dkj->dlk", first.conj(), self.O, first).real


def contract(hessian, gradient):
    return np.einsum("dkl,dk,dl->d", hessian, gradient, gradient)


def same_mean(a, b):
    z = (a.mean() - b.mean()) / np.hypot(a.std() / len(a) ** 0.5, b.std() / len(b) ** 0.5)
    return abs(z) < norm.isf(FALSE_FAIL / 2)


def same_distribution(a, b):
    grid = np.sort(np.concatenate([a, b]))
    counts = [np.searchsorted(np.sort(x), grid, "right") / len(x) for x in (a, b)]
    return np.abs(counts[0] - counts[1]).max() < kstwo.isf(FALSE_FAIL, len(a) * len(b) // (len(a) + len(b)))


def moment(power=1, kernel=0, output=0):
    def check(a, b):
        return same_mean(*(x["mu"] ** power * x["kernel"] ** kernel * x["output"] ** output for x in (a, b)))

    return check


CHECKS = {
    "E μ": moment(),
    "E μ²": moment(power=2),
    "E μK": moment(kernel=1),
    "E μf": moment(output=1),
    "E μKf": moment(kernel=1, output=1),
    "distribution": lambda a, b: same_distribution(a["mu"], b["mu"]),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    draws = sample(HaarLayers(*CASES[request.param], dqntk=True), DRAWS, seed=21)
    literal = Literal(*CASES[request.param], DRAWS, seed=22)
    gradient, bent, crossed = literal.derivatives()
    kernel, output = np.einsum("dl,dl->d", gradient, gradient), literal.output(literal.thetas)
    frames = {"mu": draws.dqntk, "kernel": draws.kernel, "output": draws.output}
    dense = {"mu": contract(bent + crossed, gradient), "kernel": kernel, "output": output}
    return frames, dense, dense | {"mu": contract(bent, gradient)}


@pytest.mark.parametrize("check", CHECKS)
def test_frames_and_dense_circuits_are_one_ensemble(case, check):
    frames, dense, _ = case
    assert CHECKS[check](frames, dense)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", [c for c in CASES if "projector" in c], indirect=True)
def test_negative_control_a_hessian_without_its_second_part(case, check):
    """Without <∂ψ|O|∂ψ>: every check must see it. For a traceless O the odd moments are zero either way."""
    frames, _, wrong = case
    assert not CHECKS[check](frames, wrong)


def test_the_literal_hessian_is_that_of_the_output():
    """Central differences of f, step 1e-4: 1e-8 of truncation, 1e-8 of rounding."""
    literal = Literal(*CASES["D=8, sum, random generator, L=3"], 5, seed=1)
    gradient, bent, crossed = literal.derivatives()
    step = 1e-4 * np.eye(3)

    def f(shift):
        return literal.output(literal.thetas + shift)

    for k in range(3):
        np.testing.assert_allclose((f(step[k]) - f(-step[k])) / 2e-4, gradient[:, k], atol=1e-5)
        for l in range(3):
            corners = f(step[k] + step[l]) - f(step[k] - step[l]) - f(step[l] - step[k]) + f(-step[k] - step[l])
            np.testing.assert_allclose(corners / 4e-8, (bent + crossed)[:, k, l], atol=1e-5)


THEORY = [(SparsePauliOp("ZIIII"), OperatorMoments.from_pauli(5)), (projector(32), OperatorMoments.from_projector(5))]


@pytest.mark.parametrize(("observable", "moments"), THEORY, ids=["Pauli", "projector"])
def test_mean_and_second_moment_of_the_theory(observable, moments):
    """n = 5, L = 16, 100 000 draws."""
    law = KernelLaw(16, moments, OperatorMoments.from_pauli(5).scaled(0.5))
    mu = sample(HaarLayers(observable, SparsePauliOp("XXXXX", 0.5), 16, dqntk=True), 100_000, seed=23).dqntk

    def agrees(values, expected):
        return abs(values.mean() - expected) < norm.isf(FALSE_FAIL / 2) * values.std() / len(values) ** 0.5

    mean, second = dqntk.mean(law).value, dqntk_second_moment.second_moment(law).value
    assert agrees(mu, mean)
    assert agrees(mu**2, second)
    # 10 % more: 10 standard errors of the second moment.
    assert not agrees((1.1 * mu) ** 2, second)
    assert mean == 0 or not agrees(1.1 * mu, mean)


@pytest.mark.parametrize(("qubits", "parameters"), [(1, 4), (2, 8)])
def test_small_dimensions_have_the_second_moment_of_the_theory(qubits, parameters):
    """400 000 draws at D = 2 and 4, standard error 0.3 %: what couples <G>_ξ - <G>_φ to the arriving vector is 6 and
    4 % of E μ² there, and little at large D. Negative control: 4 % more is seen."""
    pauli = OperatorMoments.from_pauli(qubits)
    labels = (letter + "I" * (qubits - 1) for letter in "ZX")
    ensemble = HaarLayers(*map(SparsePauliOp, labels), parameters, dqntk=True)
    squares = sample(ensemble, 400_000, seed=29).dqntk ** 2
    expected = dqntk_second_moment.second_moment(KernelLaw(parameters, pauli, pauli)).value
    allowed = norm.isf(FALSE_FAIL / 2) * squares.std() / len(squares) ** 0.5
    assert abs(squares.mean() - expected) < allowed < 0.02 * expected
    assert abs(1.04 * squares.mean() - expected) > allowed


def frames(observable, generator, **options):
    return sample(HaarLayers(observable, generator, 3, **options), 200, seed=5)


@pytest.mark.parametrize("case", CASES)
def test_kernel_and_output_are_those_drawn_without_it(case):
    observable, generator, _ = CASES[case]
    alone, both = frames(observable, generator), frames(observable, generator, dqntk=True)
    assert alone.dqntk is None
    np.testing.assert_allclose(both.kernel, alone.kernel, rtol=1e-7)
    np.testing.assert_allclose(both.output, alone.output, rtol=1e-9, atol=1e-12)


def test_draws_without_it_are_those_on_record():
    """The stream of K alone, to the bit."""
    draws = sample(HaarLayers(SparsePauliOp("ZIII"), SparsePauliOp("XYZI", 0.5), 16), 1000, seed=7)
    assert draws.kernel[:3].tolist() == KERNELS
    assert draws.output[:3].tolist() == OUTPUTS


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0.1, 3))
def test_blind_to_constants_and_homogeneous(seed, constant, scale):
    observable, generator = (random_hermitian(4, seed=seed + i).data for i in range(2))
    shift = constant * np.eye(4)
    reference = frames(observable, generator, dqntk=True).dqntk

    def agree(mu, expected):
        np.testing.assert_allclose(mu, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())

    agree(frames(observable + shift, generator + shift, dqntk=True).dqntk, reference)
    agree(frames(scale * observable, generator, dqntk=True).dqntk, scale**3 * reference)
    agree(frames(observable, scale * generator, dqntk=True).dqntk, scale**4 * reference)


def test_constant_operators_have_none():
    for operators in ((np.eye(4), SparsePauliOp("ZI")), (SparsePauliOp("ZI"), np.eye(4))):
        assert np.abs(frames(*operators, dqntk=True).dqntk).max() < 1e-20


def test_bit_identical_for_any_number_of_workers():
    ensemble = HaarLayers(SparsePauliOp("IZ"), SparsePauliOp("IX", 0.5), 4, dqntk=True)
    one, three = (sample(ensemble, 40_000, seed=3, workers=w).dqntk for w in (1, 3))
    assert np.array_equal(one, three)
    assert len(np.unique(one)) == len(one)
