"""The cost grid: explicit lifting in each form against exact and truncated simulation, over n, r, m and l.

Each row is measured in a fresh process with pinned threads (`compare.fresh`). In it come, in this
order: the inputs, the resident peak of the first plan and run, the seconds of the plan and of the
run, the traced peak. A size that is refused for its predicted bytes, takes too long or fails is a
row that says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from tqdm import tqdm

from lift_compare import lifting
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import positive, whole_number

from . import workloads
from .fresh import in_fresh_process
from .measure import timed, traced_peak
from .resident import NOISE, peak_of
from .tables import Column, show_bytes
from .workloads import CostCase

FORMS = {
    "completion": ("residual", "normal", "entrywise", "symmetric"),
    "sparse": ("residual", "normal", "entrywise", "symmetric"),
    "gaussian": ("residual", "normal", "symmetric"),
    "rank-one": ("residual", "normal", "rank-one", "symmetric"),
}
"""The forms of explicit lifting that apply to each kind of operator."""

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


def cost_cases(
    operator: str,
    *,
    n: Sequence[int],
    rank: Sequence[int] = (1,),
    order: Sequence[int] = (3,),
    m: Sequence[str | int] = ("",),
) -> list[CostCase]:
    """Return every combination of the sizes for one kind of operator, but for ranks above n.

    Raises
    ------
    TypeError, ValueError
        For sizes that `CostCase` refuses, or a rank above every n.
    """
    if max(rank) > max(n):
        raise ValueError(f"rank: expected at most n = {max(n)}, got {max(rank)}")
    return [
        CostCase(operator, side, r, order_, rule)
        for order_, r, rule, side in product(order, rank, m, n)
        if r <= side
    ]


def standard_cases(*, quick: bool = False) -> list[CostCase]:
    """Return the cases of `lift-compare cost`: one size varies at a time, on each kind of operator."""
    if quick:
        return [
            *cost_cases("sparse", n=(4, 8, 16, 10_000)),
            *cost_cases("completion", n=(3,), order=(3, 5, 7)),
        ]
    large = (300, 1_000, 10_000, 100_000)
    return [
        *cost_cases("sparse", n=(4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, *large)),
        *cost_cases("completion", n=(4, 8, 12, 16, 20, 24, 32, 48, 64, *large[:2])),
        *cost_cases("gaussian", n=(4, 6, 8, 10, 12, 14, 16, 18, 20), m=("2n",)),
        *cost_cases("rank-one", n=(4, 6, 8, 12, 16, 20, 24, 32), m=("2n",)),
        *cost_cases("completion", n=(2,), order=(1, 3, 5, 7, 9, 11)),
        *cost_cases("gaussian", n=(4,), rank=(2, 3, 4), m=("2n",)),
        *cost_cases("gaussian", n=(6,), m=(4, 8, 16, 32, 64)),
    ]


def cost_grid(
    cases: Iterable[CostCase],
    *,
    methods: Sequence[str] = METHODS,
    forms: Sequence[str] | None = None,
    memory_limit: int = 2_000_000_000,
    time_limit: float = 60.0,
    threads: int = 1,
    repeats: int = 5,
    min_time: float = 0.05,
    seed: int = 0,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Measure what every method costs on every case.

    Parameters
    ----------
    cases : iterable of CostCase
        For example `standard_cases()` or `cost_cases("gaussian", n=[4, 8], order=[1, 3], m=["2n"])`.
    methods : sequence of str
        Out of "explicit" (each form that applies is a row), "exact" and "truncated".
    forms : sequence of str, optional
        The forms of the explicit side to measure; all that apply to the operator (`FORMS`) by default.
    memory_limit : int
        Byte budget of the explicit side, given to `lifting.LiftedProblem`.
    time_limit : float
        Seconds that a row may take in all; a larger case of the same series is then not tried.
    threads : int
        Threads of BLAS in each fresh process.
    repeats, min_time : int, float
        See `measure_cost`.
    seed : int
        Seed of the random problems and points.
    progress : bool
        Whether to show a progress bar on stderr (never when that is not a terminal).

    Returns
    -------
    list of dict
        One row per case, method and form: the sizes, `status` ("measured", "refused", "too long", "failed", or
        "interrupted" in the last row after Ctrl-C), `note` (what happened if it was not measured), `plan_seconds` and
        `run_seconds` (median; with `_low`, `_high` and `_repeats`), `predicted_flops` (of one step), `predicted_bytes`,
        `traced_bytes`, `resident_bytes` (peaks of plan and step above the inputs), `allowed_bytes` and `threads`.
    """
    if unknown := set(methods) - set(METHODS):
        raise ValueError(
            f"methods: expected some of {', '.join(METHODS)}, got {', '.join(sorted(unknown))}"
        )
    known = sorted({form for several in FORMS.values() for form in several})
    if unknown := set(forms or ()) - set(known):
        raise ValueError(
            f"forms: expected some of {', '.join(known)}, got {', '.join(sorted(unknown))}"
        )
    memory_limit, threads = (
        whole_number("memory_limit", memory_limit),
        whole_number("threads", threads),
    )
    time_limit, min_time = (
        positive("time_limit", time_limit),
        positive("min_time", min_time, or_zero=True),
    )
    repeats, seed = whole_number("repeats", repeats), whole_number("seed", seed, least=0)
    tasks = [
        (case, method, form)
        for case in cases
        for method in methods
        for form in (FORMS[case.operator] if method == "explicit" else (None,))
        if forms is None or form is None or form in forms
    ]
    rows = []
    too_long: dict[tuple[str, str | None], list[CostCase]] = defaultdict(list)
    for case, method, form in tqdm(
        tasks, desc="cost", unit="row", disable=None if progress else True
    ):
        row: dict[str, Any] = {
            "operator": case.operator, "n": case.n, "rank": case.rank, "m": case.measurements, "m_rule": str(case.m),
            "order": case.order, "method": method, "form": form, "allowed_bytes": memory_limit, "threads": threads,
        }  # fmt: skip
        if any(_larger(case, other) for other in too_long[method, form]):
            rows.append(
                row
                | {
                    "status": "too long",
                    "note": f"not tried: a smaller case took over {time_limit:g} s",
                }
            )
            continue
        try:
            row |= in_fresh_process(
                _measure_row, case, method, form, memory_limit, repeats, min_time, time_limit / 10, seed,
                threads=threads, timeout=time_limit,
            )  # fmt: skip
        except TimeoutError:
            too_long[method, form].append(case)
            row |= {"status": "too long", "note": f"stopped after {time_limit:g} s"}
        except KeyboardInterrupt:  # what is measured is kept, and the rest is a row that says so
            rows.append(
                row
                | {"status": "interrupted", "note": "interrupted here; later rows were not tried"}
            )
            break
        except Exception as error:  # whatever went wrong in this row, the others are still wanted
            row |= {"status": "failed", "note": f"failed: {type(error).__name__}: {error}"}
        rows.append(row)
    return rows


def memory_summary(rows: Iterable[Mapping[str, Any]], *, noise: int = NOISE) -> str:
    """Return one sentence: how the resident peaks of the explicit side compare with prediction and traced peak."""
    explicit = [
        row
        for row in rows
        if row["method"] == "explicit" and (row.get("resident_bytes") or 0) > noise
    ]
    if not explicit:
        return f"No resident peak of the explicit side above {show_bytes(noise)}: nothing to hold the prediction against."
    ratios = [row["resident_bytes"] / row["predicted_bytes"] for row in explicit]
    below = sum(row["resident_bytes"] < row["traced_bytes"] - noise for row in explicit)
    return (
        f"Explicit side, {len(explicit)} rows with a resident peak above {show_bytes(noise)}: resident / predicted "
        f"from {min(ratios):.2f} to {max(ratios):.2f}; below the traced peak by more than that noise in {below} rows."
    )


def _larger(case: CostCase, other: CostCase) -> bool:
    """Whether `case` is of the same kind as `other` and no smaller in any size."""
    sizes = [(c.n, c.rank, c.order, c.measurements) for c in (case, other)]
    return case.operator == other.operator and all(a >= b for a, b in zip(*sizes, strict=True))


def _measure_row(
    case: CostCase,
    method: str,
    form: str | None,
    memory_limit: int,
    repeats: int,
    min_time: float,
    max_time: float,
    seed: int,
) -> dict[str, Any]:
    """Measure one row; it runs in a fresh process."""
    tiny = CostCase(case.operator, 2, 1, 3)
    _plan_of(
        tiny.problem(seed), tiny.order, method, form, memory_limit, seed
    )()()  # so that imports come before the baseline
    problem = case.problem(seed)
    row: dict[str, Any] = {"m": problem.m, "status": "measured", "note": None}
    if method == "explicit":
        try:
            cost = lifting.LiftedProblem(
                problem, case.order, form=str(form), memory_limit=memory_limit
            ).cost
        except lifting.MemoryLimitExceeded as refusal:
            needs, allowed = show_bytes(refusal.predicted_bytes), show_bytes(refusal.allowed_bytes)
            note = f"refused: needs {needs}, {allowed} allowed"
            return row | {
                "status": "refused",
                "note": note,
                "predicted_bytes": refusal.predicted_bytes,
            }
        row |= {"predicted_flops": cost.flops, "predicted_bytes": cost.total_bytes}
    plan = _plan_of(problem, case.order, method, form, memory_limit, seed)
    row["resident_bytes"] = peak_of(lambda: plan()())
    budget: dict[str, Any] = {"repeats": repeats, "min_time": min_time, "max_time": max_time}
    run = plan()
    for name, call, warm_up in (("plan", plan, 0), ("run", run, 1)):  # the plan has run before
        seconds = timed(call, warm_up=warm_up, **budget)
        row |= {
            f"{name}_seconds": seconds.median,
            f"{name}_seconds_low": seconds.low,
            f"{name}_seconds_high": seconds.high,
            f"{name}_repeats": seconds.repeats,
        }
    del run
    row["traced_bytes"] = traced_peak(lambda: plan()())
    return row


def _plan_of(
    problem: SensingProblem, order: int, method: str, form: str | None, memory_limit: int, seed: int
) -> workloads.Plan:
    X = workloads.descended_point(problem, seed)
    if method == "explicit":
        return workloads.explicit(problem, X, order, str(form), memory_limit)
    return (workloads.exact if method == "exact" else workloads.truncated)(problem, X, order)
