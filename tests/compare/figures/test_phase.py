"""Phase diagrams: the regions drawn hold exactly the settings of which a direct evaluation says
so."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from matplotlib.colors import to_hex

from lift_compare import sensing, simulated
from lift_compare.compare.figures import phase
from lift_compare.compare.figures.style import text_alternative
from lift_compare.compare.reproduction.phases import windows
from lift_compare.compare.reproduction.runs import Runs


def inside(ax: object, chosen: object, x: float, y: float) -> bool:
    """Whether a region that `chosen` picks by its style contains the point."""
    regions = [each for each in ax.collections if chosen(each)]  # type: ignore[attr-defined, operator]
    return any(path.contains_point((x, y)) for region in regions for path in region.get_paths())


@pytest.mark.parametrize(
    ("name", "setting"), list(product(["two-by-two", "real-system"], ["eta", "rho"]))
)
def test_the_regions_agree_with_the_published_collapse(name: str, setting: str) -> None:
    runs = Runs(sensing.instance(name))
    directions, i = runs.lift.directions, runs.lift.settings
    values = getattr(i, setting) * np.geomspace(0.05, 20, 15)
    steps = (i.steps / 30, 8.0 * i.steps)
    rows = {
        use: [windows(runs, surrogate=use, **{setting: float(v)}) for v in values]
        for use in (False, True)
    }
    _, ax = phase.truncated_phases(
        setting,
        values,
        {
            "visible": [w.beta_largest for w in rows[False]],
            "hidden": [w.gamma_largest for w in rows[False]],
        },
        {
            "exact": [w.code_accepts for w in rows[False]],
            "surrogate": [w.code_accepts for w in rows[True]],
        },
        steps=steps,
        marked=(getattr(i, setting), i.steps),
        title="T",
    )
    rng = np.random.default_rng(0)
    seen = set()
    for column, T in product(range(1, 14, 2), rng.integers(int(steps[0]) + 1, int(steps[1]), 6)):
        value = float(values[column])
        try:
            state = simulated.truncated_coefficients(
                directions,
                i.order,
                **{"rho": i.rho, "eta": i.eta, setting: value},
                steps=int(T),
            ).coefficients[-1]
        except OverflowError:
            continue
        norms = simulated.term_norms(directions, i.order, state)
        largest = int(np.argmax(norms))
        if np.sort(norms)[-1] < 1.02 * np.sort(norms)[-2]:
            continue  # at the edge of a region
        for number, colour in ((1, "#9ecae9"), (2, "#f2b48a")):
            drawn = inside(ax, lambda each, c=colour: _face(each) == c, value, float(T))
            assert drawn == (largest == number), (value, T, norms)
        for use, hatch in ((False, "////"), (True, "\\\\\\\\")):
            try:
                collapse = simulated.published_collapse(
                    runs.problem, directions, i.order, state, surrogate=use
                )
            except OverflowError:  # an objective beyond float64 is not below that of ŵ
                continue
            if abs(collapse.objective_state / collapse.objective_stationary - 1) < 0.02:
                continue
            assert (
                inside(ax, lambda each, h=hatch: each.get_hatch() == h, value, float(T))
                == collapse.accepted
            )
            seen.add((use, collapse.accepted))
    assert (True, True) in seen  # the test has met both verdicts
    assert (False, False) in seen


def _face(region: object) -> str:
    colours = region.get_facecolor()  # type: ignore[attr-defined]
    return str(to_hex(colours[0])) if len(colours) else ""


def test_the_words_give_the_intervals_at_the_marked_setting() -> None:
    values = np.array([0.1, 1.0, 10.0])
    columns = [[(2.0, 4.0)], [(3.0, 5.0), (7.0, np.inf)], []]
    _, ax = phase.truncated_phases(
        "η",
        values,
        {"visible": columns},
        {"rule": columns},
        steps=(1.0, 20.0),
        marked=(1.0, 6.0),
        title="T",
    )
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert "rule accepts for 3 < T < 5 and T > 7" in words
    assert "T = 6 is used" in words


def test_a_rule_that_never_accepts_is_named_in_the_legend() -> None:
    empty = [[], []]
    _, ax = phase.truncated_phases(
        "η", np.array([1.0, 2.0]), {"a": empty}, {"rule": empty}, steps=(1.0, 9.0), title="T"
    )
    legend = ax.get_legend()
    assert legend is not None
    assert "accepts: rule (nowhere)" in [text.get_text() for text in legend.get_texts()]


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="visible: expected intervals for each of 2 values, got 1"):
        phase.truncated_phases("η", np.array([1.0, 2.0]), {"visible": [[]]}, {}, steps=(1, 9))
    with pytest.raises(ValueError, match="at most 3"):
        phase.truncated_phases(
            "η", np.array([1.0]), {}, {str(k): [[]] for k in range(4)}, steps=(1, 9)
        )
    with pytest.raises(ValueError, match="ratio"):
        phase.exact_phases(np.ones(2), np.ones(3), np.ones((2, 3)), np.ones((3, 2)))


def test_the_exact_diagram_shows_where_the_objective_falls() -> None:
    sizes, steps = np.array([0.1, 1.0, 10.0]), np.array([1.0, 10.0])
    falls = np.array([[True, True], [True, False], [False, False]])
    ratio = np.array([[0.9, 0.5], [0.9, 1.5], [2.0, np.inf]])
    _, ax = phase.exact_phases(
        sizes, steps, falls, ratio, largest=0.5, marked=(0.1, 10.0), title="T"
    )
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert "h^l falls at every step: 50 % of the grid." in words
    assert "h^l rises at some step: 33 % of the grid." in words
    assert "leaves float64: 17 % of the grid." in words
    assert "h^l < h^l(ŵ): 50 % of the grid." in words
    assert "falls at every step is 0.5" in words
    assert "Logarithmic: step size η/2 from" in words  # as simulated.descend takes it
