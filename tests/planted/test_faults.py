"""The list of planted faults can be planted: the code has each text once, and tests stand against it."""

import ast
from pathlib import Path

import pytest
from plant import ROOMS, ROOT, Fault, against, listed, survives

FAULTS = listed()


def test_two_hundred_can_be_planted_over_all_rooms():
    """Lines change: what is stale is named here and by ``make plant``, and is written anew before it is a tenth."""
    assert len(set(map(str, FAULTS))) == len(FAULTS)
    stale = [str(fault) for fault in FAULTS if fault.stale()]
    assert len(stale) <= len(FAULTS) / 10, "\n".join(stale)
    alive = [fault for fault in FAULTS if not fault.stale()]
    assert len(alive) >= 200
    modules = (path for top in ROOMS for path in (ROOT / top).glob("*/*.py") if not path.parent.is_symlink())
    rooms = {path.parent.relative_to(ROOT) for path in modules}
    assert rooms <= {Path(fault.file).parent for fault in alive}


def test_each_is_another_program_and_has_tests_against_it():
    chosen = {file: against(file) for file in {fault.file for fault in FAULTS} if (ROOT / file).exists()}
    assert all(tests and all((ROOT / test).exists() for test in tests) for tests in chosen.values())
    for fault in (fault for fault in FAULTS if not fault.stale()):
        text = (ROOT / fault.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(text.replace(fault.old, fault.new))) != ast.dump(ast.parse(text)), str(fault)


@pytest.mark.parametrize("broken", [True, False])
def test_a_fault_is_caught_by_a_test_that_sees_it_alone(tmp_path, broken):
    """A checkout of one module and one test; the fault is taken back."""
    copy = tmp_path / "copy"
    (copy / "theory").mkdir(parents=True)
    (copy / "tests" / "theory").mkdir(parents=True)
    (copy / "theory" / "half.py").write_text("def half(x):\n    return x / 2\n")
    (copy / "tests" / "theory" / "test_half.py").write_text(
        "import sys\nsys.path.insert(0, 'theory')\nfrom half import half\n"
        "def test_half():\n    assert half(0) == 0\n" + ("    assert half(4) == 2\n" if broken else "")
    )
    fault = Fault("theory/half.py", "x / 2", "x * 2")
    assert survives(fault, copy, 60) is not broken
    assert (copy / "theory" / "half.py").read_text().endswith("x / 2\n")
