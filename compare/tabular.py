"""What every result with rows can do: a pandas frame, a table for a notebook, a page or a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .markup import html_table, latex_table, markdown_table
from .tables import Column, plain

if TYPE_CHECKING:
    import pandas


class Tabular:
    """Rows as a frame, as HTML, as Markdown and as LaTeX; needs `rows`, an attribute or a method.

    A class may say in `_columns` which of the keys are shown, and in `_caption` what the table is;
    the frame always has all.
    """

    # First columns that every part of a wide table has; None: those that tell rows apart.
    _keys: int | None = None
    _columns: Sequence[Column] | None = None

    def _caption(self) -> str:
        return ""

    def _records(self) -> Sequence[Mapping[str, Any]]:
        rows = self.rows  # type: ignore[attr-defined]
        return list(rows() if callable(rows) else rows)

    def _shown(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows that a table shows, if these are others than those of the frame."""
        return self._records()

    def to_frame(self) -> pandas.DataFrame:
        """Return the rows as a pandas DataFrame (needs the extra `frame`)."""
        return frame_of(self._records(), f"{type(self).__name__}.to_frame")

    def markdown(self) -> str:
        """Return the rows as a table in Markdown."""
        return markdown_table(self._columns, self._shown(), caption=self._caption())

    def latex(self) -> str:
        """Return the rows as a table in LaTeX (booktabs)."""
        return latex_table(self._columns, self._shown(), caption=self._caption(), keys=self._keys)

    def _repr_html_(self) -> str:
        return html_table(self._columns, self._shown(), caption=self._caption())


def frame_of(rows: Sequence[Mapping[str, Any]], who: str) -> pandas.DataFrame:
    """Return rows as a pandas DataFrame; an ImportError names the extra."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"{who} needs pandas: pip install 'lift-compare[frame]'") from error
    return pandas.DataFrame([plain(row) for row in rows])
