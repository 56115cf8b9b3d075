"""The user's own circuits in a sweep: found, identified by what they do, and kept beside the draws.

A circuit is named in a configuration by a file or by ``module:function``. A sweep keys its cells by a digest of the
compiled gate list, so that renaming a file, or another version of Qiskit writing it, changes nothing, and any change of
a gate, an angle or the order of the parameters does. The directory of a sweep holds the circuit as DIGEST.qpy: it is
resumed and reported wherever the directory goes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import qpy
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qntk.inputs.circuit_files import load_circuit
from qntk.inputs.circuits import entered
from qntk.inputs.messages import warn
from qntk.sampling import CircuitModel, Draws
from qntk.sampling.arithmetic.sums import squared_norms
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.sampling.engine.expressions import Nonlinear
from qntk.sampling.engine.program import compile_circuit
from qntk.sampling.operators import OperatorLike
from qntk.validation.sweep.grid import MAX_PARAMETERS, MAX_QUBITS
from qntk.validation.sweep.own_modules import MissingModuleError, call_function

_DIGITS = 10
_POINTS = 3


@dataclass(frozen=True)
class UserCircuit:
    """A circuit, and all that a cell needs to know of it before it is drawn.

    Attributes:
        digest: SHA-256 of the gate list and of which parameters are data.
        qubits: n.
        parameters: trainable ones, L.
        inputs: names of the parameters, or vectors of them, that are data, each with its distribution if it has one.
        angles: distribution of the others; empty if uniform on [0, 2π).
        qpy: the circuit in Qiskit's format.
        key: what tells it apart from the other circuits of its configuration.
    """

    digest: str
    qubits: int
    parameters: int
    inputs: tuple[str, ...]
    angles: str
    qpy: bytes = field(repr=False, compare=False)
    key: str = field(default="", compare=False)

    @classmethod
    def of(cls, circuit: QuantumCircuit, inputs: Sequence[str] = (), key: str = "", angles: str = "") -> UserCircuit:
        """Compile and identify a circuit; ``ValueError`` for what a sweep cannot draw."""
        taken = entered(circuit)
        circuit = taken.circuit
        for note in taken.notes:
            warn(f"circuit {key or circuit.name}: {note}")
        if not circuit.parameters:
            raise ValueError("it has no free parameters; a tangent kernel needs at least one")
        random = RandomCircuit.read(circuit, inputs, angles or None)
        parameters = random.circuit.num_parameters - len(random.inputs)
        for name, number, most in (("qubits", circuit.num_qubits, MAX_QUBITS), ("L", parameters, MAX_PARAMETERS)):
            if number > most:
                raise ValueError(f"it has {name} = {number}; a sweep takes at most {most}")
        buffer = io.BytesIO()
        qpy.dump(circuit, buffer)
        digest = _digest(random)
        return cls(digest, circuit.num_qubits, parameters, tuple(inputs), angles, buffer.getvalue(), key)

    def circuit(self) -> QuantumCircuit:
        """The circuit; ``ValueError`` if the kept file is not the circuit that the sweep began with."""
        try:
            (circuit,) = qpy.load(io.BytesIO(self.qpy))
        except Exception as error:  # the importer has errors of its own
            raise ValueError(f"the kept circuit {self.digest[:16]} cannot be read: {error}") from error
        found = UserCircuit.of(circuit, self.inputs, angles=self.angles).digest
        if found != self.digest:
            raise ValueError(f"the kept circuit {self.digest[:16]} is damaged: its digest is {found[:16]}")
        return circuit

    def random(self) -> RandomCircuit:
        """The circuit with its data and how all is drawn; errors as ``circuit``."""
        return RandomCircuit.read(self.circuit(), self.inputs, self.angles or None)

    def header(self) -> dict[str, Any]:
        """What the manifest says of it."""
        header = {"digest": self.digest, "qubits": self.qubits, "parameters": self.parameters, "inputs": self.inputs}
        return header | ({"angles": self.angles} if self.angles else {})


def find_circuit(
    name: str,
    inputs: Sequence[str],
    size: tuple[int, int] | None,
    folder: Path,
    kept: Mapping[str, UserCircuit],
    kept_only: bool = False,
    angles: str = "",
) -> UserCircuit:
    """The circuit of a configuration's ``circuit`` key.

    Args:
        name: a file, relative to ``folder``, or ``module:function``, importable from there or from anywhere.
        inputs: parameters that are data.
        size: (qubits, layers), for a function.
        folder: of the configuration.
        kept: those that a directory holds, by key, for a file or a module that is not there.
        kept_only: whether nothing but those is read, and no code of the user's runs.
        angles: how the other parameters are drawn; empty for uniform on [0, 2π).

    Raises ``ValueError`` in one line.
    """
    at = f"({size[0]}, {size[1]})" if size else ""
    key = f"{name}{at}" + (f" of {', '.join(inputs)}" if inputs else "")
    key += f" at {angles}" if angles else ""
    known = kept.get(key)
    if kept_only:
        if known is None:
            raise ValueError(f"circuit {name!r} has no copy in the directory; run the sweep again, which makes it anew")
        return known
    if size is None:
        path = folder / Path(name).expanduser()
        if known and not path.exists():
            return known
        circuit = load_circuit(path)
    else:
        try:
            circuit = call_function(name, folder, size)
        except MissingModuleError as error:
            if known:
                return known
            raise ValueError(str(error)) from error
        if not isinstance(circuit, QuantumCircuit):
            raise ValueError(f"circuit {name!r} returns {type(circuit).__name__}; a QuantumCircuit is accepted")
        found = entered(circuit).circuit.num_qubits
        if found != size[0]:
            raise ValueError(f"circuit {name!r} has {found} qubits where {size[0]} were asked for")
    try:
        return UserCircuit.of(circuit, inputs, key, angles)
    except ValueError as error:
        raise ValueError(f"circuit {name!r}: {error}") from error


def _digest(random: RandomCircuit) -> str:
    """Of the program before gates are merged, and of how parameters are drawn where that is not uniform.

    Angles that are not linear count by their values at fixed points.
    """
    circuit, angles = random.circuit, random.angles
    trainable = [p not in random.inputs for p in circuit.parameters]
    program = compile_circuit(circuit, merge=False)
    points = np.linspace(0.2, 1.3, _POINTS * program.parameters).reshape(program.parameters, _POINTS)
    nonlinear = [[angle.columns, *_values(angle, points).tolist()] for angle in program.nonlinear]
    slopes = program.jacobian.copy()
    slopes.sum_duplicates()
    constants = [
        program.matrices.real, program.matrices.imag, slopes.data, program.offsets,
        *(np.array(values[1:]) for values in nonlinear),
    ]  # fmt: skip
    digest = hashlib.sha256(repr([program.qubits, trainable, [values[0] for values in nonlinear]]).encode())
    for whole in (program.rows, program.wires, slopes.indptr, slopes.indices):
        digest.update(np.ascontiguousarray(whole, dtype="<i8").tobytes() + b"|")
    for real in constants:
        digest.update((np.round(real, _DIGITS) + 0.0).astype("<f8").tobytes() + b"|")
    if not angles.uniform:
        drawn = [angles.weights, angles.mirror, *(d for _, d in angles.data)]
        digest.update(repr(drawn).encode())
    return digest.hexdigest()


def _values(angle: Nonlinear, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of an angle at the fixed points, or where it has values if it has none there."""
    try:
        return angle.value(points[list(angle.columns)])
    except ValueError:
        return angle.value(angle.points)


@dataclass(frozen=True)
class InputEnsemble:
    """Draws of a circuit some of whose parameters are data, or not uniform; K is over the others.

    Args:
        random: the circuit, its data, and how all parameters are drawn.
        observable: as for ``CircuitModel``.
    """

    random: RandomCircuit = field(repr=False)
    observable: OperatorLike | Statevector = field(repr=False)

    @cached_property
    def model(self) -> CircuitModel:
        """The circuit with every parameter trainable: chunks are what threads share out."""
        return CircuitModel(self.random.circuit, self.observable, workers=1)

    @cached_property
    def _trainable(self) -> NDArray[np.bool_]:
        return np.array([p not in self.random.inputs for p in self.random.circuit.parameters])

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        return int(self._trainable.sum())

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return self.model.dimension

    def draw(self, draws: int, rng: np.random.Generator) -> Draws:
        """``draws`` independent sets of angles and data."""
        parts = []
        for start in range(0, draws, self.model.batch):
            names = [p.name for p in self.random.circuit.parameters]
            values = self.random.angles.draw(rng, names, min(self.model.batch, draws - start))
            output, gradient = self.model.value_and_gradient(values)
            parts.append(Draws(squared_norms(np.ascontiguousarray(gradient[:, self._trainable])), output))
        return Draws.concatenate(parts)
