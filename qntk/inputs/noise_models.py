"""Aer's noise models as data: the dictionary of ``NoiseModel.to_dict()``, from Python or from a file of JSON.

A file is what ``json.dump(model.to_dict(), file, default=str)`` writes. What an error does is not judged here, only
that it is one: a mixture of short circuits with probabilities that add up to 1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qntk.inputs.messages import shown

_MOST_BYTES = 2**26
_SHAPE = "write it with json.dump(model.to_dict(), file, default=str)"

Step = tuple[str, tuple[int, ...], tuple[Any, ...]]
"""Name, qubits and parameters of one operation of an error."""


@dataclass(frozen=True)
class GateError:
    """What follows the gates of some names.

    Attributes:
        operations: names of gates.
        places: qubits of the gates that it is for; None for all.
        mixture: probabilities and what is done with each, on the gate's own qubits 0, 1, …
        readout: whether it is of readings, and not of gates; there is no mixture then.
    """

    operations: tuple[str, ...]
    places: tuple[tuple[int, ...], ...] | None
    mixture: tuple[tuple[float, tuple[Step, ...]], ...]
    readout: bool = False


def is_file_of_noise(text: str) -> bool:
    """Whether this text names a file, and is no channel such as ``depolarizing=0.01``."""
    return text.endswith(".json") or ("=" not in text and Path(text).is_file())


def gate_errors(given: Any) -> tuple[GateError, ...]:
    """The errors of a noise model: a path, a dictionary, or anything with ``to_dict()``.

    Raises ``ValueError`` for a file that cannot be read, and for what is no noise model.
    """
    document = _from_file(Path(given)) if isinstance(given, str | Path) else given
    document = document.to_dict() if hasattr(document, "to_dict") else document
    name = f"noise model {shown(given)}" if isinstance(given, str | Path) else "the noise model"
    errors = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(errors, list | tuple):
        raise ValueError(f"{name} has no list 'errors': {_SHAPE}")
    found = []
    for place, error in enumerate(errors):
        try:
            found.append(_error(error))
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
            raise ValueError(f"{name}: errors[{place}] is none of a NoiseModel: {_SHAPE}") from None
    return tuple(found)


def _from_file(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"noise model {shown(path)} is larger than {_MOST_BYTES >> 20} MiB")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"noise model {shown(path)} cannot be read: {error.strerror or error}") from error
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"noise model {shown(path)} is no JSON: {_SHAPE}") from error


def _error(error: dict[str, Any]) -> GateError:
    operations = tuple(_text(name) for name in error["operations"])
    places = error.get("gate_qubits")
    at = None if places is None else tuple(tuple(_qubit(q) for q in place) for place in places)
    if error["type"] == "roerror":
        return GateError(operations, at, (), readout=True)
    if error["type"] != "qerror" or len(error["instructions"]) != len(error["probabilities"]):
        raise ValueError
    chances = [float(p) for p in error["probabilities"]]
    if not all(p >= 0 for p in chances) or not abs(sum(chances) - 1) < 1e-6:
        raise ValueError
    circuits = [tuple(_step(step) for step in steps) for steps in error["instructions"]]
    return GateError(operations, at, tuple(zip(chances, circuits, strict=True)))


def _step(step: dict[str, Any]) -> Step:
    qubits = tuple(_qubit(q) for q in step["qubits"])
    name, parameters = _text(step["name"]), tuple(step.get("params", ()))
    if name == "pauli" and (len(parameters[0]) != len(qubits) or set(_text(parameters[0])) - set("IXYZ")):
        raise ValueError
    return name, qubits, parameters


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _qubit(value: Any) -> int:
    number = int(value)
    if isinstance(value, str | bool) or number != value or not 0 <= number < 1000:
        raise ValueError
    return number
