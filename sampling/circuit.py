"""The ensemble of a parameterised circuit: fixed gates, random angles."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from sampling.draws import Draws
from sampling.engine import CompiledObservable, compile_observable, value_and_gradient, value_and_kernel
from sampling.operators import OperatorLike
from sampling.program import Program, compile_circuit

_BATCH = 512
"""Draws whose angles are held at once, so that memory stays bounded."""


@dataclass(frozen=True)
class CircuitEnsemble:
    """A circuit with every parameter uniform on [0, 2π).

    Args:
        circuit: parameterised ``QuantumCircuit`` of unitary gates.
        observable: O, a ``SparsePauliOp``, ``Operator`` or dense Hermitian matrix on the circuit's qubits.

    Raises ``ValueError`` for what ``compile_circuit`` or ``compile_observable`` refuse.
    """

    circuit: QuantumCircuit = field(repr=False)
    observable: OperatorLike = field(repr=False)
    _compiled: tuple[Program, CompiledObservable] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile once."""
        program = compile_circuit(self.circuit)
        object.__setattr__(self, "_compiled", (program, compile_observable(self.observable, program.qubits)))

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        return self._compiled[0].parameters

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return 1 << self._compiled[0].qubits

    def value_and_gradient(self, thetas: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """f, shape (draws,), and ∂f/∂θ, shape (draws, L), at given angles, shape (draws, L).

        Columns follow ``circuit.parameters``.
        """
        return value_and_gradient(*self._compiled, thetas)

    def kernel(self, thetas: NDArray[np.float64]) -> NDArray[np.float64]:
        """K at given angles: shape (draws, L) to shape (draws,)."""
        return value_and_kernel(*self._compiled, thetas)[1]

    def draw(self, draws: int, rng: np.random.Generator) -> Draws:
        """``draws`` independent sets of angles."""
        kernel, output = np.empty(draws), np.empty(draws)
        for start in range(0, draws, _BATCH):
            batch = slice(start, min(start + _BATCH, draws))
            thetas = rng.uniform(0.0, 2 * np.pi, (batch.stop - start, self.parameters))
            output[batch], kernel[batch] = value_and_kernel(*self._compiled, thetas)
        return Draws(kernel, output)
