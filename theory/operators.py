"""Centred power traces: all that the kernel's statistics know of an observable or a generator.

For a Hermitian A on a D-dimensional space, a_k = Tr (A - Tr A / D)^k. Traces are kept as exact fractions of the
numbers given, so that no closed form built on them loses digits to cancellation, at any D.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.hermitian import hermitian_matrix
from qntk.inputs.observables import Observable
from qntk.theory.pauli_traces import normalised_traces

Number = int | float | Fraction
PauliKey = tuple[int, int]
_DENSE_QUBITS = 10
"""Qubits that strings may be on for the eigenvalues to be kept: a fraction of a second."""
_MOST_DENSE = 11
"""The same for long sums, whose powers are known in no other way: some seconds."""


@dataclass(frozen=True)
class OperatorMoments:
    """Centred power traces of a Hermitian operator.

    Attributes:
        dimension: Hilbert-space dimension D >= 2.
        a2, a3, a4: ``Tr (A - Tr A / D)^k`` for k = 2, 3, 4 (not divided by D), exact.
        label: what the operator is, for messages and reports.
        higher: a5, a6 and a8, which skewness and kurtosis need (a7 drops out); a8, or all, None where not known.
        spectrum: distinct eigenvalues, ascending and up to a common shift, with their multiplicities; None where they
            are not known.
        a7: the seventh, which enters no closed form; None where it is not known.

    A multiple of the identity has no gradient and so no kernel: it is refused with a ``ValueError``.
    """

    dimension: int
    a2: Fraction
    a3: Fraction
    a4: Fraction
    label: str = "operator"
    higher: tuple[Fraction, Fraction, Fraction | None] | None = None
    spectrum: tuple[tuple[Fraction, int], ...] | None = None
    a7: Fraction | None = None

    def __post_init__(self) -> None:
        """Refuse traces that no Hermitian operator has."""
        if self.dimension < 2:
            raise ValueError(f"dimension is {self.dimension}; an operator needs D >= 2")
        if self.a2 <= 0:
            raise ValueError(f"{self.label} is a multiple of the identity: its gradients vanish, give another")

    def __hash__(self) -> int:
        """Of what is quickly hashed; a spectrum of hundreds of fractions takes longer than what caches save."""
        return hash((self.dimension, self.a2, self.a4, self.label))

    @classmethod
    def of(cls, observable: Observable) -> OperatorMoments:
        """Traces of an observable as a user named it.

        >>> from qntk.inputs.observables import parse_observable
        >>> OperatorMoments.of(parse_observable("Z0", 3)).a2
        Fraction(8, 1)
        """
        if observable.rank:
            return cls.from_projector(observable.qubits, observable.rank)
        if observable.matrix is not None:
            return cls.from_matrix(observable.matrix, f"observable {observable.spec}")
        return cls.from_pauli_sum(dict(observable.terms), label=f"observable {observable.spec}")

    @classmethod
    def from_eigenvalues(
        cls,
        values: Iterable[Number],
        multiplicities: Iterable[int] | None = None,
        label: str = "spectrum",
    ) -> OperatorMoments:
        """Traces from the spectrum; ``multiplicities`` (default all 1) must add up to D.

        >>> OperatorMoments.from_eigenvalues([1, -1], [2, 2]).a4
        Fraction(4, 1)
        """
        given = [Fraction(v) for v in values]
        counts = [1] * len(given) if multiplicities is None else [int(m) for m in multiplicities]
        if len(counts) != len(given) or any(m < 0 for m in counts):
            raise ValueError("multiplicities must be one non-negative integer for each eigenvalue")
        dimension = sum(counts)
        if dimension < 2:
            raise ValueError(f"the spectrum has {dimension} eigenvalues; an operator needs D >= 2")
        levels: dict[Fraction, int] = {}
        for value, count in zip(given, counts, strict=True):
            levels[value] = levels.get(value, 0) + count
        spectrum = tuple(sorted((value, count) for value, count in levels.items() if count))
        a2, a3, a4, a5, a6, a7, a8 = (central_trace(spectrum, k) for k in range(2, 9))
        return cls(dimension, a2, a3, a4, label, (a5, a6, a8), spectrum, a7)

    @classmethod
    def from_matrix(cls, matrix: NDArray[Any], label: str = "matrix") -> OperatorMoments:
        """Traces of a dense Hermitian matrix of shape (D, D), through its eigenvalues in double precision.

        Eigenvalues closer than 1e-12 of their range count as one level.

        Raises ``ValueError`` if the matrix is not square, not finite, or not Hermitian to 1e-10 of its largest entry.
        """
        values = np.linalg.eigvalsh(hermitian_matrix(matrix, label))
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            raise ValueError(f"{label} is a multiple of the identity: its gradients vanish, give another")
        return cls.from_eigenvalues(*_levels(values), label)

    @classmethod
    def from_pauli(cls, qubits: int) -> OperatorMoments:
        """Traces of any Pauli string but the identity: P² = 1 and Tr P = 0.

        >>> OperatorMoments.from_pauli(3).a2
        Fraction(8, 1)
        """
        half = hilbert_dimension(qubits) // 2
        return cls.from_eigenvalues([1, -1], [half, half], "Pauli string")

    @classmethod
    def from_projector(cls, qubits: int, rank: int = 1) -> OperatorMoments:
        """Traces of a projector of the given rank, 1 <= rank < D.

        >>> OperatorMoments.from_projector(2).a2
        Fraction(3, 4)
        """
        dimension = hilbert_dimension(qubits)
        if not 1 <= rank < dimension:
            raise ValueError(f"projector rank is {rank}; on {qubits} qubits give 1 to {dimension - 1}")
        return cls.from_eigenvalues([1, 0], [rank, dimension - rank], f"projector of rank {rank}")

    @classmethod
    def from_pauli_sum(cls, terms: Mapping[str, Number], label: str = "Pauli sum") -> OperatorMoments:
        """Traces of ``Σ c P`` from Pauli labels and real coefficients, without building a matrix.

        A label's leftmost letter is the highest qubit (Qiskit's order; the traces do not depend on it). Any number of
        qubits. Many strings that all overlap (``qntk.theory.pauli_traces``) take a5, a6 and a8 from eigenvalues in
        double precision, if they are on 11 qubits at most; beyond, a8, then a5 and a6 are left out where they would
        take more than some seconds: from 105 and from 392 strings on. Of strings on 10 qubits at most the eigenvalues
        are kept too.

        >>> OperatorMoments.from_pauli_sum({"ZZ": -1, "IX": -1, "XI": -1}).a2
        Fraction(12, 1)
        """
        lengths = {len(pauli) for pauli in terms}
        if len(lengths) != 1:
            raise ValueError("a Pauli sum needs at least one term, and labels of one length")
        qubits = lengths.pop()
        coefficients: dict[PauliKey, Fraction] = {}
        for pauli, coefficient in terms.items():
            key = _masks(pauli)
            if key != (0, 0):
                coefficients[key] = coefficients.get(key, Fraction(0)) + Fraction(coefficient)
        dimension = hilbert_dimension(qubits)
        if len(coefficients) == 1:
            (size,) = coefficients.values()
            return cls.from_eigenvalues([size, -size], [dimension // 2] * 2, label)
        _, _, a2, a3, a4, *more = (dimension * trace for trace in normalised_traces(coefficients))
        higher = (more[0], more[1], more[3] if len(more) > 2 else None) if more else None
        a7, spectrum = more[2] if len(more) > 2 else None, None
        used = [q for q in range(qubits) if any((x | z) >> q & 1 for x, z in coefficients)]
        unknown = higher is None or higher[2] is None
        if a2 > 0 and len(used) <= (_MOST_DENSE if unknown else _DENSE_QUBITS):
            moved = {(_gathered(x, used), _gathered(z, used)): c for (x, z), c in coefficients.items()}
            values = np.linalg.eigvalsh(_dense(moved, 1 << len(used)))
            copies = dimension >> len(used)
            levels, counts = _levels(values)
            spectrum = tuple((Fraction(v), m * copies) for v, m in zip(levels, counts, strict=True))
            if unknown:
                a5, a6, a7, a8 = (Fraction(float((values**k).sum())) * copies for k in (5, 6, 7, 8))
                higher = (a5, a6, a8)
        return cls(dimension, a2, a3, a4, label, higher, spectrum, a7)

    def scaled(self, factor: Number) -> OperatorMoments:
        """Traces of ``factor * A``: a_k times factor^k. ``from_pauli(n).scaled(1/2)`` is Qiskit's generator P/2."""
        c = Fraction(factor)
        higher = None
        if self.higher is not None:
            a5, a6, a8 = self.higher
            higher = (a5 * c**5, a6 * c**6, None if a8 is None else a8 * c**8)
        levels = tuple(sorted((v * c, m) for v, m in self.spectrum)) if self.spectrum else None
        a7 = None if self.a7 is None else self.a7 * c**7
        return OperatorMoments(
            self.dimension, self.a2 * c**2, self.a3 * c**3, self.a4 * c**4, self.label, higher, levels, a7
        )


def central_trace(spectrum: tuple[tuple[Fraction, int], ...], power: int) -> Fraction:
    """Tr (A - Tr A / D)^power of distinct eigenvalues with multiplicities, exact."""
    dimension = sum(m for _, m in spectrum)
    centre = sum((m * v for v, m in spectrum), Fraction(0)) / dimension
    return sum((m * (v - centre) ** power for v, m in spectrum), Fraction(0))


def hilbert_dimension(qubits: int) -> int:
    """D = 2^n for n >= 1 qubits."""
    if qubits < 1:
        raise ValueError(f"qubits is {qubits}; give at least 1")
    return 1 << qubits


def _levels(values: NDArray[np.floating[Any]]) -> tuple[list[float], list[int]]:
    """Distinct eigenvalues and multiplicities of an ascending list; closer than 1e-12 of the range is equal."""
    groups = np.split(values, np.flatnonzero(np.diff(values) > 1e-12 * np.ptp(values)) + 1)
    return [float(g.mean()) for g in groups], [len(g) for g in groups]


def _gathered(mask: int, qubits: list[int]) -> int:
    """The bits of a mask on some qubits, next to each other."""
    return sum((mask >> q & 1) << place for place, q in enumerate(qubits))


def _dense(coefficients: Mapping[PauliKey, Fraction], dimension: int) -> NDArray[Any]:
    """The matrix of a Pauli sum: P(x,z)|k> = i^|x&z| (-1)^|z&k| |k ^ x>; real, and faster, for even |x&z|."""
    real = all((x & z).bit_count() % 2 == 0 for x, z in coefficients)
    matrix = np.zeros((dimension, dimension), dtype=np.float64 if real else np.complex128)
    states = np.arange(dimension)
    for (x, z), coefficient in coefficients.items():
        signs = 1 - 2 * (np.bitwise_count(states & z) % 2).astype(float)
        phase = 1j ** (x & z).bit_count()
        matrix[states ^ x, states] += float(coefficient) * (phase.real if real else phase) * signs
    return matrix


def _masks(pauli: str) -> PauliKey:
    """X and Z bit masks of a Pauli label; Y sets both."""
    if not pauli or set(pauli) - set("IXYZ"):
        raise ValueError(f"Pauli label {pauli!r} may only hold I, X, Y, Z")
    x = int("".join("1" if p in "XY" else "0" for p in pauli), 2)
    z = int("".join("1" if p in "ZY" else "0" for p in pauli), 2)
    return x, z


def _square(terms: Mapping[PauliKey, Fraction]) -> dict[PauliKey, Fraction]:
    """The Pauli coefficients of A²: anticommuting pairs cancel, commuting ones count twice with a real sign.

    With P(x,z) = i^|x&z| X^x Z^z the product is P₁P₂ = i^(y₁+y₂-y₃) (-1)^|z₁&x₂| P₃, where y counts the Y factors.
    """
    result: dict[PauliKey, Fraction] = {(0, 0): sum((c * c for c in terms.values()), Fraction(0))}
    items = list(terms.items())
    for i, ((x1, z1), c1) in enumerate(items):
        for (x2, z2), c2 in items[:i]:
            if ((x1 & z2).bit_count() + (z1 & x2).bit_count()) % 2:
                continue
            key = (x1 ^ x2, z1 ^ z2)
            power = (x1 & z1).bit_count() + (x2 & z2).bit_count() - (key[0] & key[1]).bit_count()
            sign = 1 - 2 * ((power // 2 + (z1 & x2).bit_count()) % 2)
            result[key] = result.get(key, Fraction(0)) + 2 * sign * c1 * c2
    return result
