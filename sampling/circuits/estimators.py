"""Outputs, gradients and kernels from any estimator of Qiskit's (``BaseEstimatorV2``), by the parameter-shift rule.

An estimator that is not exact is asked for everything twice, each time with half of the shots. From one gradient ĝ,
Σ ĝ² overestimates K by the sum of the variances of ĝ; the product of two halves, Σ ĝ_a ĝ_b, does not: its mean is K,
and it may be negative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import BaseEstimatorV2
from qiskit.quantum_info import Operator, SparsePauliOp
from qiskit.transpiler import TranspilerError, generate_preset_pass_manager

from qntk.inputs.normal_form import NormalForm
from qntk.inputs.reader import read_circuit, unpacked
from qntk.sampling.circuits.noise import check_gates, read_through, warn_of_no_noise
from qntk.sampling.circuits.shifts import ShiftedCircuit
from qntk.sampling.operators import OperatorLike, hermitian

Array = NDArray[np.float64]
_MOST_VALUES, _MOST_POINTS = 2**18, 2**13
"""Angles, and sets of them, in one call: some estimators make a circuit of each set."""
_MOST_QUBITS_OF_A_MATRIX = 7


@dataclass(frozen=True)
class EstimatorGradients:
    """A circuit whose expectation values come from an estimator.

    The circuit is taken apart into Qiskit's own gates and translated to the estimator's backend, where it names one,
    and then differentiated gate by gate as it runs, noise and all. All points of a batch go in one PUB.

    Args:
        circuit: parameterised ``QuantumCircuit``.
        observable: O on its qubits; a matrix of at most 7 qubits is written as a Pauli sum.
        estimator: any ``BaseEstimatorV2``.
        shots: measurements of each expectation value, both halves together: an even number. The estimator is asked
            for the precision 1/√shots.
        precision: standard error of each expectation value, in place of shots; 0 for exact values. By default the
            estimator's own ``default_precision``.
        inputs: the parameters that are data, in the order of the columns of x; all others are trainable.

    Raises ``ValueError`` for a gate without a shift rule, a precision that is not known, and noise that would be
    dropped: on a gate that the backend takes apart, or of a readout that cannot be put into the observable.
    """

    circuit: QuantumCircuit = field(repr=False)
    observable: OperatorLike = field(repr=False)
    estimator: Any
    shots: int | None = None
    precision: float | None = None
    inputs: tuple[Parameter, ...] = field(default=(), repr=False)
    _each: float = field(init=False, repr=False, compare=False)
    _form: NormalForm = field(init=False, repr=False, compare=False)
    _shifted: ShiftedCircuit = field(init=False, repr=False, compare=False)
    _measured: SparsePauliOp = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Translate the circuit, and find what each expectation value is asked for."""
        if not isinstance(self.estimator, BaseEstimatorV2):
            told = type(self.estimator).__name__
            raise TypeError(f"gradients is a {told}; give an estimator of Qiskit's, a BaseEstimatorV2")
        object.__setattr__(self, "_each", self._asked())
        form = read_circuit(self.circuit, self.inputs)
        backend = _backend(self.estimator)
        aer = hasattr(self.estimator, "seeded") or type(self.estimator).__module__.startswith("qiskit_aer.")
        circuit, observable = unpacked(self.circuit), pauli_sum(self.observable)
        if backend is not None:
            check_gates(circuit, backend)
            passes = generate_preset_pass_manager(optimization_level=0, target=backend.target, seed_transpiler=0)
            try:
                circuit = passes.run(circuit)
            except TranspilerError as error:
                told = str(error).strip().strip("'\"").splitlines()[0][:300]
                raise ValueError(f"the circuit cannot be translated to {backend.name}: {told}") from error
            warn_of_no_noise(circuit, backend)
            observable = observable.apply_layout(circuit.layout)
        object.__setattr__(self, "_measured", read_through(observable, self.estimator, backend))
        object.__setattr__(self, "_shifted", ShiftedCircuit(circuit, form.sources, form.weights, aer))
        object.__setattr__(self, "_form", form)

    def _asked(self) -> float:
        if self.shots is not None:
            if self.precision is not None:
                raise ValueError("shots and precision were both given; they say the same, give one")
            if isinstance(self.shots, bool) or self.shots != int(self.shots) or self.shots < 2 or self.shots % 2:
                raise ValueError(f"shots is {self.shots}; give an even number, of which each half takes one half")
            # An estimator rounds 1/precision² up: 1000**-0.5 would be 1001 shots.
            return float((self.shots * (1 - 1e-9)) ** -0.5)
        precision = self.precision
        if precision is None:
            options = getattr(self.estimator, "options", None)
            precision = getattr(self.estimator, "default_precision", getattr(options, "default_precision", None))
        if precision is None:
            name = type(self.estimator).__name__
            raise ValueError(f"{name} does not say its precision; give shots=, or precision= (0 if it is exact)")
        if not (math.isfinite(precision) and precision >= 0):
            raise ValueError(f"precision is {precision}; give a standard error, 0 for exact values")
        return float(precision)

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L."""
        return len(self._form.weights)

    @property
    def dimension(self) -> int:
        """Hilbert-space dimension D."""
        return 1 << int(self.circuit.num_qubits)

    @cached_property
    def estimated(self) -> bool:
        """Whether values are random, and K a product of two halves: by precision, or because they turn out so.

        Exact values may be averages of random trajectories; they are asked for twice at one point.
        """
        if self._each:
            return True
        columns = np.random.default_rng(1).uniform(0.5, 1.5, (1, self._shifted.columns))
        one, two = self._call(self.estimator, columns, 2)
        return not np.array_equal(one, two)

    @property
    def repeats(self) -> str:
        """Why several calls are wrong: the estimator would repeat its noise. Empty if they are not."""
        if not self.estimated or not _fixed_seed(self.estimator):
            return ""
        return (
            f"{type(self.estimator).__name__} has a fixed seed, and would repeat its noise in each of several calls; "
            "give it none, or a numpy Generator, or take fewer draws"
        )

    def describe(self) -> str:
        """One line: where the numbers come from, and what is random in them."""
        name = type(self.estimator).__name__
        if not self.estimated:
            return f"gradients by {name}, exact expectation values"
        told = f"precision {self._each:.4g}" if self._each else "random without precision"
        told = f"{self.shots} shots" if self.shots else told
        whose = "of the seed" if hasattr(self.estimator, "seeded") else "the estimator's own, not of the seed"
        return (
            f"gradients by {name}, {told} for each expectation value in two halves; K is their product, unbiased, and "
            f"may be negative; the noise is {whose}"
        )

    def value_and_gradient(self, thetas: Array, x: Array | None = None, seed: int = 0) -> tuple[Array, Array]:
        """f, shape (draws,), or (draws, points) with inputs, and ∂f/∂θ with one axis more, of length L.

        ``seed`` is for an estimator that takes one; any other has its own.
        """
        values, gradient = self.halves(thetas, x, seed)
        return values.mean(axis=0), gradient.mean(axis=0)

    def kernel(self, thetas: Array, seed: int = 0) -> tuple[Array, Array]:
        """f and K of a circuit without inputs, both of shape (draws,)."""
        values, gradient = self.halves(thetas, None, seed)
        return values.mean(axis=0), np.einsum("dp,dp->d", gradient[0], gradient[-1])

    def kernel_matrix(self, thetas: Array, x: Array, seed: int = 0) -> Array:
        """K_ij = Σ_ℓ ∂_ℓ f(x_i) ∂_ℓ f(x_j), shape (draws, points, points); from halves, the symmetric product."""
        gradient = self.halves(thetas, x, seed)[1]
        product = gradient[0] @ gradient[-1].swapaxes(-1, -2)
        return np.asarray((product + product.swapaxes(-1, -2)) / 2)

    def halves(self, thetas: Array, x: Array | None = None, seed: int = 0) -> tuple[Array, Array]:
        """f and ∂f/∂θ from each half, as ``value_and_gradient`` behind an axis of two; of one for exact values."""
        thetas = np.asarray(thetas, dtype=float)
        points = 1 if x is None else len(x)
        columns = np.zeros((len(thetas) * points, self._shifted.columns))
        columns[:, list(self._form.weights)] = np.repeat(thetas, points, axis=0)
        if x is not None:
            columns[:, list(self._form.inputs)] = np.tile(x, (len(thetas), 1))
        outputs = self._evaluate(columns, seed)
        gradient = np.stack([self._shifted.gradient(half, columns) for half in outputs])
        shape = (len(outputs), len(thetas)) if x is None else (len(outputs), len(thetas), points)
        return outputs[:, :, 0].reshape(shape), gradient.reshape(*shape, -1)

    def _evaluate(self, columns: Array, seed: int) -> Array:
        """Expectation values at all points, shape (halves, evaluations, points), in as few calls as memory allows."""
        estimator = self.estimator.seeded(seed) if hasattr(self.estimator, "seeded") else self.estimator
        points = self._shifted.points
        size = max(min(_MOST_VALUES // (points * max(self._shifted.angles, 1)), _MOST_POINTS // points), 1)
        pieces = [columns[start : start + size] for start in range(0, len(columns), size)]
        if len(pieces) > 1 and self.repeats:
            raise ValueError(self.repeats)
        halves = 2 if self.estimated else 1
        return np.concatenate([self._call(estimator, piece, halves) for piece in pieces], axis=1)

    def _call(self, estimator: Any, columns: Array, halves: int) -> Array:
        """One PUB with all angles of all points."""
        values = np.repeat(self._shifted.values(columns)[None], halves, axis=0)
        precision = self._each * math.sqrt(halves)
        pub = (self._shifted.circuit, self._measured, values)
        try:
            evs = estimator.run([pub], precision=precision).result()[0].data.evs
        except Exception as error:  # each estimator has errors of its own
            told = str(error).strip().splitlines() or [type(error).__name__]
            raise ValueError(f"{type(estimator).__name__} refused the circuit: {told[0][:300]}") from error
        return np.asarray(evs, dtype=float)


def pauli_sum(observable: OperatorLike) -> SparsePauliOp:
    """An observable as a sum of Pauli strings, which is all that estimators read."""
    checked = hermitian(observable)
    if isinstance(checked, SparsePauliOp):
        return checked
    qubits = len(checked).bit_length() - 1
    if qubits > _MOST_QUBITS_OF_A_MATRIX:
        raise ValueError(f"estimators read Pauli sums; a matrix on {qubits} qubits has too many terms: give it as one")
    return SparsePauliOp.from_operator(Operator(checked)).simplify()


def _backend(estimator: Any) -> Any:
    """What an estimator runs on, where it says."""
    found = getattr(estimator, "backend", None) or getattr(estimator, "_backend", None)
    return found() if callable(found) and not hasattr(found, "target") else found


def _fixed_seed(estimator: Any) -> bool:
    """Whether every call starts its random numbers anew from the same seed."""
    options = getattr(estimator, "options", None)
    run = getattr(options, "run_options", None)
    seeds = (
        getattr(estimator, "seed", None),
        getattr(options, "seed_simulator", None),
        run.get("seed_simulator") if isinstance(run, dict) else None,
    )
    return any(isinstance(seed, int | np.integer) for seed in seeds)
