"""What every page keeps to: it loads alone and in silence, reads on a phone, in the dark, on paper and by ear."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FURTHER = [Path(p) for p in filter(None, os.environ.get("QNTK_PAGES", "").split(os.pathsep))]
PAGES = ("report", "small report", "diagnostics", *map(str, FURTHER))
SMALLER = PAGES[1:]
"""The committed report is of the same template as a small one, and large."""
LUMINANCE = """name => {
  const pen = document.createElement('canvas').getContext('2d');
  pen.fillStyle = getComputedStyle(document.body)[name];
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
  return a === 255 ? (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255 : null;
}"""
TEXTS = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (walk.currentNode.data.trim() && element.checkVisibility())
      found.push([parseFloat(getComputedStyle(element).fontSize), walk.currentNode.data.trim().slice(0, 60)]);
  }
  return found;
}"""
DANGLING = """() => [...document.querySelectorAll('a[href^="#"]')]
  .map(a => decodeURIComponent(a.getAttribute('href').slice(1)))
  .filter(id => id && !document.getElementById(id))"""
UNSEEN = """() => [...document.querySelectorAll('details > *')]
  .filter(e => !e.checkVisibility({contentVisibilityAuto: true}) || !e.getBoundingClientRect().height)
  .map(e => e.outerHTML.slice(0, 80))"""
"""Children of <details> that are not shown."""


@pytest.fixture(params=PAGES)
def opened(request, visit, directories):
    """Open the page in some way: keywords as of ``visit``."""
    path, root = Path(request.param), Path(request.param).parent
    if request.param in PAGES[:3]:
        root = None
        if request.param == "diagnostics":
            path = ROOT / "reports" / "diagnostics" / "diagnostics.html"
        else:
            path = directories("committed" if request.param == "report" else "small") / "report.html"

    def opening(**how):
        visited = visit(path, root=root, **how)
        visited.name = path.stem if request.param != "small report" else "small"
        return visited

    return opening


@pytest.mark.parametrize("how", [{}, {"strict": True}, {"script": False}], ids=["script", "policy", "no script"])
def test_it_loads_alone_and_in_silence(opened, how):
    """Not one request beyond itself, no error, no warning; whatever a reader opens and scrolls to."""
    visited = opened(**how)
    if how.get("script", True):
        visited.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    visited.page.mouse.wheel(0, 10_000)
    visited.page.wait_for_load_state("networkidle")
    assert visited.page.title()
    assert visited.page.locator("h1").count() == 1
    assert visited.asked == []
    assert visited.complaints == []


def test_links_within_the_page_lead_somewhere(opened):
    ids = opened().page.evaluate(DANGLING)
    assert ids == []


def test_no_id_is_there_twice(opened):
    ids = opened().page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_every_image_shows_and_has_a_text(opened):
    images = opened().page.evaluate("[...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length])")
    assert all(shown and text >= 10 for shown, text in images)


@pytest.mark.parametrize("opened", SMALLER, indirect=True)
@pytest.mark.parametrize("opens", [False, True], ids=["closed", "opened"])
def test_a_phone_shows_it_without_sideways_scrolling_in_letters_of_12_pixels(opened, screenshot, opens):
    visited = opened(phone=True)
    if opens:
        visited.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    width, inner = visited.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= inner <= 390
    assert [text for size, text in visited.page.evaluate(TEXTS) if size < 12] == []
    screenshot(visited.page, f"{visited.name}-phone")


@pytest.mark.parametrize("opened", SMALLER, indirect=True)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_follows_the_colour_scheme(opened, screenshot, dark):
    visited = opened(dark=dark)
    paper, ink = (visited.page.evaluate(LUMINANCE, name) for name in ("backgroundColor", "color"))
    assert (paper < 0.2 and ink > 0.6) if dark else (paper > 0.9 and ink < 0.3)
    screenshot(visited.page, f"{visited.name}-{'dark' if dark else 'light'}")


@pytest.mark.parametrize("opened", SMALLER, indirect=True)
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_accessible(opened, axe, dark, phone):
    """With everything open, so that nothing is left out."""
    visited = opened(dark=dark, phone=phone)
    visited.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert axe(visited.page) == []


@pytest.mark.parametrize("opened", SMALLER, indirect=True)
def test_paper_shows_what_the_screen_folds_away(opened):
    visited = opened()
    visited.page.emulate_media(media="print")
    visited.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert visited.page.evaluate(UNSEEN) == []
    pages = re.findall(rb"/Type\s*/Page\b", visited.page.pdf(format="A4"))
    assert len(pages) > 1


BAD = """<!doctype html><title>bad</title><style>body { background: #fff; color: #ccc }</style>
<a href="#nowhere">lost</a><p style="font-size: 8px">tiny</p><details><summary>more</summary><p>folded</p></details>"""


def test_a_page_that_breaks_the_rules_is_noticed(visit, tmp_path):
    """Negative control: a lost link, tiny letters, what paper leaves out, and colours that follow no scheme."""
    (tmp_path / "bad.html").write_text(BAD)
    page = visit(tmp_path / "bad.html", dark=True).page
    assert page.evaluate(DANGLING) == ["nowhere"]
    assert [text for size, text in page.evaluate(TEXTS) if size < 12] == ["tiny"]
    assert page.evaluate(LUMINANCE, "backgroundColor") > 0.9
    assert 0.75 < page.evaluate(LUMINANCE, "color") < 0.85
    page.emulate_media(media="print")
    assert page.evaluate(UNSEEN) == ["<p>folded</p>"]
