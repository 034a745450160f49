"""The landscape of h over the plane, with the paths of methods on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, real_array

from .style import BLACK, PURPLE, canvas, finish, line


def landscape(
    problem: SensingProblem,
    paths: Mapping[str, FloatArray],
    *,
    jump: tuple[FloatArray, FloatArray] | None = None,
    window: tuple[float, float, float, float] | None = None,
    title: str = "h over the plane",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the level lines of h(X) for n = 2, r = 1, and paths on it.

    Parameters
    ----------
    problem : SensingProblem
        A problem of shape (2, 1).
    paths : mapping of str to array (T + 1, 2, 1)
        Paths by name; "gd", "sgd" and "escape" have a style of their own. A path ends in a filled marker.
    jump : pair of array (2, 1), optional
        X̂ and X̌: drawn as an arrow from the one to the other.
    window : (x1 min, x1 max, x2 min, x2 max), optional
        What to show; by default all that is drawn, with a margin.
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
        If the problem or a path does not live in the plane.
    """
    if problem.shape != (2, 1):
        raise ValueError(
            f"problem: expected n = 2 and r = 1, got n = {problem.n} and r = {problem.rank}"
        )
    walked = {
        name: real_array(f"paths[{name!r}]", path, (None, 2, 1))[:, :, 0]
        for name, path in paths.items()
    }
    truth = problem.ground_truth
    marks = [] if truth is None or truth.shape != (2, 1) else [truth[:, 0], -truth[:, 0]]
    ends = [] if jump is None else [np.asarray(end, dtype=float).reshape(2) for end in jump]
    left, right, low, high = (
        _window([*walked.values(), *marks[:1], *ends]) if window is None else window
    )

    fig, ax = canvas(ax, size=(4.6, 4.1))
    x1, x2 = np.linspace(left, right, 141), np.linspace(low, high, 141)
    grid = np.stack(np.meshgrid(x1, x2), axis=-1)[..., None]
    h = problem.objective(grid)
    levels = (
        h.min() + np.linspace(0, np.sqrt(np.quantile(h, 0.9) - h.min()), 16) ** 2
    )  # denser where h is small
    ax.contourf(x1, x2, h, levels=levels, cmap="Greys", alpha=0.55, extend="max")
    ax.contour(x1, x2, h, levels=levels, colors="#6b6b6b", linewidths=0.5)

    said = []
    for name, path in walked.items():
        style = line(
            _KIND.get(name, "explicit"), marker="", linewidth=1.4 if name == "sgd" else 2.2
        )
        ax.plot(*path.T, label=_LABEL.get(name, name), zorder=3, **style)
        marker = line(_KIND.get(name, "explicit"))["marker"]
        ax.plot(
            *path[-1], marker, color=style["color"], markeredgecolor=BLACK, markersize=7, zorder=5
        )
        said.append(
            f"{_LABEL.get(name, name)}: {len(path) - 1} steps from ({path[0, 0]:.3f}, {path[0, 1]:.3f}) "
            f"to ({path[-1, 0]:.3f}, {path[-1, 1]:.3f}), h = {problem.objective(path[-1][:, None]):.3g}."
        )
    if len(ends) == 2:
        arrow = {
            "arrowstyle": "-|>",
            "color": PURPLE,
            "linewidth": 2,
            "linestyle": "--",
            "shrinkA": 3,
            "shrinkB": 2,
        }
        ax.annotate("", xy=tuple(ends[1]), xytext=tuple(ends[0]), arrowprops=arrow, zorder=4)
        ax.plot(
            *ends[0],
            "o",
            color="white",
            markeredgecolor=BLACK,
            markersize=8,
            label="stationary point X̂",
            zorder=4,
        )
        ax.plot(
            *ends[1],
            "P",
            color=PURPLE,
            markeredgecolor=BLACK,
            markersize=9,
            label="escape point X̌",
            zorder=5,
        )
        values = [problem.objective(end[:, None]) for end in ends]
        said.append(
            f"The jump goes from ({ends[0][0]:.3f}, {ends[0][1]:.3f}) with h = {values[0]:.4g} "
            f"to ({ends[1][0]:.3f}, {ends[1][1]:.3f}) with h = {values[1]:.4g}."
        )
    for number, mark in enumerate(marks):
        if left <= mark[0] <= right and low <= mark[1] <= high:
            label = "ground truth ±Z" if number == 0 else None
            ax.plot(
                *mark,
                "*",
                color="#F0E442",
                markeredgecolor=BLACK,
                markersize=14,
                label=label,
                zorder=4,
            )
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    ax.set_aspect("equal")
    finish(
        ax,
        title=title,
        x="x₁ (first entry of X)",
        y="x₂ (second entry of X)",
        alternative=f"{title}. Level lines of h over x₁ from {left:.2g} to {right:.2g} and x₂ from {low:.2g} to "
        f"{high:.2g}. " + " ".join(said),
        legend=None,
    )
    ax.grid(False)
    ax.legend(fontsize=8.5, loc="lower left", framealpha=0.9, borderpad=0.4, handlelength=2.2)
    return fig, ax


_KIND = {"gd": "gd", "sgd": "surrogate", "escape": "escape"}
_LABEL = {
    "gd": "gradient descent",
    "sgd": "stochastic gradient",
    "escape": "gradient descent from X̌",
}


def _window(paths: list[FloatArray]) -> tuple[float, float, float, float]:
    points = np.concatenate([path.reshape(-1, 2) for path in paths])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * max(float((high - low).max()), 1e-3)
    return low[0] - margin, high[0] + margin, low[1] - margin, high[1] + margin
