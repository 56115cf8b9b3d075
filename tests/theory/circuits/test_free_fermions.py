"""The law of free fermions against draws of Haar SO(N) layers, and against state vectors of deep Ising chains.

Assertions on draws: 5 standard errors, or a sup distance of sqrt(ln(2e6)/2n), are passed by a right law in all but one
of a million cases; numbers of draws are fixed before.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from two_copies import string as string_of

import qntk
import qntk.sampling.haar.free_fermions as sampler
from qntk.sampling import sample
from qntk.sampling.haar.free_fermions import FermionLayers
from qntk.theory.circuits.clifford_frame import Rotation
from qntk.theory.circuits.free_fermions import FreeFermionLaw, QuadraticFermionLaw, majorana_degree
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbit_law import orbit_mean


def sup_distance(draws, law):
    values = np.sort(draws)
    steps = np.arange(len(values) + 1) / len(values)
    found = law.cdf(values)
    return max(np.abs(found - steps[1:]).max(), np.abs(found - steps[:-1]).max())


def critical(draws):
    return math.sqrt(math.log(2e6) / (2 * draws))


@pytest.mark.parametrize(("modes", "parameters"), [(2, 1), (2, 4), (3, 4), (5, 12)])
def test_draws_of_orthogonal_layers(modes, parameters):
    draws = sample(FermionLayers(modes, parameters), 12_000, seed=3)
    law = FreeFermionLaw(modes, parameters)
    error = draws.kernel.std() / math.sqrt(len(draws))
    assert abs(draws.kernel.mean() - float(law.mean())) < 5 * error
    squares = (draws.kernel - draws.kernel.mean()) ** 2
    assert abs(squares.mean() - float(law.variance())) < 5 * squares.std() / math.sqrt(len(draws))
    assert sup_distance(draws.kernel, law) < critical(len(draws))
    assert draws.output.var() == pytest.approx(1 / (2 * modes), rel=0.15)
    # Controls: one mode more, and a mean that is right with another shape.
    assert sup_distance(draws.kernel, FreeFermionLaw(modes + 1, parameters)) > critical(len(draws))
    assert sup_distance(np.full(len(draws), float(law.mean())), law) > critical(len(draws))


def test_large_layers():
    draws = sample(FermionLayers(30, 3), 400, seed=5)
    law = FreeFermionLaw(30, 3)
    assert abs(draws.kernel.mean() - float(law.mean())) < 5 * draws.kernel.std() / 20
    assert sup_distance(draws.kernel, law) < critical(400)
    assert sup_distance(draws.kernel, FreeFermionLaw(45, 3)) > critical(400)


@pytest.mark.parametrize("qubits", [3, 5])
def test_state_vectors_of_deep_ising_chains(qubits):
    """Four trained RX between chains of RX and RZZ of many random angles, which scramble all of SO(2n)."""
    deep, trained = 8 * qubits, 4
    circuit = QuantumCircuit(qubits)
    angles = iter(ParameterVector("x", (trained + 1) * deep * (2 * qubits - 1)))
    for gate in range(trained + 1):
        for _ in range(deep):
            for q in range(qubits):
                circuit.rx(next(angles), q)
            for q in range(qubits - 1):
                circuit.rzz(next(angles), q, q + 1)
        if gate < trained:
            circuit.rx(Parameter(f"a{gate}"), qubits // 2)
    kernels = np.asarray(qntk.sample(circuit, "Z0", draws=3000, seed=1, inputs="x").draws.kernel)
    law = FreeFermionLaw(qubits, trained)
    assert abs(kernels.mean() - float(law.mean())) < 5 * kernels.std() / math.sqrt(3000)
    assert sup_distance(kernels, law) < critical(3000)
    assert sup_distance(kernels, FreeFermionLaw(qubits, trained + 1)) > critical(3000)


@pytest.mark.parametrize("kind", [FreeFermionLaw, QuadraticFermionLaw], ids=["linear", "quadratic"])
@pytest.mark.parametrize("modes", [3, 30, 1000])
@pytest.mark.parametrize("parameters", [1, 3, 40])
def test_the_distribution_has_the_exact_moments(kind, modes, parameters):
    law = kind(modes, parameters, coefficient=2.0)
    mean, std = float(law.mean()), math.sqrt(float(law.variance()))
    x = np.concatenate([[0], np.geomspace(1e-9 * mean, mean + 60 * std, 6000)])
    above = 1 - law.cdf(x)
    assert np.trapezoid(above, x) == pytest.approx(mean, rel=1e-4)
    assert np.trapezoid(2 * x * above, x) == pytest.approx(mean**2 + std**2, rel=3e-4)
    assert law.cdf(law.quantiles([0.1, 0.5, 0.99])) == pytest.approx([0.1, 0.5, 0.99], abs=1e-9)
    near = np.array([0.5, 1.0, 2.0]) * mean
    slope = (law.cdf(near * 1.001) - law.cdf(near * 0.999)) / (0.002 * near)
    np.testing.assert_allclose(law.pdf(near), slope, rtol=2e-3)


def test_one_parameter_of_two_modes_by_hand():
    # W uniform on [0, 1] of N = 4 has density 2(1-w); E W² = 1/6, E v = 3/4.
    assert FreeFermionLaw(2, 1).moments(1) == [1, Fraction(1, 8)]


def test_two_modes():
    """N = 4, W uniform-like: the linear law has its moments; a quadratic one has moments and says so."""
    law = FreeFermionLaw(2, 3)
    x = np.linspace(0, 3, 20_000)
    assert np.trapezoid(1 - law.cdf(x), x) == pytest.approx(float(law.mean()), rel=1e-3)
    assert float(QuadraticFermionLaw(2, 3).mean()) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="3 or more"):
        QuadraticFermionLaw(2, 3).quantiles([0.5])


def test_degrees_by_multiplying_matrices():
    """Jordan-Wigner operators as matrices: a string of degree d anticommutes with all of the others' operators…"""
    for string, others in (("X", "ZY"), ("Z", "XY")):
        singles = [string_of("I" * (2 - q) + letter + string * q) for q in range(3) for letter in others]
        for first, one in enumerate(singles):
            for second, two in enumerate(singles):
                assert np.allclose(one @ two + two @ one, 2 * np.eye(8) * (first == second))
        for letters in itertools.product("IXYZ", repeat=3):
            label = "".join(letters)
            # A product of d of 2n anticommuting operators meets them with signs (-1)^d, but for its own d: (-1)^(d-1).
            signs = [np.allclose(string_of(label) @ g, g @ string_of(label)) for g in singles]
            degree = majorana_degree(label, string)
            assert sum(signs) == (degree if degree % 2 else 6 - degree), label


@pytest.mark.parametrize("qubits", [4, 40])
def test_the_mean_is_the_orbits(qubits):
    turns = [("X", (q,)) for q in range(qubits)] + [("ZZ", (q, q + 1)) for q in range(qubits - 1)]
    moves = Moves.from_operations(qubits, [Rotation(p, places, k) for k, (p, places) in enumerate(turns)])
    law = FreeFermionLaw(qubits, len(turns))
    assert float(law.mean()) == pytest.approx(orbit_mean(moves, {"I" * (qubits - 1) + "Z": 1.0}).value, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"), [((1, 3), "modes"), ((3, 0), "parameters"), ((3, 1, 0.0), "coefficient")]
)
def test_no_such_law(arguments, words):
    with pytest.raises(ValueError, match=words):
        FreeFermionLaw(*arguments)


def test_quantiles_need_probabilities():
    with pytest.raises(ValueError, match="between 0 and 1"):
        FreeFermionLaw(3, 2).quantiles([0.0])


def test_draws_depend_on_the_seed_alone_and_bad_sizes_are_refused():
    one, same, other = (sample(FermionLayers(3, 2), 50, seed=s, workers=w) for s, w in ((1, 1), (1, 2), (2, 1)))
    assert one.kernel.tobytes() == same.kernel.tobytes()
    assert not np.array_equal(one.kernel, other.kernel)
    with pytest.raises(ValueError, match="modes >= 2"):
        FermionLayers(1, 2)
    with pytest.raises(ValueError, match="kind"):
        FermionLayers(3, 2, "cubic")


@pytest.mark.parametrize("kind", ["linear", "quadratic"])
def test_draws_are_sums_of_squared_shifts_of_matrices(kind, monkeypatch):
    """The kernels of the very same layers by parameter shift, R multiplied out and u a covariance matrix; 1e-12."""
    seen = []
    whole = sampler._Layer.__init__

    def kept(self, draws, size, rng):
        whole(self, draws, size, rng)
        seen.append(self.forward(np.tile(np.eye(size), (draws, 1, 1))))

    monkeypatch.setattr(sampler._Layer, "__init__", kept)
    drawn = FermionLayers(3, 4, kind, coefficient=2.0).draw(5, np.random.default_rng(3))
    np.testing.assert_allclose(seen[0] @ seen[0].transpose(0, 2, 1), np.tile(np.eye(6), (5, 1, 1)), atol=1e-14)
    rng = np.random.default_rng(3)
    for _ in range(5):
        whole(object.__new__(sampler._Layer), 5, 6, rng)
    angles = rng.uniform(0, 2 * np.pi, (4, 5))

    def outputs(at, shift):
        R = seen[0]
        for place, layer in enumerate(seen[1:5]):
            turn = np.tile(np.eye(6), (5, 1, 1))
            angle = angles[place] + shift * (place == at)
            turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle)
            turn[:, 1, 0] = np.sin(angle)
            turn[:, 0, 1] = -np.sin(angle)
            R = layer @ turn @ R
        if kind == "linear":
            return 2 * R[:, 0, 0]
        u = np.kron(np.eye(3), [[0, 1], [-1, 0]])
        return 2 * (R @ u @ R.transpose(0, 2, 1))[:, 0, 1]

    kernel = sum((outputs(k, np.pi / 2) - outputs(k, -np.pi / 2)) ** 2 / 4 for k in range(4))
    np.testing.assert_allclose(drawn.kernel, kernel, atol=1e-12)
    np.testing.assert_allclose(drawn.output, outputs(-1, 0.0), atol=1e-12)


def check_moments(kernels, law, other):
    """Mean and variance within 5 standard errors each; another law is outside in one of them."""

    def off(law):
        squares = (kernels - kernels.mean()) ** 2
        root = math.sqrt(len(kernels))
        return (
            abs(kernels.mean() - float(law.mean())) / (kernels.std() / root),
            abs(squares.mean() - float(law.variance())) / (squares.std() / root),
        )

    assert max(off(law)) < 5
    assert max(off(other)) > 5


@pytest.mark.parametrize(("modes", "parameters"), [(2, 2), (3, 3), (6, 4)])
def test_draws_of_quadratic_observables(modes, parameters):
    """12 000 draws of covariance matrices; controls: another mode, and the law of linear observables."""
    draws = sample(FermionLayers(modes, parameters, "quadratic"), 12_000, seed=6)
    law = QuadraticFermionLaw(modes, parameters)
    if modes > 2:
        assert sup_distance(draws.kernel, law) < critical(len(draws))
        assert sup_distance(draws.kernel, QuadraticFermionLaw(modes + 1, parameters)) > critical(len(draws))
    check_moments(draws.kernel, law, QuadraticFermionLaw(modes + 1, parameters))
    check_moments(draws.kernel, law, FreeFermionLaw(modes, parameters))


@pytest.mark.parametrize("qubits", [3, 5])
def test_state_vectors_of_deep_matchgates(qubits):
    """Four trained RZ between deep random chains of RZ and RXX, Z0 in |0…0>; 4000 draws."""
    deep, trained = 8 * qubits, 4
    circuit = QuantumCircuit(qubits)
    angles = iter(ParameterVector("x", (trained + 1) * deep * (2 * qubits - 1)))
    for gate in range(trained + 1):
        for _ in range(deep):
            for q in range(qubits):
                circuit.rz(next(angles), q)
            for q in range(qubits - 1):
                circuit.rxx(next(angles), q, q + 1)
        if gate < trained:
            circuit.rz(Parameter(f"a{gate}"), qubits // 2)
    kernels = np.asarray(qntk.sample(circuit, "Z0", draws=4000, seed=2, inputs="x").draws.kernel)
    law, longer = (QuadraticFermionLaw(qubits, L) for L in (trained, trained + 1))
    check_moments(kernels, law, longer)
    assert sup_distance(kernels, law) < critical(4000)
    assert sup_distance(kernels, longer) > critical(4000)


@pytest.mark.parametrize("qubits", [3, 12, 40])
def test_the_mean_of_quadratic_observables_is_that_of_orbits(qubits):
    turns = [Rotation("Z", (q,), q) for q in range(qubits)]
    turns += [Rotation("XX", (q, q + 1), qubits + q) for q in range(qubits - 1)]
    orbit = orbit_mean(Moves.from_operations(qubits, turns), {"I" * (qubits - 1) + "Z": 1.0})
    assert float(QuadraticFermionLaw(qubits, len(turns)).mean()) == pytest.approx(orbit.value, rel=1e-12)
