"""The dQNTK μ = Σ_kℓ (∂_k∂_ℓ f)(∂_k f)(∂_ℓ f) on the random frames of ``haar``: two Gaussian vectors a parameter.

μ is d²/ds² f(θ + s∇f) at s = 0. Let φ be the state at a generator, σξ the part of the back-propagated O·state that is
orthogonal to it, σ² = <O²>_ψ - <O>²_ψ at the final state ψ, and γ = Im<ξ|G|φ>, so that ∂f = 2σγ. The first derivative
of the state by s is 2σv. It starts at zero, and a generator adds -iγGφ to it. A constant added to O or, at any one
generator, to G changes no derivative; with O - <O>_ψ and G - <G>_φ the vector v has no part along φ, and

    μ = 8σ³ Σ_ℓ [2γ Im<ξ|G|v> - γ² Re<ξ|G²|φ>] + 8σ² <v|O|v>,

v in the sum being the one that arrives, in the last term the one at the end. Across a Haar layer v = βξ + rη keeps β
and r, and (φ, ξ, η) turns into a fresh Haar frame. In the sum η enters by its overlaps with p = Gφ and q = Gξ, both
without their parts in span{φ, ξ}: two coordinates of a uniform direction in D - 2 dimensions. For D = 2 there is no η.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.elementary import exponential
from qntk.sampling.arithmetic.gaussian import log_gamma_variate, normal_lanes, normal_two
from qntk.sampling.arithmetic.simd import WIDTH, fma, spread, store
from qntk.sampling.haar.final import final_state

Array = NDArray[np.float64]
_OPTIONS = {"nogil": True, "cache": True, "boundscheck": False}


@njit(**_OPTIONS)
def draw_dqntk(
    rng: np.random.Generator,
    directions: np.random.Generator,
    observable: Array,
    generator: Array,
    parameters: int,
    kernel: Array,
    output: Array,
    dqntk: Array,
) -> None:
    """Fill ``kernel``, ``output`` and ``dqntk``, one circuit an entry, all of the same shape.

    Args:
        rng: the stream of the pairs (φ, ξ) and of ψ; used as ``haar`` uses it, so K and f are the same draws.
        directions: the stream of η, independent of ``rng``.
        observable, generator: spectra of O and G.
        parameters: L.
    """
    dimension, buffer = len(observable), np.empty(WIDTH)
    weights, sums = np.empty(dimension * WIDTH), np.empty((12, WIDTH))
    centred = generator - generator.mean()
    mean, spread_ = np.empty(WIDTH), np.empty(WIDTH)
    for start in range(0, len(kernel), WIDTH):
        total, second, rest = np.zeros(WIDTH), np.zeros(WIDTH), np.zeros(WIDTH)
        beta = np.zeros(WIDTH, np.complex128)
        for _ in range(parameters):
            _overlaps(rng, centred, buffer, sums)
            for b in range(WIDTH):
                x, shift, p, q, qp = _frame(sums[:, b])
                gamma = x.imag
                total[b] += gamma * gamma
                second[b] += gamma * (2.0 * beta[b].imag * shift - gamma * (x * shift + qp).real)
                beta[b] -= 1j * gamma * x
                if dimension > 2:
                    one, two, others = _direction(directions, dimension - 2)
                    along = qp / p if p > 0.0 else 0j
                    beyond = np.sqrt(max(q * q - along.real * along.real - along.imag * along.imag, 0.0))
                    second[b] += 2.0 * gamma * rest[b] * (along * one + beyond * two).imag
                    moved = rest[b] * one - 1j * gamma * p
                    others += _square(two)
                    rest[b] = np.sqrt(_square(moved) + rest[b] * rest[b] * others)
        lanes_mean, lanes_spread = final_state(rng, observable, weights, buffer)
        store(mean, 0, lanes_mean)
        store(spread_, 0, lanes_spread)
        for b in range(min(WIDTH, len(kernel) - start)):
            kernel[start + b] = 4.0 * spread_[b] * total[b]
            output[start + b] = mean[b]
            dqntk[start + b] = 0.0
            if spread_[b] > 0.0:
                state = np.sqrt(weights[b::WIDTH])
                curvature = _expectation(directions, observable - mean[b], state, beta[b], rest[b])
                dqntk[start + b] = 8.0 * spread_[b] * (np.sqrt(spread_[b]) * second[b] + curvature)


@njit(**_OPTIONS)
def _square(z):  # type: ignore[no-untyped-def]
    return z.real * z.real + z.imag * z.imag


@njit(**_OPTIONS)
def _overlaps(rng, generator, buffer, sums):  # type: ignore[no-untyped-def]
    """The sums of 1, G and G² between the Gaussian vectors a and b, of eight draws, in the order of ``_frame``."""
    zero = spread(0.0)
    aa, bb, ba_re, ba_im, aga, bgb = zero, zero, zero, zero, zero, zero
    bga_re, bga_im, agga, bggb, bgga_re, bgga_im = zero, zero, zero, zero, zero, zero
    for i in range(len(generator)):
        a_re, a_im = normal_lanes(rng, buffer)
        b_re, b_im = normal_lanes(rng, buffer)
        g = spread(generator[i])
        a, b = fma(a_re, a_re, a_im * a_im), fma(b_re, b_re, b_im * b_im)
        re, im = fma(b_re, a_re, b_im * a_im), fma(b_re, a_im, -(b_im * a_re))
        aa, bb, ba_re, ba_im = aa + a, bb + b, ba_re + re, ba_im + im
        a, b, re, im = g * a, g * b, g * re, g * im
        aga, bgb, bga_re, bga_im = aga + a, bgb + b, bga_re + re, bga_im + im
        agga, bggb, bgga_re, bgga_im = fma(g, a, agga), fma(g, b, bggb), fma(g, re, bgga_re), fma(g, im, bgga_im)
    flat = sums.ravel()
    for k, value in enumerate((aa, bb, ba_re, ba_im, aga, bgb, bga_re, bga_im, agga, bggb, bgga_re, bgga_im)):
        store(flat, k * WIDTH, value)


@njit(**_OPTIONS)
def _frame(sums):  # type: ignore[no-untyped-def]
    """<ξ|G|φ>, <G>_ξ - <G>_φ, |p|, |q| and <q|p> of a fresh pair; Gram-Schmidt on the overlaps as in ``haar``."""
    aa, bb, ba_re, ba_im, aga, bgb = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    bga_re, bga_im, agga, bggb, bgga_re, bgga_im = sums[6], sums[7], sums[8], sums[9], sums[10], sums[11]
    overlap = complex(ba_re, ba_im) / np.sqrt(aa)
    square = bb - overlap.real * overlap.real - overlap.imag * overlap.imag
    low, x, high = _elements(aa, overlap, square, aga, complex(bga_re, bga_im), bgb)
    low2, x2, high2 = _elements(aa, overlap, square, agga, complex(bgga_re, bgga_im), bggb)
    size = _square(x)
    p, q = np.sqrt(max(low2 - low * low - size, 0.0)), np.sqrt(max(high2 - high * high - size, 0.0))
    return x, high - low, p, q, x2 - x * (low + high)


@njit(**_OPTIONS)
def _elements(aa, overlap, square, ama, bma, bmb):  # type: ignore[no-untyped-def]
    """<φ|M|φ>, <ξ|M|φ> and <ξ|M|ξ> from <a|M|a>, <b|M|a> and <b|M|b>; overlap = <b|φ>, square = |b - φ<φ|b>|²."""
    low, mixed = ama / aa, bma / np.sqrt(aa)
    high = bmb - 2.0 * (overlap.conjugate() * mixed).real + _square(overlap) * low
    return low, (mixed - overlap * low) / np.sqrt(square), high / square


@njit(**_OPTIONS)
def _direction(rng, dimension):  # type: ignore[no-untyped-def]
    """Two coordinates of a uniform direction in ``dimension`` >= 2 complex dimensions, and the weight of all others."""
    one_re, one_im = normal_two(rng)
    two_re, two_im = normal_two(rng)
    one, two = complex(one_re, one_im), complex(two_re, two_im)
    others = 2.0 * exponential(log_gamma_variate(rng, dimension - 2.0)) if dimension > 2 else 0.0
    square = _square(one) + _square(two) + others
    return one / np.sqrt(square), two / np.sqrt(square), others / square


@njit(**_OPTIONS)
def _expectation(rng, observable, state, beta, rest):  # type: ignore[no-untyped-def]
    """<v|O|v> of v = βξ + rη at the end, O without its mean; the phases of ψ do not matter, so ψ and ξ are real."""
    partner = observable * state
    partner /= np.sqrt(np.sum(partner * partner))
    vector = beta * partner
    if rest > 0.0:
        eta = np.empty(len(state), np.complex128)
        for i in range(len(state)):
            re, im = normal_two(rng)
            eta[i] = complex(re, im)
        eta -= state * np.sum(state * eta)
        eta -= partner * np.sum(partner * eta)
        vector += rest / np.sqrt(np.sum(_square(eta))) * eta
    return np.sum(observable * _square(vector))
