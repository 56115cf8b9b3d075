"""Strings as packed words, where several threads ask for them at once."""

import subprocess
import sys

import pytest

ASKS = """
import sys, numpy, stim, {imported}
sys.modules["numpy.core.multiarray"] = None
stim.PauliString("XZ").to_numpy()
stim.PauliString.from_numpy(xs=numpy.ones(1, bool), zs=numpy.ones(1, bool))
"""


@pytest.mark.parametrize(("imported", "imports"), [("qntk.theory.circuits.pauli_words", False), ("numpy", True)])
def test_no_thread_is_the_first_to_ask_stim_for_an_array(imported, imports):
    """Stim imports NumPy when it makes its first array, and two threads that both do so wait for each other for ever.

    Where NumPy can no longer be imported, the array shows that this is behind it; negative control: stim by itself.
    """
    code = ASKS.format(imported=imported)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert bool(done.returncode) == ("numpy.core.multiarray halted" in done.stderr) == imports, done.stderr
