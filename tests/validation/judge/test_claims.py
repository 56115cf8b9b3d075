"""The registry of claims: predictions, units, refusals, and verdicts that mean what their fields say.

Draws that must agree come from the sampler. Each comparison of them has a family error of 1e-6, and misses ``agree``
with less: 200 000 draws leave every margin more than 10 standard errors beside the interval.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp
from scipy.stats import binom, kstest

from qntk.sampling import HaarLayers, sample
from qntk.theory import REGIMES, KernelLaw, OperatorMoments, Prediction
from qntk.theory.haar import dqntk, dqntk_second_moment
from qntk.theory.haar.distribution import KernelDistribution
from qntk.validation.judge.claims import CLAIM, CLAIMS, EXPONENT, Margins, by_student, claims_on, weigh
from qntk.validation.judge.comparisons import compare
from qntk.validation.judge.floor import needed_draws
from qntk.validation.judge.law import kernel_law
from qntk.validation.judge.verdicts import Question, questions

FALSE_FAIL = 1e-6
QUANTITIES = ("kernel", "cross_kernel", "dqntk")
KERNEL = ["mean", "variance", "relative_std", "distribution"]
PAULI, PROJECTOR, SUM = (kernel_law(2, 8, o, "half-pauli") for o in ("Z0", "projector:rank=1", "tfim:J=1,h=1"))
NO_PAULI = KernelLaw(8, OperatorMoments.from_pauli(2), OperatorMoments.from_projector(2))
LAWS = {"Pauli": PAULI, "projector": PROJECTOR, "sum": SUM, "generator that is no Pauli": NO_PAULI}


def values(quantity, statistic, law, overlap=None):
    return {regime: p.value for regime, p in CLAIM[quantity, statistic].predict(law, overlap).items()}


@pytest.mark.parametrize("name", LAWS)
def test_predictions_on_the_kernel_are_the_laws_in_all_regimes(name):
    law = LAWS[name]
    for statistic in ("mean", "variance", "relative_std"):
        expected = {regime: getattr(law, statistic)(regime).value for regime in REGIMES}
        assert values("kernel", statistic, law) == expected
    for regime in REGIMES:
        ratio = math.sqrt(values("kernel", "variance", law)[regime]) / values("kernel", "mean", law)[regime]
        assert values("kernel", "relative_std", law)[regime] == pytest.approx(ratio)
    assert values("kernel", "distribution", law) == {"exact": 0.0}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.3, 0.9])
def test_the_kernel_between_inputs_is_an_affine_image_of_their_overlap(name, overlap):
    """D = 4: E K (4 s - 1)/3, zero at s = 1/4."""
    law = LAWS[name]
    expected = law.mean().value * (4 * overlap - 1) / 3
    assert values("cross_kernel", "mean", law, overlap) == {"exact": pytest.approx(expected, abs=1e-15)}
    assert values("cross_kernel", "mean", law) == {}


def test_predictions_on_the_dqntk():
    """The mean with L = 8, D = 4, a₃ = 3/8 of a projector, a₂(G) = 1, by hand: 2·8·7·4·(3/8)/(9·125·6)."""
    assert values("dqntk", "mean", PAULI) == {"exact": 0.0}
    assert values("dqntk", "mean", PROJECTOR) == {"exact": pytest.approx(2 * 8 * 7 * 4 * 0.375 / (9 * 125 * 6))}
    for law in (PAULI, PROJECTOR):
        found = values("dqntk", "second_moment", law)
        assert found["exact"] == dqntk_second_moment.second_moment(law).value
        assert found["asymptotic"] == dqntk.second_moment_asymptotic(law).value
    assert values("dqntk", "second_moment", PAULI)["leading"] == dqntk.second_moment_leading(PAULI).value
    assert "leading" not in values("dqntk", "second_moment", PROJECTOR)


def test_of_other_generators_only_the_exact_second_moment_is_known():
    assert values("dqntk", "mean", SUM) == {"exact": pytest.approx(dqntk.mean(SUM).value)}
    assert set(values("dqntk", "second_moment", SUM)) == {"asymptotic", "exact"}
    assert values("dqntk", "mean", NO_PAULI) == {"exact": pytest.approx(dqntk.mean(NO_PAULI).value)}
    assert values("dqntk", "second_moment", NO_PAULI) == {"exact": dqntk_second_moment.second_moment(NO_PAULI).value}


@pytest.mark.parametrize("name", LAWS)
def test_claims_are_those_on_the_quantities_that_the_law_predicts(name):
    law = LAWS[name]
    assert [c.key for c in claims_on(law, ("kernel",))] == [("kernel", s) for s in KERNEL]
    assert [c.key for c in claims_on(law, ("cross_kernel",))] == []
    assert [c.key for c in claims_on(law, ("cross_kernel",), 0.3)] == [("cross_kernel", "mean")]
    assert len(claims_on(law, ("dqntk",))) == 2
    assert len(claims_on(law, QUANTITIES, 0.3)) == 7
    assert set(CLAIM) == {claim.key for claim in CLAIMS}
    assert EXPONENT.key not in CLAIM


def test_every_margin_is_in_the_unit_of_its_claim():
    """Relative to the prediction, or absolute: a probability; √E μ², the quoted one for a sum; the mean K."""
    margins = Margins(mean=0.05, variance=0.1, relative_std=0.2, distribution=0.03, second_moment=0.4)
    for law in (PAULI, SUM):
        regimes = values("dqntk", "second_moment", law)
        size = math.sqrt(regimes.get("exact", regimes["asymptotic"]))
        expected = {
            ("kernel", "mean"): 0.05,
            ("kernel", "variance"): 0.1,
            ("kernel", "relative_std"): 0.2,
            ("kernel", "distribution"): 0.03,
            ("cross_kernel", "mean"): 0.05 * law.mean().value,
            ("dqntk", "mean"): 0.05 * size,
            ("dqntk", "second_moment"): 0.4,
        }
        for question in questions(law, CLAIMS, margins, 0.3):
            assert question.margin == pytest.approx(expected[question.claim.key])
            value, margin = question.prediction.value, question.margin
            if question.claim.statistic == "distribution":
                assert question.edges == (-math.inf, margin)
            elif question.claim.unit is None:
                assert question.edges == pytest.approx((value * (1 - margin), value * (1 + margin)))
            else:
                assert question.edges == pytest.approx((value - margin, value + margin))


def test_evidence_is_on_the_claims_of_the_columns_alone():
    rng = np.random.default_rng(1)
    columns = {"kernel": rng.gamma(3, size=50), "cross_kernel": rng.normal(size=50), "dqntk": rng.normal(size=50)}
    for law in LAWS.values():
        assert set(weigh(columns, law, 0.3)) == set(claims_on(law, QUANTITIES, 0.3))
    assert [claim.key for claim in weigh({"dqntk": columns["dqntk"]}, SUM)] == [
        ("dqntk", "mean"),
        ("dqntk", "second_moment"),
    ]


def test_estimates_are_the_sample_moments():
    rng = np.random.default_rng(2)
    columns = {"kernel": rng.gamma(3, size=50), "cross_kernel": rng.normal(size=50), "dqntk": rng.normal(size=50)}
    found = {claim.key: evidence.estimate for claim, evidence in weigh(columns, PAULI, 0.3).items()}
    kernel, cross, mu = columns.values()
    assert found["kernel", "distribution"] == pytest.approx(kstest(kernel, KernelDistribution(PAULI).cdf).statistic)
    assert found["kernel", "mean"] == pytest.approx(kernel.mean())
    assert found["kernel", "variance"] == pytest.approx(kernel.var(ddof=1))
    assert found["kernel", "relative_std"] == pytest.approx(kernel.std(ddof=1) / kernel.mean())
    assert found["cross_kernel", "mean"] == pytest.approx(cross.mean())
    assert found["dqntk", "mean"] == pytest.approx(mu.mean())
    assert found["dqntk", "second_moment"] == pytest.approx(mu @ mu / 50)


GOOD = np.arange(1.0, 21.0)


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize(
    ("column", "words"),
    [
        (GOOD[:7], "7 draws are too few for a verdict; give at least 8"),
        (GOOD[:0], "0 draws are too few"),
        (np.r_[GOOD, np.nan], "some draws are not finite"),
        (np.r_[GOOD, -np.inf], "some draws are not finite"),
        (np.full(20, 0.1), "all draws are equal; a constant column has no fluctuation to test"),
    ],
)
def test_bad_columns_are_refused_in_one_line(quantity, column, words):
    with pytest.raises(ValueError, match=words) as caught:
        weigh({quantity: column}, PAULI, 0.3)
    assert "\n" not in str(caught.value)


def test_only_a_kernel_of_one_input_cannot_be_negative():
    with pytest.raises(ValueError, match="some draws are negative; a kernel is a sum of squares") as caught:
        weigh({"kernel": GOOD - 2}, PAULI, 0.3)
    assert "\n" not in str(caught.value)
    assert len(weigh({"cross_kernel": GOOD - 2, "dqntk": GOOD - 2}, PAULI, 0.3)) == 3


def test_a_second_moment_of_draws_of_one_size_is_not_certain():
    """μ = ±1: the squares do not scatter at all, yet the interval has a width."""
    evidence = weigh({"dqntk": np.tile([1.0, 1.0, -1.0], 10)}, PAULI)[CLAIM["dqntk", "second_moment"]]
    low, high = evidence.interval(0.01)
    assert low < 1 < high


def inside(interval, edges):
    return edges[0] <= interval[0] and interval[1] <= edges[1]


def outside(interval, edges):
    return interval[1] < edges[0] or interval[0] > edges[1]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    law=st.sampled_from([PAULI, PROJECTOR, SUM]),
    draws=st.integers(8, 3000),
    scale=st.floats(0.3, 3),
    shift=st.floats(-0.3, 0.3),
    margin=st.floats(0.01, 0.5),
    level=st.floats(1e-6, 0.2),
)
def test_the_fields_of_every_verdict_are_consistent(seed, law, draws, scale, shift, margin, level):
    """The verdict is read off the interval, and is the same by the p-values; for all quantities."""
    rng = np.random.default_rng(seed)
    mean, overlap = law.mean().value, 0.5
    size = math.sqrt(values("dqntk", "second_moment", law)["exact"])
    columns = {
        "kernel": scale * mean * rng.gamma(4, 0.25, draws),
        "cross_kernel": mean * (1 / 3 + shift + 0.5 * rng.normal(size=draws)),
        "dqntk": scale * size * (shift + 2 * rng.normal(size=draws)),
    }
    evidence = weigh(columns, law, overlap)
    margins = Margins(*[margin] * 6)
    asked = questions(law, evidence, margins, overlap)
    assert {q.claim for q in asked} == set(evidence)
    for question in asked:
        pivot = evidence[question.claim]
        v = question.answer(pivot, level, draws)
        distribution = v.statistic == "distribution"
        assert (v.quantity, v.statistic) == question.claim.key
        assert (v.regime, v.prediction) == (question.prediction.regime, question.prediction.value)
        assert (v.level, v.draws, v.margin) == (level, draws, question.margin)
        assert v.margin_kind == ("absolute" if question.claim.unit else "relative")
        assert v.interval[0] <= v.estimate <= v.interval[1]
        if draws < needed_draws(law, v.quantity, v.statistic):
            assert (v.verdict, v.p_value, v.p_agree, v.p_disagree) == ("inconclusive", 1.0, 1.0, 1.0)
            assert v.detectable is None
            assert question.settling(pivot) == 1.0
            continue
        unit = v.prediction if v.margin_kind == "relative" else 1.0
        edges = (-math.inf if distribution else v.prediction - unit * v.margin, v.prediction + unit * v.margin)
        expected = "agree" if inside(v.interval, edges) else "disagree" if outside(v.interval, edges) else None
        assert v.verdict == (expected or "inconclusive")
        assert (v.verdict == "agree") == (v.p_agree <= level / (1 if distribution else 2))
        assert (v.verdict == "disagree") == (v.p_disagree < level)
        if not distribution:
            assert (v.p_value < level) == (not v.interval[0] <= v.prediction <= v.interval[1])
        assert v.resolution == pytest.approx((v.interval[1] - v.interval[0]) / 2 / abs(v.estimate))
        assert v.detectable is None or v.detectable > v.margin
        assert question.settling(pivot) <= 1
        assert (question.settling(pivot) < level) == (v.verdict != "inconclusive")
    with pytest.raises(ValueError, match="level is 0"):
        asked[0].answer(evidence[asked[0].claim], 0.0, draws)


def haar(name, **options):
    operator = {"Pauli": SparsePauliOp("ZI"), "projector": np.diag([1.0, 0, 0, 0])}[name]
    return sample(HaarLayers(operator, SparsePauliOp("IX", 0.5), 8, **options), 200_000, seed=31)


@pytest.fixture(scope="module", params=["Pauli", "projector"])
def with_dqntk(request):
    return LAWS[request.param], haar(request.param, dqntk=True)


@pytest.fixture(scope="module", params=["Pauli", "projector"])
def with_overlap(request):
    return LAWS[request.param], haar(request.param, overlap=0.3)


def judged(columns, law, overlap=None):
    """Verdicts by quantity, statistic and regime, at a family error of 1e-6."""
    evidence = weigh(columns, law, overlap)
    draws = len(next(iter(columns.values())))
    answers = [
        q.answer(evidence[q.claim], FALSE_FAIL / len(evidence), draws)
        for q in questions(law, evidence, Margins(), overlap)
    ]
    return {(v.quantity, v.statistic, v.regime): v for v in answers}


def test_haar_layers_agree_on_kernel_and_dqntk(with_dqntk):
    law, draws = with_dqntk
    seen = judged({"kernel": draws.kernel, "dqntk": draws.dqntk}, law)
    exact = {key: v.verdict for key, v in seen.items() if key[2] == "exact"}
    assert len(exact) == 6
    assert set(exact.values()) == {"agree"}
    assert seen["dqntk", "second_moment", "asymptotic"].verdict == "disagree"


def test_haar_layers_agree_on_the_kernel_between_inputs(with_overlap):
    law, draws = with_overlap
    seen = judged({"kernel": draws.kernel, "cross_kernel": draws.cross}, law, 0.3)
    exact = {key: v.verdict for key, v in seen.items() if key[2] == "exact"}
    assert len(exact) == 5
    assert set(exact.values()) == {"agree"}


def test_negative_control_scaled_and_shifted_kernels_disagree_where_they_must_and_nowhere_else(with_dqntk):
    """A factor of 1.3 leaves ΔK/K̄ as it is, 0.3 of the mean added to all leaves the variance."""
    law, draws = with_dqntk
    kernel, mean = draws.kernel, law.mean().value
    for wrong, kept in ((1.3 * kernel, "relative_std"), (kernel + 0.3 * mean, "variance")):
        seen = judged({"kernel": wrong}, law)
        said = {statistic: v.verdict for (_, statistic, regime), v in seen.items() if regime == "exact"}
        others = {"mean", "variance", "relative_std", "distribution"} - {kept}
        assert said == dict.fromkeys(others, "disagree") | {kept: "agree"}


def test_negative_control_a_doubled_dqntk_disagrees(with_dqntk):
    """μ² is four times too large; a mean is seen where it is not zero."""
    law, draws = with_dqntk
    seen = judged({"dqntk": 2 * draws.dqntk}, law)
    assert seen["dqntk", "second_moment", "exact"].verdict == "disagree"
    assert seen["dqntk", "mean", "exact"].verdict == ("agree" if law is PAULI else "disagree")


def test_negative_control_an_overlap_taken_for_its_root_or_its_square_disagrees(with_overlap):
    law, draws = with_overlap
    for wrong in (math.sqrt(0.3), 0.09):
        assert judged({"cross_kernel": draws.cross}, law, wrong)["cross_kernel", "mean", "exact"].verdict == "disagree"


def grows_as_draws_are_left_out(columns, law, overlap=None):
    found = [judged({q: c[:n] for q, c in columns.items()}, law, overlap) for n in (200_000, 20_000, 2_000, 200)]
    for key in found[0]:
        seen = [rows[key].detectable or math.inf for rows in found]
        assert seen == sorted(seen), key
        assert found[0][key].margin < seen[0] < seen[2], key


def test_what_can_be_detected_shrinks_with_the_draws(with_dqntk, with_overlap):
    """A tenth of the draws widens every interval about √10 times: no chance."""
    law, draws = with_dqntk
    grows_as_draws_are_left_out({"kernel": draws.kernel, "dqntk": draws.dqntk}, law)
    grows_as_draws_are_left_out({"cross_kernel": with_overlap[1].cross}, with_overlap[0], 0.3)


@pytest.mark.parametrize(("statistic", "scatter"), [("mean", 1.0), ("second_moment", 0.2)])
def test_what_is_called_detectable_is_detected_nine_times_in_ten(statistic, scatter):
    """Normal μ, 400 draws, 3000 columns whose truth is off by that much: between 87 % and 93 % disagree.

    ``detectable`` is absolute for the mean, relative for the second moment. False-fail probability 1e-6 a side.
    """
    rng, claim = np.random.default_rng(9), CLAIM["dqntk", statistic]
    margin = getattr(Margins(), statistic)
    truth = 1.0 if statistic == "mean" else 1 + scatter**2

    def answers(prediction, columns):
        question = Question(claim, Prediction("μ", float(prediction), "asymptotic", (), ""), margin)
        return [question.answer(by_student(column, claim), 0.01, 400) for column in columns]

    columns = 1.0 + scatter * rng.standard_normal((3000, 400))
    seen = np.median([v.detectable for v in answers(truth, columns[:200])])
    wrong = truth - seen if statistic == "mean" else truth / (1 + seen)
    hits = sum(v.verdict == "disagree" for v in answers(wrong, columns))
    assert binom.ppf(FALSE_FAIL, 3000, 0.87) <= hits <= binom.isf(FALSE_FAIL, 3000, 0.93)


def test_an_estimate_of_zero_has_no_relative_width_and_squares_that_vanish_are_refused():
    law = kernel_law(3, 8, "Z0", "half-pauli")
    rows = compare(np.array([1.0, -1.0] * 10), law, "dqntk", Margins(), 0.01)
    mean = next(row for row in rows if row.statistic == "mean")
    assert (mean.estimate, mean.resolution) == (0.0, None)
    assert math.isnan(mean.ratio)
    with pytest.raises(ValueError, match="round-off"):
        compare(np.r_[np.zeros(9), 1e-200], law, "dqntk", Margins(), 0.01)


def test_the_interval_of_a_distribution_allows_for_the_error_of_the_law():
    """One qubit and two parameters: the law's own error is far above rounding."""
    law = kernel_law(1, 2, "Z0", "half-pauli")
    error = KernelDistribution(law).truncation
    assert error > 1e-5
    found = weigh({"kernel": law.mean().value * np.linspace(0.1, 2.0, 50)}, law)[CLAIM["kernel", "distribution"]]
    bound = math.sqrt(math.log(2 / 0.01) / 100)
    assert found.interval(0.01)[1] == pytest.approx(found.high + bound + error, abs=1e-12)
