"""The bound of the memory of a path, against what `descend` holds."""

import re

import pytest

from lift_compare import sensing
from lift_compare.simulated import SpanObjective, descend
from lift_compare.simulated.span.path_length import LARGEST_PATH, check_path, check_steps


@pytest.mark.parametrize("numbers", [1, 2**10, 1000])
def test_as_many_steps_as_fit_and_not_one_more(numbers):
    """8 bytes a number, for each step and the start."""
    most = LARGEST_PATH // (8 * numbers) - 1
    check_path("T", most, numbers=numbers)
    with pytest.raises(ValueError, match=rf"^T: expected at most {most} steps, .*got {most + 1}, "):
        check_path("T", most + 1, numbers=numbers)


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_a_path_of_coefficients_may_be_as_long_as_that_of_descend(k):
    generators = [[[1.0], [float(j)]] for j in range(k)]
    span = SpanObjective(sensing.two_by_two(), generators, 1)
    with pytest.raises(ValueError, match="expected at most") as refused:
        descend(span, [0.0] * k, step_size=1.0, iterations=10**12)
    most = int(re.search(r"at most (\d+) steps", str(refused.value))[1])
    check_steps("iterations", most, k)
    with pytest.raises(ValueError, match=rf"^iterations: expected at most {most} steps"):
        check_steps("iterations", most + 1, k)
