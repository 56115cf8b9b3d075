"""Warnings: one line each, with what to do, and each once."""

import re
import subprocess
import sys
import warnings

from qntk.inputs.messages import python_warnings_as_lines, warn

ONE = re.compile(r"qntk: warning: [^\n]+; [^\n;]+\n")
NOISY = """
import warnings
import numpy as np
import qntk.validation.judge.predict
whole = qntk.validation.judge.predict.predict_document
def noisy(*arguments):
    for _ in range(3):
        warnings.warn("a library\\n  is in two minds", UserWarning, stacklevel=1)
    warnings.warn_explicit("of no interest to a user", DeprecationWarning, "library.py", 1, "library")
    np.float64(1e300) * np.float64(1e300)
    return whole(*arguments)
qntk.validation.judge.predict.predict_document = noisy
from qntk.validation.commands.main import main
main()
"""


def test_a_warning_is_one_line_on_standard_error(capfd):
    warn("chunk a\n is damaged; it is drawn again")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "qntk: warning: chunk a is damaged; it is drawn again\n")


def test_warnings_of_libraries_have_the_same_form_once_and_json_stays_alone(program):
    """A deprecation, which a user can do nothing about, is not shown."""
    command = [sys.executable, "-c", NOISY, "predict", "--qubits", "2", "--params", "3", "--observable", "Z0", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    first, second = done.stderr.splitlines(keepends=True)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "a library is in two minds" in first
    assert "overflow" in second
    for line in (first, second):
        assert ONE.fullmatch(line)
        assert "qntk --version" in line


def test_python_shows_warnings_as_before_afterwards():
    """Negative control of the above: outside the block nothing is changed."""
    before = warnings.showwarning
    with python_warnings_as_lines():
        assert warnings.showwarning is not before
    assert warnings.showwarning is before
