"""Distributions of a circuit's angles and data: functions of a random generator and a shape (draws, parameters).

They take the generator's uniform numbers only (``sampling.arithmetic.gaussian``), so that a seed gives the same bytes
everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from qntk.inputs.messages import printable
from qntk.sampling.arithmetic.gaussian import fill_beta, fill_normal

Array = NDArray[np.float64]
Distribution = Callable[[np.random.Generator, tuple[int, int]], Array]
"""Any such function will do; it must draw from the generator it is given and nothing else."""
IDENTITY_BLOCKS = "identity-blocks"
FORMS = "uniform(low,high), normal(mean,std), beta(a,b) or beta(a,b,low,high), numbers such as 0.1, pi or -pi/2"
_NUMBER = re.compile(r"([+-]?)(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)?\*?(pi)?(?:/(\d+))?")


@dataclass(frozen=True)
class Uniform:
    """Uniform on [low, high), the whole circle by default."""

    low: float = 0.0
    high: float = 2 * np.pi

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        """Angles of the given shape."""
        return _scaled(rng.random(shape), self.low, self.high)


@dataclass(frozen=True)
class Normal:
    """Normal with a mean and a standard deviation, in radians."""

    mean: float = 0.0
    std: float = 1.0

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        """Angles of the given shape."""
        values = np.empty(shape)
        fill_normal(rng, values.reshape(-1))
        return self.mean + self.std * values


@dataclass(frozen=True)
class Beta:
    """Beta(a, b), scaled to [low, high]."""

    a: float
    b: float
    low: float = 0.0
    high: float = 2 * np.pi

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        """Angles of the given shape."""
        values = np.empty(shape)
        fill_beta(rng, self.a, self.b, values.reshape(-1))
        return _scaled(values, self.low, self.high)


def _scaled(values: Array, low: float, high: float) -> Array:
    """Values of [0, 1] on [low, high], in place."""
    values *= high - low
    values += low
    return values


@dataclass(frozen=True)
class Angles:
    """Independent values of all parameters of a circuit.

    Attributes:
        weights: distribution of the trainable parameters.
        data: those of the others, by name.
        mirror: whether a parameter called ``… †`` repeats the one without: blocks U U† that begin as the identity, as
            in Grant et al., Quantum 3, 214 (2019).
    """

    weights: Distribution = field(default_factory=Uniform)
    data: tuple[tuple[str, Distribution], ...] = ()
    mirror: bool = False

    @property
    def uniform(self) -> bool:
        """Whether all are uniform on the whole circle, and independent."""
        return not self.mirror and all(d == Uniform() for d in (self.weights, *(d for _, d in self.data)))

    def told(self) -> str:
        """In words, as ``read_distribution`` takes them where it can."""
        return IDENTITY_BLOCKS if self.mirror else _text(self.weights)

    def draw(self, rng: np.random.Generator, parameters: Sequence[str], draws: int) -> Array:
        """Values of shape (draws, parameters), in the order of their names.

        Uniform angles are drawn for all and then replaced, so that the bytes of the usual case are as ever.
        """
        place = {name: index for index, name in enumerate(parameters)}
        values = np.asarray(Uniform()(rng, (draws, len(place))))
        known = {name for name, _ in self.data}
        if self.weights != Uniform():
            trained = [index for name, index in place.items() if name not in known]
            values[:, trained] = drawn(self.weights, rng, (draws, len(trained)))
        for name, distribution in self.data:
            if name in place and distribution != Uniform():
                values[:, [place[name]]] = drawn(distribution, rng, (draws, 1))
        if self.mirror:
            for name, index in place.items():
                if " †" in name:
                    values[:, index] = values[:, place[name.replace(" †", "")]]
        return values


def read_distribution(text: str) -> Distribution:
    """A distribution from its text; ``ValueError`` in one line for another.

    >>> read_distribution("uniform(-1, 1)"), read_distribution("normal(0,pi/8)").std == np.pi / 8
    (Uniform(low=-1.0, high=1.0), True)
    """
    name, mark, rest = text.strip().partition("(")
    kinds = {"uniform": (Uniform, (0, 2)), "normal": (Normal, (2,)), "beta": (Beta, (2, 4))}
    if name.strip() not in kinds or (mark and not rest.endswith(")")):
        raise ValueError(f"distribution {text!r} is unknown; give {FORMS}")
    kind, counts = kinds[name.strip()]
    numbers = [_number(word, text) for word in rest[:-1].split(",")] if rest[:-1].strip() else []
    if len(numbers) not in counts:
        raise ValueError(f"distribution {text!r} has {len(numbers)} numbers; give {FORMS}")
    made: Distribution = kind(*numbers)
    if isinstance(made, Normal) and made.std < 0:
        raise ValueError(f"distribution {text!r} has a negative standard deviation")
    if isinstance(made, Beta) and min(made.a, made.b) <= 0:
        raise ValueError(f"distribution {text!r} needs a and b above 0")
    if isinstance(made, Uniform | Beta) and made.low >= made.high:
        raise ValueError(f"distribution {text!r} needs low below high")
    return made


def _text(distribution: Distribution) -> str:
    if isinstance(distribution, Uniform | Normal | Beta):
        numbers = ",".join(f"{getattr(distribution, f.name):.12g}" for f in fields(distribution))
        return f"{type(distribution).__name__.lower()}({numbers})"
    return printable(repr(distribution))


def _number(word: str, text: str) -> float:
    match = _NUMBER.fullmatch(word.replace(" ", ""))
    if match is None or not (match[2] or match[3]):
        raise ValueError(f"distribution {text!r}: {word.strip()!r} is no number; give {FORMS}")
    divisor = float(match[4] or 1)
    value = float(match[2] or 1.0) * (np.pi if match[3] else 1.0) / (divisor or np.nan)
    if not np.isfinite(value):
        raise ValueError(f"distribution {text!r}: {word.strip()!r} is not finite")
    return -value if match[1] == "-" else value


def drawn(distribution: Distribution, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Values of a distribution; ``ValueError`` for another shape."""
    values = np.asarray(distribution(rng, shape), dtype=float)
    if values.shape != shape:
        raise ValueError(f"the distribution gave shape {values.shape} for {shape}")
    return values
