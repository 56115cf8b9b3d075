"""Copy a finished default sweep's report and the diagnostics, without their draws, and write their pages."""

import runpy
import shutil
import sys
from pathlib import Path

FILES = {
    "default": (
        "config.toml", "report.html", "report.md", "verdicts.json", "scaling.json", "attribution.json",
        "calibration.json", "verdicts.csv", "exponents.csv", "models.csv", "attribution.csv", "quantiles.csv",
    ),
    "diagnostics": (
        "config.toml", "diagnostics.html", "diagnostics.md", "diagnostics.json", "models.csv", "findings.csv",
        "laws.csv",
    ),
}  # fmt: skip

for (name, files), source in zip(FILES.items(), map(Path, sys.argv[1:]), strict=True):
    target = Path(__file__).parent / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in files:
        shutil.copy(source / file, target / file)
    shutil.copytree(source / "figures", target / "figures")
    print(target)

for page in ("findings.py", "laws.py"):
    runpy.run_path(str(Path(__file__).parent / page), run_name="__main__")
