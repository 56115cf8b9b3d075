"""Each ansatz of the catalogue against its own law: draws of deep circuits, and the exact average of two copies."""

import numpy as np
import pytest
import two_copies
from qiskit.quantum_info import Operator, Statevector

from qntk.inputs.normal_form import Rotation
from qntk.inputs.operators import observable as read_observable
from qntk.inputs.reader import read_circuit
from qntk.sampling import CATALOGUE, CircuitEnsemble, ansatz
from qntk.theory.circuits.meeting import meeting
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.theory.circuits.pauli_paths import exact_mean
from qntk.validation.attribution.forms import repeated_part

SPEC = {"qaoa": "X0+0.5*Z0Z1", "su2-equivariant": "X0X1+Y0Y1+Z0Z1"}
"""Observables that are moved from the ansatz's own input; else Z0 and a Z0Z1."""
WITH_LAW = [name for name in CATALOGUE if name not in ("random-pauli", "su2-equivariant")]


def spec(name):
    return SPEC.get(name, "Z0+0.5*Z0Z1")


@pytest.mark.parametrize("name", WITH_LAW)
def test_deep_draws_have_the_mean_of_the_own_law(name):
    """8000 draws, fixed before: 5 standard errors miss with probability 6e-7. Control: 1.3 times the law is out."""
    layers, draws = 24, 8000
    circuit = ansatz(name, 3, layers)
    target = read_observable(spec(name), 3)
    preparation, layer = repeated_part(ansatz(name, 3, 1))
    thetas = np.random.default_rng(7).uniform(0, 2 * np.pi, (draws, circuit.num_parameters))
    kernels = CircuitEnsemble(circuit, target.operator()).model.kernel(thetas)
    error = kernels.std(ddof=1) / np.sqrt(draws)
    expected = at_depth(layer, dict(target.terms), preparation, layers)
    if name in ("real-amplitudes", "efficient-su2"):  # one more layer of rotations at the end than repetitions have
        expected = exact_mean(read_circuit(circuit), dict(target.terms)).value
    assert abs(kernels.mean() - expected) < 5 * error
    assert abs(kernels.mean() - 1.3 * expected) > 5 * error


def at_depth(layer, terms, preparation, layers):
    """Its own law at so many layers: the ends, which have faded by the end of the scan, and the orbits' rate."""
    found = meeting(layer, terms, first=preparation, most_repetitions=layers)
    return found.means[-1] + (layers - len(found.means)) * found.laws[0]


@pytest.mark.parametrize("name", ["qaoa", "hva-xy", "hva-heisenberg", "matchgate", "ising-chain", "brickwork"])
def test_the_law_is_the_exact_average_of_two_copies(name):
    preparation, layer = repeated_part(ansatz(name, 3, 1))
    target = dict(read_observable(spec(name), 3).terms)
    law = orbit_mean(layer, target, preparation)
    gates = []
    for operation in layer.operations:
        if isinstance(operation, Rotation):
            gates.append(two_copies.Gate(label=two_copies.embed(operation.pauli, operation.qubits, 3)))
        else:
            gates.append(two_copies.Gate(Operator(np.eye(8)).compose(operation.matrix, list(operation.qubits)).data))
    state = Statevector.from_label("000")
    for operation in preparation.operations:
        state = state.evolve(Operator(operation.matrix), list(operation.qubits))
    vector = two_copies.expectations(np.outer(state.data, state.data.conj()))
    found, output = two_copies.deep_moments(gates, target, vector, vector, 200, 200)
    order = [o.angle.slopes[0][0] for o in layer.operations if isinstance(o, Rotation)]
    np.testing.assert_allclose(found, law.gradients, rtol=1e-6, atol=1e-8)
    assert sorted(order) == list(range(len(law.gradients)))
    assert output == pytest.approx(law.output, rel=1e-5, abs=1e-8)


def test_exchange_gates_keep_the_total_spin():
    circuit = ansatz("su2-equivariant", 4, 2)
    theta = np.random.default_rng(1).uniform(0, 6, circuit.num_parameters)
    state = Statevector(circuit.assign_parameters(theta))
    spins = [sum_of(letter, 4) for letter in "XYZ"]
    for spin in spins:
        assert state.expectation_value(spin) == pytest.approx(0, abs=1e-12)
        assert state.expectation_value(spin @ spin) == pytest.approx(0, abs=1e-12)
    kernels = CircuitEnsemble(circuit, read_observable(SPEC["su2-equivariant"], 4).operator()).model.kernel(theta[None])
    assert kernels[0] > 1e-3


def sum_of(letter, qubits):
    return sum(
        (Operator.from_label("I" * (qubits - 1 - q) + letter + "I" * q) for q in range(1, qubits)),
        start=Operator.from_label("I" * (qubits - 1) + letter),
    )
