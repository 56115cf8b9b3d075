"""What theory foretells of a study's models without training them: where each one's mean kernel goes in depth.

An ansatz between encodings of data turns about the strings of both: data are fixed rotations, in general position. The
deep limit of the mean kernel a parameter follows from the orbits of the observable (``theory.circuits.orbit_law``), at
the study's number of qubits and at twice that number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qntk.inputs.operators import observable as read_observable
from qntk.sampling.learning.qnn import MODELS, Qnn, build
from qntk.theory.circuits.algebra import algebra_of
from qntk.theory.circuits.moves import Moves
from qntk.validation.attribution.forms import repeated_part
from qntk.validation.attribution.own_law import deep_limit


@dataclass(frozen=True)
class Foretold:
    """The deep limit of a model.

    Attributes:
        model, qubits: which, n.
        per_parameter: E K / L of one datum in depth, in units of the observable squared.
        strings: Pauli strings of the largest orbit.
        algebra: name of the dynamical Lie algebra, None where it is not known.
        doubled: ``per_parameter`` at 2n, None for a user's circuit.
    """

    model: str
    qubits: int
    per_parameter: float
    strings: int
    algebra: str | None
    doubled: float | None


def foretold(networks: Iterable[Qnn], observable: str) -> list[Foretold]:
    """One row a model, whatever its depths; those without a law are left out."""
    first: dict[str, Qnn] = {}
    for network in networks:
        first.setdefault(network.name, network)
    return [row for network in first.values() if (row := _row(network, observable))]


def _row(network: Qnn, observable: str) -> Foretold | None:
    qubits = int(network.circuit.num_qubits)
    try:
        limit = deep_limit(network.circuit, read_observable(observable, qubits), network.inputs)
    except ValueError:
        return None
    try:
        algebra = algebra_of(Moves.from_form(repeated_part(network.circuit, network.inputs)[1])).name
    except ValueError:
        algebra = None
    doubled = None
    if network.name in MODELS:
        features = 1 + max(feature for feature, _ in network.sources)
        larger = build(network.name, 2 * qubits, 1, features)
        try:
            found = deep_limit(larger.circuit, read_observable(observable, 2 * qubits), larger.inputs)
            doubled = found.value / larger.parameters
        except ValueError:
            doubled = None
    strings = max((orbit.size for orbit in limit.orbits), default=0)
    return Foretold(network.name, qubits, limit.value / network.parameters, strings, algebra, doubled)


def told(rows: Sequence[Foretold]) -> list[str]:
    """What that says of HVA against HEA, a sentence an encoding."""
    by_name = {row.model: row for row in rows}
    sentences = []
    for encoding in dict.fromkeys(row.model.partition("-")[0] for row in rows if row.model in MODELS):
        hva, hea = (by_name.get(f"{encoding}-{block}") for block in ("hva", "hea"))
        if not (hva and hea and hea.per_parameter):
            continue
        ratio, n = hva.per_parameter / hea.per_parameter, hva.qubits
        if abs(ratio - 1) < 1e-9:
            sentences.append(
                f"With the {encoding} encoding deep HVA and HEA have one mean kernel a parameter, "
                f"{hea.per_parameter:.3g} at n = {n} (HVA: {_named(hva)}): data break every "
                "symmetry that would tell them apart."
            )
            continue
        later = f", and {hva.doubled / hea.doubled:.3g} times at n = {2 * n}" if hva.doubled and hea.doubled else ""
        sentences.append(
            f"With the {encoding} encoding deep HVA ({_named(hva)}) has a mean kernel a parameter of "
            f"{hva.per_parameter:.3g}, HEA ({_named(hea)}) of {hea.per_parameter:.3g}: {ratio:.3g} times as "
            f"large at n = {n}{later}."
        )
    return sentences


def _named(row: Foretold) -> str:
    return f"{row.algebra or 'algebra not known'}, an orbit of {row.strings:,} strings"
