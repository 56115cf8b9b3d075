"""Weighted fits and effective exponents against textbook algebra, numpy and the jackknife; Haar layers end to end."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp
from scipy.stats import norm
from scipy.stats import t as student

from qntk.sampling import HaarLayers, sample
from qntk.theory import REGIMES, KernelLaw
from qntk.theory.operators import OperatorMoments
from qntk.validation.scaling.exponents import Point, fit, fit_jointly, point
from qntk.validation.scaling.families import cell_point

SIZES = (4, 8, 16, 32, 64)
RNG = np.random.default_rng


def bare(sizes, values, errors, predicted=None):
    """Points that hold a K̄ alone, at the (L, D) given."""
    predicted = predicted if predicted is not None else [{} for _ in sizes]
    return [
        Point(L, D, {"mean": np.log(y)}, np.array([[e**2]]), np.ones((2, 2)), p)
        for (L, D), y, e, p in zip(sizes, values, errors, predicted, strict=True)
    ]


@pytest.mark.parametrize(
    ("variables", "sizes"),
    [
        (("L",), [(L, 8) for L in SIZES]),
        (("D",), [(10, D) for D in (2, 4, 8)]),
        (("L", "D"), list(itertools.product((4, 16, 64), (2, 8)))),
    ],
)
def test_noiseless_power_laws_are_recovered(variables, sizes):
    exponents = {"L": 0.7, "D": -1.2}
    values = [3 * L**0.7 * D**-1.2 for L, D in sizes]
    result = fit(bare(sizes, values, RNG(1).uniform(0.01, 0.3, len(sizes))), "mean", variables, 0.05, RNG(0))
    for variable in variables:
        assert result.exponents[variable].best == pytest.approx(exponents[variable], abs=1e-12)
    held = 0.0 if len(variables) > 1 else {"L": -1.2 * np.log(8), "D": 0.7 * np.log(10)}[variables[0]]
    assert result.constant == pytest.approx(np.log(3) + held, abs=1e-12)
    assert result.p > 1 - 1e-9
    assert result.dof == len(sizes) - len(variables) - 1


@pytest.mark.parametrize("variables", [("L",), ("L", "D")])
def test_coefficients_and_covariance_equal_the_normal_equations(variables):
    """The textbook (XᵀWX)⁻¹ XᵀWy, on points that follow no power law; χ² by its definition."""
    rng = RNG(2)
    sizes = [(L, 8 if len(variables) == 1 else D) for L, D in itertools.product((4, 9, 30, 80), (4, 32))][
        :: 3 - len(variables)
    ]
    values, errors = rng.uniform(1, 2, len(sizes)), rng.uniform(0.01, 0.3, len(sizes))
    result = fit(bare(sizes, values, errors), "mean", variables, 0.05, rng)
    X = np.column_stack([np.ones(len(sizes)), np.log([s[: len(variables)] for s in sizes])])
    inverse = np.linalg.inv(X.T @ np.diag(errors**-2) @ X)
    beta = inverse @ X.T @ np.diag(errors**-2) @ np.log(values)
    best = [result.constant, *(e.best for e in result.exponents.values())]
    np.testing.assert_allclose(best, beta, rtol=1e-9)
    np.testing.assert_allclose(result.covariance, inverse, rtol=1e-9)
    assert result.chi2 == pytest.approx(np.sum(((np.log(values) - X @ beta) / errors) ** 2), rel=1e-9)


def test_the_interval_is_students_with_welchs_degrees_of_freedom():
    """Three cells at L = 1, e, e² of equal weight: the slope is half the difference of the ends, by hand."""
    errors, freedom = (0.02, 0.05, 0.03), (7.0, 2.0, 40.0)
    sizes = [(1, 8), (10, 8), (100, 8)]
    points = [
        replace(p, scatter={"mean": (s, f)})
        for p, s, f in zip(bare(sizes, (1.0, 2.0, 3.0), (0.1, 0.1, 0.1)), errors, freedom, strict=True)
    ]
    exponent = fit(points, "mean", ("L",), 0.01, RNG(0)).exponents["L"]
    parts = np.array([errors[0] ** 2, errors[2] ** 2]) / np.log(100) ** 2
    assert exponent.standard_error == pytest.approx(np.sqrt(parts.sum()))
    assert exponent.freedom == pytest.approx(parts.sum() ** 2 / (parts[0] ** 2 / 7 + parts[1] ** 2 / 40))
    reach = student.isf(0.005, exponent.freedom) * exponent.standard_error
    assert exponent.interval == pytest.approx((exponent.best - reach, exponent.best + reach))
    assert reach > 1.05 * norm.isf(0.005) * exponent.standard_error  # control: a normal one is shorter


def test_effective_exponents_equal_numpys_weighted_polynomial_fit():
    """KernelLaw over L = 4…128 at n = 4; np.polyfit takes 1/se as its weights."""
    rng = RNG(3)
    sizes, errors = (4, 8, 16, 32, 64, 128), rng.uniform(0.01, 0.1, 6)
    laws = [KernelLaw(L, OperatorMoments.from_pauli(4), OperatorMoments.from_pauli(4)) for L in sizes]
    predicted = [{r: {"mean": law.relative_std(r).value} for r in REGIMES} for law in laws]
    values = [p["exact"]["mean"] for p in predicted]
    exponent = fit(bare([(L, 16) for L in sizes], values, errors, predicted), "mean", ("L",), 0.05, rng).exponents["L"]
    for regime in REGIMES:
        logs = np.log([p[regime]["mean"] for p in predicted])
        assert exponent.predicted[regime] == pytest.approx(
            np.polyfit(np.log(sizes), logs, 1, w=1 / errors)[0], rel=1e-10
        )
    assert exponent.best == pytest.approx(exponent.predicted["exact"], rel=1e-12)
    assert exponent.predicted["asymptotic"] == pytest.approx(-0.5, rel=1e-12)
    assert exponent.predicted["exact"] > -0.48


def test_a_regime_that_lacks_a_point_has_no_effective_exponent():
    sizes = [(L, 8) for L in SIZES]
    partial = [{"exact": {"mean": 1.0}} if L > 4 else {"exact": {}} for L, _ in sizes]
    assert fit(bare(sizes, SIZES, [0.1] * 5, partial), "mean", ("L",), 0.05, RNG(0)).exponents["L"].predicted == {}


def test_a_bend_is_no_power_law():
    bent = [L * np.exp(0.1 * np.log(L) ** 2) for L in SIZES]
    assert fit(bare([(L, 8) for L in SIZES], bent, [0.01] * 5), "mean", ("L",), 0.05, RNG(0)).p < 1e-6


def test_covariance_of_the_logs_equals_the_jackknifes():
    """1 500 draws: the leave-one-out covariance is equal up to terms of relative order 1/n, here 2 %."""
    rng = RNG(4)
    kernel = rng.gamma(2.0, size=1500)
    dqntk = kernel * rng.normal(size=1500)
    cell = point(4, 8, kernel, dqntk, {})
    rows = []
    for i in range(1500):
        k, m = np.delete(kernel, i), np.delete(dqntk, i)
        rows.append(np.log([k.mean(), k.std(ddof=1), k.std(ddof=1) / k.mean(), np.sqrt(np.mean(m**2))]))
    jackknife = np.cov(np.transpose(rows)) * 1499**2 / 1500
    scale = np.sqrt(np.outer(np.diag(jackknife), np.diag(jackknife)))
    assert np.abs((cell.covariance - jackknife) / scale).max() < 0.02
    full = np.log([kernel.mean(), kernel.std(ddof=1), kernel.std(ddof=1) / kernel.mean(), np.sqrt(np.mean(dqntk**2))])
    np.testing.assert_allclose(list(cell.logs.values()), full, rtol=1e-12)


def test_batches_are_equal_blocks_of_consecutive_draws():
    kernel = np.arange(1.0, 26.0)
    cell = point(4, 8, kernel, None, {}, batches=6)
    np.testing.assert_allclose(cell.batches[:, 0], [3, 8, 13, 18, 23])
    np.testing.assert_allclose(cell.batches[1, 1], np.mean(np.arange(6, 11) ** 2))


def test_haar_layers_have_the_exact_laws_exponents_and_not_the_published_one():
    """n = 3, Z0, L = 4…128, 10 000 draws a cell: intervals of 1 - 1e-7, three quantities, false-fail 3e-7.

    The exact law's exponent of ΔK/K̄ is -0.37; the published -1/2 lies over 40 standard errors off.
    """
    pauli, sizes = OperatorMoments.from_pauli(3), (4, 8, 16, 32, 64, 128)
    points = []
    for L in sizes:
        kernel = sample(HaarLayers(SparsePauliOp("IIZ"), SparsePauliOp("IIX"), L), 10_000, seed=11, key=(L,)).kernel
        law = KernelLaw(L, pauli, pauli)
        predicted = {
            r: {
                "mean": law.mean(r).value,
                "std": law.variance(r).value ** 0.5,
                "relative_std": law.relative_std(r).value,
            }
            for r in REGIMES
        }
        points.append(point(L, 8, kernel, None, predicted))
    joint = fit_jointly(points, ("L",), 1e-7, RNG(12))
    assert all(each.exponents["L"].covers("exact") for each in joint.fits.values())
    ratio = joint.fits["relative_std"]
    assert not ratio.exponents["L"].covers("asymptotic")
    assert ratio.p < 1e-6
    assert joint.fits["mean"].p > 1e-6


def test_bad_input_is_refused():
    sizes = [(L, 8) for L in SIZES]
    points = bare(sizes, SIZES, [0.1] * 5)
    for arguments, message in (
        ((points[:2], "mean", ("L",), 0.05), "2 different sizes are too few to fit L; give at least 3"),
        ((points[:2] * 2, "mean", ("L",), 0.05), "2 different sizes"),
        ((points, "mean", ("L", "D"), 0.05), "do not tell L and D apart"),
        ((points, "mean", ("D",), 0.05), "1 different sizes"),
        ((bare([(4, 2), (8, 4), (16, 8)], [1, 2, 3], [1] * 3), "mean", ("L",), 0.05), "in L alone holds D"),
        ((points, "mean", ("n",), 0.05), "choose from"),
        ((points, "std", ("L",), 0.05), "std was not drawn"),
        ((points, "mean", ("L",), 1.0), "level is 1.0"),
    ):
        with pytest.raises(ValueError, match=message.replace("choose from", "choose \\('L',\\)")):
            fit(*arguments, RNG(0))
    with pytest.raises(ValueError, match="choose from"):
        fit_jointly(points, ("L",), 0.05, RNG(0)).combination({"std": 1}, "L")
    kernel = np.arange(1.0, 20.0)
    for dqntk, batches, message in (
        (kernel[1:], 5, "19 finite"),
        (np.where(kernel == 3, np.inf, kernel), 5, "19 finite"),
        (0 * kernel, 5, "not all zero"),
        (None, 1, "at least 2"),
    ):
        with pytest.raises(ValueError, match=message):
            point(4, 8, kernel, dqntk, {}, batches)
    cell = point(4, 8, kernel, None, {})
    for changed, message in (
        ({"covariance": np.diag(np.diag(cell.covariance))}, "not that of log ΔK"),
        ({"covariance": cell.covariance[:2, :2]}, "shape"),
        ({"covariance": 0 * cell.covariance}, "positive"),
        ({"batches": cell.batches[:, :1]}, "2 means"),
        ({"logs": {"mode": 1.0}}, "choose from"),
    ):
        with pytest.raises(ValueError, match=message):
            Point(**{**vars(cell), **changed})


def test_cells_with_too_few_draws_for_a_verdict_are_told():
    """ΔK of a projector at D = 8, L = 4 asks for 10 552 draws, its mean for fewer than 1000; a Pauli string for 514."""
    draws = RNG(4).gamma(1.0, size=1000)
    cell = SimpleNamespace(parameters=4, dimension=8, dqntk=False)
    pauli, projector = OperatorMoments.from_pauli(8), OperatorMoments.from_projector(8)
    thin = [cell_point(cell, KernelLaw(4, O, pauli), {"kernel": draws}).thin for O in (projector, pauli)]
    assert thin == [{"std", "relative_std"}, frozenset()]
