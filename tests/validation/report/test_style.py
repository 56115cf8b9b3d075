"""The colours of verdicts are told apart by readers who see fewer colours."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from jinja2 import DictLoader

import qntk.validation.report as room
from qntk.validation.report import render as render_module

STYLE = (Path(room.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
EYES = {
    "all": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Linear RGB as dichromats see it: Machado, Oliveira and Fernandes, IEEE TVCG 15, 1291 (2009), severity 1."""
TO_XYZ = np.array([[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07217], [0.01933, 0.11919, 0.95030]])
LEAST = 20
"""Distance in CIELAB; 2 is just noticeable side by side."""


def linear(colour):
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    x, y, z = np.cbrt(TO_XYZ @ np.clip(rgb, 0, 1) / (TO_XYZ @ np.ones(3)))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def least_distance(colours, eye):
    seen = [lab(np.array(EYES[eye]) @ linear(colour)) for colour in colours]
    return min(np.linalg.norm(one - other) for one, other in combinations(seen, 2))


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_verdicts_differ_to_every_eye(scheme, eye):
    colours = [re.findall(rf"--{v}: (#\w+)", STYLE)[scheme] for v in ("agree", "disagree", "inconclusive")]
    assert least_distance(colours, eye) > LEAST


def test_red_and_green_would_be_noticed():
    """Negative control: the usual colours of a traffic light."""
    assert (
        least_distance(["#00664b", "#a8321a", "#6d5200"], "no green")
        < LEAST
        < least_distance(["#00664b", "#a8321a"], "all")
    )


def test_html_is_escaped_and_markdown_is_not(monkeypatch):
    pages = dict.fromkeys(("page.html.j2", "page.md.j2"), "{{ told }}")
    monkeypatch.setattr(render_module, "PackageLoader", lambda *_: DictLoader(pages))
    assert [render_module.render(name, {"told": "p < 1"}) for name in pages] == ["p &lt; 1", "p < 1"]
