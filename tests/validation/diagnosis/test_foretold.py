"""What theory foretells of the four models, against draws of deep circuits at a fixed datum."""

import pytest

from qntk import sample
from qntk.sampling.learning.qnn import MODELS, build
from qntk.validation.diagnosis.foretold import foretold, told


@pytest.fixture(scope="module")
def rows():
    return {row.model: row for row in foretold([build(name, 3, depth) for name in MODELS for depth in (2, 3)], "X0")}


@pytest.mark.parametrize("name", MODELS)
def test_deep_models_have_the_mean_that_is_foretold(rows, name):
    """3000 draws at 60 layers: within 5 standard errors (6e-7) and 4 % for the two ends; 10 % more is seen."""
    network, foreseen = build(name, 3, 60), rows[name].per_parameter
    point = [[0.37, 0.37**2][: len(network.inputs)]]
    drawn = sample(network.circuit, "X0", draws=3000, seed=4, inputs=list(network.inputs), x=point[0]).kernel
    mean, error = drawn.mean() / network.parameters, drawn.std() / 3000**0.5 / network.parameters
    assert abs(mean / foreseen - 1) < 0.04 + 5 * error / foreseen
    assert abs(mean / (1.12 * foreseen) - 1) > 0.04 + 5 * error / foreseen, "negative control"


def test_what_the_report_says_of_hva_against_hea():
    rows = foretold([build(name, 6, 5) for name in MODELS], "X0")
    low, high = told(rows)
    assert "so(12) ⊕ so(12), an orbit of 132 strings" in low
    assert "1.79 times as large at n = 6, and 28.4 times at n = 12" in low
    assert "one mean kernel a parameter, 0.00769 at n = 6" in high
    assert told(rows[:1]) == []
