"""Draws of K for free fermions: rotations of Majorana planes between Haar-random SO(N) layers, N = 2n.

Layers are products of random reflections (G. Stewart, SIAM J. Numer. Anal. 17, 403 (1980)), each drawn whole and
applied to vectors; nothing is known here of frames or of the law of K.

* linear: f = o·Ru with o = u = γ_0, an observable and an input that are one Majorana operator;
* quadratic: f = pᵀ R u Rᵀ q with p, q = γ_0, γ_1 and u the covariance matrix of |0…0>, by the adjoint method: p and q
  are carried back to the input, and up and uq forward again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.draws import Draws

Float = NDArray[np.float64]
_HELD = 2**24
"""Entries of all reflections that are held at a time."""


@dataclass(frozen=True)
class FermionLayers:
    """K and f of R = W_L R_L … W_1 R_1 W_0 with W Haar-random in SO(2n), R_ℓ rotations exp(-iθP/2) by uniform angles.

    Args:
        modes: n.
        parameters: L; each angle turns one plane, which plane does not matter between Haar-random layers.
        kind: of the observable.
        coefficient: of the observable, so that K is in units of its square.
    """

    modes: int
    parameters: int
    kind: Literal["linear", "quadratic"] = "linear"
    coefficient: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no such ensemble."""
        if self.modes < 2 or self.parameters < 1:
            raise ValueError("free fermions need modes >= 2 and parameters >= 1")
        if self.kind not in ("linear", "quadratic"):
            raise ValueError(f"kind {self.kind!r} is unknown; choose linear or quadratic")

    @property
    def dimension(self) -> int:
        """Of the vectors that are turned, N."""
        return 2 * self.modes

    def draw(self, draws: int, rng: np.random.Generator) -> Draws:
        """So many draws; which they are depends on the state of ``rng`` alone."""
        most = max(1, _HELD // ((self.parameters + 1) * self.dimension**2))
        parts = [self._batch(min(most, draws - start), rng) for start in range(0, draws, most)]
        kernel, output = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Draws(kernel * self.coefficient**2, output * self.coefficient)

    def _batch(self, draws: int, rng: np.random.Generator) -> tuple[Float, Float]:
        N = self.dimension
        layers = [_Layer(draws, N, rng) for _ in range(self.parameters + 1)]
        angles = rng.uniform(0, 2 * np.pi, (self.parameters, draws))
        pulled = np.zeros((draws, N, 1 if self.kind == "linear" else 2))
        pulled[:, 0, 0] = pulled[:, 1, -1] = 1
        if self.kind == "linear":
            pulled[:, 1, 0] = 0
        met = []
        for layer, theta in zip(layers[:0:-1], angles[::-1], strict=True):
            pulled = layer.back(pulled)
            met.append(pulled[:, :2].copy())
            pulled = _turned(pulled, -theta)
        pulled = layers[0].back(pulled)
        arriving = np.zeros_like(pulled)
        if self.kind == "linear":
            arriving[:, 0] = 1
        else:  # uq for p, and uᵀp for q
            arriving[:, 0::2, 0], arriving[:, 1::2, 0] = pulled[:, 1::2, 1], -pulled[:, 0::2, 1]
            arriving[:, 0::2, 1], arriving[:, 1::2, 1] = -pulled[:, 1::2, 0], pulled[:, 0::2, 0]
        output = np.einsum("da,da->d", pulled[:, :, 0], arriving[:, :, 0])
        kernel = np.zeros(draws)
        arriving = layers[0].forward(arriving)
        for layer, theta, seen in zip(layers[1:], angles, met[::-1], strict=True):
            arriving = _turned(arriving, theta)
            kernel += (seen[:, 1] * arriving[:, 0] - seen[:, 0] * arriving[:, 1]).sum(axis=1) ** 2
            arriving = layer.forward(arriving)
        return kernel, output


class _Layer:
    """Haar-random orthogonal matrices, shape (draws, N, N), as the reflections H_N … H_2 and signs that they are."""

    def __init__(self, draws: int, size: int, rng: np.random.Generator) -> None:
        self._mirrors = []
        for length in range(size, 1, -1):
            x = rng.standard_normal((draws, length))
            x[:, 0] += np.copysign(np.linalg.norm(x, axis=1), x[:, 0])
            self._mirrors.append(x / np.linalg.norm(x, axis=1)[:, None])
        self._signs = rng.choice([-1.0, 1.0], (draws, size, 1))

    def forward(self, vectors: Float) -> Float:
        """W v of vectors of shape (draws, N, k)."""
        found = self._signs * vectors
        for mirror in reversed(self._mirrors):
            _reflect(found, mirror)
        return found

    def back(self, vectors: Float) -> Float:
        """Wᵀ v."""
        found = vectors.copy()
        for mirror in self._mirrors:
            _reflect(found, mirror)
        return np.asarray(self._signs * found)


def _reflect(vectors: Float, mirror: Float) -> None:
    """The last coordinates mirrored, in place."""
    tail = vectors[:, -mirror.shape[1] :]
    tail -= 2 * mirror[:, :, None] * np.einsum("da,dak->dk", mirror, tail)[:, None]


def _turned(vectors: Float, theta: Float) -> Float:
    """Vectors of shape (draws, N, k) with the first two coordinates turned by an angle each."""
    turned = vectors.copy()
    cos, sin = np.cos(theta)[:, None], np.sin(theta)[:, None]
    turned[:, 0] = cos * vectors[:, 0] - sin * vectors[:, 1]
    turned[:, 1] = sin * vectors[:, 0] + cos * vectors[:, 1]
    return turned
