"""One panel below the other: how the panels of a figure lie in a box that is tall, as on a phone.

Columns of panels, colour bars, and legends and titles that stand outside the panels are *parts*, each a group of its
own in the SVG. A style sheet moves them when the box that shows the figure is nearer to the tall layout than to the
wide one; a page asks for it by giving the image that shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

PART = "part-"
"""What the id of a part's group begins with."""
DPI = 160
"""Of what is saved as pixels, and at which text is measured."""
_POINTS = 72
_GAP = 8.0
_BAR = 0.6
"""Scale of a colour bar, which is as high as all rows of panels, over that of the panels."""


@dataclass(frozen=True)
class Part:
    """Part of a figure: its box in points of the SVG, y downwards, and its scale over that of the columns of panels."""

    left: float
    top: float
    width: float
    height: float
    panels: bool = True
    share: float = 1.0


@dataclass(frozen=True)
class Tall:
    """The tall layout: a scale and a shift for each part, and the size of the whole, in points."""

    moves: list[tuple[float, float, float]]
    width: float
    height: float
    wide: float
    """Height of the layout as it was drawn."""

    def rules(self) -> str:
        """For a style sheet; the parts are classes ``part-0``, …"""
        ratio = self.width / (self.wide * self.height) ** 0.5
        moved = "".join(
            f".{PART}{at}{{transform:translate({x:.1f}px,{y:.1f}px) scale({scale:.3f})}}"
            for at, (scale, x, y) in enumerate(self.moves)
        )
        return f"@media(max-aspect-ratio:{round(1000 * ratio)}/1000){{{moved}}}"


def laid_out(figure: Figure, pad: float) -> Bbox:
    """Lay a figure out, for good; what of it is to be saved, in inches, with ``pad`` inches around."""
    figure.set_dpi(DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # every format would do it again
    return figure.get_tightbbox().padded(pad)


def parts(figure: Figure, whole: Bbox) -> tuple[list[Part], float, float]:
    """Name the groups of a figure's parts; their boxes, and the width and height of what is saved, ``laid_out``.

    Titles and legends come first, then columns of panels, then colour bars.
    """
    renderer = figure._get_renderer()  # type: ignore[attr-defined]
    legends = [legend for axis in figure.axes if (legend := axis.get_legend()) and _beside(legend, axis, renderer)]
    notes: list[Any] = [*([figure._suptitle] if figure.get_suptitle() else []), *figure.legends, *legends]  # type: ignore[attr-defined]
    shown = [axis for axis in figure.axes if axis.get_visible()]
    columns: dict[Any, list[Axes]] = {}
    for axis in shown:
        place = axis.get_subplotspec()
        columns.setdefault(-1 - shown.index(axis) if place is None else place.colspan.start, []).append(axis)
    ordered = sorted(columns.items(), key=lambda item: (item[0] < 0, abs(item[0])))
    groups = [([note], note.get_window_extent(renderer), False, 1.0) for note in notes]
    for place, axes in ordered:
        boxes = [_box(axis, [note for note in notes if isinstance(note, Artist)], renderer) for axis in axes]
        groups.append((axes, Bbox.union(boxes), place >= 0, 1.0 if place >= 0 else _BAR))
    made, scale = [], _POINTS / figure.dpi
    for at, (artists, box, panels, share) in enumerate(groups):
        for artist in artists:
            artist.set_gid(f"{PART}{at}")
        left, top = scale * box.x0 - _POINTS * whole.x0, _POINTS * whole.y1 - scale * box.y1
        made.append(Part(left, top, scale * box.width, scale * box.height, panels, share))
    return made, _POINTS * whole.width, _POINTS * whole.height


def tall(found: list[Part], width: float, height: float) -> Tall | None:
    """One part below the other, columns at one scale as wide as fits; None if there is no more than one column."""
    columns = [part for part in found if part.panels]
    if len(columns) < 2:
        return None
    scale = (width - 2 * _GAP) / max(part.width for part in columns)
    moves, down = [], _GAP
    for part in found:
        own = min(part.share * scale, (width - 2 * _GAP) / part.width)
        moves.append((own, _GAP - own * part.left, down - own * part.top))
        down += own * part.height + 2 * _GAP
    return Tall(moves, width, down - _GAP, height)


def _beside(legend: Any, axis: Axes, renderer: Any) -> bool:
    """Whether a legend stands outside its axes."""
    return bool(legend.get_window_extent(renderer).x0 > axis.get_window_extent(renderer).x1)


def _box(axis: Axes, left_out: list[Artist], renderer: Any) -> Bbox:
    """An axes with its labels and title, without legends that stand outside."""
    artists = [artist for artist in axis.get_default_bbox_extra_artists() if artist not in left_out]
    return axis.get_tightbbox(renderer, bbox_extra_artists=artists) or Bbox.null()
