"""What docs/kit.md shows is what happens."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from validation import strategies
from validation.testing import assert_agrees

PAGE = (Path(__file__).parent.parent / "docs" / "kit.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_every_test_on_the_page_passes(pytester, plugin):
    """The assertion on the mean and that on the distribution fail with probability 1e-6 each; the node id is fixed."""
    pytester.makepyfile(**{f"test_block_{number}": block for number, block in enumerate(BLOCKS)})
    result = pytester.runpytest_subprocess(*plugin)
    result.assert_outcomes(passed=sum(block.count("def test_") for block in BLOCKS))


def test_the_failure_on_the_page_is_the_failure():
    with pytest.raises(AssertionError) as caught:
        assert_agrees(np.random.default_rng(1).gamma(4, 0.25, 10_000), 1.2, margin=0.05)
    assert re.search(r"```text\n(.*?)\n```", PAGE, re.DOTALL).group(1) == str(caught.value)


def test_the_signature_on_the_page_is_the_signature():
    shown = re.search(r"`assert_agrees\((.*?)\)`", PAGE).group(1)
    actual = [str(p.replace(annotation=p.empty)) for p in inspect.signature(assert_agrees).parameters.values()]
    assert shown.replace('"', "'") == ", ".join(actual)


def test_every_public_strategy_is_on_the_page():
    for name in set(strategies.__all__) - {"CircuitCase"}:
        assert f"`{name}(" in PAGE, name
