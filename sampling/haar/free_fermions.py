"""Draws of K for free fermions: rotations of Majorana planes between Haar-random SO(N) layers, N = 2n.

Layers are drawn as matrices and multiplied out; nothing is known here of frames or of the law of K.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qntk.sampling.draws import Draws, chunk_generator

Float = NDArray[np.float64]
_HELD = 2**23
"""Entries of all layers of a chunk."""


def sample_free_fermions(modes: int, parameters: int, draws: int, seed: int) -> Draws:
    """K and f of o·R u for o = u a Majorana operator, R = W_L R_L … W_1 R_1 W_0 with W Haar-random, R_ℓ rotations.

    Args:
        modes: n, so that layers are in SO(2n).
        parameters: L, angles uniform on a turn, each of a rotation in a fixed plane: exp(-iθP/2) for a Pauli string.
        draws: how many.
        seed: root seed; chunk c depends on it and on c alone.

    Returns:
        ``kernel`` and ``output`` of shape (draws,).
    """
    if modes < 2 or parameters < 1 or draws < 1:
        raise ValueError("free fermions need modes >= 2, parameters >= 1 and draws >= 1")
    most = int(np.clip(_HELD // ((parameters + 1) * (2 * modes) ** 2), 1, 4096))
    found = [
        _chunk(modes, parameters, min(most, draws - start), chunk_generator(seed, (modes, parameters), c))
        for c, start in enumerate(range(0, draws, most))
    ]
    return Draws(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _chunk(modes: int, parameters: int, draws: int, rng: np.random.Generator) -> tuple[Float, Float]:
    N = 2 * modes
    state = np.zeros((draws, N))
    state[:, 0] = 1
    layers, angles, arrived = [_haar(draws, N, rng)], rng.uniform(0, 2 * np.pi, (parameters, draws)), []
    state = np.einsum("dab,db->da", layers[0], state)
    for theta in angles:
        state = _turned(state, theta)
        arrived.append(state[:, :2].copy())
        layers.append(_haar(draws, N, rng))
        state = np.einsum("dab,db->da", layers[-1], state)
    output, back = state[:, 0].copy(), np.zeros((draws, N))
    back[:, 0] = 1
    kernel = np.zeros(draws)
    for layer, theta, plane in zip(layers[:0:-1], angles[::-1], arrived[::-1], strict=True):
        back = np.einsum("dab,da->db", layer, back)
        kernel += (back[:, 1] * plane[:, 0] - back[:, 0] * plane[:, 1]) ** 2
        back = _turned(back, -theta)
    return kernel, output


def _haar(draws: int, size: int, rng: np.random.Generator) -> Float:
    """Haar-random orthogonal matrices, half of them with determinant -1, which changes no law here."""
    q, r = np.linalg.qr(rng.standard_normal((draws, size, size)))
    return np.asarray(q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :])


def _turned(vectors: Float, theta: Float) -> Float:
    """Vectors of shape (draws, N) with the first two coordinates turned by an angle each."""
    turned = vectors.copy()
    cos, sin = np.cos(theta), np.sin(theta)
    turned[:, 0] = cos * vectors[:, 0] - sin * vectors[:, 1]
    turned[:, 1] = sin * vectors[:, 0] + cos * vectors[:, 1]
    return turned
