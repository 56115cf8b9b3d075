"""Figures of Haar layers: a moment of K against a size, and below it what is left over the exact law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qntk.validation.judge.claims import Margins
from qntk.validation.judge.estimates import Moment
from qntk.validation.report.figures.style import (
    DOTTED,
    EXACT,
    PUBLISHED,
    colours,
    dodged,
    estimates,
    legend,
    lines,
    margin_band,
    outside,
    panels,
    plain,
    plain_ticks,
    plain_values,
)
from qntk.validation.report.words import in_words

SYMBOL: dict[Moment, str] = {"mean": r"$\bar K$", "variance": r"$\Delta K^2$", "relative_std": r"$\Delta K/\bar K$"}
_REGIMES = {"exact": EXACT, "asymptotic": PUBLISHED}


def scaling_figure(haar: pd.DataFrame, statistic: Moment, margins: Margins, along_dimension: bool = False) -> Figure:
    """One column an observable: the moment with the laws, and the moment over the exact law with its margin.

    Args:
        haar: rows of ``tables.frame``, of Haar layers.
        statistic: which moment of K.
        margins: what counts as agreement.
        along_dimension: against D, a line for each L; else against L, a line for each n.
    """
    by, along = ("parameters", "dimension") if along_dimension else ("qubits", "parameters")
    observables = list(dict.fromkeys(haar["observable"]))
    colour = colours(haar[by])
    share = "row" if statistic == "relative_std" else False
    figure, axes = panels(
        2, len(observables), 5.0, sharex="col", sharey=share, gridspec_kw={"height_ratios": [2.4, 1]},
        layout="constrained",
    )  # fmt: skip
    for (top, bottom), observable in zip(axes.T, observables, strict=True):
        panel = haar[haar["observable"] == observable]
        margin_band(bottom, getattr(margins, statistic))
        published: dict[Any, tuple[Any, Any]] = {}
        for index, (value, line) in enumerate(lines(panel, by, along)):
            published[colour[value]] = _curves(top, bottom, line, statistic, along, colour[value])
            at = dodged(line[along], index, len(colour))
            top.plot(line[along], line[statistic], "o", markersize=4, color=colour[value])
            estimates(bottom, at, line, statistic, colour[value], 3, unit=line[f"{statistic}_law"])
        top.set(xscale="log", yscale="log", title=plain(in_words(observable)))
        _window(bottom, panel, statistic, getattr(margins, statistic))
        for shade, curve in published.items():
            outside(bottom, *curve, shade, alpha=0.6)
        bottom.set(xscale="log", xlabel="dimension $D$" if along_dimension else "parameters $L$")
        plain_ticks(bottom, panel[along])
    for axis in axes[0] if not share else axes[0, :1]:
        plain_values(axis)
    for top, bottom in axes.T:
        top.set_ylabel(SYMBOL[statistic])
        bottom.set_ylabel("over exact")
    plateau = statistic == "relative_std" and not along_dimension
    styles = {"exact": EXACT, "published": PUBLISHED} | ({"plateau": DOTTED} if plateau else {})
    legend(figure, axes[0, -1], colour, "L" if along_dimension else "n", styles)
    return figure


def _curves(top: Axes, bottom: Axes, line: pd.DataFrame, statistic: Moment, along: str, colour: Any) -> Any:
    """The laws through one line of cells, and the published one below, which is returned as x and y."""
    if along == "dimension":
        at: Any = line[along]
        values = {regime: np.array(line[f"{statistic}_{regime}"]) for regime in _REGIMES}
    else:
        first = line.iloc[0]
        at = np.unique(np.geomspace(line[along].min(), line[along].max(), 60).round().astype(int))
        laws = [replace(first["law"], parameters=int(L)) for L in at]
        values = {r: np.array([getattr(law, statistic)(r).value for law in laws]) for r in _REGIMES}
        if statistic == "relative_std":
            top.axhline(first["plateau"], color=colour, **DOTTED)
    for regime, style in _REGIMES.items():
        top.plot(at, values[regime], color=colour, **style)
    bottom.plot(at, values["asymptotic"] / values["exact"], color=colour, **PUBLISHED, alpha=0.6)
    return at, values["asymptotic"] / values["exact"]


def _window(axis: Axes, panel: pd.DataFrame, statistic: Moment, margin: float) -> None:
    """Show the margin and every interval, not how far off the published law is."""
    exact = panel[f"{statistic}_law"]
    low = min(1 - 1.5 * margin, float((panel[f"{statistic}_low"] / exact).min()) - margin / 4)
    high = max(1 + 1.5 * margin, float((panel[f"{statistic}_high"] / exact).max()) + margin / 4)
    axis.set_ylim(low, high)
