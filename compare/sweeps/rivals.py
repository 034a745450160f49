"""Rivals side by side: the same instances, starts and budgets, one row a run in a store."""

from __future__ import annotations

import inspect
import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lift_compare.sensing import Instance
from lift_compare.sensing.instances.registry import CATALOGUE
from lift_compare.sensing.validation import InvalidValue, listed, whole_number

from ..intervals import interval
from ..rivals.registry import RIVALS, find_rival
from ..tables import Column, text_table
from ..tabular import Tabular
from .export import flat
from .point import INSTANCE_SETTINGS
from .rival_grids import RivalGrid
from .rival_runs import BUDGET
from .rows import Status
from .run import run_sweep
from .stored_instances import stored_instances
from .sweep import Sweep

Cell = dict[str, Any]


_COLUMNS = (
    Column("rival", "rival"),
    Column("runs", "runs", "d"),
    Column("share", "solved, % (95 %)"),
    Column("near_truth", "at the truth", "d"),
    Column("cost", "∇h a success"),
    Column("seconds", "time a success", "seconds"),
    Column("outcome", "else"),
)


@dataclass(frozen=True, repr=False)
class RivalReport(Tabular):
    """All runs of `run_rivals`, and what they come to.

    Attributes
    ----------
    rows : tuple of dict
        One a run: the settings, `outcome` ("solved", "budget spent", "gave up", "not installed"),
        `solved`, `near_truth`, `spent` (in gradients), `run_seconds`, `h_relative` (h in units of
        ½‖b‖²).

    Examples
    --------
    >>> import os, tempfile
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from lift_compare import compare
    >>> with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as executor:
    ...     report = compare.run_rivals(
    ...         ["two-by-two"], ["gd", "restarts"], os.path.join(folder, "r.db"), runs=3,
    ...         executor=executor, progress=False,
    ...     )
    >>> [(cell["rival"], cell["solved"], cell["runs"]) for cell in report.cells]
    [('gd', 3, 3), ('restarts', 3, 3)]
    """

    rows: tuple[Mapping[str, Any], ...]
    _columns = (Column("instance", "instance"), Column("start", "start"), *_COLUMNS)

    def _shown(self) -> list[Cell]:
        return self.cells

    @cached_property
    def cells(self) -> list[Cell]:
        """One dict an instance (a family without its seed), start and rival."""
        # With more than one start a seed was given: an instance, and no draw of a family.
        given = {_seeded(row) for row in self.rows if row["run"] > 0}
        groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
        for row in self.rows:
            name = family(row)
            if row["instance"] in _FAMILIES and _seeded(row) in given:
                name += f"{',' if ':' in name else ':'}seed={row['seed']}"
            groups[name, row["start"], row.get("name") or row["rival"]].append(row)
        return [_cell(*key, rows) for key, rows in groups.items()]

    def costs(self) -> dict[str, list[float]]:
        """Return for each rival its gradients on every problem that all were run on.

        A problem is an instance and a start; inf where it was not solved.
        """
        rivals = list(dict.fromkeys(row["rival"] for row in self.rows))
        problems: dict[tuple[Any, ...], dict[str, float]] = defaultdict(dict)
        for row in self.rows:
            if row.get("solved") is not None:
                cost = max(row["spent"], 0.5) if row["solved"] else math.inf
                problems[_problem(row)][row["rival"]] = cost
        ran = [name for name in rivals if any(name in found for found in problems.values())]
        shared = [found for found in problems.values() if len(found) == len(ran)]
        return {name: [found[name] for found in shared] for name in ran} if shared else {}

    def table(self) -> str:
        """Return one text table an instance and start, the cheapest success first."""
        tables, first = [], []
        for name, start in dict.fromkeys((cell["instance"], cell["start"]) for cell in self.cells):
            cells = [c for c in self.cells if (c["instance"], c["start"]) == (name, start)]
            cells.sort(key=_by_cost)
            whence = "random starts" if start == "random" else "from X̂"
            tables.append(text_table(_COLUMNS, cells, title=f"{name}, {whence}"))
            tried = [c for c in cells if c["solved"] is not None]
            always = sum(c["solved"] == c["tried"] for c in tried)
            best = next((c for c in tried if c["solved"]), {})
            cost, rival = best.get("cost"), best.get("rival")
            row = {"instance": name, "start": whence, "rival": rival, "cost": cost}
            first.append(row | {"always": f"{always} of {len(tried)}"})
        if len(first) > 1:  # the answer first
            tables.insert(0, text_table(_SUMMARY, first, title="The cheapest success"))
        return "\n\n".join([*tables, _LEGEND])

    def __repr__(self) -> str:
        return self.table()


_SUMMARY = (
    Column("instance", "instance"),
    Column("start", "start"),
    Column("rival", "cheapest"),
    Column("cost", "∇h a success"),
    Column("always", "rivals that always solve it"),
)
_LEGEND = """solved: h ≤ 1e-10 · ½‖b‖², which a user can see; at the truth: of the solved, those
with ‖XXᵀ − ZZᵀ‖ below 1 % of ‖ZZᵀ‖ (– where no truth Z is known). ∇h a success: gradients of h
of all runs, failures included, for each one that was solved; ≈: part of it is seconds, in units of
a gradient. else: why most of the others ended."""
_SIZES = ("n", "m", "rank", "epsilon")
_FAMILIES = ("gaussian", "rank-one", "completion", "sparse-completion", "asymmetric")


def run_rivals(
    instances: Sequence[str | os.PathLike[str] | Instance],
    rivals: Sequence[str] = tuple(RIVALS),
    store_path: str | os.PathLike[str] = "results/rivals.sqlite",
    *,
    runs: int = 20,
    start: str = "random",
    gradients: float = BUDGET,
    **how: Any,
) -> RivalReport:
    """Run every rival on every instance, from the same starts and with the same budget.

    A rival ends at the first point that solves the problem, when its budget is spent, or when it
    has nothing more to try. Rows are kept in the store, and a run that was interrupted goes on
    where it was.

    Parameters
    ----------
    instances : sequence of str, path or Instance
        As `sensing.parse_instance` takes them. A family with a seed that is not given, such as
        "gaussian:n=10,m=14", is drawn anew for every run. An `Instance` of your own is written as a
        file to a folder beside the store, named after its content, so that worker processes and a
        later run find it; an operator of your own is kept there as its matrices.
    rivals : sequence of str
        Names, or files that end in .py (docs/rivals.md); by default all that ship.
    store_path : path-like
        SQLite file; created when missing.
    runs : int
        Starts of each instance, or instances of each family.
    start : str
        "random": normal starts, scaled to ‖A(XXᵀ)‖ = ‖b‖. "point": X̂.
    gradients : float
        Gradients of h that one run may spend.
    **how
        Of `run_sweep`: executor, jobs, progress, retry_failed, time_limit, memory_limit.

    Returns
    -------
    RivalReport

    Raises
    ------
    TypeError, ValueError
        For an instance or a rival that there is not, or settings out of their range.

    Examples
    --------
    >>> import os, tempfile
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from lift_compare import compare
    >>> with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as executor:
    ...     report = compare.run_rivals(
    ...         ["two-by-two"], ["gd", "exact"], os.path.join(folder, "r.db"), runs=1,
    ...         start="point", executor=executor, progress=False,
    ...     )
    >>> [row["outcome"] for row in report.rows]
    ['gave up', 'solved']
    """
    runs = whole_number("runs", runs)
    instances = listed("instances", instances, "a list of names, files or instances")
    if not instances:
        raise InvalidValue("instances: expected at least one, got none")
    for rival in rivals:
        find_rival(rival)
    texts, names = stored_instances(instances, store_path)
    part = RivalGrid(texts, tuple(rivals), runs, start)
    report = run_grid((part,), store_path, gradients=gradients, **how)
    named = (
        {**row, "instance": names.get(row["instance"], row["instance"])} for row in report.rows
    )
    return RivalReport(tuple(named))


def run_grid(
    parts: Sequence[RivalGrid],
    store_path: str | os.PathLike[str],
    *,
    gradients: float = BUDGET,
    **how: Any,
) -> RivalReport:
    """Run the parts of a grid; `how` is that of `run_sweep`, besides `time_limit`."""
    grid: list[dict[str, Any]] = [
        {
            "instance": [name],
            "rival": list(part.rivals),
            "start": [part.start],
            **_numbered(name, part.runs),
        }
        for part in parts
        for name in part.instances
    ]
    sweep = Sweep("rival", grid, {"gradients": gradients})
    report = run_sweep(sweep, store_path, **how)
    return RivalReport(tuple(map(flat, report.rows)))


def _numbered(name: str, runs: int) -> dict[str, list[int]]:
    """Return what tells the runs apart: the seed of a family, else the number of the start."""
    family, _, given = name.partition(":")
    if family in _FAMILIES and "seed=" not in given:
        return {"seed": list(range(runs))}
    return {"run": list(range(runs))}


def _problem(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = (*INSTANCE_SETTINGS, "start", "run")
    return tuple(row.get(name) for name in names)


def _seeded(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in INSTANCE_SETTINGS)


def family(row: Mapping[str, Any]) -> str:
    """Return the name of a row's instance, without what is at its default; of a family no seed."""
    drawn = row["instance"] in _FAMILIES
    names = [name for name in INSTANCE_SETTINGS[2:] if not (drawn and name == "seed")]
    own = []
    if row["instance"] in CATALOGUE:
        defaults = inspect.signature(CATALOGUE[row["instance"]][0]).parameters
        own = [
            f"{name}={row[name]:g}" if isinstance(row[name], float) else f"{name}={row[name]}"
            for name in names
            if name in defaults and row[name] not in (None, defaults[name].default)
        ]
    return f"{row['instance']}{':' if own else ''}{','.join(own)}"


def _cell(name: str, start: str, rival: str, rows: list[Mapping[str, Any]]) -> Cell:
    """Return what the runs of one rival come to."""
    cell: Cell = {"instance": name, "start": start, "rival": rival, "runs": len(rows)}
    cell |= {size: rows[0][size] for size in _SIZES}  # of a family, else None
    done = [row for row in rows if row.get("solved") is not None]
    cell["tried"] = len(done)
    cell["outcome"] = _why([row for row in rows if not row.get("solved")])
    if not done:
        return cell | {"solved": None}
    solved = [row for row in done if row["solved"]]
    low, high = interval(len(solved), len(done))
    known = any(row["near_truth"] is not None for row in done)  # whether there is a ground truth
    cell |= {
        "solved": len(solved),
        "low": low,
        "high": high,
        "share": f"{100 * len(solved) / len(done):.0f} ({100 * low:.0f}–{100 * high:.0f})",
        "near_truth": sum(bool(row["near_truth"]) for row in solved) if known else None,
        "gradients": sum(row["spent"] for row in done),
        "by_clock": any(row["by_clock"] for row in done),
    }
    if solved:
        cell["gradients_per_success"] = cell["gradients"] / len(solved)
        cell["seconds"] = sum(row["run_seconds"] for row in done) / len(solved)
        cell["cost"] = f"{'≈ ' if cell['by_clock'] else ''}{cell['gradients_per_success']:.0f}"
    return cell


def _why(rows: list[Mapping[str, Any]]) -> str | None:
    """Return the commonest reason why runs were not solved."""
    reasons: dict[str, int] = defaultdict(int)
    for row in rows:
        failed = row["status"] != Status.DONE
        error = str(row["error"]).partition(":")[0].rpartition(".")[2]
        reasons[f"failed: {error}" if failed else row["outcome"]] += 1
    return max(reasons, key=lambda reason: reasons[reason]) if reasons else None


def _by_cost(cell: Cell) -> tuple[float, int]:
    return (cell.get("gradients_per_success", float("inf")), -(cell["solved"] or 0))
