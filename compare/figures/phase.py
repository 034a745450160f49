"""Phase diagrams over a setting and the number of steps: which term dominates, which rule accepts, where h^l falls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lift_compare.sensing.validation import FloatArray, real_array

from .style import BLACK, SMALL, YELLOW, canvas, finish

Intervals = Sequence[tuple[float, float]]
"""Disjoint intervals of T."""

_GREY, _TERM_COLOURS = "#d9d9d9", ("#9ecae9", "#f2b48a", "#cfe8c9")
_HATCHES = ("////", "\\\\\\\\", "...")  # the first two cross where both hold
_SIZE = (4.6, 4.6)


def truncated_phases(
    setting: str,
    values: FloatArray,
    terms: Mapping[str, Sequence[Intervals]],
    rules: Mapping[str, Sequence[Intervals]],
    *,
    steps: tuple[float, float],
    marked: tuple[float, float] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the truncated path over a setting and T: the largest term as colour, the acceptance of rules as hatching.

    Parameters
    ----------
    setting : str
        Name of the setting across, with its symbol.
    values : array (p,)
        Its values, positive and ascending.
    terms : mapping of str to sequence of p Intervals
        For each term other than the base, the intervals of T in which it is the largest, at each value.
    rules : mapping of str to sequence of p Intervals
        For each rule (three at most), the intervals of T in which it accepts.
    steps : (float, float)
        Range of T to show.
    marked : (float, float), optional
        A value of the setting, and a T, to mark: such as the published ones.
    title : str
        Title of the axes.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    (Figure, Axes)

    Raises
    ------
    ValueError
        If there are not p intervals for a term or a rule, or more rules than hatchings.
    """
    x = real_array("values", values, (None,))
    for name, columns in {**terms, **rules}.items():
        if len(columns) != len(x):
            raise ValueError(
                f"{name}: expected intervals for each of {len(x)} values, got {len(columns)}"
            )
    if len(rules) > len(_HATCHES) or len(terms) > len(_TERM_COLOURS):
        raise ValueError(f"rules: expected at most {len(_HATCHES)} of them, got {len(rules)}")
    fig, ax = _frame(ax, x, steps)
    ax.set_facecolor(_GREY)
    keys: list[Any] = [_patch("largest: base", facecolor=_GREY)]
    for (name, columns), colour in zip(terms.items(), _TERM_COLOURS, strict=False):
        if _regions(ax, x, columns, steps, facecolor=colour, linewidth=0):
            keys.append(_patch(f"largest: {name}", facecolor=colour))
    for (name, columns), hatch in zip(rules.items(), _HATCHES, strict=False):
        somewhere = _regions(
            ax, x, columns, steps, facecolor="none", edgecolor=BLACK, hatch=hatch, linewidth=0.9
        )
        keys.append(
            _patch(
                f"accepts: {name}" + ("" if somewhere else " (nowhere)"),
                facecolor="white",
                hatch=hatch,
            )
        )
    said = []
    if marked is not None:
        keys.append(_star(ax, *marked))
        column = int(np.abs(np.log(x / marked[0])).argmin())
        said.append(f"At {setting} = {x[column]:.3g}, the published one:")
        said += [
            f"the {name} term is the largest for {_show(columns[column])};"
            for name, columns in terms.items()
        ]
        said += [f"{name} accepts for {_show(columns[column])};" for name, columns in rules.items()]
        said.append(f"published is T = {marked[1]:g}.")
    _complete(ax, keys, setting, title, f"{_ranges(setting, x, steps)} {' '.join(said)}")
    return fig, ax


def exact_phases(
    step_sizes: FloatArray,
    steps: FloatArray,
    falls: FloatArray,
    ratio: FloatArray,
    *,
    largest: float | None = None,
    marked: tuple[float, float] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the exact path over its step size η and T: where h^l has fallen at every step, and how far it has come.

    Parameters
    ----------
    step_sizes, steps : array (p,), (q,)
        The grid; positive and ascending.
    falls : array (p, q) of bool
        Whether h^l has fallen at every step up to T.
    ratio : array (p, q)
        h^l after T steps over h^l(ŵ); inf where the path has left float64.
    largest : float, optional
        The largest step size with which h^l falls at every step, drawn as a vertical line.
    marked : (float, float), optional
        A step size and a T to mark.
    title : str
        Title of the axes.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.
    """
    x, y = real_array("step_sizes", step_sizes, (None,)), real_array("steps", steps, (None,))
    for name, array in {"falls": falls, "ratio": ratio}.items():
        if np.shape(array) != (len(x), len(y)):
            raise ValueError(
                f"{name}: expected an array of shape ({len(x)}, {len(y)}), got shape {np.shape(array)}"
            )
    fig, ax = _frame(ax, x, (float(y[0]), float(y[-1])))
    keys: list[Any] = []
    regions: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("h^l falls at every step", falls, {"colors": ["#9ecae9"]}),
        (
            "h^l rises at some step",
            np.isfinite(ratio) & ~np.asarray(falls, dtype=bool),
            {"colors": ["#f2b48a"]},
        ),
        ("leaves float64", ~np.isfinite(ratio), {"colors": [_GREY]}),
        ("h^l below h^l(ŵ)", ratio < 1, {"colors": "none", "hatches": ["////"]}),
        ("h^l below h^l(ŵ) / 100", ratio < 0.01, {"colors": "none", "hatches": ["xxxx"]}),
    )
    said = []
    for name, mask, style in regions:
        share = float(np.mean(mask))
        said.append(f"{name}: {100 * share:.0f} % of the grid.")
        if share:
            ax.contourf(x, y, np.asarray(mask, dtype=float).T, levels=[0.5, 1.5], **style)
            hatched = "hatches" in style
            if hatched:
                ax.contour(
                    x,
                    y,
                    np.asarray(mask, dtype=float).T,
                    levels=[0.5],
                    colors=BLACK,
                    linewidths=0.9,
                )
            face = "white" if hatched else style["colors"][0]
            keys.append(
                _patch(name, facecolor=face, hatch=style["hatches"][0] if hatched else None)
            )
    if largest is not None and x[0] <= largest <= x[-1]:
        keys.append(
            ax.axvline(
                largest, color=BLACK, linewidth=1.6, linestyle="--", label="largest falling step"
            )
        )
    if largest is not None:
        said.append(f"The largest step size with which h^l falls at every step is {largest:.4g}.")
    if marked is not None:
        said.append(
            f"Published are η = {marked[0]:g} (as a step of this path) and T = {marked[1]:g}."
        )
        if y[0] <= marked[1] <= y[-1]:
            keys.append(_star(ax, *marked))
    name = "step size η"
    _complete(ax, keys, name, title, f"{_ranges(name, x, (y[0], y[-1]))} {' '.join(said)}")
    return fig, ax


def _frame(ax: Axes | None, x: FloatArray, steps: tuple[float, float]) -> tuple[Figure, Axes]:
    fig, ax = canvas(ax, size=_SIZE)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(*steps)
    return fig, ax


def _regions(
    ax: Axes, x: FloatArray, columns: Sequence[Intervals], steps: tuple[float, float], **style: Any
) -> bool:
    """Fill the k-th interval over each run of neighbouring values that have one; return whether any is in sight."""
    seen = False
    for k in range(max((len(intervals) for intervals in columns), default=0)):
        low, high = np.array(
            [intervals[k] if k < len(intervals) else (np.nan, np.nan) for intervals in columns]
        ).T
        low, high = np.clip(low, *steps), np.clip(high, *steps)
        there = high > low
        if np.any(there):
            ax.fill_between(
                x, np.where(there, low, np.nan), np.where(there, high, np.nan), where=there, **style
            )
            seen = True
    return seen


def _patch(label: str, **style: Any) -> Patch:
    return Patch(edgecolor=BLACK, linewidth=0.5, label=label, **style)


def _star(ax: Axes, x: float, y: float) -> Any:
    (star,) = ax.plot(
        x, y, "*", color=YELLOW, mec=BLACK, markersize=15, linestyle="none", zorder=5, clip_on=False
    )
    star.set_label("published settings")
    return star


def _complete(ax: Axes, keys: list[Any], x: str, title: str, alternative: str) -> None:
    y = "number of steps T"
    finish(ax, title=title, x=x, y=y, alternative=f"{title}. {alternative}", legend=None)
    ax.grid(False)
    ax.legend(
        handles=keys, fontsize=SMALL - 1, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, frameon=False,
        columnspacing=1, handleheight=1.4,
    )  # fmt: skip


def _ranges(setting: str, x: FloatArray, steps: tuple[float, float]) -> str:
    across, upwards = f"{x[0]:.2g} to {x[-1]:.2g}", f"{steps[0]:.3g} to {steps[1]:.3g}"
    return f"Logarithmic: {setting} from {across} across, T from {upwards} upwards."


def _show(intervals: Intervals) -> str:
    return " and ".join(f"{low:.4g} < T < {high:.4g}" for low, high in intervals) or "no T"
