"""The public strategies: all they give is valid, all kinds occur, and they shrink to what one would write by hand."""

import tomllib
from random import Random

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator, Statevector

from qntk.inputs.observables import parse_observable
from qntk.sampling import CATALOGUE, CircuitModel, sample
from qntk.theory import OperatorMoments
from qntk.validation.kit.strategies import (
    cells,
    circuits,
    datasets,
    ensembles,
    generators,
    observables,
    pauli_observables,
    sweep_configs,
    sweep_texts,
)
from qntk.validation.sweep.cells import expand
from qntk.validation.sweep.config import HAAR_LAYERS, SweepConfig, load_config

QUBITS = st.integers(1, 4)


def minimal(strategy, condition=lambda _: True):
    """Found and shrunk from a fixed seed: no chance from run to run."""
    brief = settings(max_examples=3000, database=None, phases=[Phase.generate, Phase.shrink])
    return find(strategy, condition, settings=brief, random=Random(0))


def angles(circuit):
    """The parameters of every gate that has an angle."""
    return [set(gate.operation.params[0].parameters) for gate in circuit.data if rotates(gate)]


def rotates(gate):
    return any(hasattr(p, "parameters") for p in gate.operation.params)


@given(QUBITS.flatmap(observables))
def test_observables_parse_as_what_they_are_and_move(observable):
    assert parse_observable(observable.spec, observable.qubits) == observable
    matrix = Operator(observable.operator()).data
    np.testing.assert_array_equal(matrix, matrix.conj().T)
    assert len(matrix) == 2**observable.qubits
    assert OperatorMoments.of(observable).a2 > 0
    assert all(abs(c) > 0 for _, c in observable.terms)


@given(QUBITS.flatmap(pauli_observables))
def test_pauli_observables_square_to_one(observable):
    matrix = observable.operator().to_matrix()
    np.testing.assert_allclose(matrix @ matrix, np.eye(len(matrix)), atol=1e-15)


@given(st.integers(1, 4).flatmap(lambda n: observables(n, projectors=False)))
def test_observables_without_projectors_are_sums(observable):
    assert observable.terms
    assert observable.rank == 0


@pytest.mark.parametrize(
    ("condition", "spec"),
    [
        (lambda o: True, "Z0"),
        (lambda o: "Y" in o.spec, "Y0"),
        (lambda o: "Z2" in o.spec, "Z2"),
        (lambda o: o.rank > 1, "projector:rank=2"),
        (lambda o: "tfim" in o.spec and "periodic" in o.spec, "tfim:J=1.0,h=1.0,periodic=true"),
        (lambda o: any(c < 0 for _, c in o.terms) and ":" not in o.spec, "-1.0*Z0"),
    ],
)
def test_observables_shrink(condition, spec):
    assert minimal(observables(3), condition).spec == spec


@settings(max_examples=100)
@given(st.data(), QUBITS, st.integers(0, 2), st.sampled_from(["plain", "linear", "any"]))
def test_circuits_are_accepted_and_are_as_asked(data, qubits, inputs, kind):
    """Against Qiskit's own state at one point."""
    case = data.draw(circuits(qubits, parameters=4, gates=6, angles=kind, inputs=inputs))
    assert case.circuit.num_qubits == qubits
    assert 1 <= case.parameters <= 4
    assert len(case.inputs) == inputs
    assert sum(map(rotates, case.circuit.data)) >= 1 + inputs
    assert len(case.circuit.data) <= 6 + inputs
    if kind == "plain":
        assert all(len(parameters) == 1 for parameters in angles(case.circuit))
    observable = data.draw(observables(qubits)).operator()
    model = CircuitModel(case.circuit, observable, case.inputs, workers=1)
    assert model.parameters == case.parameters
    rng = np.random.default_rng(0)
    theta, x = rng.uniform(-3, 3, (1, case.parameters)), rng.uniform(-3, 3, (1, inputs))
    names = [p for p in case.circuit.parameters if p not in case.inputs]
    bound = case.circuit.assign_parameters(dict(zip([*names, *case.inputs], [*theta[0], *x[0]], strict=True)))
    expected = Statevector(bound).expectation_value(Operator(observable)).real
    assert model.outputs(theta, x if inputs else None).ravel()[0] == pytest.approx(expected, abs=1e-9)


def shared(case):
    found = angles(case.circuit)
    return any(sum(p in one for one in found) > 1 for p in case.circuit.parameters)


@pytest.mark.parametrize(
    ("strategy", "condition", "gates"),
    [
        (circuits(2), lambda c: True, ["ry(θ[0])"]),
        (circuits(2), shared, ["ry(θ[0])", "ry(θ[0])"]),
        (circuits(1, inputs=1), lambda c: True, ["ry(x[0])", "ry(θ[0])"]),
        (circuits(2), lambda c: max(map(len, angles(c.circuit))) == 2, ["ry(θ[0] - θ[1])"]),
        (circuits(3), lambda c: c.circuit.count_ops().get("cx"), ["cx()", "ry(θ[0])"]),
        (circuits(2, angles="plain", fixed=False), lambda c: "rzz" in c.circuit.count_ops(), ["rzz(θ[0])"]),
    ],
)
def test_circuits_shrink(strategy, condition, gates):
    circuit = minimal(strategy, condition).circuit
    assert sorted(f"{g.operation.name}({', '.join(map(str, g.operation.params))})" for g in circuit.data) == gates
    assert all(circuit.find_bit(q).index < 2 for g in circuit.data for q in g.qubits)


@pytest.mark.parametrize("name", ["unitary", "barrier", "iswap", "crx", "sdg"])
def test_every_kind_of_gate_occurs(name):
    assert name in minimal(circuits(3), lambda c: name in c.circuit.count_ops()).circuit.count_ops()


def test_a_circuit_shows_itself():
    assert "Ry(θ[0])" in repr(minimal(circuits(2)))


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_circuits_of_nothing_are_refused(sizes):
    with pytest.raises(ValueError, match="at least 1 of each"):
        circuits(*sizes)


def test_unknown_angles_are_refused():
    with pytest.raises(ValueError, match="choose plain, linear, any"):
        circuits(1, angles="all")


@settings(max_examples=50)
@given(cells())
def test_cells_have_a_law_and_draw(cell):
    ensemble = cell.build()
    assert (ensemble.parameters, ensemble.dimension) == (cell.parameters, cell.dimension)
    assert cell.law().mean().value > 0
    draws = sample(ensemble, 8, seed=1, workers=1)
    assert (draws.dqntk is not None, draws.cross is not None) == (cell.dqntk, cell.overlap is not None)


@settings(max_examples=30)
@given(ensembles())
def test_ensembles_draw(ensemble):
    assert (sample(ensemble, 8, seed=1, workers=1).kernel >= 0).all()


@pytest.mark.parametrize("name", [HAAR_LAYERS, *CATALOGUE])
def test_cells_shrink_and_every_ensemble_occurs(name):
    cell = minimal(cells(), lambda c: c.ensemble == name)
    assert (cell.qubits, cell.observable, cell.generator, cell.dqntk) == (2, "Z0", "half-pauli", False)
    assert cell.layers == (name != HAAR_LAYERS)


def test_generators_are_the_two():
    assert minimal(generators()) == "half-pauli"
    assert minimal(generators(), lambda g: g != "half-pauli") == "pauli"


@settings(max_examples=60)
@given(sweep_configs())
def test_sweeps_expand(config):
    assert expand(config)


@given(sweep_texts())
def test_sweep_texts_are_the_configurations_that_they_say(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("sweep") / "mine.toml"
    path.write_text(text)
    assert load_config(path)[0].model_dump() == SweepConfig.model_validate(tomllib.loads(text)).model_dump()


def test_sweeps_shrink_to_one_grid_with_one_cell():
    assert minimal(sweep_texts()).split("\n") == [
        "seed = 0", "", "[[grid]]", 'ensemble = "haar-layers"', "qubits = [2]", 'observable = ["Z0"]',
        "parameters = [1]", "draws = 8", "",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["dqntk", "overlap", "looks", "most_draws", "layers", "generator"])
def test_every_key_of_a_grid_occurs_and_alone(key):
    grid = tomllib.loads(minimal(sweep_texts(), lambda text: f"\n{key} = " in text.partition("[[grid]]")[2]))["grid"]
    assert len(grid) == 1
    assert len(grid[0]) == 6 - (key == "layers")


@given(datasets(points=5, features=3))
def test_datasets_are_distinct_and_in_range(data):
    X, y = data
    assert X.ndim == 2
    assert 1 <= X.shape[0] == len(y) <= 5
    assert 1 <= X.shape[1] <= 3
    assert len(np.unique(X, axis=0)) == len(X)
    assert np.abs(X).max() <= np.pi
    assert np.abs(y).max() <= 1


def test_datasets_shrink():
    X, y = minimal(datasets())
    assert (X.tolist(), y.tolist()) == ([[0]], [0])
    X, y = minimal(datasets(), lambda data: len(data[1]) > 1 and np.ptp(data[1]) > 0)
    assert X.shape == (2, 1)
    assert sorted(np.abs(y)) == [0, 1 / 16]
