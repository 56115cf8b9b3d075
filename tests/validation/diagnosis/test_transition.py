"""Training through the edge of the spectrum against the laws beyond the frozen kernel, with planted wrong ones."""

import numpy as np
import pytest

from qntk.validation.diagnosis import random_questions
from qntk.validation.diagnosis.findings import Ask
from qntk.validation.diagnosis.transition import EDGE, INSIDE, STEPS, Depth, transition


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
    doubled = Depth(2, depth.parameters, depth.outputs, depth.kernels)
    assert miss(doubled.law(EDGE, True)) > 0.05
    for output in random_questions.PASSED[:2]:
        ratio = depth.kernel_at(output)
        assert abs(ratio.mean() - 1) < 0.05 + 5.3 * ratio.std() / np.sqrt(len(ratio))


def test_asked_and_shapes(depth):
    made = transition([1, 2], 4, np.random.default_rng(4))
    assert [d.outputs[EDGE].shape for d in made.depths] == [(8, STEPS + 1), (4, STEPS + 1)]
    assert (made.depths[0].kernel_at(0.999)).size == 0
    again = transition([1, 2], 4, np.random.default_rng(4))
    assert all((a.kernels[INSIDE] == b.kernels[INSIDE]).all() for a, b in zip(made.depths, again.depths, strict=True))
    asks = list(random_questions.beyond(made))
    assert all(isinstance(a, Ask) and a.result == "beyond" for a in asks)
    assert len({(a.statement, a.subject) for a in asks}) == len(asks)
