"""The flow laws of infinite depth against matrices, an ODE solver and real training."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from qntk.theory.training import riccati
from qntk.theory.training.double_bracket import double_bracket
from qntk.theory.training.imaginary_time import _continuous, imaginary_time
from qntk.theory.training.lotka_volterra import LotkaVolterra, closure_error
from qntk.theory.training.one_datum import flow_one, late_rate
from qntk.theory.training.riccati import flow

TWO = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
MANY = np.array([-1.0, -0.2, 0.1, 0.5, 0.9, 1.0])


def rotated(observable, states, labels, training, rate, strength, steps):
    """The same training by D × D matrices: Õ ← e^{iX} Õ e^{-iX}, X = -½ηS Σ ε_j i[Õ, ρ_j]. Outputs, last K, last μ."""
    O = np.diag(observable).astype(complex) if np.ndim(observable) == 1 else np.asarray(observable, dtype=complex)
    rho = [np.outer(psi, psi.conj()) for psi in states]
    outputs = []
    for _ in range(steps + 1):
        f = np.array([np.trace(r @ O).real for r in rho])
        outputs.append(f)
        B = [1j * (O @ r - r @ O) for r in rho]
        X = -rate * strength / 2 * sum((f[j] - labels[j]) * B[j] for j in np.flatnonzero(training))
        last, O = O, expm(1j * X) @ O @ expm(-1j * X)
    K = strength / 2 * np.array([[np.trace(a @ b).real for a in B] for b in B])
    curl = [[b @ (c @ last - last @ c) - (c @ last - last @ c) @ b for c in B] for b in B]
    mu = np.array([[[np.trace(r @ (x + y)).real for x, y in zip(row, col, strict=True)] for row, col in
                    zip(curl, zip(*curl, strict=True), strict=True)] for r in rho])  # fmt: skip
    return np.array(outputs), K, -(strength**2) / 8 * mu


def overlaps(states, levels):
    return states.conj() @ states.T, (states.conj() * levels) @ states.T


LABELS, TRAINING = np.array([0.5, -0.3, 1.4, np.nan]), np.array([True, True, True, False])


def test_several_data_two_levels_are_the_matrix_flow(random_states):
    states = random_states(4, 6, 0)
    outputs, K, mu = rotated(TWO, states, LABELS, TRAINING, 0.3, 1.5, 40)
    run = flow(*overlaps(states, TWO), LABELS, TRAINING, 0.3, 1.5, 40)
    assert np.abs(run.outputs - outputs).max() < 1e-13
    assert np.abs(run.kernel(-1) - K).max() < 1e-13
    assert np.abs(run.meta_kernel(-1) - mu).max() < 1e-13
    G, F = run.gram, run.overlaps(7)
    assert np.abs(run.kernel(7) - 1.5 * (np.abs(G) ** 2 - np.abs(F) ** 2)).max() < 1e-14


@pytest.mark.parametrize("levels", [TWO, MANY])
def test_double_bracket_is_the_matrix_flow(random_states, levels):
    states = random_states(4, 6, 1)
    outputs, K, _ = rotated(levels, states, LABELS, TRAINING, 0.2, 0.7, 40)
    run = double_bracket(levels, states, LABELS, TRAINING, 0.2, 0.7, 40)
    assert np.abs(run.outputs - outputs).max() < 1e-13
    assert np.abs(run.kernel(-1) - K).max() < 1e-13


def test_double_bracket_takes_any_matrix(random_states):
    rng = np.random.default_rng(5)
    H = rng.normal(size=(6, 6, 2)) @ [1, 1j]
    H = (H + H.conj().T) / 3
    states = random_states(4, 6, 2)
    outputs, K, _ = rotated(H, states, LABELS, TRAINING, 0.2, 0.7, 40)
    run = double_bracket(H, states, LABELS, TRAINING, 0.2, 0.7, 40)
    assert np.abs(run.outputs - outputs).max() < 1e-13
    assert np.abs(run.kernel(-1) - K).max() < 1e-13


def test_continuous_flow_is_the_double_bracket_equation(random_states):
    """dÕ/dt = ½ηS Σ ε_j [[Õ, ρ_j], Õ] by a solver on D × D matrices."""
    states = random_states(4, 6, 3)
    rho = np.einsum("ia,ib->iab", states, states.conj())
    for levels in (TWO, MANY):

        def slope(_, flat):
            O = flat.view(complex).reshape(6, 6)
            f = np.einsum("iab,ba->i", rho, O).real
            M = np.einsum("i,iab->ab", np.where(TRAINING, f - np.nan_to_num(LABELS), 0), rho)
            first = O @ M - M @ O
            return (0.3 * 0.7 / 2 * (first @ O - O @ first)).ravel().view(float)

        start = np.diag(levels).astype(complex).ravel().view(float)
        last = solve_ivp(slope, (0, 60), start, "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
        O = np.ascontiguousarray(last).view(complex).reshape(6, 6)
        f = np.einsum("iab,ba->i", rho, O).real
        run = double_bracket(levels, states, LABELS, TRAINING, 0.3, 0.7, 60, continuous=True)
        assert np.abs(run.outputs[-1] - f).max() < 1e-8
        if levels is TWO:
            other = flow(*overlaps(states, levels), LABELS, TRAINING, 0.3, 0.7, 60, continuous=True)
            assert np.abs(other.outputs[-1] - f).max() < 1e-8


@pytest.mark.parametrize("continuous", [False, True])
def test_one_datum_is_the_special_case(random_states, continuous):
    (state,) = random_states(1, 6, 4)
    weights = np.abs(state) ** 2
    one = np.array([True])
    for levels in (TWO, MANY):
        run = imaginary_time(levels, weights, 1.3, 0.2, 0.7, 80, continuous=continuous)
        full = double_bracket(levels, [state], [1.3], one, 0.2, 0.7, 80, continuous=continuous)
        assert np.abs(run.output - full.outputs[:, 0]).max() < 1e-8
        assert abs(run.kernel[-1] - full.kernel(-1)[0, 0]) < 1e-8
    f = weights @ TWO
    scalar = flow_one(f, 1.3, 0.2, 0.7, 80, continuous=continuous)
    run = imaginary_time(TWO, weights, 1.3, 0.2, 0.7, 80, continuous=continuous)
    several = flow([[1]], [[f]], [1.3], one, 0.2, 0.7, 80, continuous=continuous)
    assert np.abs(scalar.output - run.output).max() < 1e-8
    assert np.abs(scalar.kernel - run.kernel).max() < 1e-8
    assert np.abs(scalar.dqntk - run.dqntk).max() < 1e-8
    assert abs(several.meta_kernel(3)[0, 0, 0] - scalar.dqntk[3]) < 1e-8


def test_two_levels_in_general_are_those_of_square_one_rescaled():
    plain = flow_one([0.3, -0.5], 0.8, 0.1, 3.0, 50, correction=0.2, trace=0.4)
    moved = flow_one([1.6, 0.0], 2.6, 0.1 / 4, 3.0, 50, correction=0.2, trace=1.8, levels=(-1, 3))
    assert np.allclose((moved.output - 1) / 2, plain.output, atol=1e-14)
    assert np.allclose(moved.kernel, 4 * plain.kernel, rtol=1e-12)


def test_imaginary_time_closed_form():
    """At time t the weights are those of p e^{-2oτ}, for the τ that the output says."""
    o, p = np.array([-1.0, 0.3, 1.2]), np.array([0.2, 0.5, 0.3])
    run = imaginary_time(o, p, 0.9, 0.05, 2.0, 60, continuous=True)
    ratios = run.weights / p
    tau = -np.log(ratios[:, 1] / ratios[:, 0]) / (2 * 1.3)
    assert np.allclose(np.log(ratios[:, 2] / ratios[:, 0]), -2 * 2.2 * tau, atol=1e-12)
    middle = (tau[2:] - tau[:-2]) / 2
    assert np.allclose(middle, 0.05 * (run.output - 0.9)[1:-1], rtol=2e-3)  # dτ/dt = ½ηS(o - y), central differences


@pytest.mark.parametrize(("label", "tolerance"), [(0.6, 1e-4), (1.0, 0.02), (1.5, 1e-4)])
def test_late_rates_of_the_three_regimes(label, tolerance):
    run = flow_one(-0.2, label, 0.02, 1.5, 1200, continuous=True)
    expected = late_rate(label, 0.02, 1.5)
    if label < 1:
        seen = np.log(run.residual[700] / run.residual[800]) / 100
    elif label == 1:
        seen = (1 / np.abs(run.residual[1200]) - 1 / np.abs(run.residual[600])) / 600
    else:
        seen = np.log(run.kernel[700] / run.kernel[800]) / 100
        assert abs(run.residual[-1] + 0.5) < 1e-6
    assert abs(seen / expected - 1) < tolerance
    assert run.regime == {0.6: "inside", 1.0: "edge", 1.5: "beyond"}[label]


def test_lotka_volterra_is_the_tangent_and_ends_where_it_says():
    start, label, strength = 0.3, 1.0, 2.0
    closure = LotkaVolterra(strength * (1 - start**2), -strength * start, start - label, 0.01)
    run = flow_one(start, label, 0.01, strength, 400, continuous=True)
    f = run.output
    tangent = closure.conserved + 2 * closure.relative * (f - label)
    assert np.allclose((run.kernel - tangent) / run.kernel, -closure_error(start, f), atol=1e-9)
    t = np.arange(0, 400, 1.0)
    solved = solve_ivp(
        lambda _, z: [-0.01 * z[1] * z[0], 2 * -closure.relative * 0.01 * z[1] * z[0]],
        (0, 399), [closure.residual, closure.kernel], t_eval=t, rtol=1e-11, atol=1e-13,
    )  # fmt: skip
    assert np.abs(closure.residual_at(t) - solved.y[0]).max() < 1e-9
    assert np.abs(closure.kernel_at(t) - solved.y[1]).max() < 1e-9
    good = closure_error(start, f) < 0.05
    assert np.abs(f[good] - start).max() < 0.24
    assert abs(closure.residual_at(400) / run.residual[400] - 1) > 0.5  # and it is wrong at the end


def test_real_training_of_several_data_test_points_included(networks, random_states, errors):
    """48 networks, n = 3, L = 1024 (c = 0.014): outputs of 3 training and 2 test points after 60 steps.

    Fails falsely with 1e-6 an assertion. One standard error is about 0.003; slack 0.01 is the first order in c. The
    frozen kernel of the same start must fail.
    """
    levels = np.repeat([1.0, -1.0], 4)
    states = random_states(5, 8, 6)
    net = networks(48, 1024, levels, states, 7)
    labels, training = np.array([1.2, -1.0, 0.5, np.nan, np.nan]), np.array([True, True, True, False, False])
    G, F = overlaps(states, levels)
    K = net.strength * (np.abs(G) ** 2 - np.abs(F) ** 2)
    rate = 0.3 * 2 / np.linalg.eigvalsh(K[:3, :3])[-1]
    f, kernels = net.train(labels, training, rate, 60, every=60)
    run = flow(G, F, labels, training, rate, net.strength, 60)
    assert errors(f[:, -1], run.outputs[-1], slack=0.01) < 1
    scale = np.abs(K).max()
    assert errors(kernels[:, -1] / scale, run.kernel(-1) / scale, slack=0.01) < 1
    values, vectors = np.linalg.eigh(K[:3, :3])
    gone = (1 - (1 - rate * values) ** 60) / values
    frozen = np.diag(F).real - K[:, :3] @ (vectors * gone) @ vectors.T @ (np.diag(F).real - labels)[:3]
    assert errors(f[:, -1], frozen, slack=0.01) > 3


def test_stable_at_any_rate(random_states):
    """Steps are rotations: outputs stay in the spectrum and the Gram matrix is kept, even where training goes wild."""
    states = random_states(5, 8, 8)
    G, F = overlaps(states, np.repeat([1.0, -1.0], 4))
    run = flow(G, F, np.array([0.9, -0.9, 0.3, 2.0, 0.0]), np.ones(5, bool), 50.0, 20.0, 300, unstable=True)
    assert np.abs(run.outputs).max() <= 1 + 1e-12
    kept = run.upper[-1].conj().T @ run.upper[-1] + run.lower[-1].conj().T @ run.lower[-1]
    assert np.abs(kept - G).max() < 1e-11


def test_thousands_of_steps_of_twenty_data_are_quick(random_states):
    states = random_states(20, 64, 9)
    G, F = overlaps(states, np.repeat([1.0, -1.0], 32))
    labels = np.random.default_rng(10).uniform(-1, 1, 20)
    began = time.perf_counter()
    run = flow(G, F, labels, np.ones(20, bool), 0.1, 4.0, 2000)
    assert time.perf_counter() - began < 5  # 0.2 s on an idle core
    assert run.loss[-1] < 1e-3 * run.loss[0]


ONE = np.array([True])
EYE = np.eye(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flow_one(1.0, 0.5, 0.1, 1.0, 5), "edge of the spectrum"),
        (lambda: flow_one([0.0, -1.2], 0.5, 0.1, 1.0, 5), "output 1 starts at -1.2, outside"),
        (lambda: flow_one(0.0, 0.5, 3.0, 1.0, 5), "beyond stability"),
        (lambda: flow_one(0.9, 0.0, 5.0, 1.0, 5), "at the label"),
        (lambda: flow_one(0.0, 0.5, -0.1, 1.0, 5), "rate is -0.1"),
        (lambda: flow_one(0.0, 0.5, 0.1, 0.0, 5), "strength is 0"),
        (lambda: flow_one(0.0, 0.5, 0.1, 1.0, -1), "steps is -1"),
        (lambda: flow_one(0.0, np.nan, 0.1, 1.0, 5), "label holds numbers that are not finite"),
        (lambda: flow_one(0.0, 0.5, 0.1, 1.0, 5, correction=-0.1), "correction is below 0"),
        (lambda: flow_one(0.0, 0.5, 0.1, 1.0, 5, trace=1.0), "trace is 1"),
        (lambda: flow_one(0.0, 0.5, 0.1, 1.0, 5, levels=(1, -1)), "lower eigenvalue first"),
        (lambda: flow_one([0.0, 0.1], [0.5, 0.2, 0.1], 0.1, 1.0, 5), "shapes do not fit"),
        (
            lambda: flow([[1, 2], [2, 1]], 0 * EYE, [0, 0], [True, True], 0.1, 1.0, 5),
            "not the Gram matrix of any states",
        ),
        (lambda: flow(EYE, [[0, 1.2], [1.2, 0]], [0, 0], [True, True], 0.1, 1.0, 5), "no observable with square 1"),
        (lambda: flow(2 * EYE, 0 * EYE, [0, 0], [True, True], 0.1, 1.0, 5), "ones on its diagonal"),
        (lambda: flow(EYE, [[0, 1], [0, 0]], [0, 0], [True, True], 0.1, 1.0, 5), "Hermitian"),
        (lambda: flow(EYE, 0 * EYE, [0, 0], [False, False], 0.1, 1.0, 5), "marks no point"),
        (lambda: flow(EYE, 0 * EYE, [0, 0], [1, 0], 0.1, 1.0, 5), "booleans"),
        (lambda: flow(EYE, 0 * EYE, [0, np.nan], [True, True], 0.1, 1.0, 5), "label 1 is nan"),
        (lambda: flow(EYE, EYE, [0, 0], [True, True], 0.1, 1.0, 5), "edge of the spectrum"),
        (lambda: flow(EYE, 0 * EYE, [0.5, 0], [True, True], 3.0, 1.0, 5), "rate 3 is beyond stability"),
        (lambda: flow(EYE, 0 * EYE, [0.5, 0], [True, True], 0.1, 1.0, 10**9), "memory"),
        (lambda: imaginary_time([-1, 1], [0.5, 0.6], 0, 0.1, 1.0, 5), "no probabilities"),
        (lambda: imaginary_time([-1, 1], [1.0, 0.0], 0, 0.1, 1.0, 5), "eigenstate"),
        (lambda: double_bracket([-1, 1], [[1.0, 1.0]], [0.0], ONE, 0.1, 1.0, 5), "not normalised"),
        (lambda: double_bracket([[0, 1], [0, 0]], [[1.0, 0.0]], [0.0], ONE, 0.1, 1.0, 5), "Hermitian"),
        (lambda: LotkaVolterra(-1.0, 0.1, 0.1, 0.1), "kernel is -1"),
    ],
)
def test_what_fits_no_circuit_is_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_dqntk_is_half_the_kernel_times_its_slope():
    """μ = ½K dK/df from dK/dt = -2ηεμ: differences of a corrected course, to 1e-3; without c in it off by 10 %."""
    run = flow_one(-0.3, 2.4, 0.002, 3.0, 400, 0.5, 1.2, levels=(-1.0, 3.0), continuous=True)
    slope = np.diff(run.kernel) / np.diff(run.output)
    middle = (run.kernel[1:] + run.kernel[:-1]) / 4 * slope
    mean = (run.dqntk[1:] + run.dqntk[:-1]) / 2
    scale = np.abs(middle).max()
    assert np.abs(mean - middle).max() < 1e-3 * scale
    bare = replace(run, correction=0 * run.correction).dqntk
    assert np.abs((bare[1:] + bare[:-1]) / 2 - middle).max() > 0.1 * scale


def test_training_that_has_ended_is_not_followed_further(monkeypatch, random_states):
    """2000 steps of four points, ended after some hundred, against all of them taken: the same to 1e-13."""
    states = random_states(5, 8, 3)
    observable = np.repeat([1.0, -1.0], 4)
    gram, overlaps = states.conj() @ states.T, (states.conj() * observable) @ states.T
    mask = np.array([True, True, True, True, False])
    given = (gram, overlaps, [0.2, -0.3, 0.1, 0.4, np.nan], mask, 0.02, 20.0, 2000)
    short = flow(*given)
    monkeypatch.setattr(riccati, "_STILL", -1.0)
    full = flow(*given)
    assert np.abs(short.residuals[-1]).max() < 1e-14
    assert (short.outputs[-1] == short.outputs[-500]).all()
    assert np.abs(short.outputs - full.outputs).max() < 1e-13
    assert np.abs(short.kernel(-1) - full.kernel(-1)).max() < 1e-12


def test_the_zero_of_energy_does_not_matter_to_the_continuous_flow():
    """Nor to its exponentials, which are taken from the largest: of a spectrum about 1000 they would overflow."""
    o, p = np.array([-1.0, 0.2, 1.0]), np.array([0.2, 0.5, 0.3])
    near, far = (_continuous(o + shift, p, 0.9 + shift, 1.0, 4) for shift in (0.0, 1000.0))
    assert far == pytest.approx(near, abs=1e-7)
