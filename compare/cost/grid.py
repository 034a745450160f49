"""The cost grid: explicit lifting in each form against both simulations, over n, r, m and l.

Each row is measured in a fresh process with pinned threads. In it come, in this order: the inputs,
the resident peak of the first plan and run, the seconds of the plan and of the run, the traced
peak. A size that is refused for its predicted bytes, takes too long or fails is a row that says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from lift_compare import lifting
from lift_compare.sensing.validation import InvalidValue, positive, show_bytes, whole_number

from ..tables import Column
from ..tolerances import MEMORY_LIMIT
from . import workloads
from .cases import CostCase, checked_cases
from .isolated import in_fresh_process
from .measure import timed, traced_peak
from .resident import NOISE, peak_of

METHODS = ("explicit", "exact", "truncated")

COLUMNS = (
    Column("operator", "operator"),
    Column("n", "n", "d"),
    Column("rank", "r", "d"),
    Column("m", "m", "d"),
    Column("order", "l", "d"),
    Column("method", "method"),
    Column("form", "form"),
    Column("plan_seconds", "plan", "seconds"),
    Column("run_seconds", "one step", "seconds"),
    Column("run_seconds_low", "20 %", "seconds"),
    Column("run_seconds_high", "80 %", "seconds"),
    Column("predicted_bytes", "predicted", "bytes"),
    Column("traced_bytes", "traced", "bytes"),
    Column("resident_bytes", "resident", "bytes"),
    Column("note", "note"),
)
"""The columns of the printed table; the rows hold more."""


@dataclass(frozen=True)
class CostBudget:
    """What a row of the grid may take, and how it is measured.

    Attributes
    ----------
    memory_limit : int
        Byte budget of the explicit side.
    time_limit : float
        Seconds that a row may take in all; a larger case of the same series is then not tried.
    threads : int
        Threads of BLAS in each fresh process.
    repeats, min_time : int, float
        As in `measure_cost`.
    """

    memory_limit: int = MEMORY_LIMIT
    time_limit: float = 60.0
    threads: int = 1
    repeats: int = 5
    min_time: float = 0.05

    def __post_init__(self) -> None:
        for name in ("memory_limit", "threads", "repeats"):
            whole_number(name, getattr(self, name))
        positive("time_limit", self.time_limit)
        positive("min_time", self.min_time, or_zero=True)


@dataclass(frozen=True)
class _Task:
    """One row to be measured."""

    case: CostCase
    method: str
    form: str | None
    budget: CostBudget
    seed: int


def cost_grid(
    cases: Iterable[CostCase],
    *,
    methods: Sequence[str] = METHODS,
    forms: Sequence[str] | None = None,
    seed: int = 0,
    progress: bool = True,
    **budget: Any,
) -> list[dict[str, Any]]:
    """Measure what every method costs on every case.

    Parameters
    ----------
    cases : iterable of CostCase
        Such as `cost_cases("gaussian", n=[4, 8], order=[1, 3], m=["2n"])`.
    methods : sequence of str
        Out of "explicit" (each form that applies is a row), "exact" and "truncated".
    forms : sequence of str, optional
        The forms of the explicit side to measure; all that apply by default.
    seed : int
        Seed of the random problems and points.
    progress : bool
        Whether to show a progress bar on stderr (never when that is not a terminal).
    **budget
        memory_limit (bytes of the explicit side, 1e9), time_limit (seconds a row, 60), threads (1),
        repeats (5) and min_time (0.05) as in `measure_cost`.

    Returns
    -------
    list of dict
        One row per case, method and form: the sizes, `status` ("measured", "refused", "too long",
        "failed", or "interrupted" in the last row after Ctrl-C), `note` (what happened if it was
        not measured), `plan_seconds` and `run_seconds` (median; with `_low`, `_high` and
        `_repeats`), `predicted_flops` (of one step), `predicted_bytes`, `traced_bytes`,
        `resident_bytes` (peaks of plan and step above the inputs), `allowed_bytes`, `threads`.

    Raises
    ------
    TypeError, ValueError
        For an unknown method or form, or a budget out of range.

    Examples
    --------
    >>> from lift_compare import compare
    >>> cases = compare.cost_cases("completion", n=[3])
    >>> rows = compare.cost_grid(cases, methods=["exact"], repeats=1, min_time=0.0)
    >>> rows[0]["status"], rows[0]["m"]
    ('measured', 9)
    """
    if unknown := sorted(set(methods) - set(METHODS)):
        raise InvalidValue(f"methods: expected some of {', '.join(METHODS)}, got {unknown[0]}")
    allowed, cases, seed = (
        CostBudget(**budget),
        checked_cases(cases),
        whole_number("seed", seed, least=0),
    )
    tasks = list(_tasks(cases, methods, forms, allowed, seed))
    rows = []
    too_long: dict[tuple[str, str | None], list[CostCase]] = defaultdict(list)
    for task in tqdm(tasks, desc="cost", unit="row", disable=None if progress else True):
        series = too_long[task.method, task.form]
        row = {
            **task.case.row(),
            "method": task.method,
            "form": task.form,
            "allowed_bytes": allowed.memory_limit,
            "threads": allowed.threads,
        }
        if any(task.case.covers(smaller) for smaller in series):
            note = f"not tried: a smaller case took over {allowed.time_limit:g} s"
            rows.append(row | {"status": "too long", "note": note})
            continue
        try:
            row |= in_fresh_process(
                measure_row, task, threads=allowed.threads, timeout=allowed.time_limit
            )
        except TimeoutError:
            series.append(task.case)
            row |= {"status": "too long", "note": f"stopped after {allowed.time_limit:g} s"}
        except KeyboardInterrupt:  # what is measured is kept, and the rest is a row that says so
            note = "interrupted here; later rows were not tried"
            rows.append(row | {"status": "interrupted", "note": note})
            break
        except Exception as error:  # whatever went wrong in this row, the others are still wanted
            row |= {"status": "failed", "note": f"failed: {type(error).__name__}: {error}"}
        rows.append(row)
    return rows


def _tasks(
    cases: Sequence[CostCase],
    methods: Sequence[str],
    forms: Sequence[str] | None,
    budget: CostBudget,
    seed: int,
) -> Iterator[_Task]:
    """Yield one task a row: a method on a case, the explicit one in each form asked for."""
    known = {case: case.forms for case in cases} if "explicit" in methods else {}
    every = sorted({form for several in known.values() for form in several})
    if unknown := sorted(set(forms or ()) - set(every)):
        if not known:
            raise InvalidValue(f"forms: expected none without explicit lifting, got {unknown[0]}")
        raise InvalidValue(f"forms: expected some of {', '.join(every)}, got {unknown[0]}")
    for case in cases:
        for method in methods:
            if method != "explicit":
                yield _Task(case, method, None, budget, seed)
                continue
            for form in known[case]:
                if forms is None or form in forms:
                    yield _Task(case, method, form, budget, seed)


def measure_row(task: _Task) -> dict[str, Any]:
    """Measure one row; it runs in a fresh process."""
    budget = task.budget
    # A tiny run of the same kind first: what it imports belongs to the baseline.
    family = {"entrywise": "completion", "rank-one": "rank-one"}.get(str(task.form), "gaussian")
    _plan(task, CostCase(family, 2).problem(), 3, memory_limit=None)()()
    problem = task.case.problem(task.seed)
    row: dict[str, Any] = {"m": problem.m, "status": "measured", "note": None}
    if task.method == "explicit":
        cost = lifting.predict_cost(problem, task.case.order)[str(task.form)]
        row["predicted_bytes"] = cost.total_bytes
        if cost.total_bytes > budget.memory_limit:
            needs, allowed = show_bytes(cost.total_bytes), show_bytes(budget.memory_limit)
            return row | {"status": "refused", "note": f"refused: needs {needs}, {allowed} allowed"}
        row["predicted_flops"] = cost.flops
    plan = _plan(task, problem, task.case.order, budget.memory_limit)
    row["resident_bytes"] = peak_of(lambda: plan()())
    clock: dict[str, Any] = {
        "repeats": budget.repeats,
        "min_time": budget.min_time,
        "max_time": budget.time_limit / 10,
    }
    run = plan()
    # The plan has run before, so it needs no warm-up.
    for name, call, warm_up in (("plan", plan, 0), ("run", run, 1)):
        row |= timed(call, warm_up=warm_up, **clock).row(f"{name}_")
    del run
    row["traced_bytes"] = traced_peak(lambda: plan()())
    return row


def _plan(task: _Task, problem: Any, order: int, memory_limit: int | None) -> workloads.Plan:
    X = workloads.descended_point(problem, task.seed)
    if task.method == "explicit":
        return workloads.explicit(problem, X, order, str(task.form), memory_limit)
    return (workloads.exact if task.method == "exact" else workloads.truncated)(problem, X, order)


def memory_summary(rows: Iterable[Mapping[str, Any]], *, noise: int = NOISE) -> str:
    """Return one sentence: the resident peaks of the explicit side against the other counts."""
    explicit = [
        row
        for row in rows
        if row["method"] == "explicit" and (row.get("resident_bytes") or 0) > noise
    ]
    if not explicit:
        return (
            f"No resident peak of the explicit side above {show_bytes(noise)}: "
            "nothing to hold the prediction against."
        )
    ratios = [row["resident_bytes"] / row["predicted_bytes"] for row in explicit]
    below = sum(row["resident_bytes"] < row["traced_bytes"] - noise for row in explicit)
    return (
        f"Explicit side, {len(explicit)} rows with a resident peak above {show_bytes(noise)}: "
        f"resident / predicted from {min(ratios):.2f} to {max(ratios):.2f}; below the traced peak "
        f"by more than that noise in {below} rows."
    )
