"""Success rates of gradient descent on perturbed completion, alone and with escapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.sensing import StopReason
from lift_compare.sensing.tolerances import SOLVED
from lift_compare.sensing.validation import FloatArray, listed, positive, whole_number
from lift_compare.simulated import Solution, descend_batch_with_escapes
from lift_compare.simulated.escapes.methods import method_settings

from ..published.printed import SUCCESS_RATES
from ..tables import Column, text_table
from ..tabular import Tabular

COLUMNS = (
    Column("n", "n", "d"),
    Column("epsilon", "ε", ".2f"),
    Column("starts", "starts", "d"),
    Column("rate_descent", "descent alone", ".2f"),
    Column("published_descent", "published", ".2f"),
    Column("rate_escapes", "with escapes", ".2f"),
    Column("published_escapes", "published", ".2f"),
    Column("escapes", "escapes", "d"),
    Column("refused", "attempts that find nothing", "d"),
    Column("smallest_decrease", "least relative decrease of h", ".3g"),
    Column("orders", "orders"),
    Column("median_iterations", "median steps", ".0f"),
)
"""The columns of the printed table, and of that in the report."""


@dataclass(frozen=True)
class SuccessRow:
    """One cell: perturbed completion of side n with weight ε."""

    n: int
    epsilon: float
    starts: int
    rate_descent: float  # fraction of the starts solved by gradient descent alone
    rate_escapes: float  # and with escapes
    published_descent: float | None
    published_escapes: float | None
    escapes: int  # accepted
    refused: int  # attempts that found nothing
    smallest_decrease: float | None  # least (h(X̂) − h(X̌)) / h(X̂) of those accepted
    orders: str  # lifting orders of those accepted
    median_iterations: float  # of gradient descent, all descents of a start together
    largest_distance: float | None  # to the truth, of the solved starts
    step_size: float  # of the gradient descent
    diverged: int = 0  # starts of which a descent left float64: its step was too large


@dataclass(frozen=True, repr=False)
class SuccessRates(Tabular):
    """Table of `success_rates`, with the settings that made it.

    Attributes
    ----------
    cells : tuple of SuccessRow
        One a side and weight: `.n`, `.epsilon`, `.rate_descent`, `.rate_escapes` and more.
    method : str
        Method of the escapes.
    scale, seed : float, int
        Scale and seed of the starts.
    tolerance : float
        A start is solved when h ≤ tolerance · ½‖b‖².

    Examples
    --------
    >>> from lift_compare import compare
    >>> rates = compare.success_rates([4], [0.3], starts=2, max_iterations=2000)
    >>> rates.cells[0].n, rates.rows()[0]["method"]
    (4, 'exact')
    """

    _columns = COLUMNS
    cells: tuple[SuccessRow, ...]
    method: str
    scale: float
    seed: int
    tolerance: float

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict a cell."""
        settings = {name: value for name, value in vars(self).items() if name != "cells"}
        return [{**vars(cell), **settings} for cell in self.cells]

    def table(self) -> str:
        """Return the text table."""
        title = (
            "Perturbed completion: fraction of normal starts solved "
            f"(h ≤ {self.tolerance:g} · ½‖b‖²); start scale {self.scale:g}, seed {self.seed}, "
            f'escapes by "{self.method}"'
        )
        return text_table(COLUMNS, self.rows(), title=title)

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
    progress: bool = True,
    **settings: Any,
) -> SuccessRates:
    """Return how often gradient descent solves perturbed completion, alone and with escapes.

    Every cell takes the same seed: the starts are scale · N(0, 1), one draw of shape (starts, n, 1)
    from `numpy.random.default_rng(seed)`. Gradient descent alone is the first descent of the run
    with escapes.

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
    progress : bool
        Show progress on stderr if that is a terminal.
    **settings
        Further settings of `simulated.descend_with_escapes`: step_size, max_iterations,
        max_escapes, tolerance, and those of the method. By default step_size is
        0.8 / (n max(1, 3 scale²)): curvature is about n at the truth, and about 6 n scale² at a
        start.

    Returns
    -------
    SuccessRates

    Raises
    ------
    TypeError, ValueError
        For settings out of their range, before any work.

    Examples
    --------
    >>> from lift_compare import compare
    >>> compare.success_rates([5], [0.3], starts=4, seed=1).cells[0].rate_escapes
    1.0
    """
    sizes = listed("sizes", sizes, "a list of sides n")
    epsilons = listed("epsilons", epsilons, "a list of numbers")
    cells = [
        (whole_number("sizes", n, least=2), positive("epsilons", epsilon))
        for epsilon in epsilons
        for n in sizes
    ]
    starts, seed = whole_number("starts", starts), whole_number("seed", seed, least=0)
    scale = positive("scale", scale)
    method_settings(method)  # refuses an unknown name before any work
    step_size = settings.pop("step_size", None)
    step_size = None if step_size is None else positive("step_size", step_size)
    rows = []
    for n, epsilon in tqdm(cells, desc="success rates", disable=None if progress else True):
        eta = step_size or 0.8 / (n * max(1.0, 3 * scale**2))
        solutions = descend_batch_with_escapes(
            sensing.perturbed_completion(n, epsilon),
            normal_starts(starts, n, scale, seed),
            step_size=eta,
            method=method,
            **settings,
        )
        rows.append(_row(n, epsilon, eta, solutions))
    return SuccessRates(tuple(rows), method, scale, seed, settings.get("tolerance", SOLVED))


def normal_starts(count: int, n: int, scale: float, seed: int) -> FloatArray:
    """Return the starts of a cell, shape (count, n, 1)."""
    return scale * np.random.default_rng(seed).standard_normal((count, n, 1))


def _row(n: int, epsilon: float, step_size: float, solutions: Sequence[Solution]) -> SuccessRow:
    attempts = [attempt for solution in solutions for attempt in solution.escapes]
    found = [attempt for attempt in attempts if attempt.found]
    falls = [1 - attempt.objective_after / attempt.objective_before for attempt in found]
    orders = sorted({attempt.order for attempt in found if attempt.order is not None})
    published = SUCCESS_RATES.get((n, epsilon), (None, None))
    return SuccessRow(
        n=n,
        epsilon=epsilon,
        starts=len(solutions),
        rate_descent=float(np.mean([s.solved_without_escape for s in solutions])),
        rate_escapes=float(np.mean([s.solved for s in solutions])),
        published_descent=published[0],
        published_escapes=published[1],
        escapes=len(found),
        refused=len(attempts) - len(found),
        smallest_decrease=min(falls, default=None),
        orders=", ".join(map(str, orders)),
        median_iterations=float(np.median([s.iterations for s in solutions])),
        largest_distance=max(
            (s.distance for s in solutions if s.solved and s.distance is not None), default=None
        ),
        step_size=step_size,
        diverged=sum(_has_diverged(solution) for solution in solutions),
    )


def _has_diverged(solution: Solution) -> bool:
    return any(descent.stop_reason is StopReason.DIVERGED for descent in solution.descents)
