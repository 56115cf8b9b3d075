"""Observables by name: one specification, read once, handed to each side in that side's own terms.

``Z0``, ``Z0Z1``, ``0.5*Z0Z1-1.5*X2``; ``tfim:J=1,h=1`` (open chain, -J ΣZZ - h ΣX), ``xxz:J=2`` (open chain,
-Σ(XX + YY + J ZZ) - J ΣZ), both with ``periodic=true``; ``projector:rank=1``; ``@file`` with one ``coefficient label``
a line, labels in Qiskit's order (leftmost letter is the highest qubit). A sweep reads a file once, relative to its
configuration; the cells carry what it holds, and the sweep's directory keeps it as DIGEST.txt.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk._result import Result
from qntk.inputs.messages import printable

FORMS = "Z0, Z0Z1, 0.5*Z0Z1+1.5*X2, tfim:J=1,h=1, xxz:J=2, projector:rank=1 or @file"
_LARGEST = 1e24
"""Beyond it, and below its inverse, the eighth powers in a kurtosis leave the range of floating point."""
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(rf"\s*(?P<sign>[+-])?\s*(?:(?P<number>{_NUMBER})\s*\*\s*)?(?P<paulis>(?:[XYZ]\d+)+)\s*")


@dataclass(frozen=True, repr=False)
class Observable(Result):
    """A parsed observable on a given number of qubits.

    Attributes:
        spec: the text it came from.
        qubits: number of qubits n.
        terms: Pauli label (Qiskit's order) to coefficient; empty for a projector.
        rank: rank of the projector on the first computational states; 0 for any other.
        matrix: shape (D, D), for an observable that was given as one; else None.
    """

    spec: str
    qubits: int
    terms: tuple[tuple[str, float], ...]
    rank: int = 0
    matrix: NDArray[np.complex128] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_matrix(cls, matrix: NDArray[np.complex128]) -> Observable:
        """One given as a Hermitian matrix, told apart by a digest of its entries; refused if its gradients vanish."""
        mean = np.trace(matrix) / len(matrix)
        if not (np.abs(matrix - mean * np.eye(len(matrix))) > 1e-14 * np.abs(matrix).max()).any():
            raise ValueError("the observable is a multiple of the identity: its gradients vanish")
        _check_size("the observable", float(np.abs(matrix).max()))
        digest = hashlib.sha256(np.ascontiguousarray(matrix).tobytes()).hexdigest()
        return cls(f"matrix {digest[:12]}", len(matrix).bit_length() - 1, (), 0, matrix)

    def title(self) -> str:
        """The specification and n."""
        return f"Observable {printable(self.spec[:80])} on {self.qubits} qubits"

    def rows(self) -> list[dict[str, Any]]:
        """The terms; none for a projector or a matrix."""
        return [{"label": label, "coefficient": coefficient} for label, coefficient in self.terms]

    def to_dict(self) -> dict[str, Any]:
        """Specification, n, terms and rank."""
        return {"spec": self.spec, "qubits": self.qubits, "terms": dict(self.terms), "rank": self.rank}

    @property
    def from_file(self) -> bool:
        """Whether the specification is ``@file``."""
        return self.spec.strip().startswith("@")

    @property
    def text(self) -> str:
        """Its terms as ``@file`` has them; exact, read again they are the same numbers."""
        return "".join(f"{coefficient!r} {label}\n" for label, coefficient in self.terms)

    @property
    def digest(self) -> str:
        """SHA-256 of ``text``: comments, spacing and the way numbers are written do not count."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def operator(self) -> object:
        """What ``sampling`` needs of it: a ``SparsePauliOp``, or a dense matrix of shape (D, D)."""
        if self.matrix is not None:
            return self.matrix
        if self.rank:
            diagonal: NDArray[np.float64] = np.zeros(2**self.qubits)
            diagonal[: self.rank] = 1.0
            return np.diag(diagonal)
        from qiskit.quantum_info import SparsePauliOp  # predict needs no circuits

        return SparsePauliOp.from_list(list(self.terms))


def parse_observable(spec: str, qubits: int, folder: Path | None = None) -> Observable:
    """Read a specification; every ``ValueError`` is one line that says what was given and what is accepted.

    The path of ``@file`` starts at ``folder``, by default the current directory.
    """
    text = spec.strip()
    if not text:
        raise ValueError(f"the observable is empty; give {FORMS}")
    if text.startswith("@"):
        return _finish(spec, qubits, _read_file((folder or Path()) / Path(text[1:]).expanduser(), qubits))
    if set(text) <= set("IXYZ"):
        return from_labels([(text, 1.0)], qubits)
    name, _, options = text.partition(":")
    if name == "projector":
        rank = _options(spec, options, {"rank": 1})["rank"]
        if rank != int(rank) or not 1 <= rank < 2**qubits:
            raise ValueError(f"observable {spec!r}: rank must be a whole number from 1 to {2**qubits - 1}")
        return Observable(spec, qubits, (), int(rank))
    if name == "tfim":
        values = _options(spec, options, {"J": 1.0, "h": 1.0, "periodic": 0})
        terms = [(-values["J"], {a: "Z", b: "Z"}) for a, b in _bonds(qubits, values["periodic"])]
        terms += [(-values["h"], {q: "X"}) for q in range(qubits)]
        return _finish(spec, qubits, terms)
    if name == "xxz":
        values = _options(spec, options, {"J": 1.0, "periodic": 0})
        weights = {"X": 1.0, "Y": 1.0, "Z": values["J"]}
        bonds = _bonds(qubits, values["periodic"])
        terms = [(-weight, {a: p, b: p}) for a, b in bonds for p, weight in weights.items()]
        terms += [(-values["J"], {q: "Z"}) for q in range(qubits)]
        return _finish(spec, qubits, terms)
    return _finish(spec, qubits, _read_sum(spec, qubits))


def from_labels(terms: Sequence[tuple[str, float]], qubits: int) -> Observable:
    """A sum of Pauli labels, leftmost letter on the highest qubit, with real coefficients; its text names qubits."""
    read: Terms = []
    for label, coefficient in terms:
        if set(label) - set("IXYZ"):
            raise ValueError(f"label {label!r} may only hold I, X, Y, Z; give {FORMS}")
        if len(label) != qubits:
            named = "".join(f"{p}{q}" for q, p in enumerate(reversed(label)) if p != "I")
            meant = f"; {named} names qubits" if named else ""
            raise ValueError(f"label {label} has {len(label)} letters for {qubits} qubits{meant}")
        read.append((coefficient, {q: p for q, p in enumerate(reversed(label)) if p != "I"}))
    made = _finish(" + ".join(label for label, _ in terms), qubits, read)
    return replace(made, spec=_text(made.terms))


def _text(terms: tuple[tuple[str, float], ...]) -> str:
    """A sum as ``parse_observable`` reads it."""
    parts = []
    for label, coefficient in terms:
        named = "".join(f"{p}{q}" for q, p in enumerate(reversed(label)) if p != "I")
        sign, size = "-" if coefficient < 0 else "+", abs(coefficient)
        if named:
            parts.append(sign + (named if size == 1.0 else f"{size!r}*{named}"))
    return "".join(parts).removeprefix("+")


def find_observable(
    spec: str, qubits: int, folder: Path, copies: Mapping[str, Path], copy_first: bool = False
) -> Observable:
    """The observable of a configuration.

    Args:
        spec: specification; the path of ``@file`` starts at ``folder``.
        qubits: n.
        folder: of the configuration.
        copies: those that a directory holds, by specification, for a file that is not there; named by their digest.
        copy_first: whether the copy is read even where the file is there.

    Raises ``ValueError`` in one line.
    """
    copy = copies.get(spec)
    if copy is None or (not copy_first and os.path.exists(folder / Path(spec.strip()[1:]).expanduser())):
        return parse_observable(spec, qubits, folder)
    found = replace(parse_observable(f"@{copy.name}", qubits, copy.parent), spec=spec)
    if found.digest != copy.stem:
        raise ValueError(f"the kept observable {copy} is damaged: its digest is {found.digest[:16]}")
    return found


Terms = list[tuple[float, dict[int, str]]]


def _finish(spec: str, qubits: int, terms: Terms) -> Observable:
    """Add up equal labels, and refuse what is a multiple of the identity."""
    total: dict[str, float] = {}
    for coefficient, paulis in terms:
        label = "".join(paulis.get(q, "I") for q in reversed(range(qubits)))
        total[label] = total.get(label, 0.0) + coefficient
    kept = tuple((label, c) for label, c in total.items() if c != 0.0)
    if not all(math.isfinite(c) for _, c in kept):
        raise ValueError(f"observable {spec!r} has a coefficient that is not finite")
    _check_size(f"observable {spec!r}", max((abs(c) for _, c in kept), default=1.0))
    if not any(set(label) != {"I"} for label, _ in kept):
        raise ValueError(f"observable {spec!r} is a multiple of the identity: its gradients vanish")
    return Observable(spec, qubits, kept)


def _check_size(name: str, largest: float) -> None:
    """K scales as the square of the observable, its kurtosis as the eighth power: leave room for that."""
    if not 1 / _LARGEST <= largest <= _LARGEST:
        raise ValueError(
            f"{name} has a largest coefficient of size {largest:.3g}; give one from {1 / _LARGEST:g} to {_LARGEST:g}, "
            "K scales with its square"
        )


def _read_sum(spec: str, qubits: int) -> Terms:
    terms: Terms = []
    position = 0
    text = spec.strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (terms and match["sign"] is None):
            raise ValueError(f"observable {spec!r} does not parse at {text[position:]!r}; give {FORMS}")
        paulis: dict[int, str] = {}
        for letter, digits in re.findall(r"([XYZ])(\d+)", match["paulis"]):
            qubit = int(digits)
            if qubit >= qubits:
                raise ValueError(f"observable {spec!r} names qubit {qubit}; there are {qubits}, counted from 0")
            if qubit in paulis:
                raise ValueError(
                    f"observable {spec!r} has two Paulis on qubit {qubit} in one term; the product may not be Hermitian"
                )
            paulis[qubit] = letter
        sign = -1.0 if match["sign"] == "-" else 1.0
        terms.append((sign * float(match["number"] or 1.0), paulis))
        position = match.end()
    return terms


def _read_file(path: Path, qubits: int) -> Terms:
    name = str(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a null byte in the name
        raise ValueError(f"observable file {name!r} cannot be read: {error}") from error
    terms: Terms = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"observable file {name!r}, line {number}"
        try:
            coefficient, label = float(words[0]), words[1]
        except (ValueError, IndexError):
            raise ValueError(f"{where}: {line.strip()!r} is not 'coefficient label', such as '-1 IIXX'") from None
        if len(words) != 2 or set(label) - set("IXYZ"):
            raise ValueError(f"{where}: {line.strip()!r} is not 'coefficient label' with letters I, X, Y, Z")
        if len(label) != qubits:
            raise ValueError(f"{where}: label {label} has {len(label)} letters for {qubits} qubits")
        terms.append((coefficient, {q: p for q, p in enumerate(reversed(label)) if p != "I"}))
    if not terms:
        raise ValueError(f"observable file {name!r} holds no terms; give one 'coefficient label' a line")
    return terms


def _options(spec: str, text: str, defaults: dict[str, float]) -> dict[str, float]:
    values = dict(defaults)
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        key = key.strip()
        if key not in defaults:
            raise ValueError(f"observable {spec!r}: unknown option {key!r}; options are {', '.join(defaults)}")
        if key == "periodic":
            if value.strip().lower() not in ("true", "false"):
                raise ValueError(f"observable {spec!r}: periodic is {value!r}; give true or false")
            values[key] = float(value.strip().lower() == "true")
            continue
        try:
            values[key] = float(value)
        except ValueError:
            raise ValueError(f"observable {spec!r}: {key} is {value!r}; give a real number") from None
        if not math.isfinite(values[key]):
            raise ValueError(f"observable {spec!r}: {key} is {value!r}; give a finite number")
    return values


def _bonds(qubits: int, periodic: float) -> list[tuple[int, int]]:
    """Nearest neighbours; on two qubits the ring has the chain's one bond."""
    closing = [(qubits - 1, 0)] if periodic and qubits > 2 else []
    return [(q, q + 1) for q in range(qubits - 1)] + closing
