"""``Model.ensemble``: exact moments where Pauli paths reach, draws elsewhere, dressed networks one by one."""

import json

import numpy as np
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit

import qntk

X, Y, TEST = np.array([[-1.0], [0.2], [1.0]]), np.array([0.3, -0.2, 0.1]), np.array([[0.5], [-0.3]])


def model(qubits=2, observable="Z0", shared=False):
    x, a, circuit = ParameterVector("x", 1), ParameterVector("a", 4 * qubits), QuantumCircuit(qubits)
    for layer in range(2):
        for q in range(qubits):
            circuit.rx((1 + q % 2) * x[0], q)
            circuit.ry(a[0 if shared else 2 * qubits * layer + q], q)
            circuit.rz(a[2 * qubits * layer + qubits + q], q)
        for q in range(layer % 2, qubits - 1, 2):
            circuit.cx(q, q + 1)
    return qntk.Model(circuit, observable, inputs=x)


def test_exact_moments_are_those_that_draws_approach():
    """20 000 draws: each of 2 means and 4 covariances within 4 % of the largest variance, 10 errors."""
    m = model(3, "0.7*Z1+0.4*X0X1")
    exact, drawn = (m.ensemble(X, Y, TEST, 20, 0.2, draws=20_000, moments=kind) for kind in ("paths", "draws"))
    assert (exact.draws, drawn.draws) == (0, 20_000)
    assert "exact" in exact.how
    np.testing.assert_allclose(exact.mean, drawn.mean, atol=0.02)
    np.testing.assert_allclose(exact.covariance, drawn.covariance, atol=0.04 * exact.covariance.max())
    np.testing.assert_allclose(exact.law.kernel, drawn.law.kernel, atol=0.03 * exact.law.kernel.max())
    told = json.loads(json.dumps(exact.to_dict()))
    assert told["law"] == "frozen"
    assert told["draws"] == 0


def test_fifty_qubits_and_more():
    """No state of 60 qubits fits anywhere; far from its ends the line of 60 has the moments of one of 16."""
    ends = [model(n, f"Z{n // 2}").ensemble(X, Y, TEST, moments="paths") for n in (60, 16)]
    np.testing.assert_allclose(ends[0].mean, ends[1].mean, atol=1e-12)
    np.testing.assert_allclose(ends[0].covariance, ends[1].covariance, atol=1e-12)
    assert ends[0].std.min() > 0
    with pytest.raises(ValueError, match="qubits"):
        model(60, "Z30").kernel(np.zeros(240), X)


def test_where_paths_do_not_reach_it_says_so_and_draws():
    found = model(shared=True).ensemble(X, Y, TEST, 5, 0.1, draws=10)
    assert found.draws == 10
    assert "one rotation" in found.how
    with pytest.raises(ValueError, match="exactly one rotation"):
        model(shared=True).ensemble(X, Y, TEST, moments="paths")


def test_dressed_networks_are_those_that_a_diagnosis_dresses():
    m = model()
    found = m.ensemble(X, Y, TEST, steps=30, rate=0.2, draws=12, seed=8, law="dressed")
    thetas = np.random.default_rng(8).uniform(0, 2 * np.pi, (12, 8))
    points, mask = np.concatenate([X, TEST]), np.arange(5) < 3
    y = np.concatenate([Y, [0.0, 0.0]])
    runs = [
        m.diagnose(points, y, train=mask, theta=theta, rate=0.2).predict(steps=30, law="dressed") for theta in thetas
    ]
    ends = np.array([run[-1] if np.ndim(run) == 2 else run for run in runs])[:, 3:]
    np.testing.assert_allclose(found.mean, ends.mean(0), atol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(ends.T), atol=1e-12)


@pytest.mark.parametrize(
    ("observable", "options", "words"),
    [
        ("Z0", {"law": "flow"}, "infinite depth"),
        ("Z0", {"law": "lazy"}, "'frozen' or 'dressed'"),
        ("Z0", {"moments": "guess"}, "'auto', 'paths' or 'draws'"),
        ("Z0", {"law": "dressed"}, "give steps"),
        ("Z0+X1", {"law": "dressed", "steps": 3}, "two levels"),
        ("Z0", {"law": "dressed", "steps": 3, "moments": "paths"}, "drop moments"),
        ("projector:rank=1", {"moments": "paths"}, "no sum of Pauli strings"),
        (["Z0", "X1"], {}, "2 outputs"),
    ],
)
def test_what_does_not_fit_is_one_line(observable, options, words):
    with pytest.raises(ValueError, match=words):
        model(2, observable).ensemble(X, Y, TEST, **options)
