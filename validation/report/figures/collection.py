"""Which figures a report has, what they are called, and which of them shows a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure
from tqdm.auto import tqdm

from qntk.validation.judge.quantile_bands import POINTS
from qntk.validation.report.figures.distributions import density_figure, distance_figure
from qntk.validation.report.figures.exponents import exponent_figure
from qntk.validation.report.figures.map import NEAR, map_figure
from qntk.validation.report.figures.overview import overview_figure
from qntk.validation.report.figures.quantiles import CONFIDENCE, quantile_figure, shown_cells
from qntk.validation.report.figures.ratios import claims_figure, depth_figure, own_name
from qntk.validation.report.figures.scaling import scaling_figure
from qntk.validation.report.figures.style import groups, slug, write_figures
from qntk.validation.report.results import SweepResults
from qntk.validation.report.tables import frame, trend_rows
from qntk.validation.report.words import in_words
from qntk.validation.sweep.config import HAAR_LAYERS

_MOMENT_FIGURES = {"relative_std": "concentration", "mean": "mean", "variance": "variance"}
_BELOW = (
    " Below: estimates over the exact law with the intervals that decide the verdicts; grey: the margin; hollow: not "
    "(yet) in agreement; dashed: the published law over the exact one, a triangle where it leaves the panel."
)


def save_figures(results: SweepResults, directory: Path, suffixes: tuple[str, ...] = ("svg", "png")) -> dict[str, str]:
    """Write every figure that the results allow, one file a suffix; names and captions, in order."""
    return write_figures(tqdm(_figures(results), desc="drawing figures", unit="figure"), directory, suffixes)


def figure_of(ensemble: str, observable: str, quantity: str, statistic: str, along: str = "L") -> str:
    """Name of the figure that shows a verdict.

    Args:
        ensemble, observable: of the cell or family.
        quantity: ``kernel``, ``cross_kernel`` or ``dqntk``.
        statistic: such as ``mean``; of an exponent that of which it is one, ``std`` for ΔK.
        along: ``D`` for an exponent in D.
    """
    if quantity != "kernel" or statistic == "dqntk":
        return "between-inputs" if quantity == "cross_kernel" else "dqntk"
    if ensemble != HAAR_LAYERS:
        return f"depth-{slug(ensemble)}-{slug(observable)}"
    if statistic == "distribution":
        return "distances"
    name = _MOMENT_FIGURES["variance" if statistic == "std" else statistic]
    return f"{name}-dimension" if along == "D" else name


def _figures(results: SweepResults) -> Iterator[tuple[str, str, Figure]]:
    data, margins = frame(results), results.config.margin.margins()
    yield (
        "overview",
        "The relative fluctuation ΔK/K̄ that was drawn, over what a law says; 1 is right, grey the margin. Ansätze are "
        "held against the law of Haar layers, filled where they agree.",
        overview_figure(data, margins),
    )
    if trends := trend_rows(results):
        yield (
            "exponents",
            "Fitted exponents in L, with the intervals that decide the verdicts, against the number of qubits. Solid: "
            "the exact law, fitted over the same sizes. Dashed: the published law. Shapes: the sizes of the fit.",
            exponent_figure(trends),
        )
    yield (
        "concentration-map",
        "Relative fluctuation ΔK/K̄ over the number of parameters L and the number of qubits. Background: the exact law "
        "of Haar layers; markers: Monte Carlo, in the same colours, so that one that stands out is off the law; their "
        "shape is the verdict. Numbers at the right end: the plateau at L → ∞. Dashed: from here on ΔK/K̄ is within "
        f"{NEAR:.0%} of it, and more parameters hardly help.",
        map_figure(data),
    )
    haar = data[data["ensemble"] == HAAR_LAYERS]
    if not haar.empty:
        yield (
            "concentration",
            "Relative fluctuation ΔK/K̄ of Haar layers against the number of parameters L. Points: Monte Carlo. Solid: "
            "exact law. Dashed: the published 1/√L law. Dotted: the exact plateau at L → ∞, where concentration ends."
            + _BELOW,
            scaling_figure(haar, "relative_std", margins),
        )
        for statistic, name in (("mean", "Mean kernel K̄"), ("variance", "Variance ΔK²")):
            yield (
                statistic,
                f"{name} of Haar layers against L. Solid: exact law; dashed: published leading order." + _BELOW,
                scaling_figure(haar, statistic, margins),  # type: ignore[arg-type]
            )
        for statistic, name in (("relative_std", "ΔK/K̄"), ("mean", "Mean kernel K̄"), ("variance", "Variance ΔK²")):
            yield (
                f"{_MOMENT_FIGURES[statistic]}-dimension",
                f"{name} of Haar layers against the Hilbert-space dimension D. Solid: exact law; dashed: published."
                + _BELOW,
                scaling_figure(haar, statistic, margins, along_dimension=True),  # type: ignore[arg-type]
            )
        yield (
            "distances",
            "Largest distance between the distribution of the draws and that of the exact law, for every cell of Haar "
            "layers, with its interval; grey: the margin. Some distance is left by chance, less with more draws.",
            distance_figure(haar, margins),
        )
        shown = shown_cells(results.cells)
        yield (
            "densities",
            "Densities of K/K̄ in Haar layers, for the most qubits, the fewest and the most parameters. Grey: histogram "
            "of the draws, its bins between their quantiles; line: the exact law, with a triangle where it leaves.",
            density_figure(shown),
        )
        yield (
            "quantiles",
            "Quantiles of K in the same cells: ordered draws over the exact law's quantiles. Band: holds all "
            f"{POINTS} points of a panel at once with probability {CONFIDENCE:.0%} if the law is right. Triangles: "
            "points beyond the axis.",
            quantile_figure(shown),
        )
    if "dqntk_mean" in data:
        drawn = data[data["dqntk_mean"].notna()]
        statistics = {"mean": r"E $\mu$", "second_moment": r"E $\mu^2$"}
        yield (
            "dqntk",
            "The dQNTK μ: how far the mean and the second moment are off the exact law (or, where none is known, its "
            "leading form), in units of the margin: what lies in the grey band agrees.",
            claims_figure(drawn, "dqntk", statistics),
        )
    if "cross_kernel_mean" in data:
        drawn = data[data["cross_kernel_mean"].notna()]
        yield (
            "between-inputs",
            "K between two inputs: how far its mean is off the exact law, in units of the margin.",
            claims_figure(drawn, "cross_kernel", {"mean": r"E $K(x,x')$"}),
        )
    ansaetze = data[data["ensemble"] != HAAR_LAYERS]
    for (ensemble, observable), panel in groups(ansaetze).items():
        note = {
            "own group": " Dotted: the law of the group that this ansatz is confined to, whatever its depth.",
            "own limit": " Dotted: where orbits of Pauli strings say that this ansatz's mean goes in depth.",
        }.get(own_name(panel), "")
        yield (
            figure_of(ensemble, observable, "kernel", "mean"),
            f"Ansatz {ensemble}, observable {in_words(observable)}: mean, variance and ΔK/K̄ over the exact law of "
            "Haar layers, and the distance of K's distribution from it, against depth. Bars: the intervals that decide "
            f"the verdicts; grey: the margin; hollow: not (yet) in agreement.{note}",
            depth_figure(panel, margins),
        )
