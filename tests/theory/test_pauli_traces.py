"""Traces of powers of Pauli sums against dense matrices and exact spectra; the whole against the sum of its parts."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp

from qntk.theory import OperatorMoments, pauli_traces
from qntk.theory.pauli_traces import normalised_traces


def masks(label):
    x, z = (int("".join("1" if p in letters else "0" for p in label), 2) for letters in ("XY", "ZY"))
    return x, z


def chain(qubits, terms, periodic=False):
    """The same terms on every place of a chain, ``{"ZZ": -1, "X": 0.5}``."""
    result = {}
    for text, coefficient in terms.items():
        for start in range(qubits if periodic else qubits - len(text) + 1):
            label = ["I"] * qubits
            for offset, letter in enumerate(text):
                label[(start + offset) % qubits] = letter
            result["".join(label)] = Fraction(coefficient)
    return result


XXZ = {"XX": -1, "YY": -1, "ZZ": Fraction(-3, 2), "Z": -2}


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.dictionaries(st.text("IXYZ", min_size=n, max_size=n), st.integers(-3, 3), min_size=1)
    )
)
def test_against_dense_matrices(terms):
    terms = {label: c for label, c in terms.items() if set(label) != {"I"}}
    matrix = SparsePauliOp(list(terms) or ["I"], [float(c) for c in terms.values()] or [0.0]).to_matrix()
    expected = [np.trace(np.linalg.matrix_power(matrix, k)).real / len(matrix) for k in range(9)]
    found = normalised_traces({masks(label): Fraction(c) for label, c in terms.items()})
    np.testing.assert_allclose([float(m) for m in found], expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("terms", [XXZ, {"ZZ": -1, "X": -1}, {"XYZ": 2, "Y": 1, "ZX": Fraction(1, 3)}])
@pytest.mark.parametrize("periodic", [False, True])
def test_the_sum_over_parts_is_the_whole(terms, periodic):
    """Whatever way is cheaper: both must give the same integers."""
    items = sorted(
        ((*masks(label), int(6 * c)) for label, c in chain(9, terms, periodic).items()), key=lambda i: i[0] | i[1]
    )
    whole = pauli_traces._moments(pauli_traces._pack(items), 6)
    parts = pauli_traces._parts(items, 6, 10**9)
    assert pauli_traces._from_cumulants(pauli_traces._local_cumulants(parts, 6)) == whole
    shorter = [part[: len(part) // 2 + 1] for part in parts]  # a reach that is too short is seen
    assert pauli_traces._from_cumulants(pauli_traces._local_cumulants(shorter, 6)) != whole


def test_a_long_chain_against_its_exact_spectrum():
    """ΣX is binomial."""
    n = 150
    found = normalised_traces({masks(label): c for label, c in chain(n, {"X": 1}).items()})
    expected = [Fraction(sum(math.comb(n, k) * (n - 2 * k) ** j for k in range(n + 1)), 2**n) for j in range(9)]
    assert found == expected


def test_moments_of_a_chain_grow_as_cumulants_do():
    """Every cumulant of an open chain is linear in its length, once that exceeds the reach of eight strings."""
    cumulants = []
    for n in (14, 15, 16, 60):
        found = normalised_traces({masks(label): c for label, c in chain(n, XXZ).items()})
        cumulants.append(pauli_traces._cumulants(found))
    for one, two, three, far in zip(*cumulants, strict=True):
        assert three - two == two - one
        assert far - three == 44 * (two - one)


def test_free_fermions_at_sixty_sites():
    """The open Ising chain has the spectrum Σ ±ε_k, ε_k the singular values of a bidiagonal matrix."""
    n = 60
    moments = OperatorMoments.from_pauli_sum(chain(n, {"ZZ": -1, "X": -1}))
    couplings = np.diag(np.ones(n)) + np.diag(np.ones(n - 1), 1)
    epsilon = np.linalg.svd(couplings, compute_uv=False)
    even = {2: 1.0, 4: -2.0, 6: 16.0, 8: -272.0}  # cumulants of ±1
    kappa = [even.get(k, 0.0) * np.sum(epsilon**k) for k in range(9)]
    raw = [1.0]
    for m in range(1, 9):
        raw.append(sum(math.comb(m - 1, k - 1) * kappa[k] * raw[m - k] for k in range(1, m + 1)))
    a5, a6, a8 = moments.higher
    for value, power in ((moments.a2, 2), (moments.a3, 3), (moments.a4, 4), (a5, 5), (a6, 6), (a8, 8)):
        assert float(value / 2**n) == pytest.approx(raw[power], rel=1e-12, abs=1e-9)


def test_strings_beyond_one_word_beside_short_ones():
    """Z0Z69, X0, Y69 and X0X35 on seventy qubits have the traces of Z0Z2, X0, Y2 and X0X1 on three."""

    def summed(middle, last):
        strings = [(0, 1 | 1 << last), (1, 0), (1 << last, 1 << last), (1 | 1 << middle, 0)]
        return dict(zip(strings, map(Fraction, (1, 2, 3, 1)), strict=True))

    assert normalised_traces(summed(35, 69)) == normalised_traces(summed(1, 2))
