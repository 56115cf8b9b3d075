"""Verdicts on free fermions: draws of SO(2n) layers against the law, and the law against orbits."""

import numpy as np
import pytest

import qntk
from qntk.inputs.operators import observable as read_observable
from qntk.theory.circuits.orbit_law import orbit_mean
from qntk.validation.attribution.forms import repeated_part
from qntk.validation.judge.free_fermions import DEEP, deep_fermion_law


@pytest.mark.parametrize(("ensemble", "qubits"), [("ising-layers", 3), ("ising-layers", 12), ("matchgate-layers", 6)])
def test_the_sampler_agrees_with_its_law_and_no_other(ensemble, qubits):
    """4000 draws, a margin of 0.15 for all; each verdict is wrong in 1 of 400 cases at most, the seed is fixed.

    Controls: a quarter more parameters, and the law of Haar layers, are rejected.
    """
    draws = qntk.sample(ensemble, "Z0", draws=4000, seed=2, qubits=qubits, parameters=8)
    found = qntk.compare(draws, qntk.law(qubits, 8, "Z0", ensemble=ensemble), margin=0.15)
    assert [v["statistic"] for v in found.verdicts] == ["mean", "variance", "relative_std", "distribution"]
    assert all(v["verdict"] != "disagree" for v in found.verdicts)
    assert {v["verdict"] for v in found.verdicts if v["statistic"] in ("mean", "distribution")} == {"agree"}
    other = qntk.compare(draws.kernel, qntk.law(qubits, 10, "Z0", ensemble=ensemble), margin=0.05)
    assert [v["verdict"] for v in other.verdicts if v["statistic"] == "mean"] == ["disagree"]
    haar = qntk.compare(draws.kernel, qntk.law(qubits, 8, "Z0"), margin=0.05)
    assert "disagree" in {v["verdict"] for v in haar.verdicts if v["regime"] == "exact"}


@pytest.mark.parametrize("name", DEEP)
def test_the_mean_is_the_ansatz_own_by_orbits(name):
    """All observables that have a law on four qubits, also in the other convention; none has another mean."""
    preparation, layer = repeated_part(qntk.ansatz(name, 4, 1))
    known = 0
    for spec in ("Z0", "X0", "Z2", "X0Z1", "Z0Z1", "X1X2", "Y0Y1", "0.3*Z0", "0.6*Z0+0.8*X0Z1", "Z0Z2"):
        target = read_observable(spec, 4)
        law = deep_fermion_law(name, 4, len(layer.parameters), target, "half-pauli")
        if law is None:
            continue
        assert float(law.mean()) == pytest.approx(orbit_mean(layer, dict(target.terms), preparation).value, rel=1e-9)
        twice = deep_fermion_law(name, 4, len(layer.parameters), target, "pauli")
        assert float(twice.mean()) == pytest.approx(4 * float(law.mean()), rel=1e-12)
        known += 1
    assert known >= 4


def test_what_has_no_law_is_one_line():
    for arguments, words in (
        ((5, 3, "X0", "half-pauli", "ising-layers"), "in ising-layers the law of an observable"),
        ((5, 3, "Z0+Z1", "half-pauli", "matchgate-layers"), "and 'Z0\\+Z1' is not"),
        ((5, 3, "projector:rank=1", "half-pauli", "ising-layers"), "no sum of Pauli strings"),
        ((5, 3, "Z0", "half-pauli", "fermions"), "choose haar-layers, ising-layers"),
    ):
        with pytest.raises(ValueError, match=words):
            qntk.law(*arguments[:4], ensemble=arguments[4])
    with pytest.raises(ValueError, match="without the dQNTK"):
        qntk.sample("ising-layers", "Z0", 10, qubits=3, parameters=2, dqntk=True)
    law = qntk.law(5, 3, "Z0", ensemble="ising-layers")
    with pytest.raises(ValueError, match="exact kernels alone"):
        qntk.compare(np.ones(20), law, quantity="dqntk")


def test_what_predict_says():
    law = qntk.law(40, 30, "Z0", ensemble="matchgate-layers")
    document = law.to_dict()
    assert document["mean"]["exact"] == pytest.approx(4 * 78 * 30 / (80 * 79**2))
    assert document["quantiles"]["0.5"] == pytest.approx(float(law.quantiles([0.5])[0]))
    assert law.cdf(law.quantiles([0.3])) == pytest.approx([0.3], abs=1e-6)
    assert law.draws_needed("mean") > 500
    assert "matchgate-layers (Haar SO(80))" in law.text
    assert qntk.law(2, 3, "Z0", ensemble="matchgate-layers").to_dict()["quantiles"] is None
