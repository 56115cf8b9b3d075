"""Why a circuit's K differs from the Haar-layer law: the numbers, in one document.

Five questions, each with an estimate of its own: are output states and unitaries as spread as Haar's, what do the gates
keep at all angles, what becomes of K between Haar-random ends, which parameters carry the mean, and whether a wrong
variance is theirs or their correlations'. Sixteen intervals decide something and share an error; ``attribution.advice``
reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from qntk.inputs.observables import Observable
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.theory import KernelLaw
from qntk.validation.attribution.frame_potentials import circuit_potentials
from qntk.validation.attribution.gate_list import GateList
from qntk.validation.attribution.gradient_profile import gradient_profile
from qntk.validation.attribution.scrambled import LARGEST_QUBITS, scrambled_draws, scrambled_kernels
from qntk.validation.attribution.symmetries import Commutant, commutants, untouched
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.estimates import summarise
from qntk.validation.judge.verdicts import Verdict, judge_all

INTERVALS = 16
"""F_1 … F_4 twice; mean and variance between Haar-random ends, alone and in two kinds of pairs; two parts of Var K."""
SCRAMBLED = {
    "alone": (1, False, "between Haar-random ends"),
    "twice": (2, False, "twice in a row between them"),
    "twice_fresh": (2, True, "the same, Haar-random between"),
}
"""Times in a row, whether a Haar-random unitary stands between, and how a person reads it."""


def attribution(
    random: RandomCircuit,
    target: Observable,
    law: KernelLaw,
    draws: int,
    seed: int,
    margins: Margins,
    family_error: float,
) -> dict[str, Any]:
    """The numbers behind a verdict on a circuit.

    Args:
        random: the circuit, its data, and how all parameters are drawn.
        target: the observable.
        law: of Haar layers, with the circuit's trainable parameters.
        draws: of gradients as they are; between Haar-random ends as many, or fewer where they cost seconds.
        seed: root of all randomness.
        margins: relative differences that count as agreement.
        family_error: probability that any of the 16 deciding intervals misses.

    What is too large to compute is None: frame potentials beyond 12 qubits (6 for unitaries), all else beyond 8.
    """
    level = family_error / INTERVALS
    gates, circuit = GateList(random.circuit), random.circuit
    with tqdm(total=3 + len(SCRAMBLED) + 1, desc="looking for reasons", unit="step") as bar:
        profile = gradient_profile(random, target.operator(), law, draws, seed, level)
        bar.update()
        states = circuit_potentials(random, "states", seed, level)
        bar.update()
        unitaries = circuit_potentials(random, "unitaries", seed, level)
        bar.update()
        conserved = commutants(random, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 24,))))
        bar.update()
        scrambled = {}
        for name, (times, fresh, _) in SCRAMBLED.items():
            if circuit.num_qubits > LARGEST_QUBITS:
                break
            some = scrambled_draws(times * gates.cost, circuit.num_qubits, draws)
            kernels = scrambled_kernels(random, target.operator(), some, seed, times, fresh)
            longer = replace(law, parameters=times * law.parameters)
            ratios = exact_ratios(judge_all(summarise(kernels), longer, margins, level))
            scrambled[name] = {"draws": some} | {statistic: ratios[statistic] for statistic in ("mean", "variance")}
            bar.update()
    idle = untouched(circuit)
    return ({"untouched": idle} if idle else {}) | {
        "family_error": family_error,
        "intervals": INTERVALS,
        "confidence": 1 - level,
        "frame_potentials": {"states": states, "unitaries": unitaries},
        "conserved": conserved and {"alone": _commutant(conserved[0]), "repeated": _commutant(conserved[1])},
        "scrambled": scrambled or None,
        "profile": profile,
    }


def exact_ratios(verdicts: list[Verdict]) -> dict[str, Any]:
    """Moments over the exact law, with interval and verdict."""
    return {v.statistic: _ratio(v) for v in verdicts if v.regime == "exact"}


def attribution_text(document: dict[str, Any]) -> list[str]:
    """The same for a person, a line each."""
    share = f"{100 * document['family_error']:g} %"
    lines = [f"Reasons ({document['intervals']} intervals share an error of {share}; those marked * are 99 % each)"]
    for kind, found in document["frame_potentials"].items():
        if found:
            cells = [f"{name} {_cell(p['ratio'], p['interval'])}" for name, p in found.items()]
            lines.append(f"  frame potentials of the {kind} over Haar: {', '.join(cells)}")
    if document["conserved"]:
        alone, repeated = (document["conserved"][k]["dimension"] for k in ("alone", "repeated"))
        lines.append(f"  dimension of the commutant (1: nothing is conserved): {alone}, repeated {repeated}")
    for name, found in (document["scrambled"] or {}).items():
        cells = [f"{s} {_cell(found[s]['estimate'], found[s]['interval'])}" for s in ("mean", "variance")]
        lines.append(f"  {SCRAMBLED[name][2]}, over Haar: {', '.join(cells)}")
    profile = document["profile"]
    lines.append(
        f"  E g² of a parameter over Haar: {profile['smallest']:.3g} to {profile['largest']:.3g}, median "
        f"{profile['median']:.3g}; {len(profile['dead'])} of {len(profile['parameters'])} are always 0"
    )
    mean = profile["mean"]
    parts = [
        f"{label} {_signed(mean[key])}"
        for key, label in (("deviation", "all"), ("first_tenth", "first tenth"), ("last_tenth", "last tenth"))
    ]
    lines.append(f"  parameters add to the mean over Haar*: {', '.join(parts)}")
    adds = {k: profile["variance"][k]["adds"] for k in ("singles", "pairs")}
    lines.append(
        f"  added to the variance over Haar: by single parameters {_signed(adds['singles'])}, by correlations "
        f"{_signed(adds['pairs'])}"
    )
    found = profile["correlation"]
    cells = [f"{k} {_signed(found[k])}" for k in ("neighbours", "distant") if found[k]]
    if cells:
        lines.append(f"  correlation of g² between parameters*: {', '.join(cells)}; Haar {found['law']:.2g}")
    return lines


def _commutant(found: Commutant) -> dict[str, Any]:
    sectors = list(found.sectors)
    return {"dimension": found.dimension, "abelian": found.abelian, "sectors": sectors}


def _ratio(verdict: Verdict) -> dict[str, Any]:
    low, high = (end / verdict.prediction for end in verdict.interval)
    return {"estimate": verdict.estimate / verdict.prediction, "interval": [low, high], "verdict": verdict.verdict}


def _cell(value: float, interval: Sequence[float]) -> str:
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _signed(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['estimate']:+.3f} [{low:+.3f}, {high:+.3f}]"
