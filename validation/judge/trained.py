"""Training curves of other people's networks of one datum, against three laws: frozen, flow and corrected.

Every law starts from each network's own output and kernel, f(0) and K(0), and has no free parameter: K stays (frozen),
follows K = S v(f) (flow of infinite depth), or K = S v(f) exp(-c k₁) (first order in c = (2D-2)/L). With more than two
levels v is no function of f: the flow is imaginary time, from each final state's weights on the levels, and there is no
corrected law here. What is judged is the mean over networks of (seen - foretold), network by network, of the residual
ε, counted in the direction in which it started, of K, and of μ where that is given, with Student's t interval: each of
the intervals misses with probability family_error/N.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from qntk.theory.training.arguments import finite, positive, scalar, two_levels
from qntk.theory.training.imaginary_time import imaginary_time
from qntk.theory.training.one_datum import VALID, flow_one
from qntk.validation import SCHEMA_VERSION

Array = NDArray[np.float64]
FEWEST = 8
"""Networks below which a mean has no t interval that can be relied on."""
MARGIN = 0.1
FLOOR = 1e-3
"""Differences below this share of the spectrum's half width h, of S h² or of S² h³ count as agreement, however small ε,
K and μ are."""
Curves = dict[str, Array]


def trained_document(
    residuals: ArrayLike,
    kernels: ArrayLike,
    target: float,
    rate: float,
    levels: Sequence[float],
    trace: float,
    correction: float,
    strength: float | None = None,
    every: int = 1,
    steps: Sequence[int] | None = None,
    margin: float = MARGIN,
    family_error: float = 0.01,
    dqntks: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    unstable: bool = False,
) -> dict[str, Any]:
    """Verdicts on curves, a row for each law, quantity and step.

    Args:
        residuals, kernels: ε = f - y and K = Σ(∂f)² along the way, shape (networks, times), the first at no step.
        target: y, the same for all networks; inside the spectrum, at its edge or beyond.
        rate: η of gradient descent on ½ε².
        levels, trace: the eigenvalues of O, ascending, and Tr O/D.
        correction: c = (2D-2)/L of the corrected law.
        strength: S = 2Lκ of all circuits; by default K(0)/v(0) of each network.
        every: steps of training between two times.
        steps: at which to judge, multiples of ``every``; by default an eighth, a quarter, a half and all of them.
        margin: share of the mean foretold that counts as agreement.
        family_error: probability that any interval misses, as far as means of these networks are Student's.
        dqntks: μ along the way, likewise; not judged if not given.
        weights: of each final state at the start on the levels, shape (networks, levels); needed for more than two.
        unstable: follow the laws beyond their critical rate, which is refused otherwise.

    Raises ``ValueError`` or ``TypeError``, one line, for curves, levels, steps or numbers that fit no such training.
    """
    outermost = (float(levels[0]), float(levels[-1]))
    centre, half = two_levels(outermost)
    y, eta = float(finite("target", target, ())), scalar("rate", rate)
    seen = {"residual": _curves("residuals", residuals), "kernel": _curves("kernels", kernels)}
    if dqntks is not None:
        seen["dqntk"] = _curves("dQNTKs", dqntks)
    error, K = seen["residual"], seen["kernel"]
    for name, values in seen.items():
        if values.shape != error.shape:
            raise ValueError(
                f"residuals have shape {error.shape}, {name}s {values.shape}; give all of them (networks, times)"
            )
    if (K < 0).any():
        raise ValueError(f"a kernel is {K.min():g}; K is a sum of squares, estimates from shots are not judged here")
    for name, share in (("margin", margin), ("family error", family_error)):
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share}; give a number between 0 and 1")
    out = np.abs(error + y - centre).max(axis=1) - half
    if out.max() > 1e-6 * half:
        raise ValueError(
            f"output {out.argmax()} leaves the spectrum [{outermost[0]:g}, {outermost[1]:g}] by {out.max():.3g}: "
            f"residuals are f - y, with the target y = {y:g} and the levels of this observable"
        )
    at = _times(steps, every, error.shape[1])
    f0 = error[:, 0] + y
    p = None if len(levels) == 2 and weights is None else _weights(weights, np.asarray(levels, dtype=float), f0)
    v0 = half**2 - (f0 - centre) ** 2 if p is None else p @ np.square(levels) - f0**2
    S = K[:, 0] / np.maximum(v0, 1e-300) if strength is None else np.full(len(K), scalar("strength", strength))
    positive("kernel at the start", S)
    last = max(at)
    told, trusted = {"frozen": _frozen({name: values[:, 0] for name, values in seen.items()}, eta, last)}, np.empty(0)
    if p is None:
        for law, c in (("flow", 0.0), ("corrected", correction)):
            run = flow_one(f0, y, eta, S, last, c, trace, levels=outermost, unstable=unstable)
            told[law] = {"residual": run.residual.T, "kernel": run.kernel.T, "dqntk": run.dqntk.T}
            trusted = np.abs(run.exponent).max(axis=1)
    else:
        told["flow"] = _imaginary(np.asarray(levels, dtype=float), p, y, eta, S, last, unstable)
    scale = {"residual": half, "kernel": float(S.mean()) * half**2, "dqntk": float((S**2).mean()) * half**3}
    floors = {name: FLOOR * value for name, value in scale.items()}
    level = family_error / (len(told) * len(seen) * len(at))
    ahead = {name: np.sign(error[:, 0]) if name == "residual" else np.ones(len(K)) for name in seen}
    rows = []
    for law in told:
        for quantity, values in seen.items():
            for step in at:
                pair = (ahead[quantity] * values[:, step // every], ahead[quantity] * told[law][quantity][:, step])
                row = _row(*pair, margin, floors[quantity], level)
                holds = law != "corrected" or bool(trusted[: step + 1].max() < VALID)
                rows.append({"law": law, "quantity": quantity, "step": step, **row, "in_range": holds})
    return {
        "schema_version": SCHEMA_VERSION,
        "networks": len(K),
        "target": y,
        "rate": eta,
        "levels": [float(value) for value in levels],
        "strength": "K(0)/v(0)" if strength is None else float(strength),
        "correction": float(correction),
        "margin": margin,
        "family_error": family_error,
        "intervals": len(rows),
        "verdicts": rows,
    }


def trained_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [
        trained_title(document),
        "",
        f"{'law':11}{'quantity':10}{'step':>7}{'foretold':>12}{'seen':>12}{'interval':>26}  verdict",
    ]
    for row in document["verdicts"]:
        low, high = row["interval"]
        aside = "" if row["in_range"] else " (beyond its range, c k₁ > 0.4)"
        lines.append(
            f"{row['law']:11}{row['quantity']:10}{row['step']:7}{row['prediction']:12.5g}{row['estimate']:12.5g}"
            f"{f'[{low:.5g}, {high:.5g}]':>26}  {row['verdict']}{aside}"
        )
    return "\n".join([*lines, "", trained_promise(document)])


def trained_title(document: dict[str, Any]) -> str:
    """What was compared."""
    low, *between, high = document["levels"]
    told = f"levels {low:g} and {high:g}" if not between else f"{len(between) + 2} levels from {low:g} to {high:g}"
    return (
        f"{document['networks']} trained networks, target {document['target']:g} of {told}, "
        f"rate {document['rate']:.4g}, c = {document['correction']:.3g}, S = {document['strength']}"
    )


def trained_promise(document: dict[str, Any]) -> str:
    """With which probability a verdict is wrong."""
    return (
        f"No verdict is wrong with probability {1 - document['family_error']:.3g} ({document['intervals']} intervals), "
        f"as far as means of {document['networks']} independent networks are Student's; agreement is within "
        f"{100 * document['margin']:.3g} % of the mean foretold, or {FLOOR:g} of the spectrum's scale."
    )


def _curves(name: str, values: ArrayLike) -> Array:
    array = finite(name, values)
    if array.ndim != 2 or array.shape[0] < FEWEST or array.shape[1] < 2:
        raise ValueError(
            f"{name} have shape {array.shape}; give (networks, times), at least {FEWEST} networks and 2 times"
        )
    return array


def _times(steps: Sequence[int] | None, every: int, times: int) -> list[int]:
    if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
        raise ValueError(f"every is {every!r}; give a whole number of steps, 1 or more")
    if steps is None:
        return sorted({every * max(1, (times - 1) // part) for part in (8, 4, 2, 1)})
    last = every * (times - 1)
    chosen = sorted(set(steps))
    amiss = [s for s in chosen if isinstance(s, bool) or int(s) != s or not 0 < s <= last or s % every]
    if amiss or not chosen:
        what = f"step {amiss[0]} is not among the curves'" if amiss else "steps are empty"
        raise ValueError(f"{what}; give multiples of {every} from {every} to {last}")
    return [int(s) for s in chosen]


def _weights(weights: ArrayLike | None, levels: Array, outputs: Array) -> Array:
    """Of the final states at the start, shape (networks, levels), as far as they fit the outputs."""
    if weights is None:
        raise ValueError(
            f"the observable has more than two levels, {len(levels)}; give weights, of each final state at the start "
            "on them"
        )
    p = finite("weights", weights)
    if p.shape != (len(outputs), len(levels)):
        raise ValueError(f"weights have shape {p.shape}; give (networks, levels), {(len(outputs), len(levels))}")
    off = float(np.abs(p @ levels - outputs).max())
    if off > 1e-6 * np.ptp(levels):
        raise ValueError(f"weights and residuals contradict each other: f(0) is not Σ p_k o_k, by {off:.3g}")
    return p


def _imaginary(
    levels: Array, weights: Array, target: float, rate: float, strength: Array, steps: int, unstable: bool
) -> Curves:
    """The flow of any observable, network by network."""
    runs = [
        imaginary_time(levels, p, target, rate, float(S), steps, unstable=unstable)
        for p, S in zip(weights, strength, strict=True)
    ]
    return {
        "residual": np.array([run.residual for run in runs]),
        "kernel": np.array([run.kernel for run in runs]),
        "dqntk": np.array([run.dqntk for run in runs]),
    }


def _frozen(start: Curves, rate: float, steps: int) -> Curves:
    """ε of a kernel that stays, by gradient descent, that kernel, and a dQNTK that stays as well."""
    residual = start["residual"][:, None] * (1 - rate * start["kernel"][:, None]) ** np.arange(steps + 1)
    held = {name: np.broadcast_to(v[:, None], residual.shape) for name, v in start.items() if name != "residual"}
    return {"residual": residual, **held}


def _row(seen: Array, told: Array, margin: float, floor: float, level: float) -> dict[str, Any]:
    """The mean difference, and the verdict of its interval."""
    gap, foretold = seen - told, float(told.mean())
    width = float(student.isf(level / 2, len(gap) - 1) * gap.std(ddof=1) / math.sqrt(len(gap)))
    low, high, room = gap.mean() - width, gap.mean() + width, max(margin * abs(foretold), floor)
    outcome: Literal["agree", "disagree", "inconclusive"] = "inconclusive"
    if -room <= low and high <= room:
        outcome = "agree"
    elif low > room or high < -room:
        outcome = "disagree"
    ends = [float(foretold + low), float(foretold + high)]
    return {
        "prediction": foretold,
        "estimate": float(seen.mean()),
        "interval": ends,
        "margin": room,
        "level": level,
        "verdict": outcome,
    }
