"""Success rates of gradient descent with and without escapes, and the distance to the truth over many trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing import History
from lift_compare.sensing.validation import real_array

from .panels import thinned
from .style import canvas, finish, line


def success_rates(
    sizes: Sequence[float],
    rates: Mapping[str, Sequence[float]],
    *,
    published: Mapping[str, Sequence[float | None]] | None = None,
    labels: Mapping[str, str] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw success rates against the size n: ours with lines, published ones as open markers (panels a, b).

    Parameters
    ----------
    sizes : sequence of number
        The sizes n.
    rates : mapping of str to sequence of float
        Our rates, between 0 and 1, by kind (a key of `style.line`, such as "gd" and "escape"), one for each size.
    published : mapping of str to sequence of float or None, optional
        Published rates of the same kinds; None where nothing is published.
    labels : mapping of str to str, optional
        What the legend calls each kind.
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
        If the lengths do not match, or a rate is not between 0 and 1.
    """
    names, others = dict(labels or {}), dict(published or {})
    fig, ax = canvas(ax)
    said = []
    for kind in dict.fromkeys([*rates, *others]):
        style, label = line(kind, markevery=1), names.get(kind, kind)
        if kind in rates:
            ours = _rates(f"rates[{kind!r}]", rates[kind], len(sizes))
            ax.plot(sizes, ours, label=f"{label}, computed here", **style)
            said.append(f"{label}, computed here: {_list(sizes, ours)}.")
        if kind in others:
            theirs = _rates(f"published[{kind!r}]", others[kind], len(sizes))
            open_marker = {**style, "linestyle": "none", "mfc": "none", "mew": 1.6, "markersize": 8}
            ax.plot(sizes, theirs, label=f"{label}, published", **open_marker)
            said.append(f"{label}, published: {_list(sizes, theirs)}.")
    ax.set_ylim(-0.04, 1.08)
    ax.set_xticks(list(sizes))
    finish(
        ax,
        title=title,
        x="size n",
        y="share of starts that reach the truth",
        alternative=f"{title}. Success rates against n. " + " ".join(said),
        legend=None,
    )
    ax.set_xticks(list(sizes))
    ax.legend(
        fontsize=8.5,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.17),
        ncols=2,
        frameon=False,
        columnspacing=1,
    )
    return fig, ax


def trial_distances(
    trials: Sequence[Sequence[History]],
    *,
    kind: str = "gd",
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw ‖XXᵀ − ZZᵀ‖_F against the iteration for many trials, each with its phases joined (panels c, d).

    A trial ends with a filled marker; a dotted line leads from the end of a phase over the escape
    to the next.

    Parameters
    ----------
    trials : sequence of sequence of History
        The phases of each trial, with distances.
    kind : str
        A key of `style.line`.
    title : str
        Title of the axes.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.
    """
    fig, ax = canvas(ax)
    style = line(kind)
    ends, escapes, longest = [], 0, 0
    most = max(
        40, 4000 // max(1, len(trials))
    )  # points a line: more cannot be seen among many lines
    for phases in trials:
        first, before = 0, None
        for phase in phases:
            if phase.distance is None:
                raise ValueError("trials: expected histories with a distance, got one without")
            kept = thinned(len(phase.distance), most)
            values = np.maximum(phase.distance, _FLOOR)
            if before is not None:
                ax.semilogy(
                    [first, first],
                    [before, values[0]],
                    color=style["color"],
                    linestyle=":",
                    linewidth=0.8,
                )
                escapes += 1
            ax.semilogy(first + kept, values[kept], color=style["color"], linewidth=0.9, alpha=0.6)
            first, before = first + len(phase.distance) - 1, values[-1]
        ax.semilogy(
            first,
            before,
            style["marker"],
            color=style["color"],
            markersize=5,
            markeredgecolor="black",
            mew=0.4,
        )
        ends.append(float(phases[-1].distance[-1]))  # type: ignore[index]
        longest = max(longest, first)
    far = [end for end in ends if end >= NEAR]
    fate = (
        f"{len(ends) - len(far)} end below {NEAR:g}, the other {len(far)} between {min(far):.3g} and {max(far):.3g}."
        if far
        else f"All end below {NEAR:g}, the farthest at {max(ends):.3g}."
    )
    finish(
        ax,
        title=title,
        x="iteration of gradient descent",
        y="‖XXᵀ − ZZᵀ‖",
        alternative=f"{title}. Distance to the truth of {len(ends)} trials against the iteration, logarithmic, with "
        f"{escapes} escapes on the way (dotted). {fate} The longest makes {longest} iterations.",
        legend=None,
    )
    return fig, ax


NEAR = 1e-2
"""Distance below which the text alternative counts a trial as having reached the truth."""

_FLOOR = 1e-9  # distances below are drawn here: the formula for them cancels


def _rates(name: str, values: Sequence[float | None], count: int) -> list[float]:
    numbers = [np.nan if value is None else float(value) for value in values]
    real_array(name, [value for value in numbers if not np.isnan(value)], (None,))
    if len(numbers) != count:
        raise ValueError(f"{name}: expected one rate for each of {count} sizes, got {len(numbers)}")
    if any(not 0 <= value <= 1 for value in numbers if not np.isnan(value)):
        raise ValueError(f"{name}: expected rates between 0 and 1, got {values}")
    return numbers


def _list(sizes: Sequence[float], values: Sequence[float]) -> str:
    pairs = [
        f"{value:.2f} at n = {size:g}"
        for size, value in zip(sizes, values, strict=True)
        if not np.isnan(value)
    ]
    return ", ".join(pairs)
