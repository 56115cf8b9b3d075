"""The law of a circuit of its own: where its mean goes in depth, whether it is there, and which Haar group is nearest.

What is repeated on the way there, and what prepares the input, is in ``attribution.forms``. Data are held at values in
general position for the deep limit, which does not depend on them, and are uniform like the parameters for the exact
mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Operator, SparsePauliOp

from qntk.inputs.noise_models import is_file_of_noise
from qntk.inputs.normal_form import Fixed, NormalForm
from qntk.inputs.observables import Observable
from qntk.inputs.reader import read_circuit
from qntk.theory.circuits.algebra import Algebra, algebra_of
from qntk.theory.circuits.clifford_frame import SHARED
from qntk.theory.circuits.copies.kernel_square import kernel_square
from qntk.theory.circuits.haar_limit import HaarLimit, haar_limit
from qntk.theory.circuits.meeting import meeting
from qntk.theory.circuits.moves import Moves
from qntk.theory.circuits.noise import GateNoise, PauliNoise, decay, noisy_mean
from qntk.theory.circuits.orbit_law import OrbitMean, orbit_mean
from qntk.theory.circuits.pauli_paths import exact_mean
from qntk.theory.circuits.sums import module_law
from qntk.theory.circuits.sums.closure import closed_algebra
from qntk.theory.circuits.sums.shared_paths import shared_mean
from qntk.validation.attribution.forms import averaged, repeated_part
from qntk.validation.attribution.pauli_errors import gate_noise

TOLERANCE = 0.01
"""Relative difference between a mean and the orbit law that counts as reached."""
MOST_PATHS = 2**22
"""Pauli strings to follow for the exact mean, a second or two."""
MOST_TUPLES = 2**13
"""Tuples of four strings to hold for the exact variance, a second or two."""
MATRIX_QUBITS = 6
"""Of a projector or a matrix that is still taken as a sum of Pauli strings."""
_SUMS = "not worked out where a parameter turns several rotations"
_NO_SUM = "observable {!r} is no sum of Pauli strings: draw K (qntk.sample)"


@dataclass(frozen=True)
class OwnLaw:
    """What is known of a circuit's mean without a draw.

    Attributes:
        parameters: trainable ones, L.
        orbit: the deep limit; None where there is none.
        exact: E K at this depth; None where Pauli paths do not reach.
        variance: of K at this depth, exact; None where paths of four copies do not reach.
        depth: number of repetitions from which on E K is within the tolerance of the law; None where not known.
        tolerance: relative difference that counts as reached.
        haar: the nearest Haar group; None where there is none.
        algebra: the dynamical Lie algebra; None where it is not known, or not asked for.
        reasons: why any of these is None, a line each.
    """

    parameters: int
    orbit: OrbitMean | None
    exact: float | None
    variance: float | None
    depth: int | None
    tolerance: float
    haar: HaarLimit | None
    algebra: Algebra | None
    reasons: dict[str, str]

    @classmethod
    def none(cls, parameters: int, tolerance: float, why: str) -> OwnLaw:
        """Nothing is known, for one reason."""
        return cls(
            parameters,
            None,
            None,
            None,
            None,
            tolerance,
            None,
            None,
            dict.fromkeys(("orbit", "exact", "variance", "depth", "haar"), why),
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
                raise ValueError(_NO_SUM.format(observable.spec))
            return function(*arguments, **options)
        except ValueError as error:
            reasons[what] = str(error)
            return None

    exact = attempt("exact", _exact, form, terms, most_strings)
    if exact is None and "most_strings" in reasons["exact"]:
        reasons["exact"] = f"more than {most_strings:,} Pauli strings: allow more, or draw K (qntk.sample)"
    square = attempt("variance", _square, form, terms) if exact is not None else None
    variance = None if square is None or exact is None else max(square - exact * exact, 0.0)
    if exact is None:
        reasons["variance"] = reasons["exact"]
    parts = attempt("orbit", repeated_part, circuit, inputs)
    moves = attempt("orbit", Moves.from_form, parts[1]) if parts else None
    if parts and moves is None and reasons["orbit"] == SHARED:
        return _of_sums(form, parts, terms, tolerance, quick)
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
    return OwnLaw(len(form.weights), orbit, exact, variance, depth, tolerance, haar, algebra, reasons)


def deep_limit(
    circuit: QuantumCircuit, observable: Observable, inputs: Sequence[Parameter] = (), most_strings: int = 2**16
) -> OrbitMean:
    """The deep limit of the circuit's mean alone.

    Raises ``ValueError`` where there is none, or where it is not known.
    """
    terms = _terms(observable)
    if not terms:
        raise ValueError(_NO_SUM.format(observable.spec))
    preparation, repeated = repeated_part(circuit, inputs)
    try:
        moves = Moves.from_form(repeated)
    except ValueError as error:
        if str(error) != SHARED:
            raise
        module = module_law.Module.of(repeated, terms)
        return _as_limit(module_law.deep_mean(module, module_law.density_matrix(preparation, repeated.qubits)))
    return orbit_mean(moves, terms, preparation, most_strings=most_strings)


def _as_limit(found: module_law.ModuleMean) -> OrbitMean:
    return OrbitMean(found.value, found.gradients, found.output, (), 1)


def _of_sums(
    form: NormalForm, parts: tuple[NormalForm, NormalForm], terms: dict[str, float], tolerance: float, quick: bool
) -> OwnLaw:
    """The law of a circuit in which a parameter turns several rotations."""
    reasons: dict[str, str] = dict.fromkeys(("haar", "depth", "variance"), _SUMS)

    def attempt(what: str, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ValueError as error:
            reasons[what] = str(error)
            return None

    # Data are averaged over like parameters, which come first.
    paths = attempt("exact", shared_mean, averaged(form), terms)
    exact = None if paths is None else float(paths.gradients[: len(form.weights)].sum())
    module = attempt("orbit", module_law.Module.of, parts[1], terms)
    state = attempt("orbit", module_law.density_matrix, *(parts[0], form.qubits)) if module else None
    if state is None and exact is None:
        return OwnLaw.none(len(form.weights), tolerance, reasons["orbit"])
    deep = attempt("orbit", module_law.deep_mean, module, state) if state is not None else None
    if exact is None and state is not None and not form.inputs:  # gates that are no Clifford gates, or many pairs
        found = attempt("exact", module_law.exact_mean, module, state)
        exact = found.value if found else None
    algebra = None if quick or module is None else attempt("algebra", closed_algebra, module.circuit)
    return OwnLaw(
        len(form.weights),
        _as_limit(deep) if deep else None,
        exact,
        None,
        None,
        tolerance,
        None,
        algebra,
        reasons,
    )


def _terms(observable: Observable) -> dict[str, float]:
    """Pauli labels with their coefficients; those of a projector or a matrix up to a few qubits, else none."""
    if observable.terms or observable.qubits > MATRIX_QUBITS:
        return dict(observable.terms)
    found = SparsePauliOp.from_operator(Operator(np.asarray(observable.operator())))
    return {label: float(np.real(c)) for label, c in found.to_list() if abs(c) > 1e-14}


def _exact(form: NormalForm, terms: dict[str, float], most_strings: int) -> float:
    """E K over weights and data, all uniform."""
    found = exact_mean(averaged(form), terms, most_strings=most_strings)
    return float(found.gradients[: len(form.weights)].sum())


def _square(form: NormalForm, terms: dict[str, float]) -> float:
    """E K² over weights and data, all uniform; refused where it is not quick."""
    return kernel_square(averaged(form), terms, len(form.weights), MOST_TUPLES, repetitions=0).value


def noise_part(
    circuit: QuantumCircuit, observable: Observable, inputs: Sequence[Parameter], noise: Any, most_strings: int
) -> dict[str, Any]:
    """E K with Pauli channels after gates, and the factor of each repetition in depth, None if not known.

    ``noise``: the text of ``PauliNoise.parse``, or an Aer noise model as ``inputs.noise_models`` takes it.

    Raises ``ValueError`` for noise that cannot be read, and where Pauli paths do not reach.
    """
    terms, form = _terms(observable), read_circuit(circuit, inputs)
    of_model = not isinstance(noise, str) or is_file_of_noise(noise)
    channel = gate_noise(circuit, noise) if of_model else PauliNoise.parse(noise)
    found = noisy_mean(averaged(form), terms, channel, most_strings=most_strings)
    try:
        preparation, repeated = repeated_part(circuit, inputs)
        prepared = len(preparation.operations)
        if isinstance(channel, GateNoise):  # what prepares the input is not repeated
            first = form.operations[:prepared]
            if not all(isinstance(gate, Fixed) and len(gate.qubits) == 1 for gate in first):
                raise ValueError("what prepares the input is not all that comes first")
            channel = GateNoise(channel.channels[prepared:])
        rate = decay(repeated, terms, channel)
    except ValueError:
        rate = None
    return {
        "spec": "the noise model" if of_model else noise,
        "mean": float(found.gradients[: len(form.weights)].sum()),
        "decay": rate,
    }
