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


def sample_quadratic_fermions(modes: int, parameters: int, draws: int, seed: int) -> Draws:
    """K and f of O = iγ_0γ_1 in the state |0…0>, by covariance matrices between Haar-random SO(2n) layers.

    Arguments and result as for ``sample_free_fermions``; every rotation is exp(-iθP/2) about iγ_0γ_1.
    """
    if modes < 2 or parameters < 1 or draws < 1:
        raise ValueError("free fermions need modes >= 2, parameters >= 1 and draws >= 1")
    N, most = 2 * modes, int(np.clip(_HELD // ((parameters + 2) * (2 * modes) ** 2), 1, 4096))
    kernels, outputs = [], []
    for chunk, start in enumerate(range(0, draws, most)):
        count, rng = min(most, draws - start), chunk_generator(seed, (modes, parameters, 2), chunk)
        layers = [_haar(count, N, rng) for _ in range(parameters + 1)]
        angles = rng.uniform(0, 2 * np.pi, (parameters, count))

        def output(shifted: int, by: float, layers: list[Float] = layers, angles: Float = angles) -> Float:
            covariance: Float = np.kron(np.eye(modes), [[0.0, 1.0], [-1.0, 0.0]])[None].astype(np.float64)
            for place, layer in enumerate(layers):
                covariance = np.asarray(layer @ covariance @ layer.transpose(0, 2, 1))
                if place < len(angles):
                    covariance = _planes(covariance, np.asarray(angles[place] + (by if place == shifted else 0.0)))
            return np.asarray(covariance[:, 0, 1])

        shifts = [(output(k, np.pi / 2), output(k, -np.pi / 2)) for k in range(parameters)]
        kernels.append(sum((plus - minus) ** 2 / 4 for plus, minus in shifts))
        outputs.append(output(0, 0.0))
    return Draws(np.concatenate(kernels), np.concatenate(outputs))


def _planes(covariance: Float, theta: Float) -> Float:
    """Covariance matrices, shape (draws, N, N), with the first two Majorana operators turned."""
    turn = np.tile(np.eye(covariance.shape[1]), (len(theta), 1, 1))
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(theta)
    turn[:, 1, 0] = np.sin(theta)
    turn[:, 0, 1] = -turn[:, 1, 0]
    return np.asarray(turn @ covariance @ turn.transpose(0, 2, 1))


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
