"""Averages by pairing invariants, against group integrals known in closed form and sampled matrices."""

from fractions import Fraction

import numpy as np
import pytest
from qiskit.quantum_info import random_hermitian
from scipy.stats import ortho_group, unitary_group

from qntk.theory.haar.invariants import average

FALSE_FAIL_SIGMAS = 4.9
"""Two-sided false-fail probability 1e-6 an assertion."""


def evaluate(expression, constants):
    total = 0
    for words, value in expression.items():
        product = complex(value)
        for word in words:
            product *= np.trace(np.linalg.multi_dot([*(constants[i] for i in word), np.eye(len(constants[0]))]))
        total += product
    return total.real


def powers(matrix):
    return {k: Fraction(float(np.trace(np.linalg.matrix_power(matrix, k)).real)) for k in range(1, 5)}


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_unitary_averages_against_the_twirl_on_four_copies(dimension, copies):
    """In dimension 2 and 3 the invariants of order 4 are dependent; the average is nonetheless unique."""
    matrix, *constants = (random_hermitian(dimension, seed=s).data for s in range(5))
    twirled = copies(dimension, 4)
    mixed = np.trace(
        twirled.twirl(twirled.on_all(matrix))
        @ np.linalg.multi_dot([twirled.on_copy(constants[i], i) for i in range(4)])
    )
    four = average(tuple(((i,),) for i in range(4)), powers(matrix), dimension)
    assert evaluate(four, constants) == pytest.approx(mixed.real, rel=1e-9)


@pytest.mark.parametrize("group", ["unitary", "orthogonal", "symplectic"])
@pytest.mark.parametrize("sign", [1, -1])
def test_words_against_sampled_matrices(group, sign, haar_symplectic):
    """Tr(X̃R₀X̃R₁X̃R₀X̃R₁) and Tr(X̃R₀X̃R₁)², 20 000 matrices of dimension 6: a change of about 5 % would show."""
    dimension, size = 6, 20_000
    rng = np.random.default_rng(np.random.SeedSequence([8, sign + 1]))
    form = {"orthogonal": np.eye(6), "symplectic": np.kron([[0, 1], [-1, 0]], np.eye(3)), "unitary": None}[group]
    matrix, first, second = (random_hermitian(dimension, seed=s + 20).data for s in range(3))
    if form is not None:
        matrix, first, second = (m + sign * form @ m.T @ np.linalg.inv(form) for m in (matrix, first, second))
    matrix = matrix + (4 * np.eye(6) if sign == 1 else 0)
    if group == "symplectic":
        haar = haar_symplectic(dimension, size, rng)
    else:
        haar = (ortho_group if group == "orthogonal" else unitary_group).rvs(dimension, size=size, random_state=rng)
    moved = haar @ matrix @ haar.conj().transpose(0, 2, 1)
    step = moved @ first @ moved @ second
    samples = {
        (((0,), (1,), (0,), (1,)),): np.einsum("nij,nji->n", step, step).real,
        (((0,), (1,)), ((0,), (1,))): np.einsum("nii->n", step).real ** 2,
    }
    for traces, values in samples.items():
        expected = evaluate(
            average(traces, powers(matrix), dimension, group, sign if form is not None else 0), [first, second]
        )
        error = values.std() / size**0.5
        assert abs(values.mean() - expected) < FALSE_FAIL_SIGMAS * error
        if form is not None:  # negative control: the other sign, or no transposition at all
            wrong = evaluate(average(traces, powers(matrix), dimension), [first, second])
            assert abs(values.mean() - wrong) > FALSE_FAIL_SIGMAS * error


def test_the_sign_belongs_to_the_group():
    with pytest.raises(ValueError, match="sign"):
        average((((),),), {1: Fraction(1)}, 4, "unitary", 1)
