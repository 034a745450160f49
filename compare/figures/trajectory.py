"""The path of X itself: in three dimensions, and in the plane of (along the truth, off the truth)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lift_compare.sensing.validation import FloatArray, real_array

from .panels import thinned
from .style import BLACK, PURPLE, SMALL, TEXT, YELLOW, canvas, describe, finish, line

Phases = Sequence[FloatArray]


def trajectory_in_space(
    runs: Mapping[str, Phases],
    truth: FloatArray,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw paths of X for n = 3, r = 1, with the jumps between their phases (panel f).

    Parameters
    ----------
    runs : mapping of str to sequence of array (T + 1, 3, 1)
        Paths by kind (a key of `style.line`), phase by phase; an escape leads from a phase to the next.
    truth : array (3, 1)
        Z; ±Z are marked.
    title : str
        Title of the axes.
    labels : mapping of str to str, optional
        What the legend calls each kind.
    ax : matplotlib 3-D axes, optional
        Where to draw; a new figure without it.
    """
    walks = {
        kind: [real_array("runs", phase, (None, 3, 1))[:, :, 0] for phase in run]
        for kind, run in runs.items()
    }
    Z = real_array("truth", truth, (3, 1))[:, 0]
    fig, plane = canvas(ax, size=(4.6, 4.4), projection="3d")
    space: Any = plane  # matplotlib's 3-D axes carry no types
    names, said = dict(labels or {}), []
    for kind, phases in walks.items():
        label = names.get(kind, kind)
        for number, phase in enumerate(phases):
            path = phase[thinned(len(phase))]
            space.plot(*path.T, label=label if number == 0 else None, **line(kind, marker=""))
            space.plot(
                *path[-1:].T,
                line(kind)["marker"],
                color=line(kind)["color"],
                mec=BLACK,
                markersize=7,
            )
            if number:
                ends = np.stack([phases[number - 1][-1], phase[0]])
                space.plot(
                    *ends.T,
                    color=PURPLE,
                    linestyle="--",
                    linewidth=2,
                    label=_once(plane, "escape (jump)"),
                )
                said.append(f"Escape from {_place(ends[0])} to {_place(ends[1])}.")
        said.append(f"{label}: from {_place(phases[0][0])} to {_place(phases[-1][-1])}.")
    for sign in (1, -1):
        space.plot(
            *(sign * Z)[:, None],
            "*",
            color=YELLOW,
            mec=BLACK,
            markersize=14,
            label=_once(plane, "ground truth ±Z"),
        )
    points = np.concatenate(
        [Z[None], -Z[None], *(phase for phases in walks.values() for phase in phases)]
    )
    centre = (points.max(axis=0) + points.min(axis=0)) / 2
    reach = 0.55 * float(np.ptp(points, axis=0).max())  # one scale for the three entries
    for axis, name, middle in zip("xyz", ("x₁", "x₂", "x₃"), centre, strict=True):
        getattr(space, f"set_{axis}label")(name, fontsize=TEXT, labelpad=-6)
        getattr(space, f"set_{axis}lim")(middle - reach, middle + reach)
        getattr(space, f"{axis}axis").set_major_locator(MaxNLocator(4))
    space.tick_params(labelsize=SMALL - 1, pad=-3)
    space.set_box_aspect(None, zoom=0.97)
    space.set_title(title, fontsize=TEXT, loc="left")
    space.legend(
        fontsize=SMALL - 0.5,
        loc="upper left",
        framealpha=0.85,
        ncols=2,
        borderpad=0.3,
        columnspacing=1,
    )
    describe(
        plane, f"{title}, the three entries of X. The truth is ±{_place(Z)}. " + " ".join(said)
    )
    return fig, plane


def trajectory_in_plane(
    runs: Mapping[str, Phases],
    truth: FloatArray,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the same paths in a plane, for any n and r = 1: ⟨X, Z⟩/‖Z‖ across, the norm of what is left of X upwards.

    The truth ±Z lies at (±‖Z‖, 0). Parameters as in `trajectory_in_space`, with X of shape (n, 1).
    """
    Z = real_array("truth", truth, (None, 1))
    unit = Z[:, 0] / np.linalg.norm(Z)
    fig, ax = canvas(ax)
    names, said = dict(labels or {}), []
    for kind, phases in runs.items():
        label = names.get(kind, kind)
        before: tuple[float, float] | None = None
        for number, phase in enumerate(phases):
            X = real_array("runs", phase, (None, len(Z), 1))[:, :, 0]
            along = X @ unit
            off = np.linalg.norm(X - along[:, None] * unit, axis=1)
            kept = thinned(len(X))
            ax.plot(
                along[kept],
                off[kept],
                label=label if number == 0 else None,
                **line(kind, marker=""),
            )
            ax.plot(
                along[-1],
                off[-1],
                line(kind)["marker"],
                color=line(kind)["color"],
                mec=BLACK,
                markersize=7,
            )
            if before is not None:
                arrow = {"arrowstyle": "-|>", "color": PURPLE, "linewidth": 1.8, "linestyle": "--"}
                ax.annotate("", xy=(along[0], off[0]), xytext=before, arrowprops=arrow)
                said.append(
                    f"Escape from ({before[0]:.3f}, {before[1]:.3f}) to ({along[0]:.3f}, {off[0]:.3f})."
                )
            else:
                said.append(f"{label}: starts at ({along[0]:.3f}, {off[0]:.3f}).")
            before = (float(along[-1]), float(off[-1]))
        said.append(f"It ends at ({along[-1]:.3f}, {off[-1]:.3f}).")
    size = float(np.linalg.norm(Z))
    ax.plot(
        [-size, size], [0, 0], "*", color=YELLOW, mec=BLACK, markersize=14, label="ground truth ±Z"
    )
    finish(
        ax,
        title=title,
        x="along the truth, ⟨X, Z⟩ / ‖Z‖",
        y="off the truth, ‖X − (part along Z)‖",
        alternative=f"{title}. The truth lies at (±{size:.3f}, 0). " + " ".join(said),
    )
    return fig, ax


def _once(ax: Axes, label: str) -> str | None:
    """Return the label the first time only, so that the legend names each thing once."""
    return None if label in ax.get_legend_handles_labels()[1] else label


def _place(x: FloatArray) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in x) + ")"
