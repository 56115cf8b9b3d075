"""``check`` tells a shallow circuit's fluctuation from its group's, by paths of four copies."""

import math

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit

import qntk
from qntk.sampling import ansatz


def test_a_shallow_circuit_and_one_that_is_its_group():
    """The exact variance lies in the interval of the draws (99.95 %), where Haar layers' does not."""
    found = qntk.check(ansatz("hea", 3, 2), "Z0", draws=5000, repeats=1, reasons=False)
    own, row = found.to_dict()["own_law"], found.to_frame().query("statistic == 'variance' and regime == 'exact'")
    low, high = row["interval"].iloc[0]
    assert low < own["variance"] < high
    assert not low < row["prediction"].iloc[0] < high
    assert "the difference is not chance" in repr(found)
    assert math.isclose(own["variance"], 0.115081787109375, rel_tol=1e-9)
    circuit, a = QuantumCircuit(1), ParameterVector("a", 16)
    for k in range(16):
        circuit.rx(a[k], 0) if k % 2 else circuit.rz(a[k], 0)
    deep = qntk.check(circuit, "Z", draws=500, repeats=1, reasons=False)
    own = deep.to_dict()["own_law"]
    spread = math.sqrt(own["variance"]) / own["exact"]
    assert abs(spread / own["group_relative_std"] - 1) < 0.2


def test_where_it_is_not_known_there_is_a_reason():
    own = qntk.check(ansatz("hea", 4, 6), "Z0", draws=64, repeats=1, reasons=False).to_dict()["own_law"]
    assert own["variance"] is None
    assert "tuples" in own["reasons"]["variance"]


def test_data_are_averaged_and_not_counted():
    x, a, circuit = ParameterVector("x", 1), ParameterVector("a", 2), QuantumCircuit(1)
    circuit.ry(a[0], 0)
    circuit.rz(x[0], 0)
    circuit.rx(a[1], 0)
    found = qntk.check(circuit, "Z", inputs=["x[0]"], draws=4000, repeats=1, reasons=False).to_dict()
    f0, x0, f1 = np.random.default_rng(1).uniform(0, 2 * np.pi, (3, 40_000))
    # f = cos a₁ cos a₀ + sin a₁ sin a₀ sin x up to signs, by hand
    slope = (np.sin(f0) * np.cos(f1) - np.cos(f0) * np.sin(f1) * np.sin(x0)) ** 2
    slope += (np.cos(f0) * np.sin(f1) - np.sin(f0) * np.cos(f1) * np.sin(x0)) ** 2
    assert abs(slope.var() / found["own_law"]["variance"] - 1) < 0.05
