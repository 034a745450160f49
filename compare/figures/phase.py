"""Phase diagrams over a setting and T: dominating terms, accepting rules, where h^l falls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lift_compare.sensing.validation import FloatArray, InvalidValue, real_array
from lift_compare.simulated.truncated.intervals import Intervals, in_words

from .style import BLACK, TEXT, canvas, finish, legend_below, mark_star

_GREY, _BLUE, _ORANGE = "#d9d9d9", "#9ecae9", "#f2b48a"
_TERM_COLOURS = (_BLUE, _ORANGE, "#cfe8c9")
_HATCHES = ("////", "\\\\\\\\", "...")  # the first two cross where both hold


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
    """Draw the truncated path over a setting and T: the largest term, where rules accept.

    The term is a colour, the acceptance of rules hatching.

    Parameters
    ----------
    setting : str
        Name of the setting across, with its symbol.
    values : array (p,)
        Its values, positive and ascending.
    terms : mapping of str to sequence of p sequences of (low, high)
        For each term other than the base, the intervals of T in which it is the largest, at each
        value.
    rules : mapping of str to sequence of p sequences of (low, high)
        For each rule (three at most), the intervals of T in which it accepts.
    steps : (float, float)
        Range of T to show.
    marked : (float, float), optional
        A value of the setting, and a T, to mark: those that are used.

    Raises
    ------
    ValueError
        If there are not p intervals for a term or a rule, or more rules than hatchings.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> figure, ax = figures.truncated_phases(
    ...     "step η", [0.01, 0.1], {"visible": [((10, 100),), ((1, 10),)]}, {}, steps=(1, 1000)
    ... )
    """
    x = real_array("values", values, (None,))
    for name, columns in {**terms, **rules}.items():
        if len(columns) != len(x):
            expected = f"expected intervals for each of {len(x)} values"
            raise InvalidValue(f"{name}: {expected}, got {len(columns)}")
    if len(rules) > len(_HATCHES) or len(terms) > len(_TERM_COLOURS):
        raise InvalidValue(f"rules: expected at most {len(_HATCHES)} of them, got {len(rules)}")
    fig, ax = _frame(ax, x, steps)
    ax.set_facecolor(_GREY)
    keys: list[Any] = [_patch("largest: base", facecolor=_GREY)]
    for (name, columns), colour in zip(terms.items(), _TERM_COLOURS, strict=False):
        if _regions(ax, x, columns, steps, facecolor=colour, linewidth=0):
            keys.append(_patch(f"largest: {name}", facecolor=colour))
    for (name, columns), hatch in zip(rules.items(), _HATCHES, strict=False):
        style = {"facecolor": "none", "edgecolor": BLACK, "hatch": hatch, "linewidth": 0.9}
        somewhere = "" if _regions(ax, x, columns, steps, **style) else " (nowhere)"
        keys.append(_patch(f"accepts: {name}{somewhere}", facecolor="white", hatch=hatch))
    said = [_ranges(setting, x, steps)]
    if marked is not None:
        keys.append(_own(ax, *marked))
        column = int(np.abs(np.log(x / marked[0])).argmin())
        said.append(f"At {setting} = {x[column]:.3g}, as used:")
        for name, columns in terms.items():
            said.append(f"the {name} term is the largest for {_words(columns[column])};")
        said += [
            f"{name} accepts for {_words(columns[column])};" for name, columns in rules.items()
        ]
        said.append(f"T = {marked[1]:g} is used.")
    _complete(ax, keys, setting, title, said)
    return fig, ax


def exact_phases(
    step_sizes: FloatArray,
    iterations: FloatArray,
    falls: FloatArray,
    ratio: FloatArray,
    *,
    largest: float | None = None,
    marked: tuple[float, float] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the exact path over its step size and T: where h^l has fallen at every step, how far.

    Parameters
    ----------
    step_sizes, iterations : array (p,), (q,)
        The grid; positive and ascending.
    falls : array (p, q) of bool
        Whether h^l has fallen at every step up to T (see `simulated.classify_exact`).
    ratio : array (p, q)
        h^l after T steps over h^l(ŵ); inf where the path has left float64.
    largest : float, optional
        The largest step size with which h^l falls at every step, drawn as a vertical line.
    marked : (float, float), optional
        A step size and a T to mark.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare.compare import figures
    >>> falls, ratio = np.array([[True, True], [True, False]]), np.array([[1.0, 0.9], [1.1, 2.0]])
    >>> figure, ax = figures.exact_phases([0.01, 0.1], [1, 10], falls, ratio)
    """
    x = real_array("step_sizes", step_sizes, (None,))
    y = real_array("iterations", iterations, (None,))
    for name, array in {"falls": falls, "ratio": ratio}.items():
        if np.shape(array) != (len(x), len(y)):
            expected = f"expected an array of shape ({len(x)}, {len(y)})"
            raise InvalidValue(f"{name}: {expected}, got shape {np.shape(array)}")
    fig, ax = _frame(ax, x, (float(y[0]), float(y[-1])))
    left = ~np.isfinite(ratio)
    keys: list[Any] = []
    said = [_ranges(r"step size $\eta/2$", x, (y[0], y[-1]))]
    for name, mask, colour, hatch in (
        ("$h^l$ falls at every step", falls, _BLUE, None),
        ("$h^l$ rises at some step", ~left & ~np.asarray(falls, dtype=bool), _ORANGE, None),
        ("leaves float64", left, _GREY, None),
        (r"$h^l<h^l(\hat w)$", ratio < 1, "white", "////"),
        (r"$h^l<h^l(\hat w)\,/\,100$", ratio < 0.01, "white", "xxxx"),
    ):
        said.append(f"{name}: {100 * float(np.mean(mask)):.0f} % of the grid.")
        if np.any(mask):
            _region(ax, x, y, np.asarray(mask, dtype=float).T, colour, hatch)
            keys.append(_patch(name, facecolor=colour, hatch=hatch))
    if largest is not None:
        said.append(f"The largest step size with which h^l falls at every step is {largest:.4g}.")
        if x[0] <= largest <= x[-1]:
            dashed = ax.axvline(largest, color=BLACK, linewidth=1.6, linestyle="--")
            dashed.set_label("largest falling step")
            keys.append(dashed)
    if marked is not None:
        said.append(f"Used are step_size = {marked[0]:g}, T = {marked[1]:g}.")
        if y[0] <= marked[1] <= y[-1]:
            keys.append(_own(ax, *marked))
    _complete(ax, keys, r"step size $\eta/2$", title, said)
    return fig, ax


def _frame(ax: Axes | None, x: FloatArray, steps: tuple[float, float]) -> tuple[Figure, Axes]:
    fig, ax = canvas(ax, size=(4.6, 4.8))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(*steps)
    return fig, ax


def _regions(
    ax: Axes, x: FloatArray, columns: Sequence[Intervals], steps: tuple[float, float], **style: Any
) -> bool:
    """Fill the k-th interval over each run of values that have one; say if any is in sight."""
    seen = False
    for k in range(max((len(intervals) for intervals in columns), default=0)):
        ends = [each[k] if k < len(each) else (np.nan, np.nan) for each in columns]
        low, high = np.clip(np.array(ends).T, *steps)
        there = high > low
        if np.any(there):
            low, high = (np.where(there, edge, np.nan) for edge in (low, high))
            ax.fill_between(x, low, high, where=there, **style)
            seen = True
    return seen


def _region(
    ax: Axes, x: FloatArray, y: FloatArray, mask: FloatArray, colour: str, hatch: str | None
) -> None:
    """Fill where the mask is 1, with a colour, or with hatching and an edge."""
    if hatch is None:
        ax.contourf(x, y, mask, levels=[0.5, 1.5], colors=[colour])
        return
    ax.contourf(x, y, mask, levels=[0.5, 1.5], colors="none", hatches=[hatch])
    ax.contour(x, y, mask, levels=[0.5], colors=BLACK, linewidths=0.9)


def _patch(label: str, **style: Any) -> Patch:
    return Patch(edgecolor=BLACK, linewidth=0.5, label=label, **style)


def _own(ax: Axes, x: float, y: float) -> Any:
    return mark_star(ax, x, y, label="its settings", size=15, zorder=5, clip_on=False)


def _complete(ax: Axes, keys: list[Any], x: str, title: str, said: list[str]) -> None:
    words = f"{title}. {' '.join(said)}"
    finish(ax, title, x, "number of steps $T$", words, legend=False)
    ax.set_title(title, fontsize=TEXT, loc="left", pad=10)  # above a star on the edge
    ax.grid(False)
    legend_below(ax, handles=keys, columns=2)


def _ranges(setting: str, x: FloatArray, steps: tuple[float, float]) -> str:
    across, upwards = f"{x[0]:.2g} to {x[-1]:.2g}", f"{steps[0]:.3g} to {steps[1]:.3g}"
    return f"Logarithmic: {setting} from {across} across, T from {upwards} upwards."


def _words(intervals: Intervals) -> str:
    return in_words(intervals, digits=4) if intervals else "no T"
