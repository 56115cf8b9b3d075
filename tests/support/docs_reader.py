"""A reader who does what the documentation says: which blocks, which of them shorter, and what must be printed."""

import re
import shlex
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from qntk.validation.commands.main import main
from qntk.validation.diagnosis.config import load_diagnose_config
from qntk.validation.sweep.config import load_config

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "reports/README.md"]
PAGES += sorted(str(p.relative_to(ROOT)) for folder in ("docs", "examples") for p in (ROOT / folder).rglob("*.md"))
PAGES = [page for page in PAGES if not page.startswith("docs/gallery/")]  # notebooks: tests/test_gallery.py runs them

INDEX = "needs a package index"
NOT_RUN = {
    ("docs/tutorial.md", "python -m venv .venv"): INDEX,
    ("docs/architecture.md", " commands          the command line: a thin caller of the face"): "a drawing",
    ("docs/findings.md", "@software{qntk,"): "a citation",
    ("docs/howto/cluster.md", "pip install '.[dask]'"): INDEX,
    ("docs/howto/cluster.md", "#!/bin/bash"): "needs Slurm",
    ("docs/howto/cluster.md", "import subprocess"): "needs Slurm and dask-jobqueue",
    ("docs/sweeps.md", "qntk report runs/mine --watch            # one page, watch.html, kept current until all is "
     "drawn; then the report"): "a second report; run by test_watch.py",
    ("docs/howto/paper-figure.md", "\\usepackage{booktabs, longtable, graphicx}"): "needs LaTeX",
    ("docs/howto/shell-completion.md", "# ~/.bashrc"): "changes the reader's shell",
    ("docs/kit.md", "mean of K disagrees: estimate 0.994702, prediction 1.2, 37.3 standard errors off; "
     "margin 0.05, n = 10000"): "a message; test_kit.py holds it against the real one",
    ("examples/downstream/README.md", "pip install ../.. pytest"): INDEX,
    ("examples/downstream/README.md", "python -m pytest"): "run by test_examples.py",
}  # fmt: skip
"""Page and first line of a block, or a command, that is not run, and why."""

SHORTER = {
    "README.md": [
        ("draws = 20_000\n", "draws = 400\n", "16 cells"),
    ],
    "docs/sweeps.md": [
        ("{ from = 2, to = 6, step = 1 }", "3", "ansätze of up to six qubits"),
        ("{ from = 1, to = 256, points = 9 }", "[1, 2]", "and 256 layers"),
        ("{ from = 4, to = 128, points = 6 }", "[4, 8]", "the same"),
        ("power = 0.9", "draws = 64", "asks for millions of draws"),
        ("draws = 20_000", "draws = 64", "the same"),
        ("draws = 40_000", "draws = 64", "the same"),
    ],
    "docs/diagnostics.md": [
        ("[5, 15, 30]", "[2, 3]", "a model of 540 parameters"),
        ("seeds = 8", "seeds = 2", "each trains a model"),
        ("steps = 1000", "steps = 20", "of training"),
        ("bisect_steps = 100", "bisect_steps = 4", "the same"),
        ("[random] ", "[random]\ndraws = 8\nqubits = 2\nparameters = 4 ", "512 circuits are trained"),
    ],
    "docs/howto/cluster.md": [
        ("--nworkers 8", "--nworkers 1", "the tests run on two cores"),
        ("--scheduler-file cluster.json &", "--scheduler-file cluster.json --port 0 --no-dashboard &", "port in use"),
    ],
}  # fmt: skip
"""What is run in place of what is shown, and why it would take too long."""

PACKAGED = {
    "default_sweep.toml": """
        seed = 1
        [[grid]]
        ensemble = "haar-layers"
        qubits = 2
        parameters = [4, 8]
        observable = "Z0"
        draws = 200""",
    "default_diagnose.toml": """
        seed = 1
        qubits = 2
        models = ["low-hva", "high-hea"]
        depths = [1, 2]
        seeds = 2
        steps = 20
        bisect_steps = 4
        [dataset]
        qubits = 2""",
}
PACKAGED["full_diagnose.toml"] = PACKAGED["default_diagnose.toml"]
"""In place of the packaged defaults, which take minutes."""

COMMAND = re.compile(r"(\$ )?(qntk|make|pip|python|dask|pytest) ")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the file that its first line names."""

    language: str
    text: str

    @property
    def name(self):
        found = re.match(r"# (\S+\.(?:toml|py))\n", self.text)
        return found and found[1]

    @property
    def tests(self):
        return self.language == "python" and "def test_" in self.text


def blocks(page):
    """In order, shortened as the table says; directives of Sphinx are no code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for old, new, _ in SHORTER.get(page, []):
        assert old in text, f"{page} does not show {old!r}, which SHORTER replaces"
        text = text.replace(old, new)
    pattern = r"^```(?P<language>\S*).*\n(?P<fenced>(?s:.*?))^```|(?<=\n\n)(?P<indented>(?:    .*\n|\n(?=    ))+)"
    for found in re.finditer(pattern, text, re.MULTILINE):
        if found["indented"]:
            shown = re.sub("^    ", "", found["indented"], flags=re.MULTILINE)
            if COMMAND.match(shown):
                yield Block("console", shown)
        elif not found["language"].startswith("{"):
            yield Block(found["language"], found["fenced"])


def commands(text):
    """Command lines, each with what is shown below it, or None."""
    if not re.search(r"^\$ ", text, re.MULTILINE):
        return [(line, None) for line in text.splitlines() if line.strip()]
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"output before the first command: {parts[0]!r}"
    return [(line, shown.rstrip() or None) for line, _, shown in (part.partition("\n") for part in parts[1:])]


def matches(shown, printed):
    """Line by line; ``...`` stands for anything, a line of it for any lines."""
    trimmed = [re.sub(r"\s+$", "", text, flags=re.MULTILINE) for text in (shown, printed)]
    pattern = ".*?".join(map(re.escape, trimmed[0].split("...")))
    return re.fullmatch(pattern, trimmed[1], re.DOTALL) is not None


@dataclass
class Reader:
    """Someone who does what a page says, in the present directory."""

    page: str
    capsys: pytest.CaptureFixture
    scope: dict = field(default_factory=lambda: {"__name__": "docs"})
    printed: list = field(default_factory=list)
    background: list = field(default_factory=list)

    def read(self, block):
        """Do what one block says."""
        if block.language == "python":
            exec(compile(block.text, self.page, "exec"), self.scope)
            plt.close("all")
            self.printed.append(self.capsys.readouterr().out)
        elif block.language == "toml":
            self.configuration(block)
        elif block.language == "console":
            for line, shown in commands(block.text):
                self.command(line, shown)
        else:
            first = block.text.splitlines()[0]
            assert (self.page, first) in NOT_RUN, f"{self.page}: nobody runs the {block.language!r} block {first!r}"

    def configuration(self, block):
        """A whole configuration is accepted as it is, a part of one with a seed before it."""
        text = block.text if "seed" in tomllib.loads(block.text) else f"seed = 0\n{block.text}"
        path = Path(block.name or "unnamed.toml")
        path.write_text(text, encoding="utf-8")
        (load_config if "grid" in tomllib.loads(text) else load_diagnose_config)(path)

    def command(self, line, shown):
        """Run a line: commands joined by ``&&``, the last with ``|| echo …`` if it is to exit with 1."""
        if (self.page, line) in NOT_RUN:
            return
        line, _, otherwise = line.partition(" || ")
        printed, parts = "", line.split("&&")
        for number, part in enumerate(parts):
            words = shlex.split(part, comments=True)
            if words[0] == "qntk":
                with pytest.MonkeyPatch.context() as patch:
                    for module in (
                        "report.figures.collection",
                        "diagnosis.figures",
                    ):  # tested elsewhere; they take most of the time
                        patch.setattr(f"qntk.validation.{module}._figures", lambda results: iter(()))
                    with pytest.raises(SystemExit) as done:
                        main(words[1:])
                caught = self.capsys.readouterr()
                expected = 1 if otherwise and number == len(parts) - 1 else 0
                assert done.value.code == expected, f"{self.page}: {part}: exit code {done.value.code}: {caught.err}"
                printed += caught.out
            elif words[0] == "make":
                targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
                assert set(words[1:]) <= set(targets), f"{self.page}: the Makefile has no {words[1:]}"
            elif words[0] == "dask" and words[-1] == "&":
                program = Path(sys.executable).with_name("dask")
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                self.background.append(subprocess.Popen([program, *words[1:-1]], **quiet))
                file, until = Path(words[words.index("--scheduler-file") + 1]), time.monotonic() + 30
                while not file.exists() and time.monotonic() < until:  # as long as it takes to type the next line
                    time.sleep(0.1)
            else:
                raise AssertionError(f"{self.page}: nobody runs {part!r}")
        printed += otherwise and f"{shlex.split(otherwise)[1]}\n"
        if shown is not None:
            assert matches(shown, printed), f"{self.page}: {line}\nshown:\n{shown}\nprinted:\n{printed}"
