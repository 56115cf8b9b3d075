"""Pauli paths with shared angles: dense operators on few qubits, paths of single strings and draws on many."""

import math

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit

import qntk
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.pauli_paths import exact_mean as path_mean
from qntk.theory.circuits.sums.module_law import Module, density_matrix, exact_mean
from qntk.theory.circuits.sums.shared_paths import shared_mean


def chain(qubits, layers, ring=True):
    """RZZ on the edges and RX on the qubits, an angle for each kind and layer, some doubled, reversed or offset."""
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for layer in range(layers):
        a, b = Parameter(f"a{layer}"), Parameter(f"b{layer}")
        for q in range(qubits if ring else qubits - 1):
            circuit.rzz(a * (-2 if q == 1 else 1), q, (q + 1) % qubits)
        circuit.cx(1, 2)
        for q in range(qubits):
            circuit.rx(b + 0.4 * (q == 0), q)
        circuit.sx(1)
    return circuit


OBSERVABLES = [{"IIZ": 1.0}, {"IXX": 1.0, "IYY": 0.6, "ZZI": -0.5, "XII": 0.3}]


@pytest.mark.parametrize("observable", OBSERVABLES, ids=["Z0", "sum"])
@pytest.mark.parametrize("layers", [1, 3])
def test_against_dense_operators(observable, layers):
    """Slopes 1 and -2, offsets, Clifford gates between; the control leaves an offset out."""
    form = read_circuit(chain(3, layers))
    dense = exact_mean(Module.of(form, observable), density_matrix(0, 3))
    found = shared_mean(form, observable)
    np.testing.assert_allclose(found.gradients, dense.gradients, atol=1e-12)
    plain = read_circuit(chain(3, layers).assign_parameters({"a0": Parameter("a0") * 3}))
    assert shared_mean(plain, observable).value != pytest.approx(found.value, rel=0.05)


def test_the_offset_counts():
    """RX(a) on both qubits: f = cos² a, E f'² = 1/2; with a quarter turn on one f = -sin a cos a, the same; with π/4
    on one f = cos a cos(a + π/4) = (cos(2a + π/4) + cos(π/4))/2: again 1/2. At different speeds it is not."""
    for offset, speed, wanted in ((0.0, 1, 0.5), (math.pi / 4, 1, 0.5), (0.0, 2, (9 + 1) / 8)):
        a, circuit = Parameter("a"), QuantumCircuit(2)
        circuit.rx(a, 0)
        circuit.rx(speed * a + offset, 1)
        assert shared_mean(read_circuit(circuit), {"ZZ": 1.0}).value == pytest.approx(wanted)


def test_single_strings_are_paths():
    form = read_circuit(qntk.ansatz("hva", 40, 2))
    label = "I" * 20 + "Z" + "I" * 19
    np.testing.assert_allclose(
        shared_mean(form, {label: 1.0}).gradients, path_mean(form, {label: 1.0}).gradients, atol=1e-12
    )


def test_draws_on_eight_qubits():
    """20 000 draws, 5 standard errors (6e-7) of 0.5 %; a law off by 4 % is out. On 40 qubits it is the same number."""
    kernels = qntk.sample(chain(8, 2), "Z4", draws=20_000, seed=3).kernel
    label = "I" * 3 + "Z" + "I" * 4
    exact = shared_mean(read_circuit(chain(8, 2)), {label: 1.0}).value
    error = kernels.std() / len(kernels) ** 0.5
    assert abs(kernels.mean() - exact) < 5 * error
    assert abs(kernels.mean() - 1.04 * exact) > 5 * error
    whole = shared_mean(read_circuit(chain(40, 2)), {"I" * 19 + "Z" + "I" * 20: 1.0}).value
    far = shared_mean(read_circuit(chain(41, 2)), {"I" * 20 + "Z" + "I" * 20: 1.0}).value
    assert whole == pytest.approx(far, abs=1e-13)


def test_predict_has_it_beyond_six_qubits():
    circuit = chain(9, 2)
    found = qntk.predict_circuit(circuit, "Z4")
    label = "I" * 4 + "Z" + "I" * 4
    assert found.document["mean"]["exact"] == pytest.approx(shared_mean(read_circuit(circuit), {label: 1.0}).value)
    assert found.document["mean"]["orbit"] is None
    assert "up to 6" in found.document["reasons"]["orbit"]


def test_refusals():
    a = Parameter("a")
    apart = QuantumCircuit(2)
    apart.rx(a, 0)
    apart.rz(Parameter("b"), 0)
    apart.rx(a, 0)
    with pytest.raises(ValueError, match="do not commute, or are apart"):
        shared_mean(read_circuit(apart), {"IZ": 1.0})
    half = QuantumCircuit(2)
    half.rx(a / 2, 0)
    half.rx(a, 1)
    with pytest.raises(ValueError, match="whole slope"):
        shared_mean(read_circuit(half), {"ZZ": 1.0})
    with pytest.raises(ValueError, match="more than 50 pairs"):
        shared_mean(read_circuit(chain(4, 3)), {"IIIZ": 1.0}, most_pairs=50)
    with pytest.raises(ValueError, match="multiple of the identity"):
        shared_mean(read_circuit(chain(3, 1)), {"III": 1.0})
