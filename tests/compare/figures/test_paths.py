"""The lifted paths: what is drawn of them, and that one without end does not hide the others."""

from __future__ import annotations

import numpy as np
import pytest

from lift_compare import compare, sensing, simulated
from lift_compare.compare import figures
from lift_compare.compare.figures.style import text_alternative

HOW = {"costs": False, "oracle": False, "progress": False}


@pytest.fixture(scope="module")
def growing() -> compare.DirectionComparison:
    """Two-by-two with a truncated path that grows by a factor at every step."""
    X = sensing.instance("two-by-two").stationary_point()
    return compare.compare_directions(sensing.two_by_two(), X, 3, step_size=0.1, steps=200, **HOW)


def drawn(ax, label: str) -> np.ndarray:
    (found,) = (each for each in ax.get_lines() if each.get_label() == label)
    return np.asarray(found.get_xydata())


def test_a_path_without_end_does_not_hide_the_others(growing) -> None:
    for steps in (None, 1000):
        _, ax = figures.lifted_objective(growing, steps=steps)
        truncated = drawn(ax, "truncated closed form")
        others = [drawn(ax, label) for label in ("explicit lift", "exact simulation")]
        tallest = max(line[:, 1].max() for line in others)
        assert truncated[:, 1].max() > 1e6 * tallest
        assert tallest < ax.get_ylim()[1] <= 1e3 * tallest * (1 + 1e-12)
        words = text_alternative(ax.figure)
        assert f"truncated reaches {truncated[:, 1].max():.3g}" in words


def test_the_exact_terms_are_drawn_beside_a_path_without_end(growing) -> None:
    _, ax = figures.coefficient_paths(growing)
    norms = simulated.term_norms(growing.directions, 3, growing.exact.coefficients)
    for j, term in enumerate((r"base $\alpha$", r"visible $\beta$", r"hidden $\gamma$")):
        line = drawn(ax, f"{term}, exact")
        shown = np.isfinite(line[:, 1])
        np.testing.assert_allclose(line[shown, 1], norms[line[shown, 0].astype(int), j])
        # The hidden term starts at zero, and the base one ends there.
        assert shown[1:10].all()


def test_a_path_that_stays_is_drawn_to_its_end() -> None:
    own = sensing.instance("two-by-two")
    found = compare.compare_directions(
        own.problem, own.stationary_point(), 3, rho=0.1, eta=0.01, steps=40, **HOW
    )
    for draw in (figures.lifted_objective, figures.coefficient_paths):
        _, ax = draw(found)
        assert max(line.get_xdata()[-1] for line in ax.get_lines()) == 40
        assert "Cut off" not in text_alternative(ax.figure)
