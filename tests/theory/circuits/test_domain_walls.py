"""Domain walls against the transfer matrix on occupation patterns, which knows neither walls nor Pfaffians."""

import math

import numpy as np
import pytest

from qntk.theory.circuits import brickwork
from qntk.theory.circuits.brickwork import brickwork_mean
from qntk.theory.circuits.copies import domain_walls
from qntk.theory.circuits.copies.domain_walls import local_gradients


def label(qubits, occupied):
    return "".join("Z" if q in occupied else "I" for q in reversed(range(qubits)))


@pytest.mark.parametrize(
    ("qubits", "depth", "occupied"),
    [(2, 2, [0]), (4, 3, [1]), (5, 6, [4]), (5, 6, [0]), (8, 5, [3]), (9, 40, [8]), (12, 14, [5, 6]), (18, 30, [9])],
)
def test_every_gradient_of_an_open_chain(qubits, depth, occupied):
    """To 1e-12, from 2 to 18 qubits, at the ends and in the middle, shallow and deep."""
    exact = brickwork_mean(qubits, depth, {label(qubits, occupied): 1.0}, "open").gradients
    found = local_gradients(qubits, depth, occupied, True)
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-14 * exact.max())


@pytest.mark.parametrize(("depth", "occupied"), [(6, [5, 6]), (7, [8]), (5, [0, 1])])
def test_a_ring_that_is_not_gone_around(depth, occupied):
    exact = brickwork_mean(20, depth, {label(20, occupied): 1.0}, "periodic").gradients
    np.testing.assert_allclose(local_gradients(20, depth, occupied, False), exact, rtol=1e-12, atol=1e-18)


def test_another_weight_of_a_hop_is_noticed(monkeypatch):
    """Negative control: 0.401 for 2/5."""
    exact = brickwork_mean(8, 5, {label(8, [3]): 1.0}, "open").value
    monkeypatch.setattr(domain_walls, "_HOP", 0.401)
    assert local_gradients(8, 5, [3], True).sum() != pytest.approx(exact, rel=1e-3)


def test_a_thousand_qubits():
    """The middle of a long chain does not see its ends, and a sum of terms adds their squares."""
    found = brickwork_mean(1000, 16, {label(1000, [500]): 2.0, label(1000, [11]): 1.0}, "open", generator=1.0)
    small = brickwork_mean(22, 8, {label(22, [10]): 1.0}, "open").value
    assert brickwork_mean(1000, 8, {label(1000, [500]): 1.0}, "open").value == pytest.approx(small, rel=1e-12)
    parts = [brickwork_mean(1000, 16, {label(1000, [q]): 1.0}, "open").value for q in (500, 11)]
    assert found.value == pytest.approx(4 * (4 * parts[0] + parts[1]), rel=1e-12)
    assert found.gradients.shape == (15, 1000)
    deep = brickwork_mean(40, 400, {label(40, [20]): 1.0}, "open")
    assert deep.gradients[200] == pytest.approx(np.full(40, deep.design), rel=1e-9)
    rate = [math.log(brickwork_mean(1000, d, {label(1000, [500]): 1.0}, "open").value) for d in (40, 41)]
    assert rate[0] > rate[1], "it falls with depth, as what a gradient depends on grows"


def test_refusals(monkeypatch):
    with pytest.raises(ValueError, match="within one gate"):
        brickwork_mean(30, 6, {label(30, [3, 9]): 1.0}, "open")
    with pytest.raises(ValueError, match="around the chain"):
        brickwork_mean(30, 20, {label(30, [3]): 1.0}, "periodic")
    with pytest.raises(ValueError, match="noise"):
        brickwork_mean(30, 6, {label(30, [3]): 1.0}, "open", depolarizing=0.1)
    with pytest.raises(ValueError, match="fewer layers"):
        brickwork_mean(1000, 2000, {label(1000, [3]): 1.0}, "open")
    assert brickwork.depth_of_design(4, {"IIIZ": 1.0}, 0.05) == 7
