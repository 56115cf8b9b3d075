"""Digests of what every ensemble, distribution, expression and study gives for fixed seeds, one a line of JSON.

    python tests/support/byte_probe.py [workers]

``machines.py`` runs it as several kinds of machine.
"""

import hashlib
import io
import json
import sys
from dataclasses import replace

import numpy as np
from numba import njit
from qiskit import qpy
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector

from qntk.sampling import CATALOGUE, Beta, CircuitEnsemble, CircuitModel, HaarLayers, Normal, Uniform, ansatz, sample
from qntk.sampling.arithmetic.elementary import FUNCTIONS
from qntk.sampling.learning.datasets import ising
from qntk.sampling.learning.qnn import MODELS, build
from qntk.sampling.learning.random_circuits import HaarCircuits, descend, directional_curvature, shot_noise
from qntk.sampling.learning.training import Problem, critical_rates, initial_angles, train

WORKERS = int(sys.argv[1]) if __name__ == "__main__" and sys.argv[1:] else 2
DRAWS = 43


def show(name, *arrays):
    """One line: a name and the digest of arrays' bytes."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()[:16]
    print(json.dumps([name, digest]))


def drawn(name, ensemble, draws=DRAWS):
    """Two chunks and a part of one."""
    parts = sample(ensemble, draws, seed=5, workers=WORKERS)
    show(name, parts.kernel, parts.output, *(a for a in (parts.dqntk, parts.cross) if a is not None))


def pauli(letters, scale=1.0):
    return SparsePauliOp(letters, scale)


def tfim(qubits):
    chain = [("ZZ", [i, i + 1], -1.0) for i in range(qubits - 1)] + [("X", [i], -0.7) for i in range(qubits)]
    return SparsePauliOp.from_sparse_list(chain, qubits)


def user_circuit():
    """Fixed gates with and without angles, shared and scaled parameters, and every function of expressions."""
    p, circuit = ParameterVector("p", 6), QuantumCircuit(3)
    circuit.h(0)
    circuit.sx(1)
    circuit.ch(0, 1)
    circuit.ccx(0, 1, 2)
    circuit.u(0.3, 0.4, 0.5, 2)
    circuit.crx(0.3, 0, 1)
    circuit.cp(0.2, 1, 2)
    circuit.iswap(0, 2)
    circuit.rx(0.5 * p[0], 0)
    circuit.ry(p[0] + 2 * p[1], 1)
    circuit.rzz(p[1] * p[2], 0, 1)
    circuit.rxx(p[2] ** 3, 1, 2)
    circuit.ryy((p[3] * p[3] + 1) ** 0.5 / (2 + p[2].cos()), 0, 2)
    circuit.rzx(p[3].sin() * p[4].exp(), 0, 1)
    circuit.rx((0.1 * p[4]).tan() + (0.15 * p[5]).arcsin() + (0.1 * p[5]).arccos(), 1)
    circuit.ry(p[5].arctan() + (1 + p[0] * p[0]).log(), 2)
    circuit.crz(p[1], 1, 2)
    file = io.BytesIO()
    qpy.dump(circuit, file)
    file.seek(0)
    return qpy.load(file)[0]


def ensembles():
    rng = np.random.default_rng(3)
    matrix = rng.random((8, 8)) + 1j * rng.random((8, 8))
    for name, observable in {"pauli": pauli("IZY"), "tfim": tfim(3), "matrix": matrix + matrix.conj().T}.items():
        drawn(f"haar {name}", HaarLayers(observable, pauli("IIX", 0.5), 3), 700)
    drawn("haar one qubit dqntk", HaarLayers(pauli("Z"), pauli("X", 0.5), 3, dqntk=True))
    drawn("haar dqntk", HaarLayers(tfim(4), tfim(4), 3, dqntk=True))
    drawn("haar cross", HaarLayers(tfim(3), pauli("IIX", 0.5), 3, overlap=0.4))
    for name in sorted(set(CATALOGUE) - {"su2-equivariant"}):  # whose singlets Qiskit synthesises
        circuit = ansatz(name, 3, 4, rng=np.random.default_rng(1))
        drawn(name, CircuitEnsemble(circuit, pauli("IYZ"), dqntk=True))
    circuit = ansatz("hea", 5, 3, "pauli")
    drawn("projector", CircuitEnsemble(circuit, Statevector.from_int(3, 32)))
    drawn("sum", CircuitEnsemble(circuit, tfim(5)))
    drawn("dense observable", CircuitEnsemble(circuit, Operator(np.diag(np.arange(32.0)) + 0.5)), 600)
    for name, law in {"uniform": Uniform(-1, 0.3), "normal": Normal(0.2, 1.3), "beta": Beta(0.4, 2.5)}.items():
        drawn(name, CircuitEnsemble(ansatz("hva", 4, 2), pauli("IIZZ"), law))
    drawn("large circuit", CircuitEnsemble(ansatz("hea-cz-ring", 15, 2), tfim(15)), 19)
    drawn("user circuit", CircuitEnsemble(user_circuit(), tfim(3), Uniform(-3, 3), dqntk=True))


def studies():
    data, targets = ising(4), np.linspace(-0.5, 0.5, 6)
    data = replace(data, labels=data.labels.round(9))  # a data set is what a library made of it, and is given
    for name in MODELS:
        qnn = build(name, 3, 2)
        model, x = qnn.model(tfim(3), WORKERS), qnn.columns(data.x)
        thetas = initial_angles(qnn.parameters, 3, 9)
        show(f"kernel matrix {name}", model.kernel(thetas, x), model.dqntk(thetas, x), model.outputs(thetas, x))
        problem = Problem(model, x, data.labels, data.training)
        run = train(problem, thetas, np.full(3, 0.01), 40)
        low, high = critical_rates(problem, thetas, np.full(3, 0.05), steps=20)
        show(f"training {name}", run.outputs, run.kernels, run.thetas, low, high)
    rng = np.random.default_rng(8)
    for name, circuits in {
        "haar circuits": HaarCircuits.draw(6, 3, 5, rng),
        "fixed circuit": CircuitModel(ansatz("random-pauli", 3, 5, rng=rng), pauli("IIZ"), workers=WORKERS),
    }.items():
        thetas = rng.random((6, 5)) * 6
        noise = shot_noise(circuits.outputs, 100, rng) if name == "fixed circuit" else None
        parts = descend(circuits, thetas, targets, np.full(6, 0.1), 20, noise, 0.01, rng)
        show(f"descent {name}", *parts, directional_curvature(circuits, thetas))


def functions():
    rng = np.random.default_rng(4)
    wide = (rng.random(2000) - 0.5) * 2.0 ** rng.integers(-30, 300, 2000)
    near = 2 * rng.random(2000) - 1
    for name in ("sin", "cos", "tan", "atan"):
        show(name, FUNCTIONS[name](wide), FUNCTIONS[name](near))
    for name in ("asin", "acos"):
        show(name, FUNCTIONS[name](near))
    show("exp", FUNCTIONS["exp"](700 * near))
    show("log", FUNCTIONS["log"](np.abs(wide)))
    show("power", FUNCTIONS["power"](np.abs(wide), near))


@njit(fastmath={"contract"})
def _may_fuse(x):
    result = np.empty(len(x))
    for i in range(len(x)):
        result[i] = x[i] * x[i] - x[i]
    return result


def controls():
    """What the libraries make of it, and a compiler that is allowed to fuse."""
    x = np.random.default_rng(6).random(2000)
    show("control libraries", np.exp(x), np.sin(x), np.linalg.eigvalsh(np.add.outer(x[:50], x[:50]) ** 3), x @ x)
    show("control compiler", _may_fuse(x))


if __name__ == "__main__":  # and not where pytest looks for doctests
    ensembles()
    studies()
    functions()
    controls()
