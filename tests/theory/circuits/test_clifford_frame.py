"""Packed strings against matrices, circuits against lists of operations, and what is refused."""

import itertools

import numpy as np
import pytest
import stim
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Pauli

from qntk.inputs.reader import read_circuit
from qntk.sampling import ansatz
from qntk.theory.circuits.clifford_frame import Gate, QuarterTurns, Rotation, RotationFrame
from qntk.theory.circuits.path_families import families_of
from qntk.theory.circuits.pauli_paths import exact_mean, sampled_mean
from qntk.theory.circuits.pauli_words import anticommute, multiply, pack_label, unique_rows


def test_products_against_matrices():
    labels = ["".join(p) for p in itertools.product("IXYZ", repeat=2)]
    words = np.stack([pack_label(label) for label in labels])
    products, powers = multiply(words[:, None], words[None])
    meets = anticommute(words[:, None], words[None])
    matrices = [Pauli(label).to_matrix() for label in labels]
    for a, b in itertools.product(range(16), repeat=2):
        third = next(k for k in range(16) if (words[k] == products[a, b]).all())
        np.testing.assert_array_equal(matrices[a] @ matrices[b], 1j ** powers[a, b] * matrices[third])
        assert meets[a, b] == (not np.array_equal(matrices[a] @ matrices[b], matrices[b] @ matrices[a]))


@pytest.mark.parametrize("qubits", [20, 50, 100])
def test_different_strings(qubits):
    rng = np.random.default_rng(3)
    few = [pack_label("".join(rng.choice(list("IXYZ"), qubits))) for _ in range(30)]
    strings = np.stack(few)[rng.integers(0, 30, 200)]
    rows, inverse = unique_rows(strings)
    np.testing.assert_array_equal(rows[inverse], strings)
    assert len(rows) == len({row.tobytes() for row in strings}) == len({row.tobytes() for row in rows})


def test_named_operations_equal_the_circuit():
    circuit = QuantumCircuit(3)
    theta = ParameterVector("θ", 2)
    circuit.h(0)
    circuit.cx(0, 2, ctrl_state=0)
    circuit.barrier()
    circuit.u(np.pi / 2, theta[1], theta[0], 1)
    circuit.ryy(-np.pi / 2, 1, 2)
    operations = [Gate("h", (0,)), Gate("x", (0,)), Gate("cx", (0, 2)), Gate("x", (0,)), Rotation("Z", (1,), 0)]
    operations += [QuarterTurns("Y", (1,), 1), Rotation("Z", (1,), 1), QuarterTurns("YY", (1, 2), 3)]
    frame = RotationFrame.from_operations(3, operations)
    read = RotationFrame.from_form(read_circuit(circuit))
    np.testing.assert_array_equal(frame.rotations, read.rotations)
    assert frame.clifford == read.clifford


def test_families_leave_out_what_has_no_gradient():
    """On a spectator qubit 1: Z0 and Z1Z0 make one family, X0 meets the rotation too, Z1 and X1 do not."""
    frame = RotationFrame.from_operations(2, [Rotation("Y", (0,), 0)])
    terms = {"IZ": 1.0, "ZZ": 1.0, "IX": 1.0, "ZI": 1.0, "XI": 1.0, "XX": 0.0, "II": 3.0}
    assert sorted(len(f.members) for f in families_of(frame, terms, 0, None)[1]) == [2, 3]


def bad_circuits():
    theta, other = Parameter("θ"), Parameter("φ")

    def circuit(build):
        result = QuantumCircuit(2)
        build(result)
        return result

    return {
        "each parameter must turn exactly one": circuit(lambda c: (c.rx(theta, 0), c.ry(theta, 0))),
        "quarter turns": circuit(lambda c: (c.rx(theta, 0), c.rz(0.3, 0))),
        "linear in one": circuit(lambda c: c.rx(theta * other, 0)),
        "linear in one parameter": circuit(lambda c: c.rx(theta + other, 0)),
        "whole slope": circuit(lambda c: c.rx(theta / 2, 0)),
        "has no parameters": circuit(lambda c: c.h(0)),
        "only unitary gates": circuit(lambda c: (c.rx(theta, 0), c.reset(0))),
        "'t' on qubits .0,. is neither a Clifford gate": circuit(lambda c: (c.rx(theta, 0), c.t(0))),
        "is neither a Clifford gate": circuit(
            lambda c: (c.rx(theta, 0), c.append(UnitaryGate(np.diag([1, 1j**0.3])), [0]))
        ),
    }


@pytest.mark.parametrize("message", bad_circuits())
def test_circuits_that_are_refused(message):
    with pytest.raises(ValueError, match=message):
        exact_mean(read_circuit(bad_circuits()[message]), {"IZ": 1.0})


def test_arguments_that_are_refused():
    circuit = read_circuit(ansatz("hea", 2, 6))
    cases = [
        ("letters", lambda: exact_mean(circuit, {"Z": 1.0})),
        ("may only hold", lambda: exact_mean(circuit, {"ZQ": 1.0})),
        ("multiple of the identity", lambda: exact_mean(circuit, {"II": 1.0})),
        ("not one of 2 qubits", lambda: exact_mean(circuit, {"IZ": 1.0}, 4)),
        ("has 3 qubits", lambda: exact_mean(circuit, {"IZ": 1.0}, stim.Circuit("H 2"))),
        ("free parameters", lambda: exact_mean(circuit, {"IZ": 1.0}, circuit)),
        ("use sampled_mean", lambda: exact_mean(circuit, {"IZ": 1.0}, most_strings=1)),
        ("at least 2", lambda: sampled_mean(circuit, {"IZ": 1.0}, 1, 0)),
        ("does not fit", lambda: RotationFrame.from_operations(2, [Gate("cx", (0, 2))])),
        ("is unknown", lambda: RotationFrame.from_operations(2, [Gate("t", (0,))])),
        ("wrong number", lambda: RotationFrame.from_operations(2, [Gate("cx", (0,))])),
        ("one letter", lambda: RotationFrame.from_operations(2, [Rotation("XX", (0,), 0)])),
        ("exactly one", lambda: RotationFrame.from_operations(2, [Rotation("X", (0,), 1)])),
    ]
    for message, call in cases:
        with pytest.raises(ValueError, match=message):
            call()
