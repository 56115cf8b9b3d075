"""hypothesis strategies for tests of ansätze, laws and sweeps; needs hypothesis, which the package does not install.

Each shrinks to the plainest value of its kind: ``Z0``, one RY, Haar layers with one parameter, one grid with one cell,
one input at the origin. Sizes are small, so that dense matrices of 2^n can be the reference. Numbers of qubits are
plain integers; ``st.integers(1, 4).flatmap(observables)`` varies them.

>>> from hypothesis import find
>>> find(observables(2), lambda o: "Y" in o.spec).spec
'Y0'
"""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("qntk.validation.kit.strategies needs hypothesis; pip install hypothesis") from error

from qntk.inputs.observables import Observable, parse_observable
from qntk.sampling import CATALOGUE, Ensemble
from qntk.validation.judge.claims import Margins
from qntk.validation.kit.circuit_strategies import CircuitCase, circuits
from qntk.validation.sweep.cells import Cell
from qntk.validation.sweep.config import HAAR_LAYERS, SweepConfig
from qntk.validation.sweep.grid import Generator

__all__ = [
    "CircuitCase",
    "cells",
    "circuits",
    "datasets",
    "ensembles",
    "generators",
    "observables",
    "pauli_observables",
    "sweep_configs",
    "sweep_texts",
]

Dataset: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
_GRID = 16
"""Inputs and coefficients are multiples of 1/16: nothing is nearly equal, nothing nearly 0."""


def pauli_observables(qubits: int) -> st.SearchStrategy[Observable]:
    """One Pauli string other than the identity, with coefficient 1, as in ``Z0X2``.

    As all observables here it is read by ``parse_observable``: ``.spec`` is the text, ``.operator()`` the
    ``SparsePauliOp``, ``.terms`` labels and coefficients, ``OperatorMoments.of`` it what a law takes.
    """
    return _paulis(qubits).map(lambda spec: parse_observable(spec, qubits))


@st.composite
def observables(draw: st.DrawFn, qubits: int, projectors: bool = True) -> Observable:
    """Pauli strings, sums of up to 4 with coefficients in [-2, 2], the named models, and projectors of any rank.

    ``.operator()`` of a projector is a dense matrix; leave them out with ``projectors=False``.
    """
    pauli = draw(_paulis(qubits))  # of every kind, so that the plainest is the shortest
    kind = draw(st.sampled_from(["pauli", "sum", *["tfim", "xxz"] * (qubits > 1), *["projector"] * projectors]))
    spec = pauli
    if kind == "sum":
        more = draw(st.dictionaries(_paulis(qubits), _coefficients(), max_size=3))
        spec = "".join(f"{c:+}*{term}" for term, c in ({pauli: draw(_coefficients())} | more).items())
    elif kind == "projector":
        spec = f"projector:rank={draw(st.integers(1, 2**qubits - 1))}"
    elif kind != "pauli":
        field = f",h={draw(_coefficients())}" if kind == "tfim" else ""
        spec = f"{kind}:J={draw(_coefficients())}{field}{draw(st.sampled_from(['', ',periodic=true']))}"
    return parse_observable(spec, qubits)


def generators() -> st.SearchStrategy[Generator]:
    """``half-pauli`` for exp(-iθP/2), or ``pauli`` for exp(-iθP)."""
    return st.sampled_from(get_args(Generator))


def cells(qubits: int = 3, size: int = 6) -> st.SearchStrategy[Cell]:
    """An ensemble by name: Haar layers or an ansatz of the catalogue on up to ``qubits`` qubits, 2 at least.

    ``.build()`` is what ``sampling.sample`` draws from, ``.law()`` the law of Haar layers with its L, O and G. Haar
    layers have up to ``size`` parameters, an ansatz up to ``size`` layers. Some draw μ too, or K between two inputs.
    """

    def cell(grid: dict[str, Any], generator: Generator, seed: int) -> Cell:
        ensemble, n = grid["ensemble"], grid["qubits"][0]
        layers = grid.get("layers", [0])[0]
        return Cell(
            ensemble=ensemble,
            qubits=n,
            layers=layers,
            parameters=CATALOGUE[ensemble].parameters(n, layers) if layers else grid["parameters"][0],
            observable=grid["observable"][0],
            generator=generator,
            draws=grid.get("draws", 100),
            seed=seed,
            dqntk=grid.get("dqntk", False),
            overlap=grid.get("overlap"),
        )

    return st.builds(cell, _grids(qubits, size, 1), generators(), st.integers(0, 99))


def ensembles(qubits: int = 3, size: int = 6) -> st.SearchStrategy[Ensemble]:
    """What ``sampling.sample`` draws from: ``cells``, built."""
    return cells(qubits, size).map(Cell.build)


def sweep_texts(grids: int = 3, qubits: int = 3, size: int = 6) -> st.SearchStrategy[str]:
    """The TOML of a valid sweep of up to ``grids`` grids, no cell twice; ``sweep_configs`` for the parsed one."""
    return _documents(grids, qubits, size).map(_toml)


def sweep_configs(grids: int = 3, qubits: int = 3, size: int = 6) -> st.SearchStrategy[SweepConfig]:
    """A valid sweep: all keys of a grid in some example, up to 100 draws a cell, lists of up to 2."""
    return _documents(grids, qubits, size).map(SweepConfig.model_validate)


def datasets(points: int = 6, features: int = 2) -> st.SearchStrategy[Dataset]:
    """Inputs X, shape (n, d), and labels y, shape (n,), with n up to ``points`` and d up to ``features``.

    Inputs are multiples of 1/16 in [-π, π] and distinct; labels are multiples of 1/16 in [-1, 1].
    """
    reach = math.floor(math.pi * _GRID)

    def rows(width: int) -> st.SearchStrategy[Dataset]:
        inputs = st.tuples(*[st.integers(-reach, reach)] * width)
        labels = st.integers(-_GRID, _GRID)
        pairs = st.lists(st.tuples(inputs, labels), min_size=1, max_size=points, unique_by=lambda pair: pair[0])
        return pairs.map(lambda p: (np.array([x for x, _ in p]) / _GRID, np.array([y for _, y in p]) / _GRID))

    return st.integers(1, features).flatmap(rows)


def _paulis(qubits: int) -> st.SearchStrategy[str]:
    letters = st.dictionaries(st.integers(0, qubits - 1), st.sampled_from("ZXY"), min_size=1, max_size=qubits)
    return letters.map(lambda found: "".join(f"{found[q]}{q}" for q in sorted(found)))


def _coefficients() -> st.SearchStrategy[float]:
    """Plain numbers first; none of them 0."""
    plain = st.sampled_from([1.0, 0.5, 2.0, -1.0])
    return plain | st.integers(-2 * _GRID, 2 * _GRID).filter(bool).map(lambda k: k / _GRID)


@st.composite
def _grids(draw: st.DrawFn, qubits: int, size: int, most: int) -> dict[str, Any]:
    """One ``[[grid]]`` as a dictionary, with lists of up to ``most``. What is drawn is the same for every ensemble."""
    ensemble = draw(st.sampled_from([HAAR_LAYERS, *CATALOGUE]))

    def several(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=1, max_size=most, unique=True))

    counts = several(st.integers(2, max(qubits, 2)))
    specs = st.builds(lambda pauli, state: "projector:rank=1" if state else pauli, _paulis(min(counts)), st.booleans())
    grid: dict[str, Any] = {"ensemble": ensemble, "qubits": counts, "observable": several(specs)}
    grid["parameters" if ensemble == HAAR_LAYERS else "layers"] = several(st.integers(1, size))
    draws, power = draw(st.integers(8, 100)), draw(st.sampled_from([None, 0.5, 0.9]))
    grid |= {"draws": draws} if power is None else {"power": power, "most_draws": draws}
    extra = {
        "generator": draw(st.sampled_from([None, *get_args(Generator)])),
        "looks": draw(st.sampled_from([None, 1, 2, 3])),
        "dqntk": draw(st.sampled_from([None, False, True])),
        "overlap": draw(st.sampled_from([None, *(k / _GRID for k in range(_GRID))])),
    }
    if ensemble != HAAR_LAYERS or extra["dqntk"]:
        extra["overlap"] = None
    return grid | {key: value for key, value in extra.items() if value is not None}


def _documents(grids: int, qubits: int, size: int) -> st.SearchStrategy[dict[str, Any]]:
    """A sweep as a dictionary. Grids differ in their ensembles, so that no cell comes twice."""
    blocks = st.lists(
        _grids(qubits, size, 2),
        min_size=1,
        max_size=min(grids, 1 + len(CATALOGUE)),
        unique_by=lambda grid: grid["ensemble"],
    )
    margins = st.dictionaries(st.sampled_from([f.name for f in fields(Margins)]), st.sampled_from([0.05, 0.1, 0.2]))
    options: dict[str, st.SearchStrategy[Any]] = {
        "seed": st.integers(0, 99),
        "title": st.sampled_from([None, "", "a <b> & c"]),
        "family_error": st.sampled_from([None, 0.01, 0.05]),
        "generator": st.sampled_from([None, *get_args(Generator)]),
        "margin": margins.map(lambda found: found or None),
        "grid": blocks,
    }
    return st.fixed_dictionaries(options).map(lambda drawn: {k: v for k, v in drawn.items() if v is not None})


def _toml(document: dict[str, Any]) -> str:
    """Strings, numbers, booleans and lists of them are written as in JSON."""

    def lines(table: dict[str, Any]) -> list[str]:
        return [f"{key} = {json.dumps(value)}" for key, value in table.items() if key not in ("grid", "margin")]

    text = lines(document)
    if "margin" in document:
        text += ["", "[margin]", *lines(document["margin"])]
    for grid in document["grid"]:
        text += ["", "[[grid]]", *lines(grid)]
    return "\n".join(text) + "\n"
