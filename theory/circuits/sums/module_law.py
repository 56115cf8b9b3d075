"""The mean of K where generators are sums of Pauli strings: on the module of the observable.

A = U†OU stays in the smallest space M of operators that holds O and i[H_k, A] with every A; in an orthonormal basis of
M it is a real vector a of m components, generators are antisymmetric matrices A_k, and an input is the vector v of the
basis' expectation values, so that f = v·a. Second moments are those of X = E a aᵀ. In a deep circuit X is the average X̄
of o oᵀ over the group that the A_k generate, and so is the input's matrix:

    E g_k² = Tr Ȳ A_k X̄ A_kᵀ,        E f² = Tr Ȳ X̄,        Y = v vᵀ

(``invariants``). For O in the algebra X̄ and Ȳ are multiples of 1 on each ideal j; with purities P_j of what they
project to and the adjoint Casimir c_j this is Σ_j c_j P_j(H_k) P_j(O) P_j(ρ)/(dim_j)² (Fontana et al.,
arXiv:2309.07902; Ragone et al., arXiv:2309.09342). At a circuit's own depth X is averaged gate by gate instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.normal_form import NormalForm
from qntk.theory.circuits.sums.generators import Generators, Matrix, as_operators, as_real, closed, string
from qntk.theory.circuits.sums.invariants import averaged

Array = NDArray[np.float64]
MOST_DIMENSIONS = 256
"""Of the module, unless the caller asks for more."""


@dataclass(frozen=True, eq=False)
class Module:
    """The module of an observable under a circuit's generators.

    Attributes:
        circuit: the generators.
        start: o, shape (m,).
        basis: its orthonormal operators as real vectors, shape (m, D²).
    """

    circuit: Generators
    start: Array
    basis: Array

    @classmethod
    def of(
        cls, circuit: Generators | NormalForm, observable: Mapping[str, float], most: int = MOST_DIMENSIONS
    ) -> Module:
        """The module of real coefficients of Pauli labels.

        Raises ``ValueError`` for more than ``most`` dimensions, labels that do not fit, and as
        ``Generators.from_form``.
        """
        taken = circuit if isinstance(circuit, Generators) else Generators.from_form(circuit)
        if any(len(label) != taken.qubits for label in observable):
            raise ValueError(f"a label of the observable has not {taken.qubits} letters")
        places = tuple(reversed(range(taken.qubits)))
        O = sum(
            (c * string(label, places, taken.qubits) for label, c in observable.items()), np.zeros_like(taken.fixed)
        )
        O = O - np.trace(O) / len(O) * np.eye(len(O))
        basis = closed(O[None], taken.moves, taken.fixed, most)
        return cls(taken, basis @ as_real(O[None])[0], basis)

    def on(self, H: Matrix) -> Array:
        """Matrix of A → i[H, A], antisymmetric, shape (m, m)."""
        operators = as_operators(self.basis, len(H))
        images = as_real(1j * (H @ operators - operators @ H))
        return self.basis @ images.T

    def input(self, state: Matrix) -> Array:
        """Expectation values of the basis in a density matrix, shape (m,)."""
        found: Array = self.basis @ as_real(state[None])[0]
        return found

    @cached_property
    def turns(self) -> Array:
        """Of each generator, in time order, shape (L, m, m)."""
        return np.stack([self.on(H) for H in self.circuit.matrices])

    @cached_property
    def moves(self) -> Array:
        """Of what a deep circuit turns about."""
        return np.stack([self.on(H) for H in self.circuit.moves])

    @cached_property
    def fixed(self) -> Array:
        """Of A → F†AF."""
        operators, F = as_operators(self.basis, len(self.circuit.fixed)), self.circuit.fixed
        return self.basis @ as_real(F.conj().T @ operators @ F).T


@dataclass(frozen=True, eq=False)
class ModuleMean:
    """Mean of K, or of K_ij.

    Attributes:
        value: Σ E g² over parameters, in units of the observable squared.
        gradients: E g² by parameter, shape (L,).
        output: E f², or E f_i f_j, of the observable without its trace.
        dimension: of the module, m.
    """

    value: float
    gradients: Array
    output: float
    dimension: int


def deep_mean(module: Module, first: Matrix, second: Matrix | None = None) -> ModuleMean:
    """The mean far from both ends of a deep circuit, whatever of it is in ``module.circuit``.

    Args:
        module: of the observable.
        first, second: density matrices of one input, or of two, shape (D, D).

    Raises ``ValueError`` where the limit recurs with the depth, and where no generator turns the observable.
    """
    if not any(turn.any() for turn in module.turns):
        raise ValueError("the observable commutes with every rotation: its gradients vanish, give another")
    X = averaged(module.moves, np.outer(module.start, module.start))
    if not np.allclose(module.fixed @ X @ module.fixed.T, X, atol=1e-8 * max(1e-300, np.abs(X).max())):
        raise ValueError("the fixed gates give the mean no one limit in depth: draw K (qntk.sample)")
    Y = averaged(module.moves, _pair(module, first, second))
    return _mean(module, [X] * len(module.turns), [Y] * len(module.turns), float(np.sum(X * Y)))


def exact_mean(module: Module, first: Matrix, second: Matrix | None = None) -> ModuleMean:
    """The mean at the circuit's own depth, angles uniform on [0, 2π)."""
    turned: dict[bytes, tuple[NDArray[np.complex128], NDArray[np.complex128]]] = {}

    def average(A: Array, X: Array, back: bool) -> Array:
        """Of R X Rᵀ over R = exp(θA)."""
        key = A.tobytes()
        if key not in turned:
            rates, vectors = np.linalg.eigh(1j * A)
            gaps = rates[:, None] - rates[None, :]
            phase = 2j * np.pi * gaps
            near = np.abs(phase) < 1e-9
            kept = np.where(near, 1.0, np.expm1(phase) / np.where(near, 1.0, phase))
            turned[key] = vectors, kept
        vectors, kept = turned[key]
        inner = vectors.conj().T @ X @ vectors
        # exp(θA) turns an eigenvector by exp(-iθ rate); the adjoint turns it back.
        return np.asarray((vectors @ (inner * (kept if back else kept.conj())) @ vectors.conj().T).real)

    Y, before = _pair(module, first, second), []
    for A in module.turns:
        before.append(Y)
        Y = average(A, Y, back=True)
    X, after = module.fixed @ np.outer(module.start, module.start) @ module.fixed.T, []
    for A in reversed(module.turns):
        X = average(A, X, back=False)
        after.append(X)
    return _mean(module, after[::-1], before, float(np.sum(X * before[0])))


def _pair(module: Module, first: Matrix, second: Matrix | None) -> Array:
    u = module.input(first)
    v = u if second is None else module.input(second)
    found: Array = (np.outer(u, v) + np.outer(v, u)) / 2
    return found


def _mean(module: Module, after: list[Array], before: list[Array], output: float) -> ModuleMean:
    gradients = np.empty(len(module.turns))
    for place, (A, X, Y) in enumerate(zip(module.turns, after, before, strict=True)):
        gradients[module.circuit.parameters[place]] = np.sum(Y * (A @ X @ A.T))
    return ModuleMean(float(gradients.sum()), gradients, output, len(module.basis))


def density_matrix(given: Any, qubits: int) -> Matrix:
    """A basis state's number, or a preparation of fixed gates in normal form, as a density matrix."""
    psi = np.zeros(1 << qubits, dtype=complex)
    if isinstance(given, NormalForm):
        circuit = Generators.from_form(given)
        if len(circuit.parameters):
            raise ValueError("an input's preparation has free parameters; give fixed gates alone")
        psi = circuit.fixed[:, 0]
    else:
        psi[given] = 1.0
    return np.outer(psi, psi.conj())
