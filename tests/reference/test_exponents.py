"""Two scaling families of the committed report, drawn and fitted again: exponents, models and sentences.

The levels of their verdicts are the committed ones, which ``test_documents`` checks. Verdicts, the order of the models
and sentences must come out the same to the letter; floats may differ by 1e-6 of themselves, for the reason that
``test_redrawn`` gives, and the parameters of a model by 1e-3: those of a fitted plateau come from an iteration, and
draws that lie on a power law hardly determine them. All seeds are fixed: nothing fails by chance.
"""

from dataclasses import asdict, replace

import numpy as np
import pytest

from qntk.theory import Prediction
from qntk.validation.judge.claims import EXPONENT
from qntk.validation.judge.verdicts import Question
from qntk.validation.scaling.exponents import fit_jointly
from qntk.validation.scaling.families import cell_point
from qntk.validation.scaling.models import compare_models
from qntk.validation.scaling.points import SYMBOLS
from qntk.validation.scaling.statements import statement
from qntk.validation.sweep.cells import scaling_families

BOOTSTRAP = 0xB007
FAMILIES = ((("kernel",), 3), (("kernel", "dqntk"), 2))
"""Haar layers with Z0 over L: what is drawn, and on how many qubits."""


@pytest.fixture(scope="module", params=FAMILIES, ids=["n = 3", "n = 2 with the dQNTK"])
def family(request, cells, columns):
    """A family's number in the sweep, its cells, and its points from new draws."""
    for number, (variables, found) in enumerate(scaling_families(cells)):
        first = found[0]
        kind = variables, first.ensemble, first.observable, first.quantities, first.qubits
        if kind == (("L",), "haar-layers", "Z0", *request.param):
            drawn = columns(found)
            return number, found, [cell_point(c, c.law(), drawn[c]) for c in found]
    raise AssertionError(f"the sweep has no family {request.param}")


@pytest.fixture
def wrong(config, differences):
    """Where the committed document differs from fits of these points."""

    def lines(scaling, number, family, points):
        share, first = config.family_error / scaling["intervals"], family[0]
        rng = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(BOOTSTRAP, number)))
        joint = fit_jointly(points, ("L",), share, rng)
        found = differences(scaling["covariances"][number]["covariance"], joint.covariance.tolist())

        def committed(part, quantity):
            """The one row of this family."""
            keys = {
                "ensemble": first.ensemble, "observable": first.observable, "fixed": f"n = {first.qubits}",
                "variable": "L", "points": len(family), "quantity": quantity,
            }  # fmt: skip
            (row,) = (r for r in scaling[part] if r.items() >= keys.items())
            return row

        for quantity, fit in joint.fits.items():
            row, exponent = committed("exponents", SYMBOLS[quantity]), fit.exponents["L"]
            mine = asdict(exponent) | {"goodness_p": fit.p, "chi2": fit.chi2, "dof": fit.dof}
            del mine["interval"]  # at the share; the document has that of the verdicts
            claim = EXPONENT if quantity != "dqntk" else replace(EXPONENT, quantity="dqntk")
            mine["verdicts"] = {
                regime: asdict(
                    Question(claim, Prediction("exponent", value, regime, (), ""), config.margin.exponent).answer(
                        exponent.pivot, row["verdicts"][regime]["level"], min(c.draws for c in family)
                    )
                )
                for regime, value in exponent.predicted.items()
            }
            found += differences(row, mine)
            models = asdict(compare_models(points, quantity, "L"))
            parameters = [m.pop("parameters") for m in models["ranked"]]
            row = committed("models", quantity)
            found += differences(row, models) + differences([m["parameters"] for m in row["ranked"]], parameters, 1e-3)
            if quantity != "std":
                place = f"{first.ensemble}, {first.observable}, n = {first.qubits}"
                sentence = statement(fit, points, place, share)
                if sentence not in {s["text"] for s in scaling["statements"]}:
                    found.append(f"the document does not say: {sentence}")
        return found

    return lines


def test_exponents_models_and_sentences_of_new_draws_are_the_committed_ones(document, family, wrong):
    number, cells, points = family
    assert wrong(document("default/scaling.json"), number, cells, points) == []


@pytest.mark.parametrize("planted", ["point", "verdict", "weight", "sentence", "bootstrap"])
def test_a_planted_change_is_noticed(document, family, wrong, planted):
    """One cell's K̄ off by 1e-4, or one entry of the document changed."""
    number, cells, points = family
    scaling, first = document("default/scaling.json"), cells[0]
    rows = [
        r for part in ("exponents", "models") for r in scaling[part]
        if (r["observable"], r["fixed"], r["points"]) == ("Z0", f"n = {first.qubits}", len(cells))
    ]  # fmt: skip
    if planted == "point":
        points = [replace(points[0], logs=points[0].logs | {"mean": points[0].logs["mean"] + 1e-4}), *points[1:]]
    elif planted == "verdict":
        verdict = rows[0]["verdicts"]["exact"]
        verdict["verdict"] = "disagree" if verdict["verdict"] != "disagree" else "agree"
    elif planted == "weight":
        rows[-1]["ranked"][0]["weight"] *= 1 - 1e-4
    elif planted == "bootstrap":
        rows[0]["bootstrap"][0] *= 1 - 1e-4
    else:
        for each in scaling["statements"]:
            each["text"] = each["text"].replace("±", "+")
    assert wrong(scaling, number, cells, points)
