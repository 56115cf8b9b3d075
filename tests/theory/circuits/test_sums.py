"""Sums of strings as generators: the exact average of two copies, Pauli orbits and paths, closure by brute force."""

import functools

import numpy as np
import pytest
import two_copies
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import TGate
from qiskit.quantum_info import Operator
from scipy.linalg import expm

from qntk import ansatz
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.algebra import algebra_of
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.theory.circuits.pauli_paths import exact_mean as path_mean
from qntk.theory.circuits.sums.casimir import casimir_mean
from qntk.theory.circuits.sums.closure import closed_algebra
from qntk.theory.circuits.sums.generators import Generators
from qntk.theory.circuits.sums.module_law import Module, deep_mean, density_matrix, exact_mean


def ring(n, pauli):
    return [(pauli, (q, (q + 1) % n)) for q in range(n)]


def field(n, pauli):
    return [(pauli, (q,)) for q in range(n)]


def bonds(n, paulis, parity):
    return [(pauli, (q, q + 1)) for q in range(parity, n - 1, 2) for pauli in paulis]


LAYERS = {
    "ising ring, two angles": lambda n: [ring(n, "ZZ"), field(n, "X")],
    "ising ring, three angles": lambda n: [ring(n, "ZZ"), field(n, "X"), field(n, "Z")],
    "qaoa, one angle for all": lambda n: [[*ring(n, "ZZ"), *field(n, "Z")[:1]], field(n, "X")],
    "xxz": lambda n: [bonds(n, ("XX", "YY"), 0), bonds(n, ("ZZ",), 0), bonds(n, ("XX", "YY"), 1), bonds(n, ("ZZ",), 1)],
    "heisenberg": lambda n: [bonds(n, ("XX", "YY", "ZZ"), 0), bonds(n, ("XX", "YY", "ZZ"), 1)],
    "shared, cx and t": lambda n: [field(n, "Y"), "fixed", ring(n, "ZZ")[:1]],
}


def fixed_part(n):
    part = QuantumCircuit(n)
    part.cx(0, 1)
    part.append(TGate(), [n - 1])
    return part


def circuit_of(layer, n, layers):
    circuit, count = QuantumCircuit(n), 0
    for _ in range(layers):
        for strings in layer:
            if strings == "fixed":
                circuit.compose(fixed_part(n), inplace=True)
                continue
            angle, count = Parameter(f"θ{count:03}"), count + 1
            for pauli, places in strings:
                getattr(circuit, f"r{pauli.lower()}")(angle, *places)
    return circuit


class Turn(two_copies.Gate):
    """exp(-iθH) for H half a sum of commuting strings, with so many angles that their mean is exact."""

    def __init__(self, strings, n):
        H = sum(two_copies.string(two_copies.embed(p, places, n)) for p, places in strings) / 2
        angles = np.arange(2 * len(strings) + 1) * 2 * np.pi / (2 * len(strings) + 1)
        self.label, self.tables = "sum", [two_copies.transfer(expm(-1j * a * H)) for a in angles]
        paulis = two_copies.basis(n)
        inner = (1j * (H @ paulis - paulis @ H)).reshape(len(paulis), -1)
        self.commutator = two_copies.csr_array((paulis.reshape(len(paulis), -1).conj() @ inner.T / len(H)).real)


def gates_of(layer, n):
    return [two_copies.Gate(Operator(fixed_part(n)).data) if part == "fixed" else Turn(part, n) for part in layer]


def product_state(n):
    """|0> on qubit 0, |+> on 1, a turned state on the others: no symmetry of the layers."""
    vectors = [np.array([1, 0]), np.array([1, 1]) / np.sqrt(2), *[np.array([np.cos(0.4), np.sin(0.4) * 1j])] * (n - 2)]
    psi = functools.reduce(np.kron, reversed(vectors))
    return np.outer(psi, psi.conj())


OBSERVABLES = [{"IIZ": 1.0}, {"IXX": 1.0, "IYY": 0.6, "ZZI": -0.5, "XII": 0.3}]


@pytest.mark.parametrize("observable", OBSERVABLES, ids=["Z0", "sum"])
@pytest.mark.parametrize("name", LAYERS)
def test_against_the_average_of_two_copies(name, observable):
    """Deep limit to 1e-6 and three layers exactly, each gate; nothing is drawn."""
    n, layer, state = 3, LAYERS[name](3), product_state(3)
    vector, gates = two_copies.expectations(state), gates_of(layer, 3)
    module = Module.of(read_circuit(circuit_of(layer, n, 1)), observable)
    law = deep_mean(module, state)
    for depth in (60, 400, 2000):
        deep, output = two_copies.deep_moments(gates, observable, vector, vector, depth, depth)
        if np.allclose(deep, law.gradients, rtol=1e-6, atol=1e-9):
            break
    np.testing.assert_allclose(law.gradients, deep, rtol=1e-6, atol=1e-9)
    assert law.output == pytest.approx(output, rel=1e-5, abs=1e-9)
    whole = Module.of(read_circuit(circuit_of(layer, n, 3)), observable)
    shallow, output = two_copies.deep_moments([*gates * 3], observable, vector, vector, 0, 0)
    found = exact_mean(whole, state)
    np.testing.assert_allclose(found.gradients, shallow, atol=1e-12)
    assert found.output == pytest.approx(output, abs=1e-12)
    assert not np.allclose(law.gradients, shallow[: len(law.gradients)], rtol=0.02), "negative control: it is not deep"


def test_one_angle_is_not_many():
    """Negative control: the Ising ring's law with an angle for each string is another one, of another algebra."""
    shared = circuit_of(LAYERS["ising ring, two angles"](3), 3, 1)
    module = Module.of(read_circuit(shared), {"IIZ": 1.0})
    one = deep_mean(module, product_state(3)).value
    many = deep_mean(Module.of(read_circuit(ansatz("hva", 3, 1)), {"IIZ": 1.0}), product_state(3)).value
    assert abs(one / many - 1) > 0.05
    assert closed_algebra(module.circuit).dimension < algebra_of(read_circuit(ansatz("hva", 3, 1))).dimension


@pytest.mark.parametrize("name", ["hva", "matchgate", "hea-cz-ring", "real-amplitudes"])
def test_single_strings_give_orbits_and_paths(name):
    """With a parameter each it is the orbit law, and Pauli paths at a depth of two layers, to 1e-9."""
    form = read_circuit(ansatz(name, 3, 2))
    module, state = Module.of(form, {"IIZ": 1.0}), density_matrix(0, 3)
    orbit, paths = orbit_mean(Moves.from_form(form), {"IIZ": 1.0}), path_mean(form, {"IIZ": 1.0})
    np.testing.assert_allclose(deep_mean(module, state).gradients, orbit.gradients, atol=1e-9)
    np.testing.assert_allclose(exact_mean(module, state).gradients, paths.gradients, atol=1e-9)
    other = density_matrix(5, 3)
    crossed = orbit_mean(Moves.from_form(form), {"IIZ": 1.0}, 0, 5)
    np.testing.assert_allclose(deep_mean(module, state, other).gradients, crossed.gradients, atol=1e-9)


def brute_dimension(matrices):
    """Rank of all nested commutators, without an orthonormal basis."""
    found = [m / np.linalg.norm(m) for m in matrices]
    while True:
        pairs = [a @ b - b @ a for a in found for b in matrices]
        rows = np.stack([m.ravel() for m in [*found, *(1j * p for p in pairs)]])
        rows = np.concatenate([rows.real, rows.imag], axis=1)
        _, sizes, right = np.linalg.svd(rows, full_matrices=False)
        rank = int((sizes > 1e-9 * sizes[0]).sum())
        if rank == len(found):
            return rank
        half = right.shape[1] // 2
        D = len(matrices[0])
        found = [(r[:half] + 1j * r[half:]).reshape(D, D) for r in right[:rank]]


@pytest.mark.parametrize("name", [name for name in LAYERS if "cx" not in name])
def test_algebras_by_brute_force(name):
    for n in (2, 3):
        circuit = Generators.from_form(read_circuit(circuit_of(LAYERS[name](n), n, 1)))
        algebra = closed_algebra(circuit)
        assert algebra.dimension == brute_dimension(list(circuit.matrices))
        assert algebra.dimension == sum(d * c for _, d, c in algebra.ideals) + algebra.centre


@pytest.mark.parametrize(
    ("name", "n", "algebra"),
    [
        ("ising ring, two angles", 3, "su(2) ⊕ su(2) ⊕ u(1) ⊕ u(1)"),
        ("ising ring, two angles", 4, "su(2) ⊕ su(2) ⊕ su(2) ⊕ u(1) ⊕ u(1)"),
        ("ising ring, three angles", 3, "su(4) ⊕ su(2) ⊕ u(1)"),
    ],
)
def test_names(name, n, algebra):
    """By momentum the ring is n - 1 spins and two phases, 3n - 1 dimensions; with a field along Z it is the whole
    of what the symmetries of the ring leave: on 3 qubits spaces of 4 and 2 dimensions, and a phase between them."""
    assert closed_algebra(read_circuit(circuit_of(LAYERS[name](n), n, 1))).name == algebra


@pytest.mark.parametrize("name", ["hva", "matchgate", "hva-xy", "hea", "hea-cz-ring", "qaoa"])
def test_algebras_of_single_strings(name):
    """The algebra from Pauli orbits: dimension, centre, sizes of the ideals; so(6) is su(4) here."""
    form = read_circuit(ansatz(name, 3, 1))
    here, there = closed_algebra(form), algebra_of(Moves.from_form(form))
    sizes = [sorted([d] * c for _, d, c in found.ideals) for found in (here, there)]
    assert (here.dimension, here.centre, sizes[0]) == (there.dimension, there.centre, sizes[1])


IN_THE_ALGEBRA = {
    "ising ring, two angles": {"IIX": 1.0, "IXI": 1.0, "XII": 1.0},
    "ising ring, three angles": {"IZZ": 1.0, "ZZI": 1.0, "ZIZ": 1.0, "IIX": -0.4, "IXI": -0.4, "XII": -0.4},
    "qaoa, one angle for all": {"IIX": 0.5, "IXI": 0.5, "XII": 0.5, "IIZ": 1.0, "IZZ": 1.0, "ZZI": 1.0, "ZIZ": 1.0},
    "heisenberg": {"IXX": 1.0, "IYY": 1.0, "IZZ": 1.0, "XXI": 0.3, "YYI": 0.3, "ZZI": 0.3},
}


@pytest.mark.parametrize("name", IN_THE_ALGEBRA)
def test_purities_and_casimir(name):
    """The law of the algebra alone, against the average over the group on the observable's module, which knows none.

    The control mixes the input, which makes 0.81 of each purity.
    """
    circuit, O, state = read_circuit(circuit_of(LAYERS[name](3), 3, 1)), IN_THE_ALGEBRA[name], product_state(3)
    by_module = deep_mean(Module.of(circuit, O), state).gradients
    found = casimir_mean(circuit, O, state)
    np.testing.assert_allclose(found, by_module, rtol=1e-7, atol=1e-10)
    mixed = casimir_mean(circuit, O, 0.9 * state + 0.1 * np.eye(8) / 8)
    assert not np.allclose(found, mixed, rtol=0.02)


@pytest.mark.parametrize(("name", "label"), [("hva", "IZZ"), ("matchgate", "IIZ")])
def test_purities_of_single_strings(name, label):
    """Against the share of the string's orbit that each gate moves, which is another count."""
    form = read_circuit(ansatz(name, 3, 1))
    orbit = orbit_mean(Moves.from_form(form), {label: 1.0})
    np.testing.assert_allclose(casimir_mean(form, {label: 1.0}, density_matrix(0, 3)), orbit.gradients, atol=1e-12)


def test_refusals():
    theta = Parameter("θ")
    apart = QuantumCircuit(2)
    apart.rx(theta, 0)
    apart.rz(theta, 0)
    with pytest.raises(ValueError, match="do not commute"):
        Generators.from_form(read_circuit(apart))
    large = QuantumCircuit(7)
    for q in range(7):
        large.rx(theta, q)
    with pytest.raises(ValueError, match="up to 6"):
        Generators.from_form(read_circuit(large))
    swapping = QuantumCircuit(2)
    swapping.rx(theta, 0)
    swapping.rx(Parameter("φ"), 1)
    swapping.swap(0, 1)
    minus = QuantumCircuit(2)
    minus.h(1)
    state = density_matrix(read_circuit(minus), 2)
    with pytest.raises(ValueError, match="no one limit"):
        deep_mean(Module.of(read_circuit(swapping), {"IZ": 1.0}), state)
    ring = read_circuit(circuit_of(LAYERS["ising ring, two angles"](3), 3, 1))
    with pytest.raises(ValueError, match="not in the algebra"):
        casimir_mean(ring, {"IIY": 1.0}, product_state(3))
    with pytest.raises(ValueError, match="fixed gates"):
        casimir_mean(read_circuit(swapping), {"IX": 1.0}, state)
    with pytest.raises(ValueError, match="more than 8 dimensions"):
        Module.of(read_circuit(ansatz("hea", 3, 1)), {"IIZ": 1.0}, most=8)
