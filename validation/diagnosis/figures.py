"""The figures of a study: lines and bands are over seeds, dashed lines are predictions from initialisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from qntk.validation.diagnosis.curves import (
    DASHED,
    FLOOR,
    PREDICTED,
    SHORTEST,
    at_depths,
    inference_figure,
    legend,
    modes_figure,
    palette,
    sharpness_figure,
    training_figure,
)  # fmt: skip
from qntk.validation.diagnosis.findings import interval95
from qntk.validation.diagnosis.random_figures import breakdown_figure, random_figure, transition_figure
from qntk.validation.diagnosis.seed import SeedDiagnosis, Stage
from qntk.validation.diagnosis.study import Study
from qntk.validation.diagnosis.transition import QUBITS
from qntk.validation.report.figures.style import outside, plain_values, subplots, write_figures

Array = NDArray[np.float64]


def save_figures(study: Study, directory: Path) -> dict[str, str]:
    """Write every figure as SVG and PNG; names and captions, in order."""
    return write_figures(_figures(study), directory)


def _figures(study: Study) -> Iterator[tuple[str, str, Figure]]:
    seeds = study.config.seeds
    fraction = (
        f"{study.config.fraction:g} of each seed's critical rate"
        if study.config.learning_rate is None
        else f"η = {study.config.learning_rate:g}"
    )
    yield "dataset", f"{study.data.name}: the points trained on and those kept for testing.", _dataset(study)
    yield (
        "kernel",
        "The kernel at initialisation and the trained models against the number of parameters: smallest eigenvalue, "
        "inverse of the largest, condition number, and R² on the test points after training (dashed: predicted at the "
        f"same step). Points: {seeds} seeds, geometric means (R²: means); bars: Student's t at 95 %.",
        _kernel(study),
    )
    yield (
        "training",
        f"Loss on the training points at {fraction}, geometric means over the seeds that did not diverge. Solid: "
        "training; dashed: predicted from the kernel at initialisation. "
        f"Losses below {FLOOR:g} are not shown.",
        training_figure(study),
    )
    yield (
        "difference",
        "How lazy training was and how good the predictions are, against the number of parameters: mean absolute "
        "difference between predicted and trained outputs at the last step over all points; relative change of the "
        "kernel; the critical rate bisected on real training over 2/λ_max. Bars: 95 % over seeds. Dashed: for the "
        "kernel dressed with the output variance, what its predictions miss, what it leaves of the change, and its "
        "2/λ_max at the labels.",
        _difference(study),
    )
    yield (
        "inference",
        "Outputs on all points for the deepest models. Crosses: labels for training; circles: labels for testing. "
        "Line and band: trained models, mean and standard deviation over seeds. Dashed: long-time prediction from the "
        "kernel at initialisation, mean over seeds.",
        inference_figure(study),
    )
    yield (
        "modes",
        "Steps in which each eigenmode of the residual falls to 1/e, seen against predicted, for every seed of the "
        "deepest and the shallowest models; modes with an initial amplitude above a tenth of the root mean square. "
        f"Triangles: not within the run. Modes that are predicted to end within {SHORTEST:g} steps are left out.",
        modes_figure(study),
    )
    if study.sharpness:
        yield (
            "sharpness",
            "The edge of stability: largest eigenvalue of the kernel, times η/2, in training at multiples of the "
            "frozen critical rate 2/λ_max(0); 1 is the rate's own edge. Medians over seeds, and quartiles. Top: the "
            "deepest. Bottom: where it ends, for the deepest and the shallowest; open points: the loss of most seeds "
            "does not fall to a tenth.",
            sharpness_figure(study),
        )
    if study.random is not None:
        yield (
            "random",
            "One datum in random circuits. Left: mean residual against (1 - ηK̄)^t. Middle: its standard deviation "
            "against tη(1 - ηK̄)^(t-1) ΔK (dashed) and that of (1 - ηK)^t with each circuit's own K (solid). Right: "
            "departure of each circuit from its frozen decay against the first-order correction by its dQNTK.",
            random_figure(study.random),
        )
        yield (
            "breakdown",
            "Where the frozen kernel breaks: the same circuits trained to targets up to and beyond the edge of the "
            "observable's spectrum at 1. Left: residual left after training; frozen theory has it vanish. Right: "
            "relative change of the kernel, and the change that the dQNTK predicts. Lines: medians; bands: quartiles.",
            breakdown_figure(study.random),
        )
        if study.random.transition is not None:
            yield (
                "transition",
                f"What takes over: one datum in Haar layers, n = {QUBITS}, trained for ηSt = 20 to targets through "
                "the edge of the spectrum. Points, and thick lines: means over circuits with standard errors. Dashed: "
                "flow of infinite depth. Thin lines: its first correction in (2D-2)/L (two panels: from f = 0). Right: "
                "at the edge the error falls as 1/t, more slowly in shallower circuits.",
                transition_figure(study.random.transition),
            )


def _dataset(study: Study) -> Figure:
    data = study.data
    figure, axis = subplots(figsize=(4.6, 3.2))
    order = np.argsort(data.shown)
    axis.plot(data.shown[order], data.labels[order], color="0.8", linewidth=1, zorder=0)
    axis.plot(data.shown[data.training], data.labels[data.training], "o", markersize=5, color="0.15", label="training")
    axis.plot(
        data.shown[~data.training], data.labels[~data.training], "o", markersize=5, color="0.15",
        markerfacecolor="white", label="test",
    )  # fmt: skip
    axis.set(xlabel=data.axes[0], ylabel=data.axes[1])
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    sns.despine(figure)
    return figure


def _against(
    study: Study,
    axis: Axes,
    pick: Callable[[SeedDiagnosis], float],
    logarithmic: bool,
    of: Stage = "start",
    style: str = "-",
) -> None:
    for name, colour in palette(study).items():
        line = at_depths(study, name)
        at = [m.network.parameters for m in line]
        middle, low, high = np.array([interval95(m.values(pick, of), logarithmic) for m in line]).T
        axis.plot(at, middle, linestyle=style if style == "-" else DASHED, color=colour, linewidth=1.2)
        if style == "-":
            bars = np.nan_to_num([middle - low, high - middle])
            axis.errorbar(at, middle, yerr=bars, fmt="o", markersize=4, color=colour, elinewidth=1, capsize=2)
    axis.set(xscale="log", xlabel="parameters $L$")
    ticks = sorted({m.network.parameters for m in study.models})
    shown = [t for i, t in enumerate(ticks) if i == 0 or t / ticks[i - 1] > 1.35 or i == len(ticks) - 1]
    axis.set_xticks(shown, [str(t) for t in shown], fontsize=7.5)
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.minorticks_off()


def _log(axis: Axes, title: str) -> None:
    """A logarithmic axis, if there is anything to show: a singular kernel has no λ_min and no κ."""
    shown = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axis.lines])
    if (shown > 0).any():
        axis.set_yscale("log")
        plain_values(axis)
    axis.set(title=title, ylabel="geometric mean over seeds")


def _kernel(study: Study) -> Figure:
    figure, axes = subplots(1, 4, figsize=(13, 3.0), layout="constrained")
    _against(study, axes[0], lambda d: float(d.spectrum[0]) or float("nan"), True)
    _log(axes[0], r"$\lambda_{\min}$")
    _against(study, axes[1], lambda d: 1 / float(d.spectrum[-1]), True)
    _log(axes[1], r"$1/\lambda_{\max}$")
    _against(study, axes[2], lambda d: float(d.spectrum[-1] / d.spectrum[0]) if d.spectrum[0] else float("nan"), True)
    _log(axes[2], r"$\kappa=\lambda_{\max}/\lambda_{\min}$")
    _against(study, axes[3], lambda d: d.r2(d.run.outputs[-1], False), False, "trained")
    _against(study, axes[3], lambda d: d.r2(d.predicted[-1], False), False, "predicted", "--")
    axes[3].axhline(0, color="0.7", linewidth=0.8, zorder=0)
    low, _ = axes[3].get_ylim()
    axes[3].set(title="$R^2$ on test points", ylabel="mean over seeds", ylim=(max(low, -1.5), 1.05))
    for line in [line for line in axes[3].lines if len(line.get_xdata()) == len(study.config.depths)]:
        outside(axes[3], line.get_xdata(), line.get_ydata(), line.get_color())
    legend(study, figure, axes[3], PREDICTED)
    return figure


def _difference(study: Study) -> Figure:
    bisected = study.config.bisect_steps > 0
    figure, axes = subplots(1, 2 + bisected, figsize=(3.4 * (2 + bisected) + 1, 2.6), layout="constrained")
    _against(study, axes[0], lambda d: d.difference("frozen"), False, "predicted")
    _against(study, axes[0], lambda d: d.difference("dressed"), False, "predicted", "--")
    axes[0].set(title="outputs off the predicted", ylabel="in labels, mean of seeds")
    axes[0].set_ylim(bottom=0)
    _against(study, axes[1], lambda d: d.kernel_error("frozen"), False, "trained")
    _against(study, axes[1], lambda d: d.kernel_error("dressed"), False, "trained", "--")
    axes[1].set(title="kernel at the end off the predicted", ylabel=r"over $\|K(0)\|$, mean of seeds")
    axes[1].set_ylim(bottom=0)
    if bisected:
        _against(study, axes[2], lambda d: float(np.sqrt(np.prod(d.run.critical))) / d.critical_rate, True)
        _against(study, axes[2], lambda d: d.dressed_critical_rate / d.critical_rate, True, "start", "--")
        axes[2].axhline(1, color="0.6", linewidth=0.8, zorder=0)
        axes[2].set(title=r"critical rate over $2/\lambda_{\max}$", ylabel="geometric mean of seeds", ylim=(0, None))
    legend(study, figure, axes[-1], Line2D([], [], color="0.3", linestyle=DASHED, label="dressed kernel"))
    return figure
