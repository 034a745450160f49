"""The path of X itself: in three dimensions, and in the plane along and off the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lift_compare.sensing.validation import FloatArray, real_array

from .far import note_above
from .panels import thinned
from .style import (
    PURPLE,
    SMALL,
    TEXT,
    WholeTicks,
    canvas,
    describe,
    finish,
    legend_below,
    line,
    mark_end,
    mark_star,
    nested,
)

_FAR = 1e3
"""Times the reach of the rest from which on an escape leads out of the frame."""

Walks = Mapping[str, Sequence[FloatArray]]

_TRUTH = r"ground truth $\pm Z$"
_JUMP: dict[str, Any] = {"color": PURPLE, "linestyle": "--"}


def trajectory_in_space(
    runs: Walks,
    truth: FloatArray,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw paths of X for n = 3, r = 1, with the jumps between their descents (panel f).

    The first run is drawn widest, so that runs on one path are all seen.

    Parameters
    ----------
    runs : mapping of str to sequence of array (T + 1, 3, 1)
        Paths by kind (such as "gd" or "exact"), descent by descent; an escape leads from one to the
        next.
    truth : array (3, 1)
        Z; ±Z are marked.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare.compare import figures
    >>> walk = np.linspace([[0.0], [0.0], [1.0]], [[1.0], [0.0], [0.0]], 5)
    >>> figure, ax = figures.trajectory_in_space({"gd": [walk]}, [[1.0], [0.0], [0.0]])
    """
    Z = real_array("truth", truth, (3, 1))[:, 0]
    walks = {
        kind: [real_array("runs", path, (None, 3, 1))[:, :, 0] for path in run]
        for kind, run in runs.items()
    }
    fig, plane = canvas(ax, size=(4.6, 4.9), projection="3d")
    frame = _framed(walks, Z)
    space: Any = plane  # matplotlib's 3-D axes carry no types
    said = []
    for place, (kind, paths) in enumerate(walks.items()):
        label = (labels or {}).get(kind, kind)
        look = line(kind, marker="", **nested(place, len(walks)))
        for number, path in enumerate(paths):
            name = None if number else label
            drawn = np.where(_within(path, frame), path, np.nan)
            space.plot(*drawn[thinned(len(path))].T, label=name, **look)
            mark_end(space, kind, *drawn[-1:].T)
            if number:
                ends = np.stack([paths[number - 1][-1], path[0]])
                if not _within(path, frame)[0]:
                    said.append(f"Escape out of the frame, to {_place(ends[1])}.")
                    continue
                space.plot(*ends.T, label=_once(plane, "escape (jump)"), linewidth=2, **_JUMP)
                said.append(f"Escape from {_place(ends[0])} to {_place(ends[1])}.")
        said.append(f"{label}: from {_place(paths[0][0])} to {_place(paths[-1][-1])}.")
    for end in (Z, -Z):
        mark_star(space, *end[:, None], label=_once(plane, _TRUTH))
    _scale(space, frame)
    space.set_title(title, fontsize=TEXT, loc="left")
    legend_below(plane, drop=6)
    words = f"{title}, the three entries of X. The truth is ±{_place(Z)}. {' '.join(said)}"
    describe(plane, words)
    return fig, plane


def _scale(space: Any, points: FloatArray) -> None:
    """Give the three entries one scale that holds all points."""
    centre = (points.max(axis=0) + points.min(axis=0)) / 2
    reach = 0.55 * float(np.ptp(points, axis=0).max())
    for axis, name, middle in zip("xyz", ("$x_1$", "$x_2$", "$x_3$"), centre, strict=True):
        getattr(space, f"set_{axis}label")(name, fontsize=TEXT, labelpad=-6)
        getattr(space, f"set_{axis}lim")(middle - reach, middle + reach)
        getattr(space, f"{axis}axis").set_major_locator(MaxNLocator(4))
        getattr(space, f"{axis}axis").set_major_formatter(WholeTicks())
    space.tick_params(labelsize=SMALL - 1, pad=-3)
    space.set_box_aspect(None, zoom=0.97)


def trajectory_in_plane(
    runs: Walks,
    truth: FloatArray,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the same paths in a plane, for any n and r = 1: along the truth, and off it.

    ⟨X, Z⟩/‖Z‖ across, the norm of what is left of X upwards; the truth ±Z lies at (±‖Z‖, 0).

    Parameters
    ----------
    runs, truth
        As in `trajectory_in_space`, with X of shape (n, 1).

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare.compare import figures
    >>> walk = np.linspace([[0.0], [1.0]], [[1.0], [0.0]], 5)
    >>> figure, ax = figures.trajectory_in_plane({"gd": [walk]}, [[1.0], [0.0]])
    """
    Z = real_array("truth", truth, (None, 1))[:, 0]
    length = float(np.linalg.norm(Z))
    walks = {
        kind: [real_array("runs", path, (None, len(Z), 1))[:, :, 0] for path in run]
        for kind, run in runs.items()
    }
    frame = _framed(walks, Z)
    fig, ax = canvas(ax)
    said, left = [], dict[str, float]()
    for place, (kind, paths) in enumerate(walks.items()):
        label = (labels or {}).get(kind, kind)
        look = line(kind, marker="", **nested(place, len(runs)))
        before: Any = None
        for path in paths:
            along = path @ Z / length
            off = np.linalg.norm(path - along[:, None] * Z / length, axis=1)
            kept, name = thinned(len(path)), label if before is None else None
            drawn = np.where(_within(path, frame), np.stack([along, off], axis=1), np.nan)
            ax.plot(*drawn[kept].T, label=name, **look)
            mark_end(ax, kind, *drawn[-1])
            start = (float(along[0]), float(off[0]))
            if not _within(path, frame)[0]:
                left[label] = float(np.linalg.norm(path[0]))
                said.append(f"Escape out of the frame, to a point of norm {left[label]:.3g}.")
            elif before is None:
                said.append(f"{label}: starts at {_place(start)}.")
            else:
                arrow = {"arrowstyle": "-|>", "linewidth": 1.8, **_JUMP}
                ax.annotate("", xy=start, xytext=before, arrowprops=arrow)
                said.append(f"Escape from {_place(before)} to {_place(start)}.")
            before = (float(along[-1]), float(off[-1]))
        said.append(f"It ends at {_place(before)}.")
    mark_star(ax, [-length, length], [0, 0], label=_TRUTH)
    note_above(ax, left)
    x = r"along the truth, $\langle X,Z\rangle\,/\,\|Z\|$"
    y = r"off the truth, $\|X-\mathrm{part\ along\ }Z\|$"
    words = f"{title}. The truth lies at (±{length:.3f}, 0). {' '.join(said)}"
    finish(ax, title, x, y, words)
    return fig, ax


def _framed(walks: Mapping[str, Sequence[FloatArray]], Z: FloatArray) -> FloatArray:
    """Return the points that have to be seen: all, but for those that an escape threw far away."""
    near = np.concatenate([Z[None], -Z[None], *(paths[0] for paths in walks.values())])
    reach, kept = np.abs(near).max(), [near]
    for path in (path for paths in walks.values() for path in paths[1:]):
        far = np.abs(path[0]).max() > _FAR * reach
        # Of a way back only its end is in the frame.
        kept.append(path[np.abs(path).max(axis=1) <= reach] if far else path)
    return np.concatenate(kept)


def _within(path: FloatArray, frame: FloatArray) -> Any:
    """Return which points of a path are in the frame, shape (T + 1, 1)."""
    return np.abs(path).max(axis=1, keepdims=True) <= np.abs(frame).max()


def _once(ax: Axes, label: str) -> str | None:
    """Return the label the first time only, so that the legend names each thing once."""
    return None if label in ax.get_legend_handles_labels()[1] else label


def _place(x: Sequence[float] | FloatArray) -> str:
    return "(" + ", ".join(f"{value:z.3f}" for value in x) + ")"
