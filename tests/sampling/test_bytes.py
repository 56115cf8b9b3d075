"""The same seed gives the same bytes on every machine and any number of threads.

``byte_probe`` prints digests of every ensemble, distribution, expression and study; here it runs as a machine whose
compiler has no fused multiply-add, and with the C library, NumPy and BLAS of older processors. ``make nightly`` has all
kinds. Nothing is random. The controls are computed by the libraries, and by a compiler that may fuse: they differ.
"""

import pytest
from machines import HERE, LIBRARIES, TARGETS


@pytest.fixture(scope="module")
def expected():
    return HERE.digests()


def compared(expected, machine, control):
    """Names whose bytes differ on another machine, without the controls; and whether the control differs."""
    missing = machine.cannot_run()
    if missing:
        pytest.fail(f"{machine.name}: not run, this processor has no {missing}")
    found = machine.digests()
    assert found.keys() == expected.keys()
    other = {name for name, digest in expected.items() if found[name] != digest}
    return {name for name in other if not name.startswith("control")}, f"control {control}" in other


def test_a_machine_without_fused_operations_gives_the_same_bytes(expected):
    other, control = compared(expected, TARGETS[0], "compiler")
    assert not other
    assert control, "negative control"


def test_older_libraries_and_seven_threads_give_the_same_bytes(expected):
    other, control = compared(expected, LIBRARIES[0], "libraries")
    assert not other
    assert control, "negative control"
