"""The list of planted faults can be planted: the code has each text once, and tests stand against it."""

import ast
from pathlib import Path

import pytest
from plant import ROOMS, ROOT, Fault, Field, against, listed, users
from reach import probed
from session import swap

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
    chosen = {
        file: [*against(file)[0], *against(file)[1]]
        for file in {fault.file for fault in FAULTS}
        if (ROOT / file).exists()
    }
    assert all(tests and all((ROOT / test).exists() for test in tests) for tests in chosen.values())
    for fault in (fault for fault in FAULTS if not fault.stale()):
        text = (ROOT / fault.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(text.replace(fault.old, fault.new))) != ast.dump(ast.parse(text)), str(fault)


@pytest.fixture
def place(tmp_path):
    """A checkout of one module, in which faults are planted."""
    place = Field(tmp_path / "copy", tmp_path / "compiled", seconds=20)
    (place.copy / "theory").mkdir(parents=True)
    (place.copy / "tests" / "theory").mkdir(parents=True)
    place.compiled.mkdir()
    (place.copy / "theory" / "half.py").write_text("def half(x):\n    return x / 2\n")
    return place


def planted(place, asserted, fault="x * 2"):
    """What catches a fault if one test asserts this."""
    test = "import sys\nsys.path.insert(0, 'theory')\nfrom half import half\n\n\ndef test_half():\n    "
    (place.copy / "tests" / "theory" / "test_half.py").write_text(test + asserted)
    caught = place.catcher(Fault("theory/half.py", "x / 2", fault))
    assert (place.copy / "theory" / "half.py").read_text().endswith("x / 2\n")
    return caught


def test_a_fault_is_caught_by_a_test_that_sees_it_alone(place):
    assert planted(place, "assert half(4) == 2\n") == ("tests/theory/test_half.py::test_half", False)


def test_a_fault_survives_a_test_that_sees_nothing_and_one_that_fails_anyway(place):
    assert planted(place, "assert half(0) == 0\n") == ("", True)
    assert planted(place, "assert half(4) == 3\n") == ("", True)


def test_what_never_ends_is_caught(place):
    place = Field(place.copy, place.compiled, seconds=1)
    assert planted(place, "assert half(4) == 2\n", fault="sum(iter(int, 1))")[0]


def test_functions_compiled_before_are_compiled_anew_wherever_the_fault_reaches():
    reached = {str(path) for path in users("sampling/arithmetic/sums.py")}
    assert {"sampling/arithmetic/sums.py", "sampling/haar/layers.py"} <= reached
    assert "sampling/engine/adjoint.py" not in {str(path) for path in users("sampling/haar/layers.py")}
    assert not users("theory/haar/shape.py")


def test_functions_get_their_new_code_where_they_are_held(tmp_path):
    """Also behind a cache and in a closure; what runs at import cannot be changed like this."""
    text = (
        "from functools import lru_cache\nLIMIT = 3\n\n\nclass Half:\n    kept = 4\n\n    @lru_cache\n"
        "    def of(self, x):\n        return x / 2\n\n\ndef outer(x):\n    return [y - 1 for y in [x]][0]\n"
    )
    path = tmp_path / "halves.py"
    path.write_text(text)
    names = {}
    exec(compile(text, str(path), "exec"), names)
    assert swap(path, text, text.replace("x / 2", "x * 2"))
    assert names["Half"]().of(4) == 8
    assert swap(path, text, text.replace("y - 1", "y + 1"))
    assert names["outer"](4) == 5
    assert not swap(path, text, text.replace("LIMIT = 3", "LIMIT = 4"))
    assert not swap(path, text, text.replace("kept = 4", "kept = 5"))
    assert not swap(path, text, text)


def test_a_probe_stands_before_the_statement_and_not_where_code_is_compiled_or_imported():
    text = (
        '"""Doc."""\nLIMIT = 3\n\n\n@njit\ndef fast(x):\n    return x + 1\n'
        "\n\ndef f(x):\n    if x:\n        x = x + 2\n    return x\n"
    )
    made, put = probed(text, [(1, "LIMIT = 3"), (2, "x + 1"), (3, "x + 2"), (4, "return x\n")])
    assert put == {3, 4}
    lines = [line.strip() for line in made.splitlines()]
    assert lines[lines.index("x = x + 2") - 1] == "_reached(3)"
    assert lines[-2:] == ["_reached(4)", "return x"]
