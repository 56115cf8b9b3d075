"""The ledger of a report: a row for each verdict of its documents, which filters, sorts, and leads to its figure."""

import re
from collections import Counter

import pytest

BOTH = pytest.mark.parametrize("report", ["committed", "small"], indirect=True)
FILTERS = ("ensemble", "observable", "quantity", "statistic", "regime", "verdict")
SHOWN = "[...document.querySelectorAll('#ledger-table tbody tr')].filter(row => !row.hidden && row.checkVisibility())"
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
        """A JavaScript expression of ``row`` for each row that is shown, in order."""
        return self.page.evaluate(f"{SHOWN}.map(row => {what})")

    def told(self):
        """N and M of "N of M verdicts"."""
        found = COUNT.fullmatch(self.page.locator("output#ledger-count").inner_text().strip())
        return tuple(int(number.replace(",", "")) for number in found.groups())

    def wait(self, count):
        """Until so many rows are shown, and the count says so."""
        self.page.wait_for_function(f"{SHOWN}.length === {count}")
        self.page.wait_for_function(
            f"parseInt(document.getElementById('ledger-count').textContent.replace(/,/g, '')) === {count}"
        )

    def choose(self, name, value):
        self.form.locator(f"select[name={name}]").select_option(value)


@pytest.fixture
def ledger(visit, report):
    return Ledger(visit(report / "report.html").page)


@BOTH
def test_it_has_a_row_for_each_verdict(ledger, verdicts):
    """The verdicts, those on an ansatz's own group, and those on exponents."""
    total = len(verdicts)
    assert len(ledger.rows("1")) == total
    assert ledger.told() == (total, total)
    assert ledger.page.locator("#ledger-count").get_attribute("aria-live") == "polite"
    for name in ("ensemble", "observable", "verdict"):
        assert Counter(ledger.rows(f"row.dataset.{name}")) == Counter(row[name] for row in verdicts), name


@BOTH
@pytest.mark.parametrize("verdict", ["agree", "disagree", "inconclusive"])
def test_a_verdict_is_found_as_often_as_the_documents_have_it(ledger, verdicts, verdict):
    ledger.choose("verdict", verdict)
    count = sum(row["verdict"] == verdict for row in verdicts)
    ledger.wait(count)
    assert ledger.told() == (count, len(verdicts))
    assert set(ledger.rows("row.dataset.verdict")) <= {verdict}
    hidden = ledger.page.evaluate("document.querySelectorAll('#ledger-table tbody tr[hidden]').length")
    assert hidden == len(verdicts) - count


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
        link = ledger.page.locator("#ledger-table tbody a").nth(
            next(i for i, (_, links) in enumerate(found) if links[0][1] == target)
        )
        link.scroll_into_view_if_needed()
        link.click()
        ledger.page.wait_for_function(
            """id => { const box = document.getElementById(id).getBoundingClientRect();
                       return box.top < innerHeight - 50 && box.bottom > 50; }""",
            arg=target[1:],
        )


@BOTH
def test_without_scripts_every_row_is_there_to_read(visit, report, verdicts):
    page = visit(report / "report.html", script=False).page
    assert len(page.evaluate(f"{SHOWN}.map(row => 1)")) == len(verdicts)
    heads = page.locator("#ledger-table thead th[scope=col]").all_inner_texts()
    assert all(text.strip() for text in heads)
    cells = page.locator("#ledger-table tbody tr").evaluate_all("all => all.map(row => row.cells.length)")
    assert set(cells) == {len(heads)}
