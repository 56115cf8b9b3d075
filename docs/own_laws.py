"""Print tables of circuits against the laws of their own, in Markdown. From the repository, three minutes on two quiet
cores: python docs/own_laws.py, or some of them alone: python docs/own_laws.py deep depths fermions noise."""

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error, pauli_error
from qiskit_aer.primitives import EstimatorV2

import qntk
from qntk.inputs.operators import observable
from qntk.sampling import CircuitEnsemble
from qntk.theory.circuits.meeting import meeting
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.validation.attribution.forms import repeated_part

LAYERS, DRAWS, SEED = 60, 1500, 11
Build = Callable[[int, int], QuantumCircuit]


def chain(one: str, two: str, fixed: bool = False) -> Build:
    """Rotations on qubits and on the bonds of an open chain; with ``fixed``, data that are RZ(0.3 + 0.4 q)."""

    def build(qubits: int, layers: int) -> QuantumCircuit:
        circuit = QuantumCircuit(qubits)
        angles = iter(ParameterVector("t", layers * (len(one) * qubits + len(two) * (qubits - 1))))
        for _ in range(layers):
            for letter, q in itertools.product(one, range(qubits)):
                getattr(circuit, f"r{letter}")(next(angles), q)
            for q, letter in itertools.product(range(qubits - 1), two):
                getattr(circuit, f"r{letter}{letter}")(next(angles), q, q + 1)
            for q in range(qubits if fixed else 0):
                circuit.rz(0.3 + 0.4 * q, q)
        return circuit

    return build


def named(name: str) -> Build:
    """An ansatz of the catalogue."""
    return lambda qubits, layers: qntk.ansatz(name, qubits, layers)


CATALOGUE = ("hea", "hea-cz-ring", "real-amplitudes", "efficient-su2", "brickwork", "hva", "hva-xy", "hva-heisenberg")
CATALOGUE += ("matchgate", "ising-chain", "qaoa")
FAMILIES = {name: named(name) for name in CATALOGUE} | {
    "Ising chain, both fields": chain("xz", "z"),
    "RY and RZZ chain": chain("y", "z"),
    "re-uploading, RZ fixed": chain("x", "z", fixed=True),
}
SPECS = {"qaoa": ("X0", "Z0Z1")} | dict.fromkeys(("hva-xy", "hva-heisenberg", "matchgate"), ("Z0", "Z0Z1"))


def deep() -> Iterator[str]:
    """Orbit law, deep Monte Carlo (60 layers, 1500 draws), ratio, and the exact mean at this depth."""
    yield "| family | n | O | L | orbit law | Monte Carlo | ratio | exact at this depth | z |"
    yield "|---|---|---|---|---|---|---|---|---|"
    zs = []
    for (name, build), n in itertools.product(FAMILIES.items(), (3, 4)):
        for spec in SPECS.get(name, ("Z0", "X0X1")):
            target, circuit = observable(spec, n), build(n, LAYERS)
            terms, L = dict(target.terms), circuit.num_parameters
            preparation, layer = repeated_part(build(n, 1))
            orbit = orbit_mean(layer, terms, preparation)
            law = orbit.value / len(orbit.gradients) * L
            exact = float("nan")
            if len(orbit.gradients) * LAYERS == L and "re-uploading" not in name:
                found = meeting(layer, terms, first=preparation, most_repetitions=LAYERS)
                exact = found.means[-1] + (LAYERS - len(found.means)) * found.laws[0]
            angles = np.random.default_rng(SEED).uniform(0, 2 * np.pi, (DRAWS, L))
            kernels = CircuitEnsemble(circuit, target.operator()).model.kernel(angles)
            mean, error = kernels.mean(), kernels.std(ddof=1) / DRAWS**0.5
            z = (mean - exact) / error
            zs += [z] if z == z else []
            rest = f"{exact:.4f} | {z:+.2f}" if z == z else "– | –"
            yield f"| {name} | {n} | {spec} | {L} | {law:.4f} | {mean:.4f} ± {error:.4f} | {mean / law:.4f} | {rest} |"
    size = np.sqrt(np.mean(np.square(zs)))
    yield ""
    yield f"{len(zs)} values of z: root mean square {size:.2f}, largest {np.abs(zs).max():.2f}."


def depths() -> Iterator[str]:
    """Repetitions from which on E K is within 1 % of the ansatz' own law."""
    yield "| ansatz | O | n = 3 | 4 | 5 | 6 | algebra at n = 6 |"
    yield "|---|---|---|---|---|---|---|"
    for name in CATALOGUE:
        spec = SPECS.get(name, ("Z0",))[0]
        found = [qntk.predict_circuit(qntk.ansatz(name, n, 1), spec) for n in (3, 4, 5, 6)]
        told = " | ".join(str(f.law.depth) for f in found)
        yield f"| {name} | {spec} | {told} | {found[-1].document['algebra']} |"


def fermions() -> Iterator[str]:
    """The whole law, and draws of Haar SO(2n) layers where they are quick."""
    yield "| ensemble | n | L | E K | Var K | 5 %, 50 %, 95 % over E K | draws | mean | variance | distance (bound) |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    sizes = ((3, 50, 4000), (12, 20, 2000), (50, 5, 500), (200, 50, 0), (1000, 50, 0), (1000, 2000, 0))
    for ensemble, (n, L, draws) in itertools.product(("ising-layers", "matchgate-layers"), sizes):
        law = qntk.law(n, L, "Z0", ensemble=ensemble)
        mean, variance = float(law.mean()), float(law.variance())
        low, middle, high = law.quantiles([0.05, 0.5, 0.95]) / mean
        row = f"| {ensemble} | {n} | {L} | {mean:.6g} | {variance:.6g} | {low:.4f}, {middle:.4f}, {high:.4f}"
        if not draws:
            yield f"{row} | – | – | – | – |"
            continue
        kernels = np.sort(qntk.sample(ensemble, "Z0", draws=draws, seed=9, qubits=n, parameters=L).kernel)
        steps, found = np.arange(draws + 1) / draws, law.cdf(kernels)
        distance = max(np.abs(found - steps[1:]).max(), np.abs(found - steps[:-1]).max())
        told = f"{kernels.mean() / mean:.4f} ± {kernels.std() / draws**0.5 / mean:.4f} | {kernels.var() / variance:.3f}"
        yield f"{row} | {draws} | {told} | {distance:.4f} ({np.sqrt(np.log(2e6) / 2 / draws):.4f}) |"


def noise() -> Iterator[str]:
    """Pauli paths against Aer's density matrices on all angles of a grid, which makes the mean exact."""
    yield "| circuit | noise | Pauli paths | density matrices | difference |"
    yield "|---|---|---|---|---|"
    kinds = {"depolarizing=0.1": depolarizing_error(0.1, 1), "dephasing=0.15": pauli_error([("Z", 0.15), ("I", 0.85)])}
    kinds["bit-flip=0.05"] = pauli_error([("X", 0.05), ("I", 0.95)])
    for name, (spec, error) in itertools.product(("matchgate", "hea"), kinds.items()):
        circuit = qntk.ansatz(name, 3 if name == "matchgate" else 2, 1)
        model, width = NoiseModel(), circuit.num_qubits
        for gate in circuit.count_ops():
            both = gate in ("rxx", "cx")
            model.add_all_qubit_quantum_error(error.tensor(error) if both else error, [gate])
        label = "Z0Z1" if name == "matchgate" else "Z0+0.5*X0X1"
        found = qntk.predict_circuit(circuit, label, noise=spec).document["mean"]["exact"]
        exact = averaged(circuit, observable(label, width).operator(), model)
        yield f"| {name}, {label} | {spec} | {found:.12f} | {exact:.12f} | {found - exact:+.0e} |"


def averaged(circuit: QuantumCircuit, target: Any, model: NoiseModel) -> float:
    """E K by parameter shift over four angles a turn: the shifts lie on the grid."""
    options = {"noise_model": model, "method": "density_matrix"}
    estimator = EstimatorV2(options={"default_precision": 0.0, "backend_options": options})
    L = circuit.num_parameters
    grid = np.array(list(itertools.product(np.arange(4) * np.pi / 2, repeat=L)))
    result = estimator.run([(circuit, SparsePauliOp(target), grid)]).result()[0].data.evs.reshape((4,) * L)
    return float(sum(np.mean(((np.roll(result, -1, k) - np.roll(result, 1, k)) / 2) ** 2) for k in range(L)))


PARTS = {"deep": deep, "depths": depths, "fermions": fermions, "noise": noise}


def main() -> None:
    """Print the tables that are asked for, all by default."""
    for name in sys.argv[1:] or PARTS:
        start = time.perf_counter()
        print(f"## {(PARTS[name].__doc__ or name).strip()}\n")
        for line in PARTS[name]():
            print(line, flush=True)
        print(f"\n{time.perf_counter() - start:.0f} s\n")


if __name__ == "__main__":
    main()
