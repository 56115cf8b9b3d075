"""Figures of estimates over predictions: ansätze against depth, the dQNTK and K between two inputs against L."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qntk.validation.judge.claims import Margins
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.report.figures.style import (
    DOTTED,
    colours,
    dodged,
    estimates,
    group_title,
    groups,
    legend,
    lines,
    margin_band,
    panels,
    plain_ticks,
    plain_values,
)

_SYMBOLS = {"mean": "mean", "variance": "variance", "relative_std": r"$\Delta K/\bar K$"}


def depth_figure(data: pd.DataFrame, margins: Margins) -> Figure:
    """An ansatz with one observable: three moments over the exact law and the distance to it, against depth."""
    colour = colours(data["qubits"])
    figure, axes = panels(2, 2, 5.6, sharex=True, gridspec_kw={"hspace": 0.18, "wspace": 0.24})
    for axis, statistic in zip(axes.ravel(), MOMENTS, strict=False):
        margin_band(axis, getattr(margins, statistic))
        for qubits, line in lines(data, "qubits", "layers"):
            exact = line[f"{statistic}_law"]
            axis.plot(
                line["layers"], line[statistic] / exact, color=colour[qubits], linewidth=1, zorder=2.1
            )  # over the markers
            estimates(axis, line["layers"], line, statistic, colour[qubits], 5, unit=exact)
            own = own_limit(line, statistic)
            if own is not None:
                axis.plot(line["layers"], own / exact, color=colour[qubits], **DOTTED)
        axis.set(xscale="log", yscale="log", title=f"{_SYMBOLS[statistic]} over the exact law")
        plain_values(axis)
    last = axes[1, 1]
    last.axhspan(0, margins.distribution, color="0.88", zorder=0)
    for qubits, line in lines(data, "qubits", "layers"):
        last.plot(line["layers"], line["distribution"], color=colour[qubits], linewidth=1)
        estimates(last, line["layers"], line, "distribution", colour[qubits])
    last.set(xscale="log", ylim=(0, None), title=r"distance $\sup|F_n-F|$ to the exact law")
    for axis in axes[1]:
        axis.set_xlabel("layers")
        plain_ticks(axis, data["layers"].astype(int))
    figure.suptitle(group_title(data["ensemble"].iloc[0], data["observable"].iloc[0]), y=0.97)
    named = own_name(data)
    legend(figure, last, colour, "n", {named: DOTTED} if named else None)
    return figure


def own_limit(line: pd.DataFrame, statistic: str) -> pd.Series | None:
    """What an ansatz's own group or, of the mean, its orbits say of one number of qubits; None if that is Haar's."""
    group = line.get(f"{statistic}_own")
    if group is not None and group.notna().all():
        return group
    orbit = line.get(f"{statistic}_orbit")
    if orbit is None or orbit.isna().any() or np.allclose(orbit, line[f"{statistic}_law"], rtol=1e-9, atol=0):
        return None
    return orbit


def own_name(data: pd.DataFrame) -> str:
    """What the dotted lines of a depth figure are; empty where there is none."""
    if "mean_own" in data and bool(data["mean_own"].notna().any()):
        return "own group"
    drawn = any(own_limit(line, "mean") is not None for _, line in lines(data, "qubits", "layers"))
    return "own limit" if drawn else ""


def claims_figure(data: pd.DataFrame, quantity: str, statistics: dict[str, str]) -> Figure:
    """Columns are ensembles and observables, rows statistics: how far estimates are off the law, against L.

    Args:
        data: rows of ``tables.frame`` with this quantity.
        quantity: ``dqntk`` or ``cross_kernel``.
        statistics: of it, and what each is called.

    In units of the margin, so that what lies between -1 and 1 agrees.
    """
    drawn = groups(data)
    colour = colours(data["qubits"])
    figure, axes = panels(
        len(statistics), len(drawn), 0.9 + 2.1 * len(statistics), sharex="col", sharey="row", layout="constrained"
    )
    for row, (statistic, name) in zip(axes, statistics.items(), strict=True):
        key = f"{quantity}_{statistic}"
        for axis, panel in zip(row, drawn.values(), strict=True):
            for index, (n, line) in enumerate(lines(panel, "qubits", "parameters")):
                at, law = dodged(line["parameters"], index, len(colour)), line[f"{key}_law"]
                unit = line[f"{key}_margin"] * law.abs().where(line[f"{key}_kind"] == "relative", 1.0)
                estimates(axis, at, line, key, colour[n], unit=unit, zero=law)
            axis.axhspan(-1, 1, color="0.88", zorder=0)
            axis.axhline(0, color="0.4", linewidth=0.8, zorder=1)
            axis.set(xscale="log")
            plain_ticks(axis, panel["parameters"])
        for axis in row:
            axis.set_ylabel(f"{name}\noff by, in margins")
    for axis, group in zip(axes[0], drawn, strict=True):
        axis.set_title(group_title(*group))
    for axis in axes[-1]:
        axis.set_xlabel("parameters $L$")
    legend(figure, axes[0, -1], colour, "n")
    return figure
