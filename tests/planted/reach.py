"""Which test files reach which faults: one run of all tests with a probe before each statement that a fault changes.

A probe writes its number and the test that runs, once each, also from processes which a test starts.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_NAME = "_reached"
_OPTIONS = (
    "-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider", "--tb=no", "--durations=0", "--durations-min=0.001",
    "--ignore=tests/browser", "--ignore=tests/planted",
)  # fmt: skip
_PROBE = """
import os

_SEEN = set()


def reached(number):
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    if test and (number, test) not in _SEEN:
        _SEEN.add((number, test))
        with open({path!r}, "a") as stream:
            stream.write(f"{{number}}\\t{{test}}\\n")
    return True
"""


def probed(text: str, changes: Iterable[tuple[int, str]]) -> tuple[str, set[int]]:
    """A module with a probe before the statement in which each piece of text stands.

    Args:
        text: the module.
        changes: numbers, and text that the module has once.

    Returns:
        The module, and the numbers that have a probe: not what runs at import or is compiled.
    """
    tree, put = ast.parse(text), set()
    for number, old in changes:
        first = text[: text.index(old) + len(old) - len(old.lstrip())].count("\n") + 1
        if (place := _statement(tree, first)) is not None:
            body, statement = place
            body.insert(body.index(statement), ast.parse(f"{_NAME}({number})").body[0])
            put.add(number)
    start = next((k for k, node in enumerate(tree.body) if not _stays_first(node)), len(tree.body))
    tree.body.insert(start, ast.parse(f"from _reach import reached as {_NAME}").body[0])
    return ast.unparse(ast.fix_missing_locations(tree)), put


def _stays_first(node: ast.stmt) -> bool:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__")


def _statement(tree: ast.Module, line: int) -> tuple[list[ast.stmt], ast.stmt] | None:
    """The innermost statement at a line, and the block it stands in; none outside functions."""
    found, inside = None, False
    blocks: list[ast.AST] = [tree]
    while blocks:
        node = blocks.pop()
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno <= line:
            inside = True
            if any("jit" in ast.unparse(d) or "compiled" in ast.unparse(d) for d in node.decorator_list):
                return None
        for _, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST) and getattr(part, "end_lineno", line) >= line >= getattr(
                    part, "lineno", line
                ):
                    blocks.append(part)
                    if isinstance(part, ast.stmt) and isinstance(value, list):
                        found = (value, part)
    return found if inside else None


def measured(
    copy: Path, faults: Mapping[str, tuple[str, str]], log: Path
) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Put probes into a checkout, whose modules change, and run all its tests.

    Args:
        copy: the checkout.
        faults: by name, the file and the text of each.
        log: where the probes write.

    Returns:
        By name, the test files that reach each fault with a probe; and seconds by test file.
    """
    by_file: dict[str, list[tuple[str, str]]] = {}
    for name, (file, old) in faults.items():
        by_file.setdefault(file, []).append((name, old))
    numbers = {name: number for number, name in enumerate(faults)}
    put: list[str] = []
    for file, changes in by_file.items():
        text, have = probed((copy / file).read_text(encoding="utf-8"), [(numbers[n], old) for n, old in changes])
        (copy / file).write_text(text, encoding="utf-8")
        put += [name for name, _ in changes if numbers[name] in have]
    (copy / "_reach.py").write_text(_PROBE.format(path=str(log)), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", *_OPTIONS]
    environment = os.environ | {"PYTHONPATH": str(copy), "MPLBACKEND": "agg", "CI": "1"}
    said = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False).stdout
    return read(log, put, numbers), seconds(said)


def read(log: Path, put: Iterable[str], numbers: Mapping[str, int]) -> dict[str, list[str]]:
    """The test files that reached each fault with a probe, by its name."""
    found: dict[int, set[str]] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        number, test = line.split("\t")
        found.setdefault(int(number), set()).add(test)
    return {name: sorted(found.get(numbers[name], ())) for name in put}


def seconds(said: str) -> dict[str, float]:
    """Seconds by test file, from pytest's ``--durations=0``."""
    found: dict[str, float] = {}
    for took, test in re.findall(r"^([\d.]+)s (?:setup|call|teardown) +([^:\s]+)::", said, re.M):
        found[test] = round(found.get(test, 0.0) + float(took), 2)
    return found
