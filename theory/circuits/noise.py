"""Pauli paths under Pauli noise: the mean of K exactly, and how it decays with depth.

After every gate a channel acts on each of its qubits: ρ → Σ p_A A ρ A over A = I, X, Y, Z. It multiplies a Pauli string
by λ, which depends on its letter there alone; depolarising by p, ρ → (1-p)ρ + p/2, has λ = 1 - p on X, Y and Z. So a
path of ``pauli_paths`` is worth λ² each time that it passes a channel, and two terms that interfere λ_P λ_P', which is
not the same for all members of a family: pairs of members are walked one by one.

In the frame of ``clifford_frame`` the channel on qubit q after the Clifford gates C looks at whether a string
anticommutes with C†X_qC and with C†Z_qC.

Noise leaves no deep limit: K decays. On an orbit one repetition is a matrix without negative entries, T_ℓ of rotations
and λ² of channels, and E K of m repetitions goes as m ρ^m with ρ its largest eigenvalue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import stim
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.clifford_frame import Rotation, RotationFrame, Unitary, operation_of, stim_circuit
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbits import find, keys, search
from qntk.theory.circuits.path_families import Array, Family, families_of
from qntk.theory.circuits.pauli_paths import PathMean
from qntk.theory.circuits.pauli_words import Words, anticommute, multiply, pack_stim, unique_rows

KINDS = {"depolarizing": (0, 0, 0), "dephasing": (0, 0, 1), "bit-flip": (1, 0, 0)}
"""Names of channels; which letter a flip is, none for depolarising."""
_MOST_STEPS = 20_000


@dataclass(frozen=True)
class PauliNoise:
    """The channel after every gate, on each of its qubits.

    Attributes:
        x, y, z: factor λ of a string that has this letter there, from -1 to 1.
    """

    x: float
    y: float
    z: float

    @classmethod
    def parse(cls, text: str) -> PauliNoise:
        """From ``depolarizing=p``, ``dephasing=p`` (Z with probability p), ``bit-flip=p`` (X), or several with commas.

        >>> PauliNoise.parse("depolarizing=0.01")
        PauliNoise(x=0.99, y=0.99, z=0.99)
        """
        factors = np.ones(3)
        for part in text.split(","):
            kind, equals, value = part.strip().partition("=")
            try:
                p = float(value)
            except ValueError:
                p = -1.0
            if kind not in KINDS or not equals or not 0 <= p <= 1:
                raise ValueError(
                    f"noise {text[:60]!r} is none of {', '.join(f'{k}=P' for k in KINDS)} with P from 0 to 1, and no "
                    "file of a noise model"
                )
            flip = np.array(KINDS[kind])
            factors *= 1 - p if not flip.any() else np.where(flip == 1, 1.0, 1 - 2 * p)
        return cls(*(float(f) for f in factors))

    def after(self, place: int, qubits: tuple[int, ...]) -> list[tuple[tuple[int, ...], Array]]:
        """The channels after a gate, as ``GateNoise`` has them."""
        return [((qubit,), np.array([1.0, self.x, self.z, self.y])) for qubit in qubits]


@dataclass(frozen=True, eq=False)
class GateNoise:
    """Pauli channels of each gate's own, on any of the qubits together.

    Attributes:
        channels: after each operation of the normal form its channels: qubits, and λ of each string on them, shape
            (4^k,); letters count 0, 1, 2, 3 for I, X, Z, Y, those of the first qubit are least significant.
    """

    channels: tuple[tuple[tuple[tuple[int, ...], Array], ...], ...]

    def after(self, place: int, qubits: tuple[int, ...]) -> list[tuple[tuple[int, ...], Array]]:
        """The channels after the operation at a place."""
        return list(self.channels[place])


@dataclass(frozen=True, eq=False)
class _Channel:
    """A channel in the frame: C†X_qC and C†Z_qC of its qubits, and λ by letters."""

    x: tuple[Words, ...]
    z: tuple[Words, ...]
    table: Array


Event = int | _Channel
"""A rotation of the frame by its place, or a channel."""


def noisy_mean(
    circuit: NormalForm,
    observable: Mapping[str, float],
    noise: PauliNoise | GateNoise,
    first: Any = 0,
    most_strings: int = 2**22,
) -> PathMean:
    """E K with a Pauli channel after every gate, on each of its qubits; rounding errors only.

    Args:
        circuit: its normal form; each parameter in one rotation, in units of Qiskit's rotations. Every operation of the
            normal form is a gate.
        observable: real coefficients of Pauli labels, leftmost letter on the highest qubit.
        noise: the channel.
        first: input state, as for ``circuits.pauli_paths.exact_mean``; it is prepared without noise.
        most_strings: strings to hold over all rotations.

    Raises ``ValueError`` as ``exact_mean`` does.

    >>> from qntk.inputs.normal_form import Angle, Rotation
    >>> turn = NormalForm(1, ("a",), (Rotation("Y", (0,), Angle(((0, 1.0),), 0.0, None)),), (None,))
    >>> round(noisy_mean(turn, {"Z": 1.0}, PauliNoise.parse("depolarizing=0.1")).value, 6)
    0.405
    """
    events = _events(circuit, noise)
    frame, families, states = families_of(circuit, observable, first, None)
    squares, held, hits = np.zeros(len(frame.rotations)), 0, 0
    for family in families:
        for one in family.members:
            for two in family.members:
                pair = Family(family.starts, family.weights, (one, two))
                part, strings, found = _enumerate(frame, events, pair, states[0], most_strings - held)
                squares, held, hits = squares + part, held + strings, hits + found
    gradients = np.empty(len(squares))
    gradients[frame.parameters] = squares * frame.slopes**2
    return PathMean(float(gradients.sum()), 0.0, gradients, np.zeros(len(gradients)), held, hits)


def decay(
    circuit: NormalForm, observable: Mapping[str, float], noise: PauliNoise | GateNoise, most_strings: int = 2**16
) -> float:
    """The factor ρ by which E K of a deep circuit falls with each repetition, the largest of all orbits.

    1 without noise. Arguments as for ``noisy_mean``; ``most_strings`` of an orbit.

    Raises ``ValueError`` for orbits that are too large to list.
    """
    frame, events = RotationFrame.from_form(circuit), _events(circuit, noise)
    moves = Moves.from_frame(frame)
    largest = 0.0
    for label in observable:
        start = frame.pull_back(label)[0]
        orbit = search(moves, start, most_strings)
        if orbit is None:
            raise ValueError("the orbit is too large to list, so its decay is not known")
        steps = [_step(event, orbit.strings, frame) for event in reversed(events)]
        pulled = find(orbit.keys, keys(moves.pull(orbit.strings), frame.qubits))
        largest = max(largest, _largest(steps, pulled, orbit.period))
    return largest


def _events(circuit: NormalForm, noise: PauliNoise | GateNoise) -> list[Event]:
    """Rotations and channels in time order, in the frame of the beginning."""
    simulator = stim.TableauSimulator()
    simulator.set_num_qubits(circuit.qubits)
    events: list[Event] = []
    turned = 0
    for place, given in enumerate(circuit.operations):
        operation = operation_of(given)
        if isinstance(operation, Rotation):
            events.append(turned)
            turned += 1
        elif isinstance(operation, Unitary):
            simulator.do_tableau(operation.tableau, list(operation.qubits))
        else:
            simulator.do_circuit(stim_circuit(operation))
        inverse = simulator.current_inverse_tableau()
        events += [
            _Channel(
                tuple(pack_stim(inverse.x_output(qubit))[0] for qubit in qubits),
                tuple(pack_stim(inverse.z_output(qubit))[0] for qubit in qubits),
                table,
            )
            for qubits, table in noise.after(place, operation.qubits)
        ]
    return events


def _factors(channel: _Channel, strings: Words) -> Array:
    """λ of each string of shape (N, 2W), shape (N,)."""
    letters = np.zeros(len(strings), dtype=int)
    for place, (x, z) in enumerate(zip(channel.x, channel.z, strict=True)):
        letters += 4**place * (2 * anticommute(strings, x) + anticommute(strings, z))
    found: Array = channel.table[letters]
    return found


def _enumerate(
    frame: RotationFrame, events: list[Event], pair: Family, state: Any, most: int
) -> tuple[Array, int, int]:
    """E (∂_ℓ f)² by rotation from one pair of members: as in ``pauli_paths``, with λλ' where a channel is passed."""
    strings, weights, held = pair.starts, pair.weights, 0
    (c_one, one, power_one), (c_two, two, power_two) = pair.members
    steps: list[Any] = []
    for event in reversed(events):
        if isinstance(event, _Channel):
            factor = _factors(event, strings ^ one) * _factors(event, strings ^ two)
            weights = weights * factor
            steps.append(factor)
            continue
        rotation = frame.rotations[event]
        met = anticommute(strings, rotation)
        held += len(strings) if met.any() else 0
        if held > most:
            raise ValueError(f"more than {held:,} Pauli strings, and most_strings is {most:,}: allow more, or draw K")
        branches, inverse = unique_rows(np.concatenate([strings[met], strings[met] ^ rotation]))
        halves = np.bincount(inverse, weights=np.tile(weights[met] / 2, 2), minlength=len(branches))
        steps.append((event, met, inverse, weights[met]))
        strings, weights = np.concatenate([strings[~met], branches]), np.concatenate([weights[~met], halves])
    worth = np.full(len(strings), c_one * c_two)
    for relative, power in ((one, power_one), (two, power_two)):
        words, more = multiply(strings, relative)
        worth *= state.expectations(words) * (1 - (power + more) % 4)
    hits = int(np.count_nonzero(worth))
    squares = np.zeros(len(frame.rotations))
    for step in reversed(steps):
        if not isinstance(step, tuple):
            worth = worth * step
            continue
        event, met, place, arriving = step
        passing = len(met) - len(arriving)
        before = np.empty(len(met))
        before[~met] = worth[:passing]
        before[met] = worth[passing + place].reshape(2, -1).mean(axis=0)
        squares[event] = arriving @ before[met]
        worth = before
    return squares, held, hits


def _step(event: Event, strings: Words, frame: RotationFrame) -> Any:
    """What an event does to weights on an orbit's strings: λ² of each, or the pairs that it mixes."""
    if isinstance(event, _Channel):
        return _factors(event, strings) ** 2
    rotation = frame.rotations[event]
    here = np.flatnonzero(anticommute(strings, rotation))
    there = find(keys(strings, frame.qubits), keys(strings[here] ^ rotation, frame.qubits))
    return here[here < there], there[here < there]


def _largest(steps: list[Any], pulled: NDArray[np.int64], period: int) -> float:
    """The largest eigenvalue by the power method, over whole periods."""
    weights = np.full(len(pulled), 1 / len(pulled))
    before = 0.0
    for _ in range(_MOST_STEPS):
        grown = 1.0
        for _ in range(period):
            weights[pulled] = weights.copy()
            for step in steps:
                if isinstance(step, tuple):
                    here, there = step
                    weights[here] = weights[there] = (weights[here] + weights[there]) / 2
                else:
                    weights = weights * step
            total = float(weights.sum())
            if total == 0:
                return 0.0
            grown *= total
            weights /= total
        if abs(grown - before) < 1e-13:
            break
        before = grown
    return float(grown ** (1 / period))
