"""Windows of T of the truncated path, against evaluating every T."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import (
    DiagonalSurrogate,
    SpanObjective,
    escape_directions,
    published_collapse,
    term_norms,
    truncated_coefficients,
    truncated_windows,
)
from lift_compare.simulated.truncated.intervals import in_words, intersect, unite
from lift_compare.simulated.truncated.windows import _below, _dominant
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
    objective = (DiagonalSurrogate if surrogate else SpanObjective)(
        problem, directions.generators, order
    )
    level = objective.value([1.0, 0.0, 0.0])
    for below, kept in (
        (windows.state_below, [1, 1, 1]),
        (windows.beta_below, [0, 1, 0]),
        (windows.gamma_below, [0, 0, 1]),
    ):
        differences = objective.value(path.coefficients[1:] * kept) - level
        clear = np.abs(differences) > 1e-12 * level  # what is left is rounding
        assert np.count_nonzero(clear) > 0.9 * steps
        assert np.array_equal(inside(below, T)[1:][clear], differences[clear] < 0)
    assert windows.objective == ("surrogate" if surrogate else "exact")
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
    assert windows.objective == "exact"


def test_ten_times_the_others_and_the_exact_objective_are_the_default():
    _, problem, _, directions = published_point("two-by-two")
    given = {"rho": 0.1, "eta": 0.01}
    found = truncated_windows(problem, directions, 3, **given)
    assert (found.dominance, found.objective) == (10.0, "exact")
    assert repr(found) == repr(
        truncated_windows(problem, directions, 3, dominance=10.0, surrogate=False, **given)
    )


def test_what_is_once_the_others_is_the_largest():
    _, problem, _, directions = published_point("real-system")
    found = truncated_windows(problem, directions, 5, rho=0.1, eta=20.0, dominance=1.0)
    assert found.beta_dominates == found.beta_largest != ()
    assert found.gamma_dominates == found.gamma_largest != ()


@pytest.mark.parametrize(
    ("R", "base", "factor"),
    [
        (1.0, 0.5, 1.0),  # the hidden term never catches up
        (0.75, 0.5, 2.0),
        (2.0, 0.5, 2.0),  # twice the visible term in the limit only
        (3.0, 0.5, 2.0),
        (3.0, 4.0, 1.5),
        (5.0, np.inf, 2.0),
        (np.inf, np.inf, 2.0),
        (np.inf, 0.1, 2.0),
    ],
)
def test_a_term_dominates_where_it_is_so_many_times_the_others(R, base, factor):
    """The norms are base, 1 + s and R s."""
    visible, hidden = _dominant(R, base, factor)
    s = np.geomspace(0.0101, 1e4, 777)
    assert np.array_equal(inside(visible, s), 1 + s > factor * np.maximum(base, R * s))
    assert np.array_equal(inside(hidden, s), R * s > factor * np.maximum(base, 1 + s))


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        ([1.0, 1.2, 5.0, 7.0], [[1.0, 1.2], [5.0, 7.0]]),
        ([-3.0, 1.0, 1.1, 1.2], [[0.0, 1.0], [1.1, 1.2]]),
        ([-3.0, -2.0, -1.0, 4.0], [[0.0, 4.0]]),
        ([-4.0, -3.0, -2.0, -1.0], []),
        ([1j, -1j, 2j, -2j], []),
    ],
)
@pytest.mark.parametrize("level", [0.0, 50.0])
def test_an_objective_is_below_a_level_between_the_roots_of_their_difference(
    roots, expected, level
):
    quartic = np.polynomial.polynomial.polyfromroots(roots).real
    quartic[0] += level
    objective = SimpleNamespace(along=lambda start, move: quartic)
    found = _below(objective, np.zeros(3), np.zeros(3), level)
    assert np.ravel(found) == pytest.approx(np.ravel(expected), rel=1e-9)


def test_steps_beyond_float64_are_infinite_and_no_floating_point_error():
    """ν − 1 is 4e-310: the visible term is the largest after log(350) / (ν − 1) steps."""
    _, problem, _, directions = published_point("two-by-two")
    with np.errstate(all="raise"):
        never = truncated_windows(problem, directions, 3, rho=1e-3, eta=1e-309)
    assert 0 < never.growth < np.finfo(np.float64).tiny
    assert never.beta_largest == never.code_accepts == ()


def test_a_hidden_coefficient_beyond_float64_is_refused():
    _, problem, _, directions = published_point("two-by-two")
    slow = replace(directions, eigenvalues=np.array([-1e-3]))
    with pytest.raises(OverflowError, match=r"^the hidden coefficient is beyond float64 at order"):
        truncated_windows(problem, slow, 201, rho=0.1, eta=0.01)


def test_intervals_that_touch_become_one_and_have_nothing_in_common():
    first, second = ((0.0, 1.0),), ((1.0, 2.0),)
    assert unite(first, second) == ((0.0, 2.0),)
    assert intersect(first, second) == ()
    assert unite(((-1.0, 0.0),), first) == ((-1.0, 1.0),)
    # Ends that are the same to rounding.
    for end in (np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0)):
        assert unite(first, ((end, 2.0),)) == ((0.0, 2.0),)
    assert unite(first, ((1.001, 2.0),)) == ((0.0, 1.0), (1.001, 2.0))
    assert unite(((1.5, np.inf),), first, ((0.5, 1.25),)) == ((0.0, 1.25), (1.5, np.inf))
    assert intersect(((0.0, 1.25), (1.5, np.inf)), ((1.0, 2.0),)) == ((1.0, 1.25), (1.5, 2.0))


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
