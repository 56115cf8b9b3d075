"""One look for all figures: theme, colours, ticks, legends, and how they are written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from qntk.inputs.messages import printable
from qntk.validation.report.figures.phone import DPI, laid_out, parts, tall
from qntk.validation.report.figures.svg import slim
from qntk.validation.report.words import WORDS, in_words

EXACT: dict[str, Any] = {"linestyle": "-", "linewidth": 1.4}
PUBLISHED: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 1.2}
DOTTED: dict[str, Any] = {"linestyle": ":", "linewidth": 1.2}
MARKERS = {"agree": "o", "inconclusive": "s", "disagree": "X"}
"""Verdicts are told apart by shape, whatever colours a reader sees."""
_ROUND = [m * 10.0**e for m in (1, 2, 5, 3, 7, 1.5, 0.9, 0.8, 1.2, 1.1) for e in sorted(range(-9, 10), key=abs)]
"""Numbers that ticks may have, those that are wanted most first."""
_ROOM = 0.075
_PAD = 0.1
"""About a figure, in inches."""
_MOST = 9
_LONGEST = 40
_PLAIN = (1e-3, 1e4)
"""Numbers beyond are left to powers of ten."""


def write_figures(
    figures: Iterable[tuple[str, str, Figure]], directory: Path, suffixes: Sequence[str] = ("svg", "png")
) -> dict[str, str]:
    """Write figures, given with name and caption, in one style; names and captions, in order.

    They must be drawn while they are asked for, as a generator does: the style is set here.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rc = {"svg.hashsalt": "qntk", "pdf.fonttype": 42}
    captions: dict[str, str] = {}
    with matplotlib.rc_context():  # the user's settings are neither read nor changed
        matplotlib.rcdefaults()
        sns.set_theme(context="paper", style="ticks", font_scale=1.05, rc=rc)
        for name, caption, figure in figures:
            box = laid_out(figure, _PAD)
            layout = tall(*parts(figure, box))
            for suffix in suffixes:
                metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
                path = directory / f"{name}.{suffix}"
                figure.savefig(path, dpi=DPI, bbox_inches=box, metadata=metadata)
                if suffix == "svg":
                    path.write_text(slim(path.read_text(encoding="utf-8"), layout), encoding="utf-8")
            captions[name] = caption
    return captions


def subplots(
    rows: int = 1,
    columns: int = 1,
    figsize: tuple[float, float] | None = None,
    layout: Any = None,
    **options: Any,
) -> tuple[Figure, Any]:
    """A figure with axes, as pyplot's, without pyplot: no window, and whatever backend the user has chosen.

    Panels that share an axis have its numbers all the same, each of them, since a phone shows one below the other.
    """
    figure = Figure(figsize=figsize, layout=layout)
    axes = figure.subplots(rows, columns, **options)
    for axis in figure.axes:
        axis.yaxis.set_tick_params(labelleft=True)
    return figure, axes


def slug(text: str) -> str:
    """A name that files and links can carry; other texts get other names.

    >>> slug("hea-cz-ring"), slug("0.5*Z0+X1"), slug("0.5*Z0-X1")
    ('hea-cz-ring', '0-5-Z0-X1-98e8', '0-5-Z0-X1-bcac')
    """
    kept = re.sub(r"[^A-Za-z0-9]+", "-", text)[:_LONGEST]
    return kept if kept == text else f"{kept.strip('-')}-{hashlib.sha256(text.encode()).hexdigest()[:4]}"


def plain(text: str) -> str:
    """A name that users supply, kept from being read as mathematics."""
    return printable(text).replace("$", r"\$")


def groups(data: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows by ensemble and observable, in the order in which these come."""
    keys = dict.fromkeys(zip(data["ensemble"], data["observable"], strict=True))
    return {key: data[(data["ensemble"] == key[0]) & (data["observable"] == key[1])] for key in keys}


def group_title(ensemble: str, observable: str) -> str:
    """What a panel of such rows is called."""
    return plain(f"{WORDS.get(ensemble, ensemble)}, {in_words(observable)}")


def estimates(
    axis: Axes, at: Any, line: pd.DataFrame, key: str, colour: Any, size: float = 4, unit: Any = 1.0, zero: Any = 0.0
) -> None:
    """Estimates of a statistic with the intervals that decide, less ``zero`` and in a unit; hollow: no agreement."""
    value = line[key]
    low, high = line[f"{key}_low"], line[f"{key}_high"]
    bars = np.array([(value - low) / unit, (high - value) / unit])  # matplotlib 3.9 takes a Series for a number
    axis.errorbar(at, (value - zero) / unit, yerr=bars, fmt="none", elinewidth=1, color=colour)
    scatter_verdicts(axis, at, (value - zero) / unit, line[f"{key}_verdict"], colour, size)


def lines(panel: pd.DataFrame, by: str, along: str) -> Iterator[tuple[int, pd.DataFrame]]:
    """One sorted frame for each value of a column."""
    for value in sorted(set(panel[by])):
        yield int(value), panel[panel[by] == value].sort_values(along)


def colours(values: Iterable[int]) -> dict[int, tuple[float, float, float]]:
    """A colour for each value, told apart in grey too."""
    ordered = sorted(set(values))
    return dict(zip(ordered, sns.color_palette("viridis", len(ordered)), strict=True))


def panels(rows: int, columns: int, height: float, **options: Any) -> tuple[Figure, Any]:
    """A grid of axes, 3.3 inches wide each, with room for a legend to the right."""
    return subplots(rows, columns, figsize=(3.3 * columns + 1.2, height), squeeze=False, **options)


def dodged(values: pd.Series[Any], index: int, count: int) -> pd.Series[Any]:
    """Sizes moved apart on a logarithmic axis, so that bars of several lines do not cover each other."""
    factor: float = 2.0 ** (0.11 * (index - (count - 1) / 2))
    return values * factor


def scatter_verdicts(axis: Axes, x: Any, y: Any, verdicts: pd.Series[str], colour: Any, size: float = 5) -> None:
    """Filled where the verdict is agree, hollow where it is not."""
    agrees = np.array(verdicts == "agree")
    axis.plot(np.array(x)[agrees], np.array(y)[agrees], "o", color=colour, markersize=size)
    axis.plot(np.array(x)[~agrees], np.array(y)[~agrees], "o", color=colour, markersize=size, markerfacecolor="white")


def outside(axis: Axes, at: Any, values: Any, colour: Any, **look: Any) -> None:
    """Triangles on the edge of an axis where a curve leaves it, or in the middle of one that is never in it."""
    at, values = np.asarray(at, dtype=float), np.asarray(values, dtype=float)
    low, high = axis.get_ylim()
    for edge, out, marker in ((low, values < low, "v"), (high, values > high, "^")):
        if out.any():
            ends = [i for i in range(len(out)) if out[i] and not (out[max(i - 1, 0)] and out[min(i + 1, len(out) - 1)])]
            for index in ends or [len(out) // 2]:
                axis.plot(at[index], edge, marker, color=colour, markersize=4, clip_on=False, zorder=4, **look)


def margin_band(axis: Axes, margin: float) -> None:
    """The band about 1 in which an estimate over its prediction counts as agreement."""
    axis.axhspan(1 - margin, 1 + margin, color="0.88", zorder=0)
    axis.axhline(1.0, color="0.4", linewidth=0.8, zorder=1)


def legend(
    figure: Figure, axis: Axes, colour: dict[int, Any], name: str, styles: dict[str, dict[str, Any]] | None = None
) -> None:
    """Colours and line styles to the right of an axis, without frames."""
    handles = [
        Line2D([], [], color=c, marker="o", markersize=4, linestyle="", label=f"{name} = {v}")
        for v, c in colour.items()
    ]
    handles += [Line2D([], [], color="0.3", label=label, **style) for label, style in (styles or {}).items()]
    axis.legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)


def plain_ticks(axis: Axes, values: Iterable[int]) -> None:
    """Label the sizes that were drawn, not powers of ten; fewer where they crowd."""
    ordered = sorted(set(values))
    shown = ordered[:: -(-len(ordered) // 6)]
    axis.set_xticks(shown, [str(v) for v in shown])
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.minorticks_off()


def plain_values(axis: Axes) -> None:
    """Label round values of a logarithmic y axis as plain numbers, as many as there is room for."""
    low, high = np.log(axis.get_ylim())
    shown: list[float] = []
    for value in _ROUND:
        at = (np.log(value) - low) / (high - low)
        if 0 <= at <= 1 and all(abs(np.log(value / other)) / (high - low) > _ROOM for other in shown):
            shown.append(value)
    if 2 <= len(shown) <= _MOST and _PLAIN[0] <= min(shown) and max(shown) <= _PLAIN[1]:
        axis.set_yticks(shown)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
