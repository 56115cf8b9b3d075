"""How the deep limit of a catalogue ansatz falls with the number of qubits n: by powers of n and of D = 2^n."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit

from qntk.inputs.normal_form import Fixed
from qntk.inputs.observables import Observable
from qntk.inputs.operators import observable as read_observable
from qntk.inputs.reader import read_circuit
from qntk.sampling.circuits.catalogue import CATALOGUE, ansatz
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.validation.attribution.forms import repeated_part

SIZES = (12, 24, 48)
_LISTED = 2**14
"""Pauli strings of an orbit to list; enough for free fermions at the largest size."""


@dataclass(frozen=True)
class Fall:
    """E K/L in the deep limit goes as n to the power ``n`` times D to the power ``D``."""

    n: float
    D: float


def fall(values: Callable[[int], float], sizes: tuple[int, int, int] = SIZES) -> Fall:
    """The two powers that three sizes, each twice the one before, show.

    >>> fall(lambda n: 3 / (2 * n**2)), fall(lambda n: 1 / (2**n + 1))
    (Fall(n=-2.0, D=0.0), Fall(n=0.0, D=-1.0))
    """
    one, two, three = (math.log2(values(n)) for n in sizes)
    power = (three - 2 * two + one) / sizes[0]
    return Fall(round(two - one - power * sizes[0], 2) + 0.0, round(power, 2) + 0.0)


def family_of(circuit: QuantumCircuit) -> str | None:
    """The catalogue's name of a circuit, whatever its parameters' names and its angles' factor; None if it has none."""
    count = circuit.num_parameters
    for name, entry in CATALOGUE.items():
        if name == "random-pauli" or circuit.num_qubits < entry.smallest:
            continue
        layers = next((k for k in range(1, count + 1) if entry.parameters(circuit.num_qubits, k) >= count), 1)
        if entry.parameters(circuit.num_qubits, layers) != count:
            continue
        if _gates(circuit) == _gates(ansatz(name, circuit.num_qubits, layers)):
            return name
    return None


@lru_cache(maxsize=64)
def fall_of(name: str, observable: Observable) -> Fall | None:
    """How E K/L of an ansatz falls; None where it is 0, and for an observable that is given for one n alone."""

    def value(qubits: int) -> float:
        circuit = ansatz(name, qubits, 1)
        preparation, layer = repeated_part(circuit)
        terms = dict(read_observable(observable.spec, qubits).terms)
        return float(orbit_mean(layer, terms, preparation, most_strings=_LISTED).value / circuit.num_parameters)

    if not observable.terms or observable.from_file:
        return None
    try:
        return fall(value) if value(SIZES[0]) > 0 else None
    except ValueError:  # a label has its n; an orbit may be too large at another
        return None


def _gates(circuit: QuantumCircuit) -> list[Any]:
    """What tells one circuit from another, but for names of parameters and a factor of all angles."""
    found: list[Any] = []
    seen: set[int] = set()
    for gate in read_circuit(circuit).operations:
        if isinstance(gate, Fixed):
            found.append((gate.qubits, np.round(gate.matrix, 9).tobytes()))
            continue
        parameters = {p for p, _ in gate.angle.slopes}
        shared = bool(parameters & seen) or len(parameters) != 1 or not gate.angle.linear
        seen |= parameters
        found.append((gate.qubits, gate.pauli, shared, gate.angle.offset))
    return found
