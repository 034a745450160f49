"""Success rates of descent with and without escapes, and the distance to the truth over trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing.descent_result import History
from lift_compare.sensing.validation import InvalidValue, listed, of_kind, real_array

from ..tolerances import DRAWN_DISTANCE, REACHED_TRUTH
from .panels import thinned
from .style import canvas, finish, line

Rates = Mapping[str, Sequence[float | None]]


def success_rates(
    sizes: Sequence[float],
    rates: Rates,
    *,
    published: Rates | None = None,
    labels: Mapping[str, str] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw success rates against the size n: ours with lines, published ones as open markers.

    Panels a, b of the paper.

    Parameters
    ----------
    sizes : sequence of number
        The sizes n.
    rates : mapping of str to sequence of float
        Our rates, between 0 and 1, by kind (such as "gd" and "escape"), one for each size.
    published : mapping of str to sequence of float or None, optional
        Published rates of the same kinds; None where nothing is published.

    Raises
    ------
    ValueError
        If the lengths do not match, or a rate is not between 0 and 1.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> figure, ax = figures.success_rates([4, 8], {"gd": [0.5, 0.25], "escape": [1.0, 0.9]})
    """
    fig, ax = canvas(ax)
    said = []
    open_marker = {"linestyle": "none", "mfc": "none", "mew": 1.6, "markersize": 8}
    for kind in dict.fromkeys([*rates, *(published or {})]):
        name, style = (labels or {}).get(kind, kind), line(kind, markevery=1)
        for source, given, look in (
            ("computed here", rates, style),
            ("published", published or {}, style | open_marker),
        ):
            if kind in given:
                what = "rates" if given is rates else "published"
                values = _rates(f"{what}[{kind!r}]", given[kind], len(sizes))
                ax.plot(sizes, values, label=f"{name}, {source}", **look)
                said.append(f"{name}, {source}: {_list(sizes, values)}.")
    ax.set_ylim(-0.04, 1.08)
    words = f"{title}. Success rates against n. {' '.join(said)}"
    finish(ax, title, "size $n$", "share of starts that reach the truth", words)
    ax.set_xticks(list(sizes))
    return fig, ax


def trial_distances(
    trials: Sequence[Sequence[History]],
    *,
    kind: str = "gd",
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw ‖XXᵀ − ZZᵀ‖_F against the iteration for many trials (panels c, d).

    A trial ends with a filled marker, or where its distance falls below 1e-9, from where on it is
    rounding; a dotted line leads from the end of a descent over the escape to the next.

    Parameters
    ----------
    trials : sequence of sequence of History
        The descents of each trial, with distances.
    kind : str
        Kind of line, such as "gd" or "escape".

    Examples
    --------
    >>> from lift_compare import sensing
    >>> from lift_compare.compare import figures
    >>> run = sensing.instance("two-by-two").descent.run(sensing.two_by_two())
    >>> figure, ax = figures.trial_distances([[run.history]], title="One trial")
    """
    trials = [
        listed(f"trials[{k}]", each, "histories")
        for k, each in enumerate(listed("trials", trials, "histories of trials"))
    ]
    if not any(trials):
        raise InvalidValue("trials: expected histories of trials, got none")
    for history in chain(*trials):
        of_kind("trials", history, History, "histories (History)")
    fig, ax = canvas(ax)
    style = line(kind)
    colour: dict[str, Any] = {"color": style["color"]}
    ends, escapes, longest = [], 0, 0
    most = max(40, 4000 // max(1, len(trials)))  # points a line: more cannot be seen among many
    for descents in trials:
        first, ends_at, end = 0, 0, np.nan
        for number, history in enumerate(descents):
            if history.distance is None:
                raise InvalidValue("trials: expected histories with a distance, got one without")
            kept = thinned(len(history.distance), most)
            values = np.where(history.distance < DRAWN_DISTANCE, np.nan, history.distance)
            if number:
                ax.semilogy(
                    [ends_at, first], [end, values[0]], linestyle=":", linewidth=0.8, **colour
                )
                escapes += 1
            ax.semilogy(first + kept, values[kept], linewidth=0.9, alpha=0.6, **colour)
            seen = np.flatnonzero(np.isfinite(values))
            first, ends_at = first + len(values) - 1, first + int(seen[-1]) if seen.size else first
            end = float(values[seen[-1]]) if seen.size else np.nan
        last = {"markersize": 5, "markeredgecolor": "black", "mew": 0.4}
        ax.semilogy(ends_at, end, style["marker"], **last, **colour)
        ends.append(float(np.asarray(descents[-1].distance)[-1]))
        longest = max(longest, first)
    words = (
        f"{title}. Distance to the truth of {len(ends)} trials against the iteration, logarithmic, "
        f"with {escapes} escapes on the way (dotted). {_fate(ends)} The longest makes {longest} "
        "iterations."
    )
    y = r"distance to the truth $\|XX^T-ZZ^T\|$"
    finish(ax, title, "iteration of gradient descent", y, words)
    return fig, ax


def _fate(ends: list[float]) -> str:
    """Say how many trials have reached the truth."""
    far = [end for end in ends if end >= REACHED_TRUTH]
    if not far:
        return f"All end below {REACHED_TRUTH:g}, the farthest at {max(ends):.3g}."
    others = f"the other {len(far)} between {min(far):.3g} and {max(far):.3g}"
    return f"{len(ends) - len(far)} end below {REACHED_TRUTH:g}, {others}."


def _rates(name: str, values: Sequence[float | None], count: int) -> list[float]:
    numbers = [np.nan if value is None else float(value) for value in values]
    known = [value for value in numbers if not np.isnan(value)]
    real_array(name, known, (None,))
    if len(numbers) != count:
        raise InvalidValue(
            f"{name}: expected one rate for each of {count} sizes, got {len(numbers)}"
        )
    if any(not 0 <= value <= 1 for value in known):
        raise InvalidValue(f"{name}: expected rates between 0 and 1, got {values}")
    return numbers


def _list(sizes: Sequence[float], values: Sequence[float]) -> str:
    pairs = zip(sizes, values, strict=True)
    return ", ".join(f"{value:.2f} at n = {size:g}" for size, value in pairs if not np.isnan(value))
