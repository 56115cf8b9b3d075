"""Draws of an ensemble, and the one way to get them: chunks, each with its own spawned seed.

A chunk's random numbers depend on the root seed, the stream's key and the chunk's index alone, so the result is
bit-identical whatever the number of workers and the order in which they finish.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.machine import cores

STREAM_VERSION = 2
"""Raised whenever the same seed would give other draws."""


@dataclass(frozen=True)
class Draws:
    """Independent draws of an ensemble.

    Attributes:
        kernel: K = Σ_ℓ (∂f/∂θ_ℓ)², shape (draws,).
        output: f = <O>, shape (draws,).
        dqntk: μ = Σ_kℓ (∂_k∂_ℓ f)(∂_k f)(∂_ℓ f), shape (draws,); None where the ensemble does not draw it.
        cross: K₁₂ = Σ_ℓ ∂_ℓ f(x₁) ∂_ℓ f(x₂) of two inputs, shape (draws,), K and f being those of the first; None
            where the ensemble does not draw it.
    """

    kernel: NDArray[np.float64]
    output: NDArray[np.float64]
    dqntk: NDArray[np.float64] | None = None
    cross: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Number of draws."""
        return len(self.kernel)

    @classmethod
    def concatenate(cls, parts: Sequence[Draws]) -> Draws:
        """All draws, in the order given; what some part does not hold is None."""
        return cls(
            np.concatenate([p.kernel for p in parts]),
            np.concatenate([p.output for p in parts]),
            _joined([p.dqntk for p in parts]),
            _joined([p.cross for p in parts]),
        )


def _joined(parts: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    held = [part for part in parts if part is not None]
    return np.concatenate(held) if len(held) == len(parts) else None


class Ensemble(Protocol):
    """Anything that draws kernels."""

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        ...

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        ...

    def draw(self, draws: int, rng: np.random.Generator) -> Draws:
        """``draws`` independent draws from ``rng``; thread-safe, releases the GIL in its hot loop."""
        ...


def chunk_generator(seed: int, key: Iterable[int], chunk: int) -> np.random.Generator:
    """The random stream of one chunk: ``SeedSequence(seed, spawn_key=(*key, chunk))``."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*key, chunk)))


def chunk_sizes(draws: int, parameters: int, dimension: int) -> list[int]:
    """How many draws each chunk holds: about 2^24 amplitude updates a chunk, 256 to 16 384 draws.

    A function of the cell alone, never of the machine.
    """
    size = min(max(2**24 // (parameters * dimension), 256), 16384)
    return [min(size, draws - start) for start in range(0, draws, size)]


def sample(ensemble: Ensemble, draws: int, seed: int, key: Sequence[int] = (), workers: int | None = None) -> Draws:
    """``draws`` kernels of an ensemble, on ``workers`` threads (default: all cores), bit-identical for any number.

    Args:
        ensemble: ``HaarLayers``, ``CircuitEnsemble``, or anything with the same methods.
        draws: how many, at least 1.
        seed: root seed.
        key: extra words that set this stream apart from others of the same root seed.
        workers: threads.
    """
    if draws < 1:
        raise ValueError(f"draws is {draws}; give at least 1")
    sizes = chunk_sizes(draws, ensemble.parameters, ensemble.dimension)
    threads = workers or cores()
    if threads > len(sizes) and hasattr(ensemble, "on_threads"):
        ensemble = ensemble.on_threads(threads // len(sizes))

    def one(chunk: int) -> Draws:
        return ensemble.draw(sizes[chunk], chunk_generator(seed, key, chunk))

    with ThreadPoolExecutor(threads) as pool:
        return Draws.concatenate(list(pool.map(one, range(len(sizes)))))
