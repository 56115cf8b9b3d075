"""The whole default sweep drawn anew: QNTK_SWEEP names the directory that ``make report`` made."""

import json
import os
from pathlib import Path

import pytest


@pytest.fixture
def sweep():
    """The directory of a finished default sweep with its report."""
    named = os.environ.get("QNTK_SWEEP")
    if not named:
        pytest.skip("only a part of the default sweep is drawn again: QNTK_SWEEP names no directory of 'make report'")
    return Path(named)


@pytest.mark.parametrize("name", ["verdicts.json", "scaling.json", "attribution.json"])
def test_a_new_run_has_the_committed_numbers(sweep, document, differences, name):
    """Words and verdicts to the letter, floats to 1e-6; the seed is fixed, nothing fails by chance."""
    assert differences(document(f"default/{name}"), json.loads((sweep / name).read_text(encoding="utf-8"))) == []
