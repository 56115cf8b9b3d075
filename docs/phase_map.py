"""Draw docs/phase_map.png: where in (L, n) training is frozen. Run it from the repository: python docs/phase_map.py"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from qntk.theory import OperatorMoments
from qntk.theory.haar.concentration import phase_map

PHASES = {
    "neither": "neither",
    "concentrated": "concentrated, but K moves in training",
    "lazy": "K stays put, but differs between instances",
    "frozen": "frozen: both below 10 %",
}
QUBITS = np.arange(2, 17)
PARAMETERS = np.unique(np.geomspace(1, 10**9, 82).astype(np.int64))


def main() -> None:
    """One panel an observable."""
    sns.set_theme(context="paper", style="ticks", font_scale=1.1)
    colours = ["0.88", *sns.color_palette("colorblind", 3)]
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.8), sharey=True, layout="constrained")
    panels = {"Pauli string": OperatorMoments.from_pauli, "projector of rank 1": OperatorMoments.from_projector}
    for axis, (name, observable) in zip(axes, panels.items(), strict=True):
        result = phase_map(QUBITS.tolist(), PARAMETERS.tolist(), observable, residual=0.2, tolerance=0.1)
        codes = np.vectorize(list(PHASES).index)(result.phase)
        axis.pcolormesh(PARAMETERS, QUBITS, codes, cmap=ListedColormap(colours), vmin=-0.5, vmax=3.5, shading="nearest")
        axis.contour(PARAMETERS, QUBITS, result.rate, levels=[1.0], colors="black", linestyles="--", linewidths=1.2)
        axis.set(xscale="log", xlabel="parameters $L$", title=f"observable: {name}")
    axes[0].set_ylabel("qubits $n$")
    handles = [Patch(color=c, label=label) for c, label in zip(colours, PHASES.values(), strict=True)]
    handles.append(Line2D([], [], color="black", linestyle="--", label=r"$\eta\bar K=1$ at $\eta=1$"))
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=3)
    sns.despine(figure)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
