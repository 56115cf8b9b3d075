"""Is an ansatz random enough for the theory, and deep enough to concentrate?"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Statevector
from scipy.stats import norm
from tqdm import tqdm

from sampling import CircuitModel
from sampling.draws import chunk_generator, chunk_sizes
from theory import KernelLaw
from theory.concentration import depth_for_fluctuation
from theory.symmetric import Group, SymmetricKernelLaw
from validation import SCHEMA_VERSION
from validation.circuits import repeated, time_reversal
from validation.estimates import summarise
from validation.law import kernel_law
from validation.observables import Observable, parse_observable
from validation.verdicts import Margins, Verdict, judge_all, judge_own

FLUCTUATION = 0.1
"""ΔK/K̄ that ``recommended_parameters`` is for."""
_STATES = 256


def check_document(
    circuit: QuantumCircuit,
    observable: str,
    inputs: Sequence[Parameter] = (),
    generator: str = "half-pauli",
    draws: int = 20_000,
    repeats: int = 4,
    seed: int = 0,
    family_error: float = 0.01,
    margins: Margins | None = None,
) -> dict[str, Any]:
    """The verdicts on a circuit, on its repetitions, and what keeps it from the Haar-layer law.

    Args:
        circuit: with free parameters, all uniform on [0, 2π); a repetition has fresh ones.
        observable: as on the command line.
        inputs: parameters that are data; drawn like the others, but not part of K.
        generator: of the rotations, for the law: ``half-pauli`` (Qiskit's) or ``pauli``.
        draws: of K for each repetition.
        repeats: the circuit is also tried 2, 4, … times in a row, up to this.
        seed: root of all randomness.
        family_error: probability that any verdict is wrong.
        margins: 5 % and 10 % by default.

    Raises ``ValueError`` for what is no such circuit.
    """
    margins = margins or Margins()
    target = parse_observable(observable, circuit.num_qubits)
    turns = [2**k for k in range(repeats.bit_length())]
    level = family_error / (2 * len(turns))
    depths, first = [], None
    with tqdm(total=len(turns) * draws, desc="drawing kernels", unit="draw", unit_scale=True) as bar:
        for turn in turns:
            deep = repeated(circuit, turn, inputs)
            summary = summarise(_kernels(deep, target.operator(), inputs, draws, seed, turn, bar))
            parameters = deep.num_parameters - len(inputs)
            law = kernel_law(circuit.num_qubits, parameters, observable, generator)
            verdicts = judge_all(summary, law, margins, level)
            exact = {v.statistic: v for v in verdicts if v.regime == "exact"}
            depths.append(
                {"repeats": turn, "parameters": parameters} | {f"{s}_ratio": _ratio(v) for s, v in exact.items()}
            )
            depths[-1]["random_enough"] = all(v.verdict == "agree" for v in exact.values())
            first = first or (summary, law, verdicts)
    assert first is not None
    summary, law, verdicts = first
    reversal = time_reversal(circuit, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 20,))))
    symmetric = reversal and _symmetric_law(law, target, *reversal)
    own = judge_own(summary, symmetric, margins, level) if symmetric else []
    recommended = depth_for_fluctuation(law.observable, law.generator, FLUCTUATION)
    document = {
        "schema_version": SCHEMA_VERSION,
        "qubits": circuit.num_qubits,
        "parameters": law.parameters,
        "observable": observable,
        "generator": generator,
        "draws": draws,
        "seed": seed,
        "family_error": family_error,
        "mean_ratio": depths[0]["mean_ratio"],
        "variance_ratio": depths[0]["variance_ratio"],
        "relative_std": {"estimate": summary.relative_std, "exact": law.relative_std().value},
        "plateau": law.plateau().value,
        "design_distance": frame_potentials(circuit, seed),
        "time_reversal": None if reversal is None else {"letter": reversal[0], "group": reversal[1]},
        "verdicts": [asdict(v) for v in verdicts],
        "symmetric": [asdict(v) for v in own],
        "depths": depths,
        "recommended_parameters": recommended,
    }
    return document | {"advice": _advice(document)}


def frame_potentials(circuit: QuantumCircuit, seed: int, orders: int = 2) -> dict[str, Any]:
    """F_t = E |<ψ|ψ'>|^{2t} of the output states over the Haar value 1/C(D+t-1, t), which is the least there is.

    The mean over all pairs of 256 random states (unbiased) with a jackknife standard error and a 99 % normal interval;
    1 for a state t-design, t = 1 … ``orders``.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 21,)))
    angles = rng.uniform(0, 2 * np.pi, (_STATES, circuit.num_parameters))
    states = np.array(
        [Statevector(circuit.assign_parameters(a)).data for a in tqdm(angles, desc="frame potentials", unit="state")]
    )
    overlaps = np.abs(states.conj() @ states.T) ** 2
    np.fill_diagonal(overlaps, 0.0)
    result = {}
    for t in range(1, orders + 1):
        haar = 1 / comb(states.shape[1] + t - 1, t)
        rows = (overlaps**t).sum(axis=1)
        value = rows.sum() / (_STATES * (_STATES - 1)) / haar
        left_out = (rows.sum() - 2 * rows) / ((_STATES - 1) * (_STATES - 2)) / haar
        error = float(np.sqrt((_STATES - 1) * np.var(left_out)))
        reach = float(norm.isf(0.005)) * error
        result[f"F{t}"] = {"ratio": float(value), "interval": [float(value - reach), float(value + reach)]}
    return result


def _kernels(
    circuit: QuantumCircuit, observable: Any, inputs: Sequence[Parameter], draws: int, seed: int, key: int, bar: Any
) -> NDArray[np.float64]:
    """K over the trainable parameters; angles of chunk c depend on the seed, the repetition and c alone."""
    model = CircuitModel(circuit, observable, workers=1)
    trainable = np.array([p not in inputs for p in circuit.parameters])
    sizes = chunk_sizes(draws, circuit.num_parameters, 1 << circuit.num_qubits)

    def one(chunk: int) -> NDArray[np.float64]:
        angles = chunk_generator(seed, (key,), chunk).uniform(0, 2 * np.pi, (sizes[chunk], circuit.num_parameters))
        _, gradient = model.value_and_gradient(angles)
        bar.update(sizes[chunk])
        return np.asarray((gradient[:, trainable] ** 2).sum(axis=1))

    with ThreadPoolExecutor() as pool:
        return np.concatenate(list(pool.map(one, range(len(sizes)))))


def _ratio(verdict: Verdict) -> dict[str, Any]:
    low, high = (end / verdict.prediction for end in verdict.interval)
    return {"estimate": verdict.estimate / verdict.prediction, "interval": [low, high], "verdict": verdict.verdict}


def _symmetric_law(law: KernelLaw, observable: Observable, letter: str, group: Group) -> SymmetricKernelLaw | None:
    """The law of a circuit that keeps T = P…P·conj; None for an observable without parity, or where there is none."""
    if observable.rank:
        parities = {0} if letter in "IZ" else {0, 1}  # T takes the computational states to themselves, or moves them
    else:
        # P Q* P: conj flips Y, P flips the letters that it anticommutes with.
        flips = {q: ((q == "Y") + (q != letter and letter != "I")) % 2 for q in "XYZ"}
        parities = {sum(flips[q] for q in label if q != "I") % 2 for label, _ in observable.terms}
    if len(parities) != 1:
        return None
    try:
        return SymmetricKernelLaw(
            law.parameters,
            law.observable,
            law.generator,
            group,
            "odd" if parities == {1} else "even",
            1 if letter in "IZ" else 0,
        )
    except ValueError:
        return None


def _advice(document: dict[str, Any]) -> list[str]:
    """What to make of it, one sentence each."""
    lines = []
    enough = [d for d in document["depths"] if d["random_enough"]]
    last = document["depths"][-1]
    if not enough:
        lines.append(f"Not random enough, not even {last['repeats']} times in a row (L = {last['parameters']}).")
    elif enough[0]["repeats"] == 1:
        lines.append("Random enough: mean and variance of K agree with the Haar-layer law.")
    else:
        start = enough[0]
        lines.append(f"Random enough from {start['repeats']} repetitions (L = {start['parameters']}) on, not alone.")
    if document["time_reversal"]:
        reversal = document["time_reversal"]
        outcome = ", ".join(f"{v['statistic']} {v['verdict']}" for v in document["symmetric"])
        lines.append(
            f"All gates keep the time reversal {reversal['letter']}…{reversal['letter']}·conj: the group is "
            f"{reversal['group']}" + (f"; against its own law: {outcome}." if outcome else ".")
        )
    target = f"ΔK/K̄ below {100 * FLUCTUATION:g} %"
    if document["recommended_parameters"] is None:
        lines.append(f"{target} at no depth: the plateau is {100 * document['plateau']:.3g} %. Change the observable.")
    else:
        lines.append(f"{target} needs L >= {document['recommended_parameters']} in Haar layers.")
    return lines


def check_text(document: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [
        f"n = {document['qubits']}, L = {document['parameters']}, observable {document['observable']}, generator "
        f"{document['generator']}; {document['draws']:,} draws each, all verdicts right with probability "
        f"{1 - document['family_error']:g}",
        "",
        f"{'times in a row':>14}{'L':>8}  {'mean / Haar':30}{'variance / Haar':30}",
    ]
    for depth in document["depths"]:
        cells = []
        for statistic in ("mean", "variance"):
            ratio = depth[f"{statistic}_ratio"]
            low, high = ratio["interval"]
            cells.append(f"{ratio['estimate']:.3f} [{low:.3f}, {high:.3f}] {ratio['verdict']}")
        lines.append(f"{depth['repeats']:>14}{depth['parameters']:>8}  {cells[0]:30}{cells[1]:30}")
    lines.append("")
    for name, value in document["design_distance"].items():
        low, high = value["interval"]
        lines.append(
            f"frame potential {name} of the states over Haar: {value['ratio']:.3f} [{low:.3f}, {high:.3f}] (99 %)"
        )
    return "\n".join([*lines, "", *document["advice"]])
