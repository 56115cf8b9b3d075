"""Files that cannot be read say what would work; damaged ones end in one line, in no time, whatever is damaged."""

import io
import struct
import time

import numpy as np
import pytest
from qiskit import qasm2, qasm3, qpy
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.qpy import formats

import qntk
from qntk.inputs.circuit_files import load_circuit

SECONDS = 5
HEAD = "OPENQASM 3.0;\n"
TEXTS = {
    "OpenQASM 2": (qasm2.dumps(real_amplitudes(2).assign_parameters([0.1] * 8)), "it is OpenQASM 2.*save.*QPY"),
    "no include": (HEAD + "input float[64] a;\nqubit[1] q;\nry(a) q[0];\n", r"add the line 'include .stdgates.inc.;'"),
    "another include": (HEAD + 'include "mine.inc";\nqubit[1] q;\n', "stdgates.inc alone can be included"),
    "no circuit": ("a shopping list", "save the circuit as QPY"),
    "no parameters": (qasm3.dumps(real_amplitudes(2).assign_parameters([0.1] * 8)), "has no free parameters"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_not_read_says_what_would_work(name, tmp_path):
    text, line = TEXTS[name]
    path = tmp_path / "circuit.qasm"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=line) as caught:
        load_circuit(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "begins with 'QISKIT'"),
        (b"PK\x03\x04 a zip", "begins with 'QISKIT'"),
        (b"QISKIT\x63" + bytes(40), "damaged, or of another version"),
        (b"QISKIT", "damaged, or of another version"),
    ],
)
def test_what_is_no_qpy(content, line, tmp_path):
    path = tmp_path / "circuit.qpy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=line):
        load_circuit(path)


def test_other_files(tmp_path):
    with pytest.raises(ValueError, match="suffix is not"):
        load_circuit(tmp_path / "circuit.txt")
    with pytest.raises(ValueError, match="No such file"):
        load_circuit(tmp_path / "circuit.qpy")
    several = tmp_path / "two.qpy"
    with several.open("wb") as file:
        qpy.dump([real_amplitudes(2), real_amplitudes(3)], file)
    with pytest.raises(ValueError, match="holds 2 circuits"):
        load_circuit(several)
    (tmp_path / "marked.qasm").write_text(qasm3.dumps(real_amplitudes(2)), encoding="utf-8-sig")
    assert load_circuit(tmp_path / "marked.qasm").num_parameters == 8


def whole_files():
    """What is damaged: circuits with vectors, expressions, a matrix, a loop, as QPY and as OpenQASM 3."""
    mixed = QuantumCircuit(3, 1)
    a = Parameter("a")
    mixed.ry(a**2 + 1, 0)
    mixed.unitary(np.eye(4), [0, 1])
    with mixed.for_loop(range(2)):
        mixed.rx(a, 1)
    mixed.initialize([0.6, 0.8], 2)
    mixed.measure(0, 0)
    for circuit in (real_amplitudes(3), zz_feature_map(2), mixed):
        buffer = io.BytesIO()
        qpy.dump(circuit, buffer)
        yield ".qpy", buffer.getvalue()
    for circuit in (real_amplitudes(3), zz_feature_map(2)):
        yield ".qasm", qasm3.dumps(circuit).encode()


def damaged(content, rng):
    """Flipped, cut, doubled, overwritten or swapped bytes."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        at, size = int(rng.integers(len(data))), int(rng.integers(1, 40))
        kind = rng.integers(5)
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del data[at : at + size]
        elif kind == 2:
            data[at:at] = data[at : at + size]
        elif kind == 3:
            data[at : at + size] = rng.bytes(size)
        else:
            data[at : at + 8] = b"\xff" * 8
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("part", range(10))
def test_five_hundred_damaged_files_are_drawn_or_refused_in_one_line(part, tmp_path, capfd):
    rng = np.random.default_rng(part)
    files = list(whole_files())
    told = []
    for index in range(50):
        suffix, content = files[index % len(files)]
        path = tmp_path / f"{index}{suffix}"
        path.write_bytes(damaged(content, rng))
        began = time.monotonic()
        try:
            qntk.sample(path, "Z0", draws=8, workers=1)
        except ValueError as error:
            told.append(str(error))
        assert time.monotonic() - began < SECONDS
    assert len(told) > 25  # negative control: the damage is real
    assert all("\n" not in line and len(line) < 700 for line in told)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("field", ["num_registers", "num_instructions", "metadata_size"])
def test_a_header_with_one_number_larger_than_its_file_is_refused_before_it_is_read(field, tmp_path):
    """The importer would believe it, and ask for so many gates or bytes."""
    buffer = io.BytesIO()
    qpy.dump(real_amplitudes(2), buffer)
    content, size = buffer.getvalue(), struct.calcsize(formats.CIRCUIT_HEADER_V12_PACK)
    start = next(
        start
        for start in range(len(content) - size)
        if formats.CIRCUIT_HEADER_V12(*struct.unpack_from(formats.CIRCUIT_HEADER_V12_PACK, content, start))[3:7]
        == (2, 0, 2, 1)  # qubits, classical bits, bytes of the metadata {}, registers
    )
    header = formats.CIRCUIT_HEADER_V12(*struct.unpack_from(formats.CIRCUIT_HEADER_V12_PACK, content, start))
    grown = struct.pack(formats.CIRCUIT_HEADER_V12_PACK, *header._replace(**{field: 2**31}))
    path = tmp_path / "circuit.qpy"
    path.write_bytes(content[:start] + grown + content[start + size :])
    with pytest.raises(ValueError, match=r"2 qubits, .* gates: it is damaged"):
        load_circuit(path)
