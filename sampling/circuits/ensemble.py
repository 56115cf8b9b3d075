"""The ensemble of a parameterised circuit: fixed gates, random angles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qntk.sampling.circuits.model import CircuitModel
from qntk.sampling.distributions import Distribution, Uniform
from qntk.sampling.draws import Draws
from qntk.sampling.operators import OperatorLike

if TYPE_CHECKING:
    from qntk.sampling.circuits.aer import AerGradients


@dataclass(frozen=True)
class CircuitEnsemble:
    """A circuit with random angles.

    Args:
        circuit, observable: as for ``CircuitModel``; every parameter is trainable.
        distribution: of the angles, from ``qntk.sampling.distributions`` or any function of a generator and a shape
            (draws, L); uniform on [0, 2π) by default.
        engine: ``adjoint``, exact and fast, or ``aer``, the parameter-shift rule on Qiskit Aer.
        shots, noise_model: for Aer, see ``circuits.aer.AerGradients``; its K from shots is the unbiased one.
        dqntk: draw μ too, of the same angles; for the adjoint engine.

    Raises ``ValueError`` for an unknown engine and for options that the engine does not have.
    """

    circuit: QuantumCircuit = field(repr=False)
    observable: OperatorLike | Statevector = field(repr=False)
    distribution: Distribution = field(default_factory=Uniform)
    engine: Literal["adjoint", "aer"] = "adjoint"
    shots: int | None = None
    noise_model: Any = field(default=None, repr=False)
    dqntk: bool = False
    model: CircuitModel = field(init=False, repr=False, compare=False)
    _aer: AerGradients | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Compile once. Chunks are what threads share out, so the model itself takes one."""
        object.__setattr__(self, "model", CircuitModel(self.circuit, self.observable, workers=1))
        if self.engine == "aer":
            if self.dqntk:
                raise ValueError("dqntk needs engine='adjoint'; Aer gives gradients only")
            from qntk.sampling.circuits.aer import AerGradients  # Aer takes a second to import

            object.__setattr__(self, "_aer", AerGradients(self.circuit, self.observable, self.shots, self.noise_model))
        elif self.engine != "adjoint":
            raise ValueError(f"engine {self.engine!r} is unknown; choose adjoint or aer")
        elif self.shots is not None or self.noise_model is not None:
            raise ValueError("shots and noise models need engine='aer'; the adjoint engine is exact")

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        return self.model.parameters

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return self.model.dimension

    def draw(self, draws: int, rng: np.random.Generator) -> Draws:
        """``draws`` independent sets of angles."""
        parts = []
        size = self.model.batch
        for start in range(0, draws, size):
            shape = (min(size, draws - start), self.parameters)
            thetas = np.asarray(self.distribution(rng, shape), dtype=float)
            if thetas.shape != shape:
                raise ValueError(f"the distribution gave shape {thetas.shape} for {shape}")
            if self._aer is None:
                output, kernel = self.model.value_and_kernel(thetas)
            else:
                output, kernel = self._aer.kernel(thetas, seed=int(rng.integers(2**31)))
            parts.append(Draws(kernel, output, self.model.dqntk(thetas) if self.dqntk else None))
        return Draws.concatenate(parts)
