"""A cell: one point of a sweep, and what each side of the suite makes of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qntk.inputs.observables import Observable, parse_observable
from qntk.sampling import STREAM_VERSION, CircuitEnsemble, Ensemble, HaarLayers, ansatz, chunk_sizes
from qntk.theory import KernelLaw
from qntk.theory.circuits.free_fermions import FermionLaw
from qntk.theory.haar.symmetric import SymmetricKernelLaw
from qntk.validation.judge.claims import Claim, Quantity, claims_on
from qntk.validation.judge.free_fermions import deep_fermion_law
from qntk.validation.judge.law import kernel_law, symmetric_law
from qntk.validation.judge.sequential import Look, plan_looks
from qntk.validation.sweep.grid import HAAR_LAYERS
from qntk.validation.sweep.own_circuits import InputEnsemble, UserCircuit

Variable = Literal["L", "D"]
_CIRCUIT_STREAM = 0xC1AC
"""Word that sets the stream of an ansatz's fixed gates apart from those of its chunks."""


@dataclass(frozen=True)
class Cell:
    """One ensemble at one size with one observable.

    Attributes:
        ensemble: ``haar-layers``, a name of the catalogue, or what the user calls a circuit.
        qubits: n.
        layers: of an ansatz, 1 for a circuit from a file; 0 for Haar layers, whose layers are their parameters.
        parameters: L.
        observable: specification, see ``qntk.inputs.observables``.
        generator: ``half-pauli`` or ``pauli``.
        draws: planned number of draws.
        seed: root seed.
        dqntk: whether μ is drawn too.
        overlap: |<x|x'>|² of two inputs between which K is drawn too, or None.
        looks: planned looks at the draws; with more than one it may stop early.
        circuit: the user's own, or None.
        read: the observable where it was read already, as one from a file always is, so that nobody reads it again.
        stream: version of the random stream; an older one names draws that are there, and draws no more.
    """

    ensemble: str
    qubits: int
    layers: int
    parameters: int
    observable: str
    generator: str
    draws: int
    seed: int
    dqntk: bool = False
    overlap: float | None = None
    looks: int = 1
    circuit: UserCircuit | None = field(default=None, repr=False)
    read: Observable | None = field(default=None, repr=False)
    stream: int = field(default=STREAM_VERSION, repr=False)

    @property
    def dimension(self) -> int:
        """D = 2^n."""
        return 1 << self.qubits

    def document(self) -> dict[str, Any]:
        """Its fields for a JSON document; a user's circuit as its digest, and only where there is one."""
        document = {key.name: getattr(self, key.name) for key in fields(self) if key.repr}
        return document | ({"circuit": self.circuit.digest} if self.circuit else {})

    @cached_property
    def parsed(self) -> Observable:
        """The observable."""
        return self.read or parse_observable(self.observable, self.qubits)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the draws except their number."""
        defining: dict[str, Any] = self.document() | {"stream": self.stream}
        defining |= {"observable": [sorted(self.parsed.terms), self.parsed.rank]}
        for number in ("draws", "looks"):
            del defining[number]
        for option, absent in (("dqntk", False), ("overlap", None)):  # a plain cell keeps its stream
            if defining[option] == absent:
                del defining[option]
        return hashlib.sha256(json.dumps(defining, sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Short identifier, unique within a sweep."""
        return self.fingerprint[:16]

    @property
    def key(self) -> tuple[int, ...]:
        """Spawn key of this cell's random streams, so that no other cell's presence moves them."""
        return tuple(int(self.fingerprint[i : i + 8], 16) for i in range(0, 32, 8))

    @cached_property
    def chunks(self) -> list[int]:
        """Draws in each chunk."""
        return chunk_sizes(self.draws, self.parameters, self.dimension)

    @property
    def columns(self) -> dict[str, str | int]:
        """What tells it apart in a table, beside its name."""
        keys = ("ensemble", "qubits", "layers", "parameters", "observable", "generator")
        return {key: getattr(self, key) for key in keys}

    def size(self, variable: Variable) -> int:
        """L or D."""
        return self.parameters if variable == "L" else self.dimension

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is drawn and judged."""
        wanted: dict[Quantity, bool] = {
            "kernel": True,
            "cross_kernel": self.overlap is not None,
            "dqntk": self.dqntk,
        }
        return tuple(quantity for quantity, drawn in wanted.items() if drawn)

    @property
    def claims(self) -> list[Claim]:
        """What is judged: one interval each."""
        return claims_on(self.law(), self.quantities, self.overlap)

    @property
    def looks_at(self) -> list[Look]:
        """The planned looks; one, at all draws, unless the cell may stop early."""
        return plan_looks(self.chunks, self.looks)

    def law(self) -> KernelLaw:
        """What theory says: the Haar-layer law with this cell's L, O and G."""
        return kernel_law(self.qubits, self.parameters, self.parsed, self.generator)

    def symmetric_law(self) -> SymmetricKernelLaw | FermionLaw | None:
        """The law of the group that this cell's ansatz is confined to, if it is not the unitary one."""
        if self.circuit is not None:
            return None
        named = (self.ensemble, self.qubits, self.parameters, self.parsed, self.generator)
        return symmetric_law(*named) or deep_fermion_law(*named)

    def build(self) -> Ensemble:
        """What sampling draws from. ``ValueError`` if the copy of a user's circuit is damaged."""
        if self.ensemble == HAAR_LAYERS:
            scale = 0.5 if self.generator == "half-pauli" else 1.0
            pauli = SparsePauliOp("I" * (self.qubits - 1) + "Z", scale)
            return HaarLayers(self.parsed, pauli, self.parameters, self.dqntk, self.overlap)
        # A rank-1 projector as its state costs O(D) to apply, as a matrix O(D²).
        target = Statevector.from_int(0, 1 << self.qubits) if self.parsed.rank == 1 else self.parsed.operator()
        if self.circuit is not None and (self.circuit.inputs or self.circuit.angles):
            return InputEnsemble(self.circuit.random(), target)
        return CircuitEnsemble(self.quantum_circuit(), target, dqntk=self.dqntk)

    def quantum_circuit(self) -> QuantumCircuit:
        """The ansatz or the user's circuit. ``ValueError`` for Haar layers, or if a user's copy is damaged."""
        if self.circuit is not None:
            return self.circuit.circuit()
        sequence = np.random.SeedSequence(self.seed, spawn_key=(*self.key, 0, _CIRCUIT_STREAM))
        rng = np.random.default_rng(sequence)
        return ansatz(self.ensemble, self.qubits, self.layers, self.generator, rng)
