"""How deep an ansatz must be to reach the exact law of Haar layers, read off the rows of ``verdicts.json``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qntk.sampling import CATALOGUE
from qntk.validation.judge.estimates import MOMENTS
from qntk.validation.sweep.config import HAAR_LAYERS

Row = dict[str, Any]


@dataclass(frozen=True)
class Reach:
    """An ansatz with one observable, on one number of qubits.

    Attributes:
        ensemble, observable, qubits: which.
        parameters, layers: from here on all deeper circuits agree in mean, variance and ΔK/K̄; None if none does.
        deepest: row by statistic, of the deepest circuit, against the exact law.
        own: the same against the law of the group that the ansatz is confined to; empty if that is the unitary one.
        why: what confines it, if that is known.
        orbit: row on the deepest circuit's mean against the deep limit of the ansatz; None where that is Haar's, not
            known, or there is a group in ``own``.
        limit: parameters, layers from here on the mean of all deeper circuits agrees with it; None if none does.
    """

    ensemble: str
    observable: str
    qubits: int
    parameters: int | None
    layers: int | None
    deepest: dict[str, Row]
    own: dict[str, Row]
    why: str
    orbit: Row | None = None
    limit: tuple[int, int | None] | None = None

    @property
    def apart(self) -> bool:
        """Whether even the deepest circuit disagrees with the law."""
        return any(row["verdict"] == "disagree" for row in self.deepest.values())

    @property
    def own_text(self) -> str:
        """What its own group's law says of the deepest circuit; empty if there is none."""
        rows = list(self.own.values()) or ([self.orbit] if self.orbit else [])
        if not rows:
            return ""
        verdicts = {row["verdict"] for row in rows}
        told = "disagrees" if "disagree" in verdicts else "open" if "inconclusive" in verdicts else "agrees"
        return f"{rows[0]['group'] if self.own else 'mean of orbits'}: {told}"


def reaches(verdicts: Sequence[Row], symmetric: Sequence[Row], orbit: Sequence[Row] = ()) -> list[Reach]:
    """One for each ansatz, observable and number of qubits, in the order of the rows."""
    groups: dict[tuple[str, str, int], dict[int, dict[str, Row]]] = {}
    for row in verdicts:
        if row["ensemble"] != HAAR_LAYERS and row["quantity"] == "kernel" and row["regime"] == "exact":
            where = groups.setdefault((row["ensemble"], row["observable"], row["qubits"]), {})
            where.setdefault(row["parameters"], {})[row["statistic"]] = row
    return [_reach(key, cells, symmetric, orbit) for key, cells in groups.items()]


def depth(reach: Reach) -> str:
    """``64 layers``, or for circuits without layers ``L = 256``."""
    return f"{reach.layers} layers" if reach.layers else f"L = {reach.parameters}"


def _reach(
    key: tuple[str, str, int], cells: dict[int, dict[str, Row]], symmetric: Iterable[Row], orbit: Iterable[Row]
) -> Reach:
    joined: int | None = None
    for parameters in sorted(cells, reverse=True):
        if any(cells[parameters][s]["verdict"] != "agree" for s in MOMENTS):
            break
        joined = parameters
    end = max(cells)
    own = {
        row["statistic"]: row
        for row in symmetric
        if (row["ensemble"], row["observable"], row["qubits"], row["parameters"]) == (*key, end)
    }
    limits = {r["parameters"]: r for r in orbit if (r["ensemble"], r["observable"], r["qubits"]) == key}
    apart = not own and any(
        not math.isclose(row["prediction"], cells[parameters]["mean"]["prediction"], rel_tol=1e-9)
        for parameters, row in limits.items()
    )
    joins = None
    for parameters in sorted(limits, reverse=True):
        if limits[parameters]["verdict"] != "agree":
            break
        joins = parameters
    return Reach(
        *key,
        parameters=joined,
        layers=None if joined is None else cells[joined]["mean"]["layers"],
        deepest={statistic: cells[end][statistic] for statistic in MOMENTS},
        own=own,
        why=CATALOGUE[key[0]].symmetry if key[0] in CATALOGUE else "",
        orbit=limits.get(end) if apart else None,
        limit=(joins, limits[joins]["layers"]) if apart and joins else None,
    )
