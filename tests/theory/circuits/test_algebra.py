"""Dynamical Lie algebras from Pauli strings, against the closure of dense matrices under commutators.

Dimension, centre, rank and number of ideals tell compact algebras of these sizes apart; nothing here knows of strings.
"""

import numpy as np
import pytest
import two_copies
from layers import FAMILIES, LIBRARY, chain, rotations
from qiskit.quantum_info import Operator

from qntk.theory.circuits.algebra import algebra_of
from qntk.theory.circuits.clifford_frame import Gate
from qntk.theory.circuits.moves import FixedRotation, Moves
from qntk.theory.circuits.spaces import _connected

RANK = {
    "su": lambda size: size - 1,
    "so": lambda size: size // 2,
    "sp": lambda size: size,
    "u": lambda size: 1,
}


def closure(generators, rng):
    """An orthonormal basis, as vectors, of the real Lie algebra of iH for Hermitian H; commutators with generators."""
    size = len(generators[0])
    basis, matrices = np.zeros((0, 2 * size**2)), []
    fresh = [1j * g for g in generators]
    while fresh:
        news = []
        for matrix in fresh:
            vector = np.concatenate([matrix.real.ravel(), matrix.imag.ravel()])
            vector = vector / np.linalg.norm(vector)
            rest = vector - basis.T @ (basis @ vector)
            rest -= basis.T @ (basis @ rest)
            if np.linalg.norm(rest) > 1e-8:
                basis = np.concatenate([basis, [rest / np.linalg.norm(rest)]])
                news.append(matrix)
        matrices += news
        fresh = [c for a in news for g in generators for c in [a @ (1j * g) - (1j * g) @ a] if np.linalg.norm(c) > 1e-8]
    return matrices


def adjoint(element, matrices):
    """[element, ·] on the span of matrices that are orthogonal in the trace form or not."""
    flat = np.array([np.concatenate([m.real.ravel(), m.imag.ravel()]) for m in matrices])
    images = np.array(
        [np.concatenate([c.real.ravel(), c.imag.ravel()]) for m in matrices for c in [element @ m - m @ element]]
    )
    return np.linalg.lstsq(flat.T, images.T, rcond=None)[0]


def brute(operations, qubits, rng):
    """Dimension, centre, rank and, for small algebras, number of simple ideals."""
    moving, whole = [], np.eye(2**qubits)
    for operation in operations:
        if isinstance(operation, Gate):
            gate = Operator(np.eye(2**qubits)).compose(LIBRARY[operation.name], list(operation.qubits))
            whole = gate.data @ whole
        else:
            label = two_copies.embed(operation.pauli, operation.qubits, qubits)
            moving.append(whole.conj().T @ two_copies.string(label) @ whole)
    generators, frame = [], moving
    for _ in range(13):  # the Clifford gates of these layers come back by then
        for one in frame:
            if not any(abs(abs(np.vdot(one, other)) - 2**qubits) < 1e-8 for other in generators):
                generators.append(one)
        frame = [whole.conj().T @ g @ whole for g in frame]
    matrices = closure(generators, rng)
    dimension = len(matrices)
    one, two = (
        adjoint(sum(c * m for c, m in zip(rng.standard_normal(dimension), matrices, strict=True)), matrices)
        for _ in range(2)
    )
    rank = dimension - np.linalg.matrix_rank(one, tol=1e-7)
    centre = dimension - np.linalg.matrix_rank(np.concatenate([one, two]), tol=1e-7)
    if dimension > 16:
        return dimension, centre, rank, None
    # What commutes with the adjoint: a number for each simple ideal, and all matrices on the centre.
    eye = np.eye(dimension)
    equations = np.concatenate([np.kron(a, eye) - np.kron(eye, a.T) for a in (one, two)])
    commuting = dimension**2 - np.linalg.matrix_rank(equations, tol=1e-7)
    return dimension, centre, rank, commuting - centre**2


def described(algebra):
    ranks = [RANK[name.partition("(")[0]](int(name[name.index("(") + 1 : -1])) * k for name, _, k in algebra.ideals]
    rank = sum(ranks) + algebra.centre
    return algebra.dimension, algebra.centre, rank, sum(count for _, _, count in algebra.ideals)


CASES = [(name, n) for name in FAMILIES for n in (2, 3) if name != "re-uploading"]
CASES += [(name, 4) for name in ("ising ring", "ising chain", "heisenberg chain", "xy chain", "cz ring")]


@pytest.mark.parametrize(("name", "qubits"), CASES)
def test_an_algebra_is_the_closure_of_its_generators(name, qubits):
    operations = FAMILIES[name](qubits)
    found = described(algebra_of(Moves.from_operations(qubits, operations)))
    expected = brute(operations, qubits, np.random.default_rng(1))
    assert found[:3] == expected[:3]
    assert expected[3] in (None, found[3])


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5, 6, 7, 8])
def test_random_generators(seed):
    rng = np.random.default_rng(seed)
    qubits = int(rng.integers(2, 4))
    turns = []
    for _ in range(int(rng.integers(1, 6))):
        letters = rng.choice(list("IXYZ"), qubits)
        places = tuple(int(q) for q in np.flatnonzero(letters != "I"))
        if places:
            turns.append(("".join(letters[list(places)]), places))
    operations = rotations(*(turns or [("X", (0,))]))
    if rng.integers(2):
        operations += [Gate("swap", (0, 1)), Gate("h", (0,))][: int(rng.integers(1, 3))]
    found = described(algebra_of(Moves.from_operations(qubits, operations)))
    expected = brute(operations, qubits, np.random.default_rng(1))
    assert found[:3] == expected[:3]
    assert expected[3] in (None, found[3])


@pytest.mark.parametrize(
    ("operations", "qubits", "name"),
    [
        (chain(4, "X", ["ZZ"]), 4, "so(8)"),
        (chain(4, "X", ["ZZ"], True), 4, "so(8) ⊕ so(8)"),
        (chain(5, "", ["XX", "YY", "ZZ"]), 5, "su(16)"),
        (chain(4, "", ["XX", "YY"]), 4, "su(2) ⊕ su(2) ⊕ su(2) ⊕ su(2)"),
        (rotations(("X", (0,)), ("Z", (1,))), 2, "u(1) ⊕ u(1)"),
        (FAMILIES["hea"](2), 2, "su(4)"),
        (FAMILIES["hea"](16), 16, "su(2^16)"),
        (FAMILIES["cz ring"](11), 11, "sp(1024)"),
        (FAMILIES["real amplitudes"](14), 14, "so(2^14)"),
        (FAMILIES["qaoa complete graph"](12), 12, "su(2^11) ⊕ su(2^11)"),
        (chain(30, "X", ["ZZ"]), 30, "so(60)"),
    ],
)
def test_names(operations, qubits, name):
    algebra = algebra_of(Moves.from_operations(qubits, operations), most_strings=4096)
    assert algebra.name == name


@pytest.mark.parametrize("name", ["hea", "cz ring", "real amplitudes", "qaoa complete graph", "heisenberg chain"])
@pytest.mark.parametrize("qubits", [4, 5, 6])
def test_what_is_worked_out_is_what_is_listed(name, qubits):
    moves = Moves.from_operations(qubits, FAMILIES[name](qubits))
    try:
        closed = algebra_of(moves, most_strings=40)
    except ValueError as error:  # free fermions, or sets that the Clifford gates exchange
        assert "too large to list" in str(error) or "exchange" in str(error)  # noqa: PT017
        return
    listed = algebra_of(moves)
    assert (closed.dimension, closed.centre) == (listed.dimension, listed.centre)


def test_data_belong_to_the_algebra_where_they_move():
    layer = [*rotations(("X", (0,))), FixedRotation("Z", (0,), 0.3)]
    assert algebra_of(Moves.from_operations(1, layer)).name == "su(2)"


def test_a_wrong_algebra_is_seen():
    """Control: one generator left out."""
    whole = brute(FAMILIES["hea"](2), 2, np.random.default_rng(1))
    assert described(algebra_of(Moves.from_operations(2, FAMILIES["ising chain"](2)))) != whole


def test_what_hangs_together_over_others_is_one_part():
    """0 is linked to 1 and 2, 3 to 2 alone, 4 to 5: two neighbours need not share a third."""
    links = np.zeros((6, 6), dtype=bool)
    for i, j in ((0, 1), (0, 2), (2, 3), (4, 5)):
        links[i, j] = links[j, i] = True
    assert _connected(links).tolist() == [0, 0, 0, 0, 4, 4]
