"""A parameterised circuit with an observable: outputs, gradients, kernels, kernel matrices and the dQNTK."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Statevector

from qntk.inputs.machine import cores, free_memory, refuse_beyond_memory
from qntk.inputs.reader import read_circuit
from qntk.sampling.arithmetic.elementary import within_two_turns
from qntk.sampling.arithmetic.simd import WIDTH
from qntk.sampling.arithmetic.sums import inner_products, squared_norms
from qntk.sampling.engine.adjoint import adjoint, compile_observable
from qntk.sampling.engine.program import Program, compile_circuit
from qntk.sampling.engine.schedule import WHOLE, state_bytes
from qntk.sampling.engine.taylor import second_derivative
from qntk.sampling.operators import OperatorLike

Array = NDArray[np.float64]
_BATCH_WORK, _BATCH_ANGLES, _MOST_ANGLES = 2**24, 2**17, 2**23
"""Amplitudes times angles, and angles, that one thread takes at a time: keeps threads busy, and angles in cache.
The last is for memory alone, 64 MiB of angles."""


class CircuitModel:
    """f(θ, x) = <0|U†OU|0> and its derivatives by the trainable parameters, for batches of θ and of inputs x.

    Args:
        circuit: parameterised ``QuantumCircuit`` of unitary gates.
        observable: O on the circuit's qubits: ``SparsePauliOp``, ``Operator``, dense Hermitian matrix, or a
            ``Statevector`` for the projector on it.
        inputs: the parameters that are data, in the order of the columns of x; all others are trainable.
        workers: threads, all cores by default; results do not depend on it.

    θ has the trainable parameters in the order of ``circuit.parameters``, shape (draws, L). Where the circuit has
    inputs, x has shape (points, features) and results have a points axis after the draws axis.

    Raises ``ValueError`` for circuits and observables that cannot be used, or too large for this machine's memory.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        observable: OperatorLike | Statevector,
        inputs: Iterable[Parameter] = (),
        workers: int | None = None,
    ) -> None:
        self.circuit, self.observable, self.inputs, self.workers = circuit, observable, tuple(inputs), workers
        self._check_memory(circuit.num_qubits, whole=circuit.num_qubits <= WHOLE)
        self._form = read_circuit(circuit, self.inputs)
        self._trainable = list(self._form.weights)
        self._program = compile_circuit(self._form)
        self._check_memory(circuit.num_qubits, whole=not len(self._program.groups))
        self._observable = compile_observable(observable, circuit.num_qubits)

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        return len(self._trainable)

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return 1 << self._program.qubits

    @property
    def batch(self) -> int:
        """Evaluations that one thread takes at a time, a multiple of the vector's width.

        Deep circuits on few qubits get more, as far as memory allows, so that a call's set-up does not count. Large
        circuits, which are worked on draw by draw, get few, so that no thread waits for another.
        """
        if len(self._program.groups):
            return max((WIDTH << WHOLE + 1) // self.dimension, 1)
        angles, few = self._program.columns, 4096 // self.dimension
        size = min(_BATCH_WORK // (angles * self.dimension), _BATCH_ANGLES // angles, 512)
        return max(size, min(few, 64, _MOST_ANGLES // angles), WIDTH) // WIDTH * WIDTH

    def outputs(self, thetas: Array, x: Array | None = None) -> Array:
        """f, shape (draws,) or (draws, points)."""
        return self._evaluate(thetas, x, lambda c: adjoint(self._program, self._observable, c, keep=False)[:1])[0]

    def value_and_gradient(self, thetas: Array, x: Array | None = None) -> tuple[Array, Array]:
        """f, and the Jacobian ∂f/∂θ with one axis more, of length L."""
        values, gradient = self._evaluate(thetas, x, self._value_and_gradient)
        return values, gradient

    def kernel(self, thetas: Array, x: Array | None = None) -> Array:
        """K = Σ_ℓ (∂_ℓ f)², shape (draws,).

        With inputs, the kernel matrix K_ij = Σ_ℓ ∂_ℓ f(x_i) ∂_ℓ f(x_j), shape (draws, points, points).
        """
        if not self.inputs:
            return self.value_and_kernel(thetas)[1]
        _, gradient = self.value_and_gradient(thetas, x)
        return inner_products(gradient, gradient)

    def value_and_kernel(self, thetas: Array) -> tuple[Array, Array]:
        """f and K of a circuit without inputs, both of shape (draws,); no gradient is stored."""

        def both(columns: Array) -> tuple[Array, ...]:
            if self._program.nonlinear:
                values, gradient = self._value_and_gradient(columns)
                return values, squared_norms(gradient)
            return adjoint(self._program, self._observable, columns, keep=False)[:2]

        values, kernel = self._evaluate(thetas, None, both)
        return values, kernel

    def dqntk(self, thetas: Array, x: Array | None = None) -> Array:
        """μ = Σ_kℓ (∂_k∂_ℓ f)(∂_k f)(∂_ℓ f) of each output, shape (draws,) or (draws, points).

        Computed as d²/ds² f(θ + s∇f) at s = 0, without a Hessian.
        """
        program = self._whole
        self._check_memory(program.qubits, whole=True)

        def second(columns: Array) -> tuple[Array, ...]:
            first, acceleration = np.zeros_like(columns), np.zeros_like(columns)
            first[:, self._trainable] = self._value_and_gradient(columns)[1]
            for index, angle in enumerate(program.nonlinear, start=program.parameters):
                values, direction = columns[:, angle.columns].T, first[:, angle.columns].T
                first[:, index] = sum(s(values) * d for s, d in zip(angle.slopes, direction, strict=True))
                acceleration[:, index] = sum(
                    c(values) * one * two
                    for row, one in zip(angle.curvatures, direction, strict=True)
                    for c, two in zip(row, direction, strict=True)
                )
            return (second_derivative(program, self._observable, columns, first, acceleration),)

        return self._evaluate(thetas, x, second)[0]

    @cached_property
    def _whole(self) -> Program:
        return compile_circuit(self._form, whole=True) if len(self._program.groups) else self._program

    def _value_and_gradient(self, columns: Array) -> tuple[Array, ...]:
        """f, shape (evaluations,), and the gradient by the trainable parameters, shape (evaluations, L)."""
        values, _, gradient = adjoint(self._program, self._observable, columns)
        for index, angle in enumerate(self._program.nonlinear, start=self._program.parameters):
            for column, slope in zip(angle.columns, angle.slopes, strict=True):
                gradient[:, column] += gradient[:, index] * slope(columns[:, angle.columns].T)
        return values, gradient if self.parameters == self._program.columns else gradient[:, self._trainable]

    def on_threads(self, threads: int) -> CircuitModel:
        """The same model on so many threads, or as many as memory has room for."""
        room = free_memory() // state_bytes(self._program.qubits, not len(self._program.groups))
        other = copy.copy(self)
        other.workers = max(min(threads, room), 1)
        return other

    def _check_memory(self, qubits: int, whole: bool) -> None:
        """Refuse a circuit whose states do not fit."""
        threads = self.workers or cores()
        needed = threads * state_bytes(qubits, whole) + (16 << qubits if whole else 0)
        what = f"a circuit of {qubits} qubits on {threads} threads"
        refuse_beyond_memory(needed, what, "take fewer qubits or threads")

    def _evaluate(
        self, thetas: Array, x: Array | None, function: Callable[[Array], tuple[Array, ...]]
    ) -> tuple[Array, ...]:
        """Apply a function of the program's columns to every θ at every input, on threads, in bounded pieces."""
        thetas = np.asarray(thetas, dtype=float)
        if thetas.ndim != 2 or thetas.shape[1] != self.parameters:
            raise ValueError(f"thetas has shape {thetas.shape}; give (draws, {self.parameters})")
        features = np.empty((1, 0)) if x is None else np.asarray(x, dtype=float)
        if features.ndim != 2 or features.shape[1] != len(self.inputs):
            given = "nothing" if x is None else f"shape {features.shape}"
            raise ValueError(f"x is {given}; give (points, {len(self.inputs)}) for the circuit's inputs")
        points = len(features)
        total, size = len(thetas) * points, self.batch
        data = list(self._form.inputs)

        def piece(start: int) -> tuple[Array, ...]:
            stop = min(start + size, total)
            if self.parameters == self._program.columns:
                return function(np.ascontiguousarray(thetas[start:stop]))
            index = np.arange(start, stop)
            columns = np.zeros((len(index), self._program.columns))
            columns[:, self._trainable] = thetas[index // points]
            columns[:, data] = features[index % points]
            for place, angle in enumerate(self._program.nonlinear, start=self._program.parameters):
                columns[:, place] = _within_a_turn(angle.value(columns[:, angle.columns].T))
            return function(columns)

        starts = range(0, max(total, 1), size)
        if len(starts) == 1 or self.workers == 1:
            parts = [piece(start) for start in starts]
        else:
            with ThreadPoolExecutor(self.workers or cores()) as pool:
                parts = list(pool.map(piece, starts))
        shape = (len(thetas),) if x is None else (len(thetas), points)
        return tuple(
            (p[0] if len(p) == 1 else np.concatenate(p)).reshape(*shape, *p[0].shape[1:])
            for p in zip(*parts, strict=True)
        )


def _within_a_turn(angles: Array) -> Array:
    """The same rotations by small angles; products of parameters may be far larger."""
    return np.where(np.abs(angles) > 4 * np.pi, within_two_turns(angles), angles)
