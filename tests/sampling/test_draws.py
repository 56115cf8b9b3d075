"""Draws depend on the root seed, the key and nothing else."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import Beta, CircuitEnsemble, HaarLayers, Normal, Uniform, ansatz, chunk_sizes, sample

ENSEMBLES = {
    "frames": HaarLayers(SparsePauliOp("IZ"), SparsePauliOp("IX", 0.5), 4),
    "circuit": CircuitEnsemble(ansatz("hea", 3, 700), SparsePauliOp("IIZ")),
}


@pytest.mark.parametrize("name", ENSEMBLES)
def test_bit_identical_for_any_number_of_workers(name):
    draws = 40_000 if name == "frames" else 1_200
    assert len(chunk_sizes(draws, ENSEMBLES[name].parameters, ENSEMBLES[name].dimension)) >= 3
    one, two, seven = (sample(ENSEMBLES[name], draws, seed=3, workers=w) for w in (1, 2, 7))
    for other in (two, seven):
        assert np.array_equal(one.kernel, other.kernel)
        assert np.array_equal(one.output, other.output)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_seed_and_key_set_streams_apart(name, qntk_seed):
    draws = [
        sample(ENSEMBLES[name], 100, seed, key).kernel
        for seed, key in ((qntk_seed, ()), (qntk_seed + 1, ()), (qntk_seed, (1,)))
    ]
    assert np.array_equal(draws[0], sample(ENSEMBLES[name], 100, qntk_seed).kernel)
    assert not np.isin(draws[0], draws[1]).any()
    assert not np.isin(draws[0], draws[2]).any()


def test_chunks_of_a_stream_do_not_repeat(qntk_seed):
    kernel = sample(ENSEMBLES["frames"], 40_000, qntk_seed).kernel
    assert len(np.unique(kernel)) == len(kernel)


def test_chunks_hold_all_draws_and_shrink_with_the_cell():
    assert sum(chunk_sizes(100_001, 10, 8)) == 100_001
    assert max(chunk_sizes(10**6, 10**6, 64)) == 256
    assert max(chunk_sizes(10**6, 1, 2)) == 16384


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        sample(ENSEMBLES["frames"], 0, seed=1)


@pytest.mark.parametrize("law", [Uniform(-1, 2), Normal(0.3, 0.5), Beta(0.4, 2.5)])
def test_few_draws_of_one_chunk_are_the_same_on_several_threads(law):
    """Of a large circuit, one at a time, and of a small one in batches; its angles are drawn batch by batch."""
    for qubits, layers, draws in ((14, 1, 21), (3, 60, 1000)):
        ensemble = CircuitEnsemble(ansatz("hea", qubits, layers), "Z0", law, dqntk=qubits == 3)
        one, two, five = (sample(ensemble, draws, seed=4, workers=w) for w in (1, 2, 5))
        for name in ("kernel", "output", "dqntk"):
            first, second, third = (getattr(s, name) for s in (one, two, five))
            assert first is None or (first.tobytes() == second.tobytes() == third.tobytes())
