"""Figures: functions that take rows or results and `ax=None`, and return (fig, ax). None calls show()."""

__all__: list[str] = []
