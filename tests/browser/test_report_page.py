"""A report's page as a whole: contents, figures, keyboard, paper, and names that would rather be scripts."""

import re

import pytest

from qntk.validation.diagnosis.config import load_diagnose_config
from qntk.validation.diagnosis.report import write_diagnostics
from qntk.validation.diagnosis.study import run_study

FOCUS = """() => {
  const e = document.activeElement, style = getComputedStyle(e);
  return {
    name: e.getAttribute('name'),
    column: e.closest('th') && e.closest('#ledger-table') ? e.closest('th').cellIndex : null,
    seen: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none',
    what: e.outerHTML.slice(0, 80),
    body: e === document.body,
  };
}"""
ENSEMBLES = {
    "markup": """<svg onload=window.pwned=3>'"&lt;%{{pwned}}<td><script>window.pwned=4 <b>""",
    "markup with slashes": "../</script><script>window.pwned=4</script></td>",
}
TITLE = '"><script>window.pwned=1</script><img src=x onerror="window.pwned=2">'
HOSTILE = """
title = '''%s'''
seed = 5
family_error = 0.05

[[grid]]
ensemble = "haar-layers"
qubits = 2
parameters = [4, 8, 16]
observable = "Z0"
draws = 500
"""
NAMED = """
[[grid]]
ensemble = '''%s'''
circuit = '''%s'''
observable = "Z0"
draws = 500
"""
CIRCUIT = """OPENQASM 3.0;
include "stdgates.inc";
input float[64] a;
input float[64] b;
qubit[2] q;
rx(a) q[0];
ry(b) q[0];
"""


def test_contents_lead_to_every_section(visit, report):
    page = visit(report / "report.html").page
    links = page.locator('nav[aria-label="Contents"] a[href^="#"]')
    assert links.count() >= 4
    assert {"#ledger"} <= set(links.evaluate_all("all => all.map(a => a.getAttribute('href'))"))
    for link in links.all():
        target = link.get_attribute("href")
        link.click()
        page.wait_for_function(
            "id => { const top = document.getElementById(id).getBoundingClientRect().top;"
            " return top > -5 && top < innerHeight; }",
            arg=target[1:],
        )


@pytest.mark.parametrize("report", ["committed", "small"], indirect=True)
def test_figures_are_embedded_with_text_and_caption(visit, report):
    page = visit(report / "report.html").page
    read = """all => all.map(f => { const image = f.querySelector('img');
      return [f.id, image.getAttribute('src'), image.alt, f.querySelector('figcaption').innerText.trim()]; })"""
    shown = page.locator("figure").evaluate_all(read)
    names = sorted(path.stem for path in (report / "figures").glob("*.svg"))
    assert sorted(name for name, *_ in shown) == [f"figure-{name}" for name in names]
    for _, source, text, caption in shown:
        assert source.startswith("data:image/svg+xml")
        assert len(text) > 20
        assert caption


def test_the_keyboard_reaches_the_search_and_then_every_sort_button_in_order(visit, report):
    """From the top of the page with Tab alone, each stop visible; Return sorts, and once more the other way."""
    page = visit(report / "report.html").page
    columns = page.locator("#ledger-table thead th").count()
    stops = []
    while len(stops) < 150 and not any(s["column"] == columns - 1 for s in stops):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))
        if stops[-1]["column"] == 0:
            for way in ("ascending", "descending"):
                page.keyboard.press("Enter")
                assert page.locator("#ledger-table thead th").first.get_attribute("aria-sort") == way
    assert [s["what"] for s in stops if not s["seen"] and not s["body"]] == []
    names = [s["name"] for s in stops if s["name"]]
    assert names[:7] == ["text", "ensemble", "observable", "quantity", "statistic", "regime", "verdict"]
    assert [s["column"] for s in stops if s["column"] is not None] == list(range(columns))
    first = next(i for i, s in enumerate(stops) if s["column"] == 0)
    assert all(s["name"] != "text" for s in stops[first:])


def test_paper_has_no_filter(visit, report):
    page = visit(report / "report.html").page
    assert page.locator("#ledger-filter").is_visible()
    page.emulate_media(media="print")
    assert not page.locator("#ledger-filter").is_visible()


def test_paper_has_the_rows_that_were_filtered_or_says_where_all_are(visit, report, verdicts):
    page = visit(report / "report.html").page
    rows = page.locator("#ledger-table tbody tr:visible")
    for verdict in ("", "disagree"):
        page.locator("#ledger-filter select[name=verdict]").select_option(verdict)
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator("#ledger a[href='verdicts.csv']").is_visible()
        assert page.locator("#ledger-count").is_visible() == bool(verdict)
        assert rows.count() == (sum(row["verdict"] == verdict for row in verdicts))
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert 0 < rows.count() < 80


@pytest.fixture(scope="module")
def hostile(sweep_report, tmp_path_factory):
    """A report on a sweep whose title, ensembles and file are markup."""
    folder = tmp_path_factory.mktemp("hostile")
    circuit = folder / "<img src=x onerror=window.pwned=5>.qasm"
    circuit.write_text(CIRCUIT)
    named = [NAMED % (name, circuit) for name in ENSEMBLES.values()]
    return sweep_report("".join([HOSTILE % TITLE, *named]), folder / "sweep")


NAMES = pytest.mark.parametrize("name", ENSEMBLES.values(), ids=ENSEMBLES)


@NAMES
def test_names_that_users_supply_are_text(visit, hostile, directories, name):
    visited, other = (visit(directory / "report.html") for directory in (hostile, directories("small")))
    page = visited.page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.pwned") is None
    assert (visited.asked, visited.complaints) == ([], [])
    assert page.title() == page.locator("h1").inner_text() == TITLE
    assert name in page.locator("body").inner_text()
    assert page.locator("script").count() == other.page.locator("script").count()
    assert page.locator("svg[onload], [onerror]").count() == 0
    images = "[...document.images].every(i => i.getAttribute('src').startsWith('data:'))"
    assert page.evaluate(images)


@NAMES
def test_hostile_names_filter_too(visit, hostile, name):
    page = visit(hostile / "report.html").page
    page.locator("#ledger-filter select[name=ensemble]").select_option(name)
    shown = page.locator("#ledger-table tbody tr:visible")
    assert set(shown.evaluate_all("all => all.map(r => r.dataset.ensemble)")) == {name}
    assert re.search("pwned", shown.first.inner_text())
    assert page.evaluate("window.pwned") is None


STUDY = """
title = '''%s'''
seed = 1
qubits = 2
models = ["low-hea"]
observable = "Z0"
depths = [1]
seeds = 2
steps = 2
bisect_steps = 0

[dataset]
kind = "csv"
path = '''%s'''
"""


def test_names_in_a_study_are_text(visit, tmp_path):
    data = tmp_path / "<img src=x onerror=window.pwned=6>.csv"
    data.write_text("x,y\n0,0\n1,0.1\n2,0.2\n3,0.3\n4,0.4\n")
    (tmp_path / "study.toml").write_text(STUDY % (TITLE, data))
    write_diagnostics(run_study(*load_diagnose_config(tmp_path / "study.toml"), tmp_path / "run"), tmp_path / "run")
    visited = visit(tmp_path / "run" / "diagnostics.html")
    assert visited.page.evaluate("window.pwned") is None
    assert (visited.asked, visited.complaints) == ([], [])
    assert visited.page.title() == visited.page.locator("h1").inner_text() == TITLE
    assert "<img src=x onerror=window.pwned=6>" in visited.page.locator("p.soft").first.inner_text()
    assert visited.page.locator("script, [onerror]").count() == 0


@pytest.mark.parametrize("report", ["committed"], indirect=True)
def test_the_first_screen_has_the_figure_the_table_and_the_promise(visit, report):
    """At 1280 by 900, without a scroll; what comes after them, as a negative control, is not on it."""
    page = visit(report / "report.html").page
    bottom = "e => e.getBoundingClientRect().bottom"
    ends = [page.eval_on_selector(s, bottom) for s in (".face ul", "#figure-overview img", ".tally", "#promise")]
    assert ends == sorted(ends)
    assert ends[-1] <= 900 < page.eval_on_selector("nav", bottom)


@pytest.mark.parametrize("report", ["committed"], indirect=True)
def test_on_a_phone_figures_of_several_panels_are_tall(visit, report):
    """As wide as the page and of the shape that the file asks for; on a desktop of its own shape."""
    shape = "all => all.map(e => [e.style.getPropertyValue('--tall'), e.clientWidth, e.clientHeight])"
    phone = visit(report / "report.html", phone=True).page.locator("figure img").evaluate_all(shape)
    for asked, width, height in phone:
        assert width <= 390
        if asked:
            across, down = map(float, asked.split("/"))
            assert height / width == pytest.approx(down / across, rel=0.02)
    assert sum(bool(asked) for asked, _, _ in phone) >= 14
    desktop = visit(report / "report.html").page.locator("figure img").evaluate_all(shape)
    assert all(width > height for asked, width, height in desktop if asked)
