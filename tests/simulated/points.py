"""Published stationary points, computed once for all tests."""

from functools import cache

from lift_compare.compare.published import PUBLISHED
from lift_compare.simulated import escape_directions


@cache
def published_point(name):
    """Return (settings, problem, X̂, directions) of a published instance."""
    settings = PUBLISHED[name]
    problem, X = settings.build(), settings.stationary_point()
    return settings, problem, X, escape_directions(problem, X)
