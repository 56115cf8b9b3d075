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

Array = NDArray[np.float64]
_OPTIONS = {"nogil": True, "cache": True, "fastmath": {"reassoc", "contract"}}


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
    dimension = len(observable)
    a_re, a_im, b_re, b_im = np.empty((4, dimension))
    weights = generator - generator.mean()
    for draw in range(len(kernel)):
        total = second = rest = 0.0
        beta = 0j
        for _ in range(parameters):
            x, shift, p, q, qp = _frame(rng, weights, a_re, a_im, b_re, b_im)
            gamma = x.imag
            total += gamma * gamma
            second += gamma * (2.0 * beta.imag * shift - gamma * (x * shift + qp).real)
            beta -= 1j * gamma * x
            if dimension > 2:
                one, two, others = _direction(directions, dimension - 2)
                along = qp / p if p > 0.0 else 0j
                beyond = np.sqrt(max(q * q - along.real**2 - along.imag**2, 0.0))
                second += 2.0 * gamma * rest * (along * one + beyond * two).imag
                moved = rest * one - 1j * gamma * p
                others += two.real**2 + two.imag**2
                rest = np.sqrt(moved.real**2 + moved.imag**2 + rest * rest * others)
        mean, spread = _final_state(rng, observable, a_re)
        kernel[draw] = 4.0 * spread * total
        output[draw] = mean
        dqntk[draw] = 0.0
        if spread > 0.0:
            curvature = _expectation(directions, observable - mean, np.sqrt(a_re), beta, rest)
            dqntk[draw] = 8.0 * spread * (np.sqrt(spread) * second + curvature)


@njit(**_OPTIONS)
def _frame(rng, generator, a_re, a_im, b_re, b_im):  # type: ignore[no-untyped-def]
    """<ξ|G|φ>, <G>_ξ - <G>_φ, |p|, |q| and <q|p> of a fresh pair; Gram-Schmidt on the overlaps as in ``haar``.

    The sums are of 1, G and G² between the Gaussian vectors a and b.
    """
    for i in range(len(generator)):
        a_re[i], a_im[i] = rng.standard_normal(), rng.standard_normal()
        b_re[i], b_im[i] = rng.standard_normal(), rng.standard_normal()
    aa = bb = ba_re = ba_im = aga = bgb = bga_re = bga_im = agga = bggb = bgga_re = bgga_im = 0.0
    for i in range(len(generator)):
        g = generator[i]
        a, b = a_re[i] * a_re[i] + a_im[i] * a_im[i], b_re[i] * b_re[i] + b_im[i] * b_im[i]
        re, im = b_re[i] * a_re[i] + b_im[i] * a_im[i], b_re[i] * a_im[i] - b_im[i] * a_re[i]
        aa, bb, ba_re, ba_im = aa + a, bb + b, ba_re + re, ba_im + im
        a, b, re, im = g * a, g * b, g * re, g * im
        aga, bgb, bga_re, bga_im = aga + a, bgb + b, bga_re + re, bga_im + im
        agga, bggb, bgga_re, bgga_im = agga + g * a, bggb + g * b, bgga_re + g * re, bgga_im + g * im
    overlap = complex(ba_re, ba_im) / np.sqrt(aa)
    square = bb - overlap.real**2 - overlap.imag**2
    low, x, high = _elements(aa, overlap, square, aga, complex(bga_re, bga_im), bgb)
    low2, x2, high2 = _elements(aa, overlap, square, agga, complex(bgga_re, bgga_im), bggb)
    size = x.real**2 + x.imag**2
    p, q = np.sqrt(max(low2 - low * low - size, 0.0)), np.sqrt(max(high2 - high * high - size, 0.0))
    return x, high - low, p, q, x2 - x * (low + high)


@njit(**_OPTIONS)
def _elements(aa, overlap, square, ama, bma, bmb):  # type: ignore[no-untyped-def]
    """<φ|M|φ>, <ξ|M|φ> and <ξ|M|ξ> from <a|M|a>, <b|M|a> and <b|M|b>; overlap = <b|φ>, square = |b - φ<φ|b>|²."""
    low, mixed = ama / aa, bma / np.sqrt(aa)
    high = bmb - 2.0 * (overlap.conjugate() * mixed).real + (overlap.real**2 + overlap.imag**2) * low
    return low, (mixed - overlap * low) / np.sqrt(square), high / square


@njit(**_OPTIONS)
def _direction(rng, dimension):  # type: ignore[no-untyped-def]
    """Two coordinates of a uniform direction in ``dimension`` >= 2 complex dimensions, and the weight of all others."""
    one = complex(rng.standard_normal(), rng.standard_normal())
    two = complex(rng.standard_normal(), rng.standard_normal())
    others = 2.0 * rng.standard_gamma(dimension - 2.0) if dimension > 2 else 0.0
    square = one.real**2 + one.imag**2 + two.real**2 + two.imag**2 + others
    return one / np.sqrt(square), two / np.sqrt(square), others / square


@njit(**_OPTIONS)
def _final_state(rng, observable, weights):  # type: ignore[no-untyped-def]
    """Fill the weights of ψ in the eigenbasis of O; returns <O> and <O²> - <O>²."""
    norm = mean = spread = 0.0
    for i in range(len(observable)):
        weights[i] = rng.standard_normal() ** 2 + rng.standard_normal() ** 2
        norm += weights[i]
        mean += observable[i] * weights[i]
    mean /= norm
    for i in range(len(observable)):
        weights[i] /= norm
        spread += weights[i] * (observable[i] - mean) ** 2
    return mean, spread


@njit(**_OPTIONS)
def _expectation(rng, observable, state, beta, rest):  # type: ignore[no-untyped-def]
    """<v|O|v> of v = βξ + rη at the end, O without its mean; the phases of ψ do not matter, so ψ and ξ are real."""
    partner = observable * state
    partner /= np.sqrt(np.sum(partner * partner))
    vector = beta * partner
    if rest > 0.0:
        eta = np.empty(len(state), np.complex128)
        for i in range(len(state)):
            eta[i] = complex(rng.standard_normal(), rng.standard_normal())
        eta -= state * np.sum(state * eta)
        eta -= partner * np.sum(partner * eta)
        vector += rest / np.sqrt(np.sum(eta.real**2 + eta.imag**2)) * eta
    return np.sum(observable * (vector.real**2 + vector.imag**2))
