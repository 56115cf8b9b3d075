"""Which law belongs to which ansatz, and that deep ones of the catalogue join it."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import CircuitEnsemble, ansatz, sample
from qntk.validation.judge.law import kernel_law, symmetric_law

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided: a true ratio at the edge of the margin passes with probability below 1e-6."""


@pytest.mark.parametrize(
    ("name", "qubits", "layers", "draws"),
    [("real-amplitudes", 3, 256, 100_000), ("real-amplitudes", 4, 128, 40_000), ("hea-cz-ring", 3, 512, 40_000)],
)
def test_deep_symmetric_ansatz_joins_the_law_of_its_group(name, qubits, layers, draws):
    """An equivalence test: mean within 5 %, variance within 10 %, at 4.9 standard errors. The unitary law fails."""
    circuit = ansatz(name, qubits, layers, "half-pauli", np.random.default_rng(3))
    kernel = sample(CircuitEnsemble(circuit, SparsePauliOp("I" * (qubits - 1) + "Z")), draws, seed=11).kernel
    cell = (qubits, circuit.num_parameters, "Z0", "half-pauli")
    law, unitary = symmetric_law(name, *cell), kernel_law(*cell)
    mean_error = kernel.std() / draws**0.5
    squares = (kernel - kernel.mean()) ** 2
    variance_error = squares.std() / draws**0.5
    for value, error, prediction, wrong, margin in (
        (kernel.mean(), mean_error, law.mean().value, unitary.mean().value, 0.05),
        (squares.mean(), variance_error, law.variance().value, unitary.variance().value, 0.10),
    ):
        assert abs(value - prediction) + FALSE_FAIL_SIGMAS * error < margin * prediction
        assert abs(value - wrong) - FALSE_FAIL_SIGMAS * error > margin * wrong


@pytest.mark.parametrize(
    ("ensemble", "qubits", "observable", "group"),
    [
        ("real-amplitudes", 3, "X0+Z1", "orthogonal"),
        ("real-amplitudes", 3, "projector:rank=1", "orthogonal"),
        ("real-amplitudes", 3, "Y0", None),
        ("hea-cz-ring", 3, "Z0", "symplectic"),
        ("hea-cz-ring", 4, "Z0", "orthogonal"),
        ("hea-cz-ring", 4, "Z0Z1", "orthogonal"),
        ("hea-cz-ring", 4, "Z0Z1+X0", None),
        ("hea-cz-ring", 4, "projector:rank=1", None),
        ("hea-cz-ring", 2, "Z0", None),
        ("hea", 3, "Z0", None),
    ],
)
def test_symmetry_classes(ensemble, qubits, observable, group):
    law = symmetric_law(ensemble, qubits, 10, observable, "half-pauli")
    assert (law.group if law else None) == group
