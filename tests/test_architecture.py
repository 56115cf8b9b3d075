"""The house is as its page and its contract say: every room has a floor, none is too full, no name repeats its room."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(
    {p.parent for top in ("theory", "sampling", "validation") for p in (ROOT / "qntk" / top).rglob("*.py")}
)
FOLDERS += [ROOT / "qntk", ROOT / "qntk" / "inputs"]


def test_rooms_are_small_and_names_do_not_repeat_them():
    for folder in FOLDERS:
        modules = [p.stem for p in folder.glob("*.py") if p.stem != "__init__"]
        assert len(modules) <= 20, f"{folder} has {len(modules)} modules"
        assert [m for m in modules if folder.name in m.split("_")] == []


def test_every_room_and_every_module_of_the_face_has_a_floor():
    """The contract over all rooms cannot be exhaustive itself, as commands lies inside validation, above the face."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = {room.strip() for layer in contracts[0]["layers"] for room in layer.replace(":", "|").split("|")}
    rooms = {f"qntk.validation.{p.parent.name}" for p in (ROOT / "qntk" / "validation").glob("*/__init__.py")}
    rooms |= {f"qntk.{p.parent.name}" for p in (ROOT / "qntk").glob("*/__init__.py")} - {"qntk.validation"}
    rooms |= {f"qntk.{p.stem}" for p in (ROOT / "qntk").glob("*.py")} - {"qntk.__init__"}
    assert rooms == floors


def test_the_page_names_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [f for f in FOLDERS if f.name not in page] == []


def test_every_room_says_what_is_in_it():
    for folder in FOLDERS:
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        assert text.startswith('"""'), f"{folder} says nothing"
