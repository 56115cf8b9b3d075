"""Figures of single-datum training in random circuits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from qntk.theory.training.one_datum import flow_one
from qntk.validation.diagnosis.curves import DASHED
from qntk.validation.diagnosis.random_training import RandomTraining
from qntk.validation.diagnosis.transition import EDGE, LONG, PULL, TARGETS, Transition
from qntk.validation.report.figures.style import plain_values, subplots

Array = NDArray[np.float64]


def random_figure(random: RandomTraining) -> Figure:
    """Mean decay, its spread, and the first-order departure."""
    figure, axes = subplots(1, 3, figsize=(12, 3.2), layout="constrained")
    colours = dict(zip(random.runs, sns.color_palette("colorblind", len(random.runs)), strict=True))
    mean, sd = random.law.mean().value, float(np.sqrt(random.law.variance().value))
    x, step = random.rate * mean, max(1, round(1 / (random.rate * mean)))
    t = np.arange(next(iter(random.runs.values())).ratios.shape[1])
    axes[0].plot(t, (1 - x) ** t, linestyle=DASHED, color="0.3", linewidth=1.2)
    spread = t * random.rate * (1 - x) ** np.maximum(t - 1, 0) * sd
    axes[1].plot(t, spread, linestyle=DASHED, color="0.3", linewidth=1.2)
    every = slice(None, None, max(1, len(t) // 20))
    for name, run in random.runs.items():
        scale = 1 / np.sqrt(len(run.ratios))
        axes[0].errorbar(
            t[every], run.ratios.mean(axis=0)[every], yerr=(run.ratios.std(axis=0) * scale)[every], fmt="o",
            markersize=3.5, color=colours[name], elinewidth=1,
        )  # fmt: skip
        axes[1].plot(t[every], run.ratios.std(axis=0)[every], "o", markersize=3.5, color=colours[name])
        axes[1].plot(t, run.frozen.std(axis=0), color=colours[name], linewidth=1)
        departure, predicted = run.ratios[:, step] - run.frozen[:, step], run.corrected[:, step] - run.frozen[:, step]
        axes[2].plot(predicted, departure, "o", markersize=2, alpha=0.5, color=colours[name])
    ends = np.array(axes[2].get_xlim())
    axes[2].plot(ends, ends, color="0.3", linestyle=DASHED, linewidth=1)
    axes[0].set(
        title="mean residual", xlabel="step $t$", ylabel=r"mean of $\varepsilon(t)/\varepsilon(0)$", yscale="log"
    )
    axes[1].set(title="its spread", xlabel="step $t$", ylabel=r"standard deviation of $\varepsilon(t)/\varepsilon(0)$")
    axes[2].set(title=f"each circuit at step {step}", xlabel="correction by the dQNTK", ylabel="departure from frozen")
    plain_values(axes[0])
    handles = [Line2D([], [], color=c, marker="o", markersize=4, linestyle="", label=n) for n, c in colours.items()]
    handles += [
        Line2D([], [], color="0.3", linestyle=DASHED, label="law"),
        Line2D([], [], color="0.3", linewidth=1, label="frozen, each with\nits own kernel"),
    ]
    return _beside(figure, axes[2], handles)


def breakdown_figure(random: RandomTraining) -> Figure:
    """Residual left and drift of the kernel against the target."""
    figure, axes = subplots(1, 2, figsize=(9.4, 3.2), layout="constrained")
    seen, predicted = sns.color_palette("colorblind", 2)
    _band(axes[0], random.targets, random.reached, seen)
    beyond = np.maximum(random.targets - 1, 0)
    axes[0].plot(random.targets[beyond > 0], beyond[beyond > 0], linestyle=":", color="0.2")
    axes[0].set(yscale="log", title="residual left", ylabel=r"$|\varepsilon|$ after training")
    _band(axes[1], random.targets, random.drift, seen)
    _band(axes[1], random.targets, random.predicted_drift, predicted)
    axes[1].set(title="change of the kernel", ylabel="relative change of $K$", ylim=(0, None))
    for axis in axes:
        _targets(axis, random.targets)
    handles = [
        Line2D([], [], color=seen, marker="o", markersize=4, linewidth=1.2, label="trained"),
        Line2D([], [], color=predicted, marker="o", markersize=4, linewidth=1.2, label="first order,\n2|με₀|/K₀²"),
        Line2D([], [], color="0.2", linestyle=":", label="least possible, y - 1"),
    ]
    return _beside(figure, axes[1], handles)


def transition_figure(transition: Transition) -> Figure:
    """Residual and kernel at the end against the target, and the residual on the way to the edge."""
    figure, axes = subplots(1, 3, figsize=(12, 3.2), layout="constrained")
    depths, steps = transition.judged, round(LONG / PULL)
    colours = sns.color_palette("colorblind", len(depths))
    t = PULL * np.arange(steps + 1)
    grid = np.linspace(min(TARGETS), max(TARGETS), 71)
    for depth, colour in zip(depths, colours, strict=True):
        ends = {y: (np.abs(f[:, -1] - y), depth.kernels[y][:, -1] / depth.strength) for y, f in depth.outputs.items()}
        for axis, which in zip(axes[:2], (0, 1), strict=True):
            means = [ends[y][which].mean() for y in TARGETS]
            errors = [ends[y][which].std() / np.sqrt(len(ends[y][which])) for y in TARGETS]
            axis.errorbar(TARGETS, means, yerr=errors, fmt="o", markersize=4, color=colour, elinewidth=1)
        law = flow_one(np.zeros(len(grid)), grid, PULL, 1.0, steps, depth.correction)
        axes[0].plot(grid, np.abs(law.residual[-1]), color=colour, linewidth=1)
        axes[1].plot(grid, law.kernel[-1], color=colour, linewidth=1)
        axes[2].plot(t[1:], 1 - depth.outputs[EDGE].mean(axis=0)[1:], color=colour, linewidth=2.5, alpha=0.45)
        axes[2].plot(t[1:], -depth.law(EDGE, True).residual.mean(axis=-1)[1:], color=colour, linewidth=1)
    bare = flow_one(np.zeros(len(grid)), grid, PULL, 1.0, steps)
    axes[0].plot(grid, np.abs(bare.residual[-1]), color="0.2", linestyle=DASHED, linewidth=1.2)
    axes[1].plot(grid, bare.kernel[-1], color="0.2", linestyle=DASHED, linewidth=1.2)
    infinite = flow_one(0.0, EDGE, PULL, 1.0, steps)
    axes[2].plot(t[1:], -infinite.residual[1:], color="0.2", linestyle=DASHED, linewidth=1.2)
    axes[0].set(title="residual at the end", yscale="log", ylabel=r"mean $|\varepsilon|$ at $\eta St = 20$")
    axes[1].set(title="kernel at the end", ylabel=r"mean $K/S$ at $\eta St = 20$")
    axes[2].set(
        title="on the way to the edge", xscale="log", yscale="log", xlabel=r"$\eta St$",
        ylabel=r"mean $|\varepsilon|$ for $y = 1$",
    )  # fmt: skip
    axes[2].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    plain_values(axes[2])
    for axis in axes[:2]:
        _targets(axis, TARGETS)
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4, linewidth=1, label=f"L/(2D-2) = {depth.ratio}")
        for depth, colour in zip(depths, colours, strict=True)
    ]
    handles.append(Line2D([], [], color="0.2", linestyle=DASHED, linewidth=1.2, label="infinite depth"))
    return _beside(figure, axes[2], handles)


def _targets(axis: Axes, targets: Iterable[float]) -> None:
    """Ticks at the targets that were trained to, and a line where the spectrum ends."""
    axis.axvline(EDGE, color="0.6", linewidth=0.8, zorder=0)
    axis.set_xlabel("target $y$ (spectrum ends at 1)")
    ticks = sorted(targets, key=lambda target: abs(target - EDGE))  # those that crowd the edge have no number
    apart = 0.08 * (max(ticks) - min(ticks))
    named = [t for i, t in enumerate(ticks) if all(abs(t - other) > apart for other in ticks[:i])]
    axis.set_xticks(ticks, [f"{t:g}" if t in named else "" for t in ticks], fontsize="small")


def _beside(figure: Figure, axis: Axes, handles: list[Line2D]) -> Figure:
    """The legend to the right of the last panel."""
    axis.legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)
    return figure


def _band(axis: Axes, x: Array, values: Array, colour: object) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=1)
    axis.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axis.plot(x, middle, "o-", markersize=4, color=colour, linewidth=1.2)
