"""The figures of a scaling report. Points are Monte Carlo, lines are theory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter
from tqdm import tqdm

from theory import KernelLaw
from validation.config import HAAR_LAYERS
from validation.quantile_bands import POINTS
from validation.quantile_figure import CONFIDENCE, extreme_cells, quantile_figure
from validation.results import SweepResults
from validation.tables import frame

_EXACT: dict[str, Any] = {"linestyle": "-", "linewidth": 1.4}
_PUBLISHED: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 1.2}
_PLATEAU: dict[str, Any] = {"linestyle": ":", "linewidth": 1.2}


def save_figures(results: SweepResults, directory: Path) -> dict[str, str]:
    """Write every figure that the results allow as SVG and PNG; names and captions, in order."""
    data = frame(results)
    laws = {(r.cell.observable, r.cell.qubits, r.cell.parameters): r.law for r in results.cells}
    return write_figures(tqdm(_figures(data, laws, results), desc="drawing figures", unit="figure"), directory)


def write_figures(figures: Iterable[tuple[str, str, Figure]], directory: Path) -> dict[str, str]:
    """Write figures, given with name and caption, as SVG and PNG in one style; names and captions, in order.

    They must be drawn while they are asked for, as a generator does: the style is set here.
    """
    directory.mkdir(parents=True, exist_ok=True)
    sns.set_theme(context="paper", style="ticks", font_scale=1.05, rc={"svg.hashsalt": "qntk"})
    captions: dict[str, str] = {}
    for name, caption, figure in figures:
        for suffix in ("svg", "png"):
            metadata = {"Date": None} if suffix == "svg" else {}
            figure.savefig(directory / f"{name}.{suffix}", dpi=160, bbox_inches="tight", metadata=metadata)
        plt.close(figure)
        captions[name] = caption
    return captions


Laws = dict[tuple[str, int, int], KernelLaw]


def _figures(data: pd.DataFrame, laws: Laws, results: SweepResults) -> Iterator[tuple[str, str, Figure]]:
    haar = data[data["ensemble"] == HAAR_LAYERS]
    if not haar.empty:
        yield (
            "concentration",
            "Relative fluctuation ΔK/K̄ of Haar layers against the number of parameters L. Points: Monte Carlo (bars: "
            "one standard error, mostly smaller than the marker). Solid: exact law. Dashed: the published 1/√L law. "
            "Dotted: the exact plateau at L → ∞, where concentration ends.",
            _against_l(haar, laws, "relative_std", r"$\Delta K/\bar K$"),
        )
        yield (
            "mean-parameters",
            "Mean kernel K̄ of Haar layers against L. Solid: exact law; dashed: published leading order.",
            _against_l(haar, laws, "mean", r"$\bar K$"),
        )
        yield (
            "mean-dimension",
            "Mean kernel K̄ of Haar layers against the Hilbert-space dimension D. Solid: exact law; dashed: "
            "published leading order.",
            _against_d(haar),
        )
        plain = [r for r in results.cells if r.cell.ensemble == HAAR_LAYERS and r.cell.quantities == ("kernel",)]
        if plain:
            yield (
                "quantiles",
                "Quantiles of K in Haar layers: ordered draws over the exact law's quantiles, for the most qubits, the "
                f"fewest and the most parameters. Band: holds all {POINTS} points of a panel at once with probability "
                f"{CONFIDENCE:.0%} if the law is right.",
                quantile_figure(extreme_cells(plain)),
            )
    for ensemble in dict.fromkeys(data.loc[data["ensemble"] != HAAR_LAYERS, "ensemble"]):
        subset = data[data["ensemble"] == ensemble]
        for index, observable in enumerate(dict.fromkeys(subset["observable"])):
            suffix = f"-{index}" if index else ""
            panel = subset[subset["observable"] == observable]
            own = panel["mean_own"].notna().any()
            note = " Dotted: the law of the group that this ansatz is confined to, whatever its depth." if own else ""
            yield (
                f"depth-{ensemble}{suffix}",
                f"Ansatz {ensemble}, observable {observable}: mean and variance of K over the exact Haar-layer law "
                "against depth. Bars: the intervals that decide the verdicts. Band: the margin. Filled "
                f"markers agree, hollow ones do not (yet).{note}",
                _depth(panel, results),
            )


def _lines(panel: pd.DataFrame, by: str, along: str) -> Iterator[tuple[int, pd.DataFrame]]:
    """One sorted frame for each value of a column."""
    for value in sorted(set(panel[by])):
        yield int(value), panel[panel[by] == value].sort_values(along)


def _colours(values: list[int]) -> dict[int, tuple[float, float, float]]:
    return dict(zip(values, sns.color_palette("viridis", len(values)), strict=True))


def _panels(count: int, height: float = 3.4, share: bool = False) -> tuple[Figure, list[Axes]]:
    figure, axes = plt.subplots(1, count, figsize=(3.3 * count + 1.2, height), squeeze=False, sharey=share)
    return figure, list(axes[0])


def _against_l(haar: pd.DataFrame, laws: Laws, column: str, label: str) -> Figure:
    observables = list(dict.fromkeys(haar["observable"]))
    colours = _colours(sorted(set(haar["qubits"])))
    figure, axes = _panels(len(observables), share=column == "relative_std")
    for axis, observable in zip(axes, observables, strict=True):
        panel = haar[haar["observable"] == observable]
        for qubits, line in _lines(panel, "qubits", "parameters"):
            law = laws[observable, qubits, int(line["parameters"].iloc[0])]
            grid = np.unique(np.geomspace(line["parameters"].min(), line["parameters"].max(), 60).round().astype(int))
            curves = [KernelLaw(int(L), law.observable, law.generator) for L in grid]
            pick: Callable[[KernelLaw, Any], float] = lambda c, r: getattr(c, column)(r).value  # noqa: E731
            colour = colours[qubits]
            axis.plot(grid, [pick(c, "exact") for c in curves], color=colour, **_EXACT)
            axis.plot(grid, [pick(c, "asymptotic") for c in curves], color=colour, **_PUBLISHED)
            if column == "relative_std":
                axis.axhline(line["plateau"].iloc[0], color=colour, **_PLATEAU)
                error = line[column] * line["relative_std_log_se"]
            else:
                error = (line["mean_high"] - line["mean_low"]) / 2
            axis.errorbar(
                line["parameters"],
                line[column],
                yerr=error,
                fmt="o",
                markersize=4,
                color=colour,
                elinewidth=1,
            )
        axis.set(xscale="log", yscale="log", xlabel="parameters $L$", title=observable)
        _plain_ticks(axis, sorted(set(panel["parameters"])))
    axes[0].set_ylabel(label)
    if column == "relative_std":
        _plain_values(axes[0], [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5])
    _legend(figure, axes[-1], colours, plateau=column == "relative_std")
    return figure


def _against_d(haar: pd.DataFrame) -> Figure:
    observables = list(dict.fromkeys(haar["observable"]))
    colours = _colours(sorted(set(haar["parameters"])))
    figure, axes = _panels(len(observables))
    for axis, observable in zip(axes, observables, strict=True):
        panel = haar[haar["observable"] == observable]
        for parameters, line in _lines(panel, "parameters", "dimension"):
            colour = colours[parameters]
            axis.plot(line["dimension"], line["mean_exact"], color=colour, **_EXACT)
            axis.plot(line["dimension"], line["mean_asymptotic"], color=colour, **_PUBLISHED)
            axis.plot(line["dimension"], line["mean"], "o", markersize=4, color=colour)
        axis.set(xscale="log", yscale="log", xlabel="dimension $D$", title=observable)
        _plain_ticks(axis, sorted(set(panel["dimension"])))
    axes[0].set_ylabel(r"$\bar K$")
    _legend(figure, axes[-1], colours, name="L")
    return figure


def _depth(data: pd.DataFrame, results: SweepResults) -> Figure:
    colours = _colours(sorted(set(data["qubits"])))
    figure, axes = _panels(2, height=3.6)
    margins = results.config.margin
    for axis, statistic, margin in zip(axes, ("mean", "variance"), (margins.mean, margins.variance), strict=True):
        axis.axhspan(1 - margin, 1 + margin, color="0.85", zorder=0)
        axis.axhline(1.0, color="0.4", linewidth=0.8)
        for qubits, line in _lines(data, "qubits", "layers"):
            colour = colours[qubits]
            exact = line[f"{statistic}_exact"]
            ratio = line[statistic] / exact
            errors = [ratio - line[f"{statistic}_low"] / exact, line[f"{statistic}_high"] / exact - ratio]
            axis.errorbar(line["layers"], ratio, yerr=errors, color=colour, linewidth=1, elinewidth=1, fmt="-")
            agrees = line[f"{statistic}_verdict"] == "agree"
            axis.plot(line["layers"][agrees], ratio[agrees], "o", color=colour, markersize=5)
            axis.plot(
                line["layers"][~agrees],
                ratio[~agrees],
                "o",
                color=colour,
                markersize=5,
                markerfacecolor="white",
            )
            if line[f"{statistic}_own"].notna().all():
                axis.plot(line["layers"], line[f"{statistic}_own"] / exact, color=colour, **_PLATEAU)
        axis.set(xscale="log", yscale="log", xlabel="layers", title=f"{statistic} of $K$ over the exact law")
        _plain_ticks(axis, sorted(set(data["layers"].astype(int))))
        _plain_values(
            axis,
            [0.7, 1, 1.5, 2, 3, 5, 10, 30, 100] if statistic == "variance" else [0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 3, 5],
        )
    figure.suptitle(f"{data['ensemble'].iloc[0]}, observable {data['observable'].iloc[0]}", y=1.02)
    handles = [Line2D([], [], color=c, marker="o", markersize=4, label=f"n = {n}") for n, c in colours.items()]
    _finish(figure, axes[-1], handles)
    return figure


def _legend(figure: Figure, axis: Axes, colours: dict[int, Any], plateau: bool = False, name: str = "n") -> None:
    handles = [
        Line2D([], [], color=c, marker="o", markersize=4, linestyle="", label=f"{name} = {v}")
        for v, c in colours.items()
    ]
    handles += [
        Line2D([], [], color="0.3", label="exact", **_EXACT),
        Line2D([], [], color="0.3", label="published", **_PUBLISHED),
    ]
    if plateau:
        handles.append(Line2D([], [], color="0.3", label="plateau", **_PLATEAU))
    _finish(figure, axis, handles)


def _finish(figure: Figure, axis: Axes, handles: list[Line2D]) -> None:
    """The legend to the right of the last panel, and no frames."""
    axis.legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)


def _plain_ticks(axis: Axes, values: list[int]) -> None:
    """Label the sizes that were drawn, not powers of ten; every other one where they crowd."""
    shown = values if len(values) <= 6 else values[::2]
    axis.set_xticks(shown, [str(v) for v in shown])
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.minorticks_off()


def _plain_values(axis: Axes, values: list[float]) -> None:
    """Label those of the values that the axis shows, as plain numbers."""
    low, high = axis.get_ylim()
    axis.set_yticks([v for v in values if low <= v <= high])
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
