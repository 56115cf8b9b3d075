"""Data sets, models of data, and their training, many seeds at a time."""

from pathlib import Path

from qntk.inputs.machine import keep_compiled_code

keep_compiled_code(Path(__file__).parent)
