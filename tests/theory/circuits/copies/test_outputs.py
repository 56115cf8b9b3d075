"""Moments of a model's outputs against the sampler, averaged over every angle by exhaustion.

Products of two outputs, or of two derivatives, have frequencies up to 2 in each angle, so that the four angles 0, π/2,
π, 3π/2 of each average them exactly.
"""

import itertools

import numpy as np
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qntk.inputs.reader import read_circuit
from qntk.sampling import CircuitModel
from qntk.theory.circuits.copies import outputs
from qntk.theory.circuits.copies.outputs import output_moments
from qntk.theory.circuits.pauli_paths import exact_mean


def random_model(rng):
    """Free turns, data before and between them, alone and with a free angle, T gates, Cliffords, fixed turns."""
    qubits, count = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    circuit, theta, x = QuantumCircuit(qubits), ParameterVector("θ", count), ParameterVector("x", 2)
    slopes = rng.choice([1, 1, 2, -3], count)
    names = ["rx", "ry", "rz"] + ["rxx", "ryy", "rzz"] * (qubits > 1)

    def turn(angle):
        name = rng.choice(names)
        getattr(circuit, name)(angle, *[int(q) for q in rng.permutation(qubits)[: len(name) - 1]])

    for index in range(count):
        for angle in (x[0] + 0.3, x[1] * x[0], float(rng.normal()), 2.5 * x[1]):
            if rng.random() < 0.5:
                turn(angle)
        gate = rng.choice(["h", "s", "t"] + ["cx", "cz"] * (qubits > 1))
        getattr(circuit, gate)(*[int(q) for q in rng.permutation(qubits)[: 1 + (gate in ("cx", "cz"))]])
        turn(int(slopes[index]) * theta[index] + (x[0] if rng.random() < 0.5 else 0.7))
    for angle in (x[1], x[0]):
        turn(angle)
    labels = {"".join(rng.choice(list("IXYZ"), qubits)) for _ in range(3)}
    observable = {label: float(rng.normal()) for label in sorted(labels | {"Z" * qubits, "I" * qubits})}
    return circuit, x, observable, slopes


def by_exhaustion(circuit, x, observable, slopes, data):
    inputs = [p for p in x if p in circuit.parameters]
    model = CircuitModel(circuit, SparsePauliOp(list(observable), list(observable.values())), inputs, workers=1)
    angles = np.array(list(itertools.product(np.arange(4) * np.pi / 2, repeat=len(slopes)))) / slopes
    f, g = model.value_and_gradient(angles, data)
    return f.mean(axis=0), np.cov(f.T, bias=True), np.einsum("dil,djl->ij", g, g) / len(f)


def test_random_models_with_data_anywhere():
    data = np.random.default_rng(5).normal(size=(3, 2))
    for seed in range(60):
        circuit, x, observable, slopes = random_model(np.random.default_rng(seed))
        found = output_moments(read_circuit(circuit, list(x)), observable, data)
        mean, covariance, kernel = by_exhaustion(circuit, x, observable, slopes, data)
        for name, value in (("mean", mean), ("covariance", covariance), ("kernel", kernel)):
            scale = max(1.0, np.abs(value).max())
            np.testing.assert_allclose(getattr(found, name), value, atol=1e-12 * scale, err_msg=f"{name}, {seed}")


@pytest.mark.parametrize("fault", ["sign", "mixed"])
def test_a_planted_fault_is_seen(monkeypatch, fault):
    """Without the signs of strings, or with pairs kept that a free angle tells apart, the moments are others."""
    data = np.random.default_rng(5).normal(size=(3, 2))
    kept = outputs._free
    if fault == "sign":
        turned = outputs.Turn.turned
        monkeypatch.setattr(outputs.Turn, "turned", lambda turn, p: (turned(turn, p)[0], np.ones(len(p), int)))
    else:
        monkeypatch.setattr(outputs, "_free", lambda turn, *pairs: kept(turn, *pairs) if turn.slope > 1 else pairs)
    seen = 0
    for seed in range(20):
        circuit, x, observable, slopes = random_model(np.random.default_rng(seed))
        found = output_moments(read_circuit(circuit, list(x)), observable, data)
        seen += np.abs(found.covariance - by_exhaustion(circuit, x, observable, slopes, data)[1]).max() > 1e-6
    assert seen >= 5


def large(qubits, reuploads, first=0):
    """Qubits from ``first`` on of a line: RX of data, then RY, RZ and CX in bricks; data again before some layers."""
    circuit, x = QuantumCircuit(qubits), ParameterVector("x", 2)
    theta = iter(ParameterVector("θ", 6 * qubits))
    for layer in range(3):
        if layer <= reuploads:
            for q in range(qubits):
                circuit.rx((q + first + 1) * x[q % 2], q)
        for q in range(qubits):
            circuit.ry(next(theta), q)
            circuit.rz(next(theta), q)
        for q in range(layer % 2, qubits - 1, 2):
            circuit.cx(q, q + 1)
    return circuit, x


def test_sixty_qubits_against_draws_of_the_light_cone():
    """10 qubits hold all that matters to Z₃₀ + Z₃₁Z₃₂/2; 3000 draws there, 12 numbers within 4.9 errors (false-fail
    probability 1.2e-5). The smallest difference seen is 15 % of the largest."""
    data = np.array([[0.0, 0.0], [0.4, -0.9]])
    wide, x = large(60, reuploads=1)
    terms = {place(60, {30: "Z"}): 1.0, place(60, {31: "Z", 32: "Z"}): 0.5}
    found = output_moments(read_circuit(wide, list(x)), terms, data)
    narrow, x = large(10, reuploads=1, first=26)
    few = {place(10, {4: "Z"}): 1.0, place(10, {5: "Z", 6: "Z"}): 0.5}
    model = CircuitModel(narrow, SparsePauliOp(list(few), list(few.values())), list(x), workers=1)
    f, g = model.value_and_gradient(np.random.default_rng(3).uniform(0, 2 * np.pi, (3000, model.parameters)), data)
    drawn = {
        "mean": f,
        "covariance": np.einsum("di,dj->dij", f - f.mean(0), f - f.mean(0)),
        "kernel": np.einsum("dil,djl->dij", g, g),
    }
    for name, values in drawn.items():
        error = values.std(axis=0) / np.sqrt(len(values))
        assert (np.abs(values.mean(axis=0) - getattr(found, name)) < 4.9 * error + 1e-12).all(), name
        assert name == "mean" or error.max() < 0.03 * np.abs(getattr(found, name)).max()


def place(qubits, letters):
    return "".join(letters.get(q, "I") for q in reversed(range(qubits)))


def test_zero_data_is_the_circuit_without_data():
    circuit, x = large(4, reuploads=2)
    found = output_moments(read_circuit(circuit, list(x)), {"IZII": 1.0, "XXII": 0.3}, np.zeros((1, 2)))
    bare = circuit.assign_parameters(dict.fromkeys(x, 0.0))
    expected = exact_mean(read_circuit(bare), {"IZII": 1.0, "XXII": 0.3})
    assert found.kernel[0, 0] == pytest.approx(expected.value, rel=1e-12)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda c, t, x: (c.rx(t[0], 0), c.ry(t[0], 0)), "exactly one rotation"),
        (lambda c, t, x: c.rx(t[0] * x[0], 0), "linear in one parameter"),
        (lambda c, t, x: c.rx(0.5 * t[0], 0), "whole slope"),
        (lambda c, t, x: (c.rx(t[0], 0), c.ch(0, 1)), "neither a Clifford gate"),
    ],
)
def test_what_does_not_fit_is_refused(build, words):
    circuit, theta, x = QuantumCircuit(2), ParameterVector("θ", 1), ParameterVector("x", 1)
    circuit.rz(x[0], 1)
    build(circuit, theta, x)
    with pytest.raises(ValueError, match=words):
        output_moments(read_circuit(circuit, [p for p in x if p in circuit.parameters]), {"IZ": 1.0}, np.ones((1, 1)))


def test_too_many_strings_is_one_line():
    circuit, x = large(4, reuploads=2)
    with pytest.raises(ValueError, match="allow more"):
        output_moments(read_circuit(circuit, list(x)), {"IZII": 1.0}, np.ones((2, 2)), most_weights=10)
