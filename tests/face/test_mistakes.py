"""Natural mistakes, each told in one line that says what was meant."""

import numpy as np
import pandas as pd
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

import qntk

X = np.linspace(-1, 1, 6)[:, None]
Y = 0.5 * X[:, 0]


def circuit(data=True):
    x, w = ParameterVector("x", 1), ParameterVector("w", 8)
    made = QuantumCircuit(2)
    for layer in range(2):
        if data:
            made.rx(x[0], 0)
            made.rx(x[0], 1)
        for qubit in range(2):
            made.ry(w[4 * layer + 2 * qubit], qubit)
            made.rz(w[4 * layer + 2 * qubit + 1], qubit)
        made.cx(0, 1)
    return made


def model():
    return qntk.Model(circuit(), "Z0", inputs="x")


MISTAKES = {
    "draws and seed swapped": (lambda: qntk.sample(circuit(), "Z0", draws=20_221_114_000, seed=100), "swapped"),
    "draws as a float": (lambda: qntk.sample(circuit(), "Z0", draws=100.5), "draws is 100.5; give a whole number"),
    "draws as a boolean": (lambda: qntk.haar(2, 4, "Z0", draws=True), "draws is True"),
    "a negative seed": (lambda: qntk.haar(2, 4, "Z0", draws=10, seed=-1), "seed is -1"),
    "a seed of text": (lambda: qntk.haar(2, 4, "Z0", draws=10, seed="one"), "seed is 'one'"),
    "a regime in capitals": (lambda: qntk.law(2, 4, "Z0").mean("Exact"), "'exact' is meant"),
    "an unknown keyword of sample": (lambda: qntk.sample(circuit(), "Z0", draw=100), "no keyword 'draw'"),
    "an unknown keyword of exact_mean": (
        lambda: qntk.exact_mean(circuit(), "Z0", strings=9),
        "no keyword 'strings'",
    ),
    "an unknown regime": (lambda: qntk.law(2, 4, "Z0").variance("haar"), "choose asymptotic, independent, exact"),
    "a generator by its gate": (lambda: qntk.law(2, 4, "Z0", generator="rx"), "half-pauli"),
    "no parameters": (lambda: qntk.law(2, 0, "Z0"), "parameters is 0"),
    "an empty list of parameters": (lambda: qntk.law(2, [], "Z0"), "parameters is empty"),
    "a qubit that is not there": (lambda: qntk.law(2, 4, "Z2"), "names qubit 2; there are 2, counted from 0"),
    "a label of another length": (lambda: qntk.law(4, 4, "IIZ"), "label IIZ has 3 letters for 4 qubits; Z0 names"),
    "a lone letter": (lambda: qntk.law(2, 4, "Z"), "Z0 names qubits"),
    "an observable of small letters": (lambda: qntk.law(2, 4, "z0"), "does not parse"),
    "an imaginary coefficient": (lambda: qntk.law(1, 4, SparsePauliOp(["Z", "X"], [1, 1j])), "X has the coefficient"),
    "an observable of another size": (lambda: qntk.law(3, 4, np.diag([1.0, -1.0])), "dimension 2, the circuit on 8"),
    "two observables for one": (lambda: qntk.law(2, 4, ["Z0", "Z1"]), "2 observables were given where one is meant"),
    "the identity": (lambda: qntk.law(2, 4, "II"), "gradients vanish"),
    "a number for an observable": (lambda: qntk.law(2, 4, 1.0), "is no observable"),
    "a circuit without parameters": (lambda: qntk.sample(QuantumCircuit(2), "Z0"), "has no free parameters"),
    "a function for a circuit": (lambda: qntk.sample(circuit, "Z0"), "call it"),
    "a name without sizes": (lambda: qntk.sample("hea", "Z0", qubits=2), "needs qubits and layers; layers is missing"),
    "an unknown name": (lambda: qntk.sample("heaa", "Z0", qubits=2), "neither the file of a circuit nor one of haar-"),
    "layers of Haar layers": (lambda: qntk.sample("haar-layers", "Z0", qubits=2, layers=2), "has no layers; it takes"),
    "qubits of a circuit": (lambda: qntk.sample(circuit(), "Z0", qubits=2), "has no qubits; leave it out"),
    "an unknown input": (lambda: qntk.Model(circuit(), "Z0", inputs="y"), "no parameter 'y'"),
    "all parameters as inputs": (lambda: qntk.Model(circuit(), "Z0", inputs=["x", "w"]), "a trainable one"),
    "values without inputs": (lambda: qntk.sample(circuit(), "Z0", draws=10, x=[0.1]), "name them with inputs="),
    "too many values": (lambda: qntk.sample(circuit(), "Z0", draws=10, inputs="x", x=[1, 2]), "2 values for 1 inputs"),
    "angles that include the data": (lambda: model().kernel(np.zeros(9), X), "data are given as X"),
    "a model of data without data": (lambda: model().kernel(np.zeros(8)), "give X"),
    "data for a model without inputs": (lambda: qntk.Model(circuit(False), "Z0").kernel(np.zeros(8), X), "inputs="),
    "data of two features for one": (lambda: model().kernel(np.zeros(8), np.zeros((3, 2))), r"give \(points, 1\)"),
    "labels of another number": (lambda: model().diagnose(X, Y[:4]), "give one label a point"),
    "labels as text": (lambda: model().diagnose(X, list("abcdef")), "y is text"),
    "labels that are not finite": (lambda: model().diagnose(X, np.full(6, np.nan)), "not finite"),
    "an index twice in a mask": (lambda: model().diagnose(X, Y, train=[1, 1, 2]), "distinct indices"),
    "an index before the first": (lambda: model().diagnose(X, Y, train=[0, -7]), "distinct indices"),
    "one probability of several": (lambda: qntk.law(2, 4, "Z0").quantiles([0.5, 1.5]), "not between 0 and 1"),
    "a mask of another length": (lambda: model().diagnose(X, Y, train=[True, False]), "one True or False a point"),
    "a mask of nothing": (lambda: model().diagnose(X, Y, train=np.zeros(6, bool)), "no point is trained on"),
    "the flow law of a model": (lambda: model().diagnose(X, Y).predict(steps=5, law="flow"), "qntk.flow"),
    "a law of another name": (lambda: model().diagnose(X, Y).predict(steps=5, law="lazy"), "choose frozen or dressed"),
    "an array for a law": (lambda: qntk.compare(np.ones(9), np.ones(9)), "give qntk.law"),
    "draws of another cell": (lambda: qntk.compare(qntk.haar(2, 4, "Z0", draws=9), qntk.law(2, 8, "Z0")), "like with"),
    "draws of two dimensions": (lambda: qntk.compare(np.ones((3, 3)), qntk.law(2, 4, "Z0")), "one dimension"),
    "draws that are no numbers": (lambda: qntk.compare(np.ones(9, bool), qntk.law(2, 4, "Z0")), "real numbers"),
    "masked draws": (lambda: qntk.compare(np.ma.masked_less(np.arange(9.0), 3), qntk.law(2, 4, "Z0")), "masked"),
    "a frame without the column": (lambda: qntk.compare(pd.DataFrame({"k": [1.0]}), qntk.law(2, 4, "Z0")), "no column"),
    "too few draws": (lambda: qntk.compare([1.0, 2.0], qntk.law(2, 4, "Z0")), "at least 8"),
    "a law of several L": (lambda: qntk.compare(np.ones(9), qntk.law(2, [4, 8], "Z0")), "take one of them"),
    "a statistic by its symbol": (lambda: qntk.law(2, 4, "Z0").draws_needed("std"), "choose mean, variance"),
    "a misspelt key": (lambda: qntk.plan({"seed": 1, "grids": []}), "unknown key 'grids'"),
    "a list for a configuration": (lambda: qntk.plan([1, 2]), "give a dict, a path or TOML"),
    "a path that is not there": (lambda: qntk.sweep("nowhere.toml"), "nowhere.toml cannot be read"),
    "a directory without a sweep": (lambda: qntk.report("nowhere"), "holds no sweep"),
    "a number for a path": (lambda: qntk.status(3), "give a path"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, words = MISTAKES[mistake]
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        call()
    assert str(caught.value).count("\n") == 0
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("y", "train"),
    [
        (pd.Series(Y), np.ones(6, int)),
        (Y[:, None], [0, 1, 2, 3, 4, 5]),
        (Y.tolist(), [True] * 6),
        (pd.DataFrame({"y": Y}), None),
    ],
    ids=["a Series and 0/1", "a column and indices", "a list and a list of booleans", "a frame and no mask"],
)
def test_every_natural_spelling_of_labels_and_masks_is_the_same(y, train):
    expected = model().diagnose(X, Y, train=np.ones(6, bool)).to_dict()
    assert model().diagnose(X, y, train=train).to_dict() == expected
