"""qntk diagnose end to end on a small study, its files, resuming, and the treatment of ill-conditioned kernels."""

import io
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from qiskit import qpy
from qiskit.circuit import Parameter, QuantumCircuit

from qntk.inputs import machine
from qntk.theory.training.frozen import jacobian_spectrum, spectrum
from qntk.validation.diagnosis.config import load_diagnose_config
from qntk.validation.diagnosis.curves import training_figure
from qntk.validation.diagnosis.figures import _kernel
from qntk.validation.diagnosis.findings import interval95
from qntk.validation.diagnosis.report import model_row
from qntk.validation.diagnosis.seed import ModelDiagnosis
from qntk.validation.diagnosis.study import run_study

SMALL = """
seed = 3
qubits = 2
depths = [1, 3]
seeds = 3
steps = 30
bisect_steps = 20
models = ["low-hva", "high-hea"]
[dataset]
kind = "ising"
qubits = 3
"""
KEYS = {
    "model", "depth", "parameters", "lambda_min", "lambda_max", "condition_number", "critical_learning_rate",
    "decay_time", "r2_train", "r2_test", "mean_abs_difference", "mean_abs_difference_dressed", "kernel_error_frozen",
    "kernel_error_dressed",
}  # fmt: skip


def written(tmp_path, text, name="study.toml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_small_study_writes_everything_and_resumes(qntk, tmp_path):
    config, out = written(tmp_path, SMALL), tmp_path / "out"
    code, text, _ = qntk("diagnose", config, "--out", out, "--json")
    first = json.loads(text)
    assert code == 0
    assert [(r["model"], r["depth"]) for r in first["models"]] == [
        (m, d) for m in ("low-hva", "high-hea") for d in (1, 3)
    ]
    assert all(set(r) >= KEYS for r in first["models"])
    assert (first["trained"], first["resumed"]) == (12, 0)
    assert json.loads((out / "diagnostics.json").read_text()) == first
    for name in ("dataset", "kernel", "training", "difference", "inference", "modes"):
        assert (out / "figures" / f"{name}.svg").exists()
        assert (out / "figures" / f"{name}.png").exists()
    assert "## Statement by statement" in (out / "diagnostics.md").read_text()
    assert "<main>" in (out / "diagnostics.html").read_text()
    files = sorted((out / "training").iterdir())
    assert len(files) == 12
    before = files[0].read_bytes()
    files[0].write_bytes(b"broken")
    files[5].unlink()
    again = json.loads(qntk("diagnose", config, "--out", out, "--json", "--workers", 1)[1])
    assert (again["trained"], again["resumed"]) == (2, 10)
    assert again["models"] == first["models"]
    with np.load(files[0]) as file, np.load(io.BytesIO(before)) as old:
        assert all((file[key] == old[key]).all() for key in file.files)


def test_rows_against_a_direct_computation(tmp_path):
    """λ, κ, rates and R² of one seed from its own Jacobian and outputs with NumPy."""
    settings, text = load_diagnose_config(written(tmp_path, SMALL))
    study = run_study(settings, text, tmp_path / "out")
    d = study.at("high-hea", 3).seeds[0]
    train = study.data.training
    J, y = d.run.jacobian[train], study.data.labels
    K = J @ J.T
    values = np.linalg.eigvalsh(K)
    assert d.spectrum == pytest.approx(values, rel=1e-6, abs=1e-12)
    assert d.critical_rate == pytest.approx(2 / values[-1])
    assert float(d.run.rate) == pytest.approx(1 / values[-1])
    e, eta = d.run.outputs[0][train] - y[train], float(d.run.rate)
    for t in (1, 7):
        M = np.linalg.matrix_power(np.eye(len(K)) - eta * K, t)
        moved = (
            d.run.jacobian @ J.T @ (eta * sum(np.linalg.matrix_power(np.eye(len(K)) - eta * K, s) for s in range(t)))
        )
        assert d.predicted[t][train] - y[train] == pytest.approx(M @ e, abs=1e-9)
        assert d.predicted[t] == pytest.approx(d.run.outputs[0] - moved @ e, abs=1e-9)
    for line in training_figure(study).axes[0].lines:  # the start is drawn at 1, since the axis is logarithmic
        assert list(line.get_xdata()) == list(range(1, settings.steps + 2))
    squares = ((d.run.outputs - y)[:, train] ** 2).sum(axis=1)
    assert d.loss_of(d.run.outputs) / d.loss_of(d.run.outputs[0]) == pytest.approx(squares / squares[0])
    f = d.run.outputs[-1]
    assert d.r2(f, False) == pytest.approx(1 - np.mean((f - y)[~train] ** 2) / np.var(y[~train]))
    assert d.difference("frozen") == pytest.approx(np.mean(np.abs(f - d.predicted[-1])))
    assert d.rank == np.sum(d.spectrum > 0)


def test_the_first_and_the_last_number_of_parameters_are_named_on_the_axis(tmp_path):
    """9, 12, 18 and 24 parameters: those in between where they are a third more than the one before."""
    text = SMALL.replace("[1, 3]", "[3, 4]").replace("steps = 30", "steps = 3").replace("seeds = 3", "seeds = 2")
    settings, text = load_diagnose_config(written(tmp_path, text))
    study = run_study(settings, text, tmp_path / "out")
    assert {m.network.parameters for m in study.models} == {9, 12, 18, 24}
    assert list(_kernel(study).axes[0].get_xticks()) == [9, 18, 24]


def test_ill_conditioned_jacobians():
    """λ = 1 … 1e-20 planted in J: the singular values find all; JJᵀ, the control, loses those below 1e-16."""
    rng = np.random.default_rng(0)
    left, right = np.linalg.qr(rng.normal(size=(6, 6)))[0], np.linalg.qr(rng.normal(size=(30, 30)))[0]
    planted = np.array([1e-20, 1e-16, 1e-14, 1e-8, 1e-3, 1.0])
    J = left @ np.diag(np.sqrt(planted)) @ right[:6]
    assert jacobian_spectrum(J) == pytest.approx(planted, rel=1e-4)
    assert np.sum(spectrum(J @ J.T)[0] > 0) == 3
    singular = jacobian_spectrum(np.vstack([J, J[:1]]))
    assert singular[0] == 0
    assert np.sum(singular > 0) == 6
    assert jacobian_spectrum(rng.normal(size=(5, 2)))[:3].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="finite"):
        jacobian_spectrum([[np.nan, 1.0]])


def test_a_users_circuit_and_table(qntk, tmp_path, request):
    x, a, b = Parameter("x"), Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.ry(a, 0)
    circuit.rx(x, 0)
    circuit.cx(0, 1)
    circuit.ry(b, 1)
    with (tmp_path / "mine.qpy").open("wb") as file:
        qpy.dump(circuit, file)
    rows = "".join(f"{v / 10},{np.sin(v / 10) / 2},{'train' if v % 2 else 'test'}\n" for v in range(12))
    (tmp_path / "mine.csv").write_text("x,label,split\n" + rows)
    text = f"""
seed = 1
qubits = 2
observable = "Z1"
models = []
depths = [1, 2]
seeds = 2
steps = 10
loss = "mean"
learning_rate = 0.1
[dataset]
kind = "csv"
path = "{tmp_path / "mine.csv"}"
label = "label"
[[circuit]]
name = "mine"
path = "{tmp_path / "mine.qpy"}"
inputs = ["x"]
"""
    code, out, _ = qntk("diagnose", written(tmp_path, text), "--out", tmp_path / "out", "--json")
    assert code == 0
    rows = json.loads(out)["models"]
    assert [(r["model"], r["depth"], r["parameters"]) for r in rows] == [("mine", 1, 2), ("mine", 2, 4)]
    assert rows[0]["learning_rate"] == pytest.approx(0.1)
    request.getfixturevalue("no_figures")
    named = text.replace("models = []", 'models = ["mine", "low-hva"]').replace("[1, 2]", "[1]")
    code, out, _ = qntk("diagnose", written(tmp_path, named), "--out", tmp_path / "named", "--json")
    assert (code, [r["model"] for r in json.loads(out)["models"]]) == (0, ["mine", "low-hva"])


def test_training_that_does_not_fit_in_memory_is_refused_before_it_begins(qntk, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: 20_000)
    code, _, error = qntk("diagnose", written(tmp_path, SMALL), "--out", tmp_path / "out", "--workers", 2)
    assert (code, error.count("\n")) == (2, 1)
    assert "training on 2 threads needs about" in error or "a circuit of 2 qubits" in error


def test_a_model_that_nothing_moves_is_named(qntk, tmp_path):
    """RX alone turns nothing that X sees; the error comes before any training."""
    small = SMALL.replace("qubits = 2", 'qubits = 1\nobservable = "X0"', 1)
    code, _, error = qntk("diagnose", written(tmp_path, small), "--out", tmp_path / "out")
    assert (code, error.count("\n")) == (2, 1)
    assert "no parameter of low-hva at depth 1 moves X0" in error


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("seeds = 3", "seedz = 3"), "unknown key 'seedz'"),
        (('kind = "ising"', 'kind = "ising"\ndegree = 2'), "'degree' does not go with kind 'ising'"),
        (('kind = "ising"', 'kind = "mnist"'), "dataset.kind"),
        (('"low-hva"', '"low-abc"'), "'low-abc' is unknown"),
        (("steps = 30", 'steps = "many"'), "steps"),
        (("depths = [1, 3]", "depths = [0]"), "depths[0]"),
        (("seed = 3", 'seed = 3\nobservable = "Q0"'), "does not parse"),
        (("seed = 3", 'seed = 3\nloss = "mse"'), "loss"),
        (("qubits = 3", "fields = [0.0, 0.0, 1.0]\ntraining = [0.0, 1.0]"), "the same input"),
        (("qubits = 3", "fields = [0.0, 1.0]\ntraining = [0.0]"), "give at least 2"),
        (("seed = 3", "seed = 3\nfraction = 0.5\nlearning_rate = 1.0"), "one of the keys"),
    ],
)
def test_bad_configurations(qntk, tmp_path, change, words):
    assert change[0] in SMALL
    code, text, error = qntk("diagnose", written(tmp_path, SMALL.replace(*change)), "--out", tmp_path / "out")
    assert (code, text) == (2, "")
    assert error.count("\n") == 1
    assert words in error


def test_help_and_directories(qntk, tmp_path):
    code, text, _ = qntk("diagnose", "--help")
    assert code == 0
    assert "qntk diagnose --out" in text
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    code, _, error = qntk("diagnose", "--out", tmp_path / "other")
    assert code == 2
    assert "holds no study" in error
    code, _, error = qntk("diagnose", written(tmp_path, SMALL), "--full", "--out", tmp_path / "out")
    assert code == 2
    assert "without a CONFIG" in error


def test_packaged_configurations():
    small, full = (load_diagnose_config(None, full)[0] for full in (False, True))
    assert len(small.models) == 4
    assert len(small.depths) >= 2
    assert full.depths == [5, 10, 15, 20, 25, 30]


def test_unreachable_labels_warn_and_divergence_is_told(qntk, tmp_path):
    text = SMALL.replace('kind = "ising"', 'kind = "ising"\nscale = 3.0').replace(
        "seed = 3", "seed = 3\nlearning_rate = 50.0"
    )
    code, out, error = qntk("diagnose", written(tmp_path, text), "--out", tmp_path / "out", "--json")
    assert code == 0
    said = [line for line in error.splitlines() if line.startswith("qntk: warning: ")]
    assert re.search(r"outside \[-1, 1\].*; give 'scale' in \[dataset\] a smaller value$", said[0])
    assert all("diverged" in line and line.endswith("; lower 'fraction' or 'learning_rate'") for line in said[1:])
    document = json.loads(out)
    assert len(said) == len(document["warnings"]) > 1
    assert any("diverged" in w for w in document["warnings"])
    assert sum(r["diverged"] for r in document["models"]) > 0
    for row in document["models"]:  # the rate is far above critical: the prediction diverges for every seed
        assert row["predicted_loss"] is row["mean_abs_difference"] is row["r2_test_predicted"] is None
        assert row["lambda_max"] > 0
        if row["diverged"] == row["seeds"]:
            assert row["final_loss"] is row["r2_train"] is row["kernel_drift"] is None
    assert all(n is None or abs(n) < 1e60 for r in document["models"] for i in r["intervals"].values() for n in i)


def test_no_number_depends_on_how_far_a_run_diverged(tmp_path):
    """Two stores that differ only in the trajectories of diverged runs, by factors up to 1e120: one table.

    The negative control: the same change in runs that count is seen.
    """
    text = SMALL.replace("seed = 3", "seed = 3\nlearning_rate = 50.0")
    config, source = load_diagnose_config(written(tmp_path, text), False)
    study = run_study(config, source, tmp_path / "out", 1)
    assert any(s.diverged for m in study.models for s in m.seeds)

    def rows(marked, factor):
        def seed(d):
            if d.diverged != marked:
                return d
            grown = d.run.outputs * np.geomspace(1, factor, len(d.run.outputs))[:, None]
            return replace(d, run=replace(d.run, outputs=grown))

        return [model_row(ModelDiagnosis(m.network, [seed(s) for s in m.seeds])) for m in study.models]

    untouched = [model_row(m) for m in study.models]
    assert rows(marked=True, factor=1e120) == untouched
    if any(not s.diverged for m in study.models for s in m.seeds):
        assert rows(marked=False, factor=1.1) != untouched


def test_an_interval_beyond_floating_point_has_no_end():
    assert interval95(np.array([1.9e145, 3.8e170]), logarithmic=True)[2] == np.inf


def test_interrupt_keeps_what_is_finished(tmp_path):
    """Ctrl-C in a study of one quick and one slow model: exit code 130, files whole, and the same command goes on."""
    text = SMALL.replace("depths = [1, 3]", "depths = [1, 60]").replace("steps = 30", "steps = 4000")
    config, out = written(tmp_path, text), tmp_path / "out"
    code = (  # a shell's background job ignores the signal, and so would its children
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"from qntk.validation.commands.main import main; main(['diagnose', {str(config)!r}, '--out', {str(out)!r}])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob("training/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finished seeds are kept" in error
    assert "Traceback" not in error
    kept = list(out.glob("training/*.npz"))
    assert 0 < len(kept) < 12
    assert not list(out.glob("training/.*"))


def test_dressed_columns_against_a_direct_computation(tmp_path):
    """Training of the angles φ, f = sin φ, with their frozen kernel, step by step with NumPy; none for three levels."""
    settings, text = load_diagnose_config(written(tmp_path, SMALL))
    d = run_study(settings, text, tmp_path / "out").at("high-hea", 3).seeds[0]
    train, y = d.data.training, d.data.labels
    K, angle = d.run.kernels[0], np.arcsin(d.run.outputs[0])
    Q = K / np.cos(angle)[:, None] / np.cos(angle)[train]
    for _ in range(30):
        angle = angle - float(d.run.rate) * Q @ (np.cos(angle) * (np.sin(angle) - y))[train]
    assert d.difference("dressed") == pytest.approx(np.mean(np.abs(np.sin(angle) - d.run.outputs[-1])))
    start, last = d.run.kernels[0][train], d.run.kernels[-1][train]
    size = np.cos(angle)[train] / np.sqrt(1 - d.run.outputs[0][train] ** 2)
    left = np.linalg.norm(last - size[:, None] * start * size) / np.linalg.norm(start)
    assert d.kernel_error("dressed") == pytest.approx(left)
    assert d.kernel_error("frozen") == pytest.approx(d.run.kernel_drift(train)[-1])
    more = written(
        tmp_path, SMALL.replace("[dataset]", 'observable = "0.5*Z0+0.25*Z1"\n[dataset]\nscale = 0.5'), "m.toml"
    )
    settings, text = load_diagnose_config(more)
    study = run_study(settings, text, tmp_path / "more")
    row = model_row(study.models[0])
    assert row["mean_abs_difference_dressed"] is row["kernel_error_dressed"] is None
    assert row["kernel_error_frozen"] > 0


def test_edge_of_stability_follows_the_largest_eigenvalue(tmp_path):
    """ηλ_max/2 is the multiple at the start, whatever the loss convention; λ_max by NumPy at the end."""
    for loss in ("half-sum", "mean"):
        text = SMALL.replace("steps = 30", f'steps = 30\nloss = "{loss}"\nsharpness = [0.5, 1.2]')
        settings, text = load_diagnose_config(written(tmp_path, text))
        study = run_study(settings, text, tmp_path / loss)
        assert [(r.network.name, r.network.depth, r.multiple) for r in study.sharpness] == [
            (name, depth, m) for depth in (3, 1) for name in ("low-hva", "high-hea") for m in (0.5, 1.2)
        ]
        for run in study.sharpness:
            assert run.sharpness[:, 0] == pytest.approx(run.multiple)
            assert (np.isnan(run.at_the_end) == (run.loss >= 0.1)).all()
        (half,) = (r for r in study.sharpness if (r.network.name, r.network.depth, r.multiple) == ("high-hea", 3, 0.5))
        for seed, d in enumerate(study.at("high-hea", 3).seeds):  # trained at half the critical rate as well
            top = np.linalg.eigvalsh(d.run.kernels[-1][d.data.training])[-1]
            start = np.linalg.eigvalsh(d.run.kernels[0][d.data.training])[-1]
            assert half.sharpness[seed, -1] == pytest.approx(0.5 * top / start, rel=1e-9)
