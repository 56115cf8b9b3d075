r"""Several data, an observable with square 1, circuits of infinite depth: a Riccati flow on the span of the inputs.

With Õ = U†OU, the input states φ_i, and S = 2Lκ, the sum over generators averages itself for L ≫ 2D-2, and training on
½Σ_j ε_j² becomes a closed flow that needs no D:

    dÕ/dt = -ηS Σ_j ε_j (ρ_j - Õρ_jÕ),      f_i = <φ_i|Õ|φ_i>,      K_ij = S (|G_ij|² - |F_ij|²),

G_ij = <φ_i|φ_j>, F_ij = <φ_i|Õ|φ_j>, the points that are only watched included. Split each final state into its parts
in the two eigenspaces of O, A = (G + F)/2 and B = (G - F)/2 their Gram matrices: A + B = G is kept, and

    dA/dt = -ηS (A E B + B E A),      E = diag(ε_j on training points, 0 elsewhere),      K_ij = 4S Re(A_ij B_ij*).

A step of gradient descent turns the parts by exp(-ηS [[0, UEW†], [-WEU†, 0]]), U†U = A and W†W = B: a rotation,
whatever the step, so that outputs never leave the spectrum. Reference: docs/theory.md, "Training beyond the frozen
kernel".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from qntk._result import Result, course, frame
from qntk.theory.training.arguments import Array, labelled, scalar, stable, step_count, training_mask

Complex = NDArray[np.complex128]
Parts = NDArray[np.inexact[Any]]
"""Real where all overlaps are: twice as quick."""
_ROUNDING = 1e-8
_MOST_BYTES = 4e9
_TERMS = 14
_STILL = 1e-16
"""ηSε of a step that turns nothing: training has ended."""


@dataclass(frozen=True, eq=False, repr=False)
class Flow(Result):
    """The course of m outputs under training on some of them.

    Attributes:
        outputs: f at steps 0 … steps on all points, shape (steps + 1, m).
        labels: y, shape (m,); those of points that are only watched are used by no step.
        training: which points are trained on, shape (m,).
        rate: η.
        strength: S.
        gram: G, shape (m, m).
        upper, lower: parts of the final states in the eigenspaces +1 and -1, columns, shapes (steps + 1, ·, m).
    """

    outputs: Array
    labels: Array
    training: NDArray[np.bool_]
    rate: float
    strength: float
    gram: Complex
    upper: Complex
    lower: Complex

    def kernel(self, step: int) -> Array:
        """K between all points after the given step (negative ones count from the end), shape (m, m)."""
        upper, lower = self._parts(step)
        return np.asarray(4 * self.strength * (upper * lower.conj()).real)

    def overlaps(self, step: int) -> Complex:
        """F_ij = <φ_i|Õ|φ_j> after the given step, shape (m, m): where a further run may start."""
        upper, lower = self._parts(step)
        return np.asarray(upper - lower)

    def meta_kernel(self, step: int) -> Array:
        """μ_ijk = -½S² <φ_i|{B_j, B_k} Õ|φ_i> after the given step, B_j = i[Õ, ρ_j], shape (m, m, m).

        For one datum it is -S² f (1 - f²).
        """
        G, F = self.gram, self.overlaps(step)
        path = F[:, :, None] * (F[None] * F.T[:, None, :] - G[None] * G.T[:, None, :])
        path += G[:, :, None] * (F[None] * G.T[:, None, :] - G[None] * F.T[:, None, :])
        return np.asarray(self.strength**2 / 2 * (path + path.transpose(0, 2, 1)).real)

    @property
    def residuals(self) -> Array:
        """ε on the training points, shape (steps + 1, points trained on)."""
        return np.asarray((self.outputs - self.labels)[:, self.training])

    @property
    def loss(self) -> Array:
        """½Σε², shape (steps + 1,)."""
        return np.asarray((self.residuals**2).sum(axis=1) / 2)

    def title(self) -> str:
        """Sizes and rate."""
        trained, points = int(self.training.sum()), len(self.training)
        return f"Flow of {points} outputs, {trained} trained on, {len(self.outputs) - 1} steps of η = {self.rate:.4g}"

    def rows(self) -> list[dict[str, Any]]:
        """The loss, and the first outputs, along the way."""
        outputs = {f"f{i}": self.outputs[:, i] for i in range(min(self.outputs.shape[1], 6))}
        return course(loss=self.loss, **outputs)

    def to_frame(self) -> Any:
        """All outputs and the loss, a row a step."""
        outputs = {f"f{i}": values for i, values in enumerate(self.outputs.T)}
        return frame({"step": np.arange(len(self.outputs))} | outputs | {"loss": self.loss})

    def to_dict(self) -> dict[str, Any]:
        """Outputs, loss, labels and settings, arrays as lists."""
        arrays = {name: getattr(self, name).tolist() for name in ("outputs", "labels", "training", "loss")}
        return arrays | {"rate": self.rate, "strength": self.strength}

    def _parts(self, step: int) -> tuple[Complex, Complex]:
        upper, lower = self.upper[step], self.lower[step]
        return upper.conj().T @ upper, lower.conj().T @ lower


def flow(
    gram: ArrayLike,
    overlaps: ArrayLike,
    labels: ArrayLike,
    training: ArrayLike,
    rate: float,
    strength: float,
    steps: int,
    *,
    continuous: bool = False,
    unstable: bool = False,
) -> Flow:
    """Train on several data in a circuit of infinite depth.

    Args:
        gram: G_ij = <φ_i|φ_j> of the inputs, complex Hermitian, ones on its diagonal, shape (m, m).
        overlaps: F_ij = <φ_i|Õ|φ_j> at the start, of an observable with square 1, shape (m, m).
        labels: y, shape (m,): inside the spectrum [-1, 1], at its edges or beyond. Those of points that are not
            trained on may be NaN.
        training: boolean, shape (m,).
        rate: η > 0 of the loss ½Σε².
        strength: S = 2Lκ > 0; L/(2D) about, for G = P/2.
        steps: number of steps.
        continuous: gradient flow, read off at whole steps, in place of gradient descent.
        unstable: follow gradient descent beyond the critical rate, which is refused otherwise.

    For two levels in general, O = m + hS: flow with the overlaps of S, labels (y - m)/h and strength h²·2Lκ, whose
    ``kernel`` is that of O; the outputs are m + h times those returned.

    Raises ``ValueError`` for a Gram matrix that is not positive, for overlaps that no observable with square 1 has (G +
    F and G - F must be positive), for a training point at the edge of the spectrum, and for numbers that fit no
    circuit. Circuits that are shallow, or take their data between their gates, do not follow this law.

    >>> run = flow(np.eye(2), np.zeros((2, 2)), [0.6, np.nan], np.array([True, False]), 0.1, strength=5.0, steps=100)
    >>> run.outputs[-1].round(4), run.kernel(0)
    (array([0.6, 0. ]), array([[5., 0.],
           [0., 5.]]))
    """
    G = hermitian("gram", gram)
    points = len(G)
    F = hermitian("overlaps", overlaps, points)
    mask = training_mask(training, points)
    y = labelled(labels, mask)
    eta, S = scalar("rate", rate), scalar("strength", strength)
    count = step_count(steps)
    if not np.abs(np.diag(G) - 1).max() <= _ROUNDING:
        raise ValueError("gram has no ones on its diagonal; give the Gram matrix of normalised states")
    factor(G, "gram is not the Gram matrix of any states")
    upper, lower = eigenparts(G, F)
    if count * points * 16 * (len(upper) + len(lower)) > _MOST_BYTES:
        raise ValueError(f"{count} steps of {points} points would not fit in memory; flow in pieces, from overlaps(-1)")
    outputs = np.diag(F).real
    stuck = np.flatnonzero(mask & (1 - outputs**2 <= 1e-12))
    if stuck.size:
        raise ValueError(
            f"point {stuck[0]} starts at {outputs[stuck[0]]:g}, the edge of the spectrum, where its gradient vanishes "
            "and training never moves it; leave it out of the training points"
        )
    run = _continuous if continuous else _discrete
    U, W = run(upper, lower, np.where(mask, y, 0.0), mask, eta * S, count)
    f = (np.abs(U) ** 2).sum(axis=1) - (np.abs(W) ** 2).sum(axis=1)
    result = Flow(np.asarray(f), y, mask, eta, S, G, U, W)
    if not (continuous or unstable):
        _check_rate(result)
    return result


def hermitian(name: str, matrix: ArrayLike, points: int | None = None) -> Complex:
    """A finite Hermitian matrix (m, m), real if it has no imaginary part; ``ValueError`` for anything else."""
    try:
        given = np.asarray(matrix, dtype=complex)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is not a matrix of numbers") from None
    size = len(given) if points is None and given.ndim else points
    if given.shape != (size, size) or not size:
        raise ValueError(f"{name} has shape {given.shape}; give {'(m, m)' if points is None else (points, points)}")
    if not np.isfinite(given).all() or np.abs(given - given.conj().T).max() > _ROUNDING:
        raise ValueError(f"{name} is not a finite Hermitian matrix")
    return np.asarray((given + given.conj().T) / 2)


def eigenparts(gram: Complex, overlaps: Complex) -> tuple[Complex, Complex]:
    """U and W with U†U = (G + F)/2 and W†W = (G - F)/2: the final states' parts in the two eigenspaces, as columns.

    Raises ``ValueError`` where one of the two is not positive: |<φ|Õ|φ'>| is then larger than states and an observable
    with square 1 allow.
    """
    problem = "overlaps belong to no observable with square 1: {} is not positive"
    upper = factor((gram + overlaps) / 2, problem.format("gram + overlaps"))
    return upper, factor((gram - overlaps) / 2, problem.format("gram - overlaps"))


def factor(matrix: Complex, problem: str) -> Complex:
    """X with X†X the positive semidefinite matrix, as many rows as its rank; ``ValueError`` if it is not positive."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -_ROUNDING:
        raise ValueError(f"{problem} (smallest eigenvalue {values[0]:.3g})")
    kept = values > 1e-15 * max(values[-1], 1e-300)
    return np.asarray(np.sqrt(values[kept])[:, None] * vectors[:, kept].conj().T)


def _discrete(
    upper: Complex, lower: Complex, labels: Array, mask: NDArray[np.bool_], pull: float, steps: int
) -> tuple[Complex, Complex]:
    """Parts at every step of gradient descent."""
    real = not (upper.imag.any() or lower.imag.any())
    kind = float if real else complex
    U, W = (np.empty((steps + 1, *part.shape), dtype=kind) for part in (upper, lower))
    u, w = (np.ascontiguousarray(part.real if real else part) for part in (upper, lower))
    U[0], W[0] = u, w
    for t in range(steps):
        f = (np.abs(u[:, mask]) ** 2).sum(axis=0) - (np.abs(w[:, mask]) ** 2).sum(axis=0)
        kick = pull * (f - labels[mask])
        if np.abs(kick).max() <= _STILL:
            U[t + 1 :], W[t + 1 :] = u, w
            break
        a = (u[:, mask] * kick) @ w[:, mask].conj().T
        u, w = _turned(u, w, a)
        U[t + 1], W[t + 1] = u, w
    return U, W


def _turned(u: Parts, w: Parts, a: Parts) -> tuple[Parts, Parts]:
    """exp(-[[0, a], [-a†, 0]]) applied to the columns (u; w).

    Small turns by power series, in N = aa†: u' = u - N c(N) u - s(N) a w and w' = w + a† (s(N) u - c(N) a w), with s(N)
    = sin√N/√N and c(N) = (1 - cos√N)/N. Large ones by the singular values of a, which turn without rounding off the
    norm.
    """
    adjoint = a.conj().T
    N = a @ adjoint
    size = float(np.abs(N).sum(axis=1).max(initial=0.0))
    if size >= 1:
        left, angle, right = np.linalg.svd(a, full_matrices=False)
        at_u, at_w = left.conj().T @ u, right @ w
        shorter, sine = (np.cos(angle) - 1)[:, None], np.sin(angle)[:, None]
        return u + left @ (shorter * at_u - sine * at_w), w + right.conj().T @ (shorter * at_w + sine * at_u)
    power = np.hstack([u, a @ w])
    s, c, term = power, power / 2, 1.0
    for k in range(1, _TERMS):
        power = N @ power
        term /= -2 * k * (2 * k + 1)
        s = s + term * power
        c = c + term / (2 * k + 2) * power
        if size ** (k + 1) * abs(term) < 1e-18:
            break
    m = u.shape[1]
    return u - N @ c[:, :m] - s[:, m:], w + adjoint @ (s[:, :m] - c[:, m:])


def _continuous(
    upper: Complex, lower: Complex, labels: Array, mask: NDArray[np.bool_], pull: float, steps: int
) -> tuple[Complex, Complex]:
    """Parts at whole steps of gradient flow, dU/dt = -ηS U E B and dW/dt = +ηS W E A."""
    split, points = upper.size, upper.shape[1]

    def parts(flat: Array) -> tuple[Complex, Complex]:
        z = flat.view(complex)
        return z[:split].reshape(-1, points), z[split:].reshape(-1, points)

    def slope(_: float, flat: Array) -> Array:
        u, w = parts(flat)
        A, B = u.conj().T @ u, w.conj().T @ w
        pulls = np.where(mask, pull * (np.diag(A).real - np.diag(B).real - labels), 0.0)
        return np.concatenate([(-(u * pulls) @ B).ravel(), ((w * pulls) @ A).ravel()]).view(float)

    begin = np.concatenate([upper.ravel(), lower.ravel()]).view(float)
    run = solve_ivp(slope, (0, max(steps, 1)), begin, "DOP853", np.arange(steps + 1.0), rtol=1e-11, atol=1e-13)
    if not run.success:
        raise ValueError(f"the flow could not be followed: {run.message}")
    states = [parts(np.ascontiguousarray(column)) for column in run.y.T]
    return np.array([u for u, _ in states]), np.array([w for _, w in states])


def _check_rate(result: Flow) -> None:
    """Refuse a rate that is beyond 2/λ_max of the training kernel at the start or at any later step."""
    upper, lower = result.upper[:, :, result.training], result.lower[:, :, result.training]
    for first in range(0, len(upper), 256):
        u, w = upper[first : first + 256], lower[first : first + 256]
        grams = (np.matmul(part.conj().transpose(0, 2, 1), part) for part in (u, w))
        K = 4 * result.strength * (next(grams) * next(grams).conj()).real
        bound = result.rate * np.abs(K).sum(axis=1).max(axis=1)  # of λ_max, and cheap
        for step in np.flatnonzero(bound >= 2):
            stable(result.rate, float(np.linalg.eigvalsh(K[step])[-1]), f"at step {first + step}", False)
