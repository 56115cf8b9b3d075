"""How fast the kernel of one datum gives way above the edge of stability, in Haar layers of two depths."""

import numpy as np
from scipy import stats

from qntk.sampling.learning.random_circuits import HaarCircuits, descend

QUBITS, CIRCUITS, TARGET, MULTIPLE, STEPS = 3, 32, 0.6, 1.5, 250


def settled_after(ratio, seed):
    """Steps until |ε| stays below 0.01, and ηK/2 at the end; η is 1.5 times 2/(S v(y)), S of each circuit."""
    rng = np.random.default_rng(seed)
    parameters = ratio * (2 * 2**QUBITS - 2)
    circuits = HaarCircuits.draw(CIRCUITS, QUBITS, parameters, rng)
    angles = rng.uniform(0, 2 * np.pi, (CIRCUITS, parameters))
    f, g = circuits.value_and_gradient(angles)
    rates = MULTIPLE * 2 * (1 - f**2) / ((g**2).sum(axis=1) * (1 - TARGET**2))
    residuals, kernels = descend(circuits, angles, np.full(CIRCUITS, TARGET), rates, STEPS)
    above = np.abs(residuals) >= 0.01
    steps = STEPS + 1 - np.argmax(above[:, ::-1], axis=1)
    settled = ~above[:, -1]
    return steps[settled], (rates * kernels[:, -1] / 2)[settled]


def test_it_gives_way_more_slowly_the_deeper_the_circuit():
    """L/(2D-2) = 2 and 8: log steps differ by about ln 3 with a standard error of 0.1, t at 1e-6 is 5.5 of them.

    Control: two halves of one depth are not told apart. Where circuits settle, K is below 2/η, and near it.
    """
    (shallow, low), (deep, high) = settled_after(2, 5), settled_after(8, 6)
    assert min(len(shallow), len(deep)) > 0.7 * CIRCUITS
    assert stats.ttest_ind(np.log(deep), np.log(shallow), equal_var=False, alternative="greater").pvalue < 1e-6
    assert stats.ttest_ind(np.log(deep)[::2], np.log(deep)[1::2], equal_var=False).pvalue > 1e-6
    assert 0.75 < np.median(low) < 1
    assert 0.9 < np.median(high) < 1
