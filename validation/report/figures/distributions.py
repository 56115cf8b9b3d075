"""The figures of K's distribution: densities over the law's, and the distance of every cell from it."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qntk.theory.haar.distribution import KernelDistribution
from qntk.validation.judge.claims import Margins
from qntk.validation.judge.quantile_bands import ranks
from qntk.validation.report.figures.quantiles import panel_figure, title
from qntk.validation.report.figures.style import (
    EXACT,
    colours,
    dodged,
    estimates,
    legend,
    lines,
    outside,
    panels,
    plain,
    plain_ticks,
)
from qntk.validation.report.results import CellResult
from qntk.validation.report.words import in_words

_LEAST = 0.01
"""Share of the draws in the smallest bin."""
_SHOWN = (0.001, 0.995)


def density_figure(results: Sequence[CellResult]) -> Figure:
    """One panel a cell: the law's density of K/K̄, and a histogram of the draws with bins between order statistics."""
    return panel_figure(results, _density, r"density of $K/\bar K$")


def _density(axis: Axes, result: CellResult) -> None:
    law, mean = KernelDistribution(result.law), result.law.mean().value
    fractions = ranks(result.summary.draws) / result.summary.draws
    chosen = [0]
    for index, fraction in enumerate(fractions):
        if fraction - fractions[chosen[-1]] >= _LEAST:
            chosen.append(index)
    edges = np.array(result.order)[chosen] / mean
    axis.stairs(np.diff(fractions[chosen]) / np.diff(edges), edges, fill=True, color="0.8")
    low, high = law.quantiles(_SHOWN)
    at = np.linspace(low, high, 300)
    density = law.pdf(at) * mean
    axis.plot(at / mean, density, color=matplotlib.colormaps["viridis"](0.25), **EXACT)
    axis.set(xlabel=r"$K/\bar K$", xlim=(0, high / mean), ylim=(0, 1.25 * float(np.median(np.sort(density)[-30:]))))
    outside(axis, at / mean, density, matplotlib.colormaps["viridis"](0.25))
    axis.set_title(title(result), fontsize="small")


def distance_figure(haar: pd.DataFrame, margins: Margins) -> Figure:
    """One panel an observable: the sup distance of each cell's draws from the exact law, against L."""
    observables = list(dict.fromkeys(haar["observable"]))
    colour = colours(haar["qubits"])
    figure, axes = panels(1, len(observables), 3.0, sharey=True, layout="constrained")
    for axis, observable in zip(axes[0], observables, strict=True):
        panel = haar[haar["observable"] == observable]
        axis.axhspan(0, margins.distribution, color="0.88", zorder=0)
        for index, (n, line) in enumerate(lines(panel, "qubits", "parameters")):
            estimates(axis, dodged(line["parameters"], index, len(colour)), line, "distribution", colour[n])
        axis.set(xscale="log", xlabel="parameters $L$", title=plain(in_words(observable)), ylim=(0, None))
        plain_ticks(axis, panel["parameters"])
        axis.set_ylabel(r"distance, $\sup|F_n-F|$")
    legend(figure, axes[0, -1], colour, "n")
    return figure
