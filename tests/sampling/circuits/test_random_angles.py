"""How parameters are drawn: distributions from their text, data with ranges of their own, identity blocks."""

import numpy as np
import pytest
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import Operator
from scipy.stats import kstest

import qntk
from qntk.sampling import Beta, Normal, Uniform
from qntk.sampling.circuits.random_angles import RandomCircuit
from qntk.sampling.distributions import read_distribution

FAMILY = 1e-6
"""Probability that any one test below fails by chance."""


def encoded():
    """arcsin(x) has a value on [-1, 1] alone."""
    x, w = Parameter("x"), ParameterVector("w", 4)
    circuit = QuantumCircuit(2)
    circuit.ry(w[0], 0)
    circuit.ry(w[1], 1)
    circuit.cz(0, 1)
    circuit.ry(x.arcsin(), 0)
    circuit.ry(w[2], 0)
    circuit.rx(w[3], 1)
    return circuit


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("uniform(-1,1)", Uniform(-1, 1)),
        ("uniform", Uniform()),
        (" uniform( -pi/2 , 2*pi ) ", Uniform(-np.pi / 2, 2 * np.pi)),
        ("normal(0,0.1)", Normal(0, 0.1)),
        ("beta(2,3)", Beta(2, 3)),
        ("beta(.5,1e0,-1,1)", Beta(0.5, 1, -1, 1)),
    ],
)
def test_a_distribution_from_its_text(text, meant):
    assert read_distribution(text) == meant


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gauss(0,1)", "unknown; give uniform"),
        ("normal(0)", "has 1 numbers"),
        ("normal(0,-1)", "negative standard deviation"),
        ("uniform(1,-1)", "low below high"),
        ("beta(0,1)", "above 0"),
        ("uniform(0,two)", "'two' is no number"),
        ("uniform(0,pi/0)", "not finite"),
        ("uniform(0,1", "unknown"),
    ],
)
def test_what_is_no_distribution_is_one_line(text, line):
    with pytest.raises(ValueError, match=line) as caught:
        read_distribution(text)
    assert "\n" not in str(caught.value)


def test_every_parameter_has_its_own_distribution():
    """Kolmogorov-Smirnov on 4000 draws at 1e-6 / 3: sees a distance of 0.05 nearly always; and a control."""
    random = RandomCircuit.read(encoded(), ["x=uniform(-1,1)"], "normal(0.5,0.1)")
    names = [p.name for p in random.circuit.parameters]
    values = random.angles.draw(np.random.default_rng(3), names, 4000)
    x, weights = values[:, names.index("x")], values[:, [n != "x" for n in names]].ravel()[:4000]
    assert kstest(x, "uniform", (-1, 2)).pvalue > FAMILY / 3
    assert kstest(weights, "norm", (0.5, 0.1)).pvalue > FAMILY / 3
    assert kstest(weights, "norm", (0.5, 0.13)).pvalue < FAMILY  # negative control


def test_the_usual_case_has_the_bytes_it_always_had():
    random = RandomCircuit.read(encoded(), ["x"])
    names = [p.name for p in random.circuit.parameters]
    drawn = random.angles.draw(np.random.default_rng(7), names, 5)
    assert (drawn == np.random.default_rng(7).uniform(0, 2 * np.pi, (5, 5))).all()


def test_identity_blocks_begin_as_the_identity():
    """Grant et al.: U(θ)U(θ')† at θ' = θ, for data and weights; twice as many parameters are trained."""
    random = RandomCircuit.read(encoded(), ["x=uniform(-1,1)"], "identity-blocks")
    names = [p.name for p in random.circuit.parameters]
    assert len(names) == 9
    for row in random.angles.draw(np.random.default_rng(1), names, 3):
        matrix = Operator(random.circuit.assign_parameters(dict(zip(names, row, strict=True)))).data
        assert abs(np.trace(matrix)) == pytest.approx(4)
    assert qntk.sample(encoded(), "Z0", draws=16, inputs="x=uniform(-1,1)", angles="identity-blocks").parameters == 8


def test_an_encoding_that_needs_a_range_says_so_and_is_drawn_with_it():
    with pytest.raises(ValueError, match=r"angle .*asin.* leaves its domain at x = "):
        qntk.sample(encoded(), "Z0", draws=100, inputs="x", seed=1)
    drawn = qntk.sample(encoded(), "Z0", draws=4000, inputs={"x": "uniform(-1,1)"}, seed=1)
    # K is of degree 2 in each angle, so five equidistant ones average exactly; over x by Gauss and Legendre
    grid = np.stack(np.meshgrid(*[2 * np.pi * np.arange(5) / 5] * 4), axis=-1).reshape(-1, 4)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    kernels = qntk.Model(encoded(), "Z0", inputs="x").kernel(grid, nodes)
    expected = float(weights @ np.diagonal(kernels.mean(axis=0))) / 2
    assert abs(drawn.kernel.mean() - expected) < 5.1 * drawn.kernel.std() / 4000**0.5  # misses with 4e-7; sees 3 %


def test_check_takes_them_and_says_so():
    found = qntk.check(encoded(), "Z0", inputs="x=uniform(-1,1)", angles="normal(0,0.1)", draws=400, repeats=2)
    assert found.document["angles"] == "normal(0,0.1)"
    assert found.document["inputs"] == ["x"]
    assert found.document["mean_ratio"]["verdict"] == "disagree"  # small angles: Z0 hardly moves
