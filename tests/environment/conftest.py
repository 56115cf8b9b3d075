"""One environment for each way of installing qntk."""

import pytest
from environments import KINDS, ROOT, build, make


@pytest.fixture(scope="session", params=KINDS)
def installed(request, tmp_path_factory):
    """One environment for each way of installing."""
    here = tmp_path_factory.mktemp(request.param)
    if request.param == "editable":
        return make(here / "venv", "--editable", ROOT)
    return make(here / "venv", build(request.param, here / "dist"))
