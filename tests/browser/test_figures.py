"""Figures as a browser draws them: those in fewer bytes look as matplotlib's do, and follow the colour scheme."""

import io

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from qntk.validation.report.figures.phone import laid_out, parts, tall
from qntk.validation.report.figures.svg import slim

SEEN = 0.1
"""A difference of grey levels, averaged over 4 by 4 pixels, that is more than a stroke's soft edge."""


def figure(shift=0.0):
    made = Figure(figsize=(4, 3))
    axis = made.subplots()
    x = np.linspace(1, 8, 300)
    axis.plot(x, np.sin(x), color="#31688e")
    axis.plot(x[::30] + shift, np.cos(x[::30]), "o", color="#440154", markerfacecolor="white")
    axis.axhspan(-0.2, 0.2, color="0.88", zorder=0)
    axis.set(xscale="log", xlabel=r"$\Delta K/\bar K$", title="title")
    text = io.StringIO()
    made.savefig(text, format="svg")
    return text.getvalue()


@pytest.fixture
def pixels(visit, tmp_path):
    def drawn(text, dark=False):
        (tmp_path / "figure.svg").write_text(text, encoding="utf-8")
        (tmp_path / "page.html").write_text(
            '<!doctype html><html><body style="margin:0"><img width=800 src="figure.svg"></body></html>'
        )
        visited = visit(tmp_path / "page.html", dark=dark, root=tmp_path)
        picture = image.imread(io.BytesIO(visited.page.locator("img").screenshot()))[..., :3].mean(axis=-1)
        rows, columns = (size - size % 4 for size in picture.shape)
        return picture[:rows, :columns].reshape(rows // 4, 4, columns // 4, 4).mean(axis=(1, 3))

    return drawn


def test_fewer_bytes_look_the_same(pixels):
    """With a negative control: markers moved by a tenth are seen."""
    text = figure()
    before, after, other = pixels(text), pixels(slim(text)), pixels(slim(figure(0.1)))
    assert np.abs(after - before).max() < SEEN
    assert np.abs(other - before).max() > SEEN


def test_a_figure_follows_the_colour_scheme(pixels):
    """Paper and ink change places; without the style sheet for the dark they do not."""
    text = figure()
    assert pixels(slim(text)).mean() > 0.8
    assert pixels(slim(text), dark=True).mean() < 0.3
    assert pixels(text, dark=True).mean() > 0.8


def test_in_a_tall_box_panels_lie_below_each_other(visit, tmp_path):
    """Ink in each third of a phone's box, and in a box of the figure's own shape as before; without parts, none."""
    made = Figure(figsize=(12, 3))
    for axis in made.subplots(1, 3):
        axis.axhspan(0, 1, color="#440154")
    layout = tall(*parts(made, laid_out(made, 0.1)))
    text = io.StringIO()
    made.savefig(text, format="svg", bbox_inches="tight", pad_inches=0.1)

    def thirds(svg, height):
        (tmp_path / "figure.svg").write_text(svg, encoding="utf-8")
        (tmp_path / "page.html").write_text(
            f'<!doctype html><body style="margin:0"><img style="width:300px;height:{height}px" src="figure.svg"></body>'
        )
        page = visit(tmp_path / "page.html", root=tmp_path).page
        picture = image.imread(io.BytesIO(page.locator("img").screenshot()))[..., :3].mean(axis=-1)
        return [float((part < 0.5).mean()) for part in np.array_split(picture, 3)]

    high, low = round(300 * layout.height / layout.width), round(300 * layout.wide / layout.width)
    assert min(thirds(slim(text.getvalue(), layout), high)) > 0.4
    assert sum(thirds(slim(text.getvalue(), layout), low)) == pytest.approx(sum(thirds(text.getvalue(), low)), abs=0.05)
    assert min(thirds(slim(text.getvalue()), high)) < 0.05, "negative control"
