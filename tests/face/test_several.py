"""Several seeds, rates and losses of one's own in ``Model.diagnose``; circuits and functions as objects in a sweep."""

import numpy as np
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import real_amplitudes
from qiskit.quantum_info import SparsePauliOp, Statevector

import qntk

X, Y = np.linspace(-1, 1, 5)[:, None], np.array([0.1, -0.2, 0.3, 0.0, 0.2])


def model():
    x, a, circuit = ParameterVector("x", 1), ParameterVector("a", 8), QuantumCircuit(2)
    for layer in range(2):
        circuit.rx(x[0], [0, 1])
        for gate in range(4):
            (circuit.ry if gate < 2 else circuit.rz)(a[4 * layer + gate], gate % 2)
        circuit.cx(0, 1)
    return qntk.Model(circuit, "Z0", inputs="x")


def quartic(f, y):
    return np.sum((f - y) ** 4)


def test_several_seeds_and_rates_are_the_single_runs():
    m = model()
    several = m.diagnose(X, Y, seeds=[3, 5], rate=[0.1, 0.2])
    assert len(several) == 4
    one = m.diagnose(X, Y, seed=5, rate=0.2)
    np.testing.assert_array_equal(several[3].eigenvalues, one.eigenvalues)
    np.testing.assert_array_equal(several[3].predict(steps=20), one.predict(steps=20))
    assert several.to_frame()["seed"].tolist() == [3, 3, 5, 5]
    table = several.compare(steps=20)
    assert set(table["law"]) == {"trained", "frozen", "dressed"}
    assert len(table) == 12
    assert len(m.diagnose(X, Y, seeds=3)) == 3
    given = m.diagnose(X, Y, theta=np.stack([several[0].theta, several[2].theta]))
    np.testing.assert_array_equal(given[1].eigenvalues, one.eigenvalues)


def test_a_loss_of_ones_own_is_a_rate_of_another():
    """c Σε² at rate η steps as ½ Σε² at 2cη does, in training and in both laws; the critical rate scales by 1/(2c)."""
    m, c = model(), 0.3
    own, half = m.diagnose(X, Y, loss=c, rate=0.2), m.diagnose(X, Y, rate=2 * c * 0.2)
    np.testing.assert_allclose(own.train(20).outputs, half.train(20).outputs, atol=1e-12)
    for law in ("frozen", "dressed"):
        np.testing.assert_allclose(own.predict(steps=20, law=law), half.predict(steps=20, law=law), atol=1e-12)
    assert own.critical_rate == pytest.approx(half.critical_rate / (2 * c))
    assert own.problem.loss_of(own.initial) == pytest.approx(c * np.sum((own.initial - Y) ** 2))


def test_a_square_as_a_function_is_the_square():
    m = model()
    own, half = m.diagnose(X, Y, loss=lambda f, y: np.sum((f - y) ** 2) / 2), m.diagnose(X, Y)
    for name in ("critical_rate", "decay_time", "rate"):
        assert getattr(own, name) == pytest.approx(getattr(half, name), rel=1e-8)
    for law in ("frozen", "dressed"):
        np.testing.assert_allclose(own.predict(steps=20, law=law), half.predict(steps=20, law=law), atol=1e-9)
    np.testing.assert_allclose(own.train(20).outputs, half.train(20).outputs, atol=1e-9)


def test_training_on_a_loss_of_ones_own_descends_it():
    """Against Qiskit's states, moved by differences of the whole loss in the angles; test points are not trained on."""
    m, signs, chosen, eta = model(), np.sign(Y + 0.05), np.array([0, 1, 2, 4]), 0.3

    def logistic(f, y):
        return np.log1p(np.exp(-2 * y * f)).mean()

    def outputs(theta):
        values = [dict(zip(m.parameters, theta, strict=True)) | {"x[0]": x} for x in X[:, 0]]
        bound = [m.circuit.assign_parameters({p: v[p.name] for p in m.circuit.parameters}) for v in values]
        return np.array([Statevector(b).expectation_value(SparsePauliOp("IZ")).real for b in bound])

    seen = m.diagnose(X, signs, train=chosen, loss=logistic, rate=eta, seed=2)
    assert "curvature at the start" in repr(seen)
    theta = seen.theta.copy()
    for _ in range(3):
        steps = 1e-5 * np.eye(len(theta))
        ahead, behind = ([logistic(outputs(theta + s * h)[chosen], signs[chosen]) for h in steps] for s in (1, -1))
        theta -= eta * (np.array(ahead) - behind) / 2e-5
    np.testing.assert_allclose(seen.train(3).outputs[-1], outputs(theta), atol=1e-7)
    pair = (logistic, lambda f, y: -2 * y / (1 + np.exp(2 * y * f)) / len(y))
    given = m.diagnose(X, signs, train=chosen, loss=pair, rate=eta, seed=2)
    np.testing.assert_allclose(given.train(3).outputs, seen.train(3).outputs, atol=1e-9)
    table = seen.compare(3).to_frame()
    assert table["loss"][0] == pytest.approx(logistic(outputs(theta)[chosen], signs[chosen]))


def test_an_ensemble_takes_squares_alone():
    with pytest.raises(TypeError, match="moments need squares"):
        model().ensemble(X, Y, X, loss=quartic)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"loss": [1.0]}, TypeError, "loss is a list"),
        ({"loss": lambda f, y: (f - y) ** 2}, ValueError, r"shape \(5,\); return one number"),
        ({"loss": lambda f, y: np.sum(np.log(f - 2))}, ValueError, "not finite at outputs from"),
        ({"loss": lambda f, y: 1j * f.sum()}, TypeError, "complex128; return real"),
        ({"loss": (quartic, lambda f, y: 4 * (f - y) ** 3 * (1 + 1e-3))}, ValueError, "not that of loss quartic"),
        ({"loss": (quartic, lambda f, y: 1.0)}, ValueError, r"shape \(\); return \(5,\)"),
        ({"loss": lambda f, y: f.sum()}, ValueError, "not curved upwards"),
        ({"loss": -1.0}, ValueError, "loss is -1.0"),
        ({"seeds": [1, 1]}, ValueError, "distinct"),
        ({"seeds": [1], "theta": np.zeros(8)}, ValueError, "both given"),
        ({"rate": [0.1, -0.1]}, ValueError, "rate is -0.1"),
        ({"rate": []}, ValueError, "rate is empty"),
    ],
)
def test_mistakes_are_one_line(options, error, words):
    with pytest.raises(error, match=words):
        model().diagnose(X, Y, **options)


def test_the_ensemble_is_that_of_networks_stepped_one_by_one():
    """Every drawn network is stepped with the mean kernel, in its own loop; their mean and covariance are the law's."""
    m, test, steps, draws = model(), np.array([[0.3], [-0.8]]), 25, 40
    found = m.ensemble(X, Y, test, steps=steps, rate=0.2, draws=draws, seed=4, moments="draws")
    thetas = np.random.default_rng(4).uniform(0, 2 * np.pi, (draws, 8))
    points = np.concatenate([X, test])
    kernel, f = m.kernel(thetas, points).mean(0), m.outputs(thetas, points)
    for _ in range(steps):
        f = f - 0.2 * (f[:, : len(X)] - Y) @ kernel[: len(X)]
    np.testing.assert_allclose(found.mean, f[:, len(X) :].mean(0), atol=1e-10)
    np.testing.assert_allclose(found.covariance, np.cov(f[:, len(X) :].T), atol=1e-10)
    assert found.plot().get_ylabel() == "output"


def test_a_sweep_takes_circuits_and_functions(tmp_path):
    circuit = real_amplitudes(2, reps=2)
    grids = [
        {"ensemble": "mine", "circuit": circuit, "observable": "Z0", "draws": 64},
        {"ensemble": "made", "circuit": lambda n, layers: real_amplitudes(n, reps=layers), "qubits": [2, 3],
         "layers": [1, 2], "observable": "Z0", "draws": 64},
    ]  # fmt: skip
    config = {"seed": 1, "grid": grids}
    assert len(qntk.plan(config).to_frame()) == 5
    assert qntk.sweep(config, out=tmp_path / "s").to_dict()["drawn"] == 5 * 64
    again = qntk.sweep(config, out=tmp_path / "s")
    assert again.to_dict()["drawn"] == 0
    frame = again.draws()
    assert sorted(frame.groupby(["ensemble", "parameters"]).size().index) == [
        ("made", 4), ("made", 6), ("made", 9), ("mine", 6)
    ]  # fmt: skip
    assert len(list((tmp_path / "s" / "circuits").glob("*.qpy"))) == 4  # the circuit is one that the function makes too
    (tmp_path / "s").rename(tmp_path / "t")
    assert qntk.status(tmp_path / "t").to_dict()["cells"] == 5


@pytest.mark.parametrize(
    ("grid", "error", "words"),
    [
        ({"circuit": 3}, TypeError, "circuit is a int"),
        ({"circuit": real_amplitudes}, ValueError, "'qubits' and 'layers'"),
        ({"circuit": lambda n, layers: 1, "qubits": 2, "layers": 1}, TypeError, "returns int"),
        ({"circuit": real_amplitudes(2), "qubits": 2}, ValueError, "drop the key 'qubits'"),
    ],
)
def test_circuits_that_are_none(grid, error, words):
    with pytest.raises(error, match=words):
        qntk.plan({"seed": 1, "grid": [{"ensemble": "mine", "observable": "Z0", "draws": 64} | grid]})
