"""The figure of fitted exponents: how ΔK/K̄ and Δμ go with L, beside what each law gives over the same sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qntk.validation.report.figures.style import EXACT, PUBLISHED, panels, plain
from qntk.validation.report.words import in_words

_MATHEMATICS = {"ΔK/K̄": r"$\Delta K/\bar K$", "Δμ": r"$\Delta\mu$"}
_SHAPES = ("o", "s", "^", "D", "v")
_APART = 0.09
"""Between points of one number of qubits."""


def exponent_figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """One panel a quantity, the exponent in L against n; rows of ``tables.trend_rows``."""
    quantities = list(dict.fromkeys(row["of"] for row in rows))
    observables = list(dict.fromkeys(row["observable"] for row in rows))
    windows = list(dict.fromkeys(row["window"] for row in rows))
    colour = dict(zip(observables, sns.color_palette("colorblind", len(observables)), strict=True))
    shape = dict(zip(windows, _SHAPES * len(windows), strict=False))
    figure, axes = panels(1, len(quantities), 3.1)
    for axis, quantity in zip(axes[0], quantities, strict=True):
        those = [row for row in rows if row["of"] == quantity]
        lines = list(dict.fromkeys((row["observable"], row["window"]) for row in those))
        for index, (observable, window) in enumerate(lines):
            line = [row for row in those if (row["observable"], row["window"]) == (observable, window)]
            shift = _APART * (index - (len(lines) - 1) / 2)
            at = [int(row["at"].split("=")[1]) + shift for row in line]
            fitted = [row["exponent"] for row in line]
            axis.plot(at, [e.predicted["exact"] for e in fitted], color=colour[observable], **EXACT, zorder=1)
            axis.errorbar(
                at, [e.best for e in fitted],
                yerr=[[e.best - e.interval[0] for e in fitted], [e.interval[1] - e.best for e in fitted]],
                fmt=shape[window], markersize=4.5, elinewidth=1, color=colour[observable],
            )  # fmt: skip
        published = {row["exponent"].predicted.get("asymptotic") for row in those} - {None}
        for value in {round(float(v), 6) for v in published if v is not None}:
            axis.axhline(value, color="0.3", **PUBLISHED)
        axis.set(
            xlabel="qubits $n$", ylabel=f"exponent of {_MATHEMATICS.get(quantity, quantity)} in $L$",
            xticks=sorted({int(row["at"].split("=")[1]) for row in those}),
        )  # fmt: skip
    handles = [
        Line2D([], [], color=colour[o], marker="o", markersize=4.5, linestyle="", label=plain(in_words(o)))
        for o in observables
    ]
    handles += [
        Line2D([], [], color="0.3", marker=shape[w], markersize=4.5, linestyle="", label=f"L = {w[0]} to {w[1]}")
        for w in windows
    ]
    handles += [Line2D([], [], color="0.3", label="exact law", **EXACT)]
    handles += [Line2D([], [], color="0.3", label="published law", **PUBLISHED)]
    axes[0, -1].legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    sns.despine(figure)
    return figure
