"""Draws of Haar layers: by random frames (``layers``, ``cross``, ``dqntk``), and ``dense`` as a check of them."""

from pathlib import Path

from qntk.inputs.machine import keep_compiled_code

keep_compiled_code(Path(__file__).parent)
