"""Mean kernel of a given circuit of Clifford gates and Pauli rotations with independent uniform angles, exact.

In the frame of ``clifford_frame`` the circuit is rotations about Pauli strings Q_1 … Q_L, then an observable Σ_a
c_a P_a. Backwards through exp(-iθQ/2), a string that commutes with Q passes; one that anticommutes becomes

    P → cosθ P + sinθ (iQP),      ∂_θ:  P → -sinθ P + cosθ (iQP).

A uniform θ has E cos² = E sin² = 1/2 and E cos = E sin = E cos·sin = 0. So in the second moments of f and of ∂f alike
each branch weighs 1/2, and a rotation that commutes has ∂f = 0. This is a Markov chain on strings: E (∂_ℓ f)² is the
sum, over its paths that branch at ℓ, of their probability times <P>² at the beginning.

Which terms of O interfere, and what a final string is worth then, is in ``circuits.path_families``. Equal strings are
merged, so that their number is at most 4^n at each rotation, and small where the light cone of O is. A first layer of
rotations on single qubits is summed in closed form (``circuits.product_start``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk._result import Result
from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.clifford_frame import RotationFrame
from qntk.theory.circuits.path_families import Array, Family, families_of
from qntk.theory.circuits.pauli_words import StabiliserState, Words, anticommute, unique_rows
from qntk.theory.circuits.product_start import ProductStart
from qntk.theory.prediction import Prediction

_CHUNK = 8192
"""Paths that are walked at a time."""


@dataclass(frozen=True, eq=False, repr=False)
class PathMean(Result):
    """Mean of K, or of K_ij, over the angles.

    Attributes:
        value: E K = Σ_ℓ E (∂_ℓ f)², in units of the observable squared.
        error: its standard error, 0 for ``exact_mean``.
        gradients: E (∂_ℓ f)² (for two inputs E ∂_ℓ f_i ∂_ℓ f_j) by parameter, shape (L,).
        gradient_errors: their standard errors, shape (L,).
        strings: strings held over all rotations, or paths drawn.
        hits: final strings, or paths, that the input states do not send to 0.
    """

    value: float
    error: float
    gradients: Array
    gradient_errors: Array
    strings: int
    hits: int

    def __float__(self) -> float:
        """The mean alone."""
        return self.value

    def title(self) -> str:
        """The mean, and its error where it has one."""
        return f"E K = {self.value:.10g}" + (f" ± {self.error:.2g}" if self.error else " (all Pauli paths)")

    def rows(self) -> list[dict[str, Any]]:
        """Each parameter's part E (∂f)²."""
        return [
            {"parameter": place, "E (∂f)²": float(part), "error": float(error)}
            for place, (part, error) in enumerate(zip(self.gradients, self.gradient_errors, strict=True))
        ]

    def to_dict(self) -> dict[str, Any]:
        """All fields, arrays as lists."""
        parts = {"gradients": self.gradients.tolist(), "gradient_errors": self.gradient_errors.tolist()}
        whole = {"value": self.value, "error": self.error, "strings": self.strings, "hits": self.hits}
        return whole | parts

    def prediction(self) -> Prediction:
        """The mean as a prediction."""
        how = f"Monte Carlo over Pauli paths, standard error {self.error:.2g}" if self.error else "all Pauli paths"
        assumptions = ("Clifford gates and Pauli rotations", "independent uniform angles", how)
        return Prediction("kernel mean", self.value, "exact", assumptions, "docs/theory.md")


def exact_mean(
    circuit: RotationFrame | NormalForm,
    observable: Mapping[str, float],
    first: Any = 0,
    second: Any = None,
    generator: float = 0.5,
    most_strings: int = 2**24,
) -> PathMean:
    """E K of a circuit by all Pauli paths, with equal strings merged; rounding errors only, relative to 1e-13.

    Args:
        circuit: its normal form (``qntk.inputs.reader.read_circuit``) or a ``RotationFrame``; each parameter in one
            rotation.
        observable: real coefficients of Pauli labels, leftmost letter on the highest qubit.
        first: input state: a basis state as a whole number (bit q is qubit q), or what prepares it from |0…0>: a
            normal form of Clifford gates, a ``stim.Circuit`` or a ``stim.Tableau``.
        second: another input state, for E K_ij; None for E K of the first.
        generator: g in exp(-i g a P) for a gate's angle a; 1/2 is Qiskit's, 1 makes everything 4 times larger.
        most_strings: strings to hold over all rotations, 9 to 17 bytes each (and some 100 where most are held).

    Raises ``ValueError`` for circuits, observables and inputs that do not fit, and where there are too many strings.

    >>> from qntk.theory.circuits.clifford_frame import Gate, Rotation
    >>> turns = [Rotation("Y", (0,), 0), Rotation("Y", (1,), 1), Gate("cx", (0, 1))]
    >>> exact_mean(RotationFrame.from_operations(2, turns), {"ZI": 1.0}).gradients.tolist()
    [0.25, 0.25]
    """
    frame, families, inputs = families_of(circuit, observable, first, second)
    squares, strings, hits = np.zeros(len(frame.rotations)), 0, 0
    for family in families:
        part, held, found = _enumerate(frame, family, inputs, most_strings - strings)
        squares, strings, hits = squares + part, strings + held, hits + found
    gradients = _by_parameter(frame, squares, generator)
    return PathMean(float(gradients.sum()), 0.0, gradients, np.zeros(len(gradients)), strings, hits)


def sampled_mean(
    circuit: RotationFrame | NormalForm,
    observable: Mapping[str, float],
    paths: int,
    seed: int | np.random.SeedSequence | np.random.Generator,
    first: Any = 0,
    second: Any = None,
    generator: float = 0.5,
) -> PathMean:
    """E K estimated from a fixed number of random Pauli paths; otherwise as ``exact_mean``.

    A path costs a few operations a rotation, whatever the number of strings. Only paths that hit a string with a
    non-zero expectation count. Their share is the second moment of f: where it is exponentially small (deep circuits,
    observables on many qubits), no path hits. Errors are reliable from about 100 ``hits`` on. With none, the share is
    below 13.8 / paths with a false-fail probability of 1e-6, and the standard error of 0 means nothing.

    >>> from qntk.theory.circuits.clifford_frame import Rotation
    >>> frame = RotationFrame.from_operations(1, [Rotation("Y", (0,), 0)])
    >>> estimate = sampled_mean(frame, {"Z": 1.0}, paths=10_000, seed=1)
    >>> abs(estimate.value - 0.5) < 4.9 * estimate.error, round(estimate.error, 3)
    (True, 0.005)
    """
    if paths < 2:
        raise ValueError(f"paths is {paths}; a standard error needs at least 2")
    frame, families, inputs = families_of(circuit, observable, first, second)
    rng = np.random.default_rng(seed)
    masses = [family.weights * sum(c * c for c, _, _ in family.members) for family in families]
    shares = np.concatenate(masses) / sum(m.sum() for m in masses)
    counts = np.split(rng.multinomial(paths, shares), np.cumsum([len(m) for m in masses])[:-1])
    factors = _by_parameter(frame, np.ones(len(frame.rotations)), generator)[frame.parameters]
    totals, squares, kernel, hits = np.zeros(len(factors)), np.zeros(len(factors)), np.zeros(2), 0
    for family, mass, count in zip(families, masses, counts, strict=True):
        starts = np.repeat(np.arange(len(count)), count)
        scale = family.weights / mass * sum(m.sum() for m in masses)
        for begin in range(0, len(starts), _CHUNK):
            chosen = starts[begin : begin + _CHUNK]
            strings, branched = _walk(frame, family.starts[chosen], rng)
            worth = family.worth(strings, inputs) * scale[chosen]
            hit = np.flatnonzero(worth)
            terms = branched[hit] * factors
            totals += worth[hit] @ terms
            squares += worth[hit] ** 2 @ terms**2
            sums = worth[hit] * terms.sum(axis=1)
            kernel += sums.sum(), (sums**2).sum()
            hits += len(hit)
    gradients, errors = _by_order(frame, totals / paths), _by_order(frame, _error(totals, squares, paths))
    return PathMean(
        float(kernel[0] / paths), float(_error(kernel[0], kernel[1], paths)), gradients, errors, paths, hits
    )


def _enumerate(
    frame: RotationFrame, family: Family, inputs: tuple[StabiliserState, ...], most: int
) -> tuple[Array, int, int]:
    """E (∂_ℓ f)² by rotation: weights of the strings back to the beginning, then their worth forward again.

    The beginning is that of the circuit, or, for terms that do not interfere, where rotations on single qubits end.
    """
    strings, weights, held = family.starts, family.weights, 0
    start = ProductStart.of(frame, inputs) if len(family.members) == 1 else None
    first = len(start.qubits) if start else 0
    steps: list[tuple[NDArray[np.bool_], NDArray[np.int32], Array] | None] = []
    for rotation in frame.rotations[first:][::-1]:
        met = anticommute(strings, rotation)
        if not met.any():
            steps.append(None)
            continue
        held += len(strings)
        if held > most:
            raise ValueError(
                f"more than {held:,} Pauli strings, and most_strings is {most:,}: use sampled_mean, or allow more"
            )
        branches, inverse = unique_rows(np.concatenate([strings[met], strings[met] ^ rotation]))
        halves = np.bincount(inverse, weights=np.tile(weights[met] / 2, 2), minlength=len(branches))
        steps.append((met, inverse.astype(np.int32), weights[met]))
        strings, weights = np.concatenate([strings[~met], branches]), np.concatenate([weights[~met], halves])
    worth = start.worth(strings) if start else family.worth(strings, inputs)
    hits = int(np.count_nonzero(worth))
    squares = np.zeros(len(frame.rotations))
    if start:
        squares[:first] = start.squares(strings, weights)
    for index, step in enumerate(reversed(steps), start=first):
        if step is None:
            continue
        met, place, arriving = step
        passing = len(met) - len(arriving)
        before = np.empty(len(met))
        before[~met] = worth[:passing]
        before[met] = worth[passing + place].reshape(2, -1).mean(axis=0)
        squares[index] = arriving @ before[met]
        worth = before
    return squares, held, hits


def _walk(frame: RotationFrame, strings: Words, rng: np.random.Generator) -> tuple[Words, NDArray[np.bool_]]:
    """Random paths back to the beginning: final strings, and where each branched, shape (paths, L)."""
    branched = np.zeros((len(strings), len(frame.rotations)), dtype=bool)
    for index in range(len(frame.rotations) - 1, -1, -1):
        met = anticommute(strings, frame.rotations[index])
        branched[:, index] = met
        taken = met & rng.integers(0, 2, len(met), dtype=bool)
        strings[taken] ^= frame.rotations[index]
    return strings, branched


def _by_parameter(frame: RotationFrame, squares: Array, generator: float) -> Array:
    """Values by parameter and in the units of its slope and generator."""
    return _by_order(frame, squares * (2 * generator * frame.slopes) ** 2)


def _by_order(frame: RotationFrame, values: Array) -> Array:
    """Values by parameter from values by rotation."""
    ordered = np.empty(len(values))
    ordered[frame.parameters] = values
    return ordered


def _error(total: Any, squares: Any, count: int) -> Any:
    """Standard error of a mean."""
    return np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0) / (count - 1))
