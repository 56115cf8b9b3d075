"""Frozen training and its first correction against gradient descent in parameter space, on explicit models."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from scipy.integrate import solve_ivp

from qntk.sampling import CircuitModel
from qntk.theory.training.frozen import (
    FrozenTraining,
    condition_number,
    critical_rate,
    decay_time,
    decay_times,
    geometric_sum,
    optimal_rate,
)
from qntk.theory.training.meta_kernel import (
    FirstOrderDecay,
    first_order_training,
    frozenness,
    kernel_change,
    meta_kernel,
)

LOSSES = {
    "half-sum": lambda e: 0.5 * (e**2).sum(),
    "half-mean": lambda e: 0.5 * (e**2).mean(),
    "sum": lambda e: (e**2).sum(),
    "mean": lambda e: (e**2).mean(),
}
"""The losses as they are written; the tests differentiate them and never use an effective rate."""


def descend(f, y, theta, rate, loss, steps):
    """θ along gradient descent on the loss of a model linear in θ: central differences are exact for a parabola."""
    path = [theta]
    for _ in range(steps):
        slope = [LOSSES[loss](f(theta + a) - y) - LOSSES[loss](f(theta - a) - y) for a in np.eye(len(theta))]
        theta = theta - rate * np.array(slope) / 2
        path.append(theta)
    return np.array(path)


def linear(points, parameters, seed, tests=3):
    rng = np.random.default_rng(seed)
    J = rng.normal(size=(points + tests, parameters))
    f0, y = rng.normal(size=points + tests), rng.normal(size=points)
    return J, f0, y, J[:points] @ J[:points].T, J[points:] @ J[:points].T


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("points", "parameters"), [(1, 5), (4, 7), (4, 2)])
def test_frozen_training_is_gradient_descent_of_a_linear_model(loss, points, parameters):
    """Residuals, losses and outputs at other points to 1e-10; the last case has a singular kernel."""
    J, f0, y, K, cross = linear(points, parameters, seed=points + parameters)
    rate = 0.7 * critical_rate(K, loss)
    path = descend(lambda p: f0[:points] + J[:points] @ p, y, np.zeros(parameters), rate, loss, 60)
    outputs = f0 + path @ J.T
    residuals, t = outputs[:, :points] - y, np.arange(61)
    frozen = FrozenTraining(K, residuals[0], rate, loss)
    assert frozen.residuals_at(t) == pytest.approx(residuals, abs=1e-10)
    assert frozen.loss_at(t) == pytest.approx([LOSSES[loss](e) for e in residuals], abs=1e-10)
    assert frozen.outputs_at(t, cross, f0[points:]) == pytest.approx(outputs[:, points:], abs=1e-10)
    assert frozen.outputs_at(7, K, f0[:points]) == pytest.approx(outputs[7, :points], abs=1e-10)
    for other in LOSSES:
        wrong = FrozenTraining(K, residuals[0], rate, other)
        if wrong.effective_rate != frozen.effective_rate:  # half-sum and half-mean agree for one datum
            assert np.abs(wrong.residuals_at(1) - residuals[1]).max() > 0.05
    forgotten = frozen.outputs_at(t, cross, 0 * f0[points:])  # the outputs at initialisation matter
    assert np.abs(forgotten - outputs[:, points:]).min() > 0.01


@pytest.mark.parametrize("loss", LOSSES)
def test_continuous_time_against_an_ode_solver(loss):
    """Gradient flow of θ, relative tolerance 1e-11 in the solver."""
    J, f0, y, K, cross = linear(3, 6, seed=5)
    rate = 0.1
    c = {"half-sum": 0.5, "half-mean": 0.5 / 3, "sum": 1, "mean": 1 / 3}[loss]
    times = np.array([0.0, 0.3, 2.5, 7.0])
    flow = solve_ivp(
        lambda _, p: -rate * c * 2 * J[:3].T @ (f0[:3] + J[:3] @ p - y), (0, 7), np.zeros(6), t_eval=times,
        rtol=1e-11, atol=1e-13,
    )  # fmt: skip
    outputs = f0 + flow.y.T @ J.T
    frozen = FrozenTraining(K, f0[:3] - y, rate, loss)
    assert frozen.residuals_at(times, continuous=True) == pytest.approx(outputs[:, :3] - y, abs=1e-9)
    assert frozen.outputs_at(times, cross, f0[3:], continuous=True) == pytest.approx(outputs[:, 3:], abs=1e-9)


def test_inference_interpolates_and_null_modes_keep_their_residual():
    J, f0, y, K, cross = linear(4, 7, seed=1)
    frozen = FrozenTraining(K, f0[:4] - y, 0.5 * critical_rate(K))
    assert frozen.inference(K, f0[:4]) == pytest.approx(y, abs=1e-10)
    least = f0[4:] + J[4:] @ np.linalg.lstsq(J[:4], y - f0[:4])[0]
    assert frozen.inference(cross, f0[4:]) == pytest.approx(least, abs=1e-10)
    late = frozen.outputs_at(10**7, cross, f0[4:])
    assert late == pytest.approx(least, abs=1e-10)

    J, f0, y, K, cross = linear(4, 2, seed=2)
    frozen = FrozenTraining(K, f0[:4] - y, critical_rate(K, "mean") / 2, "mean")
    move = np.linalg.lstsq(J[:4], y - f0[:4])[0]
    assert frozen.inference(K, f0[:4]) == pytest.approx(f0[:4] + J[:4] @ move, abs=1e-10)
    assert frozen.inference(cross, f0[4:]) == pytest.approx(f0[4:] + J[4:] @ move, abs=1e-10)
    assert np.abs(frozen.inference(K, f0[:4]) - y).max() > 0.1
    for factor in (1.0, 1.5):
        with pytest.raises(ValueError, match="critical rate"):
            FrozenTraining(K, y, factor * critical_rate(K)).inference(cross, f0[4:])


@pytest.mark.parametrize("loss", LOSSES)
def test_critical_rate_separates_decay_from_growth(loss):
    J, f0, y, K, _ = linear(3, 6, seed=3)
    train = J[:3], f0[:3]
    ends = [
        LOSSES[loss](train[1] + train[0] @ descend(
            lambda p: train[1] + train[0] @ p, y, np.zeros(6), factor * critical_rate(K, loss), loss, 1500
        )[-1] - y)
        for factor in (0.99, 1.0, 1.01)
    ]  # fmt: skip
    frozen = FrozenTraining(K, f0[:3] - y, critical_rate(K, loss), loss)
    top = frozen.amplitudes[-1]
    assert frozen.amplitudes_at([1, 2, 3])[:, -1] == pytest.approx([-top, top, -top], rel=1e-9)
    assert ends[0] < 1e-10
    assert ends[1] == pytest.approx(LOSSES[loss](np.array([top])) * (1 / 3 if "mean" in loss else 1), rel=1e-6)
    assert ends[2] > 1e6
    assert decay_times(K, critical_rate(K, loss), loss)[-1] == np.inf


def test_decay_times_condition_number_and_optimal_rate():
    K = np.diag([0.0, 0.5, 2.0, 4.0])
    times = decay_times(K, 0.3)
    assert times[0] == np.inf
    assert np.abs(1 - 0.3 * np.diag(K)[1:]) ** times[1:] == pytest.approx(np.exp(-1))
    assert decay_times(K, 0.25)[-1] == 0
    assert (condition_number(K), condition_number(K[1:, 1:]), decay_time(K)) == (np.inf, 8, np.inf)
    assert decay_time(K[1:, 1:], 0.4) == pytest.approx(-1 / np.log(1 - 0.8 / 8))
    assert decay_time(np.diag([1e-9, 1.0]), 0.5) == pytest.approx(1e9, rel=1e-8)
    best = optimal_rate(K, "mean")
    around = [decay_times(K[1:, 1:], 0.75 * best * factor, "mean").max() for factor in (0.99, 1.0, 1.01)]
    assert around[1] == min(around)
    assert np.exp(-1 / around[1]) == pytest.approx((8 - 1) / (8 + 1))
    with pytest.raises(ValueError, match="fraction"):
        decay_time(K, 1.0)


@given(st.floats(1e-18, 2.5), st.integers(0, 40))
def test_geometric_sum_keeps_its_digits(x, t):
    exact = float(sum(((1 - Fraction(x)) ** s for s in range(t)), Fraction(0)))
    assert geometric_sum(np.array([x]), t)[0] == pytest.approx(exact, rel=1e-12, abs=1e-12)
    assert geometric_sum(np.array([0.0, 1e-17]), 10**9) == pytest.approx([1e9, 1e9])


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 20.0), st.sampled_from(list(LOSSES)), st.integers(0, 30))
def test_order_of_the_data_and_units_of_the_output_do_not_matter(seed, unit, loss, t):
    """f in a unit c times smaller has kernel c²K and trains alike at η/c²; the loss grows by c²."""
    _, f0, y, K, cross = linear(4, 9, seed)
    order = np.random.default_rng(seed).permutation(4)
    rate = 0.6 * critical_rate(K, loss)
    one = FrozenTraining(K, f0[:4] - y, rate, loss)
    mixed = FrozenTraining(K[np.ix_(order, order)], (f0[:4] - y)[order], rate, loss)
    assert mixed.residuals_at(t) == pytest.approx(one.residuals_at(t)[order], abs=1e-9)
    assert mixed.outputs_at(t, cross[:, order], f0[4:]) == pytest.approx(one.outputs_at(t, cross, f0[4:]), abs=1e-8)
    scaled = FrozenTraining(unit**2 * K, unit * (f0[:4] - y), rate / unit**2, loss)
    assert scaled.residuals_at(t) / unit == pytest.approx(one.residuals_at(t), abs=1e-9)
    assert scaled.loss_at(t) / unit**2 == pytest.approx(one.loss_at(t), rel=1e-7, abs=1e-12)


def quadratic(points, scale, seed=7, parameters=6):
    """f = f0 + gθ + ½θᵀHθ: f0 - y, g (M, L) and H (M, L, L), its Hessians scaled."""
    rng = np.random.default_rng(seed)
    g, half = rng.normal(size=(points, parameters)), rng.normal(size=(points, parameters, parameters))
    return rng.normal(size=points), g, scale * (half + half.swapaxes(1, 2)) / 4


def train_quadratic(residuals, g, H, step, steps):
    """Residuals and kernels along gradient descent; ``step`` multiplies Jᵀε."""
    theta, path, kernels = np.zeros(g.shape[1]), [], []
    for _ in range(steps + 1):
        J = g + H @ theta
        path.append(residuals + g @ theta + 0.5 * (H @ theta) @ theta)
        kernels.append(J @ J.T)
        theta = theta - step * J.T @ path[-1]
    return np.array(path), np.array(kernels)


@pytest.mark.parametrize("loss", ["half-sum", "sum"])
def test_first_order_decay_misses_by_the_square_of_the_hessian(loss):
    """Error ratio over a decade of scale 100 to within 15 %; without the correction the ratio is 10."""
    t, errors, frozen_errors, kernel_errors, flow_errors = np.arange(31), [], [], [], []
    for scale in (1e-2, 1e-3):
        residuals, g, H = quadratic(1, scale)
        K, mu = float((g @ g.T)[0, 0]), float(meta_kernel(g, H)[0, 0, 0])
        rate = 0.35 / K
        path, kernels = train_quadratic(residuals, g, H, rate * (2 if loss == "sum" else 1), 30)
        decay = FirstOrderDecay(K, mu, residuals[0], rate, loss)
        errors.append(np.abs(decay.residual_at(t) - path[:, 0]).max())
        frozen_errors.append(np.abs(FrozenTraining(K, residuals, rate, loss).residuals_at(t) - path).max())
        kernel_errors.append(np.abs(decay.kernel_at(t) - kernels[:, 0, 0]).max())
        speed = rate * (2 if loss == "sum" else 1)
        flow = solve_ivp(
            lambda _, p, r, a, b, s: -s * (a + b @ p) * (r + a @ p + 0.5 * p @ b @ p), (0, 30), np.zeros(6),
            t_eval=t, rtol=1e-12, atol=1e-14, args=(residuals[0], g[0], H[0], speed),
        ).y.T  # fmt: skip
        exact = residuals[0] + flow @ g[0] + 0.5 * np.einsum("ta,ab,tb->t", flow, H[0], flow)
        flow_errors.append(np.abs(decay.residual_at(t, continuous=True) - exact).max())
        change = kernels[-1, 0, 0] / K - 1
        assert frozenness(K, mu, residuals) == pytest.approx(abs(change), rel=2 * scale)
    for pair in (errors, kernel_errors, flow_errors):
        assert pair[0] / pair[1] == pytest.approx(100, rel=0.15)
    assert frozen_errors[0] / frozen_errors[1] == pytest.approx(10, rel=0.15)


@pytest.mark.parametrize("loss", ["half-mean", "mean"])
def test_first_order_training_of_many_data(loss):
    """As above with M = 3; the kernel with the two index orders of μ not both counted is rejected."""
    errors, changes, halves = [], [], []
    for scale in (1e-2, 1e-3):
        residuals, g, H = quadratic(3, scale)
        K, mu = g @ g.T, meta_kernel(g, H)
        rate = 0.4 * critical_rate(K, loss)
        path, kernels = train_quadratic(residuals, g, H, rate * (1 if loss == "half-mean" else 2) / 3, 400)
        e, k = first_order_training(K, mu, residuals, rate, 400, loss)
        errors.append(max(np.abs(e - path).max(), np.abs(k - kernels).max()))
        true = kernels[-1] - K
        changes.append(np.abs(kernel_change(K, mu, residuals) - true).max())
        halves.append(np.abs(kernel_change(K, mu, residuals) / 2 - true).max())
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.2)
    assert changes[0] / changes[1] == pytest.approx(100, rel=0.2)
    assert halves[0] / halves[1] == pytest.approx(10, rel=0.2)


@given(st.floats(1e-9, 1.9), st.floats(-1, 1), st.integers(1, 60))
def test_closed_form_solves_the_linearised_recurrence(x, residual, t):
    """In exact fractions, also at η'K = 1 and where it is tiny."""
    q, delta, mu = 1 - Fraction(x), Fraction(0), 3
    e = Fraction(residual)
    for s in range(t):
        moved = -2 * mu * e * sum((q**r for r in range(s)), Fraction(0))
        delta = q * delta - moved * q**s * e + Fraction(1, 2) * mu * (q**s * e) ** 2
    decay = FirstOrderDecay(x, mu, residual, learning_rate=1.0)
    assert decay.residual_at(t) == pytest.approx(float(q**t * e + delta), rel=1e-9, abs=1e-9)


def test_frozen_and_first_order_predictions_of_a_trained_circuit():
    """Two qubits, 48 angles, 3 inputs. The miss is bounded by the measured change of the kernel.

    With kernels K_s along the path, ε(t) = Π(1 - ηK̄_s) ε(0), K̄_s the mean over step s. While the frozen factors do not
    grow, the frozen prediction misses by at most η Σ_s ‖K̄_s - K_0‖ ‖ε(s)‖; 10 % more allows for K̄_s beside K_s.
    Here K changes by 6 %, the bound is 8 % of ‖ε(0)‖ and the miss 2 %; that of the first order, 0.03 %, has to be 20
    times smaller than the frozen one.
    """
    data, angles, circuit = Parameter("x"), iter(ParameterVector("a", 48)), QuantumCircuit(2)
    for _ in range(8):
        for gate in (circuit.ry, circuit.rz, circuit.rx):
            gate(next(angles), 0), gate(next(angles), 1)
        circuit.cx(0, 1)
        circuit.rx(data, 0)
    model = CircuitModel(circuit, SparsePauliOp("ZZ"), inputs=[data])
    x, rng = np.array([[-1.0], [0.2], [1.3]]), np.random.default_rng(4)
    theta = start = rng.uniform(0, 2 * np.pi, 48)
    f0, J = (a[0] for a in model.value_and_gradient(start[None], x))
    y, h = f0 - 0.03 * rng.normal(size=3), 1e-4
    K = J @ J.T
    step = np.vstack([start + h * np.eye(48), start - h * np.eye(48)])
    slopes = model.value_and_gradient(step, x)[1]
    mu = meta_kernel(J, ((slopes[:48] - slopes[48:]) / (2 * h)).swapaxes(0, 1))
    rate, steps = 0.1 * critical_rate(K), 150
    path, kernels = [], []
    for _ in range(steps + 1):
        f, J = (a[0] for a in model.value_and_gradient(theta[None], x))
        path.append(f - y)
        kernels.append(J @ J.T)
        theta = theta - rate * J.T @ path[-1]
    trained, change = np.array(path), np.linalg.norm(np.array(kernels) - K, ord=2, axis=(1, 2))
    frozen = FrozenTraining(K, trained[0], rate)
    miss = np.linalg.norm(frozen.residuals_at(np.arange(steps + 1)) - trained, axis=1)
    bound = 1.1 * rate * np.cumsum(change * np.linalg.norm(trained, axis=1))
    assert (miss <= bound + 1e-12).all()
    assert bound[-1] < 0.1 * np.linalg.norm(trained[0])
    better = np.linalg.norm(first_order_training(K, mu, trained[0], rate, steps)[0] - trained, axis=1)
    assert better.max() < miss.max() / 20
    wrong = FrozenTraining(K, trained[0], rate, "sum").residuals_at(np.arange(steps + 1))
    assert np.linalg.norm(wrong - trained, axis=1).max() > 3 * bound[-1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FrozenTraining(np.ones((2, 3)), [1, 1], 0.1), "shape"),
        (lambda: FrozenTraining([[1, 2], [0, 1]], [1, 1], 0.1), "symmetric"),
        (lambda: FrozenTraining([[1, 2], [2, 1]], [1, 1], 0.1), "semidefinite"),
        (lambda: FrozenTraining(0.0, 1.0, 0.1), "zero"),
        (lambda: FrozenTraining(np.eye(2), [1, 1, 1], 0.1), "residuals"),
        (lambda: FrozenTraining(np.eye(2), [1, np.nan], 0.1), "finite"),
        (lambda: FrozenTraining(1.0, 1.0, -0.1), "learning_rate"),
        (lambda: FrozenTraining(1.0, 1.0, 0.1, "mse"), "half-sum"),
        (lambda: FrozenTraining(1.0, 1.0, 0.1).residuals_at(0.5), "whole"),
        (lambda: FrozenTraining(1.0, 1.0, 0.1).residuals_at(-1), "at least 0"),
        (lambda: FrozenTraining(1.0, 1.0, 0.1).outputs_at(1, np.ones((2, 2)), [0, 0]), "cross"),
        (lambda: meta_kernel(np.ones((2, 3)), np.ones((2, 2, 2))), "hessians"),
        (lambda: first_order_training(np.eye(2), np.ones((2, 2)), [1, 1], 0.1, 3), "meta"),
        (lambda: first_order_training(1.0, 0.1, 1.0, 0.1, -3), "steps"),
        (lambda: kernel_change(1.0, 0.1, [1.0, 2.0]), "residuals"),
    ],
)  # fmt: skip
def test_errors_are_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
