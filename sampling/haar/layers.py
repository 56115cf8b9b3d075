"""The Haar-layer ensemble by random 2-frames: O(D) per parameter, no unitary ever built.

Ensemble: an independent Haar unitary before the first generator, between any two, and before O. The pair
(state, O·state) crosses a Haar layer as a 2-frame with a fixed Gram matrix, so each generator meets a fresh Haar
pair (φ, ξ) of orthonormal vectors and the final state ψ fixes f = <O> and the norm of what O adds to it:

    K = 4 (<O²>_ψ - <O>_ψ²) Σ_ℓ (Im<ξ_ℓ|G|φ_ℓ>)².

Frames are complex Gaussian vectors after Gram-Schmidt. Haar measure does not see the basis, so O and G enter by their
spectra. The angles drop out: exp(-iθG) commutes with G. ``haar_dense`` draws the same ensemble as literal circuits,
``haar_dqntk`` and ``haar_cross`` extend the frames to the dQNTK and to a second input.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qntk.sampling.arithmetic.gaussian import normal_lanes
from qntk.sampling.arithmetic.simd import WIDTH, fma, spread, store
from qntk.sampling.compiled import called
from qntk.sampling.draws import Draws
from qntk.sampling.haar.cross import draw_cross
from qntk.sampling.haar.dqntk import draw_dqntk
from qntk.sampling.haar.final import final_state
from qntk.sampling.operators import OperatorLike, spectrum


@dataclass(frozen=True)
class HaarLayers:
    """Haar-layer ensemble with one generator for all parameters.

    Args:
        observable: O, a ``SparsePauliOp``, ``Operator`` or dense Hermitian matrix on n qubits.
        generator: G in exp(-iθG), of the same size. For Qiskit's rotations give P/2, not P.
        parameters: number of parameters L >= 1.
        dqntk: draw μ too, of the same circuits.
        overlap: s = |<x₁|x₂>|² of two encoded inputs, 0 <= s < 1: draw K₁₂ too; K and f are those of input 1.

    K and f of a seed are the same, up to rounding, whatever else is drawn: μ and K₁₂ take the rest of their random
    numbers from a child that ``draw`` spawns from its generator.

    Raises ``ValueError`` for operators that are not Hermitian or differ in size, an overlap that is out of range, and
    ``dqntk`` together with ``overlap``.
    """

    observable: OperatorLike = field(repr=False)
    generator: OperatorLike = field(repr=False)
    parameters: int
    dqntk: bool = False
    overlap: float | None = None
    _spectra: tuple[NDArray[np.float64], NDArray[np.float64]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Diagonalise once."""
        if self.parameters < 1:
            raise ValueError(f"parameters is {self.parameters}; give at least 1")
        if self.overlap is not None and not 0.0 <= self.overlap < 1.0:
            raise ValueError(f"overlap is {self.overlap}; give at least 0 and below 1, where the inputs coincide")
        if self.dqntk and self.overlap is not None:
            raise ValueError("dqntk and overlap are both given; give one of them, the other from a second ensemble")
        observable, generator = spectrum(self.observable), spectrum(self.generator)
        if len(observable) != len(generator):
            raise ValueError(f"observable acts on dimension {len(observable)}, generator on {len(generator)}")
        object.__setattr__(self, "_spectra", (observable, generator))

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return len(self._spectra[0])

    def draw(self, draws: int, rng: np.random.Generator) -> Draws:
        """``draws`` independent circuits of the ensemble."""
        kernel, output = np.empty(draws), np.empty(draws)
        if self.dqntk:
            dqntk = np.empty(draws)
            called(draw_dqntk, rng, rng.spawn(1)[0], *self._spectra, self.parameters, kernel, output, dqntk)
            return Draws(kernel, output, dqntk=dqntk)
        if self.overlap is not None:
            cross, fidelity = np.empty(draws), float(self.overlap)
            called(draw_cross, rng, rng.spawn(1)[0], *self._spectra, self.parameters, fidelity, kernel, output, cross)
            return Draws(kernel, output, cross=cross)
        called(_draw_frames, rng, *self._spectra, self.parameters, kernel, output)
        return Draws(kernel, output)


@njit(nogil=True, cache=True, boundscheck=False)
def _draw_frames(
    rng: np.random.Generator,
    observable: NDArray[np.float64],
    generator: NDArray[np.float64],
    parameters: int,
    kernel: NDArray[np.float64],
    output: NDArray[np.float64],
) -> None:
    """Fill ``kernel`` and ``output``, eight draws at a time. Gram-Schmidt is done on the overlaps: with Gaussian a, b
    and φ = a/|a|,

    ξ = (b - φ<φ|b>) / |…| gives <ξ|G|φ> = (<b|G|a> - <b|a><a|G|a>/|a|²) / (|a| |…|).
    """
    buffer, weights = np.empty(WIDTH), np.empty(len(observable) * WIDTH)
    zero = spread(0.0)
    for start in range(0, len(kernel), WIDTH):
        total = zero
        for _ in range(parameters):
            aa, bb, ba_re, ba_im, aga, bga_im = zero, zero, zero, zero, zero, zero
            for i in range(len(generator)):
                a_re, a_im = normal_lanes(rng, buffer)
                b_re, b_im = normal_lanes(rng, buffer)
                g = spread(generator[i])
                weight = fma(a_re, a_re, a_im * a_im)
                overlap_im = fma(b_re, a_im, -(b_im * a_re))
                aa = aa + weight
                bb = fma(b_re, b_re, fma(b_im, b_im, bb))
                ba_re = fma(b_re, a_re, fma(b_im, a_im, ba_re))
                ba_im = ba_im + overlap_im
                aga = fma(g, weight, aga)
                bga_im = fma(g, overlap_im, bga_im)
            numerator = bga_im - ba_im * aga / aa
            total = total + numerator * numerator / (aa * bb - ba_re * ba_re - ba_im * ba_im)
        mean, variance = final_state(rng, observable, weights, buffer)
        store(buffer, 0, spread(4.0) * variance * total)
        count = min(WIDTH, len(kernel) - start)
        for b in range(count):
            kernel[start + b] = buffer[b]
        store(buffer, 0, mean)
        for b in range(count):
            output[start + b] = buffer[b]
