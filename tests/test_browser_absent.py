"""Where there is no Chromium the browser tests say so in one line, and fail where it is required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REASON = "the browser tests did not run: no Chromium found; install chromium or set QNTK_CHROMIUM"


@pytest.mark.parametrize("required", [False, True], ids=["skipped", "required"])
def test_tests_without_a_browser(required):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("QNTK_", "PYTEST_"))}
    environment |= {"QNTK_CHROMIUM": "/nowhere/chromium"} | ({"QNTK_REQUIRE_BROWSER": "1"} if required else {})
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/browser/test_controls.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    told = [line for line in done.stdout.splitlines() if line.startswith(("SKIPPED", "ERROR", "FAILED"))]
    if required:
        assert done.returncode == 1
        assert len(told) == 3
        assert REASON in done.stdout
    else:
        assert done.returncode == 0
        assert len(told) == 1
        assert told[0].startswith("SKIPPED [3] ")
        assert told[0].endswith(REASON)
