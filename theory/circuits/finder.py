"""The orbits of an observable's terms: each is searched once, listed where it can be, in closed form where it fills."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbits import Orbit, search
from qntk.theory.circuits.path_families import Family, State
from qntk.theory.circuits.pauli_words import StabiliserState, Words
from qntk.theory.circuits.quadrics import Quadric
from qntk.theory.circuits.spaces import space_of

_MOST_PERIODS = 4096
"""Repetitions after which a class in closed form should have come back."""

Member = tuple[float, Words, int]
Place = tuple[int, int]
"""Which orbit, and the level in it."""


@dataclass(frozen=True)
class OrbitSize:
    """One orbit.

    Attributes:
        size: strings in a class.
        period: repetitions after which the class recurs.
        terms: terms of the observable in the orbit.
        listed: False where the orbit is known in closed form only.
    """

    size: int
    period: int
    terms: int
    listed: bool


class OrbitFinder:
    """Finds and keeps orbits.

    Args:
        moves: the layer.
        most_strings: strings to list for an orbit.
    """

    def __init__(self, moves: Moves, most_strings: int) -> None:
        self.moves, self.most = moves, most_strings
        self.orbits: list[Orbit | tuple[Quadric, ...]] = []
        self.terms: list[int] = []
        self._worths: dict[tuple[Place, int], float] = {}
        self._shares: dict[tuple[int, int], NDArray[np.float64]] = {}

    def find(self, string: Words, terms: int = 1) -> Place:
        """Orbit and level of a string of the observable, which has ``terms`` terms."""
        for index, orbit in enumerate(self.orbits):
            level = orbit.level_of(string) if isinstance(orbit, Orbit) else _level(orbit, string)
            if level is not None:
                self.terms[index] += terms
                return index, level
        listed = search(self.moves, string, self.most)
        self.orbits.append(listed if listed is not None else self._quadrics(string))
        self.terms.append(terms)
        return len(self.orbits) - 1, (listed.level_of(string) or 0) if listed is not None else 0

    def shares(self, place: Place, ahead: int) -> NDArray[np.float64]:
        """Share of the class ``ahead`` levels on that anticommutes with each rotation of the layer, shape (M,)."""
        index, level = place[0], place[1] + ahead
        orbit = self.orbits[index]
        level %= _period(orbit)
        if (index, level) not in self._shares:
            unique, inverse = self._different
            if isinstance(orbit, Orbit):
                found = orbit.shares(unique, level)
            else:
                found = np.array([orbit[level].share(string) for string in unique])
            self._shares[index, level] = found[inverse]
        return self._shares[index, level]

    @cached_property
    def _different(self) -> tuple[Words, NDArray[np.int64]]:
        """The different strings of the layer's rotations, and which of them each rotation has."""
        unique, inverse = np.unique(self.moves.strings, axis=0, return_inverse=True)
        return unique, inverse.ravel()

    def worth(self, place: Place, ahead: int, members: tuple[Member, ...], inputs: tuple[State, ...]) -> float:
        """Mean over the class ``ahead`` levels on of the product over the inputs of Σ_b c_b <P S_b>."""
        plain = len(members) == 1
        key = (place, ahead)
        if plain and key in self._worths:
            return self._worths[key]
        orbit = self.orbits[place[0]]
        level = (place[1] + ahead) % _period(orbit)
        if isinstance(orbit, Orbit):
            strings = orbit.at(level)
            value = float(Family(strings[:1], np.ones(1), members).worth(strings, inputs).mean())
        else:
            states = tuple(state for state in inputs if isinstance(state, StabiliserState))
            if len(states) < len(inputs):
                raise ValueError("the orbit is too large to list: give a stabiliser state, or allow more strings")
            value = orbit[level].mean(members, states)
        if plain:
            self._worths[key] = value
        return value

    def sizes(self) -> tuple[OrbitSize, ...]:
        """All orbits found, largest first."""
        found = [
            OrbitSize(orbit.size if isinstance(orbit, Orbit) else orbit[0].size, _period(orbit), terms, listed)
            for orbit, terms in zip(self.orbits, self.terms, strict=True)
            for listed in [isinstance(orbit, Orbit)]
        ]
        return tuple(sorted(found, key=lambda orbit: -orbit.size))

    def period(self) -> int:
        """Repetitions after which all classes recur."""
        return int(np.lcm.reduce([_period(orbit) for orbit in self.orbits]))

    def _quadrics(self, string: Words) -> tuple[Quadric, ...]:
        """The classes of a string's orbit, one a level."""
        space = space_of(self.moves, string)
        classes = [Quadric(space, string)]
        while len(classes) <= _MOST_PERIODS:
            string = self.moves.pull(string[None])[0]
            if classes[0].holds(string):
                return tuple(classes)
            classes.append(Quadric(space, string))
        raise ValueError(f"the orbit has not come back after {_MOST_PERIODS} repetitions of the circuit")


def _period(orbit: Orbit | tuple[Quadric, ...]) -> int:
    return orbit.period if isinstance(orbit, Orbit) else len(orbit)


def _level(classes: tuple[Quadric, ...], string: Words) -> int | None:
    return next((level for level, quadric in enumerate(classes) if quadric.holds(string)), None)
