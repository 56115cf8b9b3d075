"""Validates the theory of the quantum neural tangent kernel against Monte Carlo, with stated error rates.

    import qntk

    law = qntk.law(3, 40, "Z0")                       # closed forms of Haar layers
    draws = qntk.sample(circuit, "Z0", draws=20_000, seed=1)
    qntk.compare(draws, law)                          # verdicts, with an error rate
    qntk.check(circuit, "Z0")                         # is this ansatz random enough, and why not
    qntk.predict_circuit(circuit, "Z0")               # its own law: exact mean, deep limit, depth that reaches it
    qntk.Model(circuit, "Z0", inputs="x")             # a model of data: kernels, diagnosis, training

The packages behind it are ``qntk.theory``, ``qntk.sampling`` and ``qntk.validation``. Nothing is imported before it is
used.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if os.name == "nt":
    raise ImportError("qntk does not run on Windows; use it in WSL, the Windows Subsystem for Linux, or in a container")

_HOME = {
    "Law": "_law",
    "law": "_law",
    "Sample": "_draws",
    "ansatz": "_draws",
    "haar": "_draws",
    "sample": "_draws",
    "Comparison": "_verdicts",
    "Check": "_verdicts",
    "check": "_verdicts",
    "compare": "_verdicts",
    "compare_trained": "_trained",
    "Diagnosis": "_diagnosis",
    "Model": "_model",
    "CircuitLaw": "_predict",
    "predict_circuit": "_predict",
    "exact_mean": "_circuits",
    "observable": "_circuits",
    "calibrate": "_runs",
    "diagnose": "_runs",
    "plan": "_runs",
    "report": "_runs",
    "status": "_runs",
    "sweep": "_runs",
    "flow": "theory.training.riccati",
    "flow_one": "theory.training.one_datum",
}
"""In which module each public name is."""
_ROOMS = ("inputs", "sampling", "theory", "validation")

__all__ = [
    "Check",
    "CircuitLaw",
    "Comparison",
    "Diagnosis",
    "Law",
    "Model",
    "Sample",
    "ansatz",
    "calibrate",
    "check",
    "compare",
    "compare_trained",
    "diagnose",
    "exact_mean",
    "flow",
    "flow_one",
    "haar",
    "law",
    "observable",
    "plan",
    "predict_circuit",
    "report",
    "sample",
    "status",
    "sweep",
]

if TYPE_CHECKING:
    from qntk._circuits import exact_mean, observable
    from qntk._diagnosis import Diagnosis
    from qntk._draws import Sample, ansatz, haar, sample
    from qntk._law import Law, law
    from qntk._model import Model
    from qntk._predict import CircuitLaw, predict_circuit
    from qntk._runs import calibrate, diagnose, plan, report, status, sweep
    from qntk._trained import compare_trained
    from qntk._verdicts import Check, Comparison, check, compare
    from qntk.theory.training.one_datum import flow_one
    from qntk.theory.training.riccati import flow


def __getattr__(name: str) -> Any:
    """A public name or a room, imported when it is first asked for."""
    if name in _HOME:
        from qntk._floating import as_numpy_comes

        module = importlib.import_module(f"qntk.{_HOME[name]}")
        value = getattr(module, name)
        if not isinstance(value, type):
            value = as_numpy_comes(value)
            setattr(module, name, value)  # the same object from both, which pickling asks for
        globals()[name] = value
        return value
    if name in _ROOMS:
        return importlib.import_module(f"qntk.{name}")
    raise AttributeError(f"module 'qntk' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names and the rooms."""
    return sorted({*globals(), *_HOME, *_ROOMS})
