"""The concentration map: ΔK/K̄ over L and n, what was drawn over what the law says, and where the plateau begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from qntk.validation.report.figures.style import MARKERS, group_title, groups, panels, plain_ticks

NEAR = 0.1
"""A fluctuation within this of its plateau gains little from more parameters."""
_COLOURS = "viridis_r"
_COLUMNS = 3
_GRID = 60
_OUTLINED = [withStroke(linewidth=2.5, foreground="white")]
"""Ink that is read on any colour, in the dark too, where it and its outline change places."""


def map_figure(data: pd.DataFrame) -> Figure:
    """One panel an ensemble and observable; rows of ``tables.frame``."""
    drawn = groups(data)
    columns = min(_COLUMNS, len(drawn))
    rows = -(-len(drawn) // columns)
    figure, axes = panels(rows, columns, 0.6 + 2.7 * rows, layout="constrained")
    grids = {group: _law(panel) for group, panel in drawn.items()}
    shown = np.concatenate([data["relative_std"], *(grid[2].ravel() for grid in grids.values())])
    norm = LogNorm(float(shown.min()), float(shown.max()))
    for axis, (group, panel) in zip(axes.ravel(), drawn.items(), strict=False):
        _panel(axis, panel, grids[group], norm)
        axis.set_title(group_title(*group), fontsize="medium")
    for axis in axes.ravel()[len(drawn) :]:
        axis.set_visible(False)
    for axis in axes.ravel()[: len(drawn)]:
        axis.set_ylabel("qubits $n$,  $D = 2^n$")
    bar = figure.colorbar(ScalarMappable(norm, _COLOURS), ax=axes, label=r"$\Delta K/\bar K$", shrink=0.9, pad=0.02)
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    handles = [
        Line2D([], [], color="black", marker=m, linestyle="", markerfacecolor="0.8", label=f"Monte Carlo, {v}")
        for v, m in MARKERS.items()
        if v in set(data["relative_std_verdict"])
    ]
    handles.append(Line2D([], [], color="black", linestyle="--", label=f"plateau within {NEAR:.0%}"))
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=2)
    return figure


def _law(rows: pd.DataFrame) -> tuple[Any, Any, Any, Any]:
    """Sizes L and n, the exact ΔK/K̄ there, shape (n, L), and its plateau for each n."""
    qubits = sorted(set(rows["qubits"]))
    span = np.geomspace(max(1, rows["parameters"].min() / 2), 4 * rows["parameters"].max(), _GRID)
    sizes = np.unique(span.round().astype(int))
    first = [rows[rows["qubits"] == n].iloc[0] for n in qubits]
    laws = [[replace(row["law"], parameters=int(L)) for L in sizes] for row in first]
    values = np.array([[law.relative_std().value for law in line] for line in laws])
    return sizes, np.array(qubits), values, np.array([row["plateau"] for row in first])


def _panel(axis: Axes, rows: pd.DataFrame, grid: Any, norm: LogNorm) -> None:
    sizes, qubits, values, plateaus = grid
    edges = np.concatenate([sizes[:1], np.sqrt(sizes[1:] * sizes[:-1]), sizes[-1:]])
    for n, line, plateau in zip(qubits, values, plateaus, strict=True):
        axis.pcolormesh(edges, [n - 0.5, n + 0.5], line[None, :], cmap=_COLOURS, norm=norm, rasterized=True)
        near = sizes[line <= (1 + NEAR) * plateau]
        if len(near):
            axis.plot(
                [near[0]] * 2, [n - 0.5, n + 0.5], color="black", linestyle="--", linewidth=1.4, path_effects=_OUTLINED
            )
    for verdict, marker in MARKERS.items():
        some = rows[rows["relative_std_verdict"] == verdict]
        axis.scatter(
            some["parameters"], some["qubits"], c=some["relative_std"], cmap=_COLOURS, norm=norm, marker=marker,
            edgecolors="black", linewidths=0.7, s=34, zorder=3,
        )  # fmt: skip
    for n, plateau in zip(qubits, plateaus, strict=True):
        axis.annotate(
            f"{plateau:#.2g}", (1, n), (-3, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="center", fontsize="x-small", color="black", path_effects=_OUTLINED,
        )  # fmt: skip
    axis.set(xscale="log", xlabel="parameters $L$", yticks=qubits)
    plain_ticks(axis, rows["parameters"])
