"""What a rival is, and the budget that ends and counts it.

A rival is one file with a NAME, a SUMMARY of one line, what it NEEDS (modules that may not be
installed) and a function `run(problem, start, budget) -> Run`. It only goes on: whoever calls it
ends it, at the first point that solves the problem or when its budget is spent.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import norm
from lift_compare.sensing.instances.python_file import module_of_file
from lift_compare.sensing.tolerances import SOLVED
from lift_compare.sensing.validation import FloatArray, InvalidType, InvalidValue, positive, shown

from ..cost.counted import CountedOperator


@dataclass(frozen=True)
class Run:
    """What a rival returns when it has nothing more to try.

    Attributes
    ----------
    point : array (n, r)
        Its last point; lower ones on the way were seen and kept.
    details : mapping
        Whatever it has to say: numbers and words.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import compare
    >>> compare.Run(np.zeros((2, 1)), {"stop": "no idea"}).details
    {'stop': 'no idea'}
    """

    point: FloatArray
    details: dict[str, Any] = field(default_factory=dict)


class _Ended(BaseException):
    """Ends a rival from within; no exception of a rival's own, which it might catch."""


class Budget(CountedOperator):
    """The operator that a rival sees: it counts, keeps the lowest point, and ends the run.

    One gradient of h is one measurement A(XXᵀ) and one product A*(y)X, of r columns each; of k
    columns they count k/r times. What is not seen here, such
    as one row of A, or a solver that takes the matrices, is told by `spend` or `spend_seconds`.

    Attributes
    ----------
    limit : float
        Gradients that may be spent.
    spent : float
        Gradients spent.
    by_clock : bool
        Whether some of them are seconds, in units of a gradient of h.
    random : numpy.random.Generator
        Source of all that is random in the run.
    best, best_value : array (n, r) or None, float
        The lowest point that was measured, and h there.
    details : dict
        What the rival has to say even if it is ended: it may write here.
    """

    def __init__(self, problem: SensingProblem, limit: float, random: np.random.Generator) -> None:
        super().__init__(problem.operator)
        self.problem = problem
        self.limit, self.random = positive("gradients", limit), random
        self.best: FloatArray | None = None
        self.best_value = math.inf
        self.details: dict[str, Any] = {}
        self.by_clock = False
        self._told = 0.0
        self._solved_below = SOLVED * problem.objective_at_zero

    @property
    def spent(self) -> float:
        """Gradients spent up to now."""
        return float(self.products / 2 + self._told)

    @property
    def left(self) -> float:
        """Gradients left."""
        return float(self.limit) - self.spent

    def measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Count and measure; look at the point if there is one, and end the run if it is over."""
        if self.left <= 0:
            raise _Ended
        self._told += self._wider(left, right)
        measured = super().measure(left, right)
        if left is right and left.shape[-2:] == self.problem.shape:
            self._look(left, measured)
        return measured

    def adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        """Count and multiply."""
        self._told += self._wider(y[..., None], right)
        return super().adjoint_matmul(y, right)

    def _wider(self, one: FloatArray, other: FloatArray) -> float:
        """Return what the columns beyond rank r cost: the work of a product is as its columns."""
        products = int(np.prod(np.broadcast_shapes(one.shape[:-2], other.shape[:-2])))
        return products / 2 * (int(other.shape[-1]) / self.problem.rank - 1)

    def spend(self, gradients: float) -> None:
        """Count work that the operator does not see, in gradients of h; end the run if over."""
        self._told += gradients
        if self.left <= 0:
            raise _Ended

    def spend_seconds(self, seconds: float) -> None:
        """Count work by the clock, in units of one gradient of h of the problem, measured here.

        It ends no run: whether a run is over must not hang on the speed of a machine.
        """
        self.by_clock = True
        self._told += seconds / seconds_of_gradient(self.problem)

    def _look(self, X: FloatArray, measured: FloatArray) -> None:
        """Keep the point if it is the lowest so far; end the run if it solves the problem."""
        X, measured = X.reshape(-1, *self.problem.shape), measured.reshape(-1, self.m)
        values = 0.5 * norm(measured - self.problem.measurements, axis=(-1,)) ** 2
        lowest = int(np.argmin(np.where(np.isnan(values), np.inf, values)))
        if values[lowest] < self.best_value:
            self.best, self.best_value = np.array(X[lowest]), float(values[lowest])
            if self.best_value <= self._solved_below:
                raise _Ended


@dataclass(frozen=True)
class Rival:
    """A way to solve a problem from a start.

    Attributes
    ----------
    name, summary : str
        What it is called, and what it is, in one line.
    run : callable
        `run(problem, start, budget) -> Run`; `problem.operator` is the budget itself.
    needs : tuple of str
        Modules that it imports and that may not be installed.

    Examples
    --------
    >>> from lift_compare import compare
    >>> def stay(problem, start, budget):
    ...     return compare.Run(start)
    >>> compare.Rival("stay", "does nothing", stay, needs=("no_such_module",)).missing
    ('no_such_module',)
    """

    name: str
    summary: str
    run: Callable[[SensingProblem, FloatArray, Budget], Run]
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that are not installed."""
        return tuple(name for name in self.needs if find_spec(name) is None)


@dataclass(frozen=True)
class Attempt:
    """What became of one run of a rival.

    Attributes
    ----------
    point : array (n, r)
        The lowest point that it measured, or the one it returned if that is lower.
    budget : Budget
        What it spent.
    ending : str
        "solved", "budget spent" or "gave up".
    details : dict
        Of its Run, or what it wrote into the budget's.
    """

    point: FloatArray
    budget: Budget
    ending: str
    details: dict[str, Any]


def attempt(
    rival: Rival, problem: SensingProblem, start: FloatArray, *, gradients: float, seed: Any
) -> Attempt:
    """Run a rival until it solves the problem, has spent its budget, or has nothing more to try."""
    budget = Budget(problem, gradients, np.random.default_rng(seed))
    counted = replace(problem, operator=budget, ground_truth=None)  # it is not given the answer
    point = start
    ending = "budget spent"
    try:
        with np.errstate(all="ignore"):  # a step that is too long leaves float64: h is inf there
            run = rival.run(counted, np.array(start), budget)
        if not isinstance(run, Run):
            kind = type(run).__name__
            raise InvalidType(f"rival: {rival.name}: expected run() to return a Run, got {kind}")
        budget.details |= run.details
        point, ending = run.point, "gave up"
    except _Ended:
        pass
    if budget.best is not None and (
        ending != "gave up" or not problem.objective_or_inf(point) < budget.best_value
    ):
        point = budget.best
    if problem.is_solved(point):
        ending = "solved"
    return Attempt(point, budget, ending, budget.details)


def seconds_of_gradient(problem: SensingProblem) -> float:
    """Return the seconds of one gradient of h here: the least of five rounds of ten."""
    X = np.ones(problem.shape)
    rounds = []
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(10):
            problem.unchecked(X)
        rounds.append((time.perf_counter() - begin) / 10)
    return min(rounds)


def from_file(path: str) -> Rival:
    """Return the rival that a file defines: NAME, SUMMARY, NEEDS and `run`.

    Raises
    ------
    ValueError
        If there is no such file, it fails, or it defines no `run`.
    """
    file = Path(path)
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        module = module_of_file(file, f"rival_{digest}")
    except Exception as error:
        raise InvalidValue(f"rival: {path} cannot be loaded: {error}") from error
    return from_module(module, path)


def from_module(module: ModuleType | str, path: str = "") -> Rival:
    """Return the rival that a module defines."""
    if isinstance(module, str):
        module = import_module(module)
    run = getattr(module, "run", None)
    if not callable(run):
        raise InvalidValue(f"rival: {path}: expected a function run(problem, start, budget)")
    name = getattr(module, "NAME", Path(path).stem)
    if not isinstance(name, str) or not name:
        raise InvalidValue(f"rival: {path}: NAME: expected a word, got {shown(name)}")
    summary = str(getattr(module, "SUMMARY", "of your own"))
    return Rival(name, summary, run, tuple(getattr(module, "NEEDS", ())))
