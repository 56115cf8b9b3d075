"""What a report calls statistics, regimes, ensembles, quantities and observables."""

from __future__ import annotations

from qntk.validation.judge.claims import Quantity
from qntk.validation.sweep.config import HAAR_LAYERS

WORDS: dict[str, str] = {
    "relative_std": "ΔK/K̄",
    "second_moment": "second moment",
    "asymptotic": "published",
    HAAR_LAYERS: "Haar layers",
}
"""A statistic, regime or ensemble that is not called by its own name."""
QUANTITIES: dict[Quantity, str] = {"kernel": "K", "cross_kernel": "K between two inputs", "dqntk": "dQNTK μ"}
_CHAINS = {"tfim": "Ising chain", "xxz": "XXZ chain"}


def several(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)


def in_words(observable: str) -> str:
    """An observable's specification as a reader says it; what has no words of its own is left as it is.

    >>> in_words("tfim:J=1,h=1"), in_words("tfim:J=2,periodic=1"), in_words("projector:rank=1"), in_words("Z0")
    ('Ising chain, J = h = 1', 'Ising chain, J = 2, periodic', 'projector of rank 1', 'Z0')
    """
    name, _, options = observable.strip().partition(":")
    values = dict(option.split("=", 1) for option in options.replace(" ", "").split(",") if "=" in option)
    if name == "projector":
        return f"projector of rank {values.get('rank', '1')}"
    if name not in _CHAINS:
        return observable
    periodic = values.pop("periodic", "0") not in ("0", "0.0")
    by_value: dict[str, list[str]] = {}
    for letter, value in values.items():
        by_value.setdefault(value, []).append(letter)
    told = [f"{' = '.join(letters)} = {value}" for value, letters in by_value.items()]
    return ", ".join([_CHAINS[name], *told, *(["periodic"] if periodic else [])])
