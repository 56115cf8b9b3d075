r"""Several data, any observable, circuits of infinite depth: the double-bracket flow.

    dÕ/dt = ½ηS Σ_j ε_j [[Õ, ρ_j], Õ],      f_i = Tr(ρ_iÕ),      K_ij = ½S Tr(B_iB_j),  B_i = i[Õ, ρ_i],  S = 2Lκ,

for Õ = U†OU and L ≫ 2D-2. In the picture that keeps O, the final states turn: a step of gradient descent applies
exp(-½ηS [O, Σ_j ε_j ψ_jψ_j†]), of rank 2M for M training points, to all of them. K_ij = S Re(<ψ_i|ψ_j><ψ_j|O²|ψ_i>) -
S |<ψ_i|O|ψ_j>|². Two levels need no states: ``riccati``. One datum: ``imaginary_time``. Reference: docs/theory.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from qntk.theory.training.arguments import Array, finite, labelled, scalar, stable, step_count, training_mask
from qntk.theory.training.riccati import hermitian

Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class DoubleBracket:
    """The course of m outputs under training on some of them.

    Attributes:
        outputs: f on all points, shape (steps + 1, m).
        labels: y, shape (m,).
        training: which points are trained on, shape (m,).
        rate: η.
        strength: S.
        eigenvalues: of O, shape (D,).
        states: final states in the eigenbasis of O, rows, shape (steps + 1, m, D).
    """

    outputs: Array
    labels: Array
    training: NDArray[np.bool_]
    rate: float
    strength: float
    eigenvalues: Array
    states: Complex

    def kernel(self, step: int) -> Array:
        """K between all points after the given step, shape (m, m)."""
        return _kernel(self.states[step], self.eigenvalues, self.strength)

    @property
    def residuals(self) -> Array:
        """ε on the training points, shape (steps + 1, points trained on)."""
        return np.asarray((self.outputs - self.labels)[:, self.training])

    @property
    def loss(self) -> Array:
        """½Σε², shape (steps + 1,)."""
        return np.asarray((self.residuals**2).sum(axis=1) / 2)


def double_bracket(
    observable: ArrayLike,
    states: ArrayLike,
    labels: ArrayLike,
    training: ArrayLike,
    rate: float,
    strength: float,
    steps: int,
    *,
    continuous: bool = False,
    unstable: bool = False,
) -> DoubleBracket:
    """Train on several data and any observable in a circuit of infinite depth.

    Args:
        observable: O, a Hermitian matrix (D, D), or its diagonal (D,) in the basis of the states.
        states: final states at the start, rows of norm 1, shape (m, D).
        labels, training, rate, strength, steps, continuous, unstable: as for ``flow``.

    Raises ``ValueError`` for states that are not normalised, an operator that is not Hermitian, and numbers that fit no
    circuit.

    >>> states = np.array([[0.6, 0.0, 0.8], [0.0, 0.6, 0.8]])
    >>> run = double_bracket([-1, 0, 2], states, [0.5, 0.0], np.array([True, False]), 0.1, 1.0, steps=400)
    >>> run.outputs[-1].round(3)
    array([0.5  , 1.242])
    """
    psi = np.asarray(states, dtype=complex)
    if psi.ndim != 2 or not psi.size or not np.isfinite(psi).all():
        raise ValueError(f"states has shape {psi.shape}; give finite rows, (m, D)")
    if np.abs(np.linalg.norm(psi, axis=1) - 1).max() > 1e-8:
        raise ValueError("states are not normalised")
    given = np.asarray(observable)
    if given.ndim == 1:
        o = finite("observable", given, (psi.shape[1],))
    else:
        o, vectors = np.linalg.eigh(hermitian("observable", given, psi.shape[1]))
        psi = psi @ vectors.conj()
    mask = training_mask(training, len(psi))
    y = labelled(labels, mask)
    eta, S = scalar("rate", rate), scalar("strength", strength)
    run = _continuous if continuous else _discrete
    path = run(psi, o, np.where(mask, y, 0.0), mask, eta * S, step_count(steps))
    outputs = np.asarray((np.abs(path) ** 2) @ o)
    if not continuous:
        for t, at in enumerate(path):
            K = _kernel(at[mask], o, S)
            if not unstable and eta * np.abs(K).sum(axis=0).max() >= 2:
                stable(eta, float(np.linalg.eigvalsh(K)[-1]), f"at step {t}", unstable)
    return DoubleBracket(outputs, y, mask, eta, S, o, path)


def _kernel(states: Complex, o: Array, strength: float) -> Array:
    overlaps = states.conj() @ states.T
    first, second = (states.conj() * o) @ states.T, (states.conj() * o**2) @ states.T
    return np.asarray(strength * ((overlaps.conj() * second).real - np.abs(first) ** 2))


def _discrete(psi: Complex, o: Array, labels: Array, mask: NDArray[np.bool_], pull: float, steps: int) -> Complex:
    path = np.empty((steps + 1, *psi.shape), dtype=complex)
    path[0] = psi
    for t in range(steps):
        columns = path[t].T
        trained = columns[:, mask]
        pulls = pull / 2 * ((np.abs(trained) ** 2).T @ o - labels[mask])
        # -½ηS (OMψψ† - ψψ†O) as R J R† in an orthonormal basis of the trained states and their images
        basis, R = np.linalg.qr(np.hstack([o[:, None] * trained, trained]))
        images, origins = np.split(R, 2, axis=1)
        turn = -(images * pulls) @ origins.conj().T
        turn = turn - turn.conj().T
        values, vectors = np.linalg.eigh(1j * turn)
        inner = basis.conj().T @ columns
        change = vectors @ (np.expm1(-1j * values)[:, None] * (vectors.conj().T @ inner))
        path[t + 1] = (columns + basis @ change).T
    return path


def _continuous(psi: Complex, o: Array, labels: Array, mask: NDArray[np.bool_], pull: float, steps: int) -> Complex:
    def slope(_: float, flat: Array) -> Array:
        rows = flat.view(complex).reshape(psi.shape)
        pulls = np.where(mask, pull / 2 * ((np.abs(rows) ** 2) @ o - labels), 0.0)
        scaled = pulls[:, None] * rows
        direct, through = rows @ rows.conj().T, rows @ (rows.conj() * o).T  # <j|i>, <j|O|i>
        return np.ascontiguousarray(-(direct @ (scaled * o)) + through @ scaled).ravel().view(float)

    begin = np.ascontiguousarray(psi).ravel().view(float)
    run = solve_ivp(slope, (0, max(steps, 1)), begin, "DOP853", np.arange(steps + 1.0), rtol=1e-11, atol=1e-13)
    if not run.success:
        raise ValueError(f"the flow could not be followed: {run.message}")
    return np.array([np.ascontiguousarray(column).view(complex).reshape(psi.shape) for column in run.y.T])
