"""``qntk.haar``, ``qntk.ansatz`` and ``qntk.sample``: draws of K."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qntk import _checked
from qntk._chain import chain_law
from qntk._result import Result
from qntk.inputs.operators import observable as read_observable
from qntk.sampling import CATALOGUE, CircuitEnsemble, Draws, HaarLayers, chunk_sizes
from qntk.sampling import ansatz as build
from qntk.sampling import sample as draw
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.sampling.haar.free_fermions import FermionLayers
from qntk.theory.circuits.free_fermions import FreeFermionLaw
from qntk.validation.judge.free_fermions import LAYERS
from qntk.validation.sweep.own_circuits import InputEnsemble


@dataclass(frozen=True, repr=False, eq=False)
class Sample(Result):
    """Independent draws of K, with what they are draws of.

    Attributes:
        draws: ``kernel``, ``output`` and, where asked for, ``dqntk``, each of shape (n,).
        ensemble: ``haar-layers``, or what the circuit is called.
        qubits, parameters: n and L, the trainable parameters alone.
        observable, generator: as named on the command line.
        seed: root of all randomness.
        remarks: what was done to the circuit before.
        parts: of several observables, the draws of each, at the same angles; K is the sum of theirs, the traced
            kernel of a model with several outputs, and ``output`` has shape (n, observables).
    """

    draws: Draws
    ensemble: str
    qubits: int
    parameters: int
    observable: str
    generator: str
    seed: int
    remarks: tuple[str, ...] = ()
    estimated: bool = False
    parts: tuple[Sample, ...] = ()

    def notes(self) -> list[str]:
        """What was done to the circuit before it was drawn, and where its gradients come from."""
        return list(self.remarks)

    @property
    def kernel(self) -> NDArray[np.float64]:
        """K, shape (n,)."""
        return self.draws.kernel

    @property
    def output(self) -> NDArray[np.float64]:
        """f, shape (n,)."""
        return self.draws.output

    @property
    def dqntk(self) -> NDArray[np.float64] | None:
        """μ, shape (n,), where it was asked for."""
        return self.draws.dqntk

    @property
    def _columns(self) -> dict[str, NDArray[np.float64]]:
        told = {"kernel": self.kernel, "output": self.output, "dqntk": self.dqntk}
        if self.parts:
            told = {"kernel": self.kernel}
            for name in ("kernel", "output", "dqntk"):
                told |= {f"{name} {part.observable}": getattr(part, name) for part in self.parts}
        return {name: values for name, values in told.items() if values is not None}

    def __len__(self) -> int:
        """Number of draws n."""
        return len(self.kernel)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """K, so that numpy's functions take a sample."""
        return np.array(self.kernel, dtype=dtype)

    def title(self) -> str:
        """What was drawn."""
        return (
            f"{len(self):,} draws of {self.ensemble}, n = {self.qubits}, L = {self.parameters}, observable "
            f"{self.observable}, seed {self.seed}"
        )

    def rows(self) -> list[dict[str, Any]]:
        """Mean, standard deviation and extremes of each column."""
        return [
            {
                "": name,
                "mean": float(values.mean()),
                "std": float(values.std(ddof=1)) if len(self) > 1 else None,
                "min": float(values.min()),
                "max": float(values.max()),
            }
            for name, values in self._columns.items()
        ]

    def to_frame(self) -> Any:
        """One row a draw."""
        import pandas as pd

        return pd.DataFrame(self._columns)

    def to_dict(self) -> dict[str, Any]:
        """What was drawn, and the draws as lists."""
        told = {name: getattr(self, name) for name in ("ensemble", "qubits", "parameters", "observable", "generator")}
        told |= {"seed": self.seed, "remarks": list(self.remarks), "estimated": self.estimated}
        return told | {name: values.tolist() for name, values in self._columns.items()}

    def plot(self, ax: Any = None) -> Any:
        """Histogram of K; returns the axes."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        axes.hist(self.kernel, bins=60, density=True, color="0.75")
        axes.set(xlabel="$K$", ylabel="density", title=self.title())
        return axes


def haar(
    qubits: int,
    parameters: int,
    observable: Any,
    generator: str = "half-pauli",
    draws: int = 10_000,
    seed: int = 20221114,
    dqntk: bool = False,
    workers: int | None = None,
) -> Sample:
    """Draws of K in Haar layers, the same as of ``sample("haar-layers", …)``, on any number of workers.

    Args:
        qubits, parameters: n and L.
        observable: in any spelling of ``qntk.observable``.
        generator: ``half-pauli``, exp(-iθP/2), or ``pauli``, exp(-iθP).
        draws, seed: how many, and the root of all randomness.
        dqntk: draw μ too.
        workers: threads, all cores by default.

    >>> haar(2, 4, "Z0", draws=100, seed=1).kernel.shape
    (100,)
    """
    n, L = _checked.whole("qubits", qubits, 1, 16), _checked.whole("parameters", parameters)
    count, root = _checked.draws_and_seed(draws, seed)
    target, convention = read_observable(observable, n), _checked.generator(generator)
    pauli = read_observable("Z0" if convention == "pauli" else "0.5*Z0", n)
    made = draw(
        HaarLayers(target.operator(), pauli.operator(), L, dqntk=dqntk), count, root, workers=_checked.workers(workers)
    )
    return Sample(made, "haar-layers", n, L, target.spec, convention, root)


def ansatz(name: str, qubits: int, layers: int, generator: str = "half-pauli", seed: int = 20221114) -> QuantumCircuit:
    """An ansatz of the catalogue; ``seed`` decides the fixed gates of those that have random ones.

    >>> ansatz("hea", 3, 2).num_parameters
    12
    """
    n, depth = _checked.whole("qubits", qubits), _checked.whole("layers", layers)
    rng = np.random.default_rng(_checked.whole("seed", seed, 0))
    return build(name, n, depth, _checked.generator(generator), rng)


def sample(
    circuit: Any,
    observable: Any,
    draws: int = 10_000,
    seed: int = 20221114,
    inputs: Any = None,
    x: Any = None,
    dqntk: bool = False,
    workers: int | None = None,
    layout: str | None = None,
    angles: Any = None,
    qubits: int | None = None,
    layers: int | None = None,
    parameters: int | None = None,
    generator: str | None = None,
    **options: Any,
) -> Sample:
    """Draws of K of an ensemble: a circuit at random angles, an ansatz of the catalogue, or Haar layers.

    The same bytes for a seed on any number of workers.

    Args:
        circuit: a ``QuantumCircuit``, or the file of one; a name of the catalogue, with ``qubits`` and ``layers``; or
            ``haar-layers``, ``ising-layers`` or ``matchgate-layers``, with ``qubits`` and ``parameters``.
        observable: in any spelling of ``qntk.observable``; a list of them for the traced kernel of several outputs.
        draws, seed: how many, and the root of all randomness.
        inputs: the parameters that are data, by name, vector or ``Parameter``: they are never part of K. A dict, or a
            text such as ``"x=uniform(-1,1)"``, says how their values are drawn: without, uniformly on [0, 2π).
        x: their values, shape (inputs,), in the order given, in place of random ones.
        dqntk: draw μ too.
        workers: threads, all cores by default.
        layout: of a transpiled circuit, which is read on its virtual qubits: ``apply`` it to an operator, or it was
            ``applied``; asked for only where the operator's width does not tell. Text means virtual qubits.
        angles: how the trainable parameters are drawn: ``uniform(low,high)``, ``normal(mean,std)``,
            ``beta(a,b,low,high)``, a function of a generator and a shape, or ``identity-blocks``, U(θ)U(θ')† at
            θ' = θ; uniform on [0, 2π) by default.
        qubits, layers, parameters, generator: of an ensemble that is named; the generator is ``half-pauli`` or
            ``pauli``, as for ``haar`` and ``ansatz``. The seed decides the fixed gates that an ansatz draws at random.
        options: of ``qntk.sampling.CircuitEnsemble``: ``gradients``, any estimator of Qiskit's
            (``BaseEstimatorV2``), with ``shots`` or ``precision``; ``engine="aer"`` with ``shots`` and ``noise_model``.
            K from shots is unbiased, and may be negative. An estimator's noise is its own, not of ``seed``.

    >>> sample(ansatz("hea", 2, 2), "Z0", draws=50, seed=1).parameters
    8
    >>> sample("hea", "Z0", draws=50, seed=1, qubits=2, layers=2).parameters
    8
    >>> sample("haar-layers", "Z0", draws=50, seed=1, qubits=2, parameters=8).parameters
    8
    """
    wide, deep, long = {"qubits": qubits}, {"layers": layers}, {"parameters": parameters}
    convention = generator or "half-pauli"
    if isinstance(circuit, str) and circuit in ("haar-layers", *LAYERS):
        of_circuits = {"inputs": inputs, "x": x, "layout": layout, "angles": angles} | deep | options
        wanted = _checked.sizes(circuit, wide | long, of_circuits)
        if _checked.several(observable):
            raise ValueError(f"{circuit} are drawn with one observable at a time; give one")
        if circuit in LAYERS:
            if dqntk:
                raise ValueError(f"{circuit} are drawn without the dQNTK; leave dqntk out")
            return _of_fermions(circuit, wanted, observable, convention, draws, seed, workers)
        return haar(wanted[0], wanted[1], observable, convention, draws, seed, dqntk, workers)
    called = circuit if isinstance(circuit, str) and circuit in CATALOGUE else None
    if called:
        wanted = _checked.sizes(circuit, wide | deep, long)
        circuit = ansatz(circuit, wanted[0], wanted[1], convention, seed)
    elif isinstance(circuit, str) and not Path(circuit).suffix:
        known_ones = ", ".join(("haar-layers", *LAYERS, *CATALOGUE))
        raise ValueError(f"{circuit!r} is neither the file of a circuit nor one of {known_ones}")
    elif any(value is not None for value in (qubits, layers, parameters, generator)):
        _checked.sizes("a circuit of one's own", {}, wide | deep | long | {"generator": generator})
    known = ("gradients", "shots", "precision", "engine", "noise_model")
    _checked.options("qntk.sample", options, known)
    if _checked.several(observable):
        settings = {"inputs": inputs, "x": x, "dqntk": dqntk, "workers": workers, "layout": layout, "angles": angles}
        parts = [sample(circuit, one, draws, seed, **settings, **options) for one in observable]
        name = called or parts[0].ensemble
        return _traced([replace(part, ensemble=name, generator=convention) for part in parts])
    taken = _checked.circuit(circuit)
    chosen = taken.circuit
    count, root = _checked.draws_and_seed(draws, seed)
    names = _checked.input_names(chosen, inputs)
    target = read_observable(taken.observable(observable, layout), chosen.num_qubits)
    if x is not None and not names:
        raise ValueError("x is given, and no inputs that it would be the values of; name them with inputs=")
    if x is not None:
        values, data = _checked.numbers("x", x).ravel(), _checked.inputs(chosen, inputs)
        if len(values) != len(data):
            raise ValueError(f"x has {len(values)} values for {len(data)} inputs; one draw is of one datum")
        chosen, names = chosen.assign_parameters(dict(zip(data, values, strict=True))), []
    random = RandomCircuit.read(chosen, names, angles)
    if random.inputs or random.angles.mirror:
        if dqntk or options:
            raise ValueError(f"{', '.join(options) or 'dqntk'} with random inputs is not drawn; give the inputs as x")
        ensemble: Any = InputEnsemble(random, target.operator())
    else:
        ensemble = CircuitEnsemble(chosen, target.operator(), random.angles.weights, dqntk=dqntk, **options)
    source = getattr(ensemble, "source", None)
    remarks = list(taken.notes)
    if source is not None:
        if source.repeats and len(chunk_sizes(count, ensemble.parameters, ensemble.dimension)) > 1:
            raise ValueError(source.repeats)
        workers = 1  # an estimator is asked for one thing at a time
        remarks.append(source.describe())
    made = draw(ensemble, count, root, workers=_checked.workers(workers))
    estimated = source is not None and source.estimated
    given = chosen.name and not chosen.name.startswith("circuit-")
    name = called or (chosen.name if given else "a circuit")
    cell = (chosen.num_qubits, ensemble.parameters, target.spec, convention, root)
    return Sample(made, name, *cell, tuple(remarks), estimated)


def _of_fermions(
    name: str, sizes: Any, spec: Any, generator: str, draws: int, seed: int, workers: int | None
) -> Sample:
    """Draws of layers of free fermions; the law says which observables there are, and of what length."""
    law = chain_law(name, sizes[0], sizes[1], spec, generator)
    kind: Literal["linear", "quadratic"] = "linear" if isinstance(law.law, FreeFermionLaw) else "quadratic"
    count, root = _checked.draws_and_seed(draws, seed)
    layers = FermionLayers(law.qubits, law.parameters, kind, law.law.coefficient)
    made = draw(layers, count, root, workers=_checked.workers(workers))
    return Sample(made, name, law.qubits, law.parameters, law.observable.spec, law.generator, root)


def _traced(parts: list[Sample]) -> Sample:
    """The sum of kernels at the same angles: one seed draws the same ones for every observable."""
    first = parts[0]
    kernel = np.sum([part.kernel for part in parts], axis=0)
    output = np.stack([part.output for part in parts], axis=1)
    names = ", ".join(part.observable for part in parts)
    return replace(first, draws=Draws(kernel, output), observable=names, parts=tuple(parts))
