"""A circuit from a file: QPY, or OpenQASM 3 as far as Qiskit's importer reads it; and what to do where it does not."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from qiskit import qasm3, qpy
from qiskit.circuit import QuantumCircuit
from qiskit.qpy import common, formats

_MOST_BYTES, _MOST_BITS, _HEAD = 256 * 2**20, 100_000, 4096
_KNOWN_FROM, _WITH_TABLE = 12, 16
"""Versions of QPY from which a circuit's header is as read here, and from which a table of offsets stands before it."""
_QPY = "save the circuit as QPY (qiskit.qpy.dump), which holds all that Qiskit has"


def load_circuit(path: Path) -> QuantumCircuit:
    """The circuit of a QPY file (its only one) or of an OpenQASM 3 file, by Qiskit's importers.

    Raises ``ValueError`` in one line, with what would work, for a file that cannot be read, holds several circuits, or
    no free parameter.
    """
    try:
        circuit = _read(path)
    except (OSError, ValueError) as error:
        text = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise ValueError(f"circuit {str(path)!r} cannot be read: {text[:300]}") from error
    if not circuit.parameters:
        raise ValueError(f"circuit {str(path)!r} has no free parameters; a tangent kernel needs at least one")
    return circuit


def _read(path: Path) -> QuantumCircuit:
    if path.suffix not in (".qpy", ".qasm", ".qasm3"):
        raise ValueError("its suffix is not .qpy, .qasm or .qasm3")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"it has {path.stat().st_size / 2**20:.0f} MiB; at most {_MOST_BYTES // 2**20} are read")
    if path.suffix == ".qpy":
        return _from_qpy(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8 text ({error.reason} at byte {error.start})") from error
    with _importers_errors() as said:
        return qasm3.loads(text)
    raise ValueError(f"{said[0]}; {_advice(text, said[0])}")


def _from_qpy(path: Path) -> QuantumCircuit:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head[:6] != b"QISKIT":
            raise ValueError(f"it is no QPY file, which begins with 'QISKIT'; {_QPY}")
        _check_sizes(head, path.stat().st_size)
        file.seek(0)
        with _importers_errors() as said:
            circuits = qpy.load(file)
    if said:
        raise ValueError(f"{said[0]}; it is damaged, or of another version of Qiskit: save it anew")
    if len(circuits) != 1:
        raise ValueError(f"it holds {len(circuits)} circuits; give a file with one")
    if not isinstance(circuits[0], QuantumCircuit):
        raise ValueError(f"it holds a {type(circuits[0]).__name__}, no circuit")
    return circuits[0]


def _check_sizes(head: bytes, size: int) -> None:
    """Refuse a first circuit with more qubits, bits, registers or instructions than its file could hold or we draw.

    The importer believes a damaged number, and makes four billion qubits.
    """
    version = head[6] if len(head) > 6 else 0
    start = formats.FILE_HEADER_V10_SIZE + formats.TYPE_KEY_SIZE
    if version >= _WITH_TABLE:
        entry = head[start : start + formats.CIRCUIT_TABLE_ENTRY_SIZE]
        start = (
            struct.unpack(formats.CIRCUIT_TABLE_ENTRY_PACK, entry)[0]
            if len(entry) == formats.CIRCUIT_TABLE_ENTRY_SIZE
            else size
        )
    if not _KNOWN_FROM <= version <= common.QPY_VERSION or start + formats.CIRCUIT_HEADER_V12_SIZE > len(head):
        return
    fields = formats.CIRCUIT_HEADER_V12(*struct.unpack_from(formats.CIRCUIT_HEADER_V12_PACK, head, start))
    wide = max(fields.num_qubits, fields.num_clbits) > _MOST_BITS
    if wide or max(fields.num_registers, fields.num_instructions, fields.metadata_size) > size:
        raise ValueError(f"it tells of {fields.num_qubits:,} qubits, {fields.num_instructions:,} gates: it is damaged")


def _advice(text: str, said: str) -> str:
    """What would make an OpenQASM text readable."""
    if "OPENQASM 2" in text or "qelib1.inc" in text:
        return f"it is OpenQASM 2, which has no free parameters: {_QPY}, or as OpenQASM 3 (qiskit.qasm3.dump)"
    if "is not defined" in said and "stdgates.inc" not in text:
        return """add the line 'include "stdgates.inc";' below OPENQASM 3.0, or define the gate"""
    if "imports" in said:
        return "stdgates.inc alone can be included: copy other definitions into the file"
    return _QPY


@contextlib.contextmanager
def _importers_errors() -> Iterator[list[str]]:
    """Collect in one line what an importer raises, panics of compiled code among it, and silence what it prints.

    Each importer has errors of its own, and they print before they raise, also where Python does not see it.
    """
    said: list[str] = []
    sys.stderr.flush()
    kept = os.dup(2)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
            yield said
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        said.append(" ".join(str(error).strip("'\"").split())[:160].rstrip(".") or type(error).__name__)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)
