"""Sentences say what the points say, and no more."""

import numpy as np
import pytest

from qntk.validation.scaling.exponents import Point, fit
from qntk.validation.scaling.statements import compare_pointwise, statement

SIZES = (4, 8, 16, 32, 64, 128)
LEVEL = 0.01 / 6
RNG = np.random.default_rng


def cells(estimates, predictions, errors=0.01, quantity="relative_std", sizes=None):
    """Points with one quantity; predictions: regime to values."""
    shapes = sizes or [(L, 16) for L in SIZES]
    errors = np.broadcast_to(errors, len(shapes))
    return [
        Point(
            *shape,
            {quantity: np.log(y)},
            np.array([[e**2]]),
            np.ones((2, 2)),
            {regime: {quantity: values[i]} for regime, values in predictions.items()},
        )
        for i, (shape, y, e) in enumerate(zip(shapes, estimates, errors, strict=True))
    ]


def say(points, quantity="relative_std", variables=("L",), place="n = 4, Z0", **more):
    return statement(fit(points, quantity, variables, LEVEL, RNG(0)), points, place, LEVEL, **more)


def power(b=-0.5, a=2.0):
    return [a * L**b for L in SIZES]


def bent(factors):
    return [y * f for y, f in zip(power(), factors, strict=True)]


def test_a_law_that_leaves_one_over_root_l_from_16_on():
    """Estimates equal the exact law; the reach is 3.1 standard errors of 1 %."""
    exact = bent((1.0, 1.02, 1.1, 1.2, 1.4, 1.8))
    sentence = say(cells(exact, {"asymptotic": power(), "exact": exact}))
    slope = np.polyfit(np.log(SIZES), np.log(exact), 1)[0]
    half = 3.1440 * 0.01 / np.sqrt(np.sum((np.log(SIZES) - np.mean(np.log(SIZES))) ** 2))
    assert 0.010 < half < 0.011
    start, goodness, shape, published, law = sentence.removesuffix(".").split("; ")
    assert start == f"ΔK/K̄ ∝ L^−{-slope:.3f} ± 0.011 over L = 4…128 (n = 4, Z0)"
    assert goodness.startswith("not a power law (p = ")
    assert float(goodness.removeprefix("not a power law (p = ").removesuffix(")")) < 1e-10
    assert shape == "1/√L with a fitted prefactor is not rejected up to L = 8, rejected up to L = 16"
    assert published == "the published law is not rejected below L = 16, rejected from L = 16 on"
    assert law == "the exact law holds within 10 % at all 6 sizes"


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ((1.5, 1.5, 1.5, 1.5, 1.5, 1.5), "rejected at all 6 sizes"),
        ((1.0, 1.0, 1.0, 1.0, 1.0, 1.5), "not rejected below L = 128, rejected at L = 128"),
        ((1.5, 1.0, 1.0, 1.0, 1.0, 1.5), "rejected at L = 4, 128, not at L = 8, 16, 32, 64"),
        ((1.5, 0.8, 1.0, 1.0, 1.0, 1.0), "rejected at L = 4, 8, not at L = 16, 32, 64, 128"),
        (
            (1.0, 1.0, 1.0, 1.0, 1.04, 1.04),
            "not rejected below L = 64, rejected from L = 64 on, yet within 10 % at every size",
        ),
    ],
)
def test_where_a_regime_is_rejected(factors, words):
    assert f"the published law is {words}." in say(cells(bent(factors), {"asymptotic": power()}))


def test_order_of_the_points_does_not_matter():
    points = cells(bent((1.0, 1.0, 1.1, 1.1, 1.2, 1.2)), {"asymptotic": power()})
    assert say(points[::-1]) == say(points)


def test_wide_intervals_are_not_rejected_and_never_said_to_hold():
    """Negative control of "holds": the same estimates with errors of 5 %, whose reach of 16 % exceeds the margin."""
    sharp, wide = (say(cells(power(), {"exact": power()}, error)) for error in (0.01, 0.05))
    assert sharp.endswith("the exact law holds within 10 % at all 6 sizes.")
    assert wide.endswith("the exact law is not rejected at any size.")
    one = say(cells(power(), {"exact": power()}, [0.01] * 5 + [0.05]))
    assert one.endswith("the exact law is not rejected at any size.")
    assert "a power law is not rejected (p = 1)" in sharp


def test_the_margin_is_that_of_the_caller():
    points = cells(power(), {"exact": power()})
    assert say(points, margin=0.04).endswith("the exact law holds within 4 % at all 6 sizes.")
    assert say(points, margin=0.03).endswith("the exact law is not rejected at any size.")


def test_other_quantities_variables_and_regimes_have_their_names():
    points = cells(power(1.0), {"asymptotic": power(1.1), "independent": power(1.0)}, quantity="mean")
    sentence = say(points, "mean", regimes=("asymptotic", "independent", "exact"))
    assert sentence.startswith("K̄ ∝ L^1.000 ± 0.011 over")
    assert "the published law is rejected at all 6 sizes" in sentence
    assert "the law of independent parameters holds within 10 %" in sentence
    assert "exact" not in sentence
    grid = [(L, D) for L in (4, 16) for D in (2, 4, 8)]
    values = [L**0.5 / D for L, D in grid]
    points = cells(
        values, {"exact": [v * (1.2 if D == 8 else 1) for v, (_, D) in zip(values, grid, strict=True)]}, sizes=grid
    )
    sentence = say(points, variables=("L", "D"), place="Z0")
    assert sentence.startswith("ΔK/K̄ ∝ L^(0.500 ± 0.019) D^(−1.000 ± 0.023) over L = 4…16 and D = 2…8 (Z0)")
    assert sentence.endswith("the exact law is rejected at 2 of 6 sizes.")
    along = cells([1 / D for D in (2, 4, 8)], {"exact": [0.6, 1 / 4, 1 / 8]}, sizes=[(8, D) for D in (2, 4, 8)])
    assert say(along, variables=("D",)).endswith("the exact law is rejected at D = 2, not at D = 4, 8.")


@pytest.mark.parametrize(
    ("error", "shown"), [(0.02, "± 0.022"), (0.05, "± 0.06"), (0.3, "± 0.4"), (3.0, "± 4"), (30, "± 33")]
)
def test_half_widths_are_rounded_up_to_one_digit_or_two(error, shown):
    """The half width is 3.144 error / 2.900: 0.0217, 0.0542, 0.325, 3.25, 32.5."""
    assert shown + " over" in say(cells(power(), {}, error))


def test_p_values_that_underflow_are_bounded():
    assert "not a power law (p < 1e-300)" in say(cells(bent((1, 9, 1, 9, 1, 9)), {}, 0.001))


def test_pointwise_error_rate_is_the_level():
    """20 000 estimates around the law, level 1 %: binomial band, false-fail 1e-6; sees a rate of 1.5 %."""
    rng = RNG(1)
    points = cells(np.exp(0.05 * rng.normal(size=20_000)), {"exact": np.ones(20_000)}, 0.05, sizes=[(4, 2)] * 20_000)
    (compared,) = compare_pointwise(points, "relative_std", 0.01)
    assert abs(sum(compared.rejected) - 200) < 4.9 * np.sqrt(20_000 * 0.01 * 0.99)
    assert not any(compared.close)


def test_bad_input_is_refused():
    points = cells(power(), {})
    for arguments, message in (
        (("relative_std", 0.0), "level is 0.0"),
        (("relative_std", 0.1, 0.0), "margin is 0.0"),
        (("mean", 0.1), "not drawn"),
    ):
        with pytest.raises(ValueError, match=message):
            compare_pointwise(points, *arguments)
