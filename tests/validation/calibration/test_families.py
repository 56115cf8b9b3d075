"""A calibration that can fail: thousands of stored trials, and thresholds that twice the promised rate meets.

Trials are columns of 1 000 kernels resampled from a population of each setting, whose own moments are the truth. A
count of wrong verdicts is broken from the number that twice the promised rate reaches with probability 0.99; a
validator that just keeps its promise reaches it with probability below 2e-4 in each of the 39 counts, and this one,
which is cautious, far more seldom.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from qntk.theory import Prediction
from qntk.validation.calibration.controls import SETTINGS
from qntk.validation.calibration.trials import EDGES, LEVEL, ensemble_of
from qntk.validation.judge.claims import CLAIM
from qntk.validation.judge.estimates import MOMENTS, summarise
from qntk.validation.judge.step_down import step_down_level
from qntk.validation.judge.verdicts import Question

DRAWS, TRIALS, FAMILY = 1_000, 2_000, 8
MARGIN = 0.5
"""So wide that every interval fits in: an edge is crossed as often as the interval misses on that side."""


def broken_from(trials, promise):
    return int(binom.ppf(0.01, trials, 2 * promise))


@pytest.fixture(scope="module")
def stored():
    """For each setting the truth by moment, and the pivots of its trials."""
    found, rng = {}, np.random.default_rng(17)
    for setting in SETTINGS:
        population = ensemble_of(setting)[0].draw(200_000, rng).kernel
        mean, variance = population.mean(), population.var()
        truth = {"mean": mean, "variance": variance, "relative_std": variance**0.5 / mean}
        columns = rng.choice(population, (TRIALS, DRAWS))
        found[setting] = truth, [summarise(column).pivots for column in columns]
    return found


def held(truth, moment, edge=None):
    """The true law, or one from which the truth differs by exactly the margin."""
    value = truth[moment] / (1 + EDGES[edge] * MARGIN if edge else 1)
    return Question(CLAIM["kernel", moment], Prediction(moment, value, "exact", (), ""), MARGIN)


def narrowed(factor):
    return lambda pivot: replace(pivot, se=pivot.se * factor)


def sharp(pivot):
    """As if the standard error were known, and the ψ were normal."""
    return replace(pivot, se=0.8 * pivot.se, df=np.inf, skewness=0.0)


def single_errors(stored, moment, spoil=lambda pivot: pivot):
    """Intervals that miss, by setting, and agreement with the truth on an edge: counts with their promises."""
    for truth, trials in stored.values():
        pivots = [spoil(pivots[moment]) for pivots in trials]
        asked = held(truth, moment)
        intervals = [asked.answer(pivot, LEVEL, DRAWS).interval for pivot in pivots]
        yield sum(not low <= truth[moment] <= high for low, high in intervals), LEVEL
        for edge in EDGES:
            question = held(truth, moment, edge)
            yield sum(question.answer(pivot, LEVEL, DRAWS).verdict == "agree" for pivot in pivots), LEVEL / 2


def family_errors(stored, moment, spoil=lambda pivot: pivot, level=step_down_level):
    """Families with any wrong verdict: two trials of each setting, half of them with the truth on an edge."""
    wrong = 0
    for first in range(0, TRIALS, FAMILY // len(SETTINGS)):
        members = [(truth, trials[first + i][moment]) for truth, trials in stored.values() for i in range(2)]
        edges = [(None, "upper", None, "lower")[i % 4] for i in range(FAMILY)]
        asked = [held(truth, moment, edge) for (truth, _), edge in zip(members, edges, strict=True)]
        pivots = [spoil(pivot) for _, pivot in members]
        at = level([q.settling(p) for q, p in zip(asked, pivots, strict=True)], LEVEL)
        said = [q.answer(p, at, DRAWS).verdict for q, p in zip(asked, pivots, strict=True)]
        wrong += any(v == ("agree" if edge else "disagree") for v, edge in zip(said, edges, strict=True))
    return wrong


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_promise_is_kept_in_thousands_of_trials(stored, moment):
    for count, promise in single_errors(stored, moment):
        assert count < broken_from(TRIALS, promise)
        assert binom.sf(broken_from(TRIALS, promise) - 1, TRIALS, promise) < 2e-4
    families = TRIALS * len(SETTINGS) // FAMILY
    assert family_errors(stored, moment) < broken_from(families, LEVEL)
    assert binom.sf(broken_from(families, LEVEL) - 1, families, LEVEL) < 2e-4


@pytest.mark.parametrize("moment", MOMENTS)
def test_negative_control_errors_at_twice_the_promised_rate_are_seen(stored, moment):
    """Standard errors too small by a third; every count of misses is broken."""
    counts = list(single_errors(stored, moment, narrowed(0.65)))
    assert all(count >= broken_from(TRIALS, promise) for count, promise in counts if promise == LEVEL)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    "fault",
    [
        {"level": lambda settling, error: 2 * error},
        {"spoil": narrowed(0.6)},
        {"spoil": sharp, "level": lambda settling, error: error},
    ],
)
def test_negative_control_wrong_families_are_seen(stored, moment, fault):
    """Nothing shared between the verdicts of a family; standard errors too small; both."""
    assert family_errors(stored, moment, **fault) >= broken_from(TRIALS * len(SETTINGS) // FAMILY, LEVEL)
