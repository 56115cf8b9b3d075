"""Planted laws are found: power laws, plateaus, and regimes without free parameters."""

import functools

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.stats import binom, chi2

from qntk.theory import REGIMES, KernelLaw
from qntk.theory.operators import OperatorMoments
from qntk.validation.scaling.exponents import Point
from qntk.validation.scaling.models import PLATEAU, POWER, compare_models

SIZES = np.array([4, 8, 16, 32, 64, 128])
ERROR, REPEATS = 0.02, 800


def cells(values, error=ERROR, rng=None, predictions=None, sizes=SIZES, variable="L"):
    """Points that hold a K̄ alone; normal errors of the logs if a generator is given."""
    noise = error * rng.normal(size=len(sizes)) if rng else np.zeros(len(sizes))
    predictions = predictions if predictions is not None else [{} for _ in sizes]
    shapes = [(int(x), 8) if variable == "L" else (8, int(x)) for x in sizes]
    return [
        Point(*shape, {"mean": np.log(y) + e}, np.array([[error**2]]), np.ones((2, 2)), p)
        for shape, y, e, p in zip(shapes, values, noise, predictions, strict=True)
    ]


def power(a=1.3, b=-0.5):
    return a * SIZES**b


def plateau(a=1.3, b=-0.5, p=0.2):
    return np.hypot(power(a, b), p)


@functools.cache
def repeated_power_laws():
    rng = np.random.default_rng(1)
    return [compare_models(cells(power(), rng=rng), "mean", "L") for _ in range(REPEATS)]


@pytest.mark.parametrize("variable", ["L", "D"])
def test_noiseless_parameters_are_recovered(variable):
    found = compare_models(cells(plateau(), variable=variable), "mean", variable).model(PLATEAU)
    assert [value for value, _ in found.parameters.values()] == pytest.approx([1.3, -0.5, 0.2], rel=1e-6)
    found = compare_models(cells(power(2.0, 1.0), variable=variable), "mean", variable).model(POWER)
    assert [value for value, _ in found.parameters.values()] == pytest.approx([2.0, 1.0], rel=1e-12)


def test_parameters_and_errors_equal_scipys_curve_fit():
    """Another parametrisation (log a, b, p), numerical derivatives, another solver; also the power law."""
    points = cells(plateau(), rng=np.random.default_rng(2))
    comparison = compare_models(points, "mean", "L")
    logs = np.array([p.logs["mean"] for p in points])
    for name, start in ((PLATEAU, (0.0, -0.4, 0.1)), (POWER, (0.0, -0.4))):

        def curve(x, log_a, b, p=0.0):
            return np.log(np.hypot(np.exp(log_a) * x**b, p))

        best, covariance = curve_fit(curve, SIZES, logs, start, np.full(6, ERROR), absolute_sigma=True)
        parameters = comparison.model(name).parameters
        errors = np.sqrt(np.diag(covariance))
        assert parameters["a"] == pytest.approx((np.exp(best[0]), np.exp(best[0]) * errors[0]), rel=1e-3)
        assert parameters["b"] == pytest.approx((best[1], errors[1]), rel=1e-3)
        if name == PLATEAU:
            # The error is upwards on p², which for p far from 0 is the usual one up to the next order.
            assert parameters["p"] == pytest.approx((best[2], errors[2]), rel=0.1)
        squares = np.sum(((logs - curve(SIZES, *best)) / ERROR) ** 2)
        assert comparison.model(name).chi2 == pytest.approx(squares, rel=1e-6)


def test_criteria_weights_and_ranks_follow_their_definitions():
    points = cells(plateau(), rng=np.random.default_rng(3), predictions=[{"exact": {"mean": y}} for y in plateau()])
    comparison = compare_models(points, "mean", "L")
    assert {m.name: (m.dof, len(m.parameters)) for m in comparison.ranked} == {
        POWER: (4, 2),
        PLATEAU: (3, 3),
        "exact": (6, 0),
    }
    aic = np.array([m.chi2 + 2 * len(m.parameters) for m in comparison.ranked])
    assert [m.aic for m in comparison.ranked] == pytest.approx(aic)
    assert (np.diff(aic) >= 0).all()
    assert [m.weight for m in comparison.ranked] == pytest.approx(np.exp(-aic / 2) / np.exp(-aic / 2).sum())
    assert [m.p for m in comparison.ranked] == pytest.approx([chi2.sf(m.chi2, m.dof) for m in comparison.ranked])
    assert comparison.model(PLATEAU).aicc == pytest.approx(comparison.model(PLATEAU).aic + 12)
    assert comparison.model("exact").aicc == comparison.model("exact").aic


def test_a_planted_plateau_is_preferred_and_a_power_law_rejected():
    """A power law misses the noiseless curve by χ² = 58. A gain in χ² below 8 (AIC: 6) has probability 1e-6, and so
    has a power law with p > 5 %.
    """
    comparison = compare_models(cells(plateau(), rng=np.random.default_rng(4)), "mean", "L")
    best = comparison.ranked[0]
    assert best.name == PLATEAU
    assert best.p > 1e-6
    assert comparison.model(POWER).p < 0.05
    assert comparison.model(POWER).aic - best.aic > 6
    value, error = best.parameters["p"]
    assert abs(value - 0.2) < 4.9 * error


def test_a_planted_power_law_is_not_rejected_and_a_plateau_seldom_preferred():
    """800 power laws. p-values are uniform: rate of p < 5 % within its binomial band, false-fail probability 1e-6.

    With p >= 0 the gain in χ² is 0 half of the time and χ² of one degree otherwise (Self and Liang 1987), so AIC takes
    the plateau with probability P(χ²₁ > 2)/2 = 7.9 %; band at 1e-6, which a χ² without the bound (15.7 %) leaves with
    probability 0.98.
    """
    rejected = sum(c.model(POWER).p < 0.05 for c in repeated_power_laws())
    assert binom.isf(1 - 5e-7, REPEATS, 0.05) <= rejected <= binom.isf(5e-7, REPEATS, 0.05)
    expected = chi2.sf(2, 1) / 2
    curved = sum(c.ranked[0].name != POWER for c in repeated_power_laws())
    assert binom.isf(1 - 5e-7, REPEATS, expected) <= curved <= binom.isf(5e-7, REPEATS, expected)


def test_the_plateau_model_never_fits_worse_than_the_power_law_it_contains():
    gains = [c.model(POWER).chi2 - c.model(PLATEAU).chi2 for c in repeated_power_laws() if PLATEAU not in c.omitted]
    assert min(gains) > -1e-9
    flat = [c for c in repeated_power_laws() if PLATEAU not in c.omitted and c.model(PLATEAU).parameters["p"][0] == 0]
    assert flat
    for comparison in flat:
        assert comparison.model(PLATEAU).chi2 == pytest.approx(comparison.model(POWER).chi2, rel=1e-9)
        assert comparison.model(PLATEAU).parameters["p"][1] > 0


def test_the_exact_law_is_found_among_the_regimes_and_the_wrong_one_rejected():
    """ΔK/K̄ of KernelLaw at n = 3 with 2 % errors, as K̄ of the points: the exact law bends to its plateau."""
    laws = [KernelLaw(int(L), *[OperatorMoments.from_pauli(3)] * 2) for L in SIZES]
    predictions = [{r: {"mean": law.relative_std(r).value} for r in REGIMES} for law in laws]
    values = [p["exact"]["mean"] for p in predictions]
    comparison = compare_models(cells(values, rng=np.random.default_rng(5), predictions=predictions), "mean", "L")
    assert comparison.ranked[0].name == "exact"
    assert comparison.model("exact").p > 1e-6
    assert comparison.model("asymptotic").p < 1e-6
    assert comparison.model(POWER).p < 1e-6
    value, error = comparison.model(PLATEAU).parameters["p"]
    assert abs(value - laws[0].plateau().value) < 4.9 * error


def test_models_that_cannot_be_compared_are_left_out_with_a_reason():
    few = compare_models(cells(SIZES[:3], sizes=SIZES[:3]), "mean", "L")
    assert few.omitted[PLATEAU] == "3 parameters need at least 4 points; there are 3"
    assert few.ranked[0].aicc is None
    predictions = [{"exact": {"mean": float(y)}, "independent": {"mean": float(y)}, "asymptotic": {}} for y in SIZES]
    comparison = compare_models(cells(SIZES * 1.0, predictions=predictions), "mean", "L")
    assert comparison.omitted["independent"] == "has the same values as exact"
    assert comparison.omitted["asymptotic"] == "predicts no mean at every point"
    # Only the first value lies off a constant, so any steep exponent will do.
    steep = compare_models(cells([1.5, 1.0, 1.0, 1.0, 1.0, 1.0], error=0.1), "mean", "L")
    assert steep.omitted[PLATEAU] == "the points do not determine its exponent"


def test_bad_input_is_refused():
    points = cells(power())
    with pytest.raises(ValueError, match="at least 3"):
        compare_models(points[:2], "mean", "L")
    with pytest.raises(ValueError, match="not drawn"):
        compare_models(points, "std", "L")
    with pytest.raises(ValueError, match="choose from"):
        compare_models(points, "mean", "L").model("exact")
