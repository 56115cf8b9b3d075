"""Arguments as users give them, checked in one place: each mistake is one line that says what was meant."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qntk.inputs.circuits import Entered

MOST_DRAWS = 10**9
GENERATORS = ("half-pauli", "pauli")


def whole(name: str, value: Any, least: int = 1, most: int | None = None, hint: str = "") -> int:
    """A whole number in a range, of any integer type; not a boolean, nor a number with a fraction."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {value!r}; give a whole number")
    try:
        number = operator.index(value)
    except TypeError:
        if isinstance(value, float) and value.is_integer():
            number = int(value)
        else:
            raise TypeError(f"{name} is {value!r}; give a whole number{hint}") from None
    if number < least or (most is not None and number > most):
        span = f"from {least} to {most:,}" if most is not None else f"of {least} or more"
        raise ValueError(f"{name} is {number:,}; give a whole number {span}{hint}")
    return number


def workers(value: Any) -> int | None:
    """A number of threads or processes; None for all cores."""
    return None if value is None else whole("workers", value, 1, 10_000)


def draws_and_seed(draws: Any, seed: Any) -> tuple[int, int]:
    """Number of draws and root seed, which are easily swapped."""
    hint = " (were draws and seed swapped?)"
    return whole("draws", draws, 1, MOST_DRAWS, hint), whole("seed", seed, 0)


def options(function: str, given: Any, known: tuple[str, ...]) -> None:
    """Keywords that are passed on: an unknown one is told as Python would, with the function that the user called."""
    for name in given:
        if name not in known:
            raise TypeError(f"{function}() has no keyword {name!r}; its further ones are {', '.join(known)}")


def several(observable: Any) -> bool:
    """Whether a list of observables is given, more than one, and no matrix."""
    from qntk.inputs.operators import is_matrix

    return isinstance(observable, list | tuple) and len(observable) > 1 and not is_matrix(observable)


def generator(value: Any) -> str:
    """The convention of the rotations."""
    if value not in GENERATORS:
        raise ValueError(f"generator {value!r} is unknown; give 'half-pauli', exp(-iθP/2), or 'pauli', exp(-iθP)")
    return str(value)


def regime(value: Any) -> str:
    """A regime's name, in small letters."""
    from qntk.theory import REGIMES

    if value not in REGIMES:
        meant = f"; {str(value).lower()!r} is meant?" if str(value).lower() in REGIMES else ""
        raise ValueError(f"regime {value!r} is unknown; choose {', '.join(REGIMES)}{meant}")
    return str(value)


def sizes(what: str, wanted: Mapping[str, Any], foreign: Mapping[str, Any]) -> tuple[int, ...]:
    """The sizes of a named ensemble, all of them given, and nothing that it does not have."""
    for name, value in foreign.items():
        if value is not None:
            raise TypeError(f"{what} has no {name}; {'it takes ' + ' and '.join(wanted) if wanted else 'leave it out'}")
    for name, value in wanted.items():
        if value is None:
            raise TypeError(f"{what} needs {' and '.join(wanted)}; {name} is missing")
    return tuple(whole(name, value) for name, value in wanted.items())


def circuit(value: Any) -> Entered:
    """A circuit, or the file of one, taken in."""
    from qiskit.circuit import QuantumCircuit

    from qntk.inputs.circuit_files import load_circuit
    from qntk.inputs.circuits import entered

    if isinstance(value, str | os.PathLike):
        return entered(load_circuit(Path(value).expanduser()))
    if callable(value) and not isinstance(value, QuantumCircuit):
        raise TypeError("a function was given where a circuit is meant; call it")
    if not isinstance(value, QuantumCircuit):
        raise TypeError(
            f"a {type(value).__name__} is no circuit; give a QuantumCircuit, or the path of a QPY or OpenQASM file"
        )
    if not value.parameters:
        raise ValueError("the circuit has no free parameters; a tangent kernel needs at least one")
    return entered(value)


def input_names(circuit: Any, given: Any) -> list[Any]:
    """The parameters that are data, as text or ``Parameter``: from names, names of vectors, ``Parameter``s,
    ``ParameterVector``s, one of these, or a dict with how their values are drawn."""
    from qiskit.circuit import Parameter, ParameterVector

    if given is None:
        return []
    if isinstance(given, Mapping):
        given = [f"{one if isinstance(one, str) else one.name}={distribution}" for one, distribution in given.items()]
    if isinstance(given, str | Parameter | ParameterVector):
        given = [given]
    names: list[Any] = []
    for one in given:
        names += list(one) if isinstance(one, ParameterVector) else [one]
    for one in names:
        if not isinstance(one, Parameter | str):
            raise TypeError(f"an input is {one!r}; give names of parameters, or the parameters")
        if isinstance(one, Parameter) and one not in circuit.parameters:
            raise ValueError(f"the circuit has no parameter {one.name!r}; inputs are parameters of it")
    return names


def inputs(circuit: Any, given: Any) -> list[Any]:
    """The parameters that are data, in the order given."""
    from qntk.inputs.circuits import input_parameters

    found: list[Any] = []
    for one in input_names(circuit, given):
        found += input_parameters(circuit, [one]) if isinstance(one, str) else [one]
    if len(set(found)) < len(found):
        raise ValueError("inputs name a parameter twice")
    if len(found) == circuit.num_parameters:
        raise ValueError("all parameters are inputs; a tangent kernel needs a trainable one")
    return found


def weights(circuit: Any, given: Any, trainable: list[Any]) -> list[Any]:
    """The trainable parameters in an order of one's own, named as inputs are."""
    found: list[Any] = []
    for one in input_names(circuit, given):
        found += [p for p in trainable if p == one or one in (p.name, p.name.partition("[")[0])]
    if len(found) != len(trainable) or set(found) != set(trainable):
        raise ValueError(
            f"weights are {len(found)} of the {len(trainable)} trainable parameters; give each of them once"
        )
    return found


def points(x: Any, features: int, name: str = "X") -> NDArray[np.float64]:
    """Data of shape (points, features), from an array, a frame or a Series; a column stands for one feature."""
    array = numbers(name, x)
    if array.ndim == 1 and features == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != features:
        raise ValueError(f"{name} has shape {array.shape}; give (points, {features}), a column for each input")
    return array


def labels(y: Any, count: int) -> NDArray[np.float64]:
    """Labels of shape (points,), from an array, a list, a Series or a column."""
    array = numbers("y", y)
    if array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    if array.shape != (count,):
        raise ValueError(f"y has shape {array.shape} for {count} points; give one label a point")
    return array


def mask(train: Any, count: int) -> NDArray[np.bool_]:
    """Which points are trained on: a boolean mask, 0s and 1s as many as points, or distinct indices; all by default."""
    if train is None:
        return np.ones(count, dtype=bool)
    array = np.asarray(train)
    if array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    if array.dtype == bool or (array.shape == (count,) and np.isin(array, (0, 1)).all()):
        chosen = array.astype(bool)
        if chosen.shape != (count,):
            raise ValueError(f"train has shape {chosen.shape} for {count} points; give one True or False a point")
    elif array.ndim == 1 and np.issubdtype(array.dtype, np.integer):
        if len(set(array.tolist())) < len(array) or array.min(initial=0) < -count or array.max(initial=0) >= count:
            raise ValueError(f"train is neither a mask of {count} points nor distinct indices of them")
        chosen = np.zeros(count, dtype=bool)
        chosen[array] = True
    else:
        raise TypeError(f"train is {train!r}; give a boolean mask, or the indices of the training points")
    if not chosen.any():
        raise ValueError("no point is trained on; train is False everywhere")
    return np.asarray(chosen)


def angles(theta: Any, parameters: int) -> tuple[NDArray[np.float64], bool]:
    """θ of shape (draws, L), and whether a single one of shape (L,) was given."""
    array = numbers("θ", theta)
    single = array.ndim == 1
    if single:
        array = array[None]
    if array.ndim != 2 or array.shape[1] != parameters:
        raise ValueError(
            f"θ has shape {np.shape(theta)}; give ({parameters},) or (draws, {parameters}): the trainable parameters "
            "alone, data are given as X"
        )
    return array, single


def numbers(name: str, value: Any) -> NDArray[np.float64]:
    """An array of finite real numbers, none of them masked."""
    if np.ma.is_masked(value):
        raise ValueError(f"some of {name} is masked; give an array without")
    array = np.asarray(value)
    if array.dtype.kind in "US":
        raise TypeError(f"{name} is text; give numbers")
    if np.iscomplexobj(array):
        raise TypeError(f"{name} is complex; give real numbers")
    try:
        array = array.astype(float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is no array of numbers") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a value that is not finite")
    return np.asarray(array)


def path(value: Any, name: str = "directory") -> Path:
    """A path, with ``~`` for the home directory."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is a {type(value).__name__}; give a path")
    return Path(value).expanduser()
