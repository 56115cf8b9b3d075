"""Malformed input of every kind: never a traceback, a second line of errors, a hang, or exit code 1.

``QNTK_FUZZ`` is the number of cases of each kind, 20 unless it is set; ``make nightly`` takes 500.
"""

import json
import os
import random
import shutil
import time

import malformed
import pytest

CASES = int(os.environ.get("QNTK_FUZZ", "20"))
SECONDS, PATIENCE = 5.0, 60.0
"""Of work until a refusal, and of a clock until anything on a machine that others use."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", malformed.KINDS, ids=lambda kind: kind.__name__)
def test_malformed_input_is_one_line_or_a_result(qntk, tmp_path, kind, no_figures):
    """Damage that leaves the input sound gives a document, all other exit code 2; the first call of each compiles."""
    seen = {0: 0, 2: 0}
    for case in range(CASES):
        folder = tmp_path / str(case)
        folder.mkdir()
        line = kind(random.Random(f"{kind.__name__} {case}"), folder)
        start, worked = time.monotonic(), time.process_time()
        code, text, error = qntk(*line)
        error = error.replace("\r", "")  # with which a bar makes room for a warning
        assert code in seen, (case, line, error)
        seen[code] += 1
        assert code == 0 or time.process_time() - worked < SECONDS or case == 0, (case, line)
        assert time.monotonic() - start < PATIENCE, (case, line)
        assert "Traceback" not in error
        shutil.rmtree(folder)
        if code == 2:
            assert text == ""
            assert [said.startswith("qntk: error: ") for said in error.splitlines()].count(True) == 1, (case, error)
            assert all(said.startswith("qntk: ") for said in error.splitlines()), (case, error)
        else:
            json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert seen[2] > 0
    print(f"{kind.__name__}: {CASES} cases, {seen[0]} results, {seen[2]} refusals")
