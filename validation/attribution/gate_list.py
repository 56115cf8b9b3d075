"""A circuit's gates on many states at once, each with its own angles, in plain numpy.

The sampler's engine starts every draw in |0…0> and returns an output and its gradient. Here the states are given and
handed back: whole unitaries are D of them a draw, and the derivatives of a circuit between Haar-random ends come from
random pairs of vectors carried through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qntk.sampling.engine.program import CX, CZ, DENSE, compile_circuit

Array = NDArray[np.float64]
States = NDArray[np.complex128]
_BLOCK = 2**16
"""Amplitudes worked on at a time: they stay in cache."""


class _Gate(NamedTuple):
    """ψ → phase·ψ[source], a permutation with phases P; with an ``angle`` exp(-i a P/2); or a dense ``matrix``."""

    source: NDArray[np.intp] | None
    phase: States | None
    angle: int = -1
    matrix: States | None = None


class GateList:
    """The gates of a parameterised circuit, for states of shape (D, k, draws): k states a draw, of the same angles.

    Args:
        circuit: as for ``CircuitModel``; ``ValueError`` for what it does not take.

    Angles are in the order of ``circuit.parameters``, shape (draws, P). Global phases are dropped.
    """

    def __init__(self, circuit: QuantumCircuit) -> None:
        self._program = compile_circuit(circuit, merge=False)

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return 1 << self._program.qubits

    @property
    def parameters(self) -> int:
        """Number of parameters P."""
        return self._program.parameters

    @cached_property
    def cost(self) -> int:
        """Work on one amplitude, in gates: a dense gate on w qubits counts as 2^w / 2 + 1."""
        rows = self._program.rows
        return int(np.where(rows[:, 0] == DENSE, (1 << rows[:, 1]) // 2 + 1, 1).sum())

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """The parameters, as indices into ``circuit.parameters``, in the order in which the circuit first uses them."""
        first = np.full(self.parameters, len(self._program.rows))
        jacobian, nonlinear = self._program.jacobian, self._program.nonlinear
        for place, row in enumerate(self._program.rows.tolist()):
            if row[0] in (CX, CZ, DENSE):
                continue
            for column in jacobian.indices[jacobian.indptr[row[4]] : jacobian.indptr[row[4] + 1]]:
                used = [column] if column < self.parameters else list(nonlinear[column - self.parameters].columns)
                first[used] = np.minimum(first[used], place)
        return np.argsort(first, kind="stable")

    def evolve(self, thetas: Array, states: States) -> States:
        """U(θ) on every state, shape (D, k, draws)."""
        return self._run(thetas, states, read=False)[0]

    def slopes(self, thetas: Array, frames: States) -> Array:
        """2 Im<ξ|∂_ℓ-generator|φ> of pairs (φ, ξ) given at the circuit's beginning, shape (D, 2, draws).

        This is ∂_ℓ f where ξ is the part of U†OU φ orthogonal to φ; shape (draws, P).
        """
        return self._run(thetas, frames, read=True)[1]

    def outputs(self, thetas: Array) -> States:
        """U(θ)|0…0>, shape (draws, D)."""
        states = np.zeros((self.dimension, 1, len(thetas)), complex)
        states[0] = 1.0
        return np.ascontiguousarray(self.evolve(thetas, states)[:, 0].T)

    def unitaries(self, thetas: Array) -> States:
        """U(θ) up to a phase, shape (draws, D, D)."""
        identity = np.repeat(np.eye(self.dimension, dtype=complex)[:, :, None], len(thetas), axis=2)
        return np.ascontiguousarray(self.evolve(thetas, identity).transpose(2, 0, 1))

    def _run(self, thetas: Array, states: States, read: bool) -> tuple[States, Array]:
        size = max(1, _BLOCK // (states.shape[0] * states.shape[1]))
        blocks = [slice(start, start + size) for start in range(0, len(thetas), size)]
        done = [self._block(thetas[b], states[..., b].copy(), read) for b in blocks]
        return np.concatenate([d[0] for d in done], axis=-1), np.concatenate([d[1] for d in done])

    def _block(self, thetas: Array, psi: States, read: bool) -> tuple[States, Array]:
        program = self._program
        columns = np.concatenate([thetas, *(a.value(thetas[:, a.columns].T)[:, None] for a in program.nonlinear)], 1)
        half = 0.5 * (program.jacobian @ columns.T + program.offsets[:, None])
        cosines, sines = np.cos(half), np.sin(half)
        by_angle = np.zeros_like(half)
        for gate in self._gates:
            if gate.matrix is not None:
                psi[gate.source] = np.einsum("rc,cxkb->rxkb", gate.matrix, psi[gate.source])  # no BLAS threads
                continue
            turned = psi if gate.source is None else psi[gate.source]
            if gate.phase is not None:
                turned = turned * gate.phase
            if gate.angle < 0:
                psi = turned
                continue
            if read:
                by_angle[gate.angle] = np.einsum("db,db->b", psi[:, 1].conj(), turned[:, 0]).imag
            turned *= -1j * sines[gate.angle]
            psi *= cosines[gate.angle]
            psi += turned
        gradient = (program.jacobian.T @ by_angle).T
        for place, angle in enumerate(program.nonlinear, start=program.parameters):
            for column, slope in zip(angle.columns, angle.slopes, strict=True):
                gradient[:, column] += gradient[:, place] * slope(thetas[:, angle.columns].T)
        return psi, gradient[:, : program.parameters]

    @cached_property
    def _gates(self) -> list[_Gate]:
        return list(self._compile())

    def _compile(self) -> Iterator[_Gate]:
        program, index = self._program, np.arange(self.dimension)
        for kind, a, b, c, d in program.rows.tolist():
            if kind == CX:
                yield _Gate(np.where(index & a, index ^ b, index), None)
            elif kind == CZ:
                both = (index & a != 0) & (index & b != 0)
                yield _Gate(None, np.where(both, -1.0 + 0j, 1.0)[:, None, None])
            elif kind == DENSE:
                wires, size = program.wires[b : b + a], 1 << a
                rows = sum(((np.arange(size) >> k) & 1) << wire for k, wire in enumerate(wires))
                rest = index[index & sum(1 << int(wire) for wire in wires) == 0]
                matrix = program.matrices[c : c + size * size].reshape(size, size)
                yield _Gate(np.asarray(rows)[:, None] | rest, None, matrix=matrix)
            else:
                # A Pauli with masks a of X and b of Z is i^y X^a Z^b, y the number of Y.
                moved = index ^ a
                phase = 1j ** (a & b).bit_count() * (-1.0) ** np.bitwise_count(moved & b)
                yield _Gate(moved if a else None, phase[:, None, None], angle=d)
