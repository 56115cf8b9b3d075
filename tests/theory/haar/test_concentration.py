"""The depths that the conditions name are the smallest, and mean what they say on sampled circuits."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import HaarLayers, sample
from qntk.theory import KernelLaw, OperatorMoments
from qntk.theory.haar.concentration import (
    depth_for_fluctuation,
    depth_for_laziness,
    depth_for_rate,
    frozen,
    gradient_variance,
    largest_learning_rate,
    phase_map,
)
from qntk.theory.haar.dqntk_second_moment import second_moment

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion."""
PAULI, PROJECTOR = OperatorMoments.from_pauli, OperatorMoments.from_projector


@settings(max_examples=40)
@given(st.integers(1, 12), st.booleans(), st.floats(0.01, 2.0), st.sampled_from(["asymptotic", "independent", "exact"]))
def test_fluctuation_depth_is_the_smallest(qubits, projector, target, regime):
    observable = PROJECTOR(qubits) if projector else PAULI(qubits)
    depth = depth_for_fluctuation(observable, PAULI(qubits), target, regime)
    if depth is None:
        assert KernelLaw(1, observable, PAULI(qubits)).plateau().value >= target * (1 - 1e-12)
        deepest = KernelLaw(10**15, observable, PAULI(qubits)).relative_std().value
        assert deepest > target, "no depth does it"
        return

    def reached(parameters):
        return KernelLaw(parameters, observable, PAULI(qubits)).relative_std(regime).value

    assert reached(depth) <= target * (1 + 1e-12)
    assert depth == 1 or reached(depth - 1) > target * (1 - 1e-12)


def test_published_fluctuation_depth_fails_for_a_projector():
    """1/√L promises ΔK/K̄ = 0.5 at L = 20; 40 000 circuits of that depth show 0.99 ± 0.01, and no depth does it."""
    assert depth_for_fluctuation(PROJECTOR(6), PAULI(6), 0.5, "asymptotic") == 20
    assert depth_for_fluctuation(PROJECTOR(6), PAULI(6), 0.5) is None
    projector = np.zeros((64, 64))
    projector[0, 0] = 1
    kernel = sample(HaarLayers(projector, SparsePauliOp("IIIIIZ"), 20), 40_000, seed=2).kernel
    assert kernel.std() / kernel.mean() > 0.9


@pytest.mark.parametrize("qubits", [4, 8, 12])
def test_depth_for_an_order_one_rate_scales_as_published(qubits):
    """L ≈ D/2 for a Pauli, D²/2 for a projector, with η = 1 and G² = 1; Qiskit's generators need four times that."""
    D = 2**qubits
    for observable, expected in ((PAULI(qubits), D / 2), (PROJECTOR(qubits), D * D / 2)):
        depth = depth_for_rate(observable, PAULI(qubits))
        assert depth == pytest.approx(expected, rel=3 / D + 0.01)
        assert KernelLaw(depth, observable, PAULI(qubits)).mean().value >= 1
        assert KernelLaw(depth - 1, observable, PAULI(qubits)).mean().value < 1
        assert depth_for_rate(observable, PAULI(qubits).scaled(0.5)) == pytest.approx(4 * depth, rel=4 / depth)


def test_gradient_variance_on_circuits():
    """One parameter's K is its squared gradient; 200 000 draws see 1.5 %. The other convention misses."""
    kernel = sample(HaarLayers(SparsePauliOp("IIZ"), SparsePauliOp("IIX", 0.5), 1), 200_000, seed=3).kernel
    value = gradient_variance(PAULI(3), PAULI(3).scaled(0.5)).value
    error = kernel.std() / len(kernel) ** 0.5
    assert abs(kernel.mean() - value) < FALSE_FAIL_SIGMAS * error
    assert abs(kernel.mean() - 4 * value) > FALSE_FAIL_SIGMAS * error
    slopes = [
        gradient_variance(PAULI(n + 1), PAULI(n + 1)).value / gradient_variance(PAULI(n), PAULI(n)).value
        for n in (9, 19)
    ]
    assert slopes == pytest.approx([0.5, 0.5], rel=2e-3), "a barren plateau: half with each qubit"


@pytest.mark.parametrize(("qubits", "change"), [(3, 0.6), (6, 0.2), (8, 0.1), (10, 0.05)])
@pytest.mark.parametrize("observable", [PAULI, PROJECTOR])
def test_laziness_depth_is_the_smallest(qubits, change, observable):
    residual = 0.5

    def moved(parameters):
        law = KernelLaw(parameters, observable(qubits), PAULI(qubits))
        return 2 * residual * math.sqrt(second_moment(law).value) / law.mean().value ** 2

    depth = depth_for_laziness(observable(qubits), PAULI(qubits), residual, change)
    if depth is None:
        assert all(moved(2**k) > change for k in range(0, 60, 3))
    else:
        assert moved(depth) <= change
        assert depth == 1 or moved(depth - 1) > change


def test_laziness_has_a_plateau_of_its_own():
    """2|ε₀|/√D for a Pauli: the kernel of a deep circuit on few qubits moves, however deep."""
    law = KernelLaw(10**12, PAULI(12), PAULI(12))
    assert frozen(law, 0.5, 1e-12).kernel_change == pytest.approx(1 / 64, rel=2e-3)
    assert depth_for_laziness(PAULI(12), PAULI(12), 0.5, 1 / 70) is None


def test_combined_condition_and_learning_rate():
    law = KernelLaw(4000, PAULI(10), PAULI(10))
    state = frozen(law, residual=0.2, learning_rate=0.1)
    assert state.holds(0.1)
    assert not state.holds(0.01)
    assert not frozen(law, 0.2, 0.3).holds(0.1), "ηK̄ > 2 diverges"
    rate = largest_learning_rate(law, 0.2, 0.01)
    assert frozen(law, 0.2, rate).step_correction == pytest.approx(0.01, rel=1e-12)
    with pytest.raises(ValueError, match="residual"):
        frozen(law, 0.0, 0.1)
    traces = OperatorMoments(4, Fraction(4), Fraction(1), Fraction(8), "traces alone")
    with pytest.raises(ValueError, match="dQNTK"):
        frozen(KernelLaw(3, PAULI(2), traces), 0.1, 0.1)
    with pytest.raises(ValueError, match="spectra"):
        depth_for_laziness(traces, PAULI(2), 0.1, 0.1)


@pytest.mark.parametrize(
    ("observable", "generator"),
    [
        (OperatorMoments.from_eigenvalues([1, 0, -1], [3, 10, 3]), PAULI(4)),
        (OperatorMoments.from_eigenvalues([3, 1, 0, -1], [1, 4, 7, 4]), PROJECTOR(4)),
    ],
)
def test_laziness_of_any_operators(observable, generator):
    """The depth is where the change that ``frozen`` gives for these very operators first falls below the bound."""
    depth = depth_for_laziness(observable, generator, residual=0.1, change=0.5)
    change = [frozen(KernelLaw(L, observable, generator), 0.1, 0.1).kernel_change for L in (depth - 1, depth)]
    assert change[1] <= 0.5 < change[0]


def test_phase_map():
    result = phase_map([2, 6, 12], [4, 10**3, 10**6], PAULI)
    assert result.phase.shape == (3, 3)
    assert result.phase.tolist() == [["neither"] * 3, ["neither", "frozen", "frozen"], ["neither", "frozen", "frozen"]]
    assert (np.diff(result.fluctuation, axis=1) < 0).all()
    assert result.rate[2, 1] == pytest.approx(KernelLaw(1000, PAULI(12), PAULI(12)).mean().value)
    assert not (phase_map([4, 8, 12], [10, 10**6, 10**12], PROJECTOR).phase == "frozen").any()
