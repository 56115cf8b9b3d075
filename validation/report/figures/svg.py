"""What matplotlib writes as SVG, made smaller, and readable in the dark.

Coordinates keep a hundredth of a point, curves the points that a hundredth needs; metadata, empty groups and names that
nothing refers to go. A style sheet for a dark page turns greys over, so that white paper becomes the page's own dark,
and lifts colours that would sink in it (``colours_in_the_dark``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from qntk.validation.report.figures.dark import in_the_dark
from qntk.validation.report.figures.phone import PART, Tall

_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"
_DIGITS = 2
_OFF = 0.02
"""How far a curve may be from the one that was drawn, in points."""
_NUMBER = re.compile(r"-?\d+\.\d+")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PATH = re.compile(r"[MLQCz]|-?[0-9.]+(?:e-?\d+)?")


def slim(text: str, layout: Tall | None = None) -> str:
    """The same picture in fewer bytes, with colours for a dark page and a layout for a tall box.

    Raises ``xml.etree.ElementTree.ParseError`` for a text that is no XML.
    """
    ET.register_namespace("", _SVG)
    root = ET.fromstring(text)
    _part(root, layout is not None)
    _drop(root)
    _short_names(root)
    for element in root.iter():
        element.text = element.tail = None
        for name in ("x", "y", "width", "height", "transform", "viewBox"):
            if name in element.attrib:
                element.set(name, _NUMBER.sub(lambda found: _short(float(found[0]), 4), element.attrib[name]))
        if "d" in element.attrib:
            element.set("d", _path(element.attrib["d"], "fill: none" in element.get("style", "")))
    _sheet(root)
    if layout is not None:
        root.set("preserveAspectRatio", "xMidYMin")
        root.set("data-tall", f"{layout.width:.0f} / {layout.height:.0f}")
        sheet = next(root.iter(f"{{{_SVG}}}style"))
        sheet.text = (sheet.text or "") + layout.rules()
    return ET.tostring(root, encoding="unicode").replace(" />", "/>") + "\n"


def _part(root: ET.Element, kept: bool) -> None:
    """Parts of a layout as classes; a part within another, such as the legend of a panel, is set behind it."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get("id", "").startswith(PART):
                name = child.attrib.pop("id")
                if kept:
                    child.set("class", name)
    for parent in [e for e in root.iter() if e.get("class", "").startswith(PART)]:
        for inner in [e for e in parent if e.get("class", "").startswith(PART)]:
            parent.remove(inner)
            holder = next(e for e in root.iter() if parent in list(e))
            holder.insert(list(holder).index(parent) + 1, inner)


def _drop(element: ET.Element) -> None:
    """Without what is not seen: metadata, and groups that say nothing of what they hold."""
    kept: list[ET.Element] = []
    for child in element:
        if child.tag == f"{{{_SVG}}}metadata":
            continue
        _drop(child)
        bare = child.tag == f"{{{_SVG}}}g" and not set(child.attrib) - {"id"}
        kept += list(child) if bare else [child]
    element[:] = kept


def _short_names(root: ET.Element) -> None:
    """Ids that something refers to by short names, and no others."""
    used: dict[str, str] = {}
    for element in root.iter():
        if _HREF in element.attrib:
            name = element.attrib.pop(_HREF)
            if name.startswith("#"):
                name = "#" + used.setdefault(name[1:], _name(len(used)))
            element.set("href", name)
        clip = element.get("clip-path", "")
        if clip.startswith("url(#"):
            element.set("clip-path", f"url(#{used.setdefault(clip[5:-1], _name(len(used)))})")
    for element in root.iter():
        if (name := element.attrib.pop("id", "")) in used:
            element.set("id", used[name])


def _name(number: int) -> str:
    """a, b, …, z, ba, bb, …"""
    first, last = divmod(number, 26)
    return (_name(first) if first else "") + chr(ord("a") + last)


def _sheet(root: ET.Element) -> None:
    """Styles by the name of a class, each once, and those for the dark."""
    styles: dict[str, str] = {}
    for element in root.iter():
        if (style := element.attrib.pop("style", None)) is not None:
            name = styles.setdefault(style, _name(len(styles)))
            element.set("class", f"{element.get('class', '')} {name}".strip())
    sheet = next(root.iter(f"{{{_SVG}}}style"))
    raster = next(root.iter(f"{{{_SVG}}}image"), None) is not None
    rules = "".join(f".{name}{{{style.replace('; ', ';').replace(': ', ':')}}}" for style, name in styles.items())
    black = f"svg{{fill:{in_the_dark('#000000')}}}"  # what has no style is black
    dark = black + "".join(_dark_rules(styles, raster))
    sheet.text = f"*{{stroke-linejoin:round;stroke-linecap:butt}}{rules}@media(prefers-color-scheme:dark){{{dark}}}"


def _dark_rules(styles: dict[str, str], raster: bool) -> Iterator[str]:
    for style, name in styles.items():
        parts = [part for part in style.split("; ") if _COLOUR.search(part)]
        turned = [_COLOUR.sub(lambda found: in_the_dark(found[0], raster), part) for part in parts]
        if changed := [new.replace(": ", ":") for old, new in zip(parts, turned, strict=True) if old != new]:
            yield f".{name}{{{';'.join(changed)}}}"


def _path(text: str, line: bool) -> str:
    """The same path by steps from point to point; a line without the points that it does not need."""
    subpaths: list[tuple[list[tuple[str, NDArray[np.float64]]], bool]] = []
    tokens = iter(_PATH.findall(text))
    for token in tokens:
        if token == "z":
            subpaths[-1] = (subpaths[-1][0], True)
            continue
        count = {"M": 2, "L": 2, "Q": 4, "C": 6}[token]
        points = np.array([float(next(tokens)) for _ in range(count)]).reshape(-1, 2)
        if token == "M":
            subpaths.append(([], False))
        subpaths[-1][0].append((token, points))
    written: list[str] = []
    at = np.zeros(2)
    for steps, closed in subpaths:
        start = np.round(steps[0][1][0], _DIGITS)
        if line and len(steps) > 3 and all(command == "L" for command, _ in steps[1:]):
            kept = _needed(np.array([points[0] for _, points in steps]))
            steps = [steps[index] for index in kept]
        for command, points in steps:
            rounded = np.round(points, _DIGITS)
            numbers = [_short(value) for value in (rounded - (0 if command == "M" else at)).ravel()]
            written.append((command if command == "M" else command.lower()) + _joined(numbers))
            at = rounded[-1]
        if closed:
            written.append("z")
            at = start
    return "".join(written)


def _needed(points: NDArray[np.float64]) -> list[int]:
    """Indices of the points that a line needs (Ramer, Douglas and Peucker)."""
    kept, stretches = {0, len(points) - 1}, [(0, len(points) - 1)]
    while stretches:
        first, last = stretches.pop()
        if last - first < 2:
            continue
        way = points[last] - points[first]
        away = points[first + 1 : last] - points[first]
        length = float(np.hypot(*way))
        off = np.abs(away @ np.array([way[1], -way[0]])) / length if length else np.hypot(*away.T)
        if off.max() > _OFF:
            middle = first + 1 + int(off.argmax())
            kept.add(middle)
            stretches += [(first, middle), (middle, last)]
    return sorted(kept)


def _joined(numbers: list[str]) -> str:
    """Numbers with as few blanks as they can be told apart with."""
    return numbers[0] + "".join(n if n.startswith("-") else f" {n}" for n in numbers[1:])


def _short(value: float, digits: int = _DIGITS) -> str:
    """A number in few letters."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if text in ("-0", ""):
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
