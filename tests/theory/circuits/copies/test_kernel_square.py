"""E K² against the sampler, averaged over every angle by exhaustion; parts that are drawn against the whole.

Products of four outputs or derivatives have frequencies up to 4 in each angle: five equal steps of each average them
exactly.
"""

import itertools

import numpy as np
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qntk.inputs.reader import read_circuit
from qntk.sampling import CircuitModel, ansatz
from qntk.theory.circuits.copies import kernel_square as module
from qntk.theory.circuits.copies.kernel_square import kernel_square


def random_circuit(rng):
    qubits, count = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    circuit, theta = QuantumCircuit(qubits), ParameterVector("θ", count)
    slopes = rng.choice([1, 1, 2, -3], count)
    names = ["rx", "ry", "rz"] + ["rxx", "ryy", "rzz"] * (qubits > 1)
    for index in rng.permutation(count):
        for _ in range(3):
            gate = rng.choice(["h", "s", "t"] + ["cx", "cz"] * (qubits > 1))
            getattr(circuit, gate)(*[int(q) for q in rng.permutation(qubits)[: 1 + (gate in ("cx", "cz"))]])
        name = rng.choice(names)
        pair = [int(q) for q in rng.permutation(qubits)[: len(name) - 1]]
        getattr(circuit, name)(int(slopes[index]) * theta[int(index)] + 0.7, *pair)
    circuit.rx(0.4, 0)
    labels = {"".join(rng.choice(list("IXYZ"), qubits)) for _ in range(2)}
    observable = {label: float(rng.normal()) for label in sorted((labels | {"Z" * qubits}) - {"I" * qubits})}
    return circuit, observable, slopes


def by_exhaustion(circuit, observable, slopes, trained):
    model = CircuitModel(circuit, SparsePauliOp(list(observable), list(observable.values())), workers=1)
    angles = np.array(list(itertools.product(np.arange(5) * 2 * np.pi / 5, repeat=len(slopes)))) / slopes
    f, g = model.value_and_gradient(angles)
    K = (g[:, :trained] ** 2).sum(axis=1)
    return np.array([(K**2).mean(), (f**2 * K).mean(), (f**4).mean()])


def test_random_circuits_by_exhaustion():
    """40 circuits with T gates and fixed turns; in half of them K is over a part of the parameters."""
    for seed in range(40):
        circuit, observable, slopes = random_circuit(np.random.default_rng(seed))
        trained = len(slopes) if seed % 2 else (len(slopes) + 1) // 2
        found = kernel_square(read_circuit(circuit), observable, trained)
        expected = by_exhaustion(circuit, observable, slopes, trained)
        assert found.exact
        scale = max(1.0, expected.max())
        np.testing.assert_allclose([found.value, found.cross, found.output], expected, atol=1e-12 * scale, err_msg=seed)


@pytest.mark.parametrize("fault", ["moment", "pairs"])
def test_a_planted_fault_is_seen(monkeypatch, fault):
    """E cos⁴ as that of a Clifford angle, 1/2, or the two pairs merged without their derivatives changing places."""
    if fault == "moment":
        monkeypatch.setitem(module._MOMENTS, (4, 0), 0.5)
    else:
        times = module._times
        monkeypatch.setattr(module, "_times", lambda one, two: times(one, two * [1, 1, 0, 1]))
    seen = 0
    for seed in range(10):
        circuit, observable, slopes = random_circuit(np.random.default_rng(seed))
        found = kernel_square(read_circuit(circuit), observable)
        seen += abs(found.value - by_exhaustion(circuit, observable, slopes, len(slopes))[0]) > 1e-6
    assert seen >= 5


def test_shallow_circuits_against_draws():
    """20 000 draws: K² within 4.9 standard errors of 0.7 %, false-fail probability 1e-6."""
    circuit = ansatz("hea", 4, 3)
    found = kernel_square(read_circuit(circuit), {"IIIZ": 1.0})
    model = CircuitModel(circuit, SparsePauliOp(["IIIZ"]), workers=1)
    _, K = model.value_and_kernel(np.random.default_rng(2).uniform(0, 2 * np.pi, (20_000, model.parameters)))
    error = (K**2).std() / np.sqrt(len(K))
    assert error < 0.01 * found.value
    assert abs((K**2).mean() - found.value) < 4.9 * error


def test_fifty_qubits_have_the_light_cone_of_six():
    found = [kernel_square(read_circuit(ansatz("hea", n, 3)), {"I" * (n - 1) + "Z": 1.0}) for n in (6, 50)]
    assert found[1].exact
    assert found[1].value == pytest.approx(found[0].value, rel=1e-12)


def test_a_part_that_is_drawn_is_unbiased():
    """A ninth of the tuples, 16 repetitions: within 8 errors (Student, false-fail probability 1e-6), which are 3 %."""
    form = read_circuit(ansatz("hea", 3, 5))
    exact = kernel_square(form, {"IIZ": 1.0})
    drawn = kernel_square(form, {"IIZ": 1.0}, most_tuples=exact.tuples // 9, repetitions=16, seed=1)
    assert exact.exact
    assert not drawn.exact
    assert 0 < drawn.error < 0.03 * exact.value
    assert abs(drawn.value - exact.value) < 8 * drawn.error
    again = kernel_square(form, {"IIZ": 1.0}, most_tuples=exact.tuples // 9, repetitions=16, seed=1)
    assert again == drawn


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"repetitions": 1}, "at least 2"),
        ({"repetitions": 0, "most_tuples": 100}, "more than 100 tuples"),
        ({"observable": {"IIZ": 1.0, "IZI": 1.0}, "most_tuples": 8}, "2 terms make 16 tuples"),
    ],
)
def test_what_does_not_fit_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        kernel_square(read_circuit(ansatz("hea", 3, 4)), **({"observable": {"IIZ": 1.0}} | options))
