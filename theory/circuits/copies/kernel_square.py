r"""E K² of a given circuit, so the variance of its kernel: four copies of the circuit at the same angles.

Copies 1 and 2 make one K, copies 3 and 4 the other. Four strings go backwards; a free turn about Q takes those that
meet it to cosθ P + sinθ iQP, and for a derivative to -sinθ P + cosθ iQP, and the average over θ is E cosⁱ sinʲ: ½ for a
square, 3/8 for a fourth power, 1/8 for cos² sin², 0 where i or j is odd. A weight is a number in the algebra of ε₁, ε₂
with ε² = 0: a derivative of copies 1 and 2 brings ε₁, of copies 3 and 4 ε₂. At the beginning, the parts of 1, ε₁ and
ε₁ε₂ are E f⁴, E f²K and E K². Copies of one pair, and the pairs, may be swapped, so that equal tuples are merged in
one order. Turns on single qubits that come first are a product over qubits, each a table of 4⁴ numbers.

Tuples are up to 64ⁿ/8. Where there are more than can be held, a random part is kept, each with the inverse of its
chance for weight (priority by its share): unbiased, and the scatter of repetitions is the error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.copies.turns import Turn, first_and_rest, letters_of, terms_at_beginning, turns_of
from qntk.theory.circuits.pauli_words import LETTERS, Words, anticommute, unique_rows

Array = NDArray[np.float64]
COPIES = 4
_MOMENTS = {(0, 0): 1.0, (2, 0): 0.5, (0, 2): 0.5, (4, 0): 0.375, (2, 2): 0.125, (0, 4): 0.375}
"""E cosⁱ sinʲ of a uniform angle; all others are 0."""
_PIECE = 2**16


@dataclass(frozen=True)
class KernelSquare:
    """Second moments of K and f over uniform free angles.

    Attributes:
        value: E K².
        error: its standard error; 0 where no tuple was left out.
        output: E f⁴ (of O without its trace).
        cross: E f²K.
        tuples: of four strings, the most that were held.
        repetitions: 1 where it is exact.
    """

    value: float
    error: float
    output: float
    cross: float
    tuples: int
    repetitions: int

    @property
    def exact(self) -> bool:
        """Whether nothing was drawn."""
        return self.repetitions == 1


def kernel_square(
    form: NormalForm,
    observable: Mapping[str, float],
    trained: int | None = None,
    most_tuples: int = 2**18,
    repetitions: int = 8,
    seed: int = 20221114,
) -> KernelSquare:
    """E K² of a circuit of Clifford gates, gates on one qubit and Pauli rotations, its input being |0…0>.

    Args:
        form: without inputs; each parameter in one rotation.
        observable: real coefficients of Pauli labels, leftmost letter on the highest qubit.
        trained: K is over the first so many parameters, all by default; the others are averaged alone.
        most_tuples: to hold at once; beyond, parts of this size are drawn.
        repetitions: of the drawing, at least 2; or 0, so as to refuse where it is not exact.
        seed: of the drawing.

    Raises ``ValueError`` for what does not fit (``turns``), and for more than most_tuples terms⁴.
    """
    if repetitions not in (0, *range(2, 10_001)):
        raise ValueError(f"repetitions is {repetitions}; a standard error needs at least 2, and 0 refuses to draw")
    turns, clifford, places = turns_of(form)
    strings, coefficients, _ = terms_at_beginning(observable, clifford, form.qubits)
    if len(strings) ** COPIES > most_tuples:
        raise ValueError(
            f"{len(strings)} terms make {len(strings) ** COPIES:,} tuples, and most_tuples is {most_tuples:,}"
        )
    kept = len(form.parameters) if trained is None else trained
    counted = [turn.slope != 0 and place < kept for turn, place in zip(turns, places, strict=True)]
    walk = _Walk(
        *first_and_rest(turns, form.qubits), dict(zip(map(id, turns), counted, strict=True)), most_tuples, repetitions
    )
    grid = np.array(np.meshgrid(*[np.arange(len(strings))] * COPIES, indexing="ij")).reshape(COPIES, -1).T
    start = np.zeros((len(grid), 4))
    start[:, 0] = coefficients[grid].prod(axis=1)
    rng = np.random.default_rng(seed)
    found = [walk.back(strings[grid], start, form.qubits, rng)]
    if walk.drawn:
        found += [walk.back(strings[grid], start, form.qubits, rng) for _ in range(repetitions - 1)]
    means, spread = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(max(len(found) - 1, 1))
    return KernelSquare(
        float(means[3]), float(spread[3]), float(means[0]), float(means[1] + means[2]) / 2, walk.held[0], len(found)
    )


@dataclass(frozen=True, eq=False)
class _Walk:
    """Leading turns on single qubits, all others, and which of them K counts."""

    first: list[tuple[int, Turn]]
    rest: list[Turn]
    counted: dict[int, bool]
    most: int
    repetitions: int
    held: list[int] = field(default_factory=lambda: [0])
    drawn: list[bool] = field(default_factory=list)

    def back(self, tuples: Words, weights: Array, qubits: int, rng: np.random.Generator) -> Array:
        """The four parts of the sum, from tuples (N, 4, 2W) at the end."""
        tuples, weights = _merged(tuples, weights)
        for turn in reversed(self.rest):
            found = [
                (to, sign[:, None] * _times(weights[rows], part))
                for rows, to, sign, part in self._branches(turn, tuples)
            ]
            if not found:
                return np.zeros(4)
            tuples, weights = _merged(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
            self.held[0] = max(self.held[0], len(tuples))
            if len(tuples) > self.most:
                if not self.repetitions:
                    raise ValueError(f"more than {self.most:,} tuples of four Pauli strings: allow more, or draw K")
                self.drawn.append(True)
                tuples, weights = _drawn(tuples, weights, self.most, rng)
        tables = self._tables(qubits)
        total = np.zeros(4)
        for begin in range(0, len(tuples), _PIECE):
            piece, worth = tuples[begin : begin + _PIECE], weights[begin : begin + _PIECE]
            letters = letters_of(piece.reshape(-1, piece.shape[-1]), qubits).reshape(len(piece), COPIES, qubits)
            places = np.einsum("nkq,k->nq", letters, 4 ** np.arange(COPIES)[::-1])
            for qubit in np.flatnonzero(places.any(axis=0)):
                worth = _times(worth, tables[qubit][places[:, qubit]])
            total += worth.sum(axis=0)
        return total

    def _branches(self, turn: Turn, tuples: Words) -> Iterator[tuple[NDArray[np.int64], Words, Array, Array]]:
        """Rows that meet a turn in one way, where they go, with which sign, and the weight of it."""
        met = anticommute(tuples, turn.string)
        patterns = met @ (1 << np.arange(COPIES))
        for pattern in np.unique(patterns):
            rows = np.flatnonzero(patterns == pattern)
            copies = [k for k in range(COPIES) if pattern >> k & 1]
            for flips, part in _outcomes(turn, copies, self.counted[id(turn)]):
                to, sign = tuples[rows].copy(), np.ones(len(rows))
                for k in flips:
                    to[:, k], signs = turn.turned(to[:, k])
                    sign *= signs
                yield rows, to, sign, part

    def _tables(self, qubits: int) -> Array:
        """What four letters on each qubit are worth after its leading turns, shape (n, 256, 4)."""
        digits = np.array(np.meshgrid(*[np.arange(4)] * COPIES, indexing="ij")).reshape(COPIES, -1).T
        everything = LETTERS[digits]
        tables = np.zeros((qubits, 4**COPIES, 4))
        tables[:, :, 0] = np.isin(digits, (0, 2)).all(axis=1)
        for qubit, turn in self.first:
            letter = int(letters_of(turn.string[None], qubits)[0, qubit])
            local = Turn(LETTERS[letter], turn.sign, turn.slope, turn.angles)
            self.counted[id(local)] = self.counted[id(turn)]
            fresh = np.zeros((4**COPIES, 4))
            for rows, to, sign, part in self._branches(local, everything):
                places = letters_of(to.reshape(-1, 2), 1).reshape(-1, COPIES) @ 4 ** np.arange(COPIES)[::-1]
                fresh[rows] += sign[:, None] * _times(tables[qubit][places], part)
            del self.counted[id(local)]
            tables[qubit] = fresh
        return tables


def _outcomes(turn: Turn, met: list[int], counted: bool) -> Iterator[tuple[list[int], Array]]:
    """Which of the copies that a turn meets it flips, and the weight of that with derivatives of neither pair, of one,
    of the other, and of both."""
    for chosen in range(1 << len(met)):
        flips = [k for i, k in enumerate(met) if chosen >> i & 1]
        if not turn.slope:
            angle = float(turn.angles[0])
            part = np.array([np.cos(angle) ** (len(met) - len(flips)) * np.sin(angle) ** len(flips), 0.0, 0.0, 0.0])
        else:
            part = np.zeros(4)
            for place, differentiated in enumerate(((), (0, 1), (2, 3), (0, 1, 2, 3))):
                if differentiated and not (counted and set(differentiated) <= set(met)):
                    continue
                sines = [k for k in met if (k in flips) != (k in differentiated)]
                stays = sum(k not in flips for k in differentiated)
                moment = _MOMENTS.get((len(met) - len(sines), len(sines)), 0.0)
                part[place] = (-1) ** stays * moment * turn.slope ** len(differentiated)
        if part.any():
            yield flips, part


def _times(one: Array, two: Array) -> Array:
    """Products of numbers a + bε₁ + cε₂ + dε₁ε₂, on the last axis."""
    a, b, c, d = np.moveaxis(one, -1, 0)
    e, f, g, h = np.moveaxis(two, -1, 0)
    return np.stack([a * e, a * f + b * e, a * g + c * e, a * h + d * e + b * g + c * f], axis=-1)


def _merged(tuples: Words, weights: Array) -> tuple[Words, Array]:
    """Equal tuples as one, up to the order in a pair and of the pairs, and none of weight zero."""
    ordered = tuples.copy()
    for one, two in ((0, 1), (2, 3)):
        swap = _before(tuples[:, two], tuples[:, one])
        ordered[swap, one], ordered[swap, two] = tuples[swap, two], tuples[swap, one]
    pairs = ordered.reshape(len(tuples), 2, -1)
    swap = _before(pairs[:, 1], pairs[:, 0])
    pairs[swap] = pairs[swap][:, ::-1]
    weights = np.where(swap[:, None], weights[:, [0, 2, 1, 3]], weights)
    places, inverse = unique_rows(_packed(ordered.reshape(len(tuples), -1)))
    gather = sparse.csr_matrix((np.ones(len(inverse)), (inverse, np.arange(len(inverse)))), (len(places), len(inverse)))
    one_of = np.empty(len(places), dtype=np.int64)
    one_of[inverse] = np.arange(len(inverse))
    total = np.asarray(gather @ weights)
    alive = total.any(axis=1)
    return ordered[one_of[alive]], total[alive]


def _packed(rows: Words) -> Words:
    """The same rows told apart by fewer words, where few bits of each are used."""
    bits = max(int(rows.max(initial=0)).bit_length(), 1)
    group = 64 // bits
    columns = [rows[:, i : i + group] for i in range(0, rows.shape[1], group)]
    shifts = np.arange(group, dtype=np.uint64) * np.uint64(bits)
    return np.stack([np.bitwise_or.reduce(c << shifts[: c.shape[1]], axis=1) for c in columns], axis=1)


def _before(one: Words, two: Words) -> NDArray[np.bool_]:
    """Whether rows of words are less than others, the first word that differs deciding."""
    different = one != two
    place = different.argmax(axis=1)[:, None]
    return np.asarray((np.take_along_axis(one, place, 1) < np.take_along_axis(two, place, 1))[:, 0])


def _drawn(tuples: Words, weights: Array, most: int, rng: np.random.Generator) -> tuple[Words, Array]:
    """About ``most`` of them: all that are large, others with a chance in proportion to their share in any part."""
    size = np.abs(weights)
    share = (size / np.maximum(size.sum(axis=0), 1e-300)).sum(axis=1)
    falling = np.sort(share)[::-1]
    tails = falling.sum() - np.cumsum(falling)  # of all behind each
    sure = int(np.argmax(falling * (most - np.arange(1, len(falling) + 1)) <= tails)) if most < len(falling) else most
    threshold = (tails[sure] + falling[sure]) / max(most - sure, 1)
    chance = np.minimum(share / threshold, 1.0)
    kept = rng.random(len(chance)) < chance
    return tuples[kept], weights[kept] / chance[kept, None]
