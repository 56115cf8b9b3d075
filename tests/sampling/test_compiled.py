"""A first call that compiles says so, and a later one is silent."""

import os
import subprocess
import sys

CODE = """
import sys, qntk
circuit = qntk.ansatz("hea", 2, 1)
for _ in range(2):
    qntk.sample(circuit, "Z0", draws=16, seed=1, workers=1)
    print("drawn", file=sys.stderr)
"""


def test_a_first_call_that_compiles_says_so(tmp_path):
    """With an empty cache it takes seconds; from the full one, well below the second after which the line comes."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for lines in (["qntk: compiling for this machine, once; later runs find it on disk", "drawn", "drawn"], None):
        told = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
        if lines:
            assert told.stderr.splitlines() == lines
        else:
            assert told.stderr.splitlines()[-1] == "drawn"
