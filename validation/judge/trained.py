"""Training curves of other people's networks of one datum, against three laws: frozen, flow and corrected.

Every law starts from each network's own output and kernel, f(0) and K(0), and has no free parameter: K stays (frozen),
follows K = S v(f) (flow of infinite depth), or K = S v(f) exp(-c k₁) (first order in c = (2D-2)/L). What is judged is
the mean over networks of (seen - foretold), network by network, of the residual ε, counted in the direction in which it
started, and of K, with Student's t interval: each of the intervals misses with probability family_error/N.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from qntk.theory.training.arguments import finite, positive, scalar, two_levels
from qntk.theory.training.one_datum import VALID, flow_one
from qntk.validation import SCHEMA_VERSION

Array = NDArray[np.float64]
FEWEST = 8
"""Networks below which a mean has no t interval that can be relied on."""
MARGIN = 0.1
FLOOR = 1e-3
"""Differences below this share of the spectrum's half width h, or of S h², count as agreement however small ε and K."""
LAWS = ("frozen", "flow", "corrected")


def trained_document(
    residuals: ArrayLike,
    kernels: ArrayLike,
    target: float,
    rate: float,
    levels: tuple[float, float],
    trace: float,
    correction: float,
    strength: float | None = None,
    every: int = 1,
    steps: Sequence[int] | None = None,
    margin: float = MARGIN,
    family_error: float = 0.01,
) -> dict[str, Any]:
    """Verdicts on curves, a row for each law, quantity and step.

    Args:
        residuals, kernels: ε = f - y and K = Σ(∂f)² along the way, shape (networks, times), the first at no step.
        target: y, the same for all networks; inside the spectrum, at its edge or beyond.
        rate: η of gradient descent on ½ε².
        levels, trace: the two eigenvalues of O, and Tr O/D.
        correction: c = (2D-2)/L of the corrected law.
        strength: S = 2Lκ of all circuits; by default K(0)/v(0) of each network.
        every: steps of training between two times.
        steps: at which to judge, multiples of ``every``; by default an eighth, a quarter, a half and all of them.
        margin: share of the mean foretold that counts as agreement.
        family_error: probability that any interval misses, as far as means of these networks are Student's.

    Raises ``ValueError`` or ``TypeError``, one line, for curves, levels, steps or numbers that fit no such training.
    """
    centre, half = two_levels(levels)
    y, eta = float(finite("target", target, ())), scalar("rate", rate)
    seen = {"residual": _curves("residuals", residuals), "kernel": _curves("kernels", kernels)}
    error, K = seen["residual"], seen["kernel"]
    if error.shape != K.shape:
        raise ValueError(f"residuals have shape {error.shape}, kernels {K.shape}; give both (networks, times)")
    if (K < 0).any():
        raise ValueError(f"a kernel is {K.min():g}; K is a sum of squares, estimates from shots are not judged here")
    for name, share in (("margin", margin), ("family error", family_error)):
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share}; give a number between 0 and 1")
    out = np.abs(error + y - centre).max(axis=1) - half
    if out.max() > 1e-6 * half:
        raise ValueError(
            f"output {out.argmax()} leaves the spectrum [{levels[0]:g}, {levels[1]:g}] by {out.max():.3g}: residuals "
            f"are f - y, with the target y = {y:g} and the levels of this observable"
        )
    at = _times(steps, every, error.shape[1])
    f0 = error[:, 0] + y
    v0 = half**2 - (f0 - centre) ** 2
    S = K[:, 0] / np.maximum(v0, 1e-300) if strength is None else np.full(len(K), scalar("strength", strength))
    positive("kernel at the start", S)
    last = max(at)
    told, trusted = {"frozen": _frozen(error[:, 0], K[:, 0], eta, last)}, np.empty(0)
    for law, c in (("flow", 0.0), ("corrected", correction)):
        run = flow_one(f0, y, eta, S, last, c, trace, levels=levels)
        told[law] = {"residual": run.residual.T, "kernel": run.kernel.T}
        trusted = np.abs(run.exponent).max(axis=1)
    floors = {"residual": FLOOR * half, "kernel": FLOOR * float(S.mean()) * half**2}
    level = family_error / (len(LAWS) * 2 * len(at))
    ahead = {"residual": np.sign(error[:, 0]), "kernel": np.ones(len(K))}
    rows = []
    for law in LAWS:
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
        "levels": [float(levels[0]), float(levels[1])],
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
    low, high = document["levels"]
    return (
        f"{document['networks']} trained networks, target {document['target']:g} of levels {low:g} and {high:g}, "
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


def _frozen(start: Array, kernel: Array, rate: float, steps: int) -> dict[str, Array]:
    """ε of a kernel that stays, by gradient descent, and that kernel."""
    residual = start[:, None] * (1 - rate * kernel[:, None]) ** np.arange(steps + 1)
    return {"residual": residual, "kernel": np.broadcast_to(kernel[:, None], residual.shape)}


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
