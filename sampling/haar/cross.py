"""The kernel K₁₂ = Σ_ℓ ∂_ℓ f(x₁) ∂_ℓ f(x₂) of two inputs on random frames: O(D) per parameter, as in ``haar``.

The inputs are states of fidelity s = |<φ₁|φ₂>|² before the first Haar layer. At the end they are a Haar-random pair
(ψ₁, ψ₂) of the same fidelity. Each state ψ and its σξ = (O - <O>)ψ cross a Haar layer together, so the four vectors

    ψ₁, σ₁ξ₁, ψ₂, σ₂ξ₂

keep their coordinates in an orthonormal basis e of their span while e turns into a fresh Haar frame, of min(4, D)
vectors. With e₁ = ψ₁, e₂ = ξ₁ and γ = Im<e₂|G|e₁>, ∂f(x₁) = 2σ₁γ, and with ψ₂ = Σ y_j e_j, σ₂ξ₂ = Σ z_i e_i

    K₁₂ = 4σ₁ Im Σ_ij z_i* y_j Σ_ℓ γ_ℓ <e_i|G|e_j>_ℓ.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.gaussian import normal_lanes, normal_two
from qntk.sampling.arithmetic.simd import WIDTH, store
from qntk.sampling.haar.final import final_state

Array = NDArray[np.float64]
_OPTIONS = {"nogil": True, "cache": True, "boundscheck": False}


@njit(**_OPTIONS)
def draw_cross(
    rng: np.random.Generator,
    others: np.random.Generator,
    observable: Array,
    generator: Array,
    parameters: int,
    fidelity: float,
    kernel: Array,
    output: Array,
    cross: Array,
) -> None:
    """Fill ``kernel`` and ``output``, of input 1, and ``cross``, one circuit an entry, all of the same shape.

    Args:
        rng: the stream of e₁, e₂ and ψ₁; used as ``haar`` uses it, so K and f are the same draws.
        others: the stream of e₃, e₄ and ψ₂, independent of ``rng``.
        observable, generator: spectra of O and G.
        parameters: L.
        fidelity: s, at least 0 and below 1.
    """
    dimension, buffer = len(observable), np.empty(WIDTH)
    size = min(4, dimension)
    frames, lanes = np.empty((WIDTH, size, dimension), np.complex128), np.empty(4 * WIDTH)
    weights, mean, variance = np.empty(dimension * WIDTH), np.empty(WIDTH), np.empty(WIDTH)
    centred = generator - generator.mean()
    for start in range(0, len(kernel), WIDTH):
        total, coupling = np.zeros(WIDTH), np.zeros((WIDTH, size, size), np.complex128)
        for _ in range(parameters):
            for k in range(dimension):
                _pair_of_lanes(rng, buffer, lanes)
                for b in range(WIDTH):
                    frames[b, 0, k] = complex(lanes[b], lanes[WIDTH + b])
                    frames[b, 1, k] = complex(lanes[2 * WIDTH + b], lanes[3 * WIDTH + b])
            for b in range(WIDTH):
                for j in range(2, size):
                    _gaussian(others, frames[b, j])
                _orthonormalise(frames[b])
                total[b] += _couple(frames[b], centred, coupling[b])
        lanes_mean, lanes_variance = final_state(rng, observable, weights, buffer)
        store(mean, 0, lanes_mean)
        store(variance, 0, lanes_variance)
        for b in range(min(WIDTH, len(kernel) - start)):
            for k in range(dimension):
                frames[b, 0, k] = np.sqrt(weights[k * WIDTH + b])
            kernel[start + b] = 4.0 * variance[b] * total[b]
            output[start + b] = mean[b]
            bilinear = _second_input(others, observable, observable - mean[b], fidelity, frames[b], coupling[b])
            cross[start + b] = 4.0 * np.sqrt(variance[b]) * bilinear


@njit(**_OPTIONS)
def _pair_of_lanes(rng, buffer, lanes):  # type: ignore[no-untyped-def]
    """One entry of e₁ and of e₂, of eight draws, as ``haar`` takes them."""
    one_re, one_im = normal_lanes(rng, buffer)
    two_re, two_im = normal_lanes(rng, buffer)
    store(lanes, 0, one_re)
    store(lanes, WIDTH, one_im)
    store(lanes, 2 * WIDTH, two_re)
    store(lanes, 3 * WIDTH, two_im)


@njit(**_OPTIONS)
def _couple(frame, weights, coupling):  # type: ignore[no-untyped-def]
    """Add γ <e_i|G|e_j> to ``coupling``; returns γ²."""
    gamma = _overlap(frame[1], weights, frame[0]).imag
    for i in range(len(frame)):
        for j in range(i + 1):
            element = gamma * _overlap(frame[i], weights, frame[j])
            coupling[i, j] += element
            if i != j:
                coupling[j, i] += element.conjugate()
    return gamma * gamma


@njit(**_OPTIONS)
def _second_input(rng, observable, centred, fidelity, frame, coupling):  # type: ignore[no-untyped-def]
    """Im Σ_ij z_i* C_ij y_j, with ψ₁ in the first row of ``frame``; the other rows become e₂, e₃ and e₄.

    The phases of ψ₁ in the eigenbasis of O do not matter, and it comes with none.
    """
    size, dimension = frame.shape
    apart = np.empty(dimension, np.complex128)
    _gaussian(rng, apart)
    first = frame[0].copy()
    apart -= first * np.sum(first * apart)
    apart /= np.sqrt(np.sum(apart.real * apart.real + apart.imag * apart.imag))
    second = np.sqrt(fidelity) * first + np.sqrt(1.0 - fidelity) * apart
    adjoint = (observable - np.sum(observable * (second.real * second.real + second.imag * second.imag))) * second
    frame[1] = centred * first
    if size == 4:
        frame[2], frame[3] = apart, adjoint
    _orthonormalise(frame)
    ones, result = np.ones(dimension), 0j
    y, z = np.empty(size, np.complex128), np.empty(size, np.complex128)
    for i in range(size):
        y[i], z[i] = _overlap(frame[i], ones, second), _overlap(frame[i], ones, adjoint)
    for i in range(size):
        for j in range(size):
            result += z[i].conjugate() * coupling[i, j] * y[j]
    return result.imag


@njit(**_OPTIONS)
def _gaussian(rng, vector):  # type: ignore[no-untyped-def]
    for k in range(len(vector)):
        re, im = normal_two(rng)
        vector[k] = complex(re, im)


@njit(**_OPTIONS)
def _overlap(one, weights, two):  # type: ignore[no-untyped-def]
    """Σ_k one_k* weights_k two_k."""
    re = im = 0.0
    for k in range(len(weights)):
        re += weights[k] * (one[k].real * two[k].real + one[k].imag * two[k].imag)
        im += weights[k] * (one[k].real * two[k].imag - one[k].imag * two[k].real)
    return complex(re, im)


@njit(**_OPTIONS)
def _orthonormalise(frame):  # type: ignore[no-untyped-def]
    """Gram-Schmidt on the rows, in place. A row in the span of those before it, to 1e-12 of its norm, becomes zero."""
    ones = np.ones(frame.shape[1])
    for j in range(len(frame)):
        row = frame[j]
        whole = _overlap(row, ones, row).real
        for i in range(j):
            overlap = _overlap(frame[i], ones, row)
            for k in range(len(row)):
                row[k] -= overlap * frame[i, k]
        square = _overlap(row, ones, row).real
        scale = 1.0 / np.sqrt(square) if square > 1e-24 * whole else 0.0
        for k in range(len(row)):
            row[k] *= scale
