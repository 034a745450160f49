"""The rows of a store as flat records: for CSV, JSON lines, or a pandas frame."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from .rows import StoredRow
from .store import Store
from .tables import plain

if TYPE_CHECKING:
    import pandas


def export_rows(
    store_path: str | os.PathLike[str], *, evaluation: str | None = None
) -> list[dict[str, Any]]:
    """Return every row of a store as one flat dict, in the order in which the rows were begun.

    Parameters
    ----------
    store_path : path-like
        The SQLite file that `run_sweep` wrote.
    evaluation : str, optional
        Only rows of this evaluation.

    Returns
    -------
    list of dict
        Keys: evaluation, version, status; the settings; the results; error, warnings, seconds, attempts, finished;
        then where it ran: processor, cores, system, threads, and version_<package>. A failed or refused evaluation is a
        row with its error, and without results.

    Raises
    ------
    StoreError
        If the file is missing or no store.
    """
    with Store(store_path, create=False) as store:
        rows = store.rows()
    return [flat(row) for row in rows if evaluation in (None, row.task.evaluation)]


def export_frame(
    store_path: str | os.PathLike[str], *, evaluation: str | None = None
) -> pandas.DataFrame:
    """Return the rows of a store as a pandas DataFrame (needs the extra `frame`); see `export_rows`.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError("export_frame needs pandas: pip install 'lift-compare[frame]'") from error
    return pandas.DataFrame(export_rows(store_path, evaluation=evaluation))


def flat(row: StoredRow) -> dict[str, Any]:
    """Return one stored row as a flat dict."""
    machine = row.provenance.get("machine", {})
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
        **{
            f"version_{name}": version
            for name, version in row.provenance.get("versions", {}).items()
        },
    }


def write_json_lines(rows: Iterable[dict[str, Any]], file: TextIO) -> None:
    """Write one strict JSON object a line."""
    for row in rows:
        file.write(json.dumps(plain(row), allow_nan=False, ensure_ascii=False) + "\n")


def write_csv_rows(rows: Iterable[dict[str, Any]], file: TextIO) -> None:
    """Write CSV with the union of the keys as header; a missing value is an empty cell, a list is JSON."""
    rows = list(rows)
    writer = csv.DictWriter(
        file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(plain(value)) for key, value in row.items()})


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
