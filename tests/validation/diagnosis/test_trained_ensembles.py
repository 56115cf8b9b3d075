"""Verdicts on the ensemble of trained networks: what they say of a law that holds and of laws that do not."""

from dataclasses import replace

import numpy as np
import pytest

from qntk.validation.diagnosis import trained_ensembles
from qntk.validation.diagnosis.trained_ensembles import Cell, study

CELL = Cell(qubits=4, parameters=128, data=1, label=0.7, networks=2000, steps=(24,))


@pytest.fixture(scope="module")
def rows():
    return {(row.step, row.law): row for row in study(CELL, seed=1)}


def test_the_start_and_the_flow_hold_and_the_frozen_law_does_not(rows):
    """At the start everything is exact; trained, the frozen law's variance is too large, the flow's is not."""
    assert rows[0, "frozen"].variance_verdict == "agree"
    assert rows[24, "flow"].variance_verdict != "disagree"
    assert rows[24, "flow"].mean_verdict == "agree"
    ratios = {law: rows[24, law].variance / rows[24, law].variance_law for law in ("frozen", "flow")}
    assert ratios["frozen"] < 0.85
    assert 0.8 < ratios["flow"] < 1.25


def test_errors_and_power_are_those_of_the_numbers(rows):
    row = rows[0, "frozen"]
    assert row.variance_error == pytest.approx(row.variance * np.sqrt((2 + row.kurtosis) / 2000), rel=2e-3)
    assert row.kurtosis_seen == pytest.approx(4.132 * np.sqrt(24 / 2000), rel=1e-3)
    assert row.to_dict()["law"] == "frozen"


def test_a_planted_law_is_caught(monkeypatch):
    """A covariance that is 1.6 times too large disagrees."""
    kept = trained_ensembles.TrainedEnsemble.of_haar_layers

    def wrong(*arguments):
        law = kept(*arguments)
        return replace(law, covariance=1.6 * law.covariance)

    monkeypatch.setattr(trained_ensembles.TrainedEnsemble, "of_haar_layers", wrong)
    found = study(replace(CELL, steps=(1,)), seed=1)
    assert found[0].variance_verdict == "disagree"


def test_too_many_inputs_are_refused():
    with pytest.raises(ValueError, match="dimension"):
        study(replace(CELL, qubits=1, data=3), seed=1)


def test_without_training_small_labels_are_frozen_at_every_dimension():
    """4000 reflections: 2.2 % a variance; 0.78 ± 0.02 for labels of 0.4 whatever the dimension."""
    for qubits in (4, 7):
        small, error = trained_ensembles.flow_over_frozen(qubits, 1, 0.1, seed=3)
        assert abs(small - 0.98) < 4.9 * error
        large, error = trained_ensembles.flow_over_frozen(qubits, 1, 0.7, seed=3)
        assert abs(large - 0.66) < 4.9 * error
