"""``Model.from_qnn`` against the networks of qiskit-machine-learning themselves."""

import numpy as np
import pytest
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp

import qntk

pytest.importorskip(
    "qiskit_machine_learning", reason="qiskit-machine-learning is not installed; it is in the extra qml"
)
from qiskit_machine_learning.gradients import LinCombEstimatorGradient, ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN

OBSERVABLES = [SparsePauliOp(["ZI", "XX"], [1.0, 0.5]), SparsePauliOp("IY")]


def network(observables=OBSERVABLES, order=None, gradient=None, shuffled_inputs=False):
    features, weights = zz_feature_map(2, reps=1), real_amplitudes(2, reps=1)
    trained = list(weights.parameters)
    inputs = list(features.parameters)
    estimator = StatevectorEstimator()
    return EstimatorQNN(
        circuit=features.compose(weights),
        estimator=estimator,
        observables=observables,
        input_params=inputs[::-1] if shuffled_inputs else inputs,
        weight_params=trained if order is None else [trained[k] for k in order],
        gradient=None if gradient is None else gradient(estimator=estimator),
        default_precision=0.0,
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"order": [2, 0, 3, 1]},
        {"order": [3, 2, 1, 0], "shuffled_inputs": True},
        {"observables": OBSERVABLES[0]},
        {"gradient": LinCombEstimatorGradient},
        {"gradient": ParamShiftEstimatorGradient, "order": [1, 0, 2, 3]},
    ],
    ids=["plain", "permuted", "inputs too", "one observable", "linear combination", "shifts"],
)
def test_outputs_and_gradients_are_the_networks_own(options):
    qnn = network(**options)
    model = qntk.Model.from_qnn(qnn)
    theta, X = np.array([0.4, 1.1, 2.0, 0.3]), np.array([[0.1, 0.2], [-0.5, 0.7], [1.5, -2.0]])
    outputs, gradients = qnn.forward(X, theta), np.asarray(qnn.backward(X, theta)[1])
    np.testing.assert_allclose(model.outputs(theta, X).reshape(outputs.shape), outputs, atol=1e-10)
    np.testing.assert_allclose(model.gradients(theta, X).reshape(gradients.shape), gradients, atol=1e-10)
    kernel = np.einsum("iol,jol->ij", gradients, gradients)
    np.testing.assert_allclose(model.kernel(theta, X), kernel, atol=1e-10)
    assert model.parameters == tuple(p.name for p in qnn.weight_params)


@pytest.mark.filterwarnings("ignore")
def test_the_order_of_weights_matters():
    """Negative control: the permuted network is another function of θ."""
    theta, X = np.array([0.4, 1.1, 2.0, 0.3]), np.array([[0.1, 0.2]])
    plain, permuted = (qntk.Model.from_qnn(network(order=o)).gradients(theta, X) for o in (None, [2, 0, 3, 1]))
    assert np.abs(plain - permuted).max() > 0.1


def test_a_model_takes_its_weights_in_any_order():
    a, circuit = ParameterVector("a", 3), QuantumCircuit(1)
    for angle, gate in zip(a, (circuit.rx, circuit.ry, circuit.rz), strict=True):
        gate(angle, 0)
    circuit.rx(Parameter("x"), 0)
    theta, X = np.array([0.3, 0.5, 0.7]), np.array([[0.2], [0.9]])
    plain = qntk.Model(circuit, "Z0", inputs="x")
    turned = qntk.Model(circuit, "Z0", inputs="x", weights=[a[2], "a[0]", a[1]])
    np.testing.assert_allclose(turned.gradients(theta[[2, 0, 1]], X), plain.gradients(theta, X)[:, [2, 0, 1]])
    assert turned.parameters == ("a[2]", "a[0]", "a[1]")
    with pytest.raises(ValueError, match="2 of the 3 trainable"):
        qntk.Model(circuit, "Z0", inputs="x", weights=a[:2])
    with pytest.raises(TypeError, match="no EstimatorQNN"):
        qntk.Model.from_qnn(circuit)
