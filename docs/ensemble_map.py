"""Train the networks of docs/ensembles.md, and write its tables and figure. From the repository, about four minutes on
two cores: python docs/ensemble_map.py. With --draw the figure and the verdicts alone, from
docs/ensemble_map.csv."""

import csv
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import TwoSlopeNorm

from qntk.validation.diagnosis.trained_ensembles import Cell, flow_over_frozen, study

HERE = Path(__file__).parent
TABLE = HERE / "ensemble_map.csv"
SIZES = {2: ((4, 1000), (16, 1000), (64, 1000)), 4: ((16, 1000), (64, 1000), (256, 1000), (400, 600)),
         6: ((64, 800), (256, 400), (1024, 200))}  # fmt: skip
CELLS = [
    Cell(n, L, data, label, networks)
    for n, sizes in SIZES.items()
    for L, networks in sizes
    for data in (1, 3)
    for label in (0.2, 0.7)
]
LAWS = ("frozen", "dressed", "flow")
MARK = {"agree": "●", "disagree": "×", "inconclusive": ""}


def main() -> None:
    """Train unless told not to; then draw."""
    if "--draw" not in sys.argv:
        start, rows = time.perf_counter(), []
        for cell in CELLS:
            rows += [row.to_dict() for row in study(cell, seed=20261125)]
            print(f"{time.perf_counter() - start:6.0f} s  {cell}", flush=True)
        with TABLE.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    with TABLE.open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    draw(found)
    if "--draw" not in sys.argv:
        fill("depth", without_training())
    fill("tables", tables(found))


def fill(name: str, text: str) -> None:
    """Put a text between its marks in the page."""
    page = HERE / "ensembles.md"
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    head, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(head + begin + text + end + rest.split(end)[1], encoding="utf-8")


def without_training() -> str:
    """The flow's variance over the frozen law's, at infinite depth, over qubits and size of labels."""
    labels = (0.1, 0.2, 0.4, 0.7)
    told = [f"| n | data | {' | '.join(f'labels {y}' for y in labels)} |", "|---" * (2 + len(labels)) + "|"]
    for n in (4, 6, 8, 10):
        for data in (1, 3):
            found = [flow_over_frozen(n, data, label, seed=20261125) for label in labels]
            told.append(f"| {n} | {data} | {' | '.join(f'{value:.2f} ± {error:.2f}' for value, error in found)} |")
    return "\n".join(told) + "\n"


def draw(rows: list[dict[str, str]]) -> None:
    """Variance of trained networks over each law's at the last step, a panel a law."""
    last = max(int(r["step"]) for r in rows)
    columns = [(n, L) for n, sizes in SIZES.items() for L, _ in sizes]
    lines = [(1, 0.2), (3, 0.2), (1, 0.7), (3, 0.7)]
    figure, axes = plt.subplots(3, 1, figsize=(8.4, 6.2), sharex=True, layout="constrained")
    for axis, law in zip(axes, LAWS, strict=True):
        grid = np.full((len(lines), len(columns)), np.nan)
        for r in rows:
            if r["law"] != law or int(r["step"]) != last:
                continue
            at = (
                lines.index((int(r["data"]), float(r["label"]))),
                columns.index((int(r["qubits"]), int(r["parameters"]))),
            )
            grid[at] = float(r["variance"]) / float(r["variance_law"])
            axis.text(
                at[1], at[0], f"{grid[at]:.2f} {MARK[r['variance_verdict']]}", ha="center", va="center", fontsize=8
            )
        image = axis.imshow(np.log2(grid), aspect="auto", cmap="RdBu_r", norm=TwoSlopeNorm(0, -1.5, 1.5))
        axis.set_yticks(range(len(lines)), [f"{m} dat{'um' if m == 1 else 'a'}, labels {y}" for m, y in lines])
        axis.set_title(f"{law} law", fontsize=10)
    axes[-1].set_xticks(range(len(columns)), [f"n = {n}\nL/D = {L / 2**n:g}" for n, L in columns], fontsize=8)
    figure.colorbar(image, ax=axes, label="log₂ of variance trained / law", shrink=0.6)
    figure.savefig(HERE / "ensemble_map.png", dpi=130, metadata={"Software": None})


def tables(rows: list[dict[str, str]]) -> str:
    """Verdicts counted by size of labels and law, and every cell at the last step."""
    last = max(int(r["step"]) for r in rows)
    told = ["| law | labels | mean | variance | square error |", "|---|---|---|---|---|"]
    for law in LAWS:
        for label in ("0.2", "0.7"):
            of = [r for r in rows if r["law"] == law and r["label"] == label and int(r["step"]) > 0]
            told.append(
                f"| {law} | {label} | "
                + " | ".join(counted(of, k) for k in ("mean", "variance", "square_error"))
                + " |"
            )
    told.append("")
    told += [
        "| n | L/D | data | labels | trained variance | frozen | dressed | flow | trained mean | frozen | flow "
        "| excess kurtosis at the start, after |"
    ]
    told += ["|---" * 12 + "|"]
    cells = list(dict.fromkeys((r["qubits"], r["parameters"], r["data"], r["label"]) for r in rows))
    for cell in cells:
        mine = [r for r in rows if (r["qubits"], r["parameters"], r["data"], r["label"]) == cell]
        by = {r["law"]: r for r in mine if int(r["step"]) == last}
        start = next(r for r in mine if r["step"] == "0")
        f = by["frozen"]
        variances = [shown(by[law]["variance_law"], MARK[by[law]["variance_verdict"]]) for law in LAWS]
        means = [f"{float(by[law]['mean_law']):.3f}" for law in ("frozen", "flow")]
        own = f"{shown(f['variance'])} ± {shown(f['variance_error'])}"
        columns = [
            cell[0],
            f"{float(f['ratio']):g}",
            cell[2],
            cell[3],
            own,
            *variances,
            f"{float(f['mean']):.3f}",
            *means,
        ]
        told.append(f"| {' | '.join(columns)} | {short(start)}, {short(f)} |")
    return "\n".join(told) + "\n"


def shown(number: str, mark: str = "") -> str:
    """Two digits and a verdict's mark."""
    return f"{float(number):.2g} {mark}".strip()


def counted(rows: list[dict[str, str]], what: str) -> str:
    """Three numbers."""
    return " / ".join(str(sum(r[f"{what}_verdict"] == v for r in rows)) for v in ("agree", "disagree", "inconclusive"))


def short(row: dict[str, str]) -> str:
    """Excess kurtosis, in brackets where normality is rejected."""
    kurtosis = f"{float(row['kurtosis']):.2f}"
    return f"[{kurtosis}]" if row["gaussian"] == "rejected" else kurtosis


if __name__ == "__main__":
    main()
