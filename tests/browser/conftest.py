"""A real browser, the pages it opens, and what it says of them.

The browser is an installed Chromium: the one that QNTK_CHROMIUM names, or the first that is on the path. Without one
the tests are skipped, or fail if QNTK_REQUIRE_BROWSER is set. QNTK_SCREENSHOTS names a folder to keep screenshots in,
QNTK_PAGES further HTML files, such as built documentation, for the checks of ``test_pages``.

The browser is closed when the tests here are done: while it is open, nothing else on its thread can run an event loop.
"""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import small_sweep

ROOT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-frame-rate-limit", "--disable-gpu-vsync"]
"""Frames come when they are drawn, not 60 in a second."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
ABSENT = "the browser tests did not run: no Chromium found; install chromium or set QNTK_CHROMIUM"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """One place for all skipped tests, which pytest then tells in one line."""
    report = yield
    if report.skipped and ABSENT in str(report.longrepr):
        report.longrepr = (__file__, 1, f"Skipped: {ABSENT}")
    return report


@pytest.fixture(scope="session", autouse=True)
def executable():
    """The path of Chromium."""
    named = os.environ.get("QNTK_CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        (pytest.fail if os.environ.get("QNTK_REQUIRE_BROWSER") else pytest.skip)(ABSENT)
    return found


@pytest.fixture(scope="package")
def browser(executable):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """An open page, the addresses that it asked for beyond its own, and what its console and scripts complained of."""

    page: Any
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser):
    """Open a file: ``visit(path, phone=True, dark=True, script=False)``; ``root`` holds what it may load.

    Unless ``strict``, the page's own policy is set aside: what it asks for is then seen, not refused, and Playwright
    may wait for a condition, which the policy keeps it from.
    """
    contexts = []

    def opened(path, phone=False, dark=False, script=True, root=None, strict=False):
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            is_mobile=phone,
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            bypass_csp=not strict,
        )
        contexts.append(context)
        context.set_default_timeout(5000)
        visited = Visit(context.new_page())
        own = (root or path).resolve().as_uri()

        def asks(request):
            if not request.url.startswith(("data:", own)):
                visited.asked.append(request.url)

        def says(message):
            if message.type in ("error", "warning"):
                visited.complaints.append(f"{message.type}: {message.text}")

        visited.page.on("request", asks)
        visited.page.on("console", says)
        visited.page.on("pageerror", lambda error: visited.complaints.append(f"page error: {error}"))
        visited.page.goto(path.resolve().as_uri())
        return visited

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe():
    """Violations of WCAG 2.1 A and AA and of good practice, one line each.

    Rows of long tables are alike: those after the 40th are left out, which would take minutes.
    """
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]

    def violations(page):
        page.evaluate("document.querySelectorAll('tbody tr:nth-child(n+41)').forEach(row => row.remove())")
        found = Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]}).response["violations"]
        return [f"{v['id']}: {v['help']}: {n['html'][:200]}" for v in found for n in v["nodes"]]

    return violations


@pytest.fixture
def screenshot(request, tmp_path):
    """Keep a picture of the top of a page under a name; of more of it where somebody will look, which takes long."""
    kept = [*map(Path, filter(None, [os.environ.get("QNTK_SCREENSHOTS")]))]

    def keep(page, name):
        height = page.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": min(height, 6000 if kept else 1500)}
        folders = [tmp_path, *kept]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=folder / f"{name}.png", full_page=True, clip=clip)
            assert (folder / f"{name}.png").stat().st_size > 10_000

    return keep


@pytest.fixture(scope="session")
def sweep_report(executable):
    """Draw a sweep and write its report: its text and a new directory in, the directory out."""
    from qntk.validation.report.write import write_report
    from qntk.validation.sweep.config import load_config
    from qntk.validation.sweep.run import run_sweep
    from qntk.validation.sweep.store import Store

    def written(text, directory):
        directory.mkdir(parents=True)
        (directory / "sweep.toml").write_text(text, encoding="utf-8")
        store = Store.create(directory / "run", *load_config(directory / "sweep.toml"))
        run_sweep(store, workers=2, quiet=True)
        write_report(store)
        return directory / "run"

    return written


@pytest.fixture(scope="session")
def directories(executable, tmp_path_factory):
    """Directories with a report: the committed one, and that of the small sweep."""
    made = {}

    def directory(name):
        if name not in made:
            committed = ROOT / "reports" / "default"
            made[name] = committed if name == "committed" else small_sweep.reported(tmp_path_factory)[0]
        return made[name]

    return directory


@pytest.fixture
def report(request, directories):
    """A directory with report.html, verdicts.json and scaling.json: of the small sweep, unless a test asks for more."""
    return directories(getattr(request, "param", "small"))


@pytest.fixture
def verdicts(report):
    """All verdicts of a report, as its documents have them."""
    document, scaling = (json.loads((report / f"{name}.json").read_text()) for name in ("verdicts", "scaling"))
    exponents = [row | v for row in scaling["exponents"] for v in row["verdicts"].values()]
    return [*document["verdicts"], *document["symmetric"], *document.get("orbit", []), *exponents]
