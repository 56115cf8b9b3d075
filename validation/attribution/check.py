"""Is an ansatz random enough for the theory, and deep enough to concentrate?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from tqdm.auto import tqdm

from qntk.inputs.circuits import repeated
from qntk.inputs.observables import Observable
from qntk.inputs.operators import observable as read_observable
from qntk.sampling import CircuitModel
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.sampling.distributions import Angles
from qntk.sampling.draws import chunk_generator, chunk_sizes
from qntk.theory.haar.concentration import depth_for_fluctuation
from qntk.validation import SCHEMA_VERSION
from qntk.validation.attribution.advice import FLUCTUATION, advice, causes
from qntk.validation.attribution.causes import attribution, attribution_text, exact_ratios
from qntk.validation.attribution.law_page import law_document, law_sentences, own_part
from qntk.validation.attribution.own_law import OwnLaw
from qntk.validation.attribution.own_law import own_law as law_of_circuit
from qntk.validation.attribution.symmetries import own_law, time_reversal
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.estimates import MOMENTS, summarise
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.verdicts import Verdict, judge_all, judge_own

_NOTHING = 1e-18
"""Kernels below this, relative to the law's mean, are round-off."""
_PATHS = 2**20
"""Pauli strings to follow for the exact mean: less than the draws take."""


def check_document(
    circuit: QuantumCircuit | RandomCircuit,
    observable: Any,
    generator: str = "half-pauli",
    draws: int = 20_000,
    repeats: int = 4,
    seed: int = 20221114,
    family_error: float = 0.01,
    margins: Margins | None = None,
    reasons: bool = True,
) -> dict[str, Any]:
    """The verdicts on a circuit, on its repetitions, and what keeps it from the Haar-layer law.

    Args:
        circuit: with free parameters, uniform on [0, 2π), or a circuit with data and how all is drawn; a repetition
            has fresh trainable ones. Data are drawn, but not part of K.
        observable: in any spelling of ``qntk.observable``.
        generator: of the rotations, for the law: ``half-pauli`` (Qiskit's) or ``pauli``.
        draws: of K for each repetition.
        repeats: the circuit is also tried 2, 4, … times in a row, up to this.
        seed: root of all randomness.
        family_error: probability that any verdict or any of the reasons' intervals is wrong; half for each.
        margins: 5 % and 10 % by default.
        reasons: whether to look for what keeps it from the law; without, no ``attribution`` and no ``advice``.

    Raises ``ValueError`` for what is no such circuit.
    """
    random = circuit if isinstance(circuit, RandomCircuit) else RandomCircuit(circuit)
    circuit, inputs, angles = random.circuit, random.inputs, random.angles
    margins = margins or Margins()
    target = read_observable(observable, circuit.num_qubits)
    turns = [2**k for k in range(repeats.bit_length())]
    level = family_error / 2 / (len(MOMENTS) * len(turns))  # half for the verdicts, half for the reasons
    depths, first = [], None
    with tqdm(total=len(turns) * draws, desc="drawing kernels", unit="draw", unit_scale=True, delay=1) as bar:
        for turn in turns:
            deep = repeated(circuit, turn, inputs)
            kernels = _kernels(replace(random, circuit=deep), target.operator(), draws, seed, turn, bar)
            parameters = deep.num_parameters - len(inputs)
            law = kernel_law(circuit.num_qubits, parameters, observable, generator)
            if kernels.max() < _NOTHING * law.mean().value:
                raise ValueError(f"K is 0 at all angles: no parameter of the circuit moves {target.spec} from |0…0>")
            summary = summarise(kernels)
            verdicts = judge_all(summary, law, margins, level)
            ratios = {f"{s}_ratio": ratio for s, ratio in exact_ratios(verdicts).items()}
            enough = all(ratio["verdict"] == "agree" for ratio in ratios.values())
            depths.append({"repeats": turn, "parameters": parameters} | ratios | {"random_enough": enough})
            first = first or (summary, law, verdicts)
    assert first is not None
    summary, law, verdicts = first
    reversal = time_reversal(random, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 20,))))
    symmetric = reversal and own_law(law, target, *reversal)
    own = judge_own(summary, symmetric, law, margins, level) if symmetric else []
    recommended = depth_for_fluctuation(law.observable, law.generator, FLUCTUATION)
    document = {
        "schema_version": SCHEMA_VERSION,
        "qubits": circuit.num_qubits,
        "parameters": law.parameters,
        "observable": target.spec,
        "generator": generator,
        "inputs": [p.name for p in inputs],
        "angles": angles.told(),
        "draws": draws,
        "seed": seed,
        "family_error": family_error,
        "mean_ratio": depths[0]["mean_ratio"],
        "variance_ratio": depths[0]["variance_ratio"],
        "relative_std_ratio": depths[0]["relative_std_ratio"],
        "relative_std": {"estimate": summary.relative_std, "exact": law.relative_std().value},
        "plateau": law.plateau().value,
        "time_reversal": None if reversal is None else {"letter": reversal[0], "group": reversal[1]},
        "verdicts": [asdict(v) for v in verdicts],
        "symmetric": [asdict(v) for v in own],
        "own_law": _own_law(random, target, verdicts, own, reversal, margins)
        | {"group_relative_std": (symmetric or law).relative_std().value},
        "depths": depths,
        "recommended_parameters": recommended,
    }
    if not reasons:
        return document
    found = attribution(random, target, law, draws, seed, margins, family_error / 2)
    document |= {"design_distance": found["frame_potentials"]["states"] or {}, "attribution": found}
    document["attribution"]["causes"] = [name for name, _ in causes(document, margins)]
    return document | {"advice": advice(document, margins)}


def _kernels(random: RandomCircuit, observable: Any, draws: int, seed: int, key: int, bar: Any) -> NDArray[np.float64]:
    """K over the trainable parameters; angles of chunk c depend on the seed, the repetition and c alone."""
    circuit = random.circuit
    model = CircuitModel(circuit, observable, workers=1)
    names = [p.name for p in circuit.parameters]
    trainable = np.array([p not in random.inputs for p in circuit.parameters])
    sizes = chunk_sizes(draws, circuit.num_parameters, 1 << circuit.num_qubits)

    def one(chunk: int) -> NDArray[np.float64]:
        angles = random.angles.draw(chunk_generator(seed, (key,), chunk), names, sizes[chunk])
        _, gradient = model.value_and_gradient(angles)
        bar.update(sizes[chunk])
        return np.asarray((gradient[:, trainable] ** 2).sum(axis=1))

    with ThreadPoolExecutor() as pool:
        return np.concatenate(list(pool.map(one, range(len(sizes)))))


def _own_law(
    random: RandomCircuit,
    target: Observable,
    verdicts: list[Verdict],
    symmetric: list[Verdict],
    reversal: Any,
    margins: Margins,
) -> dict[str, Any]:
    """Where the circuit's mean goes in depth, and whether it is there: exactly, or as far as the draws tell.

    Without a deep limit by orbits, the law of the symmetric group that its time reversal confines it to. Both are of
    uniform angles.
    """
    circuit = random.circuit
    if random.angles.uniform:
        law = law_of_circuit(circuit, target, random.inputs, margins.mean, _PATHS, quick=True)
    else:
        weights = circuit.num_parameters - len(random.inputs)
        law = OwnLaw.none(weights, margins.mean, "its angles are not uniform on the circle")
    own = own_part(law_document(law, circuit, target, None))
    if own["mean"] is None and symmetric:
        own |= {"name": reversal[1], "mean": next(v.prediction for v in symmetric if v.statistic == "mean")}
    if own["mean"] is not None and own["reached"] is None:
        low, high = next(v.interval for v in verdicts if v.regime == "exact" and v.statistic == "mean")
        least, most = own["mean"] * (1 - margins.mean), own["mean"] * (1 + margins.mean)
        own["reached"] = True if least <= low and high <= most else False if low > most or high < least else None
    return own


def check_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [
        f"n = {document['qubits']}, L = {document['parameters']}, observable {document['observable']}, generator "
        f"{document['generator']}; {document['draws']:,} draws each, all verdicts right with probability "
        f"{1 - document['family_error']:g}",
        *document.get("remarks", []),
        *([f"angles {document['angles']}"] if document["angles"] != Angles().told() else []),
        "",
        f"{'times in a row':>14}{'L':>8}  {'mean / Haar':36}variance / Haar",
    ]
    for depth in document["depths"]:
        cells = []
        for statistic in ("mean", "variance"):
            ratio = depth[f"{statistic}_ratio"]
            low, high = ratio["interval"]
            cells.append(f"{ratio['estimate']:.3f} [{low:.3f}, {high:.3f}] {ratio['verdict']}")
        lines.append(f"{depth['repeats']:>14}{depth['parameters']:>8}  {cells[0]:36}{cells[1]}")
    lines += ["", *law_sentences(document["own_law"])]
    if "attribution" not in document:
        return "\n".join(lines)
    return "\n".join([*lines, "", *attribution_text(document["attribution"]), "", *document["advice"]])
