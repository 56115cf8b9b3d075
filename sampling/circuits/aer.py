"""The reference engine: the parameter-shift rule on Aer, exact, with finite shots, or with a noise model. Slow.

∂f/∂θ = (c/2)[f(θ + π/2c) - f(θ - π/2c)] holds where a parameter enters one rotation exp(-i cθ P/2) and nothing else;
any other circuit is refused. From finite shots Σ ĝ² overestimates K by the sum of the shot variances of ĝ; the
product of two independent halves of the shots, Σ ĝ_a ĝ_b, does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import transpile
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BackendEstimatorV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.primitives import EstimatorV2

from qntk.inputs.reader import unpacked
from qntk.sampling.engine.program import compile_circuit

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AerGradients:
    """Outputs and parameter-shift gradients of a circuit on Aer.

    Args:
        circuit: every parameter in one rotation, with any real factor.
        observable: Pauli sum on the circuit's qubits.
        shots: measurements for each expectation value and commuting group of Paulis; None for exact expectations.
        noise_model: an Aer noise model; None for none.

    Raises ``ValueError`` where the two-term rule does not hold or the observable is no Pauli sum.
    """

    circuit: QuantumCircuit = field(repr=False)
    observable: SparsePauliOp = field(repr=False)
    shots: int | None = None
    noise_model: NoiseModel | None = None
    _slopes: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find each parameter's one rotation, and what Aer can run."""
        if not isinstance(self.observable, SparsePauliOp):
            raise ValueError("Aer estimates Pauli sums: give the observable as a SparsePauliOp")
        if self.shots is not None and self.shots < 2:
            raise ValueError(f"shots is {self.shots}; give at least 2, one for each half")
        program = compile_circuit(self.circuit, merge=False)
        jacobian = program.jacobian.tocsc()
        if program.nonlinear or (np.diff(jacobian.indptr) != 1).any() or (np.diff(program.jacobian.indptr) > 1).any():
            raise ValueError(
                "the two-term shift rule needs every parameter in one rotation alone; use engine='adjoint'"
            )
        object.__setattr__(self, "_slopes", jacobian.data)
        simulator = AerSimulator(noise_model=self.noise_model)
        object.__setattr__(self, "circuit", transpile(unpacked(self.circuit), simulator, optimization_level=0))

    def value_and_gradient(self, thetas: Array, seed: int = 0) -> tuple[Array, Array]:
        """f, shape (draws,), and ∂f/∂θ, shape (draws, L); ``seed`` decides the shots."""
        return self._shift(thetas, self.shots, seed)

    def kernel(self, thetas: Array, seed: int = 0, unbiased: bool = True) -> tuple[Array, Array]:
        """f and K. With shots, each half of them gives a gradient and K = Σ ĝ_a ĝ_b, which may be negative.

        ``unbiased=False`` gives Σ ĝ² of all shots instead, too large by the shot variance.
        """
        if self.shots is None or not unbiased:
            values, gradient = self.value_and_gradient(thetas, seed)
            return values, np.einsum("dp,dp->d", gradient, gradient)
        one, two = (self._shift(thetas, self.shots // 2, s) for s in np.random.SeedSequence(seed).generate_state(2))
        return (one[0] + two[0]) / 2, np.einsum("dp,dp->d", one[1], two[1])

    def _shift(self, thetas: Array, shots: int | None, seed: int) -> tuple[Array, Array]:
        thetas = np.asarray(thetas, dtype=float)
        draws, parameters = thetas.shape
        step = np.diag(np.pi / (2 * self._slopes))
        points = thetas[:, None, :] + np.concatenate([np.zeros((1, parameters)), step, -step])
        values = self._estimate(points.reshape(-1, parameters), shots, int(seed)).reshape(draws, -1)
        forward, backward = values[:, 1 : parameters + 1], values[:, parameters + 1 :]
        return values[:, 0], (forward - backward) * self._slopes / 2

    def _estimate(self, points: Array, shots: int | None, seed: int) -> Array:
        estimator: Any
        if shots is None:
            # A noise model makes the state mixed; Aer's default would sample trajectories.
            method = "statevector" if self.noise_model is None else "density_matrix"
            backend = {"noise_model": self.noise_model, "method": method}
            estimator = EstimatorV2(options={"default_precision": 0.0, "backend_options": backend})
        else:
            simulator = AerSimulator(noise_model=self.noise_model)
            estimator = BackendEstimatorV2(
                backend=simulator, options={"default_precision": shots**-0.5, "seed_simulator": seed}
            )
        result = estimator.run([(self.circuit, self.observable, points)]).result()
        return np.asarray(result[0].data.evs, dtype=float)
