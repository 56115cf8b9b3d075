"""``qntk.predict_circuit``: the laws of a given circuit."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from qntk import _checked
from qntk._result import Result
from qntk.inputs.operators import observable as read_observable
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.validation.attribution.falls import fall_of, family_of
from qntk.validation.attribution.law_page import law_document, law_sentences, law_text, own_part
from qntk.validation.attribution.own_law import MOST_PATHS, TOLERANCE, OwnLaw, noise_part
from qntk.validation.attribution.own_law import own_law as find

_NOT_UNIFORM = "the exact mean is over data that are uniform on the circle: draw K (qntk.sample)"


@dataclass(frozen=True, repr=False, eq=False)
class CircuitLaw(Result):
    """What is known of a circuit's mean kernel without a draw; ``print(law.text)`` is what the command prints.

    Attributes:
        law: the numbers: ``.orbit``, the deep limit, with ``.gradients`` by parameter; ``.exact``; ``.depth``;
            ``.haar``; each None where there is none, and then ``.reasons`` says why.
        document: what the command prints with ``--json``.
    """

    law: OwnLaw
    document: dict[str, Any] = field(repr=False)

    @property
    def text(self) -> str:
        """As ``qntk predict --circuit`` prints it."""
        return law_text(self.document)

    def title(self) -> str:
        """What it is a law of."""
        return self.text.partition("\n")[0]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each mean."""
        mean, haar = self.document["mean"], self.document["haar"]
        found = [
            {"law": "at this depth, exact", "mean": mean.get("noiseless", mean["exact"])},
            {"law": "deep limit, orbits", "mean": mean["orbit"]},
        ]
        if "noise" in self.document:
            found.insert(1, {"law": f"the same with {self.document['noise']['spec']}", "mean": mean["exact"]})
        return [*found, {"law": f"Haar layers, {haar['group']}", "mean": haar["mean"]}] if haar else found

    def notes(self) -> list[str]:
        """Whether and where the circuit reaches its own law, and whether that is Haar's."""
        return [*self.document["remarks"], *law_sentences(own_part(self.document))]

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of the command."""
        return self.document


def predict_circuit(
    circuit: Any,
    observable: Any,
    inputs: Any = None,
    tolerance: float = TOLERANCE,
    most_strings: int = MOST_PATHS,
    layout: str | None = None,
    noise: Any = None,
) -> CircuitLaw:
    """The laws of a given circuit of Pauli rotations and Clifford gates, angles uniform: no draw is made.

    Args:
        circuit: a ``QuantumCircuit``, or the file of one; each parameter in one rotation.
        observable: in any spelling of ``qntk.observable`` that is a sum of Pauli strings.
        inputs: the parameters that are data, as for ``qntk.sample``; how they are drawn does not matter in depth.
        tolerance: relative difference between the mean and the deep limit that counts as reached.
        most_strings: Pauli strings to follow for the exact mean.
        layout: of a transpiled circuit, as for ``qntk.sample``.
        noise: ``depolarizing=p``, ``dephasing=p``, ``bit-flip=p``, or several with commas, on each qubit of a gate,
            after it: ``document["mean"]["exact"]`` is then under noise, and ``document["noise"]`` has the decay. Or an
            Aer ``NoiseModel`` of Pauli errors, by the names of the circuit's gates, its ``to_dict()``, or a JSON file
            of that; others are refused.

    Single-qubit Clifford gates at the very beginning prepare the input; all that follows is what is repeated, with
    fresh angles, on the way to the deep limit. Parameters keep the slopes that the circuit gives them.

    Raises ``ValueError`` where neither the mean nor the deep limit is known.

    >>> import qntk
    >>> law = qntk.predict_circuit(qntk.ansatz("hva", 4, 1), "Z0")
    >>> round(law.document["mean"]["orbit"], 6), law.document["haar"]["limit"], law.document["depth"]
    (0.25, False, 250)
    """
    taken = _checked.circuit(circuit)
    chosen = taken.circuit
    target = read_observable(taken.observable(observable, layout), chosen.num_qubits)
    if not (isinstance(tolerance, int | float) and 0 < tolerance < 1):
        raise ValueError(f"tolerance is {tolerance!r}; give a number between 0 and 1, such as 0.01")
    random = RandomCircuit.read(chosen, _checked.input_names(chosen, inputs))
    data, most = random.inputs, _checked.whole("most_strings", most_strings)
    law = find(chosen, target, data, tolerance, most)
    if not random.angles.uniform:
        law = replace(law, exact=None, reasons=law.reasons | {"exact": _NOT_UNIFORM})
    if law.orbit is None and law.exact is None:
        raise ValueError(law.reasons["orbit"])
    name = Path(circuit).name if isinstance(circuit, str | os.PathLike) else None
    document = law_document(law, chosen, target, name)
    family = family_of(chosen) if not inputs else None
    document |= {"ansatz": family, "fall": None, "exponent": None, "remarks": taken.notes}
    if family and law.orbit:
        found = fall_of(family, target)
        document["fall"] = asdict(found) if found else None
        document["exponent"] = found.n if found and found.D == 0 else None
    if noise is not None:
        if not (isinstance(noise, str | os.PathLike | dict) or hasattr(noise, "to_dict")):
            raise TypeError(
                f"noise is a {type(noise).__name__}; give text such as depolarizing=0.01, or an Aer NoiseModel"
            )
        noise = os.fspath(noise) if isinstance(noise, os.PathLike) else noise
        if not random.angles.uniform:
            raise ValueError(_NOT_UNIFORM)
        found_with = noise_part(chosen, target, data, noise, most)
        document["mean"] |= {"exact": found_with.pop("mean"), "noiseless": law.exact}
        document["noise"] = found_with
    return CircuitLaw(law, document)
