"""Windows of T of the truncated path, against evaluating every T."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import (
    escape_directions,
    published_collapse,
    term_norms,
    truncated_coefficients,
    truncated_windows,
)
from lift_compare.simulated.truncated.intervals import in_words
from tests.simulated.points import published_point


def settings():
    """Settings whose windows begin and end within a few thousand steps, so that every T can be
    looked at."""
    yield "two-by-two", 3, 0.1, 0.01, 3.0, 1500
    yield "two-by-two", 3, 0.5, 0.01, 1.5, 1500
    yield "two-by-two", 5, 0.05, 0.02, 2.0, 2500
    yield "perturbed-completion", 11, 0.3, 1.0, 2.0, 2000
    yield "perturbed-completion", 5, 0.3, 1e-4, 4.0, 1000
    yield "perturbed-completion", 9, 2.0, 0.5, 1.2, 3000
    yield "real-system", 5, 0.1, 20.0, 2.0, 1500
    yield "real-system", 7, 1.0, 1000.0, 1.1, 1500


@pytest.fixture(
    scope="module", params=list(settings()), ids=lambda s: f"{s[0]}-l{s[1]}-rho{s[2]:g}-eta{s[3]:g}"
)
def case(request):
    name, order, rho, eta, dominance, steps = request.param
    _, problem, _, directions = published_point(name)
    return problem, directions, order, rho, eta, dominance, steps


def inside(intervals, T):
    return np.any([(low < T) & (high > T) for low, high in intervals], axis=0) | np.zeros(
        len(T), dtype=bool
    )


@pytest.mark.parametrize("surrogate", [False, True])
def test_windows_equal_a_look_at_every_step(case, surrogate):
    problem, directions, order, rho, eta, dominance, steps = case
    windows = truncated_windows(
        problem, directions, order, rho=rho, eta=eta, dominance=dominance, surrogate=surrogate
    )
    path = truncated_coefficients(directions, order, rho=rho, eta=eta, steps=steps)
    T = np.arange(steps + 1)
    norms = term_norms(directions, order, path.coefficients)
    for pick, largest, dominates in (
        (1, windows.beta_largest, windows.beta_dominates),
        (2, windows.gamma_largest, windows.gamma_dominates),
    ):
        others = np.delete(norms, pick, axis=1).max(axis=1)
        assert np.array_equal(inside(largest, T)[1:], (norms[:, pick] > others)[1:])
        assert np.array_equal(inside(dominates, T)[1:], (norms[:, pick] >= dominance * others)[1:])
    for rule, window in (("code", windows.code_accepts), ("text", windows.text_accepts)):
        expected = inside(window, T)
        # The rule itself, at the ends of the windows and on a coarse grid.
        ends = np.flatnonzero(np.diff(expected.astype(int)))
        looked_at = np.unique(np.clip(np.concatenate([ends, ends + 1, T[1::97]]), 1, steps))
        for t in looked_at:
            collapsed = published_collapse(
                problem,
                directions,
                order,
                path.coefficients[t],
                rule=rule,
                dominance=dominance,
                surrogate=surrogate,
            )
            assert collapsed.accepted == expected[t], (rule, t)


def test_windows_of_every_kind_occur():
    """Non-empty windows of both rules, in the settings above: the comparisons are not all of
    nothing with nothing."""
    found = {"code": 0, "text": 0, "beta": 0, "gamma": 0}
    for name, order, rho, eta, dominance, _ in settings():
        _, problem, _, directions = published_point(name)
        w = truncated_windows(problem, directions, order, rho=rho, eta=eta, dominance=dominance)
        found["code"] += len(w.code_accepts)
        found["text"] += len(w.text_accepts)
        found["beta"] += len(w.beta_dominates)
        found["gamma"] += len(w.gamma_dominates)
    assert min(found.values()) > 0


def test_the_published_steps_lie_in_the_window_of_the_code():
    for name, surrogate in (("two-by-two", False), ("perturbed-completion", True)):
        p, problem, _, directions = published_point(name)
        windows = truncated_windows(
            problem,
            directions,
            p.settings.order,
            rho=p.settings.rho,
            eta=p.settings.eta,
            surrogate=surrogate,
        )
        assert inside(windows.code_accepts, np.array([p.settings.steps])).all()
        assert "rule of the code accepts" in repr(windows)


def test_the_real_system_is_accepted_with_the_surrogate_only():
    p, problem, _, directions = published_point("real-system")
    exact, surrogate = (
        truncated_windows(
            problem,
            directions,
            p.settings.order,
            rho=p.settings.rho,
            eta=p.settings.eta,
            surrogate=flag,
        )
        for flag in (False, True)
    )
    assert exact.code_accepts == ()
    assert inside(surrogate.code_accepts, np.array([p.settings.steps])).all()


def test_the_state_in_powers_of_nu_does_not_depend_on_eta():
    _, problem, _, directions = published_point("perturbed-completion")
    slow, fast = (
        truncated_windows(problem, directions, 11, rho=0.3, eta=eta) for eta in (1e-4, 1e-2)
    )
    # Windows in ν^T are the same, so T scales as 1/η for ν close to 1.
    assert np.array(slow.code_accepts) == pytest.approx(100 * np.array(fast.code_accepts), rel=1e-4)


def test_no_negative_eigenvalue_gives_no_window():
    problem = sensing.perturbed_completion(3, 0.3)
    directions = escape_directions(problem, problem.ground_truth)
    windows = truncated_windows(problem, directions, 3, rho=0.1, eta=0.01)
    assert windows.code_accepts == windows.text_accepts == windows.beta_largest == ()
    assert "never" in repr(windows)


def test_windows_in_words_have_six_digits():
    said = in_words(((300.12345678, 678.0), (1e9, np.inf)))
    assert said == "300.123 < T < 678 and T > 1e+09"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rho": 0}, "rho"),
        ({"eta": -1}, "eta"),
        ({"dominance": 0.5}, "dominance"),
        ({"order": 2}, "order"),
    ],
)
def test_bad_settings_are_refused(kwargs, message):
    problem, X = sensing.two_by_two(), [[0.0], [2**-0.5]]
    directions = escape_directions(problem, X)
    given = {"rho": 0.1, "eta": 0.01, "order": 3} | kwargs
    order = given.pop("order")
    with pytest.raises(ValueError, match=message):
        truncated_windows(problem, directions, order, **given)
