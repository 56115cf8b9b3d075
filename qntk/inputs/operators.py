"""Every spelling of an observable, read into one value.

A text as on the command line, a Pauli label in Qiskit's order, a ``Pauli``, ``SparsePauliOp``, ``SparseObservable``,
``Operator``, a Hermitian matrix, a dict of labels and coefficients, or a list of one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qntk.inputs.hermitian import TOLERANCE, hermitian_matrix
from qntk.inputs.observables import FORMS, Observable, from_labels, parse_observable


def observable(spec: Any, qubits: int) -> Observable:
    """An observable on ``qubits`` qubits, whatever its spelling.

    Args:
        spec: ``"Z0"``, ``"0.5*Z0Z1+X2"``, ``"tfim:J=1,h=1"``, ``"projector:rank=1"``, ``"@file"``; a label such as
            ``"IIZ"``, leftmost letter on the highest qubit; an operator of Qiskit's; a Hermitian matrix, shape (D, D);
            ``{"IIZ": 0.5, "XII": 1.5}``; a list of one of these.
        qubits: n.

    Raises ``ValueError`` for what is no observable on n qubits, and ``TypeError`` for what is none at all, in one line.

    >>> observable("IIZ", 3).spec, observable({"XII": 1.5, "IIZ": 0.5}, 3).spec
    ('Z0', '1.5*X2+0.5*Z0')
    """
    if isinstance(spec, Observable):
        return _sized(spec, qubits)
    if isinstance(spec, str):
        return parse_observable(spec, qubits)
    if isinstance(spec, Mapping):
        return from_labels([(str(label), _real(c, f"coefficient of {label}")) for label, c in spec.items()], qubits)
    if isinstance(spec, list | tuple) and not is_matrix(spec):
        if len(spec) != 1:
            raise ValueError(f"{len(spec)} observables were given where one is meant; give one, or their sum")
        return observable(spec[0], qubits)
    if isinstance(spec, np.ndarray) or is_matrix(spec):
        return _from_matrix(np.asarray(spec), qubits)
    return _from_qiskit(spec, qubits)


def _from_qiskit(spec: Any, qubits: int) -> Observable:
    from qiskit.quantum_info import Operator, Pauli, SparseObservable, SparsePauliOp, Statevector

    if isinstance(spec, Operator):
        return _from_matrix(spec.data, qubits)
    if isinstance(spec, Statevector):
        return _from_matrix(np.outer(spec.data, spec.data.conj()), qubits)
    if isinstance(spec, SparseObservable):
        spec = SparsePauliOp.from_sparse_observable(spec)
    if isinstance(spec, Pauli):
        spec = SparsePauliOp(spec)
    if not isinstance(spec, SparsePauliOp):
        raise TypeError(f"a {type(spec).__name__} is no observable; give {FORMS}, or an operator of Qiskit's")
    if len(spec.parameters):
        raise ValueError("the observable has free parameters; assign them first")
    given = np.asarray(spec.coeffs, dtype=complex)
    if not np.isfinite(given).all():
        raise ValueError("the observable has coefficients that are not finite")
    terms = spec.simplify(atol=0.0)
    largest = float(np.abs(given).max())
    for label, coefficient in terms.label_iter():
        if abs(coefficient.imag) > TOLERANCE * largest:
            raise ValueError(f"the observable is not Hermitian: {label} has the coefficient {coefficient:.6g}")
    kept = [(label, float(c.real)) for label, c in terms.label_iter()]
    return from_labels(kept, qubits)


def _from_matrix(matrix: Any, qubits: int) -> Observable:
    array = hermitian_matrix(matrix)
    if len(array) != 1 << qubits:
        raise ValueError(f"the observable acts on dimension {len(array)}, the circuit on {1 << qubits}")
    return Observable.from_matrix(array)


def is_matrix(spec: Any) -> bool:
    """Whether nested lists are the rows of a matrix."""
    return isinstance(spec, list | tuple) and bool(spec) and all(isinstance(row, list | tuple) for row in spec)


def _real(value: Any, what: str) -> float:
    number = complex(value)
    if number.imag:
        raise ValueError(f"the observable is not Hermitian: the {what} is {number}")
    return number.real


def _sized(spec: Observable, qubits: int) -> Observable:
    if spec.qubits != qubits:
        raise ValueError(f"observable {spec.spec!r} is on {spec.qubits} qubits, the circuit has {qubits}")
    return spec
