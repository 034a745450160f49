"""The rows of a store as flat records, and as a pandas frame."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..tabular import frame_of
from .rows import StoredRow
from .store import Store

if TYPE_CHECKING:
    import pandas


def export_rows(
    store_path: str | os.PathLike[str], *, evaluation: str | None = None
) -> list[dict[str, Any]]:
    """Return every row of a store as one flat dict, in the order in which they were planned.

    Parameters
    ----------
    store_path : path-like
        The SQLite file that `run_sweep` wrote.
    evaluation : str, optional
        Only rows of this evaluation.

    Returns
    -------
    list of dict
        Keys: evaluation, version, status; the settings; the results; error, warnings, seconds,
        attempts, finished; then where it ran: processor, cores, system, threads, and
        version_<package>. A failed or refused evaluation is a row with its error, and without
        results; one that is still missing is a row with the status running, waiting or interrupted.

    Raises
    ------
    StoreError
        If the file is missing or no store.

    Examples
    --------
    >>> from lift_compare import compare
    >>> try:
    ...     compare.export_rows("no-such-store.sqlite")
    ... except compare.StoreError as error:
    ...     print(error)
    store: there is no file no-such-store.sqlite
    """
    with Store(store_path, create=False) as store:
        rows = store.rows()
    return [flat(row) for row in rows if evaluation in (None, row.task.evaluation)]


def export_frame(
    store_path: str | os.PathLike[str], *, evaluation: str | None = None
) -> pandas.DataFrame:
    """Return the rows of a store as a pandas DataFrame (needs the extra `frame`).

    Parameters
    ----------
    store_path, evaluation
        As for `export_rows`, which describes the columns.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    StoreError
        If the file is missing or no store.
    ImportError
        If pandas is not installed.

    Examples
    --------
    >>> from lift_compare import compare
    >>> compare.export_frame("no-such-store.sqlite")
    Traceback (most recent call last):
    lift_compare.compare.sweeps.store.StoreError: store: there is no file no-such-store.sqlite
    """
    return frame_of(export_rows(store_path, evaluation=evaluation), "export_frame")


def flat(row: StoredRow) -> dict[str, Any]:
    """Return one stored row as a flat dict."""
    machine = row.provenance.get("machine", {})
    versions = row.provenance.get("versions", {})
    # Usually all variables agree, and one word says it.
    threads = sorted({str(limit) for limit in machine.get("threads", {}).values()})
    return {
        "evaluation": row.task.evaluation,
        "version": row.task.version,
        "status": str(row.status),
        **row.task.settings,
        **row.results,
        "error": row.error,
        "warnings": "; ".join(row.warnings) or None,
        "seconds": row.seconds,
        "attempts": row.attempts,
        "finished": row.finished,
        "processor": machine.get("processor"),
        "cores": machine.get("cores"),
        "system": machine.get("system"),
        "threads": ", ".join(threads) or None,
        **{f"version_{name}": version for name, version in versions.items()},
    }
