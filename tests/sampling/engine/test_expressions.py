"""Angles that are not linear: inside their domain the right number, outside it one line, and no slope is trusted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Statevector

import qntk
from qntk.inputs import reader
from qntk.sampling.engine import expressions

a, b = Parameter("a"), Parameter("b")
FORMS = {
    "log": lambda p: (p - 1).log(),
    "power": lambda p: (2 * p) ** 3,
    "root": lambda p: (p + 2) ** 0.5,
    "arcsin": lambda p: (p / 7).arcsin(),
    "product": lambda p: p * b - p,
    "quotient": lambda p: p / (b + 3),
    "exponential": lambda p: (-p).exp() + b.sin(),
    "tangent": lambda p: (p / 9).tan(),
}


def rotated(angle):
    circuit = QuantumCircuit(1)
    circuit.ry(b, 0)
    circuit.rx(angle, 0)
    return circuit


@pytest.mark.parametrize("name", FORMS)
def test_kernels_of_nonlinear_angles_are_those_of_finite_differences(name):
    """Qiskit's state vectors, central differences with step 1e-5: to 1e-7."""
    circuit = rotated(FORMS[name](a))

    def output(values):
        return (
            Statevector(circuit.assign_parameters(values)).expectation_value(qntk.observable("Z0", 1).operator()).real
        )

    for values in ([2.5, 0.3], [1.4, 1.1]):
        steps = 1e-5 * np.eye(2)
        slopes = [(output(values + s) - output(values - s)) / 2e-5 for s in steps]
        assert qntk.Model(circuit, "Z0").kernel(values) == pytest.approx(np.square(slopes).sum(), rel=1e-6, abs=1e-9)


def test_an_angle_outside_its_domain_names_the_angle_the_parameter_and_the_value():
    model = qntk.Model(rotated((a - 1).log()), "Z0")
    with pytest.raises(ValueError, match=r"angle .*log\(.* leaves its domain at a = 0.5"):
        model.kernel([0.5, 0.1])
    with pytest.raises(ValueError, match="leaves its domain at a = 0"):  # the value is finite, the slope is not
        qntk.Model(rotated(a**0.5), "Z0").kernel([0.0, 0.1])


def test_a_wrong_slope_of_qiskits_is_not_trusted(monkeypatch):
    """As printed by versions before 2.4.2; both an angle that is linear and one that is not."""
    right = expressions._derivative
    monkeypatch.setattr(expressions, "_derivative", lambda e, p: 0.5 * right(e, p))
    with pytest.raises(ValueError, match="Qiskit's slope by a is not that of its own values"):
        qntk.Model(rotated((2 * a) ** 3), "Z0")
    monkeypatch.undo()
    monkeypatch.setattr(reader, "_linear_slopes", lambda angle: dict.fromkeys(angle.parameters, 1.0))
    circuit = rotated(2 * a)
    model = qntk.Model(circuit, "Z0")  # taken as an angle that is not linear, with slopes that are looked at
    assert model.kernel([0.3, 0.7]) == pytest.approx(
        4 * np.sin(0.6) ** 2 * np.cos(0.7) ** 2 + (np.cos(0.6) * np.sin(0.7)) ** 2
    )


@settings(max_examples=40)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 2))
def test_linear_angles_in_any_spelling_have_the_slopes_they_say(slope, shift, value):
    """a·s + c written as a sum and by a difference of squares, which is found not to be linear and is right."""
    plain = rotated(slope * a + shift)
    other = rotated(((a + 1) ** 2 - a**2 - 1) / 2 * slope + shift)
    expected = qntk.Model(plain, "Z0").kernel([value, 0.4])
    assert qntk.Model(other, "Z0").kernel([value, 0.4]) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_no_probe_stands_at_the_edge_of_a_domain():
    """The first probe has a value, what lies a thousandth below it has none: it is passed over for the next ones."""
    first = expressions._points(a.sin(), [a])[0, 0]
    edge = (a - first * (1 - 5e-4)).log()
    probes = expressions._points(edge, [a])[0]
    assert first not in probes
    assert (probes * (1 - 1e-3) > first).all()
