"""A sweep over a problem of your own from a script or a notebook, in one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lift_compare.sensing import Instance, SensingProblem
from lift_compare.sensing.validation import (
    InvalidValue,
    did_you_mean,
    shown,
    true_or_false,
    whole_number,
)

from .sweeps.evaluations import Evaluation
from .sweeps.export import flat
from .sweeps.own_problem import evaluation_of, grid_of, instance_of, kept_files, sweep_on
from .sweeps.rows import MISSING, Status, StoredRow
from .sweeps.run import rows_in, run_sweep
from .sweeps.summary import (
    is_number,
    main_result,
    shown_columns,
    shown_settings,
    sweep_caption,
    sweep_table,
)
from .sweeps.sweep import Sweep
from .tables import Column
from .tabular import Tabular

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Ablation(Tabular):
    """What `ablate` found: one row for every combination of the settings.

    Attributes
    ----------
    instance : Instance
        The problem with its point X̂.
    sweep : Sweep
        What was evaluated, and at which settings.
    stored : tuple of StoredRow
        The rows as a store keeps them.
    interrupted : bool
        Whether Ctrl-C ended it; rows without an outcome then have the status "interrupted".
    store : Path or None
        The SQLite file that keeps the rows, where one was asked for.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> found = compare.ablate(sensing.instance("two-by-two"), order=[3, 5], rho=0.1, steps=50)
    >>> found
    Ablation('path' on two-by-two: 2 rows over order; 2 done)
    >>> [row["order"] for row in found.rows()]
    [3, 5]
    """

    instance: Instance
    sweep: Sweep
    stored: tuple[StoredRow, ...]
    interrupted: bool = False
    store: Path | None = None

    @cached_property
    def _flat(self) -> list[dict[str, Any]]:
        rows = [flat(row) for row in self.stored]
        return [{**row, "instance": self.instance.name} for row in rows]

    @property
    def axes(self) -> tuple[str, ...]:
        """The settings that tell the rows apart."""
        return tuple(shown_settings(self.sweep, self._flat))

    @property
    def _columns(self) -> list[Column]:  # type: ignore[override]
        return shown_columns(self.sweep, self._flat)

    @property
    def _keys(self) -> int:  # type: ignore[override]
        return len(self.axes)

    def _caption(self) -> str:
        return sweep_caption(self.sweep, self._flat)

    def count(self, status: str) -> int:
        """Return the number of rows with a status: "done", "failed", "refused", "interrupted"."""
        if status not in list(Status):
            known = ", ".join(Status)
            close = did_you_mean(str(status), known.split(", "))
            raise InvalidValue(f"status: expected one of {known}, got {shown(status)}{close}")
        return sum(row.status == status for row in self.stored)

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat dict a row: settings, results, error, warnings, seconds, machine."""
        return [dict(row) for row in self._flat]

    def table(self, *, width: int | None = None) -> str:
        """Return the rows as text, the answer first; `width` is that of the terminal, or 100."""
        return sweep_table(self.sweep, self._flat, width=width)

    def figure(
        self, *, x: str | None = None, y: str | None = None, by: str | None = None, **how: Any
    ) -> tuple[Figure, Axes]:
        """Draw a result against a setting, one line for each value of another.

        Parameters
        ----------
        x : str, optional
            The setting across; by default the first one with numbers that varies.
        y : str, optional
            The result; by default the first one with numbers.
        by : str, optional
            The setting that has a line for each value; by default the second one that varies.
        **how
            Of `figures.sweep_figure`: kind ("lines", "map"), where, title, ax.
        """
        from .figures.sweep import sweep_figure

        axes = self.axes
        if x is None:
            numbers = [name for name in axes if any(is_number(row[name]) for row in self._flat)]
            x = next((name for name in numbers if name != by), axes[0])
        if y is None:
            y = main_result(self.sweep, self._flat)
        if y is None:
            raise InvalidValue("y: expected the name of a result, and no row has a number to draw")
        others = [name for name in axes if name not in (x, *how.get("where", ()))]
        if by is None and others:
            by = others[0]
        return sweep_figure(self._flat, x, y, by=by, **{"title": self.sweep.description, **how})

    def __repr__(self) -> str:
        counts = [(self.count(status), status) for status in Status]
        said = ", ".join(f"{count} {status}" for count, status in counts if count)
        name = self.sweep.definition.name
        count = f"{len(self.stored)} row{'s' * (len(self.stored) != 1)}"
        words = f"{name!r} on {self.instance.name}: {count} over "
        return f"Ablation({words}{', '.join(self.axes)}; {said})"


def ablate(
    problem: SensingProblem | Instance,
    X: Any = None,
    *,
    evaluation: str | Evaluation | Callable[..., Mapping[str, Any]] = "path",
    store: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    retry_failed: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Ablation:
    """Evaluate a problem of your own at every combination of settings, in one call.

    Parameters
    ----------
    problem : SensingProblem or Instance
        The problem.
    X : array (n, r), optional
        The stationary point X̂ ≠ 0 (see `sensing.polish`). Without it an Instance's own is taken,
        made stationary (`Instance.stationary_point`).
    evaluation : str, Evaluation or function
        What is evaluated: a name of `compare.EVALUATIONS` ("path", "escape", "directions",
        "oracle", "descent", "rival"), an `Evaluation` with a setting `instance` (the path of an
        `.npz` file), or a function of (problem, X) and of keywords, which are the settings, that
        returns a dict.
    store : path, optional
        An SQLite file that keeps the rows: the same call goes on where it was. The problem is kept
        beside it, as `.npz`. Without it nothing is written.
    jobs : int
        Processes. 1: in this process. More are worker processes, which import the script that
        calls: it needs the guard `if __name__ == "__main__":`.
    retry_failed : bool
        Run the failed and refused rows of the store again.
    progress : bool
        Show progress with an estimate on stderr, if that is a terminal, after two seconds.
    **settings
        Settings of the evaluation (docs/sweeps.md): a list, tuple, range or array of values to
        vary over, or one value. For "path": order, rho, eta, steps, method, sign, ...

    Returns
    -------
    Ablation
        With `.table()`, `.to_frame()`, `.figure()` and `.rows()`. After Ctrl-C it holds what was
        finished; a row that failed or was refused says why.

    Raises
    ------
    TypeError, ValueError
        For bad input, named, before any work.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import compare, sensing
    >>> problem = sensing.perturbed_completion(n=3, epsilon=0.3)
    >>> X = sensing.instance("perturbed-completion", n=3, epsilon=0.3).stationary_point()
    >>> found = compare.ablate(
    ...     problem, X, order=range(3, 8, 2), rho=np.array([0.1, 0.3]), steps=100, method="exact"
    ... )
    >>> found.count("done"), found.axes
    (6, ('order', 'rho'))
    """
    whole_number("jobs", jobs)
    for name, value in (("retry_failed", retry_failed), ("progress", progress)):
        true_or_false(name, value)
    definition = evaluation_of(evaluation)
    grid = grid_of(definition, settings)
    instance = instance_of(problem, X)
    with kept_files(instance, store) as (path, file):
        sweep = sweep_on(definition, grid, instance, file)
        executor = _Here() if jobs == 1 else None
        how: dict[str, Any] = {"executor": executor, "jobs": jobs, "progress": progress}
        interrupted = False
        try:
            run_sweep(sweep, path, retry_failed=retry_failed, **how)
        except KeyboardInterrupt:
            interrupted = True
        stored = rows_in(path, sweep)
    if interrupted:
        done = sum(row.status not in MISSING for row in stored)
        again = "; the same call goes on from there" if store is not None else ""
        said = f"{done} of {len(stored)} rows are finished and kept"
        print(f"ablate: interrupted: {said}{again}", file=sys.stderr)
    return Ablation(instance, sweep, stored, interrupted, None if store is None else path)


class _Here(Executor):
    """Evaluates in the calling thread: a script needs no guard, and Ctrl-C ends the row itself."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))  # `evaluate` turns errors into outcomes
        return future
