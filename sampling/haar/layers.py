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

from qntk.sampling.compiled import called
from qntk.sampling.draws import Draws
from qntk.sampling.haar.cross import draw_cross
from qntk.sampling.haar.dqntk import draw_dqntk
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


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _draw_frames(
    rng: np.random.Generator,
    observable: NDArray[np.float64],
    generator: NDArray[np.float64],
    parameters: int,
    kernel: NDArray[np.float64],
    output: NDArray[np.float64],
) -> None:
    """Fill ``kernel`` and ``output``. Gram-Schmidt is done on the overlaps: with Gaussian a, b and φ = a/|a|,

    ξ = (b - φ<φ|b>) / |…| gives <ξ|G|φ> = (<b|G|a> - <b|a><a|G|a>/|a|²) / (|a| |…|).
    """
    dimension = len(observable)
    a_re, a_im = np.empty(dimension), np.empty(dimension)
    b_re, b_im = np.empty(dimension), np.empty(dimension)
    for draw in range(len(kernel)):
        total = 0.0
        for _ in range(parameters):
            for i in range(dimension):
                a_re[i], a_im[i] = rng.standard_normal(), rng.standard_normal()
                b_re[i], b_im[i] = rng.standard_normal(), rng.standard_normal()
            aa = bb = ba_re = ba_im = aga = bga_im = 0.0
            for i in range(dimension):
                weight = a_re[i] * a_re[i] + a_im[i] * a_im[i]
                overlap_im = b_re[i] * a_im[i] - b_im[i] * a_re[i]
                aa += weight
                bb += b_re[i] * b_re[i] + b_im[i] * b_im[i]
                ba_re += b_re[i] * a_re[i] + b_im[i] * a_im[i]
                ba_im += overlap_im
                aga += generator[i] * weight
                bga_im += generator[i] * overlap_im
            numerator = bga_im - ba_im * aga / aa
            total += numerator * numerator / (aa * bb - ba_re * ba_re - ba_im * ba_im)
        norm = mean = spread = 0.0
        for i in range(dimension):
            a_re[i] = rng.standard_normal() ** 2 + rng.standard_normal() ** 2
            norm += a_re[i]
            mean += observable[i] * a_re[i]
        mean /= norm
        for i in range(dimension):
            spread += a_re[i] * (observable[i] - mean) ** 2
        kernel[draw] = 4.0 * spread / norm * total
        output[draw] = mean
