"""Success rates of gradient descent with and without escapes on perturbed completion, beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.sensing.validation import positive, whole_number
from lift_compare.simulated import METHODS, descend_batch_with_escapes

from .tables import Column, text_table

PUBLISHED_RATES: dict[tuple[int, float], tuple[float, float]] = {
    (40, 0.15): (0.58, 0.98), (50, 0.15): (0.56, 0.92), (60, 0.15): (0.50, 0.86), (70, 0.15): (0.40, 0.80),
    (80, 0.15): (0.32, 0.70), (40, 0.10): (0.48, 0.88), (50, 0.10): (0.36, 0.84), (60, 0.10): (0.26, 0.78),
    (70, 0.10): (0.22, 0.68), (80, 0.10): (0.14, 0.60),
}  # fmt: skip
"""Rates printed with the SOD paper (arXiv 2602.05887) by (n, ε): gradient descent, and with escapes. 50 starts each,
which are not published, so these rates are no target for ours."""

_COLUMNS = (
    Column("n", "n", "d"),
    Column("epsilon", "ε", ".2f"),
    Column("starts", "starts", "d"),
    Column("rate_descent", "GD", ".2f"),
    Column("rate_escapes", "GD + escapes", ".2f"),
    Column("published_descent", "GD (published)", ".2f"),
    Column("published_escapes", "GD + escapes (published)", ".2f"),
    Column("escapes", "escapes", "d"),
    Column("smallest_decrease", "least decrease of h", ".3f"),
    Column("orders", "orders"),
    Column("median_iterations", "median steps", ".0f"),
)


@dataclass(frozen=True)
class SuccessRow:
    """One cell: perturbed completion of side n with weight ε.

    Attributes
    ----------
    n, epsilon, starts : int, float, int
        The instance and the number of starts.
    rate_descent, rate_escapes : float
        Fraction of the starts solved by gradient descent alone, and with escapes.
    published_descent, published_escapes : float or None
        The published rates, where there are any.
    escapes, refused : int
        Escapes accepted, and attempts that found nothing.
    smallest_decrease : float or None
        Least of (h(X̂) − h(X̌)) / h(X̂) over the accepted escapes; None without any.
    orders : str
        Lifting orders of the accepted escapes.
    median_iterations : float
        Median number of steps of gradient descent, all phases together.
    largest_distance : float
        Largest final distance to the truth of the solved starts.
    step_size : float
        η of the gradient descent.
    """

    n: int
    epsilon: float
    starts: int
    rate_descent: float
    rate_escapes: float
    published_descent: float | None
    published_escapes: float | None
    escapes: int
    refused: int
    smallest_decrease: float | None
    orders: str
    median_iterations: float
    largest_distance: float | None
    step_size: float


@dataclass(frozen=True, repr=False)
class SuccessRates:
    """Table of `success_rates`, with the settings that made it."""

    cells: tuple[SuccessRow, ...]
    method: str
    scale: float
    seed: int
    tolerance: float

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict a cell, for `compare.tables.write_csv` and `write_json`."""
        settings = {
            "method": self.method,
            "scale": self.scale,
            "seed": self.seed,
            "tolerance": self.tolerance,
        }
        return [{**vars(cell), **settings} for cell in self.cells]

    def table(self) -> str:
        """Return the text table."""
        title = (
            f"Perturbed completion: fraction of normal starts solved (h ≤ {self.tolerance:g} · ½‖b‖²); "
            f'start scale {self.scale:g}, seed {self.seed}, escapes by "{self.method}"'
        )
        return text_table(_COLUMNS, self.rows(), title=title)

    def __repr__(self) -> str:
        return self.table()


def success_rates(
    sizes: Sequence[int] = (40, 50, 60, 70, 80),
    epsilons: Sequence[float] = (0.15, 0.10),
    *,
    starts: int = 50,
    scale: float = 0.1,
    seed: int = 0,
    method: str = "exact",
    step_size: float | None = None,
    max_iterations: int = 100_000,
    max_escapes: int = 10,
    tolerance: float = 1e-10,
    progress: bool = True,
    **escape_settings: Any,
) -> SuccessRates:
    """Return how often gradient descent solves perturbed completion, alone and with escapes.

    Every cell takes the same seed: the starts are scale · N(0, 1), one draw of shape (starts, n, 1)
    from `numpy.random.default_rng(seed)`. Gradient descent alone is the first phase of the run with
    escapes.

    Parameters
    ----------
    sizes, epsilons : sequences of int and of float
        n and ε of the cells; n ≥ 2, ε > 0.
    starts : int
        Starts in each cell.
    scale : float
        Scale of the starts.
    seed : int
        Seed of the starts.
    method : str
        Method of `simulated.escape`.
    step_size : float, optional
        η of gradient descent. By default 0.8 / (n max(1, 3 scale²)): curvature is about n at the truth, and about
        6 n scale² at a start.
    max_iterations, max_escapes, tolerance : int, int, float
        As in `simulated.descend_with_escapes`.
    progress : bool
        Show progress on stderr if that is a terminal.
    **escape_settings
        Further settings of `simulated.escape`.

    Returns
    -------
    SuccessRates

    Raises
    ------
    TypeError, ValueError
        For settings out of their range, before any work.
    """
    cells = [
        (whole_number("sizes", n, least=2), positive("epsilons", epsilon))
        for epsilon in epsilons
        for n in sizes
    ]
    starts, seed = whole_number("starts", starts), whole_number("seed", seed, least=0)
    scale = positive("scale", scale)
    step_size = None if step_size is None else positive("step_size", step_size)
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")

    def run(cell: tuple[int, float]) -> SuccessRow:
        n, epsilon = cell
        eta = step_size or 0.8 / (n * max(1.0, 3 * scale**2))
        problem = sensing.perturbed_completion(n, epsilon)
        solutions = descend_batch_with_escapes(
            problem,
            scale * np.random.default_rng(seed).standard_normal((starts, n, 1)),
            step_size=eta,
            method=method,
            max_iterations=max_iterations,
            max_escapes=max_escapes,
            tolerance=tolerance,
            **escape_settings,
        )
        attempts = [attempt for solution in solutions for attempt in solution.escapes]
        found = [attempt for attempt in attempts if attempt.found]
        falls = [1 - attempt.objective_after / attempt.objective_before for attempt in found]
        distances = [s.distance for s in solutions if s.solved and s.distance is not None]
        published = PUBLISHED_RATES.get((n, epsilon), (None, None))
        return SuccessRow(
            n=n,
            epsilon=epsilon,
            starts=starts,
            rate_descent=float(np.mean([s.solved_without_escape for s in solutions])),
            rate_escapes=float(np.mean([s.solved for s in solutions])),
            published_descent=published[0],
            published_escapes=published[1],
            escapes=len(found),
            refused=len(attempts) - len(found),
            smallest_decrease=min(falls, default=None),
            orders=", ".join(
                str(order) for order in sorted({a.order for a in found if a.order is not None})
            ),
            median_iterations=float(np.median([s.iterations for s in solutions])),
            largest_distance=max(distances, default=None),
            step_size=eta,
        )

    bar = tqdm(cells, desc="success rates", disable=None if progress else True)
    rows = tuple(run(cell) for cell in bar)
    return SuccessRates(rows, method, scale, seed, tolerance)
