"""At which depth a repeated circuit meets its orbit law.

The mean of K of m repetitions is a sum over places of a gate: weights of the strings on its one side, values of the
strings on its other. Both are carried together. With π_m the weights after m repetitions and R_m those of strings that
have been differentiated once, a rotation T_ℓ takes (π, R) to (T_ℓ π, T_ℓ R + A_ℓ T_ℓ π), A_ℓ being 1 on the strings
that anticommute with its Pauli string and 0 on the others: the product rule. Then E K(m) = R_m · w, with w the strings'
worth at the input, and one more repetition costs as much as the first.

Law and mean differ by what the two ends add. Once the weights are uniform on their classes, and the values constant,
another repetition adds to the mean what it adds to the law. The difference D is then the same at m and m + p, p the
period, and D over the law falls as 1/m: so a finite scan tells of all depths.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.clifford_frame import RotationFrame
from qntk.theory.circuits.finder import Member, OrbitFinder
from qntk.theory.circuits.moves import FREE, Moves
from qntk.theory.circuits.orbits import Orbit, blocks, find, keys, meets
from qntk.theory.circuits.path_families import Family, State
from qntk.theory.circuits.terms import as_moves, as_state, families_in

Array = NDArray[np.float64]
Index = NDArray[np.int64]
_Name = tuple[int, Any]
_MIXED = 1e-5
"""Distance from uniform weights, and from constant values, that counts as none."""
_MOST_PAIRS = 2**26


@dataclass(frozen=True, eq=False)
class Meeting:
    """The mean of a repeated circuit against its orbit law.

    Attributes:
        repetitions: smallest m so that E K of m repetitions, and of all more, is within the tolerance of the law; None
            if the ends have not faded after as many repetitions as were allowed.
        means: E K of 1, 2, … repetitions as far as they were needed, in units of the observable squared.
        laws: the orbit law's values for them.
    """

    repetitions: int | None
    means: Array
    laws: Array

    @property
    def ratios(self) -> Array:
        """E K over the law; not a number where both are 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.means / self.laws


def meeting(
    circuit: Moves | RotationFrame | NormalForm,
    observable: Mapping[str, float],
    tolerance: float = 0.01,
    first: Any = 0,
    most_repetitions: int = 1024,
    most_strings: int = 2**18,
) -> Meeting:
    """How often a circuit must be repeated, with fresh angles, for E K to be that of its orbit law.

    Args:
        circuit, observable, first, most_strings: as for ``circuits.orbit_law.orbit_mean``; parameters in units of
            Qiskit's rotations.
        tolerance: |E K / law - 1| that counts as met.
        most_repetitions: to try before giving up.

    Raises ``ValueError`` as ``orbit_mean`` does, for orbits that are too large to list, and for fixed rotations that
    are no Clifford gates, which make no Markov chain at finite depth.

    >>> from qntk.theory.circuits.clifford_frame import Rotation
    >>> chain = [Rotation("X", (q,), q) for q in range(3)] + [Rotation("ZZ", (q, q + 1), 3 + q) for q in range(2)]
    >>> found = meeting(Moves.from_operations(3, chain), {"IIZ": 1.0}, tolerance=0.05)
    >>> found.repetitions, found.means[:2].round(4).tolist()
    (9, [0.5, 0.875])
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}; give a positive number")
    walk = _Walk(as_moves(circuit), observable, first, most_strings)
    means, laws = [], []
    last_new = faded = 0
    for m in range(1, most_repetitions + 1):
        fresh = walk.step()
        means.append(walk.mean())
        laws.append(walk.law())
        last_new = m if fresh else last_new
        if not walk.mixed():
            faded = m
        if m > 2 * faded + walk.period and m >= 2 * last_new and walk.cycle is not None:
            found = np.array(means), np.array(laws)
            return Meeting(_from_where(*found, walk.period, tolerance), *found)
    return Meeting(None, np.array(means), np.array(laws))


def _from_where(means: Array, laws: Array, period: int, tolerance: float) -> int:
    """Smallest number of repetitions from which on means are within the tolerance of laws, beyond the scan too."""
    off = np.abs(means - laws)
    wrong = np.flatnonzero(off > tolerance * laws + 1e-13)
    answer = int(wrong[-1]) + 2 if len(wrong) else 1
    for place in range(len(laws) - period, len(laws)):
        gain = laws[place] - laws[place - period] if place >= period else laws[place]
        short = off[place] / tolerance - laws[place]
        if short > 1e-13 and gain > 0:
            answer = max(answer, place + 1 + period * (math.ceil(short / gain - 1e-9) - 1) + 1)
    return answer


class _Walk:
    """Weights, differentiated weights and values of all strings of the orbits, one repetition further at a time."""

    def __init__(self, moves: Moves, observable: Mapping[str, float], first: Any, most: int) -> None:
        if (moves.parameters == FREE).any():
            raise ValueError(
                "the circuit has fixed rotations, or data, that are no Clifford gates: at finite depth draw K instead"
            )
        self.moves, self.observable, self.most = moves, observable, most
        self.inputs: tuple[State, ...] = (as_state(first, moves.qubits),)
        self.families = families_in(moves, observable, 1)[0]
        if not self.families:
            raise ValueError("every term of the observable commutes with every rotation: its gradients vanish")
        self.finder = OrbitFinder(moves, most)
        self.places = [[self.finder.find(string) for string in family.starts] for family in self.families]
        listed = [orbit for orbit in self.finder.orbits if isinstance(orbit, Orbit)]
        if len(listed) < len(self.finder.orbits):
            raise ValueError("the orbit is too large to list, so the depth that reaches it is not known")
        strings = np.concatenate([orbit.strings for orbit in listed])
        offsets = np.cumsum([0, *(orbit.period for orbit in listed)])
        self.classes = np.concatenate([o.levels + b for o, b in zip(listed, offsets[:-1], strict=True)])
        self.counts = np.bincount(self.classes)
        order = np.argsort(keys(strings, moves.qubits))
        self.strings, self.classes = strings[order], self.classes[order]
        self.known = keys(self.strings, moves.qubits)
        self.pulled = find(self.known, keys(moves.pull(self.strings), moves.qubits))
        self.pairs = self._pairs()
        self.squares = (moves.slopes.astype(float) ** 2)[::-1]
        shape = (len(self.families), len(self.strings))
        self.weights, self.turned = np.zeros(shape), np.zeros(shape)
        for row, family in zip(self.weights, self.families, strict=True):
            np.add.at(row, find(self.known, keys(family.starts, moves.qubits)), family.weights)
        self.shares = [[np.zeros(len(moves.strings)) for _ in places] for places in self.places]
        self.repetitions, self.cycle = 0, 1 if all(len(f.members) == 1 for f in self.families) else None
        self.names: list[_Name] = []
        self.first_names: list[_Name] = []
        self.values: dict[_Name, Array] = {}
        self.worths: dict[_Name, Array] = {}

    def _pairs(self) -> list[tuple[Index, Index]]:
        """The strings that each rotation mixes, from the last rotation to the first: one half, and their partners."""
        unique, which = np.unique(self.moves.strings, axis=0, return_inverse=True)
        if len(unique) * len(self.strings) > _MOST_PAIRS:
            raise ValueError("the orbit is too large for so many rotations, so the depth that reaches it is not known")
        found = []
        for rotation in unique:
            met = np.concatenate([meets(b, rotation[None], self.moves.qubits)[:, 0] for b in blocks(self.strings, 1)])
            here = np.flatnonzero(met)
            there = find(self.known, keys(self.strings[here] ^ rotation, self.moves.qubits))
            half = here < there
            found.append((here[half], there[half]))
        return [found[k] for k in which.ravel()[::-1]]

    @property
    def period(self) -> int:
        """Repetitions after which the law's limit recurs."""
        return math.lcm(self.finder.period(), self.cycle or 1)

    def step(self) -> bool:
        """One repetition more; whether terms that interfere have reached relative strings not seen before."""
        self.repetitions += 1
        for each in (self.weights, self.turned):
            each[:, self.pulled] = each.copy()
        for (here, there), square in zip(self.pairs, self.squares, strict=True):
            half = (self.weights[:, here] + self.weights[:, there]) / 2
            self.weights[:, here] = self.weights[:, there] = half
            turned = (self.turned[:, here] + self.turned[:, there]) / 2 + square * half
            self.turned[:, here] = self.turned[:, there] = turned
        for name, value in self.values.items():
            self.values[name] = self._back(value)
        for places, sums in zip(self.places, self.shares, strict=True):
            for place, total in zip(places, sums, strict=True):
                total += self.finder.shares(place, self.repetitions)
        return self._relate()

    def _relate(self) -> bool:
        """Families with their relative strings as they are at the input."""
        if self.cycle is None:
            self.families = families_in(self.moves, self.observable, self.repetitions)[0]
        names = [(row, _label(family.members)) for row, family in enumerate(self.families)]
        if self.cycle is None and self.repetitions > 1 and names == self.first_names:
            self.cycle = self.repetitions - 1
        if self.repetitions == 1:
            self.first_names = names
        fresh = [name for name in names if name not in self.worths]
        for name in fresh:
            family = Family(self.strings[:1], np.ones(1), self.families[name[0]].members)
            self.worths[name] = family.worth(self.strings, self.inputs)
            self.values[name] = self.worths[name]
        self.names = names
        return bool(fresh)

    def _back(self, values: Array) -> Array:
        """Values one repetition further from the input."""
        result = values.copy()
        for here, there in reversed(self.pairs):
            result[here] = result[there] = (result[here] + result[there]) / 2
        pulled: Array = result[self.pulled]
        return pulled

    def mean(self) -> float:
        """E K."""
        return float(sum(row @ self.worths[name] for row, name in zip(self.turned, self.names, strict=True)))

    def law(self) -> float:
        """What the orbits say."""
        squares, total = self.squares[::-1], 0.0
        for family, places, sums in zip(self.families, self.places, self.shares, strict=True):
            for weight, place, share in zip(family.weights, places, sums, strict=True):
                members: tuple[Member, ...] = family.members
                worth = self.finder.worth(place, self.repetitions, members, self.inputs)
                total += weight * worth * float(share @ squares)
        return total

    def mixed(self) -> bool:
        """Whether weights are uniform and values constant on their classes."""
        for row in self.weights:
            if np.abs(row - self._smooth(row)).sum() > _MIXED * row.sum():
                return False
        for name, value in self.values.items():
            if np.abs(value - self._smooth(value)).max() > _MIXED * max(self.worths[name].max(), 1e-300):
                return False
        return True

    def _smooth(self, row: Array) -> Array:
        means: Array = (np.bincount(self.classes, weights=row) / self.counts)[self.classes]
        return means


def _label(members: tuple[Member, ...]) -> Any:
    """What tells one set of relative strings from another."""
    return tuple((coefficient, words.tobytes(), power) for coefficient, words, power in members)
