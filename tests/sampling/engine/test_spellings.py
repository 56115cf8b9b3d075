"""Every spelling of an observable is taken by the sampler's own classes, and means the same number."""

import numpy as np
import pytest
from qiskit.quantum_info import Operator, Pauli, SparseObservable, SparsePauliOp

import qntk
from qntk.sampling import CircuitEnsemble, CircuitModel, HaarLayers

SAME = {
    "text": "Z0",
    "label": "IIZ",
    "pauli": Pauli("IIZ"),
    "sum": SparsePauliOp("IIZ"),
    "sparse observable": SparseObservable("IIZ"),
    "operator": Operator(Pauli("IIZ")),
    "matrix": np.kron(np.eye(4), np.diag([1.0, -1.0])),
    "dict": {"IIZ": 1.0},
    "list of one": ["Z0"],
    "read": qntk.observable("Z0", 3),
}


@pytest.mark.parametrize("name", SAME)
def test_every_spelling_is_the_same_observable(name):
    circuit = qntk.ansatz("hea", 3, 2)
    angles = np.random.default_rng(1).uniform(0, 6, (5, circuit.num_parameters))
    expected = CircuitModel(circuit, SparsePauliOp("IIZ")).kernel(angles)
    assert CircuitModel(circuit, SAME[name]).kernel(angles) == pytest.approx(expected, rel=1e-12)
    assert CircuitEnsemble(circuit, SAME[name]).model.kernel(angles) == pytest.approx(expected, rel=1e-12)


def test_haar_layers_take_what_says_its_size_and_refuse_what_does_not():
    read = qntk.observable("Z0", 2)
    assert HaarLayers(read, read, 4).dimension == 4
    with pytest.raises(ValueError, match="does not say on how many qubits"):
        HaarLayers("Z0", read, 4)
