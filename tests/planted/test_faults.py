"""The list of planted faults is one that can be planted: the code has each text once, and tests stand against it."""

import ast
from collections import Counter

import pytest
from plant import ROOMS, ROOT, Fault, against, listed, survives

FAULTS = listed()


def test_there_are_two_hundred_over_all_rooms():
    assert len(set(map(str, FAULTS))) == len(FAULTS) >= 200
    rooms = {str(path.relative_to(ROOT)) for top in ROOMS for path in (ROOT / top).iterdir() if path.is_dir()}
    rooms -= {room for room in rooms if not list((ROOT / room).glob("*.py")) or "__pycache__" in room}
    planted = Counter(fault.file.rsplit("/", 1)[0] for fault in FAULTS)
    assert {room for room in rooms if not planted[room] and room.split("/")[0] != "qntk"} == set()


@pytest.mark.parametrize("file", sorted({fault.file for fault in FAULTS}))
def test_each_can_be_planted(file):
    """A fault whose text is gone or is there twice must be written anew."""
    text = (ROOT / file).read_text(encoding="utf-8")
    for fault in (f for f in FAULTS if f.file == file):
        assert text.count(fault.old) == 1, str(fault)
        assert fault.new != fault.old
        assert ast.dump(ast.parse(text.replace(fault.old, fault.new))) != ast.dump(ast.parse(text)), str(fault)
    assert against(file)
    assert all((ROOT / test).exists() for test in against(file))


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
