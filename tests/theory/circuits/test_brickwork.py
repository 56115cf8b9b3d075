"""The transfer matrix on occupation patterns against dense circuits of Haar gates, and its own exact limits."""

import functools

import numpy as np
import pytest

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.circuits import brickwork as module
from qntk.theory.circuits.brickwork import brickwork_mean, depth_of_design

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion."""
PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def haar(dimension, draws, rng):
    """Haar unitaries, shape (draws, dimension, dimension): QR of Gaussian matrices with the phases of R put back."""
    gauss = rng.normal(size=(2, draws, dimension, dimension))
    q, r = np.linalg.qr(gauss[0] + 1j * gauss[1])
    diagonal = np.einsum("dii->di", r)
    return q * (diagonal / abs(diagonal))[:, None]


def apply(states, gates, qubits):
    """Gates of shape (draws, 2^k, 2^k) on k qubits of states of shape (draws, 2, …, 2), axis 1 + q for qubit q."""
    axes, k = [1 + q for q in qubits], len(qubits)
    moved = np.moveaxis(states, axes, range(1, 1 + k))
    turned = np.matmul(gates, moved.reshape(len(states), 2**k, -1))
    return np.moveaxis(turned.reshape(moved.shape), range(1, 1 + k), axes)


def groups(qubits, layer, boundary):
    """The bricks of a layer, written down by hand."""
    return {
        (2, 1, "periodic"): [(0, 1)],
        (2, 0, "periodic"): [(0, 1)],
        (3, 1, "open"): [(0, 1), (2,)],
        (3, 0, "open"): [(0,), (1, 2)],
        (4, 1, "open"): [(0, 1), (2, 3)],
        (4, 0, "open"): [(0,), (1, 2), (3,)],
        (4, 1, "periodic"): [(0, 1), (2, 3)],
        (4, 0, "periodic"): [(1, 2), (3, 0)],
    }[qubits, layer % 2, boundary]


def dense(qubits, depth, terms, boundary, draws, seed, generator="X", shift=0.0):
    """f, and gradients of shape (draws, depth - 1, n): random gates and angles, the first angle shifted."""
    rng = np.random.default_rng(seed)

    def pauli(states, letter, qubit):
        return apply(states, np.broadcast_to(PAULIS[letter], (draws, 2, 2)), [qubit])

    states = np.zeros((draws, *[2] * qubits), dtype=complex)
    states[(slice(None), *[0] * qubits)] = 1
    layers, after = [], []
    for layer in range(1, depth + 1):
        gates = [(haar(2 ** len(group), draws, rng), group) for group in groups(qubits, layer, boundary)]
        for gate, group in gates:
            states = apply(states, gate, group)
        angles = rng.uniform(0, 3.5, (qubits, draws, 1, 1))
        angles[0] += shift / 2 * (layer == 1)
        turns = [np.cos(a) * PAULIS["I"] - 1j * np.sin(a) * PAULIS[generator] for a in angles]
        if layer < depth:
            for qubit, turn in enumerate(turns):
                states = apply(states, turn, [qubit])
            after.append(states)
        layers.append((gates, turns))
    costates = np.zeros_like(states)
    for label, coefficient in terms.items():
        term = states
        for qubit, letter in enumerate(reversed(label)):
            term = pauli(term, letter, qubit)
        costates = costates + coefficient * term
    outputs = np.einsum("di,di->d", costates.reshape(draws, -1).conj(), states.reshape(draws, -1)).real
    result = np.empty((draws, depth - 1, qubits))
    for layer in range(depth, 1, -1):
        for gate, group in layers[layer - 1][0]:
            costates = apply(costates, gate.conj().swapaxes(1, 2), group)
        for qubit in range(qubits):
            moved = 0.5 * pauli(after[layer - 2], generator, qubit)
            overlap = np.einsum("di,di->d", costates.reshape(draws, -1).conj(), moved.reshape(draws, -1))
            result[:, layer - 2, qubit] = 2 * overlap.imag
        for qubit, turn in enumerate(layers[layer - 2][1]):
            costates = apply(costates, turn.conj().swapaxes(1, 2), [qubit])
    return outputs, result


CASES = [
    (3, 2, {"IIZ": 1.0}, "open"),
    (3, 4, {"ZZI": 1.0, "XIX": -0.5, "III": 3.0}, "open"),
    (4, 2, {"IIIZ": 1.0}, "periodic"),
    (4, 3, {"IZZI": 1.0}, "periodic"),
    (4, 4, {"ZIII": 0.8, "IIZZ": 1.0, "XIYI": 0.3}, "periodic"),
    (4, 3, {"ZIII": 1.0}, "open"),
]


def uniform_over_sixteen(first, second, both, values):
    """The control: a gate that may also turn what it meets to II."""
    share = (first + second + (3 * both if values else both)) * 3 / 16
    first[...] = second[...] = share
    both[...] = share if values else 3 * share


@pytest.mark.parametrize(("qubits", "depth", "terms", "boundary"), CASES)
def test_means_against_dense_circuits(qubits, depth, terms, boundary, monkeypatch):
    """30 000 circuits: sees E K wrong by 4 %, and each of up to 12 gradients to a false-fail probability of 1e-6.

    Controls that must fail: 3/4 for 2/3, 16 Paulis for 15.
    """
    squares = dense(qubits, depth, terms, boundary, 30_000, seed=11, generator="XYZ"[depth - 2])[1] ** 2
    kernel = squares.sum(axis=(1, 2))
    found = brickwork_mean(qubits, depth, terms, boundary)
    error = kernel.std() / len(kernel) ** 0.5
    assert FALSE_FAIL_SIGMAS * error < 0.04 * found.value
    assert abs(kernel.mean() - found.value) < FALSE_FAIL_SIGMAS * error
    errors = squares.std(axis=0) / len(kernel) ** 0.5
    assert (abs(squares.mean(axis=0) - found.gradients) < FALSE_FAIL_SIGMAS * errors + 1e-12).all()
    assert abs(kernel.mean() - found.value * 9 / 8) > FALSE_FAIL_SIGMAS * error
    monkeypatch.setattr(module, "_gate", uniform_over_sixteen)
    assert abs(kernel.mean() - brickwork_mean(qubits, depth, terms, boundary).value) > FALSE_FAIL_SIGMAS * error


@pytest.mark.parametrize("depth", [2, 3, 10])
def test_two_qubits_are_global_haar_layers(depth):
    """One gate a layer: every parameter has the 2-design mean, whatever O, and K's is L times that."""
    terms = {"ZI": 1.0, "XY": -0.5}
    for scale in (0.5, 1.0):
        half = OperatorMoments.from_pauli(2).scaled(scale)
        law = KernelLaw(2 * (depth - 1), OperatorMoments.from_pauli_sum(terms), half).mean().value
        found = brickwork_mean(2, depth, terms, generator=scale)
        assert found.value == pytest.approx(law, rel=1e-14)
        assert found.gradients == pytest.approx(np.full((depth - 1, 2), found.design), rel=1e-14)
    assert found.prediction().value == found.value


@pytest.mark.parametrize(("qubits", "boundary"), [(4, "periodic"), (5, "open"), (8, "periodic"), (2, "open")])
def test_deep_circuits_reach_the_design(qubits, boundary):
    terms = {"Z" + "I" * (qubits - 1): 1.0, "I" * (qubits - 2) + "ZZ": 0.5}
    found = brickwork_mean(qubits, 401, terms, boundary)
    half = OperatorMoments.from_pauli(qubits).scaled(0.5)
    law = KernelLaw(1, OperatorMoments.from_pauli_sum(terms), half).mean().value
    assert found.design == pytest.approx(law, rel=1e-14)
    assert found.gradients[200] == pytest.approx(np.full(qubits, law), rel=1e-10)
    if qubits > 2:  # the ends never do
        assert abs(found.gradients[0] / law - 1).max() > 0.01


@pytest.mark.parametrize(("qubits", "boundary"), [(2, "periodic"), (6, "periodic"), (7, "open")])
def test_a_layer_keeps_probability_and_its_two_forms_are_adjoint(qubits, boundary):
    rng = np.random.default_rng(1)
    for layer in (1, 2):
        weights, values = rng.random((2, 2**qubits))
        forward, backward, ones = weights.copy(), values.copy(), np.ones(2**qubits)
        module._layer(forward, layer, boundary, values=False)
        module._layer(backward, layer, boundary, values=True)
        module._layer(ones, layer, boundary, values=True)
        assert forward.sum() == pytest.approx(weights.sum(), rel=1e-14)
        assert forward @ values == pytest.approx(weights @ backward, rel=1e-14)
        assert ones == pytest.approx(1, rel=1e-14)
        stationary = 3.0 ** module._sizes(qubits)
        kept = stationary.copy()
        module._layer(kept, layer, boundary, values=False)
        assert kept == pytest.approx(stationary, rel=1e-14)


@pytest.mark.parametrize(
    ("qubits", "boundary", "label"), [(4, "periodic", "IIIZ"), (6, "periodic", "IIZZII"), (5, "open", "IIIIZ")]
)
@pytest.mark.parametrize("tolerance", [0.2, 0.01])
def test_depth_of_design_against_every_depth(qubits, boundary, label, tolerance):
    """The last depth, up to 80, at which a middle gradient is off by more than the tolerance, is one less."""
    off = [0.0, 0.0]
    for depth in range(2, 81):
        found = brickwork_mean(qubits, depth, {label: 2.0}, boundary)
        off.append(abs(found.gradients[depth // 2 - 1] / found.design - 1).max())
    last = max(depth for depth, value in enumerate(off) if value > tolerance)
    assert depth_of_design(qubits, {label: 2.0}, tolerance, boundary) == last + 1
    assert last < 70


def test_sums_do_not_interfere_and_scales_are_squared():
    one, two = {"IIZI": 1.0}, {"XIIX": -2.0}
    parts = [brickwork_mean(4, 6, terms).value for terms in (one, two)]
    assert brickwork_mean(4, 6, one | two).value == pytest.approx(sum(parts), rel=1e-14)
    assert brickwork_mean(4, 6, one, generator=1.0).value == pytest.approx(4 * parts[0], rel=1e-14)
    shifted = [brickwork_mean(6, 5, {"I" * (5 - q) + "Z" + "I" * q: 1.0}).value for q in range(6)]
    assert shifted == pytest.approx([shifted[0]] * 6, rel=1e-13)  # by translation and reflection


def test_arguments_that_are_refused():
    cases = [
        ("at least 2", lambda: brickwork_mean(4, 1, {"IIIZ": 1.0})),
        ("2 or more", lambda: brickwork_mean(1, 2, {"Z": 1.0})),
        ("2 to 24", lambda: depth_of_design(26, {"I" * 25 + "Z": 1.0}, 0.1)),
        ("even number", lambda: brickwork_mean(3, 2, {"IIZ": 1.0})),
        ("is unknown", lambda: brickwork_mean(4, 2, {"IIIZ": 1.0}, "closed")),
        ("4 letters", lambda: brickwork_mean(4, 2, {"IIZ": 1.0})),
        ("4 letters", lambda: brickwork_mean(4, 2, {"IIIQ": 1.0})),
        ("multiple of the identity", lambda: brickwork_mean(4, 2, {"IIII": 1.0})),
        ("positive", lambda: depth_of_design(4, {"IIIZ": 1.0}, 0.0)),
    ]
    for message, call in cases:
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("generator", "XYZ")
def test_dense_gradients_by_differences(generator):
    """The reference itself: the first gradient by the parameter-shift rule."""
    run = functools.partial(dense, 4, 4, {"IIZX": 1.0, "YIII": 0.5}, "periodic", 3, 4, generator)
    difference = (run(shift=np.pi / 2)[0] - run(shift=-np.pi / 2)[0]) / 2
    assert run()[1][:, 0, 0] == pytest.approx(difference, abs=1e-13)


def noisy_gradients(depth, p, draws, seed):
    """E g² of a noisy brickwork of two qubits from density matrices, and its standard error: each RX by shifts."""
    rng = np.random.default_rng(seed)
    gates = [haar(4, draws, rng) for _ in range(depth)]

    def through(rho):
        """ρ → (1-p)ρ + p/2 on both qubits."""
        for axis in (0, 1):
            tensor = rho.reshape(-1, 2, 2, 2, 2)
            traced = np.einsum("dabcb->dac" if axis else "dabac->dbc", tensor)
            half = np.eye(2) / 2
            mixed = np.einsum("dac,be->dabce", traced, half) if axis else np.einsum("dbc,ae->dabec", traced, half)
            rho = (1 - p) * rho + p * mixed.reshape(-1, 4, 4)
        return rho

    def output(layer, qubit, shift):
        rho = np.zeros((draws, 4, 4), dtype=complex)
        rho[:, 0, 0] = 1
        for place, W in enumerate(gates):
            rho = through(W @ rho @ W.conj().transpose(0, 2, 1))
            if place < depth - 1:
                R = np.eye(1)
                for q in (0, 1):
                    angle = shift if (place, q) == (layer, qubit) else 0.0
                    one = np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * PAULIS["X"]
                    R = np.kron(R, one)
                rho = through(R @ rho @ R.conj().T)
        return np.einsum("dij,ji->d", rho, np.kron(PAULIS["Z"], np.eye(2))).real

    kernels = sum(
        (output(t, q, np.pi / 2) - output(t, q, -np.pi / 2)) ** 2 / 4 for t in range(depth - 1) for q in (0, 1)
    )
    return kernels.mean(), kernels.std() / draws**0.5


def test_depolarising_noise_against_density_matrices():
    """8000 circuits, 4.9 standard errors (1e-6) of 1 %; noise after the gates alone is rejected."""
    mean, error = noisy_gradients(3, 0.1, 8000, 5)
    found = brickwork_mean(2, 3, {"ZI": 1.0}, depolarizing=0.1)
    assert abs(mean - found.value) < FALSE_FAIL_SIGMAS * error
    assert abs(mean - brickwork_mean(2, 3, {"ZI": 1.0}).value) > FALSE_FAIL_SIGMAS * error
    assert abs(mean - brickwork_mean(2, 3, {"ZI": 1.0}, depolarizing=0.06).value) > FALSE_FAIL_SIGMAS * error
    assert brickwork_mean(4, 6, {"IIIZ": 1.0}, depolarizing=1.0).value == 0
    with pytest.raises(ValueError, match="depolarizing"):
        brickwork_mean(2, 3, {"ZI": 1.0}, depolarizing=1.5)
