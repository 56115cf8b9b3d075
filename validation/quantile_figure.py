"""The figure of quantiles: draws over law, with the band that holds all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from theory.distribution import KernelDistribution
from validation.quantile_bands import band, ranks
from validation.results import CellResult

CONFIDENCE = 0.99
_WIDTH = 0.25
"""Half height of a panel; the extremes scatter more."""


def extreme_cells(results: Sequence[CellResult]) -> list[CellResult]:
    """Of each observable the cells with most qubits, at the smallest and the largest L."""
    chosen = []
    for observable in dict.fromkeys(r.cell.observable for r in results):
        cells = [r for r in results if r.cell.observable == observable]
        largest = [r for r in cells if r.cell.qubits == max(r.cell.qubits for r in cells)]
        largest.sort(key=lambda r: r.cell.parameters)
        chosen += [largest[0], *([largest[-1]] if len(largest) > 1 else [])]
    return chosen


def quantile_figure(results: Sequence[CellResult]) -> Figure:
    """One panel a cell, two to an observable: ordered draws over the law's quantiles, against the latter."""
    columns = -(-len(results) // 2) if len(results) > 2 else len(results)
    rows = -(-len(results) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.1 * columns + 0.6, 2.5 * rows), squeeze=False, sharey=True)
    order = [axes[i % rows][i // rows] for i in range(rows * columns)]
    for axis, result in zip(order, results, strict=False):
        _panel(axis, result)
    for axis in order[len(results) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel("draws over law")
    figure.tight_layout()
    sns.despine(figure)
    return figure


def _panel(axis: Axes, result: CellResult) -> None:
    law, cell = KernelDistribution(result.law), result.cell
    draws = result.summary.draws
    probabilities = ranks(draws) / (draws + 1)
    low, high = band(draws, 1 - CONFIDENCE)
    middle = law.quantiles(probabilities)
    mean = result.law.mean().value
    axis.fill_between(middle / mean, law.quantiles(low) / middle, law.quantiles(high) / middle, color="0.85")
    axis.axhline(1.0, color="0.4", linewidth=0.8)
    axis.plot(middle / mean, np.array(result.order) / middle, "o", markersize=2.5, color=sns.color_palette()[0])
    size = f"{cell.layers} layers" if cell.layers else f"L = {cell.parameters}"
    axis.set(xscale="log", ylim=(1 - _WIDTH, 1 + _WIDTH), xlabel=r"quantile over $\bar K$")
    axis.xaxis.set_minor_formatter(NullFormatter())
    if middle[-1] < 30 * middle[0]:
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_title(f"{cell.observable}, n = {cell.qubits}, {size}", fontsize="small")
