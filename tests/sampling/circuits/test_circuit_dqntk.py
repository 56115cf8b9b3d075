"""μ in the draws of a circuit: of the same angles, and nothing else moves."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from qntk.sampling import CircuitEnsemble, CircuitModel, Draws, Uniform, ansatz, sample

CIRCUIT, OBSERVABLE = ansatz("hea", 3, 2), SparsePauliOp("IIZ")


def test_mu_is_that_of_the_model_at_the_same_angles():
    draws = 600  # more than one batch
    ensemble = CircuitEnsemble(CIRCUIT, OBSERVABLE, dqntk=True)
    assert draws > ensemble.model.batch
    rng = np.random.default_rng(4)
    sizes = [min(ensemble.model.batch, draws - start) for start in range(0, draws, ensemble.model.batch)]
    thetas = np.concatenate([Uniform()(rng, (size, ensemble.parameters)) for size in sizes])
    drawn = ensemble.draw(draws, np.random.default_rng(4))
    model = CircuitModel(CIRCUIT, OBSERVABLE)
    np.testing.assert_allclose(drawn.dqntk, model.dqntk(thetas), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(drawn.kernel, model.kernel(thetas), rtol=1e-12)


def test_mu_is_the_second_difference_along_the_gradient():
    """d²/ds² f(θ + s∇f) from outputs alone, step 1e-3 of angles: 1e-6 of truncation, 1e-10 of rounding."""
    ensemble = CircuitEnsemble(CIRCUIT, OBSERVABLE, dqntk=True)
    thetas = Uniform()(np.random.default_rng(6), (8, ensemble.parameters))
    step = 1e-3 * ensemble.model.value_and_gradient(thetas)[1]
    f = ensemble.model.outputs
    second = (f(thetas + step) - 2 * f(thetas) + f(thetas - step)) / 1e-6
    drawn = ensemble.draw(8, np.random.default_rng(6)).dqntk
    np.testing.assert_allclose(drawn, second, atol=1e-5)
    assert np.abs(drawn - np.roll(second, 1)).min() > 1e-5, "negative control: the angles of another draw"


def test_kernel_and_output_keep_their_bits():
    alone, both = (sample(CircuitEnsemble(CIRCUIT, OBSERVABLE, dqntk=d), 1000, seed=2) for d in (False, True))
    assert alone.dqntk is None
    assert np.array_equal(alone.kernel, both.kernel)
    assert np.array_equal(alone.output, both.output)
    assert both.dqntk.shape == (1000,)


def test_aer_has_no_mu():
    with pytest.raises(ValueError, match="adjoint"):
        CircuitEnsemble(CIRCUIT, OBSERVABLE, engine="aer", dqntk=True)


def test_joined_draws_hold_what_all_parts_hold():
    one, two = np.array([1.0, 2.0]), np.array([3.0])
    joined = Draws.concatenate([Draws(one, one, dqntk=one), Draws(two, two, dqntk=two, cross=two)])
    assert joined.dqntk.tolist() == [1, 2, 3]
    assert joined.cross is None
    assert Draws.concatenate([Draws(one, one), Draws(two, two)]).dqntk is None
