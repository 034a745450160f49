"""Published stationary points, computed once for all tests."""

from functools import cache

from lift_compare import sensing
from lift_compare.simulated import escape_directions


@cache
def published_point(name):
    """Return (settings, problem, X̂, directions) of a published instance."""
    settings = sensing.instance(name)
    problem, X = settings.problem, settings.point
    return settings, problem, X, escape_directions(problem, X)
