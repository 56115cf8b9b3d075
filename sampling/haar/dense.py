"""The Haar-layer ensemble as literal circuits of dense unitaries: slow, obvious, the oracle for ``haar``.

U = W_L e^{-iθ_L G} … W_1 e^{-iθ_1 G} W_0 with W from scipy's unitary group and θ uniform; f = <0|U†OU|0> and its
gradient are computed by matrix products alone. Nothing here knows of frames.
"""

from __future__ import annotations

import numpy as np

from qntk.sampling.draws import Draws
from qntk.sampling.operators import OperatorLike, hermitian


def draw_dense(
    observable: OperatorLike, generator: OperatorLike, parameters: int, draws: int, rng: np.random.Generator
) -> Draws:
    """``draws`` circuits, O(L D³) each.

    Args:
        observable, generator: Hermitian operators on the same n qubits.
        parameters: L >= 1.
        draws: how many circuits.
        rng: source of the unitaries and the angles.
    """
    O, G = (
        np.asarray(op if isinstance(op, np.ndarray) else op.to_matrix())
        for op in map(hermitian, (observable, generator))
    )
    from scipy.stats import unitary_group  # a third of a second, which nobody else who draws needs

    D = len(O)
    levels, basis = np.linalg.eigh(G)
    kernel, output = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        layers = unitary_group.rvs(D, size=parameters + 1, random_state=rng)
        phases = np.exp(-1j * np.multiply.outer(rng.uniform(0, 2 * np.pi, parameters), levels))
        gates = (basis * phases[:, None, :]) @ basis.conj().T
        states = [layers[0][:, 0]]
        for gate, layer in zip(gates, layers[1:], strict=True):
            states.append(layer @ gate @ states[-1])
        output[draw] = np.vdot(states[-1], O @ states[-1]).real
        adjoint, total = O @ states[-1], 0.0
        for index in reversed(range(parameters)):
            adjoint = layers[index + 1].conj().T @ adjoint
            after_gate = gates[index] @ states[index]
            total += (2 * np.vdot(adjoint, -1j * (G @ after_gate)).real) ** 2
            adjoint = gates[index].conj().T @ adjoint
        kernel[draw] = total
    return Draws(kernel, output)
