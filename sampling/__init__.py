"""Kernels of random ansätze by Monte Carlo: ensembles in, draws out.

Knows circuits and random numbers, and never the closed forms that it is to check.

>>> from qiskit.quantum_info import SparsePauliOp
>>> ensemble = CircuitEnsemble(ansatz("hea", qubits=2, layers=4), SparsePauliOp("IZ"))
>>> draws = sample(ensemble, draws=100, seed=1)
>>> draws.kernel.shape, bool((draws.kernel >= 0).all())
((100,), True)
"""

from sampling.ansatz import CATALOGUE, Ansatz, ansatz
from sampling.circuit import CircuitEnsemble
from sampling.distributions import Beta, Distribution, Normal, Uniform
from sampling.draws import STREAM_VERSION, Draws, Ensemble, chunk_generator, chunk_sizes, sample
from sampling.haar import HaarLayers
from sampling.haar_dense import draw_dense
from sampling.model import CircuitModel

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
