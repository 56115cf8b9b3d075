"""What the laws of training are measured against: gradient descent on dense circuits, which knows none of them."""

import numpy as np
import pytest
from scipy import stats


def haar_unitaries(shape, dimension, rng):
    """Haar-random matrices, shape (*shape, D, D)."""
    a = rng.normal(size=(*shape, dimension, dimension, 2)) @ [1, 1j]
    q, r = np.linalg.qr(a)
    phases = np.diagonal(r, axis1=-2, axis2=-1)
    return q * (phases / np.abs(phases))[..., None, :]


class Networks:
    """Circuits of L gates exp(-iθP_ℓ/2), P_ℓ independent Haar conjugates of a Pauli string, with given final states.

    At θ = 0 the circuit does nothing, so that the states given are the final ones: the Haar-layer ensemble, conditioned
    on them. ``levels`` is the diagonal of O, shape (D,); ``states`` are rows, shape (m, D).
    """

    def __init__(self, count, gates, levels, states, seed):
        self.levels, self.states = np.asarray(levels, dtype=float), np.asarray(states, dtype=complex)
        D = len(self.levels)
        V = haar_unitaries((gates, count), D, np.random.default_rng(seed))
        signs = np.repeat([1.0, -1.0], D // 2)
        self.paulis = (V * signs) @ V.conj().transpose(0, 1, 3, 2)
        self.strength = 2 * gates * D / (4 * (D**2 - 1))
        self.correction = 2 * (D - 1) / gates

    def train(self, labels, training, rate, steps, every=1):
        """Outputs (networks, records, m) and kernels (networks, records, m, m) of gradient descent on ½Σε²."""
        gates, count = self.paulis.shape[:2]
        theta = np.zeros((count, gates))
        weight = np.where(training, 1.0, 0.0)
        target = np.where(training, labels, 0.0)
        outputs, kernels = [], []
        for t in range(steps + 1):
            c, s = np.cos(theta / 2)[..., None, None], 1j * np.sin(theta / 2)[..., None, None]
            psi = np.broadcast_to(self.states.T, (count, *self.states.T.shape))
            for k in range(gates):
                psi = c[:, k] * psi - s[:, k] * (self.paulis[k] @ psi)
            f = np.einsum("nda,d,nda->na", psi.conj(), self.levels, psi).real
            back = self.levels[:, None] * psi
            g = np.empty((count, gates, len(self.states)))
            for k in reversed(range(gates)):
                image = self.paulis[k] @ psi
                g[:, k] = np.einsum("nda,nda->na", back.conj(), image).imag
                psi = c[:, k] * psi + s[:, k] * image
                back = c[:, k] * back + s[:, k] * (self.paulis[k] @ back)
            if t % every == 0:
                outputs.append(f)
                kernels.append(g.transpose(0, 2, 1) @ g)
            theta = theta - rate * np.einsum("nka,na->nk", g, weight * (f - target))
        return np.stack(outputs, 1), np.stack(kernels, 1)


@pytest.fixture(scope="session")
def networks():
    """Dense networks with given final states."""
    return Networks


@pytest.fixture(scope="session")
def errors():
    """Distance of a mean from a prediction in the standard errors that a t test at 1e-6 allows: above 1 it fails.

    ``slack`` is what the prediction itself may miss by. The smallest discrepancy seen is about five standard errors.
    """

    def distance(samples, prediction, slack=0.0):
        samples = np.asarray(samples)
        n = len(samples)
        error = samples.std(axis=0, ddof=1) / np.sqrt(n)
        excess = np.maximum(np.abs(samples.mean(axis=0) - prediction) - slack, 0)
        return np.max(excess / (stats.t.isf(5e-7, n - 1) * error))

    return distance


@pytest.fixture
def random_states():
    """Rows of random states, shape (m, D)."""

    def draw(points, dimension, seed):
        rng = np.random.default_rng(seed)
        states = rng.normal(size=(points, dimension, 2)) @ [1, 1j]
        return states / np.linalg.norm(states, axis=1, keepdims=True)

    return draw
