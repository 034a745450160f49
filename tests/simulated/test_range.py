"""No exception, no warning and nothing that is not finite, on random instances of every size and
order up to 1001."""

import warnings

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import (
    NotStationaryWarning,
    SpanObjective,
    collapse,
    descend,
    escape_directions,
    feasibility_score,
    smallest_saddle_order,
)


@pytest.mark.parametrize("seed", range(30))
def test_everything_is_finite(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 13))
    r = int(rng.integers(1, min(3, n) + 1))
    problem = sensing.gaussian(n, r, int(rng.integers(n * r, 4 * n * r + 1)), seed)
    X = rng.standard_normal((n, r)) * rng.choice([0.1, 1.0, 10.0])
    if seed % 3:
        X = sensing.gradient_descent(
            problem, X, step_size=sensing.Backtracking(), max_iterations=1000
        ).point
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotStationaryWarning)
        directions = escape_directions(problem, X, count="tied")
    score = feasibility_score(problem, X, rip_constant=0.3, directions=directions)
    assert np.all(
        np.isfinite(
            [score.ncm, score.aic, score.score, score.step, score.decrease, score.exact_score]
        )
    )
    order = smallest_saddle_order(problem, X, directions=directions)
    assert order is None or order % 2 == 1
    for order in (1, 3, 11, 101, 1001):
        generators = np.concatenate([X[None], directions.visibles, directions.hiddens])
        span = SpanObjective(problem, generators, order)
        natural = span.normalised()
        c = rng.standard_normal(len(span))
        assert not np.isnan(span.log_value(c))
        assert not np.any(np.isnan(span.log_gain(c)))
        assert np.isfinite(natural.value(c))
        assert np.isfinite(natural.value(c))
        point = collapse(natural.generators, c, order)
        assert np.all(np.isfinite(point))
        path = descend(natural, 0.1 * c, step_size=1e-3, iterations=10)
        assert np.all(np.isfinite(path.values))
        assert np.all(np.isfinite(path.coefficients))
        assert path.values.shape == path.coefficients.shape[:1]
