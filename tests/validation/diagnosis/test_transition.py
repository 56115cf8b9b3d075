"""Training through the edge of the spectrum against the laws beyond the frozen kernel, with planted wrong ones."""

import numpy as np
import pytest

from qntk.theory.training.one_datum import flow_one
from qntk.validation.diagnosis import random_questions
from qntk.validation.diagnosis.findings import Ask
from qntk.validation.diagnosis.settling import MULTIPLE, TARGET, settling
from qntk.validation.diagnosis.transition import BEYOND, EDGE, INSIDE, LAWS, QUBITS, Depth, late_speed, transition


@pytest.fixture(scope="module")
def depth():
    (made,) = transition([4], 96, np.random.default_rng(3)).depths
    return made


def test_the_correction_holds_and_the_flow_fails(depth):
    """96 circuits, L = 56: a standard error of the mean residual is 2 %; t at 1e-6 is 5.3 of them, 5 % allowed besides.

    The flow of infinite depth (25 % off) and the correction of twice the size (20 %) must fail.
    """
    seen = 1 - depth.outputs[EDGE][:, -1]

    def miss(law):
        ratio = seen / -law.residual[-1].mean()
        return abs(ratio.mean() - 1) - 5.3 * ratio.std(ddof=1) / np.sqrt(len(ratio))

    assert miss(depth.law(EDGE, True)) < 0.05 < miss(depth.law(EDGE, False))
    doubled = Depth(QUBITS, 2, depth.outputs, depth.kernels)
    twice = flow_one(depth.outputs[EDGE][:, 0], EDGE, depth.rate, depth.strength, depth.steps, doubled.correction)
    assert miss(twice) > 0.05
    for output in random_questions.PASSED[:2]:
        ratio = depth.kernel_at(output)
        assert abs(ratio.mean() - 1) < 0.05 + 5.3 * ratio.std() / np.sqrt(len(ratio))


def test_how_fast_it_ends(depth):
    """Rates and the power of time over the second half, 96 circuits, t at 1e-6 and 5 % allowed besides.

    The correction holds inside and at the edge; the flow must miss how the kernel dies beyond it (23 % at c = 1/4).
    """

    def miss(target, corrected):
        law = depth.law(target, corrected)
        seen = late_speed(depth, target, depth.outputs[target], depth.kernels[target])
        ratio = seen / late_speed(depth, target, law.output.T, law.kernel.T).mean()
        return abs(ratio.mean() - 1) - 5.3 * ratio.std(ddof=1) / np.sqrt(len(ratio))

    assert max(miss(INSIDE, True), miss(EDGE, True)) < 0.05 < miss(BEYOND, False)
    t = np.arange(depth.steps + 1)
    power = 1 - 1 / (1 + 2 * depth.pull * t)[None]  # 1/t, later on
    assert late_speed(depth, EDGE, power, power)[0] == pytest.approx(1, rel=0.05)
    assert late_speed(depth, BEYOND, power, np.exp(-0.02 * t)[None])[0] == pytest.approx(0.02)


def test_a_row_for_each_target(depth):
    """|prediction - model| of the laws: the correction misses least at the edge, the frozen kernel most."""
    rows = {row["target"]: row for row in depth.rows()}
    assert list(rows) == list(depth.outputs)
    edge = rows[EDGE]
    misses = [edge[f"output_{law}"] for law in LAWS]
    assert misses[0] > misses[2] > misses[3]
    assert edge["kernel_frozen"] > 0.8 > edge["kernel_corrected"]
    f, K = depth.outputs[EDGE], depth.kernels[EDGE]
    frozen = 1 + (f[:, 0] - 1) * (1 - depth.rate * K[:, 0]) ** depth.steps
    assert edge["output_frozen"] == pytest.approx(np.abs(frozen - f[:, -1]).mean(), rel=1e-12)
    assert edge["kernel_frozen"] == pytest.approx((np.abs(K[:, 0] - K[:, -1]) / K[:, 0]).mean(), rel=1e-12)


def test_asked_and_shapes(depth):
    made = transition([1, 2], 8, np.random.default_rng(4), [4])
    assert [(d.qubits, d.ratio, d.outputs[EDGE].shape) for d in made.depths] == [
        (3, 1, (16, 201)), (3, 2, (8, 201)), (4, 1, (8, 81)), (4, 2, (4, 81)),
    ]  # fmt: skip
    assert (made.depths[0].kernel_at(0.999)).size == 0
    again = transition([1, 2], 8, np.random.default_rng(4), [4], workers=2)
    assert all((a.kernels[EDGE] == b.kernels[EDGE]).all() for a, b in zip(made.depths, again.depths, strict=True))
    for a, b in zip(made.settling, again.settling, strict=True):
        assert (a.residuals == b.residuals).all()
    asks = list(random_questions.beyond(made))
    assert all(isinstance(a, Ask) and a.result == "beyond" for a in asks)
    assert len({(a.statement, a.subject) for a in asks}) == len(asks)


def test_the_kernel_gives_way_more_slowly_in_deeper_circuits():
    """32 circuits each at L/(2D-2) = 2 and 8: log steps differ by ln 3, their standard error is 0.1; t at 1e-6 is 5.7.

    The rate's edge is ηK/2 = 1, where it starts at 1.5 (1 - f²)/(1 - y²); planted: steps that are the same.
    """
    shallow, deep = (settling(ratio, 32, np.random.default_rng(8)) for ratio in (2, 8))
    for depth in (shallow, deep):
        assert 0.8 < np.nanmean(depth.at_the_end) < 1
        f = depth.residuals[:, 0] + TARGET
        assert depth.sharpness[:, 0] == pytest.approx(MULTIPLE * (1 - f**2) / (1 - TARGET**2), rel=1e-12)
        for path, steps in zip(depth.residuals, depth.steps, strict=True):
            late = np.flatnonzero(np.abs(path) >= 1e-2)
            assert np.isnan(steps) if late[-1] == len(path) - 1 else steps == late[-1] + 1
    ask = Ask("beyond", "", "", "", deep.steps, (1.0, np.inf), shallow.steps, logarithmic=True)
    assert ask.judge(1e-6).verdict == "agree"
    assert Ask("beyond", "", "", "", deep.steps, (1.0, np.inf), deep.steps, logarithmic=True).judge(1e-6).verdict == (
        "inconclusive"
    )
