"""Qiskit Aer as an estimator: exact, with a noise model, or with shots that are really measured.

Aer's own ``EstimatorV2`` adds Gaussian noise to exact values; ``BackendEstimatorV2`` measures, a circuit at a time.
``AerShots`` measures all sets of angles in one call. Where nothing is noisy and qubits are few, it asks Aer for the
probabilities of what is read and draws the shots from them itself: Aer spends half a microsecond on each.
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
_TABLE_QUBITS, _MOST_PROBABILITIES = 10, 2**24
"""Up to which all that can be read is written out, and how many probabilities of all points together."""


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
        # Halves of the same angles are run together, and their shots dealt out.
        copies = shape[0] if len(shape) > 1 and (angles == angles[:1]).all() else 1
        points = angles.reshape(-1, angles.shape[-1])[: math.prod(shape) // copies]
        (terms,) = pub.observables.ravel().tolist()
        observable = SparsePauliOp.from_list(list(terms.items()))
        trivial = ~(observable.paulis.x | observable.paulis.z).any(axis=1)
        evs = np.full((copies, len(points)), observable.coeffs[trivial].real.sum())
        groups = [] if trivial.all() else observable[~trivial].group_commuting(qubit_wise=True)
        qubits = pub.circuit.num_qubits
        tabled = self.backend.options.noise_model is None and qubits <= _TABLE_QUBITS
        tabled = tabled and len(points) * len(groups) << qubits <= _MOST_PROBABILITIES
        if groups:
            evs += (self._drawn if tabled else self._dealt)(pub.circuit, groups, points, shots, copies, rng)
        stds = np.full(shape, pub.precision)
        return PubResult(DataBin(evs=evs.reshape(shape), stds=stds, shape=shape), {"shots": shots})

    def _drawn(
        self,
        circuit: QuantumCircuit,
        groups: list[SparsePauliOp],
        points: Array,
        shots: int,
        copies: int,
        rng: np.random.Generator,
    ) -> Array:
        """Means of shots that are drawn from Aer's probabilities, shape (copies, points)."""
        asked = [_turned(circuit, group) for group in groups]
        for one in asked:
            one.save_probabilities()
        total = np.zeros((copies, len(points)))
        for group, found in zip(groups, self._run_all(asked, circuit, points, 1, 0), strict=True):
            chances = np.array([one.data.probabilities for one in found])
            chances = np.maximum(chances, 0.0)
            chances /= chances.sum(axis=1, keepdims=True)
            read = rng.multinomial(shots, chances, size=(copies, len(points)))
            total += read @ _values(group, np.arange(chances.shape[1])) / shots
        return total

    def _dealt(
        self,
        circuit: QuantumCircuit,
        groups: list[SparsePauliOp],
        points: Array,
        shots: int,
        copies: int,
        rng: np.random.Generator,
    ) -> Array:
        """Means of shots that Aer measures, shape (copies, points)."""
        asked = [_turned(circuit, group) for group in groups]
        for one in asked:
            one.measure_all()
        asked = [transpile(one, target=self.target, optimization_level=0) for one in asked]
        seed, total = int(rng.integers(2**31)), np.zeros((copies, len(points)))
        for group, found in zip(groups, self._run_all(asked, circuit, points, shots * copies, seed), strict=True):
            for point, one in enumerate(found):
                counts = one.data.counts
                values = _values(group, np.array([int(key, 16) for key in counts]))
                rest = np.fromiter(counts.values(), np.int64)
                for copy in range(copies):
                    dealt = rest if copy == copies - 1 else rng.multivariate_hypergeometric(rest, shots)
                    total[copy, point] += float(dealt @ values) / shots
                    rest = rest - dealt
        return total

    def _run_all(
        self, asked: list[QuantumCircuit], circuit: QuantumCircuit, points: Array, shots: int, seed: int
    ) -> list[list[Any]]:
        """Aer's result of each circuit at each point, from one call."""
        binds = {p: points[:, place].tolist() for place, p in enumerate(circuit.parameters)}
        job = self.backend.run(asked, parameter_binds=[binds] * len(asked), shots=shots, seed_simulator=seed)
        result = job.result()
        if not result.success:
            raise ValueError(str(result.status))
        return [result.results[k * len(points) : (k + 1) * len(points)] for k in range(len(asked))]


def _values(group: SparsePauliOp, read: NDArray[np.int64]) -> Array:
    """What a group of strings is where its bits are read."""
    masks = (group.paulis.x | group.paulis.z) @ (1 << np.arange(group.num_qubits, dtype=np.int64))
    return np.asarray((1 - 2.0 * (np.bitwise_count(read[:, None] & masks) & 1)) @ group.coeffs.real)


def _turned(circuit: QuantumCircuit, group: SparsePauliOp) -> QuantumCircuit:
    """The circuit with all qubits turned to the bases of a group of strings."""
    made = circuit.copy()
    x, z = group.paulis.x.any(axis=0), group.paulis.z.any(axis=0)
    for qubit in np.flatnonzero(x):
        if z[qubit]:
            made.sdg(int(qubit))
        made.h(int(qubit))
    return made


def _threads(qubits: int) -> dict[str, int]:
    return {"max_parallel_threads": 1} if qubits <= _FEW_QUBITS else {}
