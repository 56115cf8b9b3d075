"""Sets of documents: killed before any operation on files whatever, all names lead into the old set or into the new."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from qntk.validation.sweep.documents import replaced, settle

OLD = {"report.html": "old", "a.csv": "old", "figures/one.svg": "old", "figures/gone.svg": "old", "paper/t.tex": "old"}
NEW = {"report.html": "new", "report.md": "new", "figures/one.svg": "new", "figures/two.svg": "new"}
KNOWN = ("a.csv",)
MERGED = NEW | {"paper/t.tex": "old"}


def write(folder, texts):
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def put(directory, texts):
    with replaced(directory, "report", KNOWN) as staged:
        write(staged, texts)


def found(directory):
    """What a reader finds who goes by names."""
    folders = [path for path in directory.iterdir() if path.is_dir() and not path.name.startswith(".")]
    files = [path for folder in (directory, *folders) for path in folder.iterdir() if path.is_file()]
    named = {str(path.relative_to(directory)): path.read_text() for path in files if not path.name.startswith(".")}
    return {name: text for name, text in named.items() if name != "config.toml"}


def killed(directory, count):
    """Put the new set in a child that dies before its operation number ``count``; whether it died."""
    child = os.fork()
    if child == 0:
        seen = 0

        def hook(event, arguments):
            nonlocal seen
            if event in ("open", "os.rename", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.remove"):
                if seen == count:
                    os._exit(9)
                seen += 1

        sys.addaudithook(hook)
        put(directory, NEW)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("before", ["nothing", "a set", "plain files", "a copy"])
def test_a_kill_before_any_operation_leaves_one_set(tmp_path, before):
    """Of release 0.1's plain files a folder is away for one instant, until the next command."""
    count, old, outcomes = 0, {} if before == "nothing" else OLD, []
    new = NEW if before == "nothing" else MERGED
    while True:
        out = tmp_path / str(count)
        out.mkdir()
        (out / "config.toml").write_text("x")
        if before in ("a set", "a copy"):
            put(out, OLD)
        if before == "a copy":
            shutil.copytree(out, tmp_path / f"copy{count}")
            out = tmp_path / f"copy{count}"
        if before == "plain files":
            write(out, OLD)
        died = killed(out, count)
        seen = found(out)
        away = before in ("plain files", "a copy") and seen == {k: v for k, v in old.items() if "figures" not in k}
        assert seen in (old, new) or away, (count, seen)
        settle(out)
        assert found(out) == (old if away else seen)
        outcomes.append(found(out) == new)
        put(out, NEW)
        assert found(out) == new
        assert len(list(out.glob(".report-*"))) == 1
        assert not list(out.glob(".*.link"))
        if not died:
            break
        count += 1
    assert outcomes == sorted(outcomes)  # old up to one operation, new after it
    assert 10 < outcomes.count(False) < count


def test_the_next_command_clears_what_a_kill_left(tmp_path):
    put(tmp_path, OLD)
    assert killed(tmp_path, 12)
    assert len(list(tmp_path.glob(".report-*"))) == 2
    settle(tmp_path)
    assert len(list(tmp_path.glob(".report-*"))) == 1


def test_an_error_changes_nothing_and_a_set_that_is_being_made_is_left_alone(tmp_path):
    put(tmp_path, OLD)
    with replaced(tmp_path, "report", KNOWN) as staged:
        write(staged, NEW)
        with pytest.raises(ZeroDivisionError), replaced(tmp_path, "diagnostics"):
            raise ZeroDivisionError
        child = os.fork()
        if child == 0:
            settle(tmp_path)
            os._exit(0)
        os.waitpid(child, 0)
    assert found(tmp_path) == MERGED


def test_links_survive_that_the_directory_moves(tmp_path):
    (tmp_path / "a").mkdir()
    put(tmp_path / "a", OLD)
    Path(tmp_path / "a").rename(tmp_path / "b")
    assert found(tmp_path / "b") == OLD
