"""The figure that a report begins with: what was drawn over what each law says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from qntk.validation.judge.claims import Margins
from qntk.validation.report.figures.style import margin_band, panels, plain
from qntk.validation.report.words import in_words
from qntk.validation.sweep.config import HAAR_LAYERS

_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_SHAPES = ("o", "s", "^", "D", "v", "P")
"""Observables and ansätze are told apart by shape too."""


def overview_figure(data: pd.DataFrame, margins: Margins) -> Figure:
    """ΔK/K̄ over the exact law and over the published one in Haar layers, and over the exact law in each ansatz.

    Args:
        data: rows of ``tables.frame``.
        margins: what counts as agreement.
    """
    haar, ansaetze = data[data["ensemble"] == HAAR_LAYERS], data[data["ensemble"] != HAAR_LAYERS]
    count = 2 * (not haar.empty) + (not ansaetze.empty)
    figure, axes = panels(1, count, 2.5, sharey=True, layout="constrained")
    drawn = list(axes[0])
    if not haar.empty:
        for axis, regime, name in zip(drawn, ("exact", "asymptotic"), ("exact", "published"), strict=False):
            _haar(axis, haar, regime)
            axis.set(title=f"Haar layers over the {name} law", xlabel="parameters over dimension, $L/D$")
    if not ansaetze.empty:
        _ansaetze(drawn[-1], ansaetze)
        drawn[-1].set(title="ansätze over the exact law")
    low, high = zip(*(axis.dataLim.intervaly for axis in drawn), strict=True)
    for axis in drawn:
        margin_band(axis, margins.relative_std)
        axis.set(xscale="log", yscale="log", ylim=(min(0.8, min(low) / 1.15), max(1.25, max(high) * 1.15)))
        axis.yaxis.set_major_locator(FixedLocator(_TICKS))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_ylabel(r"$\Delta K/\bar K$, drawn over law")
    sns.despine(figure)
    return figure


def _haar(axis: Axes, haar: pd.DataFrame, regime: str) -> None:
    names = list(dict.fromkeys(haar["observable"]))
    for name, (colour, shape) in zip(names, _looks(len(names)), strict=True):
        rows = haar[haar["observable"] == name]
        axis.plot(
            rows["parameters"] / rows["dimension"], rows["relative_std"] / rows[f"relative_std_{regime}"], shape,
            color=colour, markersize=4, alpha=0.8, label=plain(in_words(name)),
        )  # fmt: skip
    axis.set_xscale("log")
    if regime == "exact":
        axis.legend(frameon=False, fontsize="small", loc="upper left")


def _ansaetze(axis: Axes, data: pd.DataFrame) -> None:
    """One line for each number of qubits, which stands at its end; filled where the verdict is agree."""
    names = list(dict.fromkeys(zip(data["ensemble"], data["observable"], strict=True)))
    along = "layers" if data["layers"].notna().all() else "parameters"
    for (ensemble, observable), (colour, shape) in zip(names, _looks(len(names)), strict=True):
        rows = data[(data["ensemble"] == ensemble) & (data["observable"] == observable)]
        for qubits in sorted(set(rows["qubits"])):
            line = rows[rows["qubits"] == qubits].sort_values(along)
            at, ratio = np.array(line[along], dtype=float), np.array(line["relative_std"] / line["relative_std_exact"])
            agrees = np.array(line["relative_std_verdict"] == "agree")
            axis.plot(at, ratio, color=colour, linewidth=0.8, alpha=0.6)
            axis.plot(at[agrees], ratio[agrees], shape, color=colour, markersize=4)
            axis.plot(at[~agrees], ratio[~agrees], shape, color=colour, markersize=4, markerfacecolor="white")
            axis.annotate(
                f"{qubits}", (at[0], ratio[0]), (-4, 0), textcoords="offset points", ha="right", va="center",
                fontsize="x-small", color=colour,
            )  # fmt: skip
    several = len({observable for _, observable in names}) > 1
    handles = [
        Line2D([], [], color=c, marker=m, markersize=4, linewidth=0.8, label=plain(f"{e}, {o}" if several else e))
        for (e, o), (c, m) in zip(names, _looks(len(names)), strict=True)
    ]
    axis.legend(handles=handles, frameon=False, fontsize="small", loc="upper right")
    axis.set(xscale="log", xlabel=f"{along}; the number at a line is $n$")


def _looks(count: int) -> Iterable[tuple[Any, str]]:
    colours = sns.color_palette("colorblind", count)
    return [(colours[at], _SHAPES[at % len(_SHAPES)]) for at in range(count)]
