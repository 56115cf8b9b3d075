"""``qntk.Model``: a circuit with data, its kernels, and its diagnosis before and after training."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ParameterVector

from qntk import _checked
from qntk._diagnosis import Diagnoses, Diagnosis
from qntk._ensemble import Ensemble, trained
from qntk._result import Result
from qntk.inputs.losses import own_loss
from qntk.inputs.operators import observable as read_observable
from qntk.sampling import CircuitModel

Array = NDArray[np.float64]
_SIMULATED = 40
"""Qubits up to which a model is compiled at once, and so refused at once where memory is short; beyond, only laws of
Pauli paths reach, and only what simulates is refused."""


class Model(Result):
    """f(θ, x) = <0|U†OU|0> with trainable θ and data x.

    Args:
        circuit: a ``QuantumCircuit``, or the file of one.
        observable: in any spelling of ``qntk.observable``; or a list of them for several outputs, whose kernel is the
            sum of theirs.
        inputs: the parameters that are data, in the order of the columns of X: names, vectors or ``Parameter``s.
        workers: threads, all cores by default; results do not depend on it.
        layout: of a transpiled circuit, as for ``qntk.sample``.
        weights: the trainable parameters in the order of θ, named as for ``inputs``; by default that of
            ``circuit.parameters``.

    θ has the parameters of ``parameters``, in that order. Data are never counted as weights.
    """

    def __init__(
        self,
        circuit: Any,
        observable: Any,
        inputs: Any = None,
        workers: int | None = None,
        layout: str | None = None,
        weights: Any = None,
    ) -> None:
        taken = _checked.circuit(circuit)
        self.circuit, self._remarks = taken.circuit, taken.notes
        self.inputs = tuple(_checked.inputs(self.circuit, inputs))
        trainable = [p for p in self.circuit.parameters if p not in self.inputs]
        ordered = trainable if weights is None else _checked.weights(self.circuit, weights, trainable)
        self._names = tuple(p.name for p in ordered)
        if ordered != trainable:  # Qiskit orders by name, elements of a vector by their index
            name = "θ"
            while any(p.name.startswith(name) for p in self.circuit.parameters):
                name += "'"
            fresh = dict(zip(ordered, ParameterVector(name, len(ordered)), strict=True))
            self.circuit = self.circuit.assign_parameters(fresh)
        given = list(observable) if _checked.several(observable) else [observable]
        self.observables = tuple(
            read_observable(taken.observable(one, layout), self.circuit.num_qubits) for one in given
        )
        self._workers = _checked.workers(workers)
        if self.circuit.num_qubits <= _SIMULATED:
            _ = self._models

    @classmethod
    def from_qnn(cls, qnn: Any, workers: int | None = None) -> Model:
        """The model of an ``EstimatorQNN`` of qiskit-machine-learning (extra ``qml``), in its own order of parameters.

        Outputs and gradients are exact, whatever estimator and gradient object the network has; for its own noise give
        ``kernel(θ, X, gradients=qnn.estimator, shots=…)``. Data are never scaled or wrapped.

        Args:
            qnn: an ``EstimatorQNN`` with weights.
            workers: as for ``Model``.
        """
        needed = ("circuit", "observables", "input_params", "weight_params")
        if not all(hasattr(qnn, name) for name in needed):
            raise TypeError(f"a {type(qnn).__name__} is no EstimatorQNN; give one of qiskit-machine-learning's")
        circuit = qnn.circuit
        # Its observables are on the qubits of its circuit, as it runs.
        layout = None if circuit.layout is None else "applied"
        weights = list(qnn.weight_params)
        if not weights:
            raise ValueError("the network has no weights; a tangent kernel needs at least one")
        return cls(circuit, list(qnn.observables), list(qnn.input_params) or None, workers, layout, weights)

    @cached_property
    def _models(self) -> tuple[CircuitModel, ...]:
        """The compiled model of each output."""
        return tuple(CircuitModel(self.circuit, one.operator(), self.inputs, self._workers) for one in self.observables)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the trainable parameters, in the order of θ."""
        return self._names

    @property
    def model(self) -> CircuitModel:
        """The compiled model of the one output; ``ValueError`` for several."""
        if len(self.observables) > 1:
            raise ValueError(f"this model has {len(self.observables)} outputs; take one observable for that")
        return self._models[0]

    def outputs(self, theta: Any, X: Any = None) -> Array:
        """f, shape () or (draws,), with an axis of points behind it where the circuit has inputs, and one of outputs
        last where there are several observables."""
        return self._stacked(self._apply("outputs", theta, X), 0)

    def gradients(self, theta: Any, X: Any = None) -> Array:
        """∂f/∂θ, as ``outputs`` with one axis more, of length L."""
        return self._stacked(self._apply("value_and_gradient", theta, X), 1)

    def kernel(self, theta: Any, X: Any = None, **gradients: Any) -> Any:
        """K = Σ_ℓ (∂_ℓ f)², or with inputs K_ij = Σ_ℓ ∂_ℓ f(x_i) ∂_ℓ f(x_j).

        Args:
            theta: shape (L,) or (draws, L).
            X: shape (points, inputs).
            gradients: as keyword, any estimator of Qiskit's (``BaseEstimatorV2``) as the source of gradients, with
                ``shots`` or ``precision``; from shots, K is unbiased and symmetric, but may have negative eigenvalues.

        Returns:
            Shape () or (draws,), with inputs (points, points) or (draws, points, points). With several observables, the
            sum of their kernels; ``kernels`` has them apart.
        """
        return sum(self.kernels(theta, X, **gradients))

    def kernels(self, theta: Any, X: Any = None, **gradients: Any) -> list[Array]:
        """The kernel of each observable."""
        _checked.options("qntk.Model.kernel", gradients, ("gradients", "shots", "precision"))
        values, single = _checked.angles(theta, len(self.parameters))
        x = self._data(X)
        if gradients:
            found = [self._estimated(one.operator(), values, x, **gradients) for one in self.observables]
        else:
            found = [model.kernel(values, x) for model in self._models]
        return [one[0] if single else one for one in found]

    def _estimated(self, operator: Any, values: Array, x: Array | None, gradients: Any = None, **asked: Any) -> Array:
        if gradients is None:
            raise ValueError("shots and precision need gradients=, an estimator of Qiskit's; the engine here is exact")
        from qntk.sampling.circuits.estimators import EstimatorGradients

        source = EstimatorGradients(self.circuit, operator, gradients, **asked, inputs=self.inputs)
        return source.kernel(values)[1] if x is None else source.kernel_matrix(values, x)

    def diagnose(
        self,
        X: Any,
        y: Any,
        train: Any = None,
        rate: Any = None,
        fraction: float = 0.5,
        loss: Any = "half-sum",
        seed: int = 20221114,
        theta: Any = None,
        seeds: Any = None,
    ) -> Any:
        """What the kernel at initialisation says of training on (X, y): a ``Diagnosis``, or ``Diagnoses`` of several.

        Args:
            X: data, shape (points, inputs).
            y: labels, shape (points,).
            train: which points are trained on, a boolean mask or indices; all by default.
            rate: learning rate η, or several; ``fraction`` of the critical one by default.
            fraction: of 2/λ_max.
            loss: ``half-sum`` ½Σε², ``half-mean`` Σε²/(2M), ``sum`` Σε² or ``mean`` Σε²/M; or a number c, for cΣε²; or
                a function of outputs and labels of the M training points, both of shape (M,), to one number; or a pair
                of such a function and its gradient by the outputs, shape (M,), which is else taken by differences.
            seed: of the initial angles, uniform on [0, 2π).
            theta: initial angles in place of random ones, shape (L,), or (runs, L) for several.
            seeds: several, or how many from ``seed`` on.

        With a loss of one's own, training is by its gradient, and ``predict`` steps the outputs by it with the frozen
        or the dressed kernel; critical rate and decay time are of its curvature at the start.
        """
        if not self.inputs:
            raise ValueError("the model has no inputs; name the parameters that are data with inputs=")
        told = own_loss(loss)
        if told is None and (not isinstance(loss, str | int | float) or isinstance(loss, bool)):
            raise TypeError(
                f"loss is a {type(loss).__name__}; give a name, c in cΣε², a function of outputs and labels, or a pair "
                "of one and its gradient"
            )
        model = self.model
        x = self._data(X)
        assert x is not None
        labels = _checked.labels(y, len(x))
        mask = _checked.mask(train, len(x))
        starts, roots, single = self._starts(seed, theta, seeds)
        many = rate is not None and np.ndim(rate) > 0
        rates = [float(one) for one in _checked.numbers("rate", rate).ravel()] if many else [rate]
        if not rates:
            raise ValueError("rate is empty; give one learning rate or several")
        runs = [
            Diagnosis.of(model, self.observables[0], x, labels, mask, start, one, fraction, told or loss)
            for start in starts
            for one in rates
        ]
        if single and not many:
            return runs[0]
        return Diagnoses(tuple(runs), tuple(root for root in roots for _ in rates))

    def ensemble(
        self,
        X: Any,
        y: Any,
        X_test: Any,
        steps: int | None = None,
        rate: float | None = None,
        fraction: float = 0.5,
        loss: str | float = "half-sum",
        draws: int = 1000,
        seed: int = 20221114,
        law: str = "frozen",
        moments: str = "auto",
    ) -> Ensemble:
        """Mean and covariance of the outputs of networks that start at random angles and train on (X, y).

        ``frozen``: each trains with the mean kernel; that holds where kernels concentrate, which ``check`` tells, and
        for labels well inside the spectrum. ``dressed``: each with its own, which follows the output variance.

        The moments are exact for circuits of Clifford gates and rotations by independent angles, at any number of
        qubits, where Pauli paths reach: data anywhere, O a sum of Pauli strings.

        Args:
            X, y: training data, shapes (points, inputs) and (points,).
            X_test: where to predict, shape (P, inputs).
            steps: of gradient descent; the end of training by default.
            rate, fraction, loss: as for ``diagnose``, of the mean kernel; the loss a square, of which alone the moments
                of the start give those of the end.
            draws: networks that the moments are estimated from where they are not exact.
            seed: of their angles, uniform on [0, 2π).
            law: ``frozen``, or ``dressed``, which needs ``steps``, draws, and a Pauli string for observable.
            moments: ``auto``, ``paths`` (an error where there are none) or ``draws``.
        """
        if not self.inputs:
            raise ValueError("the model has no inputs; name the parameters that are data with inputs=")
        if len(self.observables) > 1:
            raise ValueError(f"this model has {len(self.observables)} outputs; take one observable for that")
        if not isinstance(loss, str | int | float) or isinstance(loss, bool):
            raise TypeError(
                f"loss is a {type(loss).__name__}; an ensemble's moments need squares: a name, or c in cΣε²"
            )
        if law == "flow":
            raise ValueError(
                "law 'flow' is of circuits of infinite depth between random layers, qntk.flow; take 'dressed'"
            )
        if law not in ("frozen", "dressed"):
            raise ValueError(f"law is {law!r}; give 'frozen' or 'dressed'")
        if moments not in ("auto", "paths", "draws"):
            raise ValueError(f"moments is {moments!r}; give 'auto', 'paths' or 'draws'")
        if law == "dressed" and moments == "paths":
            raise ValueError(
                "law 'dressed' is of each network's own kernel, which Pauli paths do not have; drop moments"
            )
        x, test = self._data(X), self._data(X_test)
        assert x is not None
        assert test is not None
        labels = _checked.labels(y, len(x))
        count = _checked.whole("draws", draws, 2, _checked.MOST_DRAWS)
        until = None if steps is None else _checked.whole("steps", steps, 0)
        rng = np.random.default_rng(_checked.whole("seed", seed, 0))
        return trained(self, x, labels, test, until, rate, fraction, loss, count, rng, law, moments)

    def _starts(self, seed: Any, theta: Any, seeds: Any) -> tuple[Array, list[int | None], bool]:
        """Initial angles, shape (runs, L), the seeds they come from, and whether one run was asked for."""
        if theta is not None:
            if seeds is not None:
                raise ValueError("seeds and theta were both given; theta are the initial angles themselves")
            values, single = _checked.angles(theta, len(self.parameters))
            return values, [None] * len(values), single
        first = _checked.whole("seed", seed, 0)
        if seeds is None:
            roots = [first]
        elif np.ndim(seeds) == 0:
            roots = list(range(first, first + _checked.whole("seeds", seeds, 1, 10_000)))
        else:
            roots = [_checked.whole("a seed", one, 0) for one in seeds]
        if not roots or len(set(roots)) < len(roots):
            raise ValueError("seeds are none, or one is there twice; give distinct ones")
        drawn = [np.random.default_rng(root).uniform(0, 2 * np.pi, len(self.parameters)) for root in roots]
        return np.array(drawn), list(roots), seeds is None

    def title(self) -> str:
        """Sizes and observable."""
        spec = ", ".join(o.spec for o in self.observables)
        return (
            f"Model: n = {self.circuit.num_qubits}, L = {len(self.parameters)} trainable parameters, "
            f"{len(self.inputs)} inputs, observable {spec}"
        )

    def notes(self) -> list[str]:
        """What was done to the circuit."""
        return list(self._remarks)

    def rows(self) -> list[dict[str, Any]]:
        """The parameters, trainable ones first."""
        told = [{"parameter": name, "is": "trainable"} for name in self.parameters]
        return told + [{"parameter": p.name, "is": "input"} for p in self.inputs]

    def to_dict(self) -> dict[str, Any]:
        """Names of parameters, inputs and observables."""
        names = {"inputs": [p.name for p in self.inputs], "observables": [o.spec for o in self.observables]}
        return {"qubits": self.circuit.num_qubits, "parameters": list(self.parameters)} | names

    def _data(self, X: Any) -> Array | None:
        if not self.inputs:
            if X is not None:
                raise ValueError("X is given to a model without inputs; name the parameters that are data with inputs=")
            return None
        if X is None:
            raise ValueError(f"the model has {len(self.inputs)} inputs; give X, shape (points, {len(self.inputs)})")
        return _checked.points(X, len(self.inputs))

    def _apply(self, name: str, theta: Any, X: Any) -> list[Array]:
        """The last of what each output's compiled model gives."""
        values, single = _checked.angles(theta, len(self.parameters))
        x = self._data(X)
        found = [getattr(model, name)(values, x) for model in self._models]
        parts = [one[-1] if isinstance(one, tuple) else one for one in found]
        return [one[0] if single else one for one in parts]

    def _stacked(self, parts: list[Array], behind: int) -> Array:
        """One array, with the axis of several outputs before the last ``behind`` axes."""
        return parts[0] if len(parts) == 1 else np.stack(parts, axis=-1 - behind)
