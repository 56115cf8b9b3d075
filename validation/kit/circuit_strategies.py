"""Random circuits for hypothesis: parameters that are shared, scaled, shifted and multiplied, on wires in any order.

``qntk.validation.kit.strategies`` hands them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import random_unitary

ROTATIONS = ("ry", "rx", "rz", "p"), ("rzz", "rxx", "ryy", "rzx", "crx", "cry", "crz", "cp")
"""Gates with one angle, on one qubit and on two."""
FIXED = ("h", "s", "sdg", "t", "x", "y", "z", "sx"), ("cx", "cz", "cy", "swap", "iswap", "ecr")
"""Gates without."""
Angles = Literal["plain", "linear", "any"]


@dataclass(frozen=True, eq=False)
class CircuitCase:
    """A circuit, and which of its parameters are data.

    Attributes:
        circuit: trainable parameters from the vector ``θ``, inputs from ``x``.
        inputs: in the order of the columns of x, as ``CircuitModel`` takes them.
    """

    circuit: QuantumCircuit
    inputs: tuple[Parameter, ...]

    @property
    def parameters(self) -> int:
        """Number of trainable parameters L, at least 1."""
        return int(self.circuit.num_parameters) - len(self.inputs)

    def __repr__(self) -> str:
        """The drawing, which is what a failing example should show."""
        return f"CircuitCase(inputs={len(self.inputs)}):\n{self.circuit.draw('text', fold=120)}\n"


@dataclass(frozen=True)
class _Piece:
    """A gate to be placed: its name, wires, and a recipe of its angle."""

    name: str
    wires: tuple[int, ...]
    angle: tuple[str, int, int] | None = None
    seed: int = 0


def circuits(
    qubits: int, parameters: int = 3, gates: int = 8, angles: Angles = "any", inputs: int = 0, fixed: bool = True
) -> st.SearchStrategy[CircuitCase]:
    """Circuits that ``CircuitModel`` takes, with 1 to ``parameters`` trainable parameters, some of them shared.

    Args:
        qubits: n >= 1.
        parameters: L at most; a parameter that no gate happens to use is not there.
        gates: at most, beside one for each input.
        angles: ``plain`` for θ_i itself; ``linear`` for a θ_i + b θ_j + c too; ``any`` for products and sines too.
        inputs: number of data parameters; each is the angle of one of the first gates, and with ``any`` part of others.
        fixed: whether there are gates without an angle, random unitaries and barriers among them.

    Raises ``ValueError`` for sizes below 1 (``inputs`` below 0), or unknown ``angles``.
    """
    if min(qubits, parameters, gates) < 1 or inputs < 0:
        raise ValueError(
            f"circuits of {qubits} qubits, {parameters} parameters, {gates} gates and {inputs} inputs; "
            "give at least 1 of each, 0 or more inputs"
        )
    if angles not in _RECIPES:
        raise ValueError(f"angles is {angles!r}; choose {', '.join(_RECIPES)}")
    recipes = [
        name for name in _RECIPES[angles] if (name not in _TWO or parameters > 1) and (name not in _DATA or inputs)
    ]
    turn = st.tuples(st.sampled_from(recipes), st.integers(0, parameters - 1), st.integers(0, 99))
    turns = _pieces(qubits, ROTATIONS, turn)
    any_gate = turns
    if fixed:
        unitaries = st.builds(_Piece, st.just("unitary"), _wires(qubits, min(qubits, 2)), seed=st.integers(0, 99))
        any_gate = st.one_of(turns, _pieces(qubits, FIXED, st.none()), unitaries, st.just(_Piece("barrier", ())))
    data = st.tuples(*[_pieces(qubits, ROTATIONS, st.just(("input", 0, column))) for column in range(inputs)])
    body = st.lists(any_gate, min_size=1, max_size=gates).filter(lambda found: any(piece.angle for piece in found))
    return st.builds(lambda first, rest: _assemble(qubits, parameters, inputs, [*first, *rest]), data, body)


_RECIPES: dict[str, list[str]] = {"plain": ["one"]}
_RECIPES["linear"] = [*_RECIPES["plain"], "scaled", "minus", "difference", "mean"]
_RECIPES["any"] = [*_RECIPES["linear"], "product", "square", "sine", "times input", "plus input"]
_TWO, _DATA = ("difference", "mean", "product"), ("times input", "plus input")


def _angle(recipe: tuple[str, int, int], trainable: ParameterVector, data: ParameterVector) -> ParameterExpression:
    """The recipe's angle. The second parameter is another than the first, so that no difference cancels."""
    name, index, other = recipe
    if name == "input":
        return data[other]
    one = trainable[index]
    two = trainable[(index + 1 + other % max(len(trainable) - 1, 1)) % len(trainable)]
    x = data[other % len(data)] if len(data) else None
    expressions: dict[str, Any] = {
        "one": lambda: one,
        "scaled": lambda: 2 * one + 0.3,
        "minus": lambda: -one,
        "difference": lambda: one - two,
        "mean": lambda: 0.5 * (one + two),
        "product": lambda: one * two,
        "square": lambda: one**2,
        "sine": lambda: one.sin(),
        "times input": lambda: one * x,
        "plus input": lambda: one + x,
    }
    return expressions[name]()


def _assemble(qubits: int, parameters: int, inputs: int, pieces: list[_Piece]) -> CircuitCase:
    trainable, data = ParameterVector("θ", parameters), ParameterVector("x", inputs)
    circuit = QuantumCircuit(qubits)
    for piece in pieces:
        if piece.name == "unitary":
            circuit.append(UnitaryGate(random_unitary(2 ** len(piece.wires), seed=piece.seed)), piece.wires)
        elif piece.angle is None:
            getattr(circuit, piece.name)(*piece.wires)
        else:
            getattr(circuit, piece.name)(_angle(piece.angle, trainable, data), *piece.wires)
    return CircuitCase(circuit, tuple(data))


def _wires(qubits: int, width: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Different qubits in any order."""
    return st.lists(st.integers(0, qubits - 1), min_size=width, max_size=width, unique=True).map(tuple)


def _pieces(
    qubits: int, names: tuple[tuple[str, ...], ...], angle: st.SearchStrategy[Any]
) -> st.SearchStrategy[_Piece]:
    """Gates of these names, on one qubit or on two, as far as there are two."""
    return st.one_of(
        [
            st.builds(_Piece, st.sampled_from(one), _wires(qubits, width), angle)
            for width, one in enumerate(names[: min(qubits, 2)], start=1)
        ]
    )
