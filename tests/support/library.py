"""Circuit families and gates of Qiskit's library, at a given number of qubits, each as a function that builds one."""

import numpy as np
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit import library as lib
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, random_clifford, random_unitary
from qiskit.synthesis import LieTrotter, MatrixExponential, SuzukiTrotter


def _ising(n):
    bonds = [("ZZ", [i, i + 1], 0.7) for i in range(n - 1)]
    return SparsePauliOp.from_sparse_list([*bonds, *[("X", [i], 0.4) for i in range(n)]], n)


def _coupling(n):
    return [[i, (i + 1) % n] for i in range(n if n > 2 else 1)]


def _hermitian(n):
    matrix = np.diag(np.linspace(-1, 1, 2**n)).astype(complex)
    matrix[0, 1] = matrix[1, 0] = 0.3
    return matrix


FAMILIES = {
    "efficient_su2": lambda n: lib.efficient_su2(n, reps=1),
    "efficient_su2, circular": lambda n: lib.efficient_su2(n, reps=1, entanglement="circular"),
    "real_amplitudes": lambda n: lib.real_amplitudes(n, reps=1),
    "real_amplitudes, sca": lambda n: lib.real_amplitudes(n, reps=2, entanglement="sca"),
    "excitation_preserving, iswap": lambda n: lib.excitation_preserving(n, reps=1),
    "excitation_preserving, fsim": lambda n: lib.excitation_preserving(n, reps=1, mode="fsim"),
    "n_local, crx": lambda n: lib.n_local(n, ["rx", "p"], "crx", reps=1),
    "n_local, cu": lambda n: lib.n_local(n, "u", "cu", reps=1),
    "n_local, rzx": lambda n: lib.n_local(n, "ry", "rzx", reps=1),
    "pauli_two_design": lambda n: lib.pauli_two_design(n, reps=1, seed=3),
    "z_feature_map": lambda n: lib.z_feature_map(n, reps=1),
    "zz_feature_map": lambda n: lib.zz_feature_map(n, reps=1),
    "pauli_feature_map": lambda n: lib.pauli_feature_map(n, reps=1, paulis=["X", "YY", "ZXZ"][: min(n, 3)]),
    "qaoa_ansatz": lambda n: lib.qaoa_ansatz(_ising(n), reps=1),
    "qaoa_ansatz, mixer": lambda n: lib.qaoa_ansatz(_ising(n), reps=1, mixer_operator=_ising(n)),
    "evolved_operator_ansatz": lambda n: lib.evolved_operator_ansatz([_ising(n), Pauli("Y" * n)], reps=1),
    "hamiltonian_variational_ansatz": lambda n: lib.hamiltonian_variational_ansatz(_ising(n), reps=1),
    "iqp": lambda n: lib.iqp(np.ones((n, n), int)),
    "quantum_volume": lambda n: lib.quantum_volume(n, 2, seed=1),
    "fourier_checking": lambda n: lib.fourier_checking([1, -1] * 2 ** (n - 1), [1] * 2**n),
    "hidden_linear_function": lambda n: lib.hidden_linear_function(np.ones((n, n), int)),
    "grover_operator": lambda n: lib.grover_operator(_marked(n)),
    "phase_estimation": lambda n: lib.phase_estimation(max(n - 1, 1), _turn()),
    "unitary_overlap": lambda n: lib.unitary_overlap(lib.real_amplitudes(n), lib.z_feature_map(n)),
    "random_bitwise_xor": lambda n: lib.random_bitwise_xor(n, seed=1),
    "graph state": lambda n: QuantumCircuit(n).compose(lib.GraphStateGate(1 - np.eye(n, dtype=int))),
    "QFT": lambda n: _appended(lib.QFTGate(n)),
    "old TwoLocal": lambda n: lib.TwoLocal(n, "ry", "cz", reps=1),
    "old QFT": lambda n: lib.QFT(n),
    "old ZZFeatureMap": lambda n: lib.ZZFeatureMap(n, reps=1),
    "old PauliTwoDesign": lambda n: lib.PauliTwoDesign(n, reps=1, seed=3),
}
"""Circuit families, by name."""


def _gates(n):
    theta = Parameter("t")
    evolved = _ising(n)
    single = {
        "clifford": random_clifford(n, seed=2),
        "unitary": lib.UnitaryGate(random_unitary(2**n, seed=4)),
        "permutation": lib.PermutationGate(list(np.roll(range(n), 1))),
        "diagonal": lib.DiagonalGate(list(np.exp(1j * np.arange(2**n)))),
        "isometry": lib.Isometry(random_unitary(2**n, seed=5).data, 0, 0),
        "linear function": lib.LinearFunction(np.triu(np.ones((n, n), bool))),
        "uniformly controlled RX": lib.UCRXGate(list(np.linspace(0, 1, 2 ** (n - 1)))),
        "uniformly controlled RY": lib.UCRYGate(list(np.linspace(0, 1, 2 ** (n - 1)))),
        "uniformly controlled gate": lib.UCGate([random_unitary(2, seed=i).data for i in range(2 ** (n - 1))]),
        "pauli": lib.PauliGate("XYZ"[:n].ljust(n, "Z")),
        "evolution, Lie": lib.PauliEvolutionGate(evolved, theta, synthesis=LieTrotter(reps=2)),
        "evolution, Suzuki": lib.PauliEvolutionGate(evolved, 2 * theta, synthesis=SuzukiTrotter(order=2)),
        "evolution, exact": lib.PauliEvolutionGate(evolved, theta, synthesis=MatrixExponential()),
        "evolution, fixed": lib.PauliEvolutionGate(evolved, 0.8),
        "hamiltonian": lib.HamiltonianGate(_hermitian(n), theta),
        "hamiltonian, fixed": lib.HamiltonianGate(_hermitian(n), 0.4),
        "multi-controlled X": lib.MCXGate(n - 1, ctrl_state=0) if n > 1 else lib.XGate(),
        "multi-controlled phase": lib.MCPhaseGate(theta, n - 1) if n > 1 else lib.PhaseGate(theta),
        "rotation about an axis": lib.RVGate(0.2, 0.3, 0.4),
        "annotated": lib.RYGate(theta).control(n - 1, annotated=True) if n > 1 else lib.RYGate(theta),
        "controlled unitary": lib.UnitaryGate(random_unitary(2, seed=6)).control(max(n - 1, 1)),
        "and": lib.AndGate(max(n - 1, 1)),
        "power": lib.SXGate().power(0.37),
        "global rotation": lib.MSGate(n, 0.3),
        "inverse": lib.CRXGate(theta).inverse(),
    }
    for name, gate in get_standard_gate_name_mapping().items():
        if gate.num_clbits == 0 and 0 < gate.num_qubits <= n and name not in ("reset", "delay", "measure"):
            single[f"standard {name}"] = gate
    return {name: gate for name, gate in single.items() if gate.num_qubits <= n}


def _appended(gate):
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    return circuit


def _marked(n):
    oracle = QuantumCircuit(n)
    oracle.cz(0, n - 1)
    return oracle


def _turn():
    turn = QuantumCircuit(1)
    turn.p(0.7, 0)
    return turn


def between_rotations(part):
    """A part between layers of rotations, so that all of it is seen: RY before, RX after."""
    n = part.num_qubits
    first, last = ParameterVector("α", n), ParameterVector("ω", n)
    circuit = QuantumCircuit(n)
    for qubit in range(n):
        circuit.ry(first[qubit], qubit)
    circuit.compose(part, range(n), inplace=True)
    for qubit in range(n):
        circuit.rx(last[qubit], qubit)
    return circuit


def circuits(n):
    """Name and circuit of every family and gate on n qubits, between layers of rotations."""
    for name, build in FAMILIES.items():
        yield name, between_rotations(build(n))
    for name, gate in _gates(n).items():
        part = QuantumCircuit(n)
        part.append(gate, range(gate.num_qubits))
        yield name, between_rotations(part)


def operator(circuit, values):
    """Qiskit's matrix of a circuit with its parameters bound in their order."""
    return Operator(circuit.assign_parameters(dict(zip(circuit.parameters, values, strict=True)))).data
