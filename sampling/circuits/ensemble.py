"""The ensemble of a parameterised circuit: fixed gates, random angles."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qntk.sampling.circuits.model import CircuitModel
from qntk.sampling.distributions import Distribution, Uniform, drawn
from qntk.sampling.draws import Draws
from qntk.sampling.operators import OperatorLike

if TYPE_CHECKING:
    from qntk.sampling.circuits.estimators import EstimatorGradients

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CircuitEnsemble:
    """A circuit with random angles.

    Args:
        circuit, observable: as for ``CircuitModel``; every parameter is trainable.
        distribution: of the angles, from ``qntk.sampling.distributions`` or any function of a generator and a shape
            (draws, L); uniform on [0, 2π) by default.
        engine: ``adjoint``, exact and fast, or ``aer``, the parameter-shift rule on Qiskit Aer.
        shots, noise_model: for Aer, see ``circuits.aer.aer_gradients``; its K from shots is the unbiased one.
        dqntk: draw μ too, of the same angles; for the adjoint engine.
        gradients: an estimator of Qiskit's (``BaseEstimatorV2``) in place of an engine, with ``shots`` or
            ``precision``; see ``circuits.estimators.EstimatorGradients``.
        precision: standard error of each of the estimator's expectation values.

    Raises ``ValueError`` for an unknown engine and for options that the engine does not have.
    """

    circuit: QuantumCircuit = field(repr=False)
    observable: OperatorLike | Statevector = field(repr=False)
    distribution: Distribution = field(default_factory=Uniform)
    engine: Literal["adjoint", "aer"] = "adjoint"
    shots: int | None = None
    noise_model: Any = field(default=None, repr=False)
    dqntk: bool = False
    gradients: Any = field(default=None, repr=False)
    precision: float | None = None
    source: EstimatorGradients | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Compile once."""
        if self.engine not in ("adjoint", "aer"):
            raise ValueError(f"engine {self.engine!r} is unknown; choose adjoint or aer")
        if self.engine == "adjoint" and self.gradients is None:
            if self.shots is not None or self.precision is not None or self.noise_model is not None:
                raise ValueError(
                    "shots, precision and noise models need engine='aer' or gradients=; the adjoint engine is exact"
                )
            _ = self.model
            return
        if self.dqntk:
            raise ValueError("dqntk needs engine='adjoint'; an estimator gives gradients only")
        if self.gradients is None:
            if self.precision is not None:
                raise ValueError("engine='aer' takes shots=; precision= is for gradients=")
            from qntk.sampling.circuits.aer import aer_gradients  # Aer takes a second to import

            source = aer_gradients(self.circuit, self.observable, self.shots, self.noise_model)
        else:
            if self.engine == "aer" or self.noise_model is not None:
                raise ValueError("gradients= brings its own engine and noise; leave out engine and noise_model")
            from qntk.sampling.circuits.estimators import EstimatorGradients

            source = EstimatorGradients(self.circuit, self.observable, self.gradients, self.shots, self.precision)
        object.__setattr__(self, "source", source)

    @cached_property
    def model(self) -> CircuitModel:
        """The compiled model. Chunks are what threads share out, so it takes one itself."""
        return CircuitModel(self.circuit, self.observable, workers=1)

    def on_threads(self, threads: int) -> CircuitEnsemble:
        """The same ensemble, each chunk of which takes several threads; for fewer chunks than threads."""
        if self.source is not None:
            return self
        other = copy.copy(self)
        other.__dict__["model"] = self.model.on_threads(threads)
        return other

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        return (self.source or self.model).parameters

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return (self.source or self.model).dimension

    def draw(self, draws: int, rng: np.random.Generator) -> Draws:
        """``draws`` independent sets of angles."""
        if self.source is not None:
            thetas = self._angles(draws, rng)
            output, kernel = self.source.kernel(thetas, seed=int(rng.integers(2**31)))
            return Draws(kernel, output)
        parts = []
        size, threads = self.model.batch, self.model.workers or 1
        together = size if threads == 1 else 8 * size * threads
        for start in range(0, draws, together):
            stop = min(start + together, draws)
            # Batch by batch, so that the stream is the same on any number of threads.
            batches = [self._angles(min(size, stop - first), rng) for first in range(start, stop, size)]
            thetas = batches[0] if len(batches) == 1 else np.concatenate(batches)
            output, kernel = self.model.value_and_kernel(thetas)
            parts.append(Draws(kernel, output, self.model.dqntk(thetas) if self.dqntk else None))
        return Draws.concatenate(parts)

    def _angles(self, draws: int, rng: np.random.Generator) -> Array:
        return drawn(self.distribution, rng, (draws, self.parameters))
