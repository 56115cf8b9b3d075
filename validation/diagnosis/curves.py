"""Figures of training step by step, of inference, and of eigenmodes; and what all figures of a study share."""

from __future__ import annotations

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qntk.validation.diagnosis.findings import interval95
from qntk.validation.diagnosis.seed import ModelDiagnosis
from qntk.validation.diagnosis.study import Study
from qntk.validation.report.figures.style import subplots

DASHED = (0, (4, 2))
FLOOR = 1e-9
"""Losses below this are not shown."""
SHORTEST = 0.3
"""Decay times that are predicted to be shorter, in steps, are not shown: one step ends these modes."""
PREDICTED = Line2D([], [], color="0.3", linestyle=DASHED, label="predicted")


def palette(study: Study) -> dict[str, tuple[float, float, float]]:
    """A colour for each model, in order."""
    names = list(dict.fromkeys(m.network.name for m in study.models))
    return dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))


def at_depths(study: Study, name: str) -> list[ModelDiagnosis]:
    """A model at its depths, the shallowest first."""
    return sorted((m for m in study.models if m.network.name == name), key=lambda m: m.network.depth)


def legend(study: Study, figure: Figure, axis: Axes, *extra: Line2D) -> None:
    """The models to the right of the last panel, and no frames."""
    handles = [Line2D([], [], color=c, marker="o", markersize=4, label=n) for n, c in palette(study).items()]
    axis.legend(handles=[*handles, *extra], frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)


def training_figure(study: Study) -> Figure:
    """Loss against the step, trained and predicted, a panel a model."""
    names = palette(study)
    depths = sorted({m.network.depth for m in study.models})
    colours = dict(zip(depths, sns.color_palette("viridis", len(depths)), strict=True))
    figure, axes = subplots(
        1, len(names), figsize=(2.9 * len(names) + 1, 3.0), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, name in zip(axes[0], names, strict=True):
        for model in at_depths(study, name):
            chosen = [s for s in model.seeds if not s.diverged] or model.seeds
            t = np.arange(len(chosen[0].run.outputs))
            for outputs, style in (([d.run.outputs for d in chosen], "-"), ([d.predicted for d in chosen], DASHED)):
                losses = np.array([d.loss_of(f) for d, f in zip(chosen, outputs, strict=True)])
                curve = np.exp(np.log(np.maximum(losses, 1e-300)).mean(axis=0))
                shown = np.where(curve > FLOOR, curve, np.nan)
                axis.plot(t + 1, shown, linestyle=style, color=colours[model.network.depth], linewidth=1.2)
        axis.set(xscale="log", yscale="log", xlabel="step + 1", title=name)
    for axis in axes[0]:
        axis.set_ylabel(f"loss ({study.config.loss})")
    handles = [Line2D([], [], color=c, label=f"depth {d}") for d, c in colours.items()]
    axes[0][-1].legend(handles=[*handles, PREDICTED], frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)
    return figure


def inference_figure(study: Study) -> Figure:
    """Outputs on all points for the deepest models, a panel each."""
    names, data = palette(study), study.data
    order = np.argsort(data.shown)
    figure, axes = subplots(
        1, len(names), figsize=(2.9 * len(names) + 1.6, 3.0), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (name, colour) in zip(axes[0], names.items(), strict=True):
        model = at_depths(study, name)[-1]
        outputs = np.array(
            [d.run.outputs[-1] for d in model.seeds if not d.diverged] or [model.seeds[0].run.outputs[0]]
        )
        limits = [d.inference for d in model.seeds if d.inference is not None]
        mean, spread = outputs.mean(axis=0), outputs.std(axis=0)
        axis.fill_between(
            data.shown[order], (mean - spread)[order], (mean + spread)[order], color=colour, alpha=0.25, linewidth=0
        )
        axis.plot(data.shown[order], mean[order], color=colour, linewidth=1.3)
        if limits:
            axis.plot(data.shown[order], np.mean(limits, axis=0)[order], linestyle=DASHED, color="0.3", linewidth=1.2)
        axis.plot(data.shown[data.training], data.labels[data.training], "x", color="0.1", markersize=5)
        axis.plot(
            data.shown[~data.training], data.labels[~data.training], "o", color="0.1", markersize=4,
            markerfacecolor="white",
        )  # fmt: skip
        r2 = interval95(model.values(lambda d: d.r2(d.run.outputs[-1], False)))[0]
        axis.set(xlabel=data.axes[0], title=f"{name}, depth {model.network.depth}\n$R^2$ on test {r2:.2f}")
    for axis in axes[0]:
        axis.set_ylabel(data.axes[1])
    handles = [
        Line2D([], [], color="0.1", marker="x", linestyle="", label="training label"),
        Line2D([], [], color="0.1", marker="o", markerfacecolor="white", linestyle="", label="test label"),
        Line2D([], [], color="0.4", label="trained model"),
        PREDICTED,
    ]
    axes[0][-1].legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)
    return figure


def modes_figure(study: Study) -> Figure:
    """Decay time of each mode, seen against predicted, for the shallowest and the deepest."""
    names = palette(study)
    depths = sorted({m.network.depth for m in study.models})
    shown = dict.fromkeys((depths[0], depths[-1]))
    figure, axes = subplots(
        1,
        len(shown),
        figsize=(3.6 * len(shown) + 1, 3.3),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    most = 1.6 * (study.config.steps + 1)
    for axis, depth in zip(axes[0], shown, strict=True):
        for name, colour in names.items():
            model = study.at(name, depth)
            for d in model.seeds if model is not None else []:
                expected, seen, counts = d.mode_times
                counts = counts & np.isfinite(expected) & (expected >= SHORTEST)
                found = np.isfinite(seen)
                axis.plot(expected[counts & found], seen[counts & found], "o", markersize=2.5, color=colour, alpha=0.7)
                missed = expected[counts & ~found]
                axis.plot(missed, np.full(len(missed), most), "^", markersize=3.5, color=colour, alpha=0.7)
        axis.plot([SHORTEST, most], [SHORTEST, most], color="0.6", linewidth=0.8, zorder=0)
        axis.set(
            xscale="log",
            yscale="log",
            xlim=(0.8 * SHORTEST, 2 * most),
            xlabel="predicted decay time (steps)",
            title=f"depth {depth}",
        )
    for axis in axes[0]:
        axis.set_ylabel("seen decay time (steps)")
    legend(study, figure, axes[0][-1])
    return figure


def sharpness_figure(study: Study) -> Figure:
    """ηλ_max/2 of the deepest models against the step, a colour a rate; below, where it ends, against the rate."""
    names, multiples = palette(study), sorted({run.multiple for run in study.sharpness})
    depths = sorted({run.network.depth for run in study.sharpness})
    colours = dict(zip(multiples, sns.color_palette("viridis", len(multiples)), strict=True))
    shades = dict(zip(depths, ("0.55", "0.1"), strict=False)) if len(depths) > 1 else {depths[0]: "0.1"}
    figure, axes = subplots(
        2, len(names), figsize=(2.9 * len(names) + 1.4, 5.6), sharey=True, sharex="row", squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for (course, ends), name in zip(axes.T, names, strict=True):
        for run in (r for r in study.sharpness if r.network.name == name):
            low, middle, high = np.quantile(run.sharpness, [0.25, 0.5, 0.75], axis=0)
            depth = run.network.depth
            if depth == depths[-1]:
                course.fill_between(run.steps + 1, low, high, color=colours[run.multiple], alpha=0.2, linewidth=0)
                course.plot(run.steps + 1, middle, color=colours[run.multiple], linewidth=1.2)
            bars = [[middle[-1] - low[-1]], [high[-1] - middle[-1]]]
            filled = shades[depth] if 2 * run.settled.sum() >= len(run.settled) else "white"
            at = run.multiple + 0.03 * depths.index(depth)
            ends.errorbar(
                [at], [middle[-1]], yerr=bars, fmt="o", markersize=4.5, color=shades[depth],
                markerfacecolor=filled, elinewidth=1,
            )  # fmt: skip
        ends.plot([0, multiples[-1]], [0, multiples[-1]], color="0.6", linestyle=DASHED, linewidth=0.8, zorder=0)
        for axis in (course, ends):
            axis.axhline(1, color="0.6", linewidth=0.8, zorder=0)
        course.set(xscale="log", xlabel="step + 1", title=f"{name}, depth {depths[-1]}", ylim=(0, None))
        ends.set(xlabel=r"$\eta$ in units of $2/\lambda_{\max}(0)$")
    axes[0][0].set_ylabel(r"$\eta\lambda_{\max}(t)/2$")
    axes[1][0].set_ylabel(r"$\eta\lambda_{\max}/2$ at the end")
    rates = [Line2D([], [], color=c, label=rf"$\eta = {m:g}\cdot 2/\lambda_{{\max}}(0)$") for m, c in colours.items()]
    marks = [
        Line2D([], [], color=c, marker="o", markersize=4.5, linestyle="", label=f"depth {d}") for d, c in shades.items()
    ]
    marks += [
        Line2D([], [], color="0.1", marker="o", markerfacecolor="white", linestyle="", label="most do\nnot settle"),
        Line2D([], [], color="0.6", linestyle=DASHED, linewidth=0.8, label="kernel unmoved"),
    ]
    for row, handles in zip(axes, (rates, marks), strict=True):
        row[-1].legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)
    return figure
