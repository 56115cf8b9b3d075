"""The compiled adjoint engine: a circuit's ``program``, its ``gates`` on blocks of eight draws, outputs and gradients
(``adjoint``) and second derivatives (``taylor``)."""

from pathlib import Path

from qntk.inputs.machine import keep_compiled_code

keep_compiled_code(Path(__file__).parent)
