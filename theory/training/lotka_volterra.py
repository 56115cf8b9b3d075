r"""The closure of Lotka and Volterra for one datum, and within which change of the output it is good.

Gradient flow on ½ε² has dε/dt = -ηKε and dK/dt = -2ημε. With the relative dQNTK λ = μ/K held at its value at the start
(Zhang et al., arXiv 2311.18144), C = K - 2λε is conserved and

    ε(t) = C ε₀ e^{-ηCt} / (K₀ - 2λε₀ e^{-ηCt}),      K(t) = C + 2λε(t).

C > 0: the error dies, the kernel freezes at C. C < 0: the kernel dies, the error freezes at -C/2λ. C = 0: both fall as
1/t. In circuits of infinite depth λ = ½S c₃/v moves with the output: for two levels c₃/v = o₋ + o₊ - 2f, C/2λ is not
the distance of the label to the spectrum, and K = S v(f) is a parabola of which the closure is the tangent. It misses K
by S(f - f₀)² exactly, a share (f - f₀)²/v(f): within 5 % of K while |f - f₀| < 0.22 √v, and never to the end of
training, unless the start is close.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qntk.theory.training.arguments import Array, finite, positive


@dataclass(frozen=True)
class LotkaVolterra:
    """One datum with a constant relative dQNTK.

    Args:
        kernel: K₀ > 0.
        relative: λ = μ/K at the start.
        residual: ε₀.
        rate: η > 0 of the loss ½ε².

    >>> closure = LotkaVolterra(kernel=1.0, relative=-0.5, residual=-1.0, rate=0.1)
    >>> closure.conserved, closure.residual_at([0, 10]).round(4)
    (0.0, array([-1. , -0.5]))
    """

    kernel: float
    relative: float
    residual: float
    rate: float

    def __post_init__(self) -> None:
        """Refuse what does not train."""
        positive("kernel", self.kernel), positive("rate", self.rate)
        finite("relative", self.relative), finite("residual", self.residual)

    @property
    def conserved(self) -> float:
        """C = K - 2λε."""
        return self.kernel - 2 * self.relative * self.residual

    def residual_at(self, t: ArrayLike) -> Array:
        """ε(t), any shape; time in steps, at least 0."""
        x = self.rate * _times(t)
        C = self.conserved
        # (1 - e^{-Cx})/C, which is x for C = 0
        gone = x if C == 0 else -np.expm1(-C * x) / C
        return np.asarray(self.residual * np.exp(-C * x) / (1 + 2 * self.relative * self.residual * gone))

    def kernel_at(self, t: ArrayLike) -> Array:
        """K(t), any shape."""
        return np.asarray(self.conserved + 2 * self.relative * self.residual_at(t))


def closure_error(start: ArrayLike, output: ArrayLike, levels: tuple[float, float] = (-1.0, 1.0)) -> Array:
    """Share of K by which the closure misses it in a circuit of infinite depth: (f - f₀)²/v(f), for two levels.

    >>> closure_error(0.0, [0.2, 0.8]).round(4)
    array([0.0417, 1.7778])
    """
    f, (low, high) = finite("output", output), levels
    with np.errstate(divide="ignore"):
        return np.asarray((f - finite("start", start)) ** 2 / ((f - low) * (high - f)))


def _times(t: ArrayLike) -> Array:
    times = finite("t", t)
    if (times < 0).any():
        raise ValueError("t is below 0")
    return times
