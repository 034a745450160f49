"""The scores of the single step, against h itself along the line."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import optimize

from lift_compare import sensing
from lift_compare.simulated import escape_directions, feasibility_score
from lift_compare.simulated.points.feasibility import _exact_score


@cache
def stationary_points():
    return list(find_stationary_points())


def find_stationary_points():
    for seed in range(12):
        n, r = 3 + seed % 3, 1 + seed % 3
        problem = sensing.gaussian(n, r, n * r + seed % 2, seed)
        start = np.random.default_rng(seed).standard_normal(problem.shape)
        end = optimize.minimize(
            lambda x, problem=problem: problem.objective(x.reshape(problem.shape)),
            start.ravel(),
            jac=lambda x, problem=problem: problem.gradient(x.reshape(problem.shape)).ravel(),
        )
        yield problem, sensing.polish(problem, end.x.reshape(problem.shape))
    # Two saddles, for scores above 1: with every entry measured, each column of Z is stationary on
    # its own.
    for other in (0.9, 2.0):
        Z = np.diag([1.0, other, 0.5])
        problem = sensing.SensingProblem.from_ground_truth(
            sensing.EntrywiseOperator(np.ones((3, 3))), Z, rank=1
        )
        yield problem, np.eye(3)[:, :1]


@pytest.fixture(scope="module", params=range(14))
def case(request):
    return stationary_points()[request.param]


def test_the_quartic_is_h_along_the_line(case):
    problem, X = case
    score, direction = feasibility_score(problem, X), escape_directions(problem, X).visible
    t = np.linspace(-3, 3, 13)
    line = np.array([problem.objective(X + s * direction) for s in t]) - problem.objective(X)
    assert score.line.change(t) == pytest.approx(line, abs=1e-11 * (1 + np.abs(line).max()))
    assert isinstance(score.line.change(0.5), float)


def test_the_quartic_holds_at_points_that_are_not_stationary():
    problem = sensing.gaussian(4, 2, 6, seed=1)
    X = np.random.default_rng(0).standard_normal((4, 2))
    with pytest.warns(UserWarning, match="stationary"):
        directions = escape_directions(problem, X)
    score = feasibility_score(problem, X, directions=directions)
    for t in (-1.3, 0.4):
        change = problem.objective(X + t * directions.visible) - problem.objective(X)
        assert score.line.change(t) == pytest.approx(change, rel=1e-10)


def test_the_exact_score_is_a_certificate(case):
    problem, X = case
    score = feasibility_score(problem, X)
    scale = 4 * (1 + np.abs(score.step) + score.singular_value)
    t = np.linspace(-scale, scale, 20001)
    lowest = score.line.change(t).min()
    floor = 1e-10 * (1 + problem.objective(X))
    if score.exact_score > 1 + 1e-6:
        assert score.decrease > 0
        assert lowest < 0
    if score.exact_score < 1 - 1e-6:
        assert lowest >= -floor
        assert (score.step, score.decrease) == (0.0, 0.0)
    assert lowest >= -score.decrease - floor
    assert score.line.change(score.step) == pytest.approx(-score.decrease, abs=floor)


def test_both_verdicts_occur():
    scores = [feasibility_score(*case).exact_score for case in stationary_points()]
    assert min(scores) < 1 < max(scores)


def test_the_published_scores_follow_from_the_rip_constant(case):
    problem, X = case
    delta = 0.37
    s = feasibility_score(problem, X, rip_constant=delta)
    assert s.ncm == pytest.approx(-s.eigenvalue / (s.singular_value**2 * (1 + delta)))
    assert s.aic == pytest.approx(s.kappa**2 / (2 * (1 + delta) ** 2))
    assert s.score == s.ncm + s.aic
    assert s.score_step == pytest.approx(-s.singular_value * s.kappa / (1 + delta))
    # With a true RIP constant, e ≤ 2 (1+δ) and g ≤ 1+δ: the published score never exceeds the exact
    # one.
    delta = max(s.e / 2, s.g) - 1 + 1e-12
    if delta >= 0 and s.eigenvalue < 0:
        assert feasibility_score(problem, X, rip_constant=delta).score <= s.exact_score + 1e-9


def test_without_a_rip_constant_only_the_exact_score_is_given():
    published = sensing.instance("two-by-two")
    score = feasibility_score(published.problem, published.point)
    assert score.ncm is score.aic is score.score is score.score_step is None
    # The 2×2 example sits exactly on the border: h is flat to third order along its line.
    assert score.exact_score == pytest.approx(1, abs=1e-12)
    assert score.line.change(0.1) == pytest.approx(score.g * 1e-4 / 2, rel=1e-9)
    assert "no RIP constant" in repr(score)


def test_a_direction_that_is_not_measured():
    # A sees only the first entry, so e = g = 0 along e₂ and every point of the line has the same h.
    problem = sensing.SensingProblem.from_ground_truth(
        sensing.DenseOperator([np.diag([1.0, 0.0, 0.0])]), np.eye(3)[:, :1]
    )
    X = np.eye(3)[:, :1]
    blind = replace(escape_directions(problem, X), eigenvectors=np.eye(3)[:, 1:2])
    score = feasibility_score(problem, X, directions=blind)
    assert (score.e, score.g) == (0.0, 0.0)
    assert (score.exact_score, score.step, score.decrease) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("delta", "error"), [(-0.1, ValueError), (np.nan, ValueError), ("half", TypeError)]
)
def test_a_bad_rip_constant_is_refused(delta, error):
    with pytest.raises(error, match="rip_constant"):
        feasibility_score(sensing.two_by_two(), [[0.0], [2**-0.5]], rip_constant=delta)


@pytest.mark.parametrize(
    ("lam", "e", "g", "kappa", "expected"),
    [
        (-1.0, 2.0, 3.0, 1.5, 2 / 18 + 2.25 / 6),
        (1.0, 2.0, 3.0, -1.5, -2 / 18 + 2.25 / 6),
        (-1.0, 0.25, 0.5, 0.25, 2 / 2.25 + 0.0625 / 0.125),
        (-1.0, 2.0, 0.0, 0.0, 2 / 18),  # nothing of u uᵀ is measured
        (-1.0, 0.0, 3.0, 0.0, np.inf),
        (1.0, 0.0, 3.0, 0.0, -np.inf),
        (0.0, 0.0, 3.0, 0.0, 0.0),
        (-1.0, 0.0, 0.0, 0.0, np.inf),
    ],
)
def test_the_exact_score_where_measurements_are_zero(lam, e, g, kappa, expected):
    """EFS* = −2 λ / (σ² e) + κ² / (e g) at σ = 3."""
    assert _exact_score(lam, 3.0, e, g, kappa) == pytest.approx(expected, rel=1e-14)
