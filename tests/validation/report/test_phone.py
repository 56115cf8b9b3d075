"""One panel below the other: every part of a figure is on the phone, once, in order, and nothing covers another."""

import io
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from qntk.validation.report.figures.phone import PART, laid_out, parts, tall
from qntk.validation.report.figures.style import write_figures

PAD = 0.1


def figure():
    """Two rows of three panels, a legend to the right, a title over all, and a colour bar."""
    made = Figure(figsize=(10, 4), layout="constrained")
    axes = made.subplots(2, 3, sharex="col")
    for at, axis in enumerate(axes.flat):
        axis.plot([1, 2, 3], np.array([1, 2, 3]) * at, label="line")
        axis.set_ylabel("what is drawn")
    axes[0, 2].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[1, 0].legend()
    made.suptitle("title")
    made.colorbar(ScalarMappable(), ax=axes)
    return made


def boxes(found, layout):
    """Left, top, right, bottom of each part where it goes."""
    return [
        (x + scale * part.left, y + scale * part.top,
         x + scale * (part.left + part.width), y + scale * (part.top + part.height))
        for part, (scale, x, y) in zip(found, layout.moves, strict=True)
    ]  # fmt: skip


def test_parts_lie_below_each_other_within_the_box():
    made = figure()
    found, width, height = parts(made, laid_out(made, PAD))
    layout = tall(found, width, height)
    assert [part.panels for part in found] == [False, False, True, True, True, False], "title, legend, columns, bar"
    assert [part.left for part in found if part.panels] == sorted(part.left for part in found if part.panels)
    placed = boxes(found, layout)
    for (left, top, right, bottom), below in zip(placed, [*placed[1:], (0, layout.height, 0, 0)], strict=True):
        assert (left >= 0, right <= width + 1e-9, top > 0) == (True, True, True)
        assert bottom < below[1]
    columns = [move for part, move in zip(found, layout.moves, strict=True) if part.panels]
    assert len({scale for scale, _, _ in columns}) == 1
    widest = max(right - left for left, _, right, _ in placed)
    assert widest == pytest.approx(width, rel=0.05), "as wide as the box"
    assert layout.height > 2 * height


def test_one_column_stays_as_it_is():
    made = Figure()
    made.subplots(2, 1)
    assert tall(*parts(made, laid_out(made, PAD))) is None


def test_the_file_has_each_part_once_and_moves_it(tmp_path):
    """The legend of a panel, which stands beside it, is set behind it, or it would be moved twice."""
    write_figures([("drawn", "caption", figure())], tmp_path)
    text = (tmp_path / "drawn.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    held = {e: [i for i in e.iter() if i is not e and PART in i.get("class", "")] for e in root.iter()}
    named = [e.get("class") for e in held if PART in e.get("class", "")]
    assert set(named) == {f"{PART}{at}" for at in range(6)}
    assert len([e for e in held if PART in e.get("class", "") and held[e]]) == 0
    moved = re.findall(rf"\.({PART}\d)\{{transform:translate\([-\d.]+px,[-\d.]+px\) scale\([\d.]+\)\}}", text)
    assert sorted(moved) == [f"{PART}{at}" for at in range(6)]
    width, height = map(float, re.search(r'data-tall="(\d+) / (\d+)"', text).groups())
    ratio = int(re.search(r"max-aspect-ratio:(\d+)/1000", text).group(1)) / 1000
    wide = [float(value) for value in root.get("viewBox").split()[2:]]
    assert width / height < ratio < wide[0] / wide[1], "told apart by their shapes"
    assert wide[0] == pytest.approx(width, abs=1)


def test_boxes_are_where_the_file_draws(tmp_path):
    """The width of what is saved, by the same padding; with another one, the negative control, it is not."""
    text = io.StringIO()
    made = figure()
    whole = laid_out(made, PAD)
    found, width, height = parts(made, whole)
    made.savefig(text, format="svg", bbox_inches=whole)  # as style.py saves it
    saved = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text.getvalue())
    assert (width, height) == pytest.approx((float(saved.group(1)), float(saved.group(2))), abs=1.0)
    assert parts(made, laid_out(made, 0.3))[1] > width + 20
    assert all(part.left > -1 and part.left + part.width < width + 1 for part in found)
