"""Find a spurious stationary point of a problem that comes without one."""

from __future__ import annotations

import numpy as np

from .descent import gradient_descent_batch
from .floats import normalised, silently
from .polishing import is_negligible, polished_point
from .problem import SensingProblem, checked_problem
from .step_rules import Backtracking
from .tolerances import DESCENDED, POLISHED, STATIONARY
from .validation import FloatArray, InvalidValue, random_generator, whole_number

_STARTS = 6


@silently
def spurious_point(
    problem: SensingProblem, *, seed: int | np.random.Generator = 0, max_iterations: int = 500
) -> FloatArray:
    """Return a stationary point with h > 0, if descents from random starts end at one.

    Each of six descents is polished. The first end that is stationary and not the truth is taken;
    without one, the most stationary end, such as the truth.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    seed : int or numpy.random.Generator
        Source of the normal starts; each is scaled to where h is least on its ray, times a factor
        in [0.2, 2].
    max_iterations : int
        Steps of each descent at most, with backtracking.

    Returns
    -------
    array (n, r)
        Not zero, with a relative gradient norm of at most 1e-8.

    Raises
    ------
    TypeError, ValueError
        For a bad seed or number of steps. If every descent, the last ones longer, ends at X = 0:
        then b has no positive part that a PSD matrix could meet. If none comes to a stationary
        point.
    OverflowError
        If h or its derivatives are beyond float64.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> problem = sensing.gaussian(n=4, rank=1, m=5, seed=3)
    >>> X = sensing.spurious_point(problem)
    >>> sensing.relative_gradient_norm(problem, X) < 1e-10
    True
    """
    problem = checked_problem(problem)
    max_iterations = whole_number("max_iterations", max_iterations, least=0)
    rng = random_generator(seed)
    points: list[tuple[float, FloatArray]] = []
    for attempt in range(2 * _STARTS):
        start = rng.standard_normal(problem.shape)
        # h(s·start) is least at this scale s; spread it around.
        y, unit = normalised(problem.operator.measure(start, start))
        square = float(y @ y)
        fit = float(y @ np.ldexp(problem.measurements, -unit)) / square if square > 0 else 0.0
        start *= rng.uniform(0.2, 2.0) * (np.sqrt(fit) if fit > 0 else 1.0)
        (descent,) = gradient_descent_batch(
            problem,
            start[None],
            step_size=Backtracking(),
            max_iterations=max_iterations if attempt < _STARTS else 20 * (max_iterations + 100),
            tolerance=DESCENDED,
        )
        X, left = polished_point(problem, descent.point)
        if not is_negligible(problem, X):
            points.append((left, X))
            if left < POLISHED and not problem.is_solved(X):
                return X
        if attempt >= _STARTS - 1 and any(left < POLISHED for left, _ in points):
            break
    if not points:
        raise InvalidValue(
            "problem: expected a stationary point other than X = 0, but every descent ended there"
        )
    left, X = min(points, key=lambda point: point[0])
    if left > STATIONARY:
        raise InvalidValue(
            "problem: expected descents to come to a stationary point, but the best of "
            f"{len(points)} ended where ‖∇h‖ is {left:.2g} of its terms"
        )
    return X
