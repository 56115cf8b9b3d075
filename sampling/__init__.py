"""Kernels of random ansätze by Monte Carlo: ensembles in, draws out.

Knows circuits and random numbers, and never the closed forms that it is to check.

>>> from qiskit.quantum_info import SparsePauliOp
>>> ensemble = CircuitEnsemble(ansatz("hea", qubits=2, layers=4), SparsePauliOp("IZ"))
>>> draws = sample(ensemble, draws=100, seed=1)
>>> draws.kernel.shape, bool((draws.kernel >= 0).all())
((100,), True)
"""

from qntk.sampling.circuits.catalogue import CATALOGUE, Ansatz, ansatz
from qntk.sampling.circuits.ensemble import CircuitEnsemble
from qntk.sampling.circuits.model import CircuitModel
from qntk.sampling.distributions import Beta, Distribution, Normal, Uniform
from qntk.sampling.draws import STREAM_VERSION, Draws, Ensemble, chunk_generator, chunk_sizes, sample
from qntk.sampling.haar.dense import draw_dense
from qntk.sampling.haar.layers import HaarLayers

__all__ = [
    "CATALOGUE",
    "STREAM_VERSION",
    "Ansatz",
    "Beta",
    "CircuitEnsemble",
    "CircuitModel",
    "Distribution",
    "Draws",
    "Ensemble",
    "HaarLayers",
    "Normal",
    "Uniform",
    "ansatz",
    "chunk_generator",
    "chunk_sizes",
    "draw_dense",
    "sample",
]
