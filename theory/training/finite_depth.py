r"""Circuits of finite depth, to first order in c = (2D-2)/L: several data, any number of levels.

Each gate feels what its own angle has done. Let g_ab^k = ∂<φ_a|P̃_k|φ_b>, P_k the projectors of O on its levels o_k, of
shares p_k = d_k/D of the space, and ĝ = η Σ_j ε_j g_j, so that θ_ℓ moves by -ĝ_ℓ a step. The circuit without gate ℓ
knows nothing of H_ℓ (a cavity), and the overlaps F^k_ab = <φ_a|P̃_k|φ_b> obey

    dF^k_ab/dt = -Σ_ℓ ĝ_ℓ g_ab,ℓ^k = -½S Tr(B̂ B^k_ab) + L ∫dx ∫dt' [R̂ κ Tr(B̂' B^k_ab) + κ Tr(B̂'B̂) R^k_ab],

B^k_ab = i[P_k, ψ_bψ_a†], B̂ = η Σ ε_j Σ_k o_k B^k_jj, primes for the time t' of the kick, R the mean response of a
gradient to a turn of its own angle at t'. The first term is the flow of infinite depth, the rest is of order c. R
follows from the linearised flow: a kick moves every final state out of W = span{P_kψ_i} by -iH_ℓψ'_j, which then
evolves in the bulk by

    ζ_i = -i Σ_jk Γ^k_ij P_k H_ℓ ψ'_j,      dΓ^k/dt = -½S E^k Γ^k,      E^k_ij = ηε_j (o_k G_ji - F_ji),

and turns H_ℓ itself through the gates after it, a share 1 - x of all. Both are collected in the frame of that layer,
where H_ℓ rests and V turns by the share 1 - x: ψ^x = V†ψ, P^x = V†PV, and with bars for Σ_k p_k,

    R^k_ab = κ̄ Σ_j { p_k Γ^k_bj <ψ_a|ψ'_j> - Γ̄_bj <ψ_a|P_k|ψ'_j> - <ψ_b|P_k|ψ'_j>* <ψ_a|ᾱ_j> + <ψ_b|ψ'_j>*
    <ψ_a|P_k|ᾱ_j> }
             + (a ↔ b)*,      dᾱ_j/dt = ½S (1 - x) Σ_ik p_k ηε_i Γ^k_ij* (o_k - O) ψ_i,      κ̄ = a₂(G)/D = Sc/4.

For one datum and two levels R does not depend on x, and the result is K = S v (1 - c k₁) of ``one_datum``. There the
exponential is better beyond first order; likewise the whole correction is multiplied here by (1 - e^{-ρ})/ρ, ρ its
share of the loss's decay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm

from qntk.theory.training.arguments import Array, finite, labelled, positive, scalar, stable, step_count, training_mask
from qntk.theory.training.one_datum import VALID
from qntk.theory.training.riccati import factor, hermitian

Complex = NDArray[np.complex128]
_NODES = 3
"""Gauss-Legendre nodes over the position of a gate: the integrand is smooth, and constant for one datum."""


@dataclass(frozen=True, eq=False)
class FiniteDepth:
    """The mean course of m outputs over circuits of finite depth.

    Attributes:
        outputs: f on all points, shape (steps + 1, m).
        kernels: K between all points, shape (steps + 1, m, m).
        overlaps: F^k after the last step, shape (levels, m, m).
        labels: y, shape (m,).
        training: which points are trained on, shape (m,).
        share: ρ, what the correction takes of the loss's decay, shape (steps + 1,); c k₁ for one datum and two levels.
    """

    outputs: Array
    kernels: Array
    overlaps: Complex
    labels: Array
    training: NDArray[np.bool_]
    share: Array

    def kernel(self, step: int) -> Array:
        """K between all points after the given step, shape (m, m)."""
        return np.asarray(self.kernels[step])

    @property
    def residuals(self) -> Array:
        """ε on the training points, shape (steps + 1, points trained on)."""
        return np.asarray((self.outputs - self.labels)[:, self.training])

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Where the first order may be trusted, |ρ| < 0.4, shape (steps + 1,)."""
        return np.asarray(np.abs(self.share) < VALID)


def finite_depth(
    eigenvalues: ArrayLike,
    shares: ArrayLike,
    overlaps: ArrayLike,
    labels: ArrayLike,
    training: ArrayLike,
    rate: float,
    strength: float,
    steps: int,
    correction: float,
) -> FiniteDepth:
    """Train on several data in circuits of finite depth: gradient descent, to first order in c.

    Args:
        eigenvalues: the distinct levels o_k of O, shape (levels,).
        shares: p_k > 0, their multiplicities over D, adding up to 1, shape (levels,).
        overlaps: F^k_ij = <φ_i|P̃_k|φ_j> at the start, adding up to the Gram matrix, shape (levels, m, m).
        labels, training, rate, strength: as for ``flow``.
        steps: number of steps; time and memory grow as its square and as itself (300 steps of 3 points: about 2 s).
        correction: c = (2D-2)/L >= 0.

    Accurate to second order in the rate times the kernel, to first order in c, and for levels of many dimensions: with
    a multiplicity of 1 to 4, and one or two points, a sixth to a half of the correction is missed. Raises
    ``ValueError`` for overlaps of no states, a rate beyond stability at the start, numbers that fit no circuit, and a
    course that leaves the observable's spectrum, which happens only where the first order is no longer ``valid``.

    >>> parts = np.array([[[0.5]], [[0.5]]])
    >>> run = finite_depth([-1, 1], [0.5, 0.5], parts, [1.0], np.array([True]), 0.05, 1.0, steps=100, correction=0.25)
    >>> run.outputs[-1].round(3), round(float(run.share[-1]), 3)
    (array([0.885]), 0.188)
    """
    o = finite("eigenvalues", eigenvalues)
    if o.ndim != 1 or len(np.unique(o)) != o.size or o.size < 2:
        raise ValueError("eigenvalues are the distinct levels of the observable, at least two, shape (levels,)")
    p = positive("shares", finite("shares", shares, o.shape))
    if abs(p.sum() - 1) > 1e-8:
        raise ValueError(f"shares add up to {p.sum():.6g}; multiplicities over D add up to 1")
    given = np.asarray(overlaps)
    if given.ndim != 3 or len(given) != o.size:
        raise ValueError(f"overlaps has shape {given.shape}; give ({o.size}, m, m), one matrix for each level")
    c = float(finite("correction", correction, ()))
    if c < 0:
        raise ValueError(f"correction is {c:g}; c = (2D-2)/L is not below 0")
    mask = training_mask(training, given.shape[1])
    levels = [hermitian("overlaps", matrix, mask.size) for matrix in given]
    gram = np.sum(levels, axis=0)
    if np.abs(np.diag(gram) - 1).max() > 1e-8:
        raise ValueError("overlaps do not add up to a Gram matrix with ones on its diagonal")
    parts = [
        factor(matrix, f"overlaps of level {value:g} are not positive") for matrix, value in zip(levels, o, strict=True)
    ]
    rank = len(factor(gram, "overlaps do not add up to a Gram matrix"))
    for part, value in zip(parts, o, strict=True):
        if c and len(part) < rank:
            raise ValueError(
                f"level {value:g} holds {len(part)} directions of {rank} independent inputs: its multiplicity is too "
                "small for a law of many dimensions a level; leave points out, or group levels that are close"
            )
    y = labelled(labels, mask)
    eta, S = scalar("rate", rate), scalar("strength", strength)
    course = _Course(o, p, parts, np.where(mask, y, 0.0), np.where(mask, eta, 0.0), S, c, step_count(steps))
    stable(eta, float(np.linalg.eigvalsh(course.kernels[0][np.ix_(mask, mask)])[-1]), "at the start", None)
    course.run()
    return FiniteDepth(course.outputs, course.kernels, course.overlaps(), y, mask, course.share)


class _Course:
    """The states as they move, and what each past step left behind, in the frames of all nodes.

    Axes: q nodes, t past steps, k levels, n coordinates in W, a, b, i, j points.
    """

    def __init__(
        self, o: Array, p: Array, parts: list[Complex], labels: Array, rates: Array, S: float, c: float, steps: int
    ) -> None:
        self.o, self.p, self.labels, self.rates, self.S, self.c, self.steps = o, p, labels, rates, S, c, steps
        self.psi = np.concatenate(parts)
        self.level = np.repeat(np.arange(o.size), [len(part) for part in parts])
        self.diagonal = o[self.level]
        n, m = self.psi.shape
        x, weights = np.polynomial.legendre.leggauss(_NODES)
        self.after, self.weights = (1 - x) / 2, weights / 2
        self.frame = np.broadcast_to(np.eye(n, dtype=complex), (_NODES, n, n))
        memory = steps if c else 0
        self.states = np.empty((_NODES, memory, n, m), complex)  # ψ'
        self.images = np.zeros((_NODES, memory, n, m), complex)  # ᾱ
        self.kicks = np.empty((_NODES, memory, n, n), complex)  # B̂'
        self.bulk = np.empty((memory, o.size, m, m), complex)  # Γ
        self.outputs, self.kernels, self.share = (
            np.empty((steps + 1, m)),
            np.empty((steps + 1, m, m)),
            np.zeros(steps + 1),
        )
        self.kernels[0] = self._kernel()

    def overlaps(self) -> Complex:
        """F^k now."""
        parts = (self.psi[self.level == k] for k in range(self.o.size))
        return np.array([part.conj().T @ part for part in parts])

    def run(self) -> None:
        """All steps."""
        for t in range(self.steps + 1):
            self._step(t)
            beyond = max(self.outputs[t].max() - self.o.max(), self.o.min() - self.outputs[t].min())
            if beyond > 1e-9 * np.ptp(self.o):
                beyond_order = np.flatnonzero(np.abs(self.share[: t + 1]) >= VALID)
                good = int(beyond_order[0]) if beyond_order.size else t
                raise ValueError(
                    f"after {t} steps an output leaves the spectrum [{self.o.min():g}, {self.o.max():g}]: the first "
                    f"order in c = {self.c:g} holds for {good} steps here; take that many, or a deeper circuit"
                )

    def _kernel(self) -> Array:
        adjoint, images = self.psi.conj().T, self.diagonal[:, None] * self.psi
        second = (images.conj().T @ images) * (adjoint @ self.psi).conj()
        return np.asarray(self.S * (second.real - np.abs(adjoint @ images) ** 2))

    def _step(self, t: int) -> None:
        gram = self.psi.conj().T @ self.psi
        F = self.psi.conj().T @ (self.diagonal[:, None] * self.psi)
        f = np.diag(F).real
        pulls = self.rates * (f - self.labels)
        mixed = (self.psi * pulls) @ self.psi.conj().T
        B = 1j * (self.diagonal[:, None] * mixed - mixed * self.diagonal)
        K = self._kernel()
        moved = np.zeros((self.o.size, *gram.shape), complex)
        if self.c:
            moved, change = self._correction(t, pulls, B)
            flow, slowed = float(pulls @ K @ pulls), -float(pulls @ change @ pulls)
            rho = slowed / flow if flow > 0 else 0.0
            damping = -np.expm1(-rho) / rho if abs(rho) > 1e-12 else 1.0
            K, moved, self.share[t] = K + damping * change, damping * moved, rho
        self.outputs[t], self.kernels[t] = f, K
        if t < self.steps:
            self._advance(t, gram, F, pulls, B, moved)

    def _in_frames(self) -> tuple[Complex, Complex]:
        """ψ (q, n, j) and P_k ψ (q, k, n, j) in the frame of each node."""
        adjoint = self.frame.conj().transpose(0, 2, 1)
        by_level = np.array([np.where((self.level == k)[:, None], self.psi, 0) for k in range(self.o.size)])
        return adjoint @ self.psi, adjoint[:, None] @ by_level

    def _correction(self, t: int, pulls: Array, B: Complex) -> tuple[Complex, Array]:
        """Change of F^k in this step, and of K, by what the t steps before have left behind."""
        psi, projected = self._in_frames()
        adjoint, bra = psi.conj().transpose(0, 2, 1), projected.conj().transpose(0, 1, 3, 2)
        states, images, kicks, bulk = self.states[:, :t], self.images[:, :t], self.kicks[:, :t], self.bulk[:t]
        R = np.empty((_NODES, t, self.o.size, *psi.shape[2:] * 2), complex)
        whole, tilt = adjoint[:, None] @ states, adjoint[:, None] @ images  # <ψ_a|ψ'_j>, <ψ_a|ᾱ_j>
        mean = np.einsum("k,tkbj->tjb", self.p, bulk)
        for k, share in enumerate(self.p):
            part, part_tilt = bra[:, k, None] @ states, bra[:, k, None] @ images
            half = share * whole @ bulk[:, k].transpose(0, 2, 1) - part @ mean
            half += part_tilt @ whole.conj().transpose(0, 1, 3, 2) - tilt @ part.conj().transpose(0, 1, 3, 2)
            R[:, :, k] = half + half.conj().transpose(0, 1, 3, 2)
        turned = self.frame.conj().transpose(0, 2, 1) @ B @ self.frame
        felt = np.einsum("qtmn,qnm->qt", kicks, turned).real  # Tr(B̂'B̂)
        gradients = np.einsum("k,qtkaa->qta", self.o, R).real
        scale = self.S**2 * self.c / 8 * self.weights
        pushed = np.einsum("q,qta,a,qtmn->qmn", scale, gradients, pulls, kicks)
        left = bra @ (pushed @ psi)[:, None]  # <ψ_a|P_k Σ R̂ B̂'|ψ_b>
        moved = -1j * (left - left.conj().transpose(0, 1, 3, 2)).sum(axis=0)
        moved += np.einsum("q,qt,qtkab->kab", scale, felt, R)
        image = np.einsum("k,qkna->qna", self.o, projected)
        touched = -2 * np.einsum("qna,qtnm,qma->qta", psi.conj(), kicks, image, optimize=True).imag  # Tr(B̂'B_a)
        change = -np.einsum("q,qta,qtb->ab", scale, gradients, touched, optimize=True)
        self.states[:, t : t + 1], self.kicks[:, t : t + 1] = psi[:, None], turned[:, None]
        return moved, change + change.T

    def _advance(self, t: int, gram: Complex, F: Complex, pulls: Array, B: Complex, moved: Complex) -> None:
        """Turn the states by the flow, then move each level's part by the correction; carry the memory along."""
        values, vectors = np.linalg.eigh(self.S / 2 * B)
        if self.c:
            self.bulk[t] = np.eye(len(gram))
            self.images[:, : t + 1] += self._tilting(t, pulls)
            slopes = [-self.S / 2 * pulls * (value * gram.T - F.T) for value in self.o]
            self.bulk[: t + 1] = np.array([expm(slope) for slope in slopes]) @ self.bulk[: t + 1]
            turns = np.exp(1j * self.after[:, None] * values)
            self.frame = (vectors * turns[:, None]) @ vectors.conj().T @ self.frame
        self.psi = (vectors * np.exp(1j * values)) @ (vectors.conj().T @ self.psi)
        if self.c:
            for k in range(self.o.size):
                part = self.psi[self.level == k]
                self.psi[self.level == k] = part + np.linalg.pinv(part.conj().T, rcond=1e-12) @ moved[k] / 2
            self.images[:, : t + 1] += self._tilting(t, pulls)

    def _tilting(self, t: int, pulls: Array) -> Complex:
        """Half a step of ᾱ, shape (q, t + 1, n, j)."""
        psi, projected = self._in_frames()
        image = np.einsum("k,qkna->qna", self.o, projected)
        bulk = pulls[:, None] * self.bulk[: t + 1].conj()
        weighted, mean = np.tensordot(self.p * self.o, bulk, (0, 1)), np.tensordot(self.p, bulk, (0, 1))
        tilt = psi[:, None] @ weighted - image[:, None] @ mean
        return np.asarray(self.S / 4 * self.after[:, None, None, None] * tilt)
