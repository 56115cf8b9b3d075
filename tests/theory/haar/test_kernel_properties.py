"""What must hold of the closed forms for every operator, size and number of parameters."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qntk.theory import REGIMES, KernelLaw, OperatorMoments

COUNTS = st.integers(1, 10**7)
QUBITS = st.integers(1, 50)
FACTORS = st.fractions(-4, 4, max_denominator=64).filter(lambda c: c != 0)


@st.composite
def operators(draw, dimension):
    """Integer spectra with multiplicities that fill the dimension."""
    values = draw(st.lists(st.integers(-9, 9), min_size=2, max_size=4, unique=True))
    assume(dimension >= len(values))
    cuts = sorted(
        draw(st.lists(st.integers(1, dimension - 1), min_size=len(values) - 1, max_size=len(values) - 1, unique=True))
    )
    counts = [b - a for a, b in zip([0, *cuts], [*cuts, dimension], strict=True)]
    return values, counts


@st.composite
def laws(draw):
    dimension = 2 ** draw(QUBITS)
    assume(dimension > 4)
    operator, generator = (OperatorMoments.from_eigenvalues(*draw(operators(dimension))) for _ in range(2))
    return KernelLaw(draw(COUNTS), operator, generator)


@given(laws())
def test_every_prediction_is_positive_and_the_plateau_is_the_floor(law):
    for regime in REGIMES:
        assert law.mean(regime).value > 0
        assert law.variance(regime).value > 0
    assert law.relative_std("exact").value >= law.plateau().value >= 0
    assert law.variance("exact").value >= law.variance("independent").value * (1 - 1e-15)


@given(laws(), FACTORS, FACTORS)
def test_scaling_the_operators_scales_mean_and_variance(law, c, d):
    scaled = KernelLaw(law.parameters, law.observable.scaled(c), law.generator.scaled(d))
    for regime in REGIMES:
        factor = float((c * d) ** 2)
        assert scaled.mean(regime).value == pytest.approx(law.mean(regime).value * factor, rel=1e-13)
        assert scaled.variance(regime).value == pytest.approx(law.variance(regime).value * factor**2, rel=1e-13)
        assert scaled.relative_std(regime).value == pytest.approx(law.relative_std(regime).value, rel=1e-13)


@given(st.integers(3, 50), st.integers(-5, 5), COUNTS, st.data())
def test_a_constant_added_to_the_observable_changes_nothing(qubits, constant, parameters, data):
    values, counts = data.draw(operators(2**qubits))
    generator = OperatorMoments.from_pauli(qubits)
    one = KernelLaw(parameters, OperatorMoments.from_eigenvalues(values, counts), generator)
    two = KernelLaw(parameters, OperatorMoments.from_eigenvalues([v + constant for v in values], counts), generator)
    for regime in REGIMES:
        assert one.variance(regime).value == two.variance(regime).value


@given(laws())
def test_the_mean_is_linear_in_parameters_and_one_parameter_has_no_correlations(law):
    one = KernelLaw(1, law.observable, law.generator)
    assert law.mean().value == pytest.approx(law.parameters * one.mean().value, rel=1e-13)
    assert one.variance("exact").value == pytest.approx(one.variance("independent").value, rel=1e-15)


@pytest.mark.parametrize("make", [OperatorMoments.from_pauli, OperatorMoments.from_projector])
@given(QUBITS)
def test_exact_meets_asymptotic_as_the_dimension_grows(make, qubits):
    """At one parameter, for a Pauli generator: the difference is of relative order 1/D, with a constant under 8."""
    law = KernelLaw(1, make(qubits), OperatorMoments.from_pauli(qubits))
    for quantity in (law.mean, law.variance):
        assert quantity("asymptotic").value == pytest.approx(quantity("exact").value, rel=8 / 2**qubits)


@given(st.integers(20, 50))
def test_plateaus_at_large_dimension(qubits):
    generator = OperatorMoments.from_pauli(qubits)
    pauli = KernelLaw(1, OperatorMoments.from_pauli(qubits), generator).plateau().value
    projector = KernelLaw(1, OperatorMoments.from_projector(qubits), generator).plateau().value
    assert pauli * 2**qubits == pytest.approx(2**0.5, rel=1e-5)
    assert projector == pytest.approx(1, abs=1e-5)


@given(laws())
def test_the_relative_std_reaches_the_plateau(law):
    far = KernelLaw(10**40, law.observable, law.generator)
    assert far.relative_std().value == pytest.approx(law.plateau().value, rel=1e-2)


def test_nothing_cancels_at_fifty_qubits():
    """Pauli O and G: Var v = 2D(D+2)/((D+1)²(D+2)(D+3)) needs 100 bits by naive subtraction."""
    D = 2**50
    law = KernelLaw(10**7, OperatorMoments.from_pauli(50), OperatorMoments.from_pauli(50))
    ratio = Fraction(2 * D, (D + 1) ** 2 * (D + 3)) / Fraction(D, D + 1) ** 2
    assert law.plateau().value ** 2 == pytest.approx(float(ratio), rel=1e-14)


def test_the_convention_of_the_generator_is_a_factor_of_four():
    pauli = OperatorMoments.from_pauli(3)
    full, half = (KernelLaw(5, pauli, g) for g in (pauli, pauli.scaled(0.5)))
    assert full.mean().value == 4 * half.mean().value
    assert full.variance().value == 16 * half.variance().value


def test_predictions_carry_regime_assumptions_and_reference():
    law = KernelLaw(5, OperatorMoments.from_pauli(3), OperatorMoments.from_pauli(3))
    for regime in REGIMES:
        prediction = law.variance(regime)
        assert prediction.regime == regime
        assert prediction.assumptions
        assert prediction.reference
        assert float(prediction) == prediction.value


@pytest.mark.parametrize(("parameters", "qubits", "words"), [(0, 2, "at least 1"), (3, 3, "dimension")])
def test_bad_laws_are_refused(parameters, qubits, words):
    with pytest.raises(ValueError, match=words):
        KernelLaw(parameters, OperatorMoments.from_pauli(2), OperatorMoments.from_pauli(qubits))
