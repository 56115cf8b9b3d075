"""What to make of a check: one sentence for each thing that its numbers support, and none for what they do not.

A cause is named only if the circuit as it is disagrees with the Haar-layer law. Statistical ones need a whole interval
on the far side of the margin: F_t over Haar above 1 + margin, a part of the variance beyond half of it (if two parts
add up to more than the margin, one of them is beyond half), or a verdict. Symmetries and gradients that vanish are
found at random angles to round-off, not by intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from qntk.validation.attribution.symmetries import parity
from qntk.validation.judge.claims import Margins

EXPLAINED = ("mean", "variance")
"""Statistics that reasons are given for; ΔK/K̄ is off where one of them is."""
_NAMES = {"mean": "mean", "variance": "variance", "relative_std": "ΔK/K̄"}
FLUCTUATION = 0.1
"""ΔK/K̄ that ``recommended_parameters`` is for."""
_NAMED = 6
"""Parameters named in a sentence."""


def advice(document: dict[str, Any], margins: Margins) -> list[str]:
    """All sentences on a check's document: is it random enough and from where on, why not, and what to change."""
    found = list(causes(document, margins))
    return [*_randomness(document, bool(found)), *(says for _, says in found), *_change(document, margins, found)]


def causes(document: dict[str, Any], margins: Margins) -> Iterator[tuple[str, str]]:
    """Name and sentence of each cause.

    Names: untouched, dead, time reversal, conserved, states, unitaries, generator, ends, inside, repetition, singles,
    pairs.
    """
    wrong = [s for s in EXPLAINED if document[f"{s}_ratio"]["verdict"] == "disagree"]
    if not wrong:
        return
    reasons, profile = document["attribution"], document["attribution"]["profile"]
    idle = reasons.get("untouched", [])
    if idle:
        many = f"qubits {', '.join(map(str, idle))} are" if len(idle) > 1 else f"qubit {idle[0]} is"
        yield "untouched", f"No gate acts on some qubits: {many} untouched, so that K follows no law of all of them."
    dead, total = len(profile["dead"]), len(profile["parameters"])
    if dead:
        yield (
            "dead",
            f"{dead} of {total} parameters never move {document['observable']}, at any angle: each takes "
            f"{1 / total:.2%} off the mean.",
        )
    symmetric = bool(document["time_reversal"] or idle)
    if document["time_reversal"]:
        reversal = document["time_reversal"]
        outcome = ", ".join(f"{_NAMES[v['statistic']]} {v['verdict']}" for v in document["symmetric"])
        yield (
            "time reversal",
            f"All gates keep the time reversal {reversal['letter']}…{reversal['letter']}·conj: the group is "
            f"{reversal['group']}" + (f"; against its own law: {outcome}." if outcome else "."),
        )
    conserved = reasons["conserved"]
    if conserved and conserved["alone"]["dimension"] > 4 ** len(idle):  # all operators on untouched qubits are kept
        kept = conserved["repeated"]["dimension"]
        symmetric = symmetric or kept > 1
        sectors = conserved["alone"]["sectors"]
        sizes = ", ".join(map(str, sectors[:_NAMED])) + (", …" if len(sectors) > _NAMED else "")
        yield (
            "conserved",
            f"It conserves quantities: {conserved['alone']['dimension']} independent operators commute with all that "
            f"it does, in sectors of size {sizes}. "
            + (
                "Repetition breaks this."
                if kept == 1
                else f"Repetition keeps {kept} of them: K follows no unitary law, at any depth."
            ),
        )
    yield from _designs(reasons["frame_potentials"], margins)
    yield from _scrambled(document, wrong, symmetric)
    if "variance" in wrong:
        yield from _parts(document, margins)


def _designs(potentials: dict[str, Any], margins: Margins) -> Iterator[tuple[str, str]]:
    for kind, found in potentials.items():
        for t, potential in enumerate((found or {}).values(), start=1):
            margin = margins.mean if t <= 2 else margins.variance
            low, high = potential["interval"]
            if low > 1 + margin:
                ratio = f"{potential['ratio']:.3g} [{low:.3g}, {high:.3g}]"
                yield kind, f"Its output {kind} are no {t}-design: F{t} is {ratio} times Haar's."
                break


def _scrambled(document: dict[str, Any], wrong: Sequence[str], symmetric: bool) -> Iterator[tuple[str, str]]:
    """Generators, ends, gates between them, repetition; a symmetry that repetition keeps implies the last three."""
    found = document["attribution"]["scrambled"]
    if not found:
        return
    mean = found["alone"]["mean"]
    if mean["verdict"] == "disagree":
        yield (
            "generator",
            f"Its generators are not the law's ({document['generator']}, one for each parameter): between Haar-random "
            f"ends the mean depends on their size alone, and is {mean['estimate']:.3f} times Haar's.",
        )
        return
    if symmetric:
        return
    share = document["attribution"]["profile"]["mean"]["share_of_ends"]
    ends = [s for s in wrong if found["alone"][s]["verdict"] == "agree"]
    inside = [s for s in wrong if found["alone"][s]["verdict"] == "disagree"]
    if ends:
        values = " and ".join(f"the {s} is {document[f'{s}_ratio']['estimate']:.3f} of Haar's" for s in ends)
        whose = "" if share is None or "mean" not in ends else _share(share)
        yield "ends", f"Its ends are at fault: {values}; between Haar-random ends it agrees{whose}."
    if inside:
        values = " and ".join(f"the {s} is {found['alone'][s]['estimate']:.3f} of Haar's" for s in inside)
        yield "inside", f"Its gates are too few or too regular: between Haar-random ends too {values}."
    both = [
        s for s in wrong if found["twice"][s]["verdict"] == "disagree" and found["twice_fresh"][s]["verdict"] == "agree"
    ]
    if both:
        yield (
            "repetition",
            f"The fixed step from one repetition to the next matters: with a Haar-random unitary there the "
            f"{' and '.join(both)} agrees, without it not.",
        )


def _share(share: float) -> str:
    return f"; the first and last tenth of its parameters make {share:.0%} of the mean's deviation" if share > 0 else ""


def _parts(document: dict[str, Any], margins: Margins) -> Iterator[tuple[str, str]]:
    """Parts that move the variance the way in which it is off."""
    profile, up = document["attribution"]["profile"], document["variance_ratio"]["estimate"] > 1
    texts = {"singles": "single parameters", "pairs": "correlations between parameters"}
    for part, text in texts.items():
        adds = profile["variance"][part]["adds"]
        low, high = adds["interval"]
        if (low if up else -high) > margins.variance / 2:
            found, where = profile["correlation"], ""
            if part == "pairs" and found["neighbours"] and found["distant"]:
                where = (
                    f" (of neighbours {found['neighbours']['estimate']:.2g}, of distant ones "
                    f"{found['distant']['estimate']:.2g}, Haar {found['law']:.2g})"
                )
            yield part, f"The variance is off by {adds['estimate']:+.2f} of Haar's through {text}{where}."


def _randomness(document: dict[str, Any], explained: bool) -> Iterator[str]:
    enough = [d for d in document["depths"] if d["random_enough"]]
    last = document["depths"][-1]
    if not enough:
        yield f"Not random enough, not even {last['repeats']} times in a row (L = {last['parameters']})."
    elif enough[0]["repeats"] == 1:
        yield "Random enough: mean, variance and ΔK/K̄ agree with the Haar-layer law."
    else:
        start = enough[0]
        yield f"Random enough from {start['repeats']} repetitions (L = {start['parameters']}) on, not alone."
    first = document["depths"][0]
    if not first["random_enough"] and not explained:
        yield "No cause is resolved: more draws (--draws) narrow the intervals."


def _change(document: dict[str, Any], margins: Margins, found: list[tuple[str, str]]) -> Iterator[str]:
    names = {name for name, _ in found}
    if "dead" in names:
        dead = document["attribution"]["profile"]["dead"]
        more = f" and {len(dead) - _NAMED} more" if len(dead) > _NAMED else ""
        yield f"Remove the parameters that do nothing: {', '.join(dead[:_NAMED])}{more}."
    if "untouched" in names:
        idle = document["attribution"]["untouched"]
        yield f"Drop qubit {', '.join(map(str, idle))} from the circuit, or entangle it with the others."
    if "generator" in names:
        yield "Give each parameter one rotation, or choose the law's generator (--generator)."
    kept = document["attribution"]["conserved"] and document["attribution"]["conserved"]["repeated"]["dimension"] > 1
    if kept and "conserved" in names:
        yield "Add gates that do not conserve these quantities, if K is to follow the unitary law."
    elif "time reversal" in names:
        letter = document["time_reversal"]["letter"]
        even = [f"R{p}" for p in ("X", "Y", "Z", "XX", "YY", "ZZ") if not parity(letter, p)]
        yield f"Break the time reversal by a rotation that is even under it ({', '.join(even)}), or use that law."
    elif _limit(document) is False:
        yield "No number of layers makes it Haar; its own law is what to hold it against (qntk predict --circuit)."
    elif found and "untouched" not in names:
        exact = document["own_law"]["depth"] if _limit(document) else None
        yield from _deeper(document["depths"], margins, exact)
    yield from _concentration(document)


def _limit(document: dict[str, Any]) -> bool | None:
    """Whether the circuit's deep limit is that of the nearest Haar group; None where that is not known."""
    haar = document.get("own_law", {}).get("haar")
    return haar["limit"] if haar else None


def _deeper(depths: list[dict[str, Any]], margins: Margins, exact: int | None) -> Iterator[str]:
    """Repetitions at which the rest falls below the margins, if it shrank last and goes on as 1/depth.

    ``exact`` are those of the mean, where its own law tells.
    """
    agreed = [d["repeats"] for d in depths if d["random_enough"]]
    if agreed:
        yield f"Add layers: {agreed[0]} repetitions are enough."
        return
    needed = []
    for statistic in EXPLAINED:
        if statistic == "mean" and exact is not None:
            needed.append(exact)
            continue
        rest = [abs(d[f"{statistic}_ratio"]["estimate"] - 1) for d in depths]
        margin = getattr(margins, statistic)
        if rest[-1] > margin and (len(rest) < 2 or rest[-1] >= rest[-2]):
            yield "Add layers; from these depths it cannot be said how many."
            return
        needed.append(math.ceil(depths[-1]["repeats"] * rest[-1] / margin))
    if max(needed) > depths[-1]["repeats"]:
        yield f"Add layers: about {max(needed)} repetitions, if what is left fades as 1/depth."


def _concentration(document: dict[str, Any]) -> Iterator[str]:
    spread, plateau = document["relative_std"], document["plateau"]
    yield (
        f"ΔK/K̄ is {spread['estimate']:.1%} ({spread['exact']:.1%} for Haar layers, {plateau:.1%} at any greater depth)."
    )
    target = f"ΔK/K̄ below {FLUCTUATION:.0%}"
    if document["recommended_parameters"] is None:
        yield f"{target} at no depth: the plateau is {plateau:.3%}. Change the observable."
    else:
        yield f"{target} needs L >= {document['recommended_parameters']} in Haar layers."
