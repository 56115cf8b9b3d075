"""What every result can do: print itself in few lines, show itself in a notebook, become a frame or a document."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from qntk._floating import calm

if TYPE_CHECKING:
    import pandas as pd

_LINES = 20


class Result:
    """A frozen value that shows itself. Subclasses give ``title`` and ``rows``, and their command's document.

    Their methods run under numpy's own settings of floating-point errors.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        calm(cls)

    def title(self) -> str:
        """One line: what this is."""
        raise TypeError(f"{type(self).__name__} has no title")

    def rows(self) -> list[dict[str, Any]]:
        """The table, a dict a row, all with the same keys."""
        raise TypeError(f"{type(self).__name__} has no table")

    def notes(self) -> list[str]:
        """Lines below the table."""
        return []

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of the command of the same name."""
        raise TypeError(f"{type(self).__name__} has no document")

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas frame."""
        return frame(self.rows())

    def __repr__(self) -> str:
        """At most twenty lines."""
        rows, notes = self.rows(), self.notes()
        room = _LINES - 2 - len(notes)
        shown = rows if len(rows) <= room else rows[: room - 1]
        lines = [self.title(), *_aligned(shown)]
        if len(shown) < len(rows):
            lines.append(f"… {len(rows) - len(shown)} more; .to_frame() has all")
        return "\n".join([*lines, *notes][:_LINES])

    def _repr_html_(self) -> str:
        """The same as a table; every text is escaped."""
        rows = self.rows()
        head = "".join(f"<th>{escape(str(key))}</th>" for key in (rows[0] if rows else {}))
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_text(value))}</td>" for value in row.values()) + "</tr>"
            for row in rows[:60]
        )
        more = f"<p>… {len(rows) - 60} more; <code>.to_frame()</code> has all</p>" if len(rows) > 60 else ""
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes())
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
        return f"<div><p><b>{escape(self.title())}</b></p>{table}{more}{notes}</div>"


def notebook_display() -> Callable[[str, str], None] | None:
    """Shows HTML, or text where there is none, in one place below a notebook's cell; None outside a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    handles: list[Any] = []

    def show(html: str, text: str) -> None:
        bundle = {"text/html": html, "text/plain": text}
        if handles:
            handles[0].update(bundle, raw=True)
        else:
            handles.append(display(bundle, raw=True, display_id=True))  # type: ignore[no-untyped-call]

    return show


def frame(data: Any) -> pd.DataFrame:
    """Rows, or columns, as a pandas frame; pandas is imported by who asks for one."""
    import pandas as pd

    return pd.DataFrame(data)


def course(**columns: Any) -> list[dict[str, Any]]:
    """Rows of arrays along the steps of a training, shapes (steps + 1,): at most a dozen, spaced logarithmically."""
    last = len(next(iter(columns.values()))) - 1
    steps = sorted({0, last, *(round(last ** (k / 10)) for k in range(11))} & set(range(last + 1)))
    return [{"step": step} | {name: float(values[step]) for name, values in columns.items()} for step in steps]


def _aligned(rows: list[dict[str, Any]]) -> list[str]:
    """A table of text: names to the left, numbers to the right."""
    if not rows:
        return []
    columns = list(rows[0])
    texts = [columns, *([_text(row[c]) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in texts) for i in range(len(columns))]
    left = [isinstance(rows[0][c], str) for c in columns]
    return [
        "  ".join(
            t.ljust(w) if to_left else t.rjust(w) for t, w, to_left in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in texts
    ]


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, tuple) and len(value) == 2:
        return f"[{_text(value[0])}, {_text(value[1])}]"
    return str(value)
