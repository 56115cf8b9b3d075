"""Layers of several generators and unscrambled ends, against two computations that share no code with theory/.

1. Dense copies: E K and E K² as one operator on two and four copies of the space, walked from O to the input. Haar
   unitaries project on the span of the permutations; a rotation averages over five equally spaced angles, which is
   exact for a trigonometric polynomial of degree 4.
2. Monte Carlo: dense circuits of Haar unitaries (QR of Ginibre matrices) and random angles, gradients by commutators.
"""

import functools
import itertools
import time
from fractions import Fraction

import numpy as np
import pytest

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.averages import haar_words, multiply, pauli_keys
from qntk.theory.haar.boundary import FirstLayer, LastLayer
from qntk.theory.haar.layers import GeneratorLayer, LayeredKernelLaw, pair_moment

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion, where the estimate is normal."""
LETTERS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}
HAAR = "Haar"


def dense(label):
    return functools.reduce(np.kron, [LETTERS[letter] for letter in label]).astype(complex)


def dense_sum(terms):
    return sum(c * dense(label) for label, c in terms.items())


def zeros(qubits):
    return np.eye(2**qubits)[0]


class Walk:
    """E K^power on 2·power copies; a circuit lists labels and HAAR in time order, rotations exp(-iθ scale P)."""

    def __init__(self, qubits, power, scale):
        self.size, self.copies, self.scale, self.power = 2**qubits, 2 * power, scale, power
        shape = [self.size] * (2 * self.copies)
        eye = np.eye(self.size**self.copies).reshape(shape)
        orders = itertools.permutations(range(self.copies))
        self.basis = np.stack([eye.transpose([*p, *range(self.copies, 2 * self.copies)]).ravel() for p in orders])
        self.gram_inverse = np.linalg.pinv(self.basis @ self.basis.T)

    def on_copy(self, operator, matrix, copy, side):
        """Matrix product on one copy, from the left (side 0) or the right (side 1)."""
        tensor = operator.reshape([self.size] * (2 * self.copies))
        axis = copy + side * self.copies
        moved = np.tensordot(matrix if side == 0 else matrix.T, tensor, axes=(1, axis))
        return np.moveaxis(moved, 0, axis).reshape(operator.shape)

    def derivative(self, operator, pauli, copies):
        for copy in copies:
            operator = (
                1j * self.scale * (self.on_copy(operator, pauli, copy, 0) - self.on_copy(operator, pauli, copy, 1))
            )
        return operator

    def rotate(self, operators, pauli, angles):
        """Average of a stack of operators over the angles; two copies at a time, which is quicker."""
        half, total = self.copies // 2, 0
        for angle in angles:
            rotation = np.cos(angle / 2) * np.eye(self.size) - 1j * np.sin(angle / 2) * pauli
            both = np.kron(rotation, rotation)
            here = operators.reshape([len(operators)] + [self.size**2] * self.copies)
            for axis in range(1, self.copies + 1):
                matrix = both.conj().T if axis <= half else both.T
                here = np.moveaxis(np.tensordot(matrix, here, axes=(1, axis)), 0, axis)
            total = total + here
        return total.reshape(operators.shape) / len(angles)

    def twirl(self, operator):
        return (self.gram_inverse @ (self.basis @ operator.ravel()) @ self.basis).reshape(operator.shape)

    def moment(self, circuit, observable, state, angles=None):
        """``angles``: alpha = 2·scale·theta of each rotation; None averages over independent uniform ones."""
        plain = functools.reduce(np.kron, [observable] * self.copies)
        once, twice = 0 * plain, 0 * plain  # Σ g² on copies 0, 1; (Σ g²)²
        left = [None] * len(circuit) if angles is None else list(angles)
        for step in reversed(circuit):
            if step == HAAR:
                plain, once, twice = self.twirl(plain), self.twirl(once), self.twirl(twice)
                continue
            pauli = dense(step)
            if self.power == 2:
                twice = twice + self.derivative(plain, pauli, range(4)) + 2 * self.derivative(once, pauli, (2, 3))
            once = once + self.derivative(plain, pauli, (0, 1))
            alpha = left.pop()
            grid = 2 * np.pi * np.arange(5) / 5 if alpha is None else [alpha]
            plain, once, twice = self.rotate(np.stack([plain, once, twice]), pauli, grid)
        vector = functools.reduce(np.kron, [state] * self.copies)
        return np.vdot(vector, (once if self.power == 1 else twice) @ vector).real


@functools.cache
def walk(qubits, power, scale):
    return Walk(qubits, power, scale)


def mean_and_variance(circuit, terms, scale, state=None, angles=None):
    qubits = len(next(iter(terms)))
    state, observable = zeros(qubits) if state is None else state, dense_sum(terms)
    mean, second = (walk(qubits, k, scale).moment(circuit, observable, state, angles) for k in (1, 2))
    return mean, second - mean**2


PAULI, ISING = {"IZ": 1.0}, {"ZZ": 1.0, "IX": 0.5, "XI": -0.75}
SKEWED = np.array([0.5, 0.5j, -0.1 - 0.7j, 0.0])
SKEWED = SKEWED / np.linalg.norm(SKEWED)
COMMUTING, ROTATIONS = ["IX", "XI"], ["IX", "XI", "IZ", "ZI"]
TANGLED = ["IX", "ZZ", "YI", "IX"]
CASES = {
    # name: labels of first, layers, last; the observable; the input state
    "two commuting": ([], [COMMUTING], [], PAULI, None),
    "commuting product": ([], [["IZ", "ZI", "ZZ"]], [], ISING, None),
    "RX then RZ": ([], [ROTATIONS], [], PAULI, None),
    "two layers": ([], [TANGLED, COMMUTING], [], ISING, None),
    "first": (["IX", "ZI"], [["ZZ"]], [], PAULI, None),
    "first, RX then RZ": (ROTATIONS, [], [], PAULI, None),
    "first, tangled": (TANGLED, [COMMUTING], [], ISING, None),
    "first, XX ZZ = -YY": (["XX", "ZZ"], [], [], PAULI, SKEWED),
    "first, other input": (TANGLED, [], [], PAULI, SKEWED),
    "last": ([], [["ZZ"]], ["IX", "ZI"], PAULI, None),
    "last, RX then RY": ([], [COMMUTING], ["IX", "XI", "IY", "YI"], PAULI, None),
    "last, tangled": ([], [], TANGLED, ISING, None),
    "both": (["IX", "IZ"], [["IX", "ZZ", "YI"]], ["IX", "ZZ", "IY"], ISING, None),
    "one qubit": (["X", "Z", "Y"], [["X", "Y", "Z"]], ["X", "Y"], {"Z": 1.0}, None),
    "both, one Haar unitary": (COMMUTING, [], TANGLED, ISING, SKEWED),
}


def circuit_of(first, layers, last):
    return [*first, HAAR, *(step for layer in layers for step in (*layer, HAAR)), *last]


def law_of(first, layers, last, terms, state, scale):
    return LayeredKernelLaw(
        LastLayer.from_paulis(last, scale, terms) if last else OperatorMoments.from_pauli_sum(terms),
        [GeneratorLayer.from_paulis(layer, scale) for layer in layers],
        first=FirstLayer.from_paulis(first, scale, state) if first else None,
    )


@pytest.mark.parametrize("case", CASES)
def test_pauli_layers_against_dense_copies(case):
    first, layers, last, terms, state = CASES[case]
    scale = 0.5 if len(case) % 2 else 1.0
    law = law_of(first, layers, last, terms, state, scale)
    mean, variance = mean_and_variance(circuit_of(first, layers, last), terms, scale, state)
    assert law.mean().value == pytest.approx(mean, rel=1e-9)
    assert law.variance().value == pytest.approx(variance, rel=1e-9)
    assert law.relative_std().value == pytest.approx(variance**0.5 / mean, rel=1e-9)
    # Controls: each generator in a layer of its own, and ends taken for scrambled layers, give another variance.
    apart = [[label] for part in (first, *layers, last) for label in part]
    split = law_of([], apart, [], terms, None, scale)
    joined = law_of([], [part for part in (first, *layers, last) if part], [], terms, None, scale)
    assert abs(split.variance().value / variance - 1) > 1e-3
    if first or last:
        assert abs(joined.variance().value / variance - 1) > 1e-3


@pytest.mark.parametrize("case", ["two layers", "first, other input", "last, tangled", "both, one Haar unitary"])
def test_dense_layers_at_given_angles_against_dense_copies(case):
    first, layers, last, terms, state = CASES[case]
    state = zeros(2) if state is None else state
    parts = [first, *layers, last]
    angles = [np.random.default_rng(4).uniform(0, 6, len(part)) for part in parts]  # theta, for exp(-iθP/2)
    halves = [[dense(label) / 2 for label in part] for part in parts]
    observable = dense_sum(terms)
    law = LayeredKernelLaw(
        LastLayer.from_matrices(halves[-1], observable, angles[-1])
        if last
        else OperatorMoments.from_matrix(observable),
        [GeneratorLayer.from_matrices(g, a) for g, a in zip(halves[1:-1], angles[1:-1], strict=True)],
        first=FirstLayer.from_matrices(halves[0], state, angles[0]) if first else None,
    )
    circuit = circuit_of(first, layers, last)
    mean, variance = mean_and_variance(circuit, terms, 0.5, state, np.concatenate(angles))
    assert law.mean().value == pytest.approx(mean, rel=1e-9)
    assert law.variance().value == pytest.approx(variance, rel=1e-9)
    other, moved = mean_and_variance(circuit, terms, 0.5, state, 0 * np.concatenate(angles))
    assert abs(other / mean - 1) + abs(moved / variance - 1) > 1e-3


def haar(draws, size, rng):
    """Haar unitaries by QR of Ginibre matrices, the phases of R's diagonal taken out."""
    q, r = np.linalg.qr(rng.normal(size=(draws, size, size)) + 1j * rng.normal(size=(draws, size, size)))
    phases = np.diagonal(r, axis1=1, axis2=2)
    return q * (phases / np.abs(phases))[:, None, :]


def kernels(circuit, terms, scale, draws, seed):
    """K of random circuits: pull O back step by step, push the states forward."""
    rng, qubits = np.random.default_rng(seed), len(next(iter(terms)))
    size, gates, states = 2**qubits, [], [np.tile(zeros(qubits).astype(complex), (draws, 1))]
    for step in circuit:
        if step == HAAR:
            gates.append(haar(draws, size, rng))
        else:
            half = scale * rng.uniform(0, 2 * np.pi / scale, draws)[:, None, None]
            gates.append(np.cos(half) * np.eye(size) - 1j * np.sin(half) * dense(step))
        states.append((gates[-1] @ states[-1][..., None])[..., 0])
    total, costate = np.zeros(draws), states[-1] @ dense_sum(terms).T
    for step, gate, state in zip(reversed(circuit), reversed(gates), reversed(states[1:]), strict=True):
        if step != HAAR:
            bracket = np.einsum("di,ij,dj->d", costate.conj(), scale * dense(step), state)
            total += (2 * bracket.imag) ** 2
        costate = (gate.conj().swapaxes(1, 2) @ costate[..., None])[..., 0]
    return total


LARGE = {
    "two commuting": ([], [["IIX", "XII"], ["IZZ", "ZII"]], [], {"IIZ": 1.0}),
    "RX then RZ": ([], [["IIX", "IXI", "XII", "IIZ", "IZI", "ZII"]], [], {"IIZ": 1.0}),
    "first": (["IIX", "IXI", "XII", "IIY", "IYI", "YII"], [], [], {"IIZ": 1.0}),
    "last": ([], [["ZZI"]], ["IIX", "IXI", "IIY", "IYI", "IZZ", "IIX"], {"IIZ": 1.0, "IZZ": 0.5}),
    "both": (["IIX", "IXI", "ZZI", "IIX"], [["IIX", "IIZ"]], ["IIX", "IIZ", "IXX"], {"IIZ": 1.0}),
}


@pytest.mark.parametrize("case", LARGE)
def test_eight_dimensions_against_monte_carlo(case):
    """30 000 circuits; 4.9 standard errors are 2 % of the mean and 7 % of the variance. The controls must fail."""
    first, layers, last, terms = LARGE[case]
    draws, scale = 30_000, 0.5
    values = kernels(circuit_of(first, layers, last), terms, scale, draws, seed=sum(map(ord, case)))
    squares = (values - values.mean()) ** 2
    estimates = (values.mean(), squares.mean())
    errors = (values.std() / draws**0.5, squares.std() / draws**0.5)

    def sigmas(law):
        predicted = (law.mean().value, law.variance().value)
        return [abs(e - p) / s for e, p, s in zip(estimates, predicted, errors, strict=True)]

    assert max(sigmas(law_of(first, layers, last, terms, None, scale))) < FALSE_FAIL_SIGMAS
    assert FALSE_FAIL_SIGMAS * errors[0] < 0.03 * estimates[0]
    assert FALSE_FAIL_SIGMAS * errors[1] < 0.08 * estimates[1]
    # Controls: the other convention of the angles, and the ends taken for scrambled layers.
    assert min(sigmas(law_of(first, layers, last, terms, None, 1.0))) > FALSE_FAIL_SIGMAS
    if first or last:
        joined = law_of([], [part for part in (first, *layers, last) if part], [], terms, None, scale)
        assert max(sigmas(joined)) > FALSE_FAIL_SIGMAS


@pytest.mark.parametrize("qubits", [1, 2, 10, 50])
@pytest.mark.parametrize("parameters", [1, 7])
def test_one_generator_a_layer_is_the_kernel_law(qubits, parameters):
    observable = OperatorMoments.from_projector(qubits)
    half = OperatorMoments.from_pauli(qubits).scaled(Fraction(1, 2))
    layer = GeneratorLayer.from_paulis(["X" * qubits], Fraction(1, 2))
    assert layer == GeneratorLayer.from_moments(half)
    law, plain = LayeredKernelLaw(observable, [layer], parameters), KernelLaw(parameters, observable, half)
    assert law.mean().value == plain.mean().value
    assert law.variance().value == plain.variance().value
    assert law.parameters == parameters


def test_the_three_pair_moments_are_symmetric_moments_at_every_dimension():
    """Expanded in words and summed over all permutations, in exact fractions."""
    for qubits in (2, 3, 20, 50):
        rest = "I" * (qubits - 2)
        one, *others = pauli_keys([rest + "XX", rest + "XX", rest + "ZZ", rest + "XZ"])
        for two in others:
            power, product = multiply(one, two)
            expected = 1 - 2 * haar_words({(one, one): Fraction(1)}, 2**qubits)
            expected += 3 * haar_words({(one, one, two, two): Fraction(1)}, 2**qubits)
            if power % 2 == 0:
                expected += 2 * haar_words({(product, product): Fraction(1)}, 2**qubits)
                expected -= 4 * (1 - power) * haar_words({(product, one, two): Fraction(1)}, 2**qubits)
            assert pair_moment(one, two, 2**qubits) == expected


def test_fifty_qubits():
    """No digit is lost at D = 2^50, where covariances die out; and two means that can be told by hand."""
    labels = ["I" * k + "X" + "I" * (49 - k) for k in range(10)]
    labels += [label.replace("X", "Z") for label in labels]
    scale = Fraction(1, 2)
    terms = {labels[0]: 1}
    layered = LayeredKernelLaw(
        LastLayer.from_paulis(labels, scale, terms),
        [GeneratorLayer.from_paulis(labels, scale)],
        first=FirstLayer.from_paulis(labels, scale),
    )
    plain = KernelLaw(20, OperatorMoments.from_pauli(50), OperatorMoments.from_pauli(50).scaled(scale))
    inner = LayeredKernelLaw(plain.observable, layered.layers)
    assert inner.mean().value == pytest.approx(plain.mean().value, rel=1e-14)
    assert inner.variance().value == pytest.approx(plain.variance().value, rel=1e-12)
    # On |0> each RX has v = 1 and the RZ after it E v = 1/2. Next to O = X only its own qubit's RZ is seen, and the RX
    # before that half of the time.
    assert layered.first.mean == Fraction(2, 2**50 - 1) * scale**2 * (10 + 5)
    assert layered.observable.mean == 4 * scale**2 * Fraction(3, 2) / (2**50 + 1)
    assert 0 < layered.variance().value < 1


def test_ten_qubits_of_rotations_take_little_time():
    """Two sublayers on ten qubits at both ends and inside; a blow-up in the angles would be 5^20 points."""
    labels = ["I" * k + "X" + "I" * (9 - k) for k in range(10)]
    labels += [label.replace("X", "Z") for label in labels]
    start = time.perf_counter()
    law = LayeredKernelLaw(
        LastLayer.from_paulis(labels, 1, {"ZZ" + "I" * 8: 1, "XI" + "I" * 8: 1}),
        [GeneratorLayer.from_paulis(labels, 1)],
        5,
        FirstLayer.from_paulis(labels, 1),
    )
    assert 0 < law.relative_std().value < 1
    assert law.parameters == 140
    assert time.perf_counter() - start < 5


def test_refusals(monkeypatch):
    pauli, layer = OperatorMoments.from_pauli(2), GeneratorLayer.from_paulis(["XX"], 1)
    for labels in ([], ["X", "XX"], ["II"], ["XQ"]):
        with pytest.raises(ValueError, match=r"label|identity"):
            GeneratorLayer.from_paulis(labels, 1)
    with pytest.raises(ValueError, match="at least 1"):
        LayeredKernelLaw(pauli, [layer], 0)
    with pytest.raises(ValueError, match="no layer"):
        LayeredKernelLaw(pauli)
    with pytest.raises(ValueError, match="different dimensions"):
        LayeredKernelLaw(OperatorMoments.from_pauli(3), [layer])
    with pytest.raises(ValueError, match=r"acts? on"):
        LastLayer.from_paulis(["XXX"], 1, {"ZZ": 1})
    with pytest.raises(ValueError, match=r"acts? on"):
        LastLayer.from_matrices([dense("X")], dense("ZZ"))
    with pytest.raises(ValueError, match="norm"):
        FirstLayer.from_paulis(["X"], 1, np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="one angle for each"):
        GeneratorLayer.from_matrices([dense("X")], [0.1, 0.2])
    with pytest.raises(ValueError, match="not Hermitian"):
        GeneratorLayer.from_matrices([np.array([[0, 1], [0, 0]])])
    with pytest.raises(ValueError, match="kernel is 0"):
        LayeredKernelLaw(OperatorMoments.from_pauli(1), first=FirstLayer.from_paulis(["Z"], 1)).relative_std()
    monkeypatch.setattr("qntk.theory.haar.averages._MOST_WORDS", 100)
    tangled = list(map("".join, itertools.product("XYZ", repeat=5)))
    with pytest.raises(ValueError, match="spreads over more than 100"):
        GeneratorLayer.from_paulis(tangled, 1)
