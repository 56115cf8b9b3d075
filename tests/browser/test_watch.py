"""The page on a running sweep loads itself again, from a plain file and under its own policy, until one stops it."""

import pytest

from qntk.validation.report.watch import watch_pages
from qntk.validation.sweep.status import status_document


@pytest.fixture
def watched(report, tmp_path):
    """Write the page of the small sweep as of a share of its draws."""

    def written(drawn):
        status = status_document(report) | {"drawn": drawn, "running": True, "seconds_left": 75.0}
        path = tmp_path / "watch.html"
        path.write_text(watch_pages(report, status, done=False, seconds=1)[0], encoding="utf-8")
        return path

    return written


def told(page):
    return page.locator("p.lead").inner_text().split(" of ")[0]


def test_it_shows_what_is_new_unless_it_is_stopped(visit, watched):
    visited = visit(watched(1000), strict=True)
    assert told(visited.page) == "1,000"
    assert "about 1 min left" in visited.page.locator("p.lead").inner_text()
    watched(2000)
    visited.page.wait_for_timeout(2500)
    assert told(visited.page) == "2,000"
    visited.page.locator("#reload").uncheck()
    watched(3000)
    visited.page.wait_for_timeout(2500)
    assert told(visited.page) == "2,000"
    visited.page.reload()
    assert told(visited.page) == "3,000"
    assert not visited.page.locator("#reload").is_checked(), "the address remembers it"
    assert (visited.asked, visited.complaints) == ([], [])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_it_is_accessible_and_fits(visit, watched, axe, screenshot, dark, phone):
    page = visit(watched(21_000), dark=dark, phone=phone).page
    page.locator("#reload").uncheck()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(page, f"watch-{'dark' if dark else 'light'}-{'phone' if phone else 'desktop'}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_notebook_shows_it_in_its_own_style_alone(visit, report, tmp_path, dark):
    """Bars have the colours of verdicts, and the notebook around it looks as before."""
    status = status_document(report) | {"drawn": 1000, "running": True, "seconds_left": 75.0}
    table = watch_pages(report, status, done=False)[1]
    path = tmp_path / "notebook.html"
    around = '<!doctype html><html lang="en"><title>n</title><body><p id="around" class="agree">text</p>'
    path.write_text(f"{around}{table}</body></html>", encoding="utf-8")
    page = visit(path, dark=dark).page
    colour = "e => getComputedStyle(e).color"
    agree = page.eval_on_selector(".qntk-live .bar i.agree", "e => getComputedStyle(e).backgroundColor")
    assert agree == ("rgb(95, 176, 255)" if dark else "rgb(11, 95, 165)")
    assert page.eval_on_selector("#around", colour) == page.eval_on_selector("body", colour)
    assert page.eval_on_selector("body", "e => getComputedStyle(e).maxWidth") == "none"
