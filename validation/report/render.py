"""Templates to text: HTML escaped, Markdown escaped, figures embedded, so that a page is one file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from qntk.inputs.messages import printable_lines
from qntk.validation.report.words import in_words

TINY = 1e-99
"""Probabilities below this are shown as such."""
_TALL = re.compile(r' data-tall="([\d /]+)"')
_SUBSCRIPT = re.compile(r"([λη])_(min|max|crit)")


def render(template: str, context: dict[str, Any]) -> str:
    """A page from a template of this package; ``{{ … }}`` is escaped in HTML."""
    environment = Environment(
        loader=PackageLoader("qntk.validation.report"),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: printable_lines(value) if type(value) is str else value,
    )
    environment.filters["sig"] = lambda value, digits=4: f"{value:.{digits}g}"
    environment.filters["tiny"] = tiny
    environment.filters["md"] = _markdown_cell
    environment.filters["data"] = _data
    environment.filters["words"] = in_words
    environment.filters["typeset"] = _typeset
    return environment.get_template(template).render(context)


def tiny(value: float) -> str:
    """A probability or weight, which may underflow."""
    return f"{value:.2g}" if value > TINY else f"< {TINY:.0e}"


def embedded_figures(figures: dict[str, str], directory: Path) -> list[dict[str, str]]:
    """SVG figures that lie in a directory, ``figures`` being name to caption.

    Name, caption, address, and ``tall``, the shape in which one panel lies below the other, empty if there is none.
    """
    made = []
    for name, caption in figures.items():
        text = (directory / f"{name}.svg").read_text(encoding="utf-8").strip()
        shape = _TALL.search(text)
        made.append(
            {"name": name, "caption": caption, "data": _embedded(text), "tall": shape.group(1) if shape else ""}
        )
    return made


def _embedded(text: str) -> Markup:
    """An address for an attribute in double quotes; shorter than base64."""
    for character, code in (("%", "%25"), ("#", "%23"), ('"', "'"), ("&", "%26"), ("<", "&lt;")):
        text = text.replace(character, code)
    return Markup("data:image/svg+xml," + text)


def _typeset(text: str) -> Markup:
    """``λ_max`` with a subscript, for HTML."""
    return Markup(_SUBSCRIPT.sub(r"\1<sub>\2</sub>", str(escape(printable_lines(text)))))


def _data(value: object) -> Markup:
    """A document for a script element, which ends at the first ``</script``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _markdown_cell(text: object) -> str:
    """Text that a Markdown table can hold whatever a user called it."""
    escaped = str(text).replace("\n", " ")
    for character in "\\`*_{}[]<>|#":
        escaped = escaped.replace(character, "\\" + character)
    return escaped
