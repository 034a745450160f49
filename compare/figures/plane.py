"""The landscape of h over the plane, with the paths of methods on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.validation import FloatArray, InvalidValue, real_array

from ..tolerances import SMALLEST_WINDOW
from .style import BLACK, PURPLE, SMALL, TEXT, canvas, finish, line, mark_end, mark_star

Window = tuple[float, float, float, float]

_NAMES = {
    "gd": ("gd", "gradient descent"),
    "sgd": ("surrogate", "stochastic gradient"),
    "escape": ("escape", r"gradient descent from $\check X$"),
}
_GRID = 141  # points a side
_FAR = 20.0  # times as far out as what a figure is about
_SHADES = [f"#{shade:02x}{shade:02x}{shade:02x}" for shade in np.linspace(250, 150, 16).astype(int)]
_POINT = r"stationary point $\hat X$"


def landscape(
    problem: SensingProblem,
    paths: Mapping[str, FloatArray],
    *,
    jump: tuple[FloatArray, FloatArray] | None = None,
    window: Window | None = None,
    title: str = "h over the plane",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the level lines of h(X) for n = 2, r = 1, with a colour bar, and paths on it.

    Parameters
    ----------
    problem : SensingProblem
        A problem of shape (2, 1).
    paths : mapping of str to array (T + 1, 2, 1)
        Paths by name; "gd", "sgd" and "escape" have a style of their own. A path ends in a filled
        marker.
    jump : pair of array (2, 1), optional
        X̂ and X̌: drawn as an arrow from the one to the other.
    window : (x1 min, x1 max, x2 min, x2 max), optional
        What to show; by default all that is drawn, with a margin, but nothing that is 20 times as
        far out as the truth, X̂ and the starts: it is told in words.

    Raises
    ------
    ValueError
        If the problem or a path does not live in the plane.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> from lift_compare.compare import figures
    >>> walk = [[[0.1], [0.7]], [[0.0], [0.7]]]
    >>> figure, ax = figures.landscape(sensing.two_by_two(), {"gd": walk})
    """
    if checked_problem(problem).shape != (2, 1):
        n, r = problem.shape
        raise InvalidValue(f"problem: expected n = 2 and r = 1, got n = {n} and r = {r}")
    walked = {
        name: real_array(f"paths[{name!r}]", path, (None, 2, 1))[:, :, 0]
        for name, path in paths.items()
    }
    truth = problem.ground_truth
    marks = [] if truth is None or truth.shape != (2, 1) else [truth[:, 0], -truth[:, 0]]
    ends = [np.asarray(end, dtype=float).reshape(2) for end in jump or ()]
    near = [*marks[:1], *ends[:1], *(path[0] for path in walked.values())]
    shown = _window([*walked.values(), *marks[:1], *ends], near) if window is None else window

    fig, ax = canvas(ax, size=(4.6, 4.8))
    _draw_levels(ax, problem, shown)
    said = [_draw_path(ax, problem, name, path) for name, path in walked.items()]
    if ends:
        said.append(_draw_jump(ax, problem, *ends))
    left, right, low, high = shown
    for number, mark in enumerate(marks):
        if left <= mark[0] <= right and low <= mark[1] <= high:
            mark_star(ax, *mark, label=None if number else r"ground truth $\pm Z$", zorder=4)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    ax.set_aspect("equal")
    seen = f"x₁ from {left:.2g} to {right:.2g} and x₂ from {low:.2g} to {high:.2g}"
    words = f"{title}. Level lines of h over {seen}. {' '.join(said)}"
    finish(ax, title, "$x_1$ (first entry of $X$)", "$x_2$ (second entry of $X$)", words)
    ax.grid(False)
    return fig, ax


def _draw_levels(ax: Axes, problem: SensingProblem, window: Window) -> None:
    """Draw the level lines of h, denser where h is small, and a bar that says their heights."""
    x1, x2 = np.linspace(*window[:2], _GRID), np.linspace(*window[2:], _GRID)
    h = problem.objective(np.stack(np.meshgrid(x1, x2), axis=-1)[..., None])
    reach = np.sqrt(np.quantile(h, 0.9) - h.min())
    levels = h.min() + np.linspace(0, reach, 16) ** 2
    filled = ax.contourf(x1, x2, h, levels=levels, colors=_SHADES, extend="max")
    ax.contour(x1, x2, h, levels=levels, colors="#8c8c8c", linewidths=0.5)
    # Beside the axes and as high as they are, whatever their shape.
    bar = ax.inset_axes((1.04, 0, 0.045, 1))
    ticks = levels[::3]
    digits = next((k for k in range(2, 17) if len({f"{t:.{k}g}" for t in ticks}) == len(ticks)), 17)
    ax.figure.figure.colorbar(filled, cax=bar, ticks=ticks, format=f"%.{digits}g")
    bar.set_ylabel("objective $h(X)$", fontsize=TEXT)
    bar.tick_params(labelsize=SMALL)


def _draw_path(ax: Axes, problem: SensingProblem, name: str, path: FloatArray) -> str:
    """Draw a path with a marker at its end; return it in words."""
    kind, label = _NAMES.get(name, ("explicit", name))
    width = 1.4 if name == "sgd" else 2.2
    ax.plot(*path.T, label=label, zorder=3, **line(kind, marker="", linewidth=width))
    mark_end(ax, kind, *path[-1], zorder=5)
    h = problem.objective(path[-1][:, None])
    return f"{label}: {len(path) - 1} steps from {_at(path[0])} to {_at(path[-1])}, h = {h:.3g}."


def _draw_jump(ax: Axes, problem: SensingProblem, start: FloatArray, end: FloatArray) -> str:
    """Draw the escape from X̂ to X̌ as an arrow; return it in words."""
    arrow = {"arrowstyle": "-|>", "color": PURPLE, "linewidth": 2, "linestyle": "--"}
    shrink = {"shrinkA": 3, "shrinkB": 2}
    ax.annotate("", xy=tuple(end), xytext=tuple(start), arrowprops=arrow | shrink, zorder=4)
    ax.plot(*start, "o", color="white", mec=BLACK, markersize=8, zorder=4, label=_POINT)
    mark_end(ax, "escape", *end, label=r"escape point $\check X$", markersize=9, zorder=5)
    before, after = (problem.objective(X[:, None]) for X in (start, end))
    ends = f"from {_at(start)} with h = {before:.4g} to {_at(end)} with h = {after:.4g}"
    return f"The jump goes {ends}."


def _at(x: FloatArray) -> str:
    digits = "z.3f" if np.abs(x).max() < 1e4 else ".3g"
    return f"({x[0]:{digits}}, {x[1]:{digits}})"


def _window(paths: list[FloatArray], near: list[FloatArray]) -> Window:
    """Return what holds all points that are not far out, with a margin."""
    points = np.concatenate([path.reshape(-1, 2) for path in paths])
    size = np.abs(points).max(axis=1)
    reach = _FAR * max(float(np.abs(near).max()), SMALLEST_WINDOW)
    points = points[size <= reach]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * max(float((high - low).max()), SMALLEST_WINDOW)
    return low[0] - margin, high[0] + margin, low[1] - margin, high[1] + margin
