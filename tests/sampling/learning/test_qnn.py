"""The models against Qiskit circuits written out by hand and evaluated as state vectors."""

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qntk.sampling.learning.qnn import MODELS, build, from_circuit


def by_hand(name, n, depth, x, theta, low=lambda depth, layer: np.pi / (depth - layer)):
    """The circuit of theory-notes section 5 with numbers in it."""
    circuit, angles = QuantumCircuit(n), iter(theta)
    for layer in range(depth):
        for q in range(n):
            if name.startswith("low"):
                circuit.rx(low(depth, layer) * x, q)
            else:
                circuit.ry(np.pi * x, q)
                circuit.rz(np.pi * x * x, q)
        if name.endswith("hva"):
            for q in range(n):
                circuit.rx(next(angles), q)
            for q in range(n):
                circuit.rzz(next(angles), q, (q + 1) % n)
        else:
            for gate in ("rx", "rz", "rx"):
                for q in range(n):
                    getattr(circuit, gate)(next(angles), q)
                for q in range(n):
                    circuit.cx(q, (q + 1) % n)
    assert next(angles, None) is None
    return circuit


def value(circuit, observable):
    return Statevector(circuit).expectation_value(observable).real


@pytest.mark.parametrize("name", MODELS)
def test_outputs_gradients_and_kernel_against_statevectors(name):
    """Gradients by the parameter-shift rule on state vectors; the kernel from those."""
    n, depth, rng = 3, 3, np.random.default_rng(1)
    observable = SparsePauliOp("IIX")
    network = build(name, n, depth)
    assert network.parameters == depth * n * (2 if name.endswith("hva") else 3)
    x = np.array([[-0.6], [0.2], [0.7]])
    theta = rng.uniform(0, 2 * np.pi, (2, network.parameters))
    f, J = network.model(observable).value_and_gradient(theta, network.columns(x))
    shift = np.pi / 2 * np.eye(network.parameters)
    for draw, row in enumerate(theta):
        expected = [value(by_hand(name, n, depth, p, row), observable) for p in x[:, 0]]
        assert f[draw] == pytest.approx(expected, abs=1e-12)
        slopes = np.array(
            [
                [
                    (
                        value(by_hand(name, n, depth, p, row + s), observable)
                        - value(by_hand(name, n, depth, p, row - s), observable)
                    )
                    / 2
                    for s in shift
                ]
                for p in x[:, 0]
            ]
        )
        assert J[draw] == pytest.approx(slopes, abs=1e-12)
        kernel = network.model(observable).kernel(theta, network.columns(x))[draw]
        assert kernel == pytest.approx(slopes @ slopes.T, abs=1e-12)
    if name.startswith("low"):  # control: counting layers from 1 would be seen
        wrong = value(by_hand(name, n, depth, 0.7, theta[0], lambda d, k: np.pi / (d - k + 1)), observable)
        assert abs(wrong - f[0, 2]) > 1e-3


def test_one_qubit_has_no_ring():
    """low-hva is RX(πx) RX(θ): its Z is cos(πx + θ); hea turns about three axes."""
    network, x, theta = build("low-hva", 1, 1), np.array([[-0.3], [0.4]]), np.array([[0.7]])
    f, J = network.model(SparsePauliOp("Z")).value_and_gradient(theta, network.columns(x))
    assert f[0] == pytest.approx(np.cos(np.pi * x[:, 0] + 0.7), abs=1e-14)
    assert J[0, :, 0] == pytest.approx(-np.sin(np.pi * x[:, 0] + 0.7), abs=1e-14)
    assert [build(name, 1, 2).parameters for name in MODELS] == [2, 6, 2, 6]


def test_parameters_of_the_experiment():
    assert build("high-hea", 6, 30).parameters == 540
    assert build("low-hva", 6, 30).parameters == 360


def test_features_are_dealt_out():
    network = build("high-hea", 3, 1, features=2)
    assert network.columns(np.array([[2.0, 3.0]])).tolist() == [[2, 4, 3, 9]]
    used = {q: set() for q in range(3)}
    for gate in network.circuit.data[:6]:
        used[gate.qubits[0]._index] |= {p.name for p in gate.operation.params[0].parameters}
    assert used == {0: {"x0", "x0^2"}, 1: {"x1", "x1^2"}, 2: {"x0", "x0^2"}}


def test_a_users_circuit_and_bad_input():
    circuit, a, b = QuantumCircuit(1), Parameter("a"), Parameter("b")
    circuit.ry(a, 0)
    circuit.ry(b, 0)
    network = from_circuit(circuit, [a], "mine")
    f = network.model(SparsePauliOp("Z")).outputs(np.array([[0.3]]), network.columns(np.array([[0.5]])))
    assert f[0, 0] == pytest.approx(np.cos(0.8))
    with pytest.raises(ValueError, match="no inputs"):
        from_circuit(circuit, [], "mine")
    with pytest.raises(ValueError, match="low-hva, low-hea, high-hva, high-hea"):
        build("low-abc", 3, 1)
    with pytest.raises(ValueError, match="depth"):
        build("low-hva", 3, 0)
    with pytest.raises(ValueError, match="takes"):
        network.columns(np.zeros(3))
