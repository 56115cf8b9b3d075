"""All that Qiskit's library offers, between layers of rotations: read, drawn, and equal to Qiskit's own states.

Pauli evolutions are compared after Qiskit has put their synthesis in their place, which is what they mean here.
"""

import numpy as np
import pytest
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector

import qntk
from qntk.inputs.reader import unpacked
from tests.support import library


def synthesised(circuit):
    """The circuit with the synthesis of each Pauli evolution."""
    for _ in range(3):
        circuit = circuit.decompose(["PauliEvolution"])
    return circuit


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("n", [2, 3, 4])
def test_every_family_and_gate_of_the_library(n):
    """Outputs to 1e-9, one slope to 1e-6 by central differences, the matrix of what Aer is given to 1e-8 (n = 2)."""
    observable = SparsePauliOp.from_sparse_list([("ZX", [0, 1], 0.7), ("Y", [n - 1], 0.5)], n)
    tried = 0
    for name, circuit in library.circuits(n):
        values = np.random.default_rng(1).uniform(0.1, 3, circuit.num_parameters)
        reference = synthesised(circuit)

        def output(given, reference=reference):
            bound = reference.assign_parameters(dict(zip(reference.parameters, given, strict=True)))
            return Statevector(bound).expectation_value(observable).real

        assert tuple(reference.parameters) == tuple(circuit.parameters)
        model = qntk.Model(circuit, observable)
        assert model.outputs(values) == pytest.approx(output(values), abs=1e-9), name
        place = int(np.random.default_rng(2).integers(len(values)))
        step = 1e-5 * np.eye(len(values))[place]
        slope = (output(values + step) - output(values - step)) / 2e-5
        assert model.gradients(values)[place] == pytest.approx(slope, abs=1e-6), name
        if n == 2:
            told = dict(zip((p.name for p in circuit.parameters), values, strict=True))
            one, two = (Operator(c.assign_parameters(told)).data for c in (unpacked(circuit), reference))
            assert abs(abs(np.trace(one.conj().T @ two)) - 4) < 1e-8, name
        tried += 1
    assert tried > 80


@pytest.mark.parametrize("name", ["efficient_su2", "hamiltonian_variational_ansatz", "qaoa_ansatz", "zz_feature_map"])
def test_the_matrix_of_a_negative_control_is_another(name):
    circuit = library.between_rotations(library.FAMILIES[name](2))
    values = np.random.default_rng(1).uniform(0.1, 3, circuit.num_parameters)
    wrong = Operator(unpacked(circuit).assign_parameters(values + 0.01)).data
    assert abs(np.trace(wrong.conj().T @ library.operator(synthesised(circuit), values))) < 4 - 1e-6
