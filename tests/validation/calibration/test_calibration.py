"""Does the calibration see what it must, and nothing else?

Every assertion on the honest pipeline shares one budget: ``calibrate`` is asked for a family-wise error of 5e-5, so a
validator that keeps its promises fails here with probability at most 5e-5 a run. Every control is noticed with
probability above 0.9999 in one trial, hence in fewer than 95 % of 60 trials with probability below 1e-9.
"""

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import binom

import qntk.validation.calibration.run as calibration
import qntk.validation.calibration.trials as trials
from qntk.inputs import machine
from qntk.validation.calibration.controls import CONTROLS, REPORT_LEVEL, SETTINGS
from qntk.validation.calibration.promises import calibration_text
from qntk.validation.calibration.run import FAMILY, STATEMENTS, calibrate, threshold
from qntk.validation.calibration.trials import LEVEL
from qntk.validation.judge.estimates import MOMENTS, summarise
from qntk.validation.judge.independence import check_independence, serial_correlation
from qntk.validation.sweep.cells import count_intervals, expand
from qntk.validation.sweep.config import load_config

TRIALS = 60


@pytest.fixture(scope="module")
def honest():
    return calibrate(TRIALS, seed=1, family_error=5e-5, quiet=True)


def narrow(draws):
    """Half of each standard error, so that 95 % intervals cover about 67 %."""
    return narrowed(draws, lambda se: se / 2)


def narrowed(draws, change):
    summary = summarise(draws)
    return replace(summary, pivots={s: replace(p, se=change(p.se)) for s, p in summary.pivots.items()})


def test_every_promise_is_kept_and_every_control_caught(honest):
    assert [rate for rate in honest.rates if not rate.kept] == []
    assert [test for test in honest.p_values.values() if not test.kept] == []
    assert [control.name for control in honest.controls if not control.caught] == []
    assert "every promise is kept; every control is caught." in calibration_text(honest)


def test_intervals_and_tests_share_the_budget_that_is_stated(honest):
    assert honest.statements == STATEMENTS == len(honest.rates) + len(honest.p_values) + len(honest.controls)
    halves = {rate.promise for rate in (*honest.agree[0], *honest.early)}
    assert (halves, {rate.promise for rate in honest.agree[1]}) == ({LEVEL / 2}, {REPORT_LEVEL / 2})
    assert {rate.promise for rate in (*honest.disagree[0], *honest.families, honest.independence)} == {LEVEL}
    assert {rate.promise for rates in honest.coverage.values() for rate in rates} == {1 - LEVEL}
    pooled = honest.coverage["mean"][0]
    hits = round(pooled.estimate * pooled.trials)
    tails = binom.cdf(hits, pooled.trials, pooled.interval[1]), binom.sf(hits - 1, pooled.trials, pooled.interval[0])
    assert tails == pytest.approx([5e-5 / STATEMENTS / 2] * 2, rel=1e-6)


def test_twice_the_promised_rate_is_seen_in_the_default_run():
    """Of every promise at ``LEVEL`` with probability 0.99; of 30 families, those of 60 trials, it is not."""
    share = 0.01 / STATEMENTS
    for number, promise in ((2000, LEVEL / 2), (2000 // FAMILY, LEVEL), (2000, LEVEL), (8000, LEVEL / 2)):
        broken, seen = threshold(number, promise, share)
        assert binom.sf(broken - 1, number, promise) <= share < binom.sf(broken - 2, number, promise)
        assert seen == pytest.approx(1 - binom.cdf(broken - 1, number, 2 * promise))
        assert seen > 0.99
    assert threshold(TRIALS // FAMILY, LEVEL, share)[1] < 0.2


def test_negative_control_intervals_made_too_narrow_are_seen(monkeypatch):
    """Of 160 intervals about 108 cover; up to 135 count as broken: seen with probability above 0.99999."""
    monkeypatch.setattr(trials, "summarise", narrow)
    result = calibrate(40, seed=2, draws=4_000, family_error=5e-5, quiet=True)
    assert not result.kept
    assert not any(result.coverage[moment][0].kept for moment in MOMENTS)
    assert "a promise is BROKEN" in calibration_text(result)


def test_negative_control_a_margin_taken_for_agreement_is_seen(monkeypatch):
    """Intervals of no width call every truth on an edge agreement or disagreement by the toss of a coin."""

    def certain(draws):
        return narrowed(draws, lambda se: 1e-12)

    monkeypatch.setattr(trials, "summarise", certain)
    result = calibrate(40, seed=3, draws=2_000, family_error=5e-5, quiet=True)
    assert not any(rate.kept for rate in result.agree[1])
    assert not any(result.p_values[moment].kept for moment in MOMENTS)


def test_negative_control_a_fault_that_is_not_there_is_missed(monkeypatch):
    harmless = replace(CONTROLS[0], noticed=lambda trial: CONTROLS[0].noticed(replace(trial, law=doubled(trial.law))))
    for module in (calibration, trials):
        monkeypatch.setattr(module, "CONTROLS", (harmless, *CONTROLS[1:]))
    result = calibrate(10, seed=4, quiet=True)
    assert [control.name for control in result.controls if not control.caught] == [CONTROLS[0].name]
    assert "a control is MISSED" in calibration_text(result)


def test_a_fault_that_is_noticed_in_nine_trials_of_ten_is_not_caught(monkeypatch):
    """Fewer than 95 %: a control that a report would miss once in ten times."""
    turns = iter(range(10))
    often = replace(CONTROLS[0], noticed=lambda trial: next(turns) > 0)
    for module in (calibration, trials):
        monkeypatch.setattr(module, "CONTROLS", (often, *CONTROLS[1:]))
    result = calibrate(10, seed=4, draws=2_000, workers=1, quiet=True)
    assert (result.controls[0].rate, result.controls[0].caught) == (0.9, False)


def doubled(law):
    return replace(law, generator=law.generator.scaled(2))


def test_bit_identical_for_any_number_of_workers():
    one, two = (calibrate(4, seed=5, draws=1_000, workers=workers, quiet=True) for workers in (1, 2))
    assert one.document() == two.document()
    assert one.document() != calibrate(4, seed=6, draws=1_000, quiet=True).document()


def test_the_command_prints_the_document(qntk):
    code, text, error = qntk("calibrate", "--trials", 2, "--seed", 7, "--json")
    document = json.loads(text)
    assert code == 0
    assert "2 trials" in error
    keys = {"schema_version", "seed", "trials", "draws", "level", "coverage", "p_values", "controls"}
    assert keys | {"false_disagree_rate", "false_agree_rate"} <= set(document)
    assert (document["seed"], document["trials"], document["level"]) == (7, 2, LEVEL)
    rates = [document["false_disagree_rate"], document["false_agree_rate"], *document["coverage"].values()]
    assert all({"estimate", "interval", "promise", "trials"} <= set(rate) for rate in rates)
    assert len(document["coverage"]["variance"]["settings"]) == len(SETTINGS)
    assert all({"name", "caught", "rate", "interval", "what"} <= set(control) for control in document["controls"])
    assert len(document["controls"]) >= 5


def test_the_level_of_a_report_is_that_of_the_packaged_default():
    assert pytest.approx(0.01 / count_intervals(expand(load_config(None)[0]))) == REPORT_LEVEL


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_truth_lies_on_the_edges_of_the_planted_theories(moment):
    law = trials.ensemble_of(SETTINGS[0])[1]
    truth = getattr(law, moment)().value
    edges = [q.edges for q in (trials.on_edge(law, moment, edge) for edge in ("lower", "upper"))]
    assert [edges[0][0], edges[1][1]] == pytest.approx([truth, truth])


def test_help_has_an_example(qntk):
    assert "qntk calibrate --trials" in qntk("calibrate", "--help")[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"trials": 0}, "trials is 0"), ({"family_error": 1.0}, "family_error is 1"), ({"workers": 0}, "workers is 0")],
)
def test_bad_arguments_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        calibrate(**({"trials": 1, "seed": 1} | changes))


def test_the_serial_correlation_has_exact_moments_over_all_orders():
    values = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])
    values -= values.mean()
    seen = [serial_correlation(np.array(order))[0] for order in permutations(values)]
    assert serial_correlation(values)[1:] == pytest.approx((np.mean(seen), np.std(seen)), rel=1e-12)


def test_independent_heavy_tails_pass_and_repeats_do_not():
    """2 000 columns of 500 at 5 %: false alarms exceed this bound with probability at most 1e-5."""
    rng = np.random.default_rng(8)
    columns = rng.pareto(1.5, (2_000, 500))
    alarms = sum(check_independence(column).p_value < LEVEL for column in columns)
    assert alarms <= binom.isf(1e-5, 2_000, LEVEL)
    once = np.insert(columns[0], 100, columns[0, 400])
    check = check_independence(once)
    assert (check.repeats, check.draws) == (1, 501)
    assert check.p_value < 1e-8


@pytest.mark.parametrize(
    ("values", "words"),
    [(np.arange(29.0), "too few"), (np.ones(40), "equal"), (np.r_[np.arange(40.0), np.inf], "not finite")],
)
def test_columns_without_an_order_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        check_independence(values)


def test_trials_that_do_not_fit_into_memory_are_refused_before_the_first(monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: 2**30)
    with pytest.raises(
        ValueError, match=r"a calibration of 10,000,000 trials needs about 373 GiB of memory, and 1 are"
    ):
        calibrate(10**7, 1)


def test_the_p_value_of_an_order_is_about_the_share_of_orders_that_are_as_far_off():
    """20 000 orders of 30 values, one of them with a correlation of about 0.2: the normal form is good to 0.02."""
    rng, values = np.random.default_rng(9), np.arange(30.0)
    orders = rng.permuted(np.tile(values, (20_000, 1)), axis=1) - values.mean()
    seen = (orders * np.roll(orders, -1, axis=1)).sum(axis=1) / (values.var() * 30)
    chosen = int(np.argmin(abs(seen - 0.2)))
    share = np.mean(abs(seen - seen.mean()) >= abs(seen[chosen] - seen.mean()))
    assert check_independence(orders[chosen]).p_value == pytest.approx(share, abs=0.03)
