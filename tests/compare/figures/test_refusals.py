"""Every figure says what it is drawn from, where it is given something else."""

import pytest

from lift_compare import compare, sensing
from lift_compare.compare import figures

WRONG = {
    "coefficient_paths": ("comparison", "a DirectionComparison"),
    "lifted_objective": ("comparison", "a DirectionComparison"),
    "cost_seconds": ("rows", "rows of cost_grid"),
    "cost_bytes": ("rows", "rows of cost_grid"),
    "step_cost": ("rows", "rows of compare_instances"),
    "lifted_objectives": ("curves", "a mapping of labels to .*"),
    "performance_profile": ("costs", "a mapping of rivals to costs"),
    "rival_success": ("cells", "the cells of a RivalReport"),
    "trial_distances": ("trials", "histories of trials"),
    "text_alternative": ("figure", "a matplotlib Figure"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("given", [None, 3, sensing.instance("two-by-two")])
def test_what_is_no_result_is_refused(name: str, given: object) -> None:
    argument, expected = WRONG[name]
    with pytest.raises(TypeError, match=f"^{argument}: expected {expected}, got "):
        getattr(figures, name)(given)


@pytest.mark.parametrize("name", ["cost_seconds", "cost_bytes", "trial_distances"])
def test_nothing_to_draw_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="got none"):
        getattr(figures, name)([])


def test_members_are_refused_by_their_index() -> None:
    with pytest.raises(TypeError, match=r"^rows\[1\]: expected a row \(a mapping\), got 3"):
        compare.scaling_exponents([{}, 3])
    with pytest.raises(TypeError, match=r"^trials\[1\]: expected histories, got None"):
        figures.trial_distances([[], None])
    with pytest.raises(TypeError, match=r"^trials: expected histories \(History\), got 3"):
        figures.trial_distances([[3]])
    with pytest.raises(
        TypeError, match=r"^runs: expected a mapping of kinds of run to histories, got \[\]"
    ):
        figures.histories([], "objective")
