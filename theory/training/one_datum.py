r"""One datum, an observable of two levels, training without end: one equation for the output.

O has the eigenvalues o₋ < o₊, O = m + hS with S² = 1. The variance of O in the final state is then a function of the
output alone, v(f) = (f - o₋)(o₊ - f) = h² cos²φ with f = m + h sin φ, and for L ≫ 2D-2 parameters K = S v(f), with
S = 2Lκ the strength of the circuit. Gradient flow is

    df/dt = -η (f - y) S v(f),

and one step of gradient descent, in which the angles of infinitely many gates add up to one rotation in the plane of ψ
and Oψ, is φ ← φ - ηSh (f - y) cos φ, exactly. Three regimes, by the label y: inside the spectrum the error falls as
e^{-ηSv(y)t}; at an edge as 1/(2hηSt); beyond it the kernel dies as e^{-2hηS|y - o|t} and the error keeps the distance
to the spectrum. Conserved along the way: K/v(f).

First correction, in c = (2D-2)/L (a cavity argument, docs/theory.md): with s = (f - m)/h, q = (Tr O/D - m)/h,

    K = S v(f) exp(-c k₁),
    k₁ = ∫_{s₀}^{s} (s' - q)/(1 - s'²) ds' = ½ ln[(1 - s₀²)/(1 - s²)] - q (artanh s - artanh s₀).

1 - c k₁ is what is derived; the exponential is better beyond first order, seen and not derived. It holds to a few per
cent while c k₁ < 0.4. At very late times the kernel of a finite circuit does not die with it: ``late_ratio``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from qntk._result import Result, course, frame
from qntk.theory.training.arguments import Array, finite, inside, positive, scalar, stable, step_count, two_levels

VALID = 0.4
"""Largest c k₁ for which the first-order law is trusted."""
Regime = Literal["inside", "edge", "beyond"]


@dataclass(frozen=True, eq=False, repr=False)
class OneDatum(Result):
    """The course of one output, or of many that do not know of each other, of shape (...).

    Attributes:
        output: f at steps 0 … steps, shape (steps + 1, ...).
        kernel: K along the way, same shape.
        label: y, shape (...).
        exponent: c k₁ along the way, same shape as ``output``; zeros where there is no correction.
        levels: the two eigenvalues of O.
        rate: η.
        strength: S, shape (...).
        correction: c, shape (...).
        trace: Tr O/D, which counts where there is a correction.
    """

    output: Array
    kernel: Array
    label: Array
    exponent: Array
    levels: tuple[float, float]
    rate: float
    strength: Array
    correction: Array
    trace: float

    def title(self) -> str:
        """How many outputs, and the rate."""
        many = f"{self.output[0].size} outputs" if self.output[0].size != 1 else "one output"
        return f"Flow of {many}, {len(self.output) - 1} steps of η = {self.rate:.4g}"

    def rows(self) -> list[dict[str, Any]]:
        """Output, kernel and residual along the way, of the first where there are several."""
        first = {"f": self.output, "K": self.kernel, "ε": self.residual}
        return course(**{name: values.reshape(len(values), -1)[:, 0] for name, values in first.items()})

    def to_frame(self) -> Any:
        """Output, kernel and residual, a row a step; for several outputs a row each, numbered by ``datum``."""
        flat = {name: getattr(self, name).reshape(len(self.output), -1) for name in ("output", "kernel", "residual")}
        steps, data = np.indices(flat["output"].shape)
        where = {"step": steps.ravel()} | ({"datum": data.ravel()} if data.shape[1] > 1 else {})
        return frame(where | {name: values.ravel() for name, values in flat.items()})

    def to_dict(self) -> dict[str, Any]:
        """The course and the settings, arrays as lists."""
        arrays = {name: np.asarray(getattr(self, name)).tolist() for name in ("output", "kernel", "label", "strength")}
        return arrays | {"levels": list(self.levels), "rate": self.rate}

    @property
    def residual(self) -> Array:
        """ε = f - y, shape (steps + 1, ...)."""
        return np.asarray(self.output - self.label)

    @property
    def dqntk(self) -> Array:
        """μ = ½K dK/df of gradient flow, shape (steps + 1, ...).

        At infinite depth it is ½S²c₃ with the third central moment c₃ = v (o₋ + o₊ - 2f); the first correction takes c
        (f - Tr O/D) from c₃/v, and multiplies by exp(-2c k₁).
        """
        low, high = self.levels
        slope = low + high - 2 * self.output - self.correction * (self.output - self.trace)
        return np.asarray(self.kernel * self.strength * np.exp(-self.exponent) * slope / 2)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Where the first-order correction may be trusted, c k₁ < 0.4 in size; all true without a correction."""
        return np.asarray(np.abs(self.exponent) < VALID)

    @property
    def regime(self) -> NDArray[np.str_]:
        """``inside``, ``edge`` or ``beyond``, by the label, shape (...)."""
        return regime(self.label, self.levels)


def flow_one(
    start: ArrayLike,
    label: ArrayLike,
    rate: float,
    strength: ArrayLike,
    steps: int,
    correction: ArrayLike = 0.0,
    trace: float = 0.0,
    *,
    levels: tuple[float, float] = (-1.0, 1.0),
    continuous: bool = False,
    unstable: bool = False,
) -> OneDatum:
    """Train one datum in a circuit of infinite depth, or of finite depth to first order.

    Args:
        start: f(0), inside the spectrum; one number, or an array of outputs trained each on its own.
        label: y, anywhere: inside the spectrum, at its edge or beyond.
        rate: η > 0 of the loss ½ε².
        strength: S > 0 in K = S v(f): 2Lκ of the ensemble, or K(0)/v(0) of one network.
        steps: number of steps.
        correction: c = (2D-2)/L >= 0 of the first-order law; (2D-3)/L fits small D better, if Tr O = 0.
        trace: Tr O/D, between the two levels.
        levels: the eigenvalues o₋ < o₊ of O.
        continuous: gradient flow, read off at whole steps, in place of gradient descent.
        unstable: follow gradient descent beyond the critical rate, which is refused otherwise.

    ``start``, ``label``, ``strength`` and ``correction`` broadcast. Raises ``ValueError`` for a start outside the
    spectrum or at its edge (no gradient, and none ever), and for numbers that fit no circuit.

    >>> run = flow_one(0.0, 1.0, rate=0.1, strength=1.0, steps=200)
    >>> run.output[[0, 20, 200]].round(4), round(float(run.kernel[200]), 4)
    (array([0.    , 0.7614, 0.9746]), 0.0502)
    """
    centre, half = two_levels(levels)
    eta, count = scalar("rate", rate), step_count(steps)
    given = {"start": finite("start", start), "label": finite("label", label)}
    given |= {"strength": positive("strength", strength), "correction": finite("correction", correction)}
    try:
        f, y, S, c = np.broadcast_arrays(*given.values())
    except ValueError:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in given.items())
        raise ValueError(f"shapes do not fit: {shapes}; give numbers, or arrays of one shape") from None
    if (c < 0).any():
        raise ValueError("correction is below 0; c = (2D-2)/L is a positive number, 0 for infinite depth")
    q = (float(finite("trace", trace, ())) - centre) / half
    if not abs(q) < 1:
        raise ValueError(f"trace is {trace:g}; Tr O/D lies between the levels {levels[0]:g} and {levels[1]:g}")
    s, target = inside(f, centre, half), (y - centre) / half
    pull = eta * S * half**2  # of s: ds/dt = -pull (s - target)(1 - s²) e^{-c k₁}
    if not continuous:
        _check_rate(eta, S * half**2, s, target, unstable)
    path = _continuous(s, target, pull, c, q, count) if continuous else _discrete(s, target, pull, c, q, count)
    sine, cosine, exponent = path
    kernel = S * half**2 * cosine**2 * np.exp(-exponent)
    return OneDatum(
        centre + half * sine, kernel, y.copy(), exponent, (float(levels[0]), float(levels[1])), eta, S.copy(), c.copy(),
        centre + half * q,
    )  # fmt: skip


def exponent(
    output: ArrayLike, start: ArrayLike, trace: float = 0.0, levels: tuple[float, float] = (-1.0, 1.0)
) -> Array:
    """k₁ of the first correction, for outputs inside the spectrum; inf at its edge. Arrays broadcast.

    >>> exponent([-0.8, 0.0, 0.8], 0.0).round(4)
    array([0.5108, 0.    , 0.5108])
    """
    centre, half = two_levels(levels)
    s, s0 = ((finite("output", x) - centre) / half for x in (output, start))
    with np.errstate(divide="ignore"):
        return _exponent(np.arctanh(s), np.arctanh(s0), (trace - centre) / half)


def regime(label: ArrayLike, levels: tuple[float, float] = (-1.0, 1.0)) -> NDArray[np.str_]:
    """``inside`` the spectrum, at its ``edge`` (to 1e-12 of its width), or ``beyond``.

    >>> regime([0.5, 1.0, 1.5])
    array(['inside', 'edge', 'beyond'], dtype='<U6')
    """
    centre, half = two_levels(levels)
    size = np.abs(finite("label", label) - centre) / half
    return np.where(np.abs(size - 1) <= 1e-12, "edge", np.where(size < 1, "inside", "beyond"))


def late_rate(label: ArrayLike, rate: float, strength: ArrayLike, levels: tuple[float, float] = (-1.0, 1.0)) -> Array:
    """How fast it ends, per step, for gradient flow of infinite depth: one number a label.

    Inside the spectrum ηSv(y), of the error. Beyond it 2hηS times the distance, of the kernel. At an edge 2hηS, of the
    inverse error: 1/|ε| grows by it each step.

    >>> late_rate([0.6, 1.0, 1.5], rate=0.1, strength=2.0)
    array([0.128, 0.4  , 0.2  ])
    """
    centre, half = two_levels(levels)
    y, pull = finite("label", label) - centre, rate * positive("strength", strength)
    distance = np.abs(y) - half
    other = 2 * half * pull * np.where(regime(label, levels) == "edge", 1.0, distance)
    return np.where(regime(label, levels) == "inside", pull * (half**2 - y**2), other)


def _check_rate(eta: float, size: Array, s: Array, target: Array, unstable: bool) -> None:
    """Refuse a rate beyond 2/K at the start, or at a label that can be reached."""
    stable(eta, float(np.max(size * (1 - s**2), initial=0.0)), "at the start", unstable)
    stable(eta, float(np.max(size * np.maximum(1 - target**2, 0), initial=0.0)), "at the label", unstable)


def _discrete(s: Array, target: Array, pull: Array, c: Array, q: float, steps: int) -> tuple[Array, Array, Array]:
    """sin φ, cos φ and c k₁ of φ ← φ - pull (sin φ - target) cos φ e^{-c k₁}."""
    angle = np.empty((steps + 1, *s.shape))
    power = np.zeros_like(angle)
    angle[0] = np.arcsin(s)
    corrected = bool(c.any())
    begin = np.arctanh(np.sin(angle[0]))
    for t in range(steps):
        sine, cosine = np.sin(angle[t]), np.cos(angle[t])
        angle[t + 1] = angle[t] - pull * (sine - target) * cosine * np.exp(-power[t])
        if corrected:
            power[t + 1] = c * _exponent(_rapidity(angle[t + 1]), begin, q)
    return np.sin(angle), np.cos(angle), power


def _continuous(s: Array, target: Array, pull: Array, c: Array, q: float, steps: int) -> tuple[Array, Array, Array]:
    """The same of gradient flow, in x = artanh s: dx/dt = -pull (tanh x - target) e^{-c k₁}, which never leaves."""
    begin = np.arctanh(s).ravel()
    y, p, correction = target.ravel(), pull.ravel(), c.ravel()

    def slope(_: float, x: Array) -> Array:
        return np.asarray(-p * (np.tanh(x) - y) * np.exp(-correction * _exponent(x, begin, q)))

    x = np.broadcast_to(begin, (steps + 1, begin.size))
    if steps and begin.size:
        run = solve_ivp(
            slope, (0, steps), begin, "LSODA", np.arange(steps + 1), rtol=1e-10, atol=1e-12, lband=0, uband=0
        )  # the Jacobian is diagonal
        if not run.success:
            raise ValueError(f"the flow could not be followed: {run.message}")
        x = run.y.T
    x = x.reshape(steps + 1, *s.shape)
    return np.tanh(x), 1 / np.cosh(x), c * _exponent(x, begin.reshape(s.shape), q)


def _exponent(x: Array, begin: Array, q: float) -> Array:
    """k₁ in x = artanh s: ln cosh x - q x, less its value at the start."""

    def primitive(z: Array) -> Array:
        size = np.abs(z)
        return np.asarray(size * (1 - q * np.sign(z)) + np.log1p(np.exp(-2 * size)))

    return np.asarray(primitive(x) - primitive(begin))


def _rapidity(angle: Array) -> Array:
    """artanh sin φ, which has all its digits at the poles: size |ln tan(d/2)| by the distance d to the nearer one."""
    sine = np.sin(angle)
    distance = np.abs(np.arctan2(np.cos(angle), np.abs(sine)))
    return np.asarray(np.copysign(np.log(np.tan(np.maximum(distance, 1e-300) / 2)), sine))
