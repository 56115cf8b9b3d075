"""The page that is kept current: what it says before, while and after a sweep runs, and what it leaves."""

import pytest
from jupyter_client.manager import start_new_kernel

from qntk._result import notebook_display
from qntk.validation.report import watch as room
from qntk.validation.report.watch import PAGE, watch
from qntk.validation.sweep.config import load_config
from qntk.validation.sweep.run import run_sweep
from qntk.validation.sweep.store import Store


@pytest.fixture
def pages(config, tmp_path, monkeypatch):
    """Watch a sweep that draws while the watcher sleeps; the texts of the page, and the pauses."""
    store = Store.create(tmp_path / "run", *load_config(config))
    seen, pauses = [], []
    monkeypatch.setattr("qntk.validation.report.write.save_figures", lambda results, directory: {})
    monkeypatch.setattr("qntk.validation.report.write.reasons", lambda cells, config: [])

    def sleep(seconds):
        seen.append((store.directory / PAGE).read_text())
        pauses.append(seconds)
        if len(seen) == 2:
            run_sweep(store, workers=2, quiet=True)

    monkeypatch.setattr(room.time, "sleep", sleep)
    shown = []
    written = watch(store.directory, seconds=3, show=lambda html, text: shown.append((html, text)))
    seen.append((store.directory / PAGE).read_text())
    return seen, pauses, written, store.directory, shown


def test_it_says_how_far_the_sweep_is_and_ends_with_the_report(pages):
    seen, pauses, written, directory, shown = pages
    assert len(seen) == 3
    assert min(pauses) >= 3
    for page in seen[:2]:
        assert "0 of 42,000 draws, 0 of 14 cells" in page
        assert "No process draws at the moment" in page
        assert 'id="reload" data-seconds="3" checked' in page
        assert "tally" not in page.split("</style>")[1]
    assert "42,000 of 42,000 draws, 14 of 14 cells" in seen[2]
    assert '<a href="report.html">' in seen[2]
    assert 'id="reload"' not in seen[2], "a page that is finished is not loaded again"
    assert "fail in none of the 12 cells of Haar layers" in seen[2]
    assert '<th scope="row" class="name">hea-cz-ring</th>' in seen[2]
    assert (directory / "report.html").exists()
    assert sum(written.verdicts.values()) == 14 * 10
    assert len(shown) == 3
    for (html, text), page in zip(shown, seen, strict=True):
        table = page.partition('<p class="lead">')[2].partition("</main>")[0]
        assert table in html, "the same table in a notebook"
        assert ("<script" in html, "<html" in html, ":root" in html) == (False, False, False)
        assert text.splitlines()[0].endswith("of 42,000 draws")


def test_a_notebook_shows_it_in_one_place():
    """A real kernel: two looks are one output that is changed. Without a kernel, the negative control, none is made."""
    assert notebook_display() is None
    manager, client = start_new_kernel(startup_timeout=60)
    try:
        client.execute("from qntk._result import notebook_display\nshow = notebook_display()")
        client.execute("show('<b>1</b>', '1'); show('<b>2</b>', '2')")
        shown = []
        while len(shown) < 2:
            message = client.get_iopub_msg(timeout=60)
            assert message["msg_type"] != "error", message["content"]
            if "display_data" in message["msg_type"]:
                shown.append(message)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert [m["msg_type"] for m in shown] == ["display_data", "update_display_data"]
    assert [m["content"]["data"] for m in shown] == [{"text/html": f"<b>{n}</b>", "text/plain": str(n)} for n in (1, 2)]
    assert len({m["content"]["transient"]["display_id"] for m in shown}) == 1


def test_names_are_text_there_too(pages):
    assert all("small &lt;b&gt;sweep&lt;/b&gt;" in page and "<b>sweep</b>" not in page for page in pages[0])


def test_what_is_no_sweep_is_refused(qntk, tmp_path):
    code, text, error = qntk("report", tmp_path, "--watch")
    assert (code, text) == (2, "")
    assert "holds no sweep" in error.splitlines()[-1]
    code, _, error = qntk("report", tmp_path, "--watch", "--paper")
    assert code == 2
    assert "--paper once the sweep is finished" in error
