"""Pauli noise in Pauli paths against density matrices: every gate, then its channels as Kraus operators.

E over uniform angles of a trigonometric polynomial of degree 2 in each: three points a turn are exact.
"""

import itertools

import numpy as np
import pytest
import two_copies
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import Operator

from qntk.inputs.normal_form import Rotation
from qntk.inputs.reader import read_circuit
from qntk.sampling import ansatz
from qntk.theory.circuits.noise import PauliNoise, decay, noisy_mean
from qntk.theory.circuits.pauli_paths import exact_mean

KRAUS = {
    "depolarizing": lambda p: [(1 - 3 * p / 4, "I"), (p / 4, "X"), (p / 4, "Y"), (p / 4, "Z")],
    "dephasing": lambda p: [(1 - p, "I"), (p, "Z")],
    "bit-flip": lambda p: [(1 - p, "I"), (p, "X")],
}


def brute(circuit, terms, kind, p):
    """E K by parameter shifts of density matrices, all angles of the grid at once."""
    form, n = read_circuit(circuit), circuit.num_qubits
    count, grid = len(form.parameters), 2 * np.pi * np.arange(3) / 3
    angles = np.array(list(itertools.product(grid, repeat=count)))
    O = sum(c * two_copies.string(label) for label, c in terms.items())

    def outputs(theta):
        rho = np.zeros((len(theta), 2**n, 2**n), dtype=complex)
        rho[:, 0, 0] = 1
        for operation in form.operations:
            if isinstance(operation, Rotation) and operation.angle.free:
                ((place, slope),) = operation.angle.slopes
                half = (slope * theta[:, place] + operation.angle.offset)[:, None, None] / 2
                P = two_copies.string(two_copies.embed(operation.pauli, operation.qubits, n))
                U = np.cos(half) * np.eye(2**n) - 1j * np.sin(half) * P
            else:
                U = Operator(np.eye(2**n)).compose(operation.matrix, list(operation.qubits)).data[None]
            rho = U @ rho @ U.conj().transpose(0, 2, 1)
            for qubit in operation.qubits:
                kraus = [(w, two_copies.string(two_copies.embed(a, (qubit,), n))) for w, a in KRAUS[kind](p)]
                rho = sum(w * (A @ rho @ A.conj().T) for w, A in kraus)
        return np.einsum("bij,ji->b", rho, O).real

    total = 0.0
    for place in range(count):
        shift = np.zeros(count)
        shift[place] = np.pi / 2
        total += np.mean(((outputs(angles + shift) - outputs(angles - shift)) / 2) ** 2)
    return total


def small(kind):
    circuit, t = QuantumCircuit(3), iter(ParameterVector("t", 6))
    if kind == "chain":
        for q in range(3):
            circuit.rx(next(t), q)
        circuit.rzz(next(t), 0, 1)
        circuit.rzz(next(t), 1, 2)
        circuit.rx(next(t), 1)
    elif kind == "clifford":
        circuit.h(0)
        circuit.ry(next(t), 0)
        circuit.cx(0, 1)
        circuit.rz(next(t), 1)
        circuit.cz(1, 2)
        circuit.sx(2)
        circuit.ry(next(t), 1)
        circuit.rx(next(t), 2)
        circuit.cx(2, 0)
        circuit.ry(next(t), 0)
    else:  # the Ising ring from |+++>, where X0 and X1X2 interfere
        circuit.h([0, 1, 2])
        for a, b in ((0, 1), (1, 2), (2, 0)):
            circuit.rzz(next(t), a, b)
        for q in range(3):
            circuit.rx(next(t), q)
    return circuit


@pytest.mark.parametrize("noise", ["depolarizing=0.1", "dephasing=0.15", "bit-flip=0.05"])
@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("chain", {"IZZ": 1.0, "IYI": 0.5}),
        ("clifford", {"ZIZ": 1.0, "IXI": 0.7, "YIY": -0.4}),
        ("ring", {"IIX": 1.0, "XXI": -0.6, "IZZ": 0.3}),
    ],
)
def test_the_mean_is_that_of_density_matrices(kind, terms, noise):
    circuit, (name, p) = small(kind), noise.split("=")
    found = noisy_mean(read_circuit(circuit), terms, PauliNoise.parse(noise))
    expected = brute(circuit, terms, name, float(p))
    assert found.value == pytest.approx(expected, rel=1e-11)
    assert found.value < exact_mean(read_circuit(circuit), terms).value
    # Control: three times the noise is another mean.
    assert noisy_mean(read_circuit(circuit), terms, PauliNoise.parse(f"{name}={3 * float(p)}")).value != pytest.approx(
        expected, rel=1e-2
    )


@pytest.mark.parametrize("name", ["hea", "hva", "real-amplitudes"])
def test_no_noise_is_no_noise(name):
    form = read_circuit(ansatz(name, 4, 2))
    terms = {"IIIZ": 1.0, "IXXI": 0.5}
    found = noisy_mean(form, terms, PauliNoise.parse("depolarizing=0"))
    np.testing.assert_allclose(found.gradients, exact_mean(form, terms).gradients, rtol=1e-12, atol=1e-15)
    assert decay(form, terms, PauliNoise(1.0, 1.0, 1.0)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", ["hea", "hva", "matchgate", "brickwork"])
def test_a_deep_circuit_decays_at_the_rate_of_its_orbit(name):
    noise, terms = PauliNoise.parse("depolarizing=0.05"), {"IIX": 1.0} if name == "hva" else {"IIZ": 1.0}
    rate = decay(read_circuit(ansatz(name, 3, 1)), terms, noise)
    # ρ^m (a m + b) solves this recursion with ρ twice. Control: another ρ does not.
    one, two, three = (noisy_mean(read_circuit(ansatz(name, 3, 60 + k)), terms, noise).value for k in range(3))
    assert abs(three - 2 * rate * two + rate**2 * one) < 1e-6 * one
    assert abs(three - 2 * 1.02 * rate * two + (1.02 * rate) ** 2 * one) > 1e-5 * one
    assert 0 < rate < 1


@pytest.mark.parametrize(
    "text", ["depolarizing", "depolarizing=2", "depolarizing=-0.1", "thermal=0.1", "dephasing=x", ""]
)
def test_other_noise_is_refused(text):
    with pytest.raises(ValueError, match="depolarizing=P"):
        PauliNoise.parse(text)


def test_an_orbit_that_is_too_large_is_told():
    with pytest.raises(ValueError, match="too large to list"):
        decay(read_circuit(ansatz("hea", 3, 1)), {"IIZ": 1.0}, PauliNoise.parse("depolarizing=0.1"), most_strings=10)
    with pytest.raises(ValueError, match="most_strings"):
        noisy_mean(read_circuit(ansatz("hea", 4, 4)), {"IIIZ": 1.0}, PauliNoise(0.9, 0.9, 0.9), most_strings=10)
