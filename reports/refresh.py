"""Copy a finished default sweep's report, without its draws, into the committed reference report."""

import shutil
import sys
from pathlib import Path

FILES = ("config.toml", "report.html", "report.md", "verdicts.json", "scaling.json", "calibration.json")

source, target = Path(sys.argv[1]), Path(__file__).parent / "default"
shutil.rmtree(target, ignore_errors=True)
target.mkdir()
for name in FILES:
    shutil.copy(source / name, target / name)
shutil.copytree(source / "figures", target / "figures")
print(target)
