"""Curves that leave the others by orders of magnitude: the frame stays with the others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from lift_compare.sensing.validation import FloatArray

from .style import SMALL

FAR = 1e6
"""Times the largest of the others from which on a curve is cut off: with it in the frame, what
the others do could not be seen."""

_ROOM = 1e3  # times the largest of the others that the frame still holds


def cut_far(ax: Axes, near: FloatArray, others: Mapping[str, FloatArray], floor: float) -> str:
    """Frame a logarithmic axis by `near` where another curve goes far beyond; say which.

    Parameters
    ----------
    ax : Axes
        The axes; its scale becomes logarithmic if something is cut off.
    near : array
        Positive values that have to be seen well.
    others : mapping of str to array
        By label, the values of curves that may leave.
    floor : float
        Below it nothing is drawn.

    Returns
    -------
    str
        A sentence for the words of the figure; empty if all is in the frame.
    """
    largest = float(np.max(near))
    peaks = {label: float(np.nanmax(values)) for label, values in others.items() if len(values)}
    peaks = {label: peak for label, peak in peaks.items() if peak > FAR * largest}
    if not peaks or not largest > 0:
        return ""
    every = np.concatenate([np.ravel(near), *(np.ravel(values) for values in others.values())])
    top = _ROOM * largest
    low = float(every[(every >= floor) & (every > 0) & (every <= top)].min())
    ax.set_yscale("log")
    ax.set_ylim(low / 3, top)
    note_above(ax, peaks)
    said = ", ".join(f"{label} reaches {peak:.3g}" for label, peak in peaks.items())
    return f" Cut off at {top:.2g}: {said}."


def note_above(ax: Axes, peaks: Mapping[str, float]) -> None:
    """Write into the upper corner which curves leave the frame, and how far they go."""
    if not peaks:
        return
    text = "\n".join(
        rf"↑ {label}: to about $10^{{{round(np.log10(peak))}}}$" for label, peak in peaks.items()
    )
    frame = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    ax.annotate(
        text,
        (0.98, 0.98),
        xycoords="axes fraction",
        fontsize=SMALL,
        ha="right",
        va="top",
        bbox=frame,
    )
