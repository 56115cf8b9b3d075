"""Qiskit Aer as an estimator: exact, with a noise model, or with shots that are really measured.

Aer's own ``EstimatorV2`` adds Gaussian noise to exact values; ``BackendEstimatorV2`` measures, a circuit at a time.
``AerShots`` measures all sets of angles in one call.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import transpile
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.primitives import EstimatorV2

from qntk.sampling.circuits.estimators import EstimatorGradients
from qntk.sampling.operators import OperatorLike

Array = NDArray[np.float64]
_FEW_QUBITS = 12
"""Up to which one thread is best: Aer's threads would wait for each other."""


def aer_gradients(
    circuit: QuantumCircuit, observable: OperatorLike, shots: int | None = None, noise_model: NoiseModel | None = None
) -> EstimatorGradients:
    """Outputs and gradients of a circuit on Aer.

    Args:
        circuit, observable, shots: as for ``EstimatorGradients``; shots are measured, for each set of Pauli strings
            that are read in one basis. None for exact expectation values.
        noise_model: an Aer noise model, readout error included.
    """
    if shots is not None:
        simulator = AerSimulator(noise_model=noise_model, **_threads(circuit.num_qubits))
        return EstimatorGradients(circuit, observable, AerShots(simulator, simulator.target), shots)
    # A noise model makes the state mixed; Aer's default would sample trajectories.
    method = "statevector" if noise_model is None else "density_matrix"
    options = {"noise_model": noise_model, "method": method} | _threads(circuit.num_qubits)
    estimator = EstimatorV2(options={"default_precision": 0.0, "backend_options": options})
    return EstimatorGradients(circuit, observable, estimator)


@dataclass(frozen=True)
class AerShots(BaseEstimatorV2):
    """An estimator that measures on Aer: ⌈1/precision²⌉ shots for each set of Pauli strings that are read in one basis.

    Attributes:
        backend: the simulator, with its noise model.
        target: its gates.
        seed: of the shots.
    """

    backend: AerSimulator
    target: Target = field(repr=False)
    seed: int = 0

    def seeded(self, seed: int) -> AerShots:
        """The same with another seed."""
        return replace(self, seed=seed)

    def run(self, pubs: Iterable[Any], *, precision: float | None = None) -> PrimitiveJob:
        """Estimate expectation values, as every ``BaseEstimatorV2``; one observable a PUB."""
        job = PrimitiveJob(self._run, [EstimatorPub.coerce(pub, precision) for pub in pubs])
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult:
        rng = np.random.default_rng(self.seed)
        return PrimitiveResult([self._one(pub, rng) for pub in pubs])

    def _one(self, pub: EstimatorPub, rng: np.random.Generator) -> PubResult:
        shots = int(np.ceil(1 / pub.precision**2))
        shape = pub.parameter_values.shape
        angles = pub.parameter_values.as_array(pub.circuit.parameters).reshape(*shape, -1)
        # Halves of the same angles are measured together, and their shots dealt out.
        copies = shape[0] if len(shape) > 1 and (angles == angles[:1]).all() else 1
        points = angles.reshape(-1, angles.shape[-1])[: math.prod(shape) // copies]
        (terms,) = pub.observables.ravel().tolist()
        observable = SparsePauliOp.from_list(list(terms.items()))
        trivial = ~(observable.paulis.x | observable.paulis.z).any(axis=1)
        evs = np.full((copies, len(points)), observable.coeffs[trivial].real.sum())
        groups = [] if trivial.all() else observable[~trivial].group_commuting(qubit_wise=True)
        for group, results in zip(groups, self._counts(pub.circuit, groups, points, shots * copies, rng), strict=True):
            masks = (group.paulis.x | group.paulis.z) @ (1 << np.arange(group.num_qubits, dtype=np.int64))
            for point, counts in enumerate(results):
                read = np.array([int(key, 16) for key in counts])
                values = (1 - 2.0 * (np.bitwise_count(read[:, None] & masks) & 1)) @ group.coeffs.real
                rest = np.fromiter(counts.values(), np.int64)
                for copy in range(copies):
                    dealt = rest if copy == copies - 1 else rng.multivariate_hypergeometric(rest, shots)
                    evs[copy, point] += float(dealt @ values) / shots
                    rest = rest - dealt
        stds = np.full(shape, pub.precision)
        return PubResult(DataBin(evs=evs.reshape(shape), stds=stds, shape=shape), {"shots": shots})

    def _counts(
        self,
        circuit: QuantumCircuit,
        groups: list[SparsePauliOp],
        points: Array,
        shots: int,
        rng: np.random.Generator,
    ) -> list[list[dict[str, int]]]:
        """What was read, for each group at each point, from one call."""
        if not groups:
            return []
        measured = [transpile(_measured(circuit, g), target=self.target, optimization_level=0) for g in groups]
        binds = {p: points[:, place].tolist() for place, p in enumerate(circuit.parameters)}
        seed = int(rng.integers(2**31))
        result = self.backend.run(
            measured, parameter_binds=[binds] * len(groups), shots=shots, seed_simulator=seed
        ).result()
        if not result.success:
            raise ValueError(str(result.status))
        found = [one.data.counts for one in result.results]
        return [found[k * len(points) : (k + 1) * len(points)] for k in range(len(groups))]


def _measured(circuit: QuantumCircuit, group: SparsePauliOp) -> QuantumCircuit:
    """The circuit with all qubits read in the bases of a group of strings."""
    made = circuit.copy()
    x, z = group.paulis.x.any(axis=0), group.paulis.z.any(axis=0)
    for qubit in np.flatnonzero(x):
        if z[qubit]:
            made.sdg(int(qubit))
        made.h(int(qubit))
    made.measure_all()
    return made


def _threads(qubits: int) -> dict[str, int]:
    return {"max_parallel_threads": 1} if qubits <= _FEW_QUBITS else {}
