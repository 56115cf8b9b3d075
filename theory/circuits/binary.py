"""Linear algebra over two elements, on strings and on tables of bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qntk.theory.circuits.pauli_words import Words, anticommute, pack, unpack

Matrix = NDArray[np.float32]
Table = NDArray[np.bool_]


def apply(matrix: Matrix, strings: Words, qubits: int) -> Words:
    """Strings of shape (N, 2W) under a linear map of their bits."""
    bits = (unpack(strings, qubits).astype(np.float32) @ matrix) % 2 > 0.5
    return pack(bits[:, :qubits], bits[:, qubits:])


def matrix_power(matrix: Matrix, times: int) -> Matrix:
    """A power of a matrix of bits, modulo 2."""
    result = np.eye(len(matrix), dtype=np.float32)
    while times:
        if times & 1:
            result = (result @ matrix) % 2
        matrix = (matrix @ matrix) % 2
        times >>= 1
    return result


def krylov(strings: Words, matrix: Matrix, qubits: int) -> Words:
    """Strings out of the given ones and their images that span them all, shape (r, 2W)."""
    basis = Eliminator()
    kept: list[Words] = []
    fresh = strings
    while len(fresh):
        news = [row for row in fresh if basis.add(row)]
        kept += news
        fresh = apply(matrix, np.stack(news), qubits) if news else strings[:0]
    return np.stack(kept) if kept else strings[:0]


class Eliminator:
    """Grows a set of independent bit vectors, held as Python integers by their highest bit."""

    def __init__(self) -> None:
        self.rows: dict[int, int] = {}

    def add(self, row: NDArray[np.uint64]) -> bool:
        """Take a vector in if it is independent of those before."""
        value = int.from_bytes(row.astype("<u8").tobytes(), "little")
        while value:
            top = value.bit_length()
            if top not in self.rows:
                self.rows[top] = value
                return True
            value ^= self.rows[top]
        return False


def independent(strings: Words) -> Words:
    """Independent ones among strings, in their order."""
    grown = Eliminator()
    return np.stack([row for row in strings if grown.add(row)])


def combine(coordinates: Table, basis: Words) -> Words:
    """Sums of basis strings, shape (k, 2W), for coordinates of shape (k, r)."""
    result = np.zeros((len(coordinates), basis.shape[1]), dtype=np.uint64)
    for index, string in enumerate(basis):
        result[coordinates[:, index]] ^= string
    return result


def solve(rows: Table, right: Table) -> tuple[Table, Table] | None:
    """One solution t of rows · t = right over two elements, shape (r,), and a basis of the kernel, shape (k, r)."""
    table, pivots = reduce(np.concatenate([rows, right[:, None]], axis=1), rows.shape[1])
    width = rows.shape[1]
    if table[len(pivots) :, width].any():
        return None
    origin = np.zeros(width, dtype=bool)
    origin[pivots] = table[: len(pivots), width]
    free = np.setdiff1d(np.arange(width), pivots)
    kernel = np.zeros((len(free), width), dtype=bool)
    kernel[np.arange(len(free)), free] = True
    kernel[:, pivots] = table[: len(pivots), free].T
    return origin, kernel


def solve_all(rows: Table, right: Table) -> tuple[Table, Table]:
    """For each column of ``right``, shape (k, N), t with rows · t = right, shape (r, N), and whether there is one."""
    width = rows.shape[1]
    table, pivots = reduce(np.concatenate([rows, right], axis=1), width)
    solution = np.zeros((width, right.shape[1]), dtype=bool)
    solution[pivots] = table[: len(pivots), width:]
    fits: Table = np.logical_not(table[len(pivots) :, width:].any(axis=0))
    return solution, fits


def reduce(table: Table, width: int) -> tuple[Table, list[int]]:
    """The reduced echelon form over two elements, by the first ``width`` columns, and where its pivots are."""
    pivots: list[int] = []
    for column in range(width):
        line = len(pivots)
        candidates = np.flatnonzero(table[line:, column])
        if not len(candidates):
            continue
        table[[line, line + candidates[0]]] = table[[line + candidates[0], line]]
        others = table[:, column].copy()
        others[line] = False
        table[others] ^= table[line]
        pivots.append(column)
    return table, pivots


def hyperbolic(basis: Words) -> tuple[Words, Words, Words, Table]:
    """Symplectic Gram-Schmidt: left, right, radical, and their coordinates in the basis, shape (r, r)."""
    rest, coordinates = basis.copy(), np.eye(len(basis), dtype=bool)
    left, right, radical = [], [], []
    while len(rest):
        met = np.flatnonzero(anticommute(rest[0], rest))
        if not len(met):
            radical.append((rest[0], coordinates[0]))
            rest, coordinates = rest[1:], coordinates[1:]
            continue
        e, f = (rest[0], coordinates[0]), (rest[met[0]], coordinates[met[0]])
        left.append(e)
        right.append(f)
        keep = np.setdiff1d(np.arange(len(rest)), [0, met[0]])
        rest, coordinates = rest[keep], coordinates[keep]
        with_e, with_f = anticommute(rest, e[0]), anticommute(rest, f[0])
        rest[with_e] ^= f[0]
        coordinates[with_e] ^= f[1]
        rest[with_f] ^= e[0]
        coordinates[with_f] ^= e[1]
    none = basis[:0]
    words = [np.stack([w for w, _ in part]) if part else none for part in (left, right, radical)]
    return words[0], words[1], words[2], np.stack([c for _, c in [*left, *right, *radical]])
