"""The ansatz of this project against the law of Haar layers, by the mean of its tangent kernel."""

import pytest
from my_ansatz import my_ansatz
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import CircuitEnsemble, sample
from qntk.validation.judge.law import kernel_law
from qntk.validation.kit.testing import assert_agrees


def check(layers, seed):
    """K̄ against Haar layers, to 10 %; right ones fail with probability 1e-6, and 20 % off is seen."""
    kernels = sample(CircuitEnsemble(my_ansatz(3, layers), SparsePauliOp("IIZ")), 4000, seed).kernel
    assert_agrees(kernels, kernel_law(3, 6 * layers, "Z0", "half-pauli"), margin=0.1, false_fail=1e-6, sees=0.2)


def test_deep_circuits_are_as_haar_layers(qntk_seed):
    """The true mean is 2 % below the law."""
    check(24, qntk_seed)


def test_a_single_layer_is_not(qntk_seed):
    """Negative control: 48 % above the law."""
    with pytest.raises(AssertionError, match="mean of K disagrees"):
        check(1, qntk_seed)
