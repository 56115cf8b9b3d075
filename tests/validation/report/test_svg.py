"""Figures in fewer bytes: nothing that is seen is lost, and the dark has colours of its own."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from qntk.validation.report.figures.dark import PAPER, contrast, in_the_dark
from qntk.validation.report.figures.svg import slim

SVG = "{http://www.w3.org/2000/svg}"
MOVE = {"M": 2, "L": 2, "l": 2, "Q": 4, "q": 4, "c": 6, "C": 6}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """As matplotlib writes it: a dense curve, a jagged line of many points, markers, glyphs, and a clip."""
    figure = Figure(figsize=(4, 3))
    axis = figure.subplots()
    x = np.linspace(0.1, 10, 400)
    axis.plot(x[::4], np.sin(x[::4]) * np.exp(-x[::4] / 5), color="#440154")
    axis.plot(x, np.random.default_rng(0).normal(size=400), color="#fde725", linewidth=0.5)
    axis.plot(x[::40], x[::40] / 10, "o", color="#1f77b4")
    axis.axhspan(-0.1, 0.1, color="0.88")
    axis.set(xlabel=r"$\Delta K/\bar K$", xlim=(1, 9))
    path = tmp_path_factory.mktemp("svg") / "drawn.svg"
    figure.savefig(path)
    return path.read_text(encoding="utf-8")


def corners(data):
    """The end points of a path's steps, absolute, by a reader of its own."""
    tokens, at, found, command = re.findall(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)", data), np.zeros(2), [], None
    while tokens:
        if tokens[0].isalpha():
            command = tokens.pop(0)
            if command in "zZ":
                at = np.array(found[-1][0])
                continue
            if command == "M":
                found.append([])
        numbers = [float(tokens.pop(0)) for _ in range(MOVE[command])]
        at = np.array(numbers[-2:]) + (at if command.islower() else 0)
        found[-1].append(tuple(at))
    return found


def away(points, line):
    """The largest distance of points from a polygonal line."""
    points, line = np.array(points), np.array(line)
    start, way = line[:-1], np.diff(line, axis=0)
    share = np.clip(((points[:, None] - start) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-12), 0, 1)
    return np.linalg.norm(points[:, None] - (start + share[..., None] * way), axis=-1).min(axis=1).max()


def paths(text):
    return [e.attrib["d"] for e in ET.fromstring(text).iter(f"{SVG}path")]


def test_every_path_goes_where_it_went(drawn):
    """To three hundredths of a point, in as many strokes; the dense curve with fewer points."""
    before, after = map(paths, (drawn, slim(drawn)))
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        strokes = list(zip(corners(old), corners(new), strict=True))
        for one, other in strokes:
            assert away(other, one) < 0.03 > away(one, other)
            np.testing.assert_allclose([one[0], one[-1]], [other[0], other[-1]], atol=0.011)
    styles = [e.attrib.get("style", "") for e in ET.fromstring(drawn).iter(f"{SVG}path")]
    curve, jagged = [i for i, style in enumerate(styles) if "fill: none" in style and len(before[i]) > 1000]
    assert len(corners(after[curve])[0]) < 0.8 * len(corners(before[curve])[0])
    assert len(corners(after[jagged])[0]) > 0.9 * len(corners(before[jagged])[0])


def test_a_path_that_goes_elsewhere_is_noticed(drawn):
    """Negative control: one corner off by a twentieth of a point."""
    (stroke,) = corners(max(paths(drawn), key=len))
    moved = [*stroke[:7], (stroke[7][0] + 0.05, stroke[7][1]), *stroke[8:]]
    assert away(moved, stroke) > 0.03


def test_all_that_is_referred_to_is_there_once(drawn):
    text = slim(drawn)
    root = ET.fromstring(text)
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    referred = {e.attrib["href"][1:] for e in root.iter() if "href" in e.attrib}
    referred |= {e.attrib["clip-path"][5:-1] for e in root.iter() if "clip-path" in e.attrib}
    assert sorted(ids) == sorted(referred)
    classes = {e.attrib["class"] for e in root.iter() if "class" in e.attrib}
    assert classes == set(re.findall(r"\.([a-z]+)\{", text.split("@media")[0]))
    assert "metadata" not in text
    assert len(text) < len(drawn) / 2


def test_in_the_dark_paper_is_dark_and_what_is_drawn_stands_out(drawn):
    rules = slim(drawn).split("@media(prefers-color-scheme:dark){")[1]
    shown = set(re.findall(r"#[0-9a-f]{6}", rules))
    assert PAPER in shown
    assert rules.startswith(f"svg{{fill:{in_the_dark('#000000')}}}"), "matplotlib gives black text no style"
    assert in_the_dark("#440154") in shown
    for colour in ("#440154", "#31688e", "#000000", "#262626", "#fde725"):
        assert contrast(in_the_dark(colour)) > 3
    assert in_the_dark("#ffffff") == PAPER
    assert in_the_dark("#440154", kept=True) == "#440154"
    assert contrast("#440154") < 3, "negative control: this one would sink in the page"


def test_contrast_is_that_of_wcag():
    """Black on white is 21; #767676 on white is the classic 4.54."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
