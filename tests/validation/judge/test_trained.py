"""Training curves of networks made here, by the simulator alone, against the laws; and what is no such curve."""

import json

import numpy as np
import pytest

import qntk
from qntk.sampling import CircuitModel, ansatz
from qntk.sampling.learning.random_circuits import HaarCircuits, descend, directional_curvature
from qntk.validation.commands.main import main

STEPS = 160


def networks(parameters, target, draws, seed):
    """ε and K of Haar circuits on two qubits trained for ηSt = 16, and the rate."""
    rng = np.random.default_rng(seed)
    strength = 2 * parameters * 4 / (4 * 15)
    circuits = HaarCircuits.draw(draws, 2, parameters, rng)
    angles = rng.uniform(0, 2 * np.pi, (draws, parameters))
    rate = 0.1 / strength
    return *descend(circuits, angles, np.full(draws, target), np.full(draws, rate), STEPS), rate


@pytest.fixture(scope="module")
def deep():
    return {y: networks(240, y, 48, seed) for seed, y in enumerate((0.6, 1.0, 1.3), start=41)}


def told(found, law):
    return {(row["quantity"], row["step"]): row["verdict"] for row in found.verdicts if row["law"] == law}


@pytest.mark.parametrize("target", [0.6, 1.0, 1.3])
def test_deep_networks_follow_the_flow_and_not_the_frozen_kernel(deep, target):
    """L = 40 (2D-2): the laws are 2 % apart or less, the margin is 10 %; 24 intervals share an error of 1e-6."""
    residuals, kernels, rate = deep[target]
    found = qntk.compare_trained(residuals, kernels, qntk.law(2, 240, "Z0"), target, rate, family_error=1e-6)
    for law in ("flow", "corrected"):
        assert "disagree" not in told(found, law).values()
    if target == 1.0:  # at the edge the intervals are narrow
        assert set(told(found, "flow").values()) == set(told(found, "corrected").values()) == {"agree"}
        assert told(found, "frozen")["residual", STEPS] == "disagree"
    frozen = told(found, "frozen")
    assert frozen["kernel" if target != 1.3 else "residual", STEPS] != "agree"


def test_shallow_networks_miss_the_flow():
    """c = 1/2: the flow misses the late residual by a quarter to a third, 1024 networks see a tenth."""
    residuals, kernels, rate = networks(12, 1.0, 1024, 7)
    found = qntk.compare_trained(residuals, kernels, qntk.law(2, 12, "Z0"), 1.0, rate, "law", family_error=1e-6)
    assert told(found, "flow")["residual", STEPS] == "disagree"
    assert told(found, "flow")["kernel", STEPS] == "disagree"


def test_a_planted_fault_is_caught(deep):
    """A rate that is told wrong by a third, kernels of the other convention, a label that is another: never agree."""
    residuals, kernels, rate = deep[1.0]
    law = qntk.law(2, 240, "Z0")
    for curves, told_rate in (((residuals, kernels), 0.7 * rate), ((residuals, 4 * kernels), rate)):
        found = qntk.compare_trained(*curves, law, 1.0, told_rate, family_error=1e-6)
        assert told(found, "flow")["residual", STEPS] == "disagree"


def test_levels_and_strength_do_not_matter_to_the_verdicts(deep):
    """O = (1 + Z)/2 as a projector of rank 2 has f' = (1 + f)/2, K' = K/4: at the rate 4η the same training."""
    residuals, kernels, rate = deep[1.0]
    plain = qntk.compare_trained(residuals, kernels, qntk.law(2, 240, "Z0"), 1.0, rate)
    law = qntk.law(2, 240, "projector:rank=2")
    scaled = qntk.compare_trained(residuals / 2, kernels / 4, law, 1.0, 4 * rate)
    for a, b in zip(plain.verdicts, scaled.verdicts, strict=True):
        factor = 2 if a["quantity"] == "residual" else 4
        assert a["verdict"] == b["verdict"]
        assert a["prediction"] == pytest.approx(factor * b["prediction"], rel=1e-9)


def test_the_command_prints_what_the_function_gives(deep, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    residuals, kernels, rate = deep[1.0]
    np.savez("curves.npz", residual=residuals[:, ::20], kernel=kernels[:, ::20])
    np.savetxt("residuals.csv", residuals[:, ::20], delimiter=",")
    cell = ["--qubits", "2", "--params", "240", "--observable", "Z0", "--target", "1", "--rate", str(rate)]
    cell += ["--every", "20", "--json"]
    expected = qntk.compare_trained(residuals[:, ::20], kernels[:, ::20], qntk.law(2, 240, "Z0"), 1.0, rate, every=20)
    for source in ("curves.npz", "residuals.csv"):
        with pytest.raises(SystemExit) as left:
            main(["compare", source, "--trained", "curves.npz", *cell])
        assert left.value.code == 0
        printed = json.loads(capsys.readouterr().out)
        assert [row["verdict"] for row in printed["verdicts"]] == [row["verdict"] for row in expected.verdicts]
        assert printed["verdicts"][0]["step"] == 20


@pytest.fixture(scope="module")
def curved():
    """ε, K, μ at every fifteenth step of 192 Haar circuits at c = 1/8, the rate; μ by differences of their slopes."""
    rng = np.random.default_rng(12)
    circuits, angles = HaarCircuits.draw(192, 2, 48, rng), rng.uniform(0, 2 * np.pi, (192, 48))
    rate = 0.1 / (2 * 48 * 4 / (4 * 15))
    rows = []
    for step in range(121):
        f, g = circuits.value_and_gradient(angles)
        if step % 15 == 0:
            rows.append((f - 0.8, (g**2).sum(axis=1), directional_curvature(circuits, angles)))
        angles = angles - rate * (f - 0.8)[:, None] * g
    return *np.transpose(rows, (1, 2, 0)), rate


def test_curves_of_the_dqntk(curved):
    """c = 1/8, y = 0.8: corrected and flow differ by 13 % in the late μ; a family error of 1e-6 over 36 intervals.

    Controls: μ of the other convention, four times larger, and a dQNTK that stays.
    """
    *curves, rate = curved
    law = qntk.law(2, 48, "Z0")

    def judged(dqntks):
        found = qntk.compare_trained(*curves[:2], law, 0.8, rate, every=15, family_error=1e-6, dqntks=dqntks)
        assert len(found.verdicts) == found.document["intervals"] == 36
        return {name: told(found, name) for name in ("frozen", "flow", "corrected")}

    right, wrong = judged(curves[2]), judged(4 * curves[2])
    assert "disagree" not in right["corrected"].values()
    assert right["frozen"]["dqntk", 120] == wrong["corrected"]["dqntk", 120] == "disagree"


def test_more_than_two_levels():
    """96 networks of one circuit of random Paulis, n = 2, L = 240: the flow from each state's weights, not the frozen.

    Controls: weights that do not give the outputs, and a kernel of another convention.
    """
    rng = np.random.default_rng(5)
    levels = np.array([-1.0, -0.2, 0.4, 0.8])
    circuit = ansatz("random-pauli", 2, 240, rng=rng)
    model, *projectors = (CircuitModel(circuit, np.diag(o).astype(complex)) for o in (levels, *np.eye(4)))
    angles = rng.uniform(0, 2 * np.pi, (96, 240))
    states = np.transpose([projector.value_and_gradient(angles)[0] for projector in projectors])
    _, g = model.value_and_gradient(angles)
    rate = 0.1 / float((g**2).sum(axis=1).mean())
    residuals, kernels = descend(model, angles, np.full(96, 0.6), np.full(96, rate), 40)
    law = qntk.law(2, 240, np.diag(levels))
    cell = (law, 0.6, rate)
    found = qntk.compare_trained(residuals, kernels, *cell, family_error=1e-6, weights=states)
    assert found.document["intervals"] == len(found.verdicts) == 16
    assert "disagree" not in told(found, "flow").values()
    assert told(found, "frozen")["kernel", 40] == "disagree"
    off = qntk.compare_trained(residuals, 4 * kernels, *cell, family_error=1e-6, weights=states)
    assert told(off, "flow")["residual", 5] == "disagree"
    with pytest.raises(ValueError, match="contradict each other"):
        qntk.compare_trained(residuals, kernels, *cell, weights=states[::-1])


def test_a_rate_beyond_stability_can_be_followed():
    """Refused in one line that names the option, and with it judged."""
    law = qntk.law(2, 24, "Z0")
    with pytest.raises(ValueError, match="unstable=True"):
        qntk.compare_trained(GOOD, -GOOD, law, 1.0, 9.0)
    assert qntk.compare_trained(GOOD, -GOOD, law, 1.0, 9.0, unstable=True).verdicts


GOOD = np.full((8, 5), -0.5)
LAW = ("Z0", 1.0, 0.01)


@pytest.mark.parametrize(
    ("curves", "law", "options", "words"),
    [
        ((GOOD, np.ones((8, 4))), LAW, {}, r"have shape \(8, 5\), kernels \(8, 4\)"),
        ((GOOD[0], GOOD[0]), LAW, {}, "at least 8 networks"),
        ((GOOD[:3], GOOD[:3]), LAW, {}, "at least 8 networks"),
        ((GOOD, GOOD), LAW, {}, "sum of squares"),
        ((GOOD, np.full((8, 5), np.nan)), LAW, {}, "not finite"),
        ((GOOD.astype(str), -GOOD), ("Z0", 1.0, 0.01), {"every": 0}, "every is 0"),
        ((-GOOD, -GOOD), LAW, {}, "residuals are f - y"),
        ((GOOD, -GOOD), ("tfim:J=1,h=1", 1.0, 0.01), {}, "give weights"),
        ((GOOD, -GOOD), ("tfim:J=1,h=1", 1.0, 0.01), {"weights": np.eye(4)}, r"give \(networks, levels\)"),
        ((GOOD, -GOOD), LAW, {"dqntks": np.ones((8, 4))}, r"dqntks \(8, 4\)"),
        ((GOOD, -GOOD), ("Z0", np.inf, 0.01), {}, "target holds"),
        ((GOOD, -GOOD), ("Z0", 1.0, -1), {}, "above 0"),
        ((GOOD, -GOOD), ("Z0", 1.0, 9.0), {}, "beyond stability"),
        ((GOOD, -GOOD), LAW, {"steps": [9]}, "step 9 is not"),
        ((GOOD, 0 * GOOD), LAW, {}, "above 0"),
        ((GOOD, -GOOD), LAW, {"strength": "mine"}, "choose network"),
        ((GOOD, -GOOD), LAW, {"margin": 2.0}, "between 0 and 1"),
        (("none.npy", -GOOD), LAW, {}, "cannot be read"),
        (("torn.npz", -GOOD), LAW, {}, "cannot be read"),
        (("none.txt", -GOOD), LAW, {}, "give .npy"),
    ],
)
def test_what_is_no_training_is_refused_in_one_line(curves, law, options, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04 and no more")
    observable, target, rate = law
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        qntk.compare_trained(*curves, qntk.law(2, 24, observable), target, rate, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--trained", "k.npy"], "needs --target and --rate"),
        (["--rate", "0.1"], "goes with --trained"),
        (["--trained", "k.npy", "--target", "1", "--rate", "1", "--estimated"], "is for draws"),
    ],
    ids=["no label", "no curves", "options of draws"],
)
def test_options_of_the_other_kind_are_told(extra, words, capsys):
    with pytest.raises(SystemExit) as left:
        main(["compare", "e.npy", "--qubits", "2", "--params", "24", "--observable", "Z0", *extra])
    assert left.value.code == 2
    assert words in capsys.readouterr().err
