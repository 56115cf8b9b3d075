"""Orbits too large to list, in closed form: the points of a quadric over two elements.

On a space V of moves (``spaces``) the orbit of a string x is everything that the form allows: the y = x + v with v ∈ V,
q(v) + ω(x, v) = 0 (no condition for the symplectic group) and some move of those that hang together that y does not
commute with. A central move that x does not commute with joins V with q = 1.

The points are counted by Gauss sums, which factor over hyperbolic pairs of V. On the strings that a stabiliser state
does not send to 0 the form is affine, so <P>² averages by linear algebra alone. Time goes as n³ at most. Counts are
whole numbers of any size, and exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qntk.theory.circuits.binary import Table, combine, solve
from qntk.theory.circuits.pauli_words import StabiliserState, Words, anticommute, multiply
from qntk.theory.circuits.spaces import Bits, Space


@dataclass(frozen=True, eq=False)
class Quadric:
    """The orbit of a string ``start`` under the isometries of a ``Space``."""

    space: Space
    start: Words

    @property
    def size(self) -> int:
        """Number of strings."""
        dimension = len(self.space.basis)
        total = 1 << dimension
        if self.space.form is not None:
            total = (total + self._gauss(self.start)) // 2
        return total - self._fixed()

    def holds(self, string: Words) -> bool:
        """Whether a string is in the orbit."""
        step = (string ^ self.start)[None]
        if not self.space.holds(step)[0] or not anticommute(self.space.turning, string).any():
            return False
        if self.space.form is None:
            return True
        return bool(self.space.values(step)[0] == anticommute(self.start, step)[0])

    def share(self, mover: Words) -> float:
        """Share that anticommutes with a string."""
        dimension = len(self.space.basis)
        sign = -1 if anticommute(self.start, mover) else 1
        constant = not anticommute(self.space.basis, mover).any()
        character = sign * (1 << dimension) if constant else 0
        total = 1 << dimension
        if self.space.form is not None:
            total = (total + self._gauss(self.start)) // 2
            character = (character + sign * self._gauss(self.start ^ mover)) // 2
        # What the moves that hang together leave is no part of the orbit; a central move may not commute with it.
        outside = self._fixed() if constant and sign < 0 else 0
        return float(Fraction((total - character) // 2 - outside, self.size))

    def mean(self, members: tuple[tuple[float, Words, int], ...], inputs: tuple[StabiliserState, ...]) -> float:
        """Mean over the orbit of Π over the inputs of Σ_b c_b <P S_b>, members as in ``path_families.Family``."""
        one, two = inputs[0], inputs[-1]
        total = sum(
            (
                Fraction(first[0]) * Fraction(second[0]) * self._sum(first, second, one, two)
                for first in members
                for second in members
            ),
            Fraction(0),
        )
        return float(total / self.size)

    def _sum(self, first: Any, second: Any, one: StabiliserState, two: StabiliserState) -> int:
        """Σ <P S_b>₁ <P S_b'>₂ over the orbit: over all solutions, less those that no move moves."""
        equations = [(one.stabilisers, self.start ^ first[1]), (two.stabilisers, self.start ^ second[1])]
        whole = self._signed(equations, first, second, one, two)
        return whole - self._signed([*equations, (self.space.turning, self.start)], first, second, one, two)

    def _signed(self, equations: Any, first: Any, second: Any, one: StabiliserState, two: StabiliserState) -> int:
        """The sum over the v = t·basis with start + v in all the commutants: sign and form are affine there."""
        basis = self.space.basis
        rows = np.concatenate([anticommute(strings[:, None], basis[None]) for strings, _ in equations])
        right = np.concatenate([anticommute(strings, point) for strings, point in equations])
        solution = solve(rows, right)
        if solution is None:
            return 0
        origin, kernel = solution
        points = np.concatenate([origin[None], origin[None] ^ kernel]) if len(kernel) else origin[None]
        words = combine(points, basis) ^ self.start
        sign = np.ones(len(points), dtype=np.int64)
        for state, (_, relative, power) in ((one, first), (two, second)):
            product, more = multiply(words, relative)
            sign *= state.expectations(product) * (1 - (power + more) % 4)
        flips = sign[1:] != sign[0]
        total = 0 if flips.any() else 1 << len(kernel)
        if self.space.form is not None:
            value = self._values(points, words)
            twisted = 0 if (flips ^ (value[1:] != value[0])).any() else 1 << len(kernel)
            total = (total + (1 - 2 * int(value[0])) * twisted) // 2
        return int(sign[0]) * total

    def _values(self, points: Table, words: Words) -> Bits:
        """q(v) + ω(start, v) modulo 2 of v = t·basis for coordinates t, shape (k,)."""
        assert self.space.form is not None
        pairs = len(self.space.left)
        t = points.astype(np.int64)
        form = t @ self.space.form + (t[:, :pairs] * t[:, pairs : 2 * pairs]).sum(axis=1)
        value: Bits = (form + anticommute(self.start, words ^ self.start)) % 2
        return value

    def _gauss(self, point: Words) -> int:
        """Σ over V of (-1)^{q(v) + ω(point, v)}."""
        assert self.space.form is not None
        values = (self.space.form + anticommute(self.space.basis, point)) % 2
        pairs, dimension = len(self.space.left), len(self.space.basis)
        if values[2 * pairs :].any():
            return 0
        sign = 1 - 2 * int(values[:pairs] @ values[pairs : 2 * pairs] % 2)
        return sign << (dimension - pairs)

    def _fixed(self) -> int:
        """How many strings of the quadric the moves that hang together all leave; they are no part of the orbit."""
        pairs, basis = len(self.space.left), self.space.basis
        met = anticommute(basis, self.start)
        if met[2 * pairs : 2 * pairs + self.space.inner].any():
            return 0
        count = len(self.space.radical)
        if self.space.form is None:
            return 1 << count
        if ((self.space.form + met)[2 * pairs :] % 2).any():
            return 1 << (count - 1)
        coordinates = np.concatenate([met[pairs : 2 * pairs], met[:pairs], np.zeros(count, bool)])
        word = combine(coordinates[None], basis) ^ self.start
        return 0 if self._values(coordinates[None], word)[0] else 1 << count
