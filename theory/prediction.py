"""A prediction is a number that never travels without its regime, its assumptions and its source."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from numpy.lib.mixins import NDArrayOperatorsMixin

from qntk._result import Result, frame

Regime = Literal["asymptotic", "independent", "exact"]
REGIMES: tuple[Regime, ...] = ("asymptotic", "independent", "exact")


@dataclass(frozen=True, repr=False)
class Prediction(Result, NDArrayOperatorsMixin):
    """What a closed form says of one quantity.

    Attributes:
        quantity: what is predicted, such as ``"kernel mean"``.
        value: the number, in the units of the quantity.
        regime: ``asymptotic`` (published leading order), ``independent`` (finite D, correlations between parameters
            dropped) or ``exact`` (finite D and L, correlations kept); ``leading``, of the dQNTK's second moment alone,
            is the large-D limit of its exact law, where the published one differs; ``orbit``, of a given circuit, its
            deep limit from the orbits of its Pauli strings.
        assumptions: under what the value holds, one phrase each.
        reference: the paper and equation, or where the derivation stands.
    """

    quantity: str
    value: float
    regime: Regime | Literal["leading", "orbit"]
    assumptions: tuple[str, ...]
    reference: str

    def __float__(self) -> float:
        """The value alone."""
        return self.value

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Arithmetic, comparison and numpy's functions, as of the value alone."""
        values = [one.value if isinstance(one, Prediction) else one for one in inputs]
        return getattr(ufunc, method)(*values, **options)

    def __format__(self, spec: str) -> str:
        """A format of numbers; without one, the quantity, its value and the regime."""
        return format(self.value, spec) if spec else self.title()

    def title(self) -> str:
        """The quantity, its value and the regime."""
        return f"{self.quantity} = {self.value:.10g} ({self.regime})"

    def rows(self) -> list[dict[str, Any]]:
        """None: a prediction is one number."""
        return []

    def notes(self) -> list[str]:
        """Under what it holds, and where it stands."""
        return [f"under: {', '.join(self.assumptions)}", f"source: {self.reference}"]

    def to_dict(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self) | {"assumptions": list(self.assumptions)}

    def to_frame(self) -> Any:
        """One row of all fields."""
        return frame([asdict(self) | {"assumptions": "; ".join(self.assumptions)}])
