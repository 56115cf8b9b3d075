"""Refuses to build a package of no code: a checkout without symbolic links has text files where its rooms should be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("theory", "sampling", "validation")


class Links(BuildHookInterface[Any]):
    """Runs before a wheel, an editable install or an sdist is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """End with one line where a room is no folder."""
        for room in ROOMS:
            path = Path(self.root, "qntk", room)
            if not path.is_dir():
                sys.exit(
                    f"qntk cannot be installed from this checkout: qntk/{room} is not the symbolic link that it should "
                    "be; run 'git config core.symlinks true', then 'git checkout -- qntk'"
                )
