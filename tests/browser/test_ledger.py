"""The ledger of a report: a row for each verdict of its documents, which filters, sorts, and leads to its figure."""

import re
from collections import Counter

import pytest

BOTH = pytest.mark.parametrize("report", ["committed", "small"], indirect=True)
FILTERS = ("ensemble", "observable", "quantity", "statistic", "regime", "verdict")
NODES = "() => document.getElementsByTagName('*').length"
SCROLLED = """async read => {
  const box = document.getElementById('ledger-rows'), found = new Map();
  for (let top = 0; ; top += box.clientHeight) {
    box.scrollTop = top;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    for (const row of document.querySelectorAll('#ledger-table tbody tr'))
      if (!found.has(row.ariaRowIndex)) found.set(row.ariaRowIndex, eval(read)(row));
    if (top >= box.scrollHeight - box.clientHeight) break;
  }
  box.scrollTop = 0;
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, value]) => value);
}"""
"""What there is to read of each row, once each and in order, while one scrolls a boxful at a time to the bottom."""
COUNT = re.compile(r"([\d,]+) of ([\d,]+) verdicts")
ORDERED = """([texts, way]) => (way === 'ascending' ? texts : texts.reverse()).map(t => t.trim())
  .every((text, i, all) => !i || all[i - 1] <= text || all[i - 1].localeCompare(text) <= 0)"""


class Ledger:
    """The ledger of an open page."""

    def __init__(self, page):
        self.page = page
        self.form = page.locator("#ledger form#ledger-filter")
        self.buttons = page.locator("#ledger-table thead th[scope=col] button[type=button]")

    def rows(self, what):
        """A JavaScript expression of ``row`` for each row that scrolling shows, in order."""
        return self.page.evaluate(SCROLLED, f"row => {what}")

    def told(self):
        """N and M of "N of M verdicts"."""
        found = COUNT.fullmatch(self.page.locator("output#ledger-count").inner_text().strip())
        return tuple(int(number.replace(",", "")) for number in found.groups())

    def wait(self, count):
        """Until the count says that so many rows are shown; the table says the same to those who listen."""
        self.page.wait_for_function(
            f"parseInt(document.getElementById('ledger-count').textContent.replace(/,/g, '')) === {count}"
        )
        assert self.page.locator("#ledger-table").get_attribute("aria-rowcount") == str(count + 1)

    def choose(self, name, value):
        self.form.locator(f"select[name={name}]").select_option(value)


@pytest.fixture
def ledger(visit, report):
    return Ledger(visit(report / "report.html").page)


@BOTH
def test_it_has_a_row_for_each_verdict(ledger, verdicts):
    """The verdicts, those on an ansatz's own group, and those on exponents."""
    total, names = len(verdicts), ("ensemble", "observable", "verdict")
    rows = ledger.rows(f"[{', '.join(f'row.dataset.{name}' for name in names)}]")
    assert len(rows) == total
    assert ledger.told() == (total, total)
    assert ledger.page.locator("#ledger-count").get_attribute("aria-live") == "polite"
    assert Counter(map(tuple, rows)) == Counter(tuple(row[name] for name in names) for row in verdicts)


@BOTH
@pytest.mark.parametrize("verdict", ["agree", "disagree", "inconclusive"])
def test_a_verdict_is_found_as_often_as_the_documents_have_it(ledger, verdicts, verdict):
    ledger.choose("verdict", verdict)
    count = sum(row["verdict"] == verdict for row in verdicts)
    ledger.wait(count)
    assert ledger.told() == (count, len(verdicts))
    assert ledger.rows("row.dataset.verdict") == [verdict] * count


def test_every_choice_of_every_filter_shows_its_rows(ledger, verdicts):
    for name in FILTERS:
        options = ledger.form.locator(f"select[name={name}] option").evaluate_all("all => all.map(o => o.value)")
        counts = Counter(ledger.rows(f"row.dataset.{name}"))
        assert options[0] == ""
        assert Counter(options[1:]) == Counter(counts.keys())
        for option in options[1:]:
            ledger.choose(name, option)
            ledger.wait(counts[option])
            assert set(ledger.rows(f"row.dataset.{name}")) == {option}
        ledger.choose(name, "")
        ledger.wait(len(verdicts))


def test_filters_and_words_work_together_and_reset(ledger, verdicts):
    ledger.choose("ensemble", "haar-layers")
    ledger.choose("statistic", "variance of K")
    rows = [r for r in verdicts if (r["ensemble"], r["statistic"]) == ("haar-layers", "variance")]
    ledger.wait(len(rows))
    search = ledger.form.locator("input[type=search][name=text]")
    search.fill("PROJECTOR")
    ledger.wait(sum("projector" in r["observable"] for r in rows))
    assert all("projector" in text for text in ledger.rows("row.textContent.toLowerCase()"))
    search.fill("no such words")
    ledger.wait(0)
    ledger.form.get_by_role("button", name=re.compile("reset", re.I)).click()
    ledger.wait(len(verdicts))
    assert search.input_value() == ""
    assert set(ledger.form.locator("select").evaluate_all("all => all.map(s => s.value)")) == {""}


def test_the_filter_works_under_the_policy_of_the_page(visit, report, verdicts):
    """Its script is the one that the policy names by its digest; another one would not run."""
    visited = visit(report / "report.html", strict=True)
    ledger = Ledger(visited.page)
    ledger.choose("verdict", "disagree")
    visited.page.wait_for_timeout(300)
    assert ledger.told() == (sum(row["verdict"] == "disagree" for row in verdicts), len(verdicts))
    assert visited.complaints == []


def test_return_in_the_search_field_leaves_the_page_where_it_is(ledger, verdicts):
    before = ledger.page.url
    search = ledger.form.locator("input[name=text]")
    search.fill("projector")
    search.press("Enter")
    ledger.page.wait_for_timeout(200)
    assert ledger.page.url == before
    assert 0 < len(ledger.rows("1")) < len(verdicts)


def test_every_column_sorts_both_ways(ledger, verdicts):
    """Numbers by value, words as a dictionary has them; the same rows throughout."""
    heads = ledger.page.locator("#ledger-table thead th")
    assert ledger.buttons.count() == heads.count() > len(FILTERS)
    numeric = heads.evaluate_all("all => all.map(th => th.dataset.type === 'number')")
    assert any(numeric)
    for column in range(heads.count()):
        for way in ("ascending", "descending"):
            ledger.buttons.nth(column).click()
            sorts = heads.evaluate_all("all => all.map(th => th.getAttribute('aria-sort') || 'none')")
            assert sorts == [way if i == column else "none" for i in range(len(sorts))]
            if numeric[column]:
                values = ledger.rows(f"row.cells[{column}].dataset.value")
                told = [float(v) for v in values if v not in (None, "")]
                assert told == sorted(told, reverse=way == "descending")
            else:
                assert ledger.page.evaluate(ORDERED, [ledger.rows(f"row.cells[{column}].textContent"), way])
    assert len(ledger.rows("1")) == len(verdicts)


def test_sorting_keeps_the_filter(ledger, verdicts):
    ledger.choose("verdict", "disagree")
    count = sum(row["verdict"] == "disagree" for row in verdicts)
    ledger.wait(count)
    ledger.buttons.last.click()
    assert set(ledger.rows("row.dataset.verdict")) == {"disagree"}
    assert len(ledger.rows("1")) == count


@BOTH
def test_every_verdict_leads_to_a_figure(ledger):
    """Each row has one link, whose words are the verdict; a click shows the figure."""
    found = ledger.rows(
        "[row.dataset.verdict, [...row.querySelectorAll('a')].map(a => [a.textContent.trim(), a.hash])]"
    )
    assert all(len(links) == 1 and links[0][0] == verdict for verdict, links in found)
    targets = {links[0][1] for _, links in found}
    assert all(target.startswith("#figure-") for target in targets)
    for target in sorted(targets):
        link = ledger.page.locator(f"#ledger-table tbody a[href='{target}']").first
        at = next(i for i, (_, links) in enumerate(found) if links[0][1] == target)
        ledger.page.evaluate(
            """async at => {
                 const row = document.querySelector('#ledger-table tbody tr');
                 document.getElementById('ledger-rows').scrollTop = at * row.getBoundingClientRect().height;
                 await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame); }""",
            at,
        )
        link.scroll_into_view_if_needed()
        link.click()
        ledger.page.wait_for_function(
            """id => { const box = document.getElementById(id).getBoundingClientRect();
                       return box.top < innerHeight - 50 && box.bottom > 50; }""",
            arg=target[1:],
        )


@BOTH
def test_few_rows_are_in_the_page_at_a_time(ledger, verdicts):
    """However long the ledger; they fill the box wherever one jumps to, with the last one at the bottom."""
    most = len(verdicts)
    for share in (0, 0.5, 1):
        ledger.page.evaluate(
            """async share => { const box = document.getElementById('ledger-rows');
                 box.scrollTop = share * box.scrollHeight;
                 await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame); }""",
            share,
        )
        rows, first, last, top, bottom, box = ledger.page.evaluate(
            """() => { const rows = [...document.querySelectorAll('#ledger-table tbody tr')];
                 const box = document.getElementById('ledger-rows').getBoundingClientRect();
                 return [rows.length, +rows[0].ariaRowIndex, +rows.at(-1).ariaRowIndex,
                         rows[0].getBoundingClientRect().top, rows.at(-1).getBoundingClientRect().bottom,
                         [box.top, box.bottom]]; }"""
        )
        assert rows == last - first + 1 <= 80
        assert first == 2 if share == 0 else top <= box[0] + 40
        assert last == most + 1 if share == 1 else bottom >= box[1] - 2
    assert ledger.page.evaluate(NODES) < 5000


@BOTH
def test_without_scripts_a_link_leads_to_every_row(visit, report, verdicts):
    """The page holds no table then, and no form that does nothing."""
    page = visit(report / "report.html", script=False).page
    link = page.locator("#ledger a[href='verdicts.csv']")
    assert link.is_visible()
    assert f"All {len(verdicts):,} rows" in page.locator("#ledger").inner_text()
    assert len((report / "verdicts.csv").read_text(encoding="utf-8").splitlines()) == len(verdicts) + 1
    assert not page.locator("#ledger-table").is_visible()
    assert not page.locator("#ledger-filter").is_visible()
