"""Our elementary functions against the C library's, and against identities of exact integers. Seeds are fixed."""

import math

import numpy as np
import pytest
from numba import njit

from qntk.sampling.arithmetic.elementary import FUNCTIONS, sines_cosines, within_two_turns
from qntk.sampling.arithmetic.simd import WIDTH, load, sine_cosine, store

RNG = np.random.default_rng(1)
NEAR, WIDE = 2 * RNG.random(3000) - 1, 10.0 ** (600 * RNG.random(3000) - 300)
POINTS = {
    "sin": np.concatenate([9 * NEAR, 1e5 * NEAR, WIDE]), "cos": np.concatenate([9 * NEAR, 1e5 * NEAR, WIDE]),
    "tan": np.concatenate([9 * NEAR, WIDE]), "asin": NEAR, "acos": NEAR, "atan": np.concatenate([NEAR, -WIDE]),
    "exp": np.concatenate([NEAR, 700 * NEAR]), "log": np.concatenate([1 + NEAR / 3, WIDE]),
}  # fmt: skip
EDGES = {
    "asin": [1, -1, 0, 1e-300, 1.5], "acos": [1, -1, 0, 1 - 1e-16, 1.5], "atan": [np.inf, -np.inf, 0],
    "exp": [np.inf, -np.inf, 709.78, 710, -746, np.nan], "log": [0, -1, np.inf, 5e-324, 1, np.nan], "sin": [np.inf],
}  # fmt: skip


def units(found, wanted):
    """The largest difference in units in the last place."""
    with np.errstate(invalid="ignore"):
        return np.max(np.abs(found - wanted) / np.array([math.ulp(w) for w in wanted]))


@pytest.mark.parametrize("name", POINTS)
def test_four_units_in_the_last_place_from_the_c_library(name):
    x = POINTS[name]
    wanted = np.array([getattr(math, name)(value) for value in x])
    assert units(FUNCTIONS[name](x), wanted) <= 4
    assert units(FUNCTIONS[name](x * (1 + 1e-14)), wanted) > 4, "negative control"


@pytest.mark.parametrize("name", EDGES)
def test_edges_are_those_of_numpy(name):
    x = np.array(EDGES[name], dtype=float)
    numpys = {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan}.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(FUNCTIONS[name](x), numpys(x), rtol=1e-15)


def test_powers():
    x, y = np.concatenate([WIDE, 1 + NEAR / 2]), np.concatenate([NEAR, 20 * NEAR])
    assert units(FUNCTIONS["power"](x, y), np.array([math.pow(a, b) for a, b in zip(x, y, strict=True)])) <= 4
    bases, exponents = np.array([-2.0, -2, 0, 0, 2, -1, 0, -8]), np.array([3.0, 0.5, -1, 2, -1, 0, 0, -3])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(FUNCTIONS["power"](bases, exponents), np.power(bases, exponents))


def test_angles_within_two_turns_are_the_same_rotations():
    angles = np.concatenate([1e4 * NEAR, 1e15 * NEAR])
    within = within_two_turns(angles)
    assert (np.abs(within) < 4 * np.pi).all()
    for ours, given in zip(sines_cosines(within / 2), sines_cosines(angles / 2), strict=True):
        np.testing.assert_allclose(ours, given, atol=2e-15)


@njit
def by_vectors(x, sines, cosines):
    for start in range(0, len(x), WIDTH):
        s, c = sine_cosine(load(x, start))
        store(sines, start, s)
        store(cosines, start, c)


def test_sines_and_cosines_of_vectors():
    """In all four quadrants and up to 1e6: within 2e-16 of the C library's, and a little for its own rounding."""
    x = np.concatenate([9 * NEAR[:2000], 1e5 * NEAR[:1000], np.pi / 4 * np.arange(-8, 8)])
    sines, cosines = np.empty_like(x), np.empty_like(x)
    by_vectors(x, sines, cosines)
    assert abs(sines - np.sin(x)).max() < 4e-16
    assert abs(cosines - np.cos(x)).max() < 4e-16
