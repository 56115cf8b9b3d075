"""The documentation site builds without a warning, and every link in it to a page or a file leads somewhere.

QNTK_SITE names a site that ``make docs`` has built: it is then looked at as it is, and not built again.
"""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from qntk.validation.commands.main import qntk

ROOT = Path(__file__).parent.parent
OFF = ["-D", "nb_execution_mode=off"]
"""Notebooks are run by ``make docs``, and in test_gallery.py."""


class Page(HTMLParser):
    """What a page links to, and the anchors it has."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value and tag != "base":
                self.links.add(value)
            elif name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)


def broken(site):
    """Local links of a built site that lead nowhere, or out of the site, as (page, link)."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if (
                not target.exists()
                or not target.is_relative_to(site.resolve())
                or (parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors)
            ):
                yield str(path.relative_to(site)), link


def test_the_site_builds_and_every_local_link_leads_somewhere():
    """By the command of ``make docs``. Files of the repository that it links to are copied into it."""
    site = Path(os.environ.get("QNTK_SITE") or ROOT / "build" / "docs")
    if "QNTK_SITE" not in os.environ:
        arguments = ["-W", "--keep-going", "-n", "-b", "html", "-E", "-q", *OFF, "docs", str(site)]
        done = subprocess.run([sys.executable, "-m", "sphinx", *arguments], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert not list(broken(site))
    shown = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    for name in qntk.commands:
        assert f'id="qntk-{name}"' in shown, name
    for module in ("qntk.theory.haar.kernel", "qntk.sampling.circuits.model", "qntk.validation.kit.testing"):
        page = (site / "reference" / "api" / f"{module}.html").read_text(encoding="utf-8")
        assert f'id="module-{module}"' in page, module


def test_a_broken_link_is_seen(tmp_path):
    """Negative control: a page, an image and an anchor that are not there, and a file outside."""
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "README.md").write_text("outside")
    (site / "a.html").write_text('<a href="b.html#here">1</a><a href="b.html#gone">2</a><a href="c.html">3</a>')
    (site / "b.html").write_text('<p id="here"></p><img src="d.png"><a href="https://example.org/">4</a>')
    (site / "e.html").write_text('<a href="../README.md">5</a>')
    found = [("a.html", "b.html#gone"), ("a.html", "c.html"), ("b.html", "d.png"), ("e.html", "../README.md")]
    assert sorted(broken(site)) == found
