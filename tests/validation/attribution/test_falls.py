"""How limits fall with n: known powers, and which circuits are the catalogue's."""

import pytest
from qiskit.circuit import Parameter, QuantumCircuit

from qntk import predict_circuit
from qntk.inputs.operators import observable
from qntk.sampling.circuits.catalogue import CATALOGUE, ansatz
from qntk.validation.attribution.falls import fall, fall_of, family_of


@pytest.mark.parametrize(
    ("name", "spec", "n", "D"),
    [
        ("hea", "Z0", 0.0, -1.0),  # 1/(2D) to leading order
        ("real-amplitudes", "X0", 0.0, -1.0),
        ("hva", "Z0", 0.0, -1.0),  # 2^{-n-1}
        ("hva", "X0", -2.0, 0.0),  # free fermions
    ],
)
def test_powers_that_are_known(name, spec, n, D):
    found = fall_of(name, observable(spec, 4))
    assert (found.n, found.D) == (pytest.approx(n, abs=0.02), D)


def test_a_mixture_shows_both_powers():
    found = fall(lambda n: n / 2**n)
    assert (found.n, found.D) == (1.0, -1.0)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name != "random-pauli"])
def test_a_circuit_of_the_catalogue_is_known_by_its_gates(name):
    plain = ansatz(name, 4, 3)
    assert family_of(plain) == name
    assert family_of(ansatz(name, 4, 3, generator="pauli")) == name
    renamed = plain.assign_parameters({p: Parameter(f"w{97 * k % 89}_{k}") for k, p in enumerate(plain.parameters)})
    assert family_of(renamed) == name
    other = plain.copy()
    other.z(0)
    assert family_of(other) is None


def test_the_document_has_an_exponent_for_the_catalogue_alone():
    document = predict_circuit(ansatz("hva", 3, 1), "X0").document
    assert document["ansatz"] == "hva"
    assert document["exponent"] == document["fall"]["n"] == pytest.approx(-2, abs=0.02)
    assert document["algebra"] == "so(6) ⊕ so(6)"
    document = predict_circuit(ansatz("hva", 3, 1), "Z0").document
    assert (document["exponent"], document["fall"]) == (None, {"n": 0.0, "D": -1.0})
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    document = predict_circuit(circuit, "Z0").document
    assert (document["ansatz"], document["exponent"], document["algebra"]) == (None, None, "u(1)")


def test_an_observable_without_terms_has_none():
    assert fall_of("hea", observable("projector:rank=1", 3)) is None
