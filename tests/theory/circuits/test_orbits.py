"""Orbit law against the exact average of two copies, gate by gate, on the 4^n × 4^n array of all pairs of Paulis."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import stim
import two_copies
from layers import FAMILIES, basis_state, chain, dense, rotations
from qiskit.quantum_info import random_statevector

from qntk.theory.circuits.clifford_frame import Gate, Rotation, RotationFrame
from qntk.theory.circuits.finder import OrbitFinder
from qntk.theory.circuits.moves import FixedRotation, Moves
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.theory.circuits.orbits import Orbit, search
from qntk.theory.circuits.path_families import Family, input_state
from qntk.theory.circuits.pauli_paths import exact_mean
from qntk.theory.circuits.pauli_words import anticommute, pack_label
from qntk.theory.circuits.product_state import ProductState


def agree(
    operations,
    qubits,
    observable,
    first=0,
    second=None,
    states=None,
    layers=(60, 240, 1200),
    rel=1e-6,
    most_strings=2**18,
):
    """Every gate's E g² and E f², with so many layers on either side of the gate (a multiple of the period).

    More where circuits are slow: a right limit is met in the end, a wrong one at no depth.
    """
    moves = Moves.from_operations(qubits, operations)
    law = orbit_mean(moves, observable, first, second, most_strings=most_strings)
    vectors = [two_copies.expectations(state) for state in (states or [basis_state(qubits, 0)])]
    scale = max(1e-9, np.abs(law.gradients).max())
    for depth in layers:
        deep = law.period * -(-depth // law.period)
        found = two_copies.deep_moments(dense(operations, qubits), observable, vectors[0], vectors[-1], deep, deep)
        if np.allclose(found[0], law.gradients, rtol=rel, atol=rel * scale):
            break
    np.testing.assert_allclose(found[0], law.gradients, rtol=rel, atol=rel * scale)
    assert found[1] == pytest.approx(law.output, rel=10 * rel, abs=1e-9)
    return law


OBSERVABLES = [
    {"IIZ": 1.0},
    {"IIX": 1.0, "IZZ": -0.6, "ZZI": 0.5, "XII": 0.3},
    {"YYI": 1.0, "XXX": 0.5, "IXX": 0.7, "III": 0.4, "ZZZ": -1.0},
]


@pytest.mark.parametrize("observable", OBSERVABLES, ids=["Z0", "sum", "interfering"])
@pytest.mark.parametrize("name", FAMILIES)
def test_families_of_circuits(name, observable):
    """Fourteen families at n = 3, every gate, to 1e-6; terms that no gate turns have no gradient, and say so."""
    operations = FAMILIES[name](3)
    span = Moves.from_operations(3, operations).span
    if not any(anticommute(span, pack_label(label)).any() for label in observable):
        with pytest.raises(ValueError, match="its gradients vanish"):
            orbit_mean(Moves.from_operations(3, operations), observable)
        return
    agree(operations, 3, observable)


@pytest.mark.parametrize("name", ["ising ring", "cz ring"])
def test_four_qubits(name):
    agree(FAMILIES[name](4), 4, {"IIIZ": 1.0, "IZZI": 0.5}, layers=(60, 240))


@pytest.mark.parametrize(
    ("name", "qubits", "ratio"),
    [
        ("real amplitudes", 3, 2.025),
        ("real amplitudes", 4, 2 * 17**2 / (16 * 18)),
        ("ising ring", 3, 1.107421875),
        ("ising ring", 4, 1.058349609375),
        ("cz ring", 3, 1.09375),
        ("cz ring", 4, 14 * 17**2 / (15 * 16**2)),
        ("hea", 4, 1.0),
    ],
)
def test_symmetric_limits_are_a_special_case(name, qubits, ratio):
    """The mean over the unitary 2-design value, as ``SymmetricKernelLaw`` and Pauli paths have it."""
    D = 2**qubits
    law = orbit_mean(Moves.from_operations(qubits, FAMILIES[name](qubits)), {"I" * (qubits - 1) + "Z": 1.0})
    assert law.gradients == pytest.approx(ratio * D**2 / (2 * (D + 1) ** 2 * (D - 1)), rel=1e-12)


def test_adding_squares_is_wrong():
    """X0 ± X0·XXX on the Ising ring, input |+++>: the terms interfere, to twice the sum or to nothing."""
    moves = Moves.from_operations(3, FAMILIES["ising ring"](3))
    plus = stim.Circuit("H 0 1 2")
    alone = orbit_mean(moves, {"IIX": 1.0}, plus).value + orbit_mean(moves, {"XXI": 1.0}, plus).value
    assert orbit_mean(moves, {"IIX": 1.0, "XXI": 1.0}, plus).value == pytest.approx(2 * alone, rel=1e-12)
    assert orbit_mean(moves, {"IIX": 1.0, "XXI": -1.0}, plus).value == pytest.approx(0, abs=1e-12)


def test_a_class_of_its_own_for_even_and_odd_depth():
    """RX on both qubits, SWAP, O = Z0, input |0+>: E f² is 1/2 at even depth, 0 at odd."""
    layer = [*chain(2, "X", []), Gate("swap", (0, 1))]
    values = [
        orbit_mean(Moves.from_operations(2, layer), {"IZ": 1.0}, stim.Circuit("H 1"), repetitions=r) for r in (1, 2)
    ]
    assert [v.output for v in values] == [0.0, 0.5]
    assert {v.period for v in values} == {2}


def test_paths_of_deep_circuits_end_in_the_orbit_law():
    """The middle gradient of 240 layers by all Pauli paths; the orbit law of the whole is that of one layer."""
    for name in ("hea", "cz ring", "ising chain"):
        layer = FAMILIES[name](4)
        count = sum(isinstance(operation, Rotation) for operation in layer)
        deep = [
            replace(operation, parameter=operation.parameter + count * depth)
            if isinstance(operation, Rotation)
            else operation
            for depth in range(240)
            for operation in layer
        ]
        paths = exact_mean(RotationFrame.from_operations(4, deep), {"IIIZ": 1.0})
        one = orbit_mean(Moves.from_operations(4, layer), {"IIIZ": 1.0})
        whole = orbit_mean(RotationFrame.from_operations(4, deep), {"IIIZ": 1.0})
        assert whole.gradients == pytest.approx(np.tile(one.gradients, 240), rel=1e-12)
        assert paths.gradients[120 * count : 121 * count] == pytest.approx(one.gradients, rel=1e-4)
        assert paths.gradients[:count] != pytest.approx(one.gradients, rel=0.05)


def test_large_systems():
    """Closed forms: 2n and n(2n-1) strings of the open chain; the unitary and the real mean at 50 qubits."""
    for n in (50, 300):
        law = orbit_mean(Moves.from_operations(n, chain(n, "X", ["ZZ"])), {"I" * (n - 1) + "Z": 1.0})
        assert (law.orbits[0].size, law.gradients[0]) == (2 * n, pytest.approx(1 / (2 * n**2), rel=1e-12))
    law = orbit_mean(Moves.from_operations(60, chain(60, "X", ["ZZ"])), {"I" * 59 + "X": 1.0})
    assert law.orbits[0].size == 60 * 119
    D = 2**50
    for name, size in (("hea", D**2 - 1), ("real amplitudes", D * (D + 1) // 2 - 1)):
        law = orbit_mean(Moves.from_operations(50, FAMILIES[name](50)), {"I" * 49 + "Z": 1.0}, most_strings=1000)
        assert (law.orbits[0].size, law.orbits[0].listed) == (size, False)
        assert law.gradients[7] == pytest.approx(1 / (2 * D) if name == "hea" else 1 / D, rel=1e-12)


def test_closed_forms_against_lists():
    """Orbits of 150 random sets of moves on 2 to 5 qubits: size, period, shares, and sums over one and two inputs."""
    kinds: dict[tuple[bool, int], int] = {}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        qubits = int(rng.integers(2, 6))
        operations = [o for o in random_layer(qubits, rng) if not isinstance(o, FixedRotation)]
        operations = [*operations, *rotations(*[("XYZ"[q % 3], (q,)) for q in range(qubits)])]
        operations = [replace(o, parameter=i) if isinstance(o, Rotation) else o for i, o in enumerate(operations)]
        moves = layer_of(qubits, operations)
        string = pack_label("".join(rng.choice(list("XYZ"), qubits)))
        listed, finder = search(moves, string, 2**12), OrbitFinder(moves, 0)
        assert listed is not None
        try:
            place = finder.find(string)
        except ValueError:
            continue
        filled = finder.orbits[0]
        assert not isinstance(filled, Orbit)
        assert (len(filled), filled[0].size) == (listed.period, listed.size)
        start = listed.level_of(string)
        states = tuple(input_state(int(k), qubits) for k in rng.integers(0, 2**qubits, 2))
        relative = pack_label("".join(rng.choice(list("IZ"), qubits)))
        members = ((1.0, np.zeros_like(relative), 0),) if seed % 2 else ((1.0, 0 * relative, 0), (0.7, relative, 0))
        for level in range(min(2, listed.period)):
            strings = listed.at(start + level)
            assert finder.shares(place, level) == pytest.approx(listed.shares(moves.strings, start + level), abs=1e-12)
            inside = set(map(bytes, strings))
            any_of_all = [pack_label("".join(rng.choice(list("IXYZ"), qubits))) for _ in range(30)]
            for other in [*strings[:5], *any_of_all]:
                assert filled[level].holds(other) == (bytes(other) in inside)
            if len(members) > 1 and anticommute(moves.span, relative).any():
                continue  # no family: members commute with all moves
            for inputs in (states[:1], states):
                worth = Family(strings[:1], np.ones(1), members).worth(strings, inputs).mean()
                assert filled[level].mean(members, inputs) == pytest.approx(worth, abs=1e-12)
        kind = (filled[0].space.form is None, min(1, len(filled[0].space.radical)))
        kinds[kind] = kinds.get(kind, 0) + 1
    assert sum(kinds.values()) >= 30
    assert {symplectic for symplectic, _ in kinds} == {True, False}


def test_refusals():
    chain_of_two = Moves.from_operations(2, chain(2, "X", ["ZZ"]))
    with pytest.raises(ValueError, match="letters"):
        orbit_mean(chain_of_two, {"Z": 1.0})
    with pytest.raises(ValueError, match="multiple of the identity"):
        orbit_mean(chain_of_two, {"II": 1.0})
    with pytest.raises(ValueError, match="no limit in depth"):
        orbit_mean(Moves.from_operations(2, [*rotations(("X", (0,))), FixedRotation("Z", (1,), 0.3)]), {"XZ": 1.0})
    with pytest.raises(ValueError, match="exactly one rotation"):
        Moves.from_operations(1, [Rotation("X", (0,), 0), Rotation("Z", (0,), 0)])
    with pytest.raises(ValueError, match="Majorana"):
        orbit_mean(Moves.from_operations(12, chain(12, "X", ["ZZ"])), {"IIIXIXIXIXIX": 1.0}, most_strings=1000)
    with pytest.raises(ValueError, match="Bloch vector"):
        ProductState(np.array([[1.0, 1.0, 0.0]]))
    with pytest.raises(ValueError, match="has 1 qubits"):
        orbit_mean(chain_of_two, {"IZ": 1.0}, ProductState(np.array([[0.0, 0.0, 1.0]])))


def test_an_encoding_that_is_undone_is_none():
    """Fixed rotations by x and -x with only commuting gates between: R is no move, and the circuit has less to go."""
    turns = rotations(("X", (0,)), ("ZZ", (0, 1)))
    undone = [turns[0], FixedRotation("Z", (0,), 0.4), turns[1], FixedRotation("Z", (0,), -0.4)]
    assert len(Moves.from_operations(2, undone).movers) == 2
    assert len(Moves.from_operations(2, undone[:3]).movers) == 3
    agree(undone, 2, {"IZ": 1.0, "XI": 0.5})


def layer_of(qubits, operations):
    """Moves with parameters numbered anew."""
    order = iter(range(len(operations)))
    return Moves.from_operations(
        qubits, [replace(o, parameter=next(order)) if isinstance(o, Rotation) else o for o in operations]
    )


def random_layer(qubits, rng):
    """Rotations, Clifford gates and fixed rotations in any order."""
    operations, parameters = [], 0
    for _ in range(int(rng.integers(2, 3 * qubits + 2))):
        places = tuple(int(q) for q in rng.permutation(qubits)[: rng.integers(1, qubits + 1)])
        kind = rng.choice(["turn", "turn", "turn", "gate", "fixed"])
        letters = "".join(rng.choice(list("XYZ"), len(places)))
        if kind == "turn":
            operations.append(Rotation(letters, places, parameters))
            parameters += 1
        elif kind == "fixed":
            operations.append(FixedRotation(letters, places, float(rng.uniform(0.4, 1.2))))
        elif len(places) > 1:
            operations.append(Gate(str(rng.choice(["cx", "cz", "swap"])), places[:2]))
        else:
            operations.append(Gate(str(rng.choice(["h", "s"])), places))
    return operations


def random_terms(qubits, rng):
    labels = {"".join(rng.choice(list("IXYZ"), qubits)) for _ in range(rng.integers(1, 9))}
    return {label: float(rng.normal()) for label in sorted(labels)}


def test_random_layers():
    """60 layers on 2 and 3 qubits with sums of terms, product, stabiliser and pairs of inputs."""
    seen = {"law": 0, "periodic": 0, "interfering": 0, "no limit": 0}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        qubits = int(rng.integers(2, 4))
        operations, observable = random_layer(qubits, rng), random_terms(qubits, rng)
        states = [random_statevector(2, seed=rng).data for _ in range(qubits)]
        bloch = np.array([[np.vdot(s, two_copies.PAULI[p] @ s).real for p in "XYZ"] for s in states])
        product = functools.reduce(np.kron, states[::-1])
        product = np.outer(product, product.conj())
        number = int(rng.integers(2**qubits))
        inputs = [
            ((number,), [basis_state(qubits, number)]),
            ((ProductState(bloch),), [product]),
            ((number, ProductState(bloch)), [basis_state(qubits, number), product]),
        ][seed % 3]
        try:
            law = agree(operations, qubits, observable, *inputs[0], states=inputs[1], rel=1e-5)
        except ValueError as error:
            seen["no limit"] += "no limit" in str(error)
            continue
        seen["law"] += 1
        seen["periodic"] += law.period > 1
        moves = Moves.from_operations(qubits, operations)
        alone = 0.0
        for label, coefficient in observable.items():
            try:
                alone += orbit_mean(moves, {label: coefficient}, *inputs[0]).value
            except ValueError:
                continue
        seen["interfering"] += abs(alone - law.value) > 1e-9
    assert seen["law"] >= 50
    assert min(seen.values()) >= 2


def test_a_class_of_its_own_for_each_of_three_depths():
    """RZ on qubit 0, then a cycle 0 → 2 → 1 → 0, O = X0, input qubits with <X> = 0.8, 0.6, 0 and no <Y>.

    After 3m + r layers qubit 0 holds what began at qubit r (modulo 3), turned m times: E f² is half of its <X>².
    """
    layer = [Rotation("Z", (0,), 0), Gate("swap", (0, 1)), Gate("swap", (1, 2))]
    bloch = np.array([[0.8, 0.0, 0.6], [0.6, 0.0, 0.8], [0.0, 0.0, 1.0]])
    found = [
        orbit_mean(Moves.from_operations(3, layer), {"IIX": 1.0}, ProductState(bloch), repetitions=r) for r in (1, 2, 3)
    ]
    assert {law.period for law in found} == {3}
    assert [law.output for law in found] == pytest.approx([0.18, 0, 0.32])


@pytest.mark.parametrize("qubits", [(0, 3), (-1, 0), (1, 1)])
def test_a_gate_that_does_not_fit_is_refused(qubits):
    with pytest.raises(ValueError, match="does not fit on 3 qubits"):
        Moves.from_operations(3, [Rotation("Z", (0,), 0), Gate("swap", qubits)])
