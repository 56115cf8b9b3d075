"""Holm's step-down for three-way verdicts: the level at which a family of independent intervals is read.

Each interval is cut by edges, those of every margin that its estimate is held against; it is settled at a level if it
holds none of them. Bonferroni reads N intervals at α/N. Step-down starts there and spends what settled intervals no
longer need: with r of N settled at the present level, the level becomes α/(N - r), until nothing more settles. All
verdicts of the family are read at the last level.

Every statement errs with probability at most α that any verdict is wrong, if estimates are independent and normal
about their truths. Call a verdict wrong at level a if an edge lies between the truth and the interval. Let u, v >= 0 be
the distances from the truth to the edges about it in standard errors, z(a) the two-sided normal quantile and Q the
normal tail. A wrong verdict at level a has probability f(a) = Q(u + z(a)) + Q(v + z(a)), and an interval that is not
rightly settled at level α has probability h = min(1, Q(u - z(α)) + Q(v - z(α))). For a <= α

    f(a) <= a h,

because Q(u + z(a)) <= 2 Q(z(a)) Q(u - z(α)): it holds at u = 0, and the ratio of the two sides falls with u, as the
hazard rate of Q grows. If any verdict is wrong, then for some interval k it is already wrong at the level that the
*other* rightly settled intervals lead to, which is at most α/(1 + number of others not rightly settled at α) and
independent of k. With J the indicators of intervals not rightly settled at α, all errors together have probability at
most α Σ_k E[J_k / (1 + Σ_{i≠k} J_i)] = α E[Σ_k J_k / Σ_i J_i] <= α. (For one edge each, that is Shaffer's theorem on
directional errors of Holm's procedure, Ann. Stat. 8, 1342 (1980).)
"""

from __future__ import annotations

from collections.abc import Sequence


def step_down_level(settling: Sequence[float], error: float) -> float:
    """The level at which every interval of a family is read.

    Args:
        settling: for each interval the smallest level at which it holds no edge, in [0, 1].
        error: α, probability of any wrong verdict in the family.

    >>> step_down_level([0.5, 0.4], 0.01)  # nothing settles: Bonferroni
    0.005
    >>> step_down_level([1e-9, 0.007, 0.4], 0.01)
    0.005
    >>> step_down_level([1e-9, 0.004, 0.4], 0.01)
    0.01
    """
    if not settling:
        return error
    settled = 0
    for p in sorted(settling)[:-1]:
        if p >= error / (len(settling) - settled):
            break
        settled += 1
    return error / (len(settling) - settled)
