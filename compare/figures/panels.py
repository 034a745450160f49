"""The panels of one instance: descent before and after an escape, the simulated lift in between."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing.descent_result import History
from lift_compare.sensing.validation import FloatArray, InvalidValue, of_kind, real_array

from ..tolerances import DRAWN
from .far import FAR, cut_far
from .style import BLACK, canvas, finish, line, nested

_QUANTITIES = {
    "objective": ("$h(X)$", "objective $h(X)$"),
    "gradient_norm": (r"$\|\nabla h(X)\|$", r"gradient norm $\|\nabla h(X)\|$"),
    "distance": (r"$\|XX^T-ZZ^T\|$", r"distance to the truth $\|XX^T-ZZ^T\|$"),
}
_TERMS = (
    (r"base, $|\alpha|\,\|a\|$", "explicit"),
    (r"visible, $|\beta|\,\|b\|$", "exact"),
    (r"hidden, $|\gamma|\,\|c\|$", "truncated"),
)
_POINTS = 400  # of a curve at most: more cannot be seen and would only make the file large


def histories(
    runs: Mapping[str, Sequence[History]],
    quantity: str,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    unbroken: Collection[str] = (),
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw a quantity of gradient descent against the iteration, before and after escapes.

    Panels a, b, c of the paper. A line ends where its values fall below 1e-12 of the largest: what
    is smaller is rounding. The first run is drawn widest, so that runs on one line are all seen.
    Where an escape leads a million times above all else, the frame stays with the rest, and a note
    says how far it goes.

    Parameters
    ----------
    runs : mapping of str to sequence of History
        Each run by its kind (such as "gd", "truncated", "exact"), as the histories of its descents:
        an escape lies between one and the next, and a ring marks where the next starts.
    quantity : str
        "objective", "gradient_norm" or "distance".
    unbroken : collection of str
        Kinds whose descents follow each other without an escape.

    Raises
    ------
    ValueError
        For an unknown quantity, or a distance that is not known.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> from lift_compare.compare import figures
    >>> run = sensing.instance("two-by-two").descent.run(sensing.two_by_two())
    >>> figure, ax = figures.histories({"gd": [run.history]}, "objective", title="Descent")
    """
    of_kind("runs", runs, Mapping, "a mapping of kinds of run to histories")
    if quantity not in _QUANTITIES:
        raise InvalidValue(f"quantity: expected one of {', '.join(_QUANTITIES)}, got {quantity!r}")
    short, name = _QUANTITIES[quantity]
    fig, ax = canvas(ax)
    series = {kind: [getattr(part, quantity) for part in parts] for kind, parts in runs.items()}
    if any(values is None for parts in series.values() for values in parts):
        raise InvalidValue("runs: expected histories with a distance, but no ground truth is known")
    escaped = {
        (labels or {}).get(kind, kind): np.concatenate(parts[1:])
        for kind, parts in series.items()
        if kind not in unbroken and len(parts) > 1
    }
    near = [np.ones(0), *(parts[0] for parts in series.values())]
    near += [np.concatenate(parts) for kind, parts in series.items() if kind in unbroken]
    largest = float(np.max(np.concatenate(near), initial=0.0))
    peaks = [float(values.max()) for values in escaped.values()]
    # What an escape leads to counts, unless it is cut off.
    floor = DRAWN * max([largest, *(peak for peak in peaks if peak <= FAR * largest)])
    said, low = [], ""
    for place, (kind, parts) in enumerate(series.items()):
        label, first, last = (labels or {}).get(kind, kind), 0, 0.0
        look = line(kind, **nested(place, len(series)))
        for number, values in enumerate(parts):
            kept, shown = thinned(len(values)), np.where(values < floor, np.nan, values)
            if np.any(values < floor):
                low = f"; lines end where they fall below {floor:.1g}"
            once = None if number else label
            ax.semilogy(first + kept, shown[kept], label=once, **look)
            if number and kind not in unbroken:
                ring = {"mfc": "none", "mec": BLACK, "markersize": 11, "zorder": 4}
                ax.semilogy(first, shown[0], "o", **ring)
                said.append(f"{label} at iteration {first}: {last:.4g} becomes {values[0]:.4g}.")
            first, last = first + len(values) - 1, float(values[-1])
        start = parts[0][0]
        said.append(f"{label}: from {start:.4g} at the start to {last:.4g} at iteration {first}.")
    said.append(cut_far(ax, np.concatenate(near), escaped, floor))
    words = f"{title}: {short} against the iteration, logarithmic{low}. {' '.join(said)}"
    finish(ax, title, "iteration of gradient descent", name, words)
    return fig, ax


def lifted_objectives(
    curves: Mapping[str, tuple[str, FloatArray]],
    *,
    steps: Mapping[str, FloatArray] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw objectives against the steps, in units of their values at ŵ (panel d).

    Above 1 it has not decreased. What is above 4 is cut off, and the words say how far it goes.

    Parameters
    ----------
    curves : mapping of str to (kind, array (T + 2,))
        By label: the kind of curve, and values: first the one at ŵ, then those of steps 0 .. T.
    steps : mapping of str to array (T + 1,), optional
        The steps of a curve by label, where they are not 0 .. T.

    Raises
    ------
    ValueError
        If a value at ŵ is not positive.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> figure, ax = figures.lifted_objectives({"h^l": ("exact", [1.0, 1.0, 0.8, 0.7])})
    """
    of_kind("curves", curves, Mapping, "a mapping of labels to (kind, values)")
    fig, ax = canvas(ax)
    ax.axhline(1, color=BLACK, linewidth=0.9)
    said, top = [], 1.0
    for place, (label, (kind, values)) in enumerate(curves.items()):
        stationary, *path = real_array(f"curves[{label!r}]", values, (None,))
        if not stationary > 0:
            expected = "expected a positive value at ŵ first"
            raise InvalidValue(f"curves[{label!r}]: {expected}, got {stationary:g}")
        along, kept = np.array(path), thinned(len(path))
        at = np.asarray((steps or {}).get(label, np.arange(len(along))))
        ax.plot(
            at[kept],
            along[kept] / stationary,
            label=label,
            **line(kind, **nested(place, len(curves))),
        )
        top = max(top, float(along[kept].max() / stationary))
        fallen = "below" if along[-1] < stationary else "not below"
        said.append(
            f"{label}: {stationary:.6g} at ŵ, {along[0]:.6g} at the first state, {along[-1]:.6g} "
            f"after {at[-1]} steps ({fallen} its value at ŵ), largest on the way {along.max():.4g}."
        )
    # A surrogate may leave by orders of magnitude; the words say how far.
    ax.set_ylim(0, min(top, 4) * 1.08)
    words = f"{title}. A horizontal line marks 1. {' '.join(said)}"
    y = r"objective $/$ its value at $\hat w$"
    finish(ax, title, "step $t$ of the simulated lift", y, words)
    return fig, ax


def term_norms(
    norms: FloatArray, *, steps: FloatArray | None = None, title: str = "", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the norms of the base, the visible and the hidden tensor against the steps (panel e).

    Parameters
    ----------
    norms : array (T + 1, 3)
        |c_j| ‖X_j‖^l (see `simulated.term_norms`).
    steps : array (T + 1,), optional
        Their steps; 0 .. T without it.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> figure, ax = figures.term_norms([[1.0, 0.1, 0.0], [1.0, 0.2, 0.05]], title="Norms")
    """
    norms = real_array("norms", norms, (None, 3))
    fig, ax = canvas(ax)
    kept, at = thinned(len(norms)), np.arange(len(norms)) if steps is None else np.asarray(steps)
    # Of the start, because a path may grow without bound; a zero norm cannot be shown.
    floor = DRAWN * max(float(norms[0].max()), np.finfo(float).tiny)
    said = []
    for (label, kind), values in zip(_TERMS, norms.T, strict=True):
        shown = np.where(values[kept] >= floor, values[kept], np.nan)
        ax.semilogy(at[kept], shown, label=label, **line(kind))
        said.append(f"{label}: {values[0]:.4g} at the start, {values[-1]:.4g} at the end.")
    words = f"{title}, {at[-1]} steps, logarithmic. {' '.join(said)}"
    finish(ax, title, "step $t$ of the simulated lift", "Frobenius norm of the tensor", words)
    return fig, ax


def thinned(count: int, most: int = _POINTS) -> FloatArray:
    """Return at most 400 (or `most`) indices of 0 .. count − 1, evenly spread, both ends too."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
