"""The law of a circuit of its own: where its mean goes in depth, whether it is there, and which Haar group is nearest.

State preparations, and leading gates on single qubits that are Clifford gates, prepare the input: they are done once,
and what follows is what is repeated with fresh angles. Data are held at values in general position for the deep limit,
which does not depend on them, and are uniform like the parameters for the exact mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.exceptions import CircuitError
from qiskit.quantum_info import Operator, SparsePauliOp

from qntk.inputs.circuits import split_preparation
from qntk.inputs.normal_form import Angle, Fixed, NormalForm, Rotation
from qntk.inputs.observables import Observable
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.algebra import Algebra, algebra_of
from qntk.theory.circuits.haar_limit import HaarLimit, haar_limit
from qntk.theory.circuits.meeting import meeting
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.orbit_law import OrbitMean, orbit_mean
from qntk.theory.circuits.path_families import input_state
from qntk.theory.circuits.pauli_paths import exact_mean
from qntk.validation import SCHEMA_VERSION

TOLERANCE = 0.01
"""Relative difference between a mean and the orbit law that counts as reached."""
MOST_PATHS = 2**22
"""Pauli strings to follow for the exact mean, a second or two."""
MATRIX_QUBITS = 6
"""Of a projector or a matrix that is still taken as a sum of Pauli strings."""


@dataclass(frozen=True)
class OwnLaw:
    """What is known of a circuit's mean without a draw.

    Attributes:
        parameters: trainable ones, L.
        orbit: the deep limit; None where there is none.
        exact: E K at this depth; None where Pauli paths do not reach.
        depth: number of repetitions from which on E K is within the tolerance of the law; None where not known.
        tolerance: relative difference that counts as reached.
        haar: the nearest Haar group; None where there is none.
        algebra: the dynamical Lie algebra; None where it is not known, or not asked for.
        reasons: why any of these is None, a line each.
    """

    parameters: int
    orbit: OrbitMean | None
    exact: float | None
    depth: int | None
    tolerance: float
    haar: HaarLimit | None
    algebra: Algebra | None
    reasons: dict[str, str]

    @classmethod
    def none(cls, parameters: int, tolerance: float, why: str) -> OwnLaw:
        """Nothing is known, for one reason."""
        return cls(
            parameters, None, None, None, tolerance, None, None, dict.fromkeys(("orbit", "exact", "depth", "haar"), why)
        )

    @property
    def is_haar(self) -> bool | None:
        """Whether the deep limit is that of the Haar group; None where either is not known."""
        return None if self.orbit is None or self.haar is None else self.haar.filled_by(self.orbit.orbits)

    @property
    def name(self) -> str | None:
        """``unitary``, ``orthogonal`` or ``symplectic`` where the deep limit is Haar, else ``orbit``."""
        if self.orbit is None:
            return None
        return self.haar.group if self.is_haar and self.haar else "orbit"

    @property
    def reached(self) -> bool | None:
        """Whether E K at this depth is within the tolerance of the law; None where either is not known."""
        if self.orbit is None or self.exact is None:
            return None
        return abs(self.exact - self.orbit.value) <= self.tolerance * self.orbit.value + 1e-12


def own_law(
    circuit: QuantumCircuit,
    observable: Observable,
    inputs: Sequence[Parameter] = (),
    tolerance: float = TOLERANCE,
    most_strings: int = MOST_PATHS,
    quick: bool = False,
) -> OwnLaw:
    """The circuit's own law for an observable that is a sum of Pauli strings.

    ``quick`` leaves the algebra out, and looks for the depth only on orbits that take a second or two, about seven
    qubits where they are full.

    Raises ``ValueError`` only for circuits that cannot be read; what has no law has a reason.
    """
    form = read_circuit(circuit, inputs)
    terms = _terms(observable)
    reasons: dict[str, str] = {}

    def attempt(what: str, function: Any, *arguments: Any, **options: Any) -> Any:
        try:
            if not terms:
                raise ValueError(f"observable {observable.spec!r} is no sum of Pauli strings: draw K (qntk.sample)")
            return function(*arguments, **options)
        except ValueError as error:
            reasons[what] = str(error)
            return None

    exact = attempt("exact", _exact, form, terms, most_strings)
    if exact is None and "most_strings" in reasons["exact"]:
        reasons["exact"] = f"more than {most_strings:,} Pauli strings: allow more, or draw K (qntk.sample)"
    parts = attempt("orbit", repeated_part, circuit, inputs)
    moves = attempt("orbit", Moves.from_form, parts[1]) if parts else None
    orbit = depth = haar = algebra = None
    if moves is not None:
        preparation = parts[0]
        orbit = attempt("orbit", orbit_mean, moves, terms, preparation)
        haar = attempt("haar", haar_limit, moves, terms, preparation)
        algebra = None if quick else attempt("algebra", algebra_of, moves)
        most = 2**14 if quick else 2**16
        found = attempt("depth", meeting, moves, terms, tolerance, preparation, most_strings=most) if orbit else None
        depth = found.repetitions if found else None
        if found and depth is None:
            reasons["depth"] = f"its ends have not faded after {len(found.means)} repetitions"
    return OwnLaw(len(form.weights), orbit, exact, depth, tolerance, haar, algebra, reasons)


def repeated_part(circuit: QuantumCircuit, inputs: Sequence[Parameter] = ()) -> tuple[NormalForm, NormalForm]:
    """What prepares the input, and what is repeated, with data at fixed values in general position."""
    prepared, rest = split_preparation(circuit)
    return _split(read_circuit(prepared), _at_generic_data(read_circuit(rest, inputs)))


def _terms(observable: Observable) -> dict[str, float]:
    """Pauli labels with their coefficients; those of a projector or a matrix up to a few qubits, else none."""
    if observable.terms or observable.qubits > MATRIX_QUBITS:
        return dict(observable.terms)
    found = SparsePauliOp.from_operator(Operator(np.asarray(observable.operator())))
    return {label: float(np.real(c)) for label, c in found.to_list() if abs(c) > 1e-14}


def _exact(form: NormalForm, terms: dict[str, float], most_strings: int) -> float:
    """E K over weights and data, all uniform."""
    weights, kept = form.weights, []
    for operation in form.operations:
        if isinstance(operation, Rotation) and operation.angle.linear:
            angle = operation.angle
            trained = tuple((p, s) for p, s in angle.slopes if p in weights)
            operation = replace(operation, angle=replace(angle, slopes=trained or angle.slopes))
        kept.append(operation)
    used = {p for o in kept if isinstance(o, Rotation) for p, _ in o.angle.slopes}
    order = {p: place for place, p in enumerate([*weights, *sorted(used - set(weights))])}
    found = exact_mean(_renumbered(replace(form, operations=tuple(kept)), order), terms, most_strings=most_strings)
    return float(found.gradients[: len(weights)].sum())


def _at_generic_data(form: NormalForm) -> NormalForm:
    """The circuit with its data at fixed values in general position, and weights alone as parameters."""
    values = {place: math.sqrt(7 + 2 * k) % 1 for k, place in enumerate(form.inputs)}
    kept: list[Rotation | Fixed] = []
    for operation in form.operations:
        if isinstance(operation, Rotation):
            angle = operation.angle
            trained = tuple((p, s) for p, s in angle.slopes if p not in values)
            if angle.linear:
                offset = angle.offset + sum(s * values[p] for p, s in angle.slopes if p in values)
                operation = replace(operation, angle=replace(angle, slopes=trained, offset=offset))
            elif set(angle.source.parameters) <= {form.sources[p] for p in form.inputs}:
                bound = {form.sources[p]: x for p, x in values.items() if form.sources[p] in angle.source.parameters}
                try:
                    offset = float(angle.source.bind(bound))
                except (TypeError, ValueError, CircuitError, ZeroDivisionError) as error:
                    raise ValueError(f"angle {angle.source} has no value at data in [0, 1]") from error
                operation = replace(operation, angle=Angle((), offset, offset))
        kept.append(operation)
    order = {p: place for place, p in enumerate(form.weights)}
    return _renumbered(replace(form, operations=tuple(kept)), order)


def _renumbered(form: NormalForm, order: dict[int, int]) -> NormalForm:
    """The same with only these parameters, at these places."""
    kept = [
        replace(o, angle=replace(o.angle, slopes=tuple((order[p], s) for p, s in o.angle.slopes)))
        if isinstance(o, Rotation)
        else o
        for o in form.operations
    ]
    return NormalForm(
        form.qubits, tuple(form.parameters[p] for p in order), tuple(kept), tuple(form.sources[p] for p in order)
    )


def _split(prepared: NormalForm, form: NormalForm) -> tuple[NormalForm, NormalForm]:
    """What prepares the input, with single-qubit Clifford gates before all else on their qubit; what is repeated."""
    touched: set[int] = set()
    first = list(prepared.operations)
    rest: list[Rotation | Fixed] = []
    for operation in form.operations:
        leading = isinstance(operation, Fixed) and len(operation.qubits) == 1 and not touched & set(operation.qubits)
        if leading and _clifford(operation):
            first.append(operation)
        else:
            rest.append(operation)
            touched |= set(operation.qubits)
    return NormalForm(form.qubits, (), tuple(first), ()), replace(form, operations=tuple(rest))


def _clifford(operation: Any) -> bool:
    try:
        input_state(NormalForm(1, (), (replace(operation, qubits=(0,)),), ()), 1)
    except ValueError:
        return False
    return True


def law_document(law: OwnLaw, circuit: QuantumCircuit, observable: Observable, name: str | None) -> dict[str, Any]:
    """What ``qntk predict --circuit --json`` prints."""
    orbit, haar, algebra, everything = law.orbit, law.haar, law.algebra, 4**circuit.num_qubits - 1
    orbits = [asdict(o) | {"share_of_all": o.size / everything} for o in orbit.orbits] if orbit else []
    return {
        "schema_version": SCHEMA_VERSION,
        "circuit": name or circuit.name,
        "qubits": circuit.num_qubits,
        "parameters": law.parameters,
        "observable": observable.spec,
        "mean": {"orbit": orbit.value if orbit else None, "exact": law.exact},
        "orbits": orbits,
        "period": orbit.period if orbit else None,
        "reached": law.reached,
        "depth": law.depth,
        "tolerance": law.tolerance,
        "law": law.name,
        "algebra": algebra.name if algebra else None,
        "algebra_dimension": algebra.dimension if algebra else None,
        "haar": {"group": haar.group, "mean": haar.value, "limit": law.is_haar} if haar else None,
        "reasons": law.reasons,
    }


def own_part(document: dict[str, Any]) -> dict[str, Any]:
    """What ``own_law`` of ``qntk check --json`` has of it."""
    kept = {key: document[key] for key in ("reached", "depth", "tolerance", "haar", "orbits", "period", "reasons")}
    return {"name": document["law"], "mean": document["mean"]["orbit"], "exact": document["mean"]["exact"]} | kept


def law_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    mean, haar, reasons = document["mean"], document["haar"], document["reasons"]
    lines = [
        f"{document['circuit']}: n = {document['qubits']}, L = {document['parameters']}, observable "
        f"{document['observable']}, rotations by uniform angles",
        "",
        f"{'mean K̄ at this depth':34}{_number(mean['exact'], reasons.get('exact'))}",
        f"{'where it goes in depth (orbits)':34}{_number(mean['orbit'], reasons.get('orbit'))}",
    ]
    if haar:
        lines.append(f"{'Haar layers, ' + haar['group'] + ' group':34}{_number(haar['mean'], None)}")
    if document["algebra"]:
        lines.append(
            f"{'dynamical Lie algebra':34}{document['algebra']}, of dimension {_size(document['algebra_dimension'])}"
        )
    if document.get("exponent"):
        powers = " ".join(f"{name}^{power:g}" for name, power in document["exponent"].items() if power)
        lines.append(f"{'K̄/L in depth goes as':34}{powers or 'a constant'} ({document['ansatz']})")
    lines.append("")
    for orbit in document["orbits"]:
        terms = f"{orbit['terms']} term{'s' if orbit['terms'] > 1 else ''}"
        period = f", a new class each of {orbit['period']} repetitions" if orbit["period"] > 1 else ""
        lines.append(
            f"orbit of {_size(orbit['size'])} Pauli strings, {orbit['share_of_all']:.3g} of all: {terms}{period}"
        )
    return "\n".join([*lines, *law_sentences(own_part(document))])


def law_sentences(found: dict[str, Any]) -> list[str]:
    """Whether a circuit has reached its own law, where it will, and whether that is Haar's: a line each.

    Of ``name``, ``mean``, ``reached``, ``depth``, ``tolerance``, ``haar`` and ``reasons``, as in ``qntk check --json``.
    """
    haar, depth, within = found["haar"], found["depth"], f"{100 * found['tolerance']:g} %"
    if found["mean"] is None:
        return [f"Its own law is not known: {found['reasons']['orbit']}."]
    if found["mean"] == 0:
        return ["In the deep limit its kernel is 0."]
    whose = f"that of {found['name']} Haar layers"
    if found["name"] == "orbit":
        whose = "its own, by the orbits of its Pauli strings"
    lines = [f"In the deep limit its mean is {whose}: {found['mean']:.6g} for its parameters."]
    if found["reached"] is not None:
        lines.append(f"It {'is' if found['reached'] else 'is not'} there at this depth (within {within}).")
    if depth is not None:
        lines.append(
            f"{'As it is' if depth == 1 else f'From {depth} repetitions on'}, its mean is within {within} of that law."
        )
    elif "depth" in found["reasons"]:
        lines.append(f"At which depth it is there is not known: {found['reasons']['depth']}.")
    if haar and haar["limit"] is False:
        lines.append(
            f"It will never be Haar, at any depth: its orbits are smaller than those of the {haar['group']} group."
        )
    return lines


def _number(value: float | None, reason: str | None) -> str:
    return f"{value:.6g}" if value is not None else f"not known: {reason}"


def _size(value: int) -> str:
    return f"{value:,}" if value < 10**9 else f"about 10^{math.log10(value):.1f}"
