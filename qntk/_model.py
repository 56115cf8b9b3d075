"""``qntk.Model``: a circuit with data, its kernels, and its diagnosis before and after training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ParameterVector

from qntk import _checked
from qntk._diagnosis import Diagnosis
from qntk._result import Result
from qntk.inputs.operators import observable as read_observable
from qntk.sampling import CircuitModel

Array = NDArray[np.float64]


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
        self._models = tuple(
            CircuitModel(self.circuit, one.operator(), self.inputs, workers) for one in self.observables
        )

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

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the trainable parameters, in the order of θ."""
        return self._names

    @property
    def model(self) -> CircuitModel:
        """The compiled model of the one output; ``ValueError`` for several."""
        if len(self._models) > 1:
            raise ValueError(f"this model has {len(self._models)} outputs; take one observable for that")
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
        rate: float | None = None,
        fraction: float = 0.5,
        loss: str = "half-sum",
        seed: int = 20221114,
        theta: Any = None,
    ) -> Diagnosis:
        """What the kernel at initialisation says of training on (X, y).

        Args:
            X: data, shape (points, inputs).
            y: labels, shape (points,).
            train: which points are trained on, a boolean mask or indices; all by default.
            rate: learning rate η; ``fraction`` of the critical one by default.
            fraction: of 2/λ_max.
            loss: ``half-sum`` ½Σε², ``half-mean`` Σε²/(2M), ``sum`` Σε² or ``mean`` Σε²/M.
            seed: of the initial angles, uniform on [0, 2π).
            theta: initial angles, shape (L,), in place of random ones.
        """
        if not self.inputs:
            raise ValueError("the model has no inputs; name the parameters that are data with inputs=")
        model = self.model
        x = self._data(X)
        assert x is not None
        labels = _checked.labels(y, len(x))
        mask = _checked.mask(train, len(x))
        if theta is None:
            start = np.random.default_rng(_checked.whole("seed", seed, 0)).uniform(0, 2 * np.pi, len(self.parameters))
        else:
            start = _checked.angles(theta, len(self.parameters))[0][0]
        return Diagnosis.of(model, self.observables[0], x, labels, mask, start, rate, fraction, loss)

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
