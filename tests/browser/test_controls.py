"""Negative controls: a page that breaks every rule is told from one that keeps them."""

import pytest

BAD = """<!doctype html><html><head><title>bad</title></head><body>
<img src="http://127.0.0.1:9/x.png"><div style="width: 2000px; font-size: 8px">wide and tiny</div>
<p style="color: #ccc; background: #fff">pale</p><input><a href="#nowhere">lost</a>
<script>console.error("an error"); console.warn("a warning"); throw new Error("thrown");</script></body></html>"""
GOOD = """<!doctype html><html lang="en"><head><title>good</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>Good</h1><p>Text.</p></main></body></html>"""


@pytest.fixture
def page_of(visit, tmp_path):
    def opened(text, **how):
        path = tmp_path / "page.html"
        path.write_text(text)
        return visit(path, **how)

    return opened


def test_requests_and_complaints_are_noticed(page_of):
    bad, good = page_of(BAD), page_of(GOOD)
    assert bad.asked == ["http://127.0.0.1:9/x.png"]
    told = " ".join(bad.complaints)
    assert all(words in told for words in ("error: an error", "warning: a warning", "page error: thrown"))
    assert (good.asked, good.complaints) == ([], [])


def test_barriers_are_noticed(page_of, axe):
    rules = {line.split(":")[0] for line in axe(page_of(BAD).page)}
    assert rules >= {"image-alt", "color-contrast", "html-has-lang", "label", "landmark-one-main"}
    assert axe(page_of(GOOD).page) == []


def test_sideways_scrolling_is_noticed(page_of):
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert page_of(BAD, phone=True).page.evaluate(widths)[0] > 390
    assert page_of(GOOD, phone=True).page.evaluate(widths) == [390, 390]
