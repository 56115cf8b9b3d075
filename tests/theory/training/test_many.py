"""Many networks at once are the single runs; the flow's variance is less than the frozen law's for large labels."""

import numpy as np
import pytest

from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.training.dressed import dressed
from qntk.theory.training.ensembles import TrainedEnsemble
from qntk.theory.training.many import dressed_outputs, flow_outputs
from qntk.theory.training.riccati import flow

MASK = np.array([True, True, False])


def networks(count, D=4, seed=1, common=0.0):
    """Gram matrix of three random inputs, with a part in common, and the overlaps of ``count`` Haar reflections."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(3, D, 2)) @ [1, 1j]
    z[:, 0] += common
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    q, r = np.linalg.qr(rng.normal(size=(count, D, D, 2)) @ [1, 1j])
    phases = np.einsum("nii->ni", r)
    q = q * (phases / np.abs(phases))[:, None]
    signs = np.repeat([1, -1], D // 2)
    return z.conj() @ z.T, z.conj() @ (q * signs) @ q.conj().transpose(0, 2, 1) @ z.T


def test_each_network_is_a_run_of_its_own():
    gram, overlaps = networks(5)
    y = np.array([0.8, -0.3, 0.0])
    kernels, outputs = 2.0 * (np.abs(gram) ** 2 - np.abs(overlaps) ** 2), np.einsum("nii->ni", overlaps).real
    flowing = flow_outputs(gram, overlaps, y[:2], MASK, 0.1, 2.0, 30)
    dressing = dressed_outputs(kernels, outputs, y[:2], MASK, 0.1, 40)
    for i in range(5):
        single = flow(gram, overlaps[i], y, MASK, 0.1, 2.0, 30).outputs[-1]
        np.testing.assert_allclose(flowing[i], single, atol=1e-9)
        np.testing.assert_allclose(
            dressing[i], dressed(kernels[i], outputs[i], y, MASK, 0.1, 40).outputs[-1], atol=1e-12
        )


def test_one_kernel_for_all_and_other_levels():
    K, f = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[0.1, 0.2], [0.3, -0.1]])
    mask, y = np.array([True, False]), np.array([0.5])
    one, many = dressed_outputs(K, f, y, mask, 0.1, 9), dressed_outputs([K, K], f, y, mask, 0.1, 9)
    np.testing.assert_array_equal(one, many)
    moved = dressed_outputs(9 * K, 3 * f + 1, 3 * y + 1, mask, 0.1 / 9, 9, levels=(-2.0, 4.0))
    np.testing.assert_allclose(moved, 3 * one + 1, atol=1e-12)


def test_small_labels_are_frozen_and_large_ones_are_not():
    """4000 networks, n = 4: the variance's standard error is 2.5 %; 12 % is 4.9 of them (D = 16 gives 3 %)."""
    gram, overlaps = networks(4000, D=16, seed=3, common=9.0)
    law = KernelLaw(400, OperatorMoments.from_pauli(4), OperatorMoments.from_pauli(4).scaled(0.5))
    for label, low, high in ((0.1, 0.88, 1.12), (0.9, 0.0, 0.8)):
        frozen = TrainedEnsemble.of_haar_layers(law, np.abs(gram) ** 2, MASK, [label, label], 0.0, 1e-3)
        ends = flow_outputs(gram, overlaps, [label, label], MASK, 0.5, 1.0, 50)
        assert np.abs(ends[:, :2] - label).mean() < 0.01
        assert low < ends[:, 2].var() / frozen.covariance_at()[2, 2] < high


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dressed_outputs(np.eye(3), [[0.0, 0.0]], [0.1], [True, False], 0.1, 2), "kernels have shape"),
        (lambda: dressed_outputs(np.eye(2), [[1.0, 0.0]], [0.1], [True, False], 0.1, 2), "the edge of the spectrum"),
        (lambda: flow_outputs(np.eye(2), np.zeros((2, 2)), [0.1], [True, False], 0.1, 1.0, 2), "give \\(m, m\\)"),
        (lambda: flow_outputs(np.eye(2), np.full((1, 2, 2), np.nan), [0.1], [True, False], 0.1, 1.0, 2), "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
