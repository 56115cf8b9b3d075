"""A circuit, which of its parameters are data, and how all of them are drawn: as a user says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qiskit.circuit import Parameter, QuantumCircuit

from qntk.inputs.circuits import input_parameters
from qntk.sampling.distributions import IDENTITY_BLOCKS, Angles, Distribution, Uniform, read_distribution


@dataclass(frozen=True)
class RandomCircuit:
    """A circuit with random parameters.

    Attributes:
        circuit: with identity blocks, the given one followed by its inverse with parameters of its own.
        inputs: those parameters that are data.
        angles: how all are drawn.
    """

    circuit: QuantumCircuit
    inputs: tuple[Parameter, ...] = ()
    angles: Angles = field(default_factory=Angles)

    @classmethod
    def read(
        cls, circuit: QuantumCircuit, inputs: Sequence[str | Parameter] = (), angles: str | Distribution | None = None
    ) -> RandomCircuit:
        """As a user says it.

        Args:
            circuit: with free parameters.
            inputs: parameters, their names, or names of vectors; ``"x=uniform(-1,1)"`` with how its values are drawn,
                uniform on [0, 2π) without.
            angles: how the others are drawn: a function of a generator and a shape, or a text, ``normal(0,0.1)``;
                ``identity-blocks`` for U(θ)U(θ')† with θ' = θ uniform.

        Raises ``ValueError`` in one line.
        """
        found: dict[Parameter, Distribution] = {}
        for given in inputs:
            name, mark, text = given.partition("=") if isinstance(given, str) else (given, "", "")
            chosen = [name] if isinstance(name, Parameter) else input_parameters(circuit, [name.strip()])
            if repeated := [p.name for p in chosen if p in found]:
                raise ValueError(f"inputs name a parameter twice: {repeated[0]}")
            found |= dict.fromkeys(chosen, read_distribution(text) if mark else Uniform())
        if found and len(found) == circuit.num_parameters:
            raise ValueError("all parameters are inputs; a tangent kernel needs a trainable one")
        mirror = isinstance(angles, str) and angles.strip() == IDENTITY_BLOCKS
        if mirror:
            circuit = _mirrored(circuit, tuple(found))
        weights: Distribution = Uniform()
        if isinstance(angles, str) and not mirror:
            weights = read_distribution(angles)
        elif isinstance(angles, Callable):  # type: ignore[arg-type]
            weights = angles  # type: ignore[assignment]
        elif angles is not None and not mirror:
            raise TypeError(f"angles are {angles!r}; give a distribution, such as 'normal(0,0.1)'")
        data = tuple((p.name, distribution) for p, distribution in found.items())
        return cls(circuit, tuple(found), Angles(weights, data, mirror))


def _mirrored(circuit: QuantumCircuit, inputs: Sequence[Parameter]) -> QuantumCircuit:
    """U(θ) U(θ')†, the parameters θ' called as θ with a dagger; data stay the same in both halves."""
    if dagger := [p.name for p in circuit.parameters if "†" in p.name]:
        raise ValueError(f"parameter {dagger[0]!r} has a dagger already; identity blocks call their second half so")
    fresh = {p: Parameter(f"{p.name} †") for p in circuit.parameters if p not in inputs}
    try:
        back = circuit.assign_parameters(fresh).inverse()
    except Exception as error:  # Qiskit's, for what has no inverse
        raise ValueError(f"identity blocks need a circuit that can be inverted: {error}") from error
    made = circuit.copy()
    made.compose(back, inplace=True)
    return made
