"""Observable specifications against Qiskit operators written out by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp

from qntk.inputs import operators
from qntk.inputs.observables import parse_observable
from qntk.theory import OperatorMoments
from qntk.validation.kit.strategies import observables


def matrix(spec, qubits):
    operator = parse_observable(spec, qubits).operator()
    return operator if isinstance(operator, np.ndarray) else operator.to_matrix()


EXPECTED = {
    ("Z0", 2): {"IZ": 1},
    ("X1", 2): {"XI": 1},
    ("Z0Z1", 3): {"IZZ": 1},
    ("Y2X0", 3): {"YIX": 1},
    ("0.5*Z0Z1+1.5*X2", 3): {"IZZ": 0.5, "XII": 1.5},
    ("-Z0 - 2e-1*X1", 2): {"IZ": -1, "XI": -0.2},
    ("Z0+Z0", 1): {"Z": 2},
    ("tfim:J=2,h=0.5", 3): {"IZZ": -2, "ZZI": -2, "IIX": -0.5, "IXI": -0.5, "XII": -0.5},
    ("tfim", 2): {"ZZ": -1, "IX": -1, "XI": -1},
    ("tfim:J=1,h=0,periodic=true", 3): {"IZZ": -1, "ZZI": -1, "ZIZ": -1},
    ("xxz:J=2", 2): {"XX": -1, "YY": -1, "ZZ": -2, "IZ": -2, "ZI": -2},
    ("tfim:periodic=true", 2): {"ZZ": -1, "IX": -1, "XI": -1},
}


@pytest.mark.parametrize(("spec", "qubits"), EXPECTED)
def test_named_observables(spec, qubits):
    expected = SparsePauliOp.from_list(list(EXPECTED[spec, qubits].items())).to_matrix()
    np.testing.assert_allclose(matrix(spec, qubits), expected, atol=1e-15)


@pytest.mark.parametrize("rank", [1, 3])
def test_projector_is_on_the_first_computational_states(rank):
    np.testing.assert_array_equal(np.diag(matrix(f"projector:rank={rank}", 2)), np.arange(4) < rank)


def test_file_holds_labels_in_qiskit_order(tmp_path):
    path = tmp_path / "o.txt"
    path.write_text("# J1\n-1 IIXX\n0.5 ZIII  # field\n\n")
    expected = SparsePauliOp(["IIXX", "ZIII"], [-1, 0.5]).to_matrix()
    np.testing.assert_array_equal(matrix(f"@{path}", 4), expected)


@given(st.integers(1, 4).flatmap(observables))
def test_both_sides_of_the_suite_get_the_same_operator(observable):
    """Moments handed to theory and the matrix handed to sampling come from one specification by two routes."""
    dense = OperatorMoments.from_matrix(matrix(observable.spec, observable.qubits))
    moments = OperatorMoments.of(observable)
    for key in ("a2", "a3", "a4"):
        assert float(getattr(moments, key)) == pytest.approx(float(getattr(dense, key)), abs=1e-9)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "empty"),
        ("Q0", "does not parse at 'Q0'"),
        ("Z0 X1", "does not parse at 'X1'"),
        ("Z", "label Z has 1 letters for 2 qubits; Z0 names"),
        ("1j*Z0", "does not parse"),
        ("Z0+", "does not parse"),
        ("Z7", "names qubit 7; there are 2"),
        ("X0Z0", "two Paulis on qubit 0"),
        ("Z0-Z0", "multiple of the identity"),
        ("tfim:K=1", "unknown option 'K'"),
        ("tfim:J=one", "real number"),
        ("tfim:J=inf", "finite"),
        ("tfim:J=0,h=0", "multiple of the identity"),
        ("tfim:periodic=yes", "true or false"),
        ("projector:rank=4", "1 to 3"),
        ("projector:rank=1.5", "1 to 3"),
        ("1e999*Z0", "not finite"),
        ("@/does/not/exist", "cannot be read"),
        ("@", "cannot be read"),
        ("@n\0o", "observable file .* cannot be read: embedded null"),
        ("@" + "x" * 300, "cannot be read"),
    ],
)
def test_bad_specifications_are_refused_in_one_line(spec, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse_observable(spec, 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x ZZ", "line 1"),
        ("1 ZQ", "letters"),
        ("1 ZZZ", "3 letters for 2"),
        ("1 Z Z", "line 1"),
        ("", "no terms"),
    ],
)
def test_bad_files_name_the_line(tmp_path, content, words):
    path = tmp_path / "o.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=words):
        parse_observable(f"@{path}", 2)


def test_on_the_command_line_a_file_is_relative_to_the_current_directory(qntk, tmp_path, monkeypatch):
    (tmp_path / "h.txt").write_text("1 ZZ\n")
    monkeypatch.chdir(tmp_path)
    answers = []
    for observable in ("@h.txt", f"@{tmp_path / 'h.txt'}", "Z0Z1"):
        code, text, error = qntk("predict", "--qubits", 2, "--params", 5, "--observable", observable, "--json")
        assert code == 0, error
        answers.append({key: value for key, value in json.loads(text).items() if key != "observable"})
    assert answers[0] == answers[1] == answers[2]


def test_rows_of_a_matrix_are_all_lists():
    """A list with one list in it is a list of observables, of which one is meant."""
    assert operators.observable([[1, 0], [0, -1]], 1).operator().tolist() == [[1, 0], [0, -1]]
    for several in ([[1, 0], "X0"], ["X0", (1, 0)]):
        with pytest.raises(ValueError, match="2 observables were given where one is meant"):
            operators.observable(several, 1)
