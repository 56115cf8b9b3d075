"""assert_agrees: what passes, what fails, and what a failure says."""

import math
import re

import numpy as np
import pytest
from scipy.stats import gamma

from qntk.inputs.observables import parse_observable
from qntk.sampling import HaarLayers, sample
from qntk.theory import Prediction
from qntk.validation.judge.claims import CLAIM
from qntk.validation.judge.estimates import summarise
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.verdicts import Question
from qntk.validation.kit.testing import assert_agrees, settling_draws

LAW = kernel_law(2, 4, "Z0", "half-pauli")


@pytest.fixture
def kernels(qntk_rng):
    """10 000 gamma variables of shape 4 and mean 1: the mean's standard error is 0.5 %, the variance's 1.9 %."""
    return qntk_rng.gamma(4, 0.25, 10_000)


@pytest.fixture
def haar(qntk_seed):
    """20 000 kernels of the ensemble that ``LAW`` is of, as circuits draw it."""
    pauli = parse_observable("Z0", 2).operator()
    return sample(HaarLayers(pauli, 0.5 * pauli, 4), 20_000, qntk_seed).kernel


def failure(*arguments, **options):
    with pytest.raises(AssertionError) as caught:
        assert_agrees(*arguments, **options)
    return str(caught.value).splitlines()


def quantiles(n):
    """A gamma law of shape 4 and mean 1 without chance."""
    return gamma.ppf((np.arange(n) + 0.5) / n, 4, scale=0.25)


def numbers(line):
    return [float(word) for word in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", line)]


def test_the_truth_passes(kernels):
    """Two assertions at 1e-6; a mean 20 % off is caught with probability above 0.999."""
    assert assert_agrees(kernels, 1.0, margin=0.05, sees=0.1).verdict == "agree"
    assert_agrees(kernels, 0.25, "variance", margin=0.1)


@pytest.mark.parametrize("statistic", ["mean", "variance", "relative_std", "distribution"])
def test_a_law_stands_for_its_exact_prediction(haar, statistic):
    """One assertion at 1e-6. Negative control: a law with 50 % more parameters, rejected with probability > 0.999."""
    verdict = assert_agrees(haar, LAW, statistic, margin=0.05)
    expected = 0.0 if statistic == "distribution" else getattr(LAW, statistic)().value
    assert verdict.prediction == expected
    assert statistic in failure(haar, kernel_law(2, 6, "Z0", "half-pauli"), statistic, margin=0.02)[0].replace(" ", "_")


@pytest.mark.parametrize("prediction", [1.0, LAW.mean()])
def test_a_prediction_may_be_a_number(prediction, qntk_rng):
    """Both at 1e-6; the draws are scaled to the prediction's value."""
    value = getattr(prediction, "value", prediction)
    assert assert_agrees(value * qntk_rng.gamma(4, 0.25, 1000), prediction).prediction == value


def test_a_failure_says_it_all_and_the_first_line_is_a_summary(kernels):
    """The numbers against numpy and the normal approximation, of which the interval leaves 0.1 standard errors."""
    lines = failure(kernels, 1.2, margin=0.05)
    mean, se = kernels.mean(), kernels.std(ddof=1) / kernels.mean() / 100
    off, beyond = math.log(1.2 / mean) / se, math.log(1.14 / mean) / se
    assert lines[0].startswith(f"mean of K disagrees: estimate {mean:.6g}, prediction 1.2, ")
    assert lines[0].endswith(" standard errors off; margin 0.05, n = 10000")
    assert [line.split()[0] for line in lines[1:6]] == ["estimate", "prediction", "distance", "draws", "error"]
    estimate, low, high = numbers(lines[1])
    assert estimate == pytest.approx(mean, rel=1e-5)
    assert (low, high) == pytest.approx((mean * math.exp(-4.9 * se), mean * math.exp(4.9 * se)), abs=0.2 * se)
    assert numbers(lines[2]) == [1.2, 1.14, 1.26]
    assert numbers(lines[3]) == pytest.approx([off, beyond], rel=0.01)
    assert numbers(lines[4])[0] == pytest.approx(10_000 * (4.9 / beyond) ** 2, rel=0.3)
    assert numbers(lines[4])[-1] == 0.9
    assert numbers(lines[5]) == [1e-6]
    assert lines[6].strip().isascii()


def test_a_distance_has_no_lower_edge(haar):
    lines = failure(haar, kernel_law(2, 6, "Z0", "half-pauli"), "distribution", margin=0.02)
    assert "at least" in lines[0]
    assert "margin up to 0.02" in lines[2]
    assert "an absolute discrepancy" in lines[4]


@pytest.mark.parametrize(
    ("prediction", "margin", "statistic"), [(1.2, 0.05, "mean"), (0.8, 0, "mean"), (0.4, 0.1, "variance")]
)
def test_the_axis_is_to_scale(kernels, prediction, margin, statistic):
    """Each mark stands within one character of its value, on a line of 60 between the numbers at its ends."""
    line = failure(kernels, prediction, statistic, margin=margin)[6].strip()
    first, cells, last = line.split()
    assert len(cells) == 60
    first, last = float(first), float(last)
    low, high = summarise(kernels).pivot(statistic).interval(1e-6)
    marks = {"(": low, ")": high, "|": prediction, "x": summarise(kernels).pivot(statistic).estimate}
    if margin:
        marks |= {"[": prediction * (1 - margin), "]": prediction * (1 + margin)}
    for mark, value in marks.items():
        assert cells.count(mark) == 1
        assert cells.index(mark) == pytest.approx((value - first) / (last - first) * 60, abs=1.1)


def test_an_axis_of_far_apart_values_is_a_line_still(kernels):
    assert failure(kernels, 1e9)[6].count("\n") == 0
    assert failure(kernels, 1e-9)[6].strip().split()[1].index("x") > 50


@pytest.mark.parametrize("statistic", ["mean", "variance"])
def test_the_settling_draws_are_where_the_verdict_turns(statistic):
    """Quantiles of a gamma law in place of draws, so that no chance enters; n scales but for the extremes' weight."""
    prediction = Prediction("K", 0.3 if statistic == "variance" else 1.2, "exact", (), "here")
    question = Question(CLAIM["kernel", statistic], prediction, 0.05)

    def evidence(n):
        return summarise(quantiles(n)).pivot(statistic)

    def outcome(n):
        return question.answer(evidence(n), 1e-6, n).verdict

    settled = settling_draws(question, evidence(10_000), 1e-6)
    assert outcome(int(1.25 * settled)) == "disagree"
    assert outcome(int(0.8 * settled)) == "inconclusive"
    assert settling_draws(question, evidence(int(0.8 * settled)), 1e-6) == pytest.approx(settled, rel=0.25)


def test_a_test_that_could_not_have_failed_is_refused_and_says_what_it_takes():
    """Quantiles again: 20 % more than advised is enough, and 20 % less is not."""
    with pytest.raises(ValueError, match=r"400 draws see .* of the mean .*, not one of 0.05; draw about \d+") as caught:
        assert_agrees(quantiles(400), 1.0, sees=0.05)
    advised = int(str(caught.value).split()[-1])
    assert_agrees(quantiles(int(1.2 * advised)), 1.0, sees=0.05)
    with pytest.raises(ValueError, match="draw about"):
        assert_agrees(quantiles(int(0.8 * advised)), 1.0, sees=0.05)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"margin": 1.0}, "margin is 1.0"),
        ({"margin": -0.1}, "margin is -0.1"),
        ({"false_fail": 0.0}, "false_fail is 0.0"),
        ({"power": 1.0}, "power is 1.0"),
        ({"statistic": "median"}, "'median' is unknown; choose mean"),
        ({"statistic": "exponent"}, "'exponent' is unknown"),
        ({"statistic": "distribution"}, "give a KernelLaw"),
        ({"prediction": 0.0}, "prediction is 0.0; a mean of K is positive"),
        ({"prediction": math.nan}, "prediction is nan"),
        ({"kernels": np.ones(100)}, "all draws are equal"),
        ({"kernels": np.arange(7)}, "7 draws are too few"),
        ({"margin": 0.1, "sees": 0.1}, "a discrepancy within the margin of 0.1 is none"),
    ],
)
def test_what_is_no_test_is_refused(kernels, options, words):
    with pytest.raises(ValueError, match=words):
        assert_agrees(**{"kernels": kernels, "prediction": 1.0} | options)


def test_pytest_shows_the_message_as_it_is_and_points_at_the_test(pytester, plugin):
    pytester.makepyfile(
        test_k="""
        import numpy as np
        from qntk.validation.kit.testing import assert_agrees

        def test_it():
            assert_agrees(np.arange(1.0, 1001.0), 1000.0)  # the line at fault
        """
    )
    result = pytester.runpytest(*plugin)
    result.stdout.fnmatch_lines(
        [
            ">*# the line at fault",
            "E * AssertionError: mean of K disagrees: estimate 500.5, prediction 1000, * standard errors off; *",
            "E  *   estimate    500.5, interval *",
            "E * --(*x*)*|-- *",
            "FAILED test_k.py::test_it - AssertionError: mean of K disagrees: *",
        ]
    )
    result.stdout.no_fnmatch_line("*def assert_agrees*")


def test_the_shape_and_the_kind_of_draws_are_checked_as_by_compare():
    """60 draws as (60, 50) copies are not 3000 draws."""
    draws = np.random.default_rng(3).gamma(3.0, size=60)
    with pytest.raises(ValueError, match="one dimension"):
        assert_agrees(np.tile(draws[:, None], (1, 50)), 3.0)
    for bad in (draws * 1j, draws > 2, draws.astype(str)):
        with pytest.raises(TypeError, match="real numbers"):
            assert_agrees(bad, 3.0)
    with pytest.warns(UserWarning, match="repeat another"):
        assert_agrees(np.tile(draws, 50), float(draws.mean()))
