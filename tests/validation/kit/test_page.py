"""What docs/kit.md says of the package is so; its tests are run by test_docs.py."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from qntk.validation.kit import strategies
from qntk.validation.kit.testing import assert_agrees

PAGE = (Path(__file__).parents[3] / "docs" / "kit.md").read_text(encoding="utf-8")


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
