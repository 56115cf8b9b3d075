"""What the help says: the same of the same option everywhere, by task, and with examples that run."""

import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import click
import numpy as np
import pytest
from qiskit import qpy
from qiskit.circuit import ParameterVector, QuantumCircuit

from qntk.validation.commands.main import qntk as group

COMMANDS = sorted(group.commands)
SWEEP = """
seed = 1
[[grid]]
ensemble = "haar-layers"
qubits = [2]
parameters = [4]
observable = "Z0"
draws = 500
"""
STUDY = """
seed = 1
qubits = 2
models = ["low-hva"]
depths = [1]
seeds = 2
steps = 5
learning_rate = 0.01
bisect_steps = 0
[dataset]
kind = "kink"
points = 6
"""
QUICKER = {
    "check ansatz.qpy": ["--draws", "200", "--repeats", "1"],
    "calibrate": ["--trials", "1"],  # the last of an option counts
}
"""What is added to an example that takes long, by how it begins; everything else runs as it is printed."""


def examples(command):
    """Command lines after ``Example:``, in the help of a command, or of the group for None."""
    context = click.Context(group, info_name="qntk", **group.context_settings)
    if command is not None:
        context = click.Context(group.commands[command], parent=context, info_name=command)
    lines = re.findall(r"^ +(?:Example: )?(qntk [a-z]+ .*)$", context.get_help(), re.MULTILINE)
    return [line for shown in lines for line in shown.split(" && ")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files that the examples name, and packaged configurations that are small."""
    monkeypatch.chdir(tmp_path)
    Path("default_sweep.toml").write_text(SWEEP)
    Path("my-sweep.toml").write_text(SWEEP)
    Path("default_diagnose.toml").write_text(STUDY)
    monkeypatch.setattr("qntk.inputs.toml.resources", SimpleNamespace(files=lambda _: tmp_path))
    np.save("kernels.npy", np.random.default_rng(1).gamma(2.0, size=100))
    circuit, x, theta = QuantumCircuit(2), ParameterVector("x", 1), ParameterVector("θ", 4)
    for layer in range(2):
        circuit.rx(x[0], 0)
        circuit.ry(theta[2 * layer], 0)
        circuit.ry(theta[2 * layer + 1], 1)
        circuit.cx(0, 1)
    with Path("ansatz.qpy").open("wb") as file:
        qpy.dump(circuit, file)
    return tmp_path


def run(qntk, line):
    arguments = shlex.split(line)[1:]
    more = next((added for start, added in QUICKER.items() if line.startswith(f"qntk {start}")), [])
    return qntk(*arguments, *more)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_of_itself(command):
    found = examples(command)
    assert found
    assert all(line.startswith(f"qntk {command}") for line in found)


def test_every_example_runs_and_json_is_one_document(qntk, folder, no_figures):
    """Those of the group, in its order, and those of each command; and the latter with ``--json``."""
    lines = [*examples(None), *(line for command in COMMANDS for line in examples(command))]
    assert {shlex.split(line)[1] for line in lines} == set(COMMANDS)
    for line in lines:
        code, text, error = run(qntk, line)
        assert code == 0, f"{line}: {error}"
        assert text, line
        assert "qntk: error" not in error
    for command in COMMANDS:
        if any(parameter.name == "as_json" for parameter in group.commands[command].params):
            code, text, _ = run(qntk, f"{examples(command)[0]} --json")
            assert code == 0
            assert text.count("\n") == 1, command
            assert json.loads(text)["schema_version"], command


def test_help_of_the_group_is_what_no_arguments_give_and_has_all_commands_by_task(qntk):
    code, text, error = qntk()
    assert (code, error) == (0, "")
    assert text == qntk("--help")[1] == qntk("-h")[1]
    sections = re.split(r"^(\S[^\n]*):\n", text, flags=re.M)[1:]
    named = {title: body for title, body in zip(sections[::2], sections[1::2], strict=True) if "Example: " in body}
    assert list(named) == ["Predict", "Sweep and report", "Your own circuit, draws or data", "The validator itself"]
    listed = [name for body in named.values() for name in re.findall(r"^  ([a-z]+)  ", body, re.M)]
    assert sorted(listed) == COMMANDS
    starts = [re.findall(r"^(  [a-z]+ +)\S", body, re.M) for body in named.values()]
    assert {len(start) for section in starts for start in section} == {max(map(len, COMMANDS)) + 4}


def test_an_option_is_the_same_in_every_command():
    """Name, help, default and accepted values. Negative control: ``--draws`` and ``--trials`` differ."""

    def said(option):
        return option.help, option.default, option.required, option.multiple, repr(option.type), option.name

    seen = {}
    for command in group.commands.values():
        for parameter in command.params:
            if (command.name, parameter.name) == ("check", "observable"):  # may be given again: outputs of one model
                assert parameter.multiple
            elif isinstance(parameter, click.Option):
                seen.setdefault(parameter.opts[0], []).append(said(parameter))
    for name, found in seen.items():
        assert all(other == found[0] for other in found), name
        assert found[0][0], f"{name} has no help"
    shared = "observable generator seed workers out json family-error margin fail-on"
    assert {name for name, found in seen.items() if len(found) > 1} >= {f"--{word}" for word in shared.split()}
    assert seen["--draws"][0] != seen["--trials"][0]


@pytest.mark.parametrize(("word", "code"), [(None, 0), ("disagree", 1), ("inconclusive", 1)])
def test_check_fails_on_what_it_is_told_to(qntk, folder, word, code):
    """The seed is the default, so that nothing is left to chance: this circuit's mean of K is no law's, and 100 draws
    leave its variance open.
    """
    options = ["--draws", 100, "--repeats", 1, "--json", *(["--fail-on", word] if word else [])]
    done, text, _ = qntk("check", "ansatz.qpy", "--observable", "Z0", *options)
    assert done == code
    found = {row["verdict"] for row in json.loads(text)["verdicts"]}
    assert word is None or word in found


def test_check_takes_margins_and_an_error_rate(qntk, folder):
    """A larger error rate makes shorter intervals of the same draws; a margin is echoed by the verdicts."""

    def rows(*options):
        command = ["check", "ansatz.qpy", "--observable", "Z0", "--draws", 100, "--repeats", 1, "--json", *options]
        return json.loads(qntk(*command)[1])

    usual, loose = rows(), rows("--family-error", 0.5, "--margin", 0.3)
    assert (usual["family_error"], loose["family_error"]) == (0.01, 0.5)
    assert {row["margin"] for row in loose["verdicts"]} == {0.3}
    assert {row["margin"] for row in usual["verdicts"]} == {0.05, 0.1}
    widths = [d["mean_ratio"]["interval"][1] - d["mean_ratio"]["interval"][0] for d in (usual, loose)]
    assert widths[1] < widths[0]
