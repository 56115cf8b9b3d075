"""A calibration that can fail: thousands of stored trials, and thresholds that twice the promised rate meets.

Trials are columns of 1 000 kernels resampled from a population of each setting, whose own moments are the truth. A
count of wrong verdicts is broken from the number that twice the promised rate reaches with probability 0.99; a
validator that just keeps its promise reaches it with probability below 2e-4 in each of the 48 counts, and this one,
which is cautious, far more seldom. Errors of a report's own level, some 1e-5, are too rare for any number of trials.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from qntk.theory import Prediction
from qntk.validation.calibration.controls import MILD, SETTINGS
from qntk.validation.calibration.trials import _LOOKS, DEPTHS, EDGES, LEVEL, _distribution, _stops_wrongly, ensemble_of
from qntk.validation.judge.claims import CLAIM
from qntk.validation.judge.estimates import MOMENTS, summarise
from qntk.validation.judge.independence import check_independence
from qntk.validation.judge.step_down import step_down_level
from qntk.validation.judge.sup_distance import sup_distance
from qntk.validation.judge.verdicts import Question
from qntk.validation.scaling.exponents import fit_jointly
from qntk.validation.scaling.points import point

DRAWS, TRIALS, FAMILY = 1_000, 2_000, 8
MARGIN = 0.5
"""So wide that every interval fits in: an edge is crossed as often as the interval misses on that side."""


def broken_from(trials, promise):
    """Errors that twice the promised rate reaches with probability 0.99, and the promised one with less than 2e-4."""
    count = int(binom.ppf(0.01, trials, 2 * promise))
    assert binom.sf(count - 1, trials, 2 * promise) >= 0.99
    assert binom.sf(count - 1, trials, promise) < 2e-4
    return count


@pytest.fixture(scope="module")
def stored():
    """For each setting the truth by moment, and what each trial shows at each look, the last one of all its draws."""
    found, rng = {}, np.random.default_rng(17)
    for setting in SETTINGS:
        population = ensemble_of(setting)[0].draw(200_000, rng).kernel
        mean, variance = population.mean(), population.var()
        truth = {"mean": mean, "variance": variance, "relative_std": variance**0.5 / mean}
        columns = rng.choice(population, (TRIALS, DRAWS))
        sizes = [DRAWS * look.chunks // _LOOKS[-1].chunks for look in _LOOKS]
        found[setting] = truth, [[summarise(column[:size]) for size in sizes] for column in columns]
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
        pivots = [spoil(looks[-1].pivot(moment)) for looks in trials]
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
        members = [(truth, trials[first + i][-1].pivot(moment)) for truth, trials in stored.values() for i in range(2)]
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
    families = TRIALS * len(SETTINGS) // FAMILY
    assert family_errors(stored, moment) < broken_from(families, LEVEL)


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


def stopped_wrongly(stored, moment, edge, spoil=lambda pivot: pivot):
    """Columns that may stop early and agree with a theory that the margin does not hold."""
    count = 0
    for truth, trials in stored.values():
        question = held(truth, moment, edge)
        for looks in trials:
            parts = [replace(look, pivots={moment: spoil(look.pivot(moment))}) for look in looks]
            count += _stops_wrongly(parts, question, moment)
    return count


@pytest.mark.parametrize("moment", MOMENTS)
def test_stopping_early_keeps_its_promise_and_intervals_too_narrow_are_seen(stored, moment):
    for edge in EDGES:
        assert stopped_wrongly(stored, moment, edge) < broken_from(TRIALS * len(SETTINGS), LEVEL / 2)
    spoiled = sum(stopped_wrongly(stored, moment, edge, narrowed(0.6)) for edge in EDGES)
    assert spoiled >= broken_from(2 * TRIALS * len(SETTINGS), LEVEL / 2)


def test_exponents_keep_their_promise_and_standard_errors_too_small_are_seen():
    """The exponent of ΔK/K̄ in L over four depths of 250 draws each, 1 000 times."""
    rng, exponents = np.random.default_rng(18), []
    laws = {L: ensemble_of(replace(MILD, parameters=L)) for L in DEPTHS}
    truths = {L: {"mean": law.mean().value, "relative_std": law.relative_std().value} for L, (_, law) in laws.items()}
    draws = {L: ensemble.draw(250_000, rng).kernel.reshape(1000, 250) for L, (ensemble, _) in laws.items()}
    for trial in range(1000):
        points = [point(L, 8, draws[L][trial], None, {"exact": truths[L]}) for L in DEPTHS]
        exponents.append(fit_jointly(points, ("L",), LEVEL, rng, resamples=2).fits["relative_std"].exponents["L"])
    broken = broken_from(1000, LEVEL)
    assert sum(not exponent.covers("exact") for exponent in exponents) < broken
    small = [narrowed(0.65)(exponent.pivot).p_equal(exponent.predicted["exact"]) for exponent in exponents]
    assert sum(p < LEVEL for p in small) >= broken


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_p_values_keep_their_level_and_are_seen_where_they_do_not(setting):
    """Of independence and of the distribution, 2 000 columns of 200. Control: the level taken for 2.5 times itself."""
    columns = ensemble_of(setting)[0].draw(400_000, np.random.default_rng(19)).kernel.reshape(2000, 200)
    values, probabilities = _distribution(setting)
    broken = broken_from(2000, LEVEL)
    for p in (
        [check_independence(column).p_value for column in columns],
        [sup_distance(column, lambda x: np.interp(x, values, probabilities)).p_equal() for column in columns],
    ):
        assert np.count_nonzero(np.array(p) < LEVEL) < broken
        assert np.count_nonzero(np.array(p) < 2.5 * LEVEL) >= broken
