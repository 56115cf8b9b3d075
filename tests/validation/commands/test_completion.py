"""Completion in the shell: click's scripts, and what they are answered for a line that is being typed."""

import os
import shutil
import subprocess

import pytest
from click.shell_completion import get_completion_class

from qntk.validation.commands.main import main
from qntk.validation.commands.main import qntk as group

SHELLS = ("bash", "zsh", "fish")


def answer(monkeypatch, capfd, shell, line):
    """The kinds and values that a script for ``shell`` gets for a line whose last word is being typed."""
    *_, incomplete = words = line.split(" ")
    monkeypatch.setenv("_QNTK_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", incomplete if shell == "fish" else str(len(words) - 1))
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 0
    lines = capfd.readouterr().out.splitlines()
    if shell == "zsh":
        kinds, values = lines[::3], [value.replace("\\:", ":") for value in lines[1::3]]
    else:
        kinds, values = zip(*(entry.partition("\t")[0].split(",", 1) for entry in lines if entry), strict=True)
    return list(zip(kinds, values, strict=True))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("qntk s", ["sweep", "status"]),
        ("qntk comp", ["compare", "completion"]),
        ("qntk completion ", list(SHELLS)),
        ("qntk predict --generator ", ["half-pauli", "pauli"]),
        ("qntk predict --generator h", ["half-pauli"]),
        ("qntk check x.qpy --fail-on d", ["disagree"]),
        ("qntk compare k.npy --quantity ", ["kernel", "dqntk"]),
        ("qntk check x.qpy --fam", ["--family-error"]),
        ("qntk predict --observable t", ["tfim:h=1"]),
        ("qntk predict --observable p", ["projector:rank=1"]),
        ("qntk check x.qpy --observable Z", ["Z0", "Z0Z1"]),
        ("qntk predict --observable @t", ["@terms.txt", "@towers/"]),
        ("qntk predict --observable @towers/", ["@towers/xx.txt"]),
    ],
)
def test_words_are_completed(monkeypatch, capfd, tmp_path, shell, line, wanted):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("terms.txt").write_text("1 ZZ\n")
    tmp_path.joinpath("towers").mkdir()
    tmp_path.joinpath("towers", "xx.txt").write_text("1 XX\n")
    found = answer(monkeypatch, capfd, shell, line)
    assert {kind for kind, _ in found} == {"plain"}
    assert sorted(value for _, value in found) == sorted(wanted)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("qntk sweep ", "file"),
        ("qntk check ", "file"),
        ("qntk compare ", "file"),
        ("qntk sweep mine.toml --out ", "dir"),
        ("qntk report ", "dir"),
        ("qntk status r", "dir"),
    ],
)
def test_paths_are_left_to_the_shell(monkeypatch, capfd, shell, line, kind):
    assert [found for found, _ in answer(monkeypatch, capfd, shell, line)] == [kind]


def test_every_offered_observable_is_one(monkeypatch, capfd):
    """Negative control: a form that is not offered, ``ising:``, is refused."""
    from qntk.inputs.observables import parse_observable

    offered = [value for _, value in answer(monkeypatch, capfd, "bash", "qntk predict --observable ")]
    assert offered
    for spec in offered:
        if spec != "@":
            assert parse_observable(spec, 3).spec == spec
    with pytest.raises(ValueError, match="ising"):
        parse_observable("ising:", 3)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_clicks_own(qntk, shell):
    code, text, error = qntk("completion", shell)
    assert (code, error) == (0, "")
    assert text == get_completion_class(shell)(group, {}, "qntk", "_QNTK_COMPLETE").source()
    assert f"_QNTK_COMPLETE={shell}_complete" in text


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["qntk", "cal"], ["calibrate"]),
        (["qntk", "predict", "--observable", "proj"], ["projector:rank=1"]),
        (["qntk", "predict", "--generator", ""], ["half-pauli", "pauli"]),
        (["qntk", "predict", "--generator", "=", "h"], []),
    ],
)
def test_bash_completes_with_the_script(program, words, wanted):
    """The words are what bash makes of the line; it splits at ``=``, where click has no answer."""
    typed = " ".join(f"'{word}'" for word in words)
    script = f"""
        eval "$(qntk completion bash)"
        complete -p qntk >&2
        COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}
        _qntk_completion qntk
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    command = ["bash", "--norc", "--noprofile", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C.UTF-8"})
    assert "-F _qntk_completion qntk" in done.stderr
    assert done.stdout.split() == wanted
