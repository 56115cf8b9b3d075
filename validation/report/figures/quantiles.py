"""The figure of quantiles: draws over law, with the band that holds all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from qntk.theory import KernelLaw
from qntk.theory.haar.distribution import KernelDistribution
from qntk.validation.judge.quantile_bands import Float, band, ranks
from qntk.validation.report.figures.style import plain, subplots
from qntk.validation.report.results import CellResult
from qntk.validation.report.words import in_words
from qntk.validation.sweep.config import HAAR_LAYERS

CONFIDENCE = 0.99
_NARROW = 4
"""Quantiles that span less are shown on a linear axis."""
_WIDTH = 0.25
"""Half height of a panel; the extremes scatter more."""


def shown_cells(results: Sequence[CellResult]) -> list[CellResult]:
    """Of each observable the Haar layers with most qubits, at the smallest and the largest L.

    Those of which K alone was drawn, if there are any.
    """
    haar = [r for r in results if r.cell.ensemble == HAAR_LAYERS]
    results = [r for r in haar if r.cell.quantities == ("kernel",)] or haar
    chosen = []
    for observable in dict.fromkeys(r.cell.observable for r in results):
        cells = [r for r in results if r.cell.observable == observable]
        largest = [r for r in cells if r.cell.qubits == max(r.cell.qubits for r in cells)]
        largest.sort(key=lambda r: r.cell.parameters)
        chosen += [largest[0], *([largest[-1]] if len(largest) > 1 else [])]
    return chosen


def quantile_figure(results: Sequence[CellResult]) -> Figure:
    """One panel a cell, two to an observable: ordered draws over the law's quantiles, against the latter."""
    return panel_figure(results, _panel, "draws over law", sharey=True)


def panel_figure(
    results: Sequence[CellResult], draw: Callable[[Axes, CellResult], None], label: str, **options: Any
) -> Figure:
    """A panel a cell, in two rows and in the order of the columns, drawn by a function.

    Args:
        results: of the cells.
        draw: draws one of them.
        label: of the y axes.
        options: for the subplots.
    """
    count = len(results)
    columns = -(-count // 2) if count > 2 else count
    rows = -(-count // columns)
    made: tuple[Figure, Any] = subplots(
        rows, columns, figsize=(3.1 * columns + 0.6, 2.5 * rows), squeeze=False, layout="constrained", **options
    )
    figure, axes = made
    order = [axes[i % rows][i // rows] for i in range(rows * columns)]
    for axis, result in zip(order, results, strict=False):
        draw(axis, result)
    for axis in order[count:]:
        axis.set_visible(False)
    for axis in order[:count]:
        axis.set_ylabel(label)
    sns.despine(figure)
    return figure


def title(result: CellResult) -> str:
    """Which cell a panel is of."""
    cell = result.cell
    size = f"{cell.layers} layers" if cell.layers else f"L = {cell.parameters}"
    return f"{plain(in_words(cell.observable))}, n = {cell.qubits}, {size}"


def quantile_table(result: CellResult) -> pd.DataFrame:
    """Order statistics of a cell's draws, those of the law, and the ends of the band, one row a probability."""
    draws = result.summary.draws
    middle, low, high = _quantiles(result.law, draws)
    probabilities = ranks(draws) / (draws + 1)
    columns = {"probability": probabilities, "draws": result.order, "law": middle, "band_low": low, "band_high": high}
    return pd.DataFrame(columns)


@lru_cache(maxsize=64)  # some seconds for all cells that are shown, in a figure and in a table
def _quantiles(law: KernelLaw, draws: int) -> tuple[Float, Float, Float]:
    distribution = KernelDistribution(law)
    low, high = band(draws, 1 - CONFIDENCE)
    middle = distribution.quantiles(ranks(draws) / (draws + 1))
    return middle, distribution.quantiles(low), distribution.quantiles(high)


def _panel(axis: Axes, result: CellResult) -> None:
    table, mean = quantile_table(result), result.law.mean().value
    middle = table["law"]
    axis.fill_between(middle / mean, table["band_low"] / middle, table["band_high"] / middle, color="0.85")
    axis.axhline(1.0, color="0.4", linewidth=0.8)
    ratio, colour = table["draws"] / middle, sns.color_palette()[0]
    axis.plot(middle / mean, ratio, "o", markersize=2.5, color=colour)
    for edge, beyond, marker in ((1 - _WIDTH, ratio < 1 - _WIDTH, "v"), (1 + _WIDTH, ratio > 1 + _WIDTH, "^")):
        for at in (middle / mean)[beyond]:
            axis.plot(at, edge, marker, color=colour, markersize=4, clip_on=False)
    axis.set(xscale="log", ylim=(1 - _WIDTH, 1 + _WIDTH), xlabel=r"quantile over $\bar K$, logarithmic")
    axis.xaxis.set_minor_formatter(NullFormatter())
    if middle.iloc[-1] < _NARROW * middle.iloc[0]:
        axis.set(xscale="linear", xlabel=r"quantile over $\bar K$")
    elif middle.iloc[-1] < 30 * middle.iloc[0]:
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_title(title(result), fontsize="small")
