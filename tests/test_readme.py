"""What the README shows is what happens."""

import re
import shlex
from pathlib import Path

import pytest

from validation.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def block(language, number=0):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)[number]


def test_the_python_example_runs_and_the_exact_law_is_not_rejected(capsys):
    """Each of the three intervals misses with probability 0.0033; the seed in the README is fixed."""
    exec(compile(block("python"), "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9
    assert all(line.split()[-1] != "disagree" for line in lines if " exact " in line)


def test_the_example_with_inputs_has_the_shapes_it_says():
    scope = {}
    exec(compile(block("python", 1), "README.md", "exec"), scope)
    assert [scope[k].shape for k in ("outputs", "jacobian", "kernel", "mu")] == [
        (10, 5),
        (10, 5, 4),
        (10, 5, 5),
        (10, 5),
    ]


def test_the_theory_example_gives_the_numbers_it_says():
    scope = {}
    exec(compile(block("python", 2), "README.md", "exec"), scope)
    assert (scope["depth"], scope["never"]) == (206, None)
    assert 0 < scope["low"] < scope["high"]


def test_the_predict_example_is_its_output(capsys):
    command, *expected = re.search(r"    \$ qntk (predict.*?)\n\n(?=[^ ])", README, re.DOTALL).group(1).split("\n")
    with pytest.raises(SystemExit):
        main(shlex.split(command))
    printed = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in expected] == [line.strip() for line in printed[: len(expected)]]


def test_the_configuration_example_is_accepted(tmp_path):
    from validation.cells import expand
    from validation.config import load_config

    path = tmp_path / "mine.toml"
    path.write_text(block("toml"))
    assert len(expand(load_config(path)[0])) == 16
