"""The panels of one instance: gradient descent before and after an escape, and the simulated lift in between."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing import History
from lift_compare.sensing.validation import FloatArray, real_array

from .style import BLACK, canvas, finish, line

_QUANTITIES = {
    "objective": ("h(X)", "objective h(X)"),
    "gradient_norm": ("‖∇h(X)‖", "gradient norm ‖∇h(X)‖"),
    "distance": ("‖XXᵀ − ZZᵀ‖", "distance to the truth ‖XXᵀ − ZZᵀ‖"),
}
_REACH = 1e-12  # what is smaller than this times the largest value is rounding, and would only flatten the rest
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
    """Draw a quantity of gradient descent against the iteration, before and after the escapes (panels a, b, c).

    Parameters
    ----------
    runs : mapping of str to sequence of History
        Each run by its kind (a key of `style.line`, such as "gd", "truncated", "exact"), as its phases: an escape lies
        between a phase and the next, and a ring marks where the next phase starts.
    quantity : str
        "objective", "gradient_norm" or "distance".
    title : str
        Title of the axes.
    labels : mapping of str to str, optional
        What the legend calls each kind.
    unbroken : collection of str
        Kinds whose phases follow each other without an escape.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    (Figure, Axes)

    Raises
    ------
    ValueError
        For an unknown quantity, or a distance that is not known.
    """
    if quantity not in _QUANTITIES:
        raise ValueError(f"quantity: expected one of {', '.join(_QUANTITIES)}, got {quantity!r}")
    short, name = _QUANTITIES[quantity]
    names = dict(labels or {})
    fig, ax = canvas(ax)
    series = [getattr(phase, quantity) for phases in runs.values() for phase in phases]
    if any(values is None for values in series):
        raise ValueError(
            "runs: expected histories with a distance, but the ground truth is not known"
        )
    floor = _REACH * max((float(values.max()) for values in series), default=1.0)
    said, low = [], False
    for kind, phases in runs.items():
        label, style, first, last = names.get(kind, kind), line(kind), 0, 0.0
        for number, phase in enumerate(phases):
            values = getattr(phase, quantity)
            kept, shown = thinned(len(values)), np.maximum(values, floor)
            low = low or bool(np.any(values < floor))
            ax.semilogy(first + kept, shown[kept], label=label if number == 0 else None, **style)
            if number and kind not in unbroken:
                ax.semilogy(first, shown[0], "o", mfc="none", mec=BLACK, markersize=11)
                said.append(f"{label} at iteration {first}: {last:.4g} becomes {values[0]:.4g}.")
            last = float(values[-1])
            first += len(values) - 1
        start = getattr(phases[0], quantity)[0]
        said.append(f"{label}: from {start:.4g} at the start to {last:.4g} at iteration {first}.")
    finish(
        ax,
        title=title,
        x="iteration of gradient descent",
        y=name,
        alternative=f"{title}: {short} against the iteration, logarithmic"
        + (f", with what is below {floor:.1g} drawn there" if low else "")
        + ". "
        + " ".join(said),
    )
    return fig, ax


def lifted_objectives(
    curves: Mapping[str, tuple[str, FloatArray]],
    *,
    steps: Mapping[str, FloatArray] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw objectives against the steps, each divided by its value at ŵ: above 1 it has not decreased (panel d).

    Parameters
    ----------
    curves : mapping of str to (kind, array (T + 2,))
        By label: a key of `style.line`, and values: first the one at ŵ, then those of steps 0 .. T.
    steps : mapping of str to array (T + 1,), optional
        The steps of a curve by label, where they are not 0 .. T.
    title : str
        Title of the axes.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.
    """
    fig, ax = canvas(ax)
    ax.axhline(1, color=BLACK, linewidth=0.9)
    said, top = [], 1.0
    for label, (kind, values) in curves.items():
        values = real_array(f"curves[{label!r}]", values, (None,))
        stationary, values = values[0], values[1:]
        kept, at = (
            thinned(len(values)),
            np.asarray((steps or {}).get(label, np.arange(len(values)))),
        )
        ax.plot(at[kept], values[kept] / stationary, label=label, **line(kind))
        top = max(top, float(values[kept].max() / stationary))
        said.append(
            f"{label}: {stationary:.6g} at ŵ, {values[0]:.6g} at the first state, {values[-1]:.6g} after "
            f"{at[-1]} steps ({'below' if values[-1] < stationary else 'not below'} its value at ŵ), "
            f"largest on the way {values.max():.4g}."
        )
    ax.set_ylim(
        0, min(top, 4) * 1.08
    )  # a surrogate may leave by orders of magnitude; the words say how far
    finish(
        ax,
        title=title,
        x="step t of the simulated lift",
        y="objective / its value at ŵ",
        alternative=f"{title}. A horizontal line marks 1. " + " ".join(said),
    )
    return fig, ax


def term_norms(
    norms: FloatArray, *, steps: FloatArray | None = None, title: str = "", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the Frobenius norms of the base, the visible and the hidden tensor against the steps (panel e).

    Parameters
    ----------
    norms : array (T + 1, 3)
        |c_j| ‖X_j‖^l (see `simulated.term_norms`).
    steps : array (T + 1,), optional
        Their steps; 0 .. T without it.
    title : str
        Title of the axes.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.
    """
    norms = real_array("norms", norms, (None, 3))
    fig, ax = canvas(ax)
    kept, at = thinned(len(norms)), np.arange(len(norms)) if steps is None else np.asarray(steps)
    floor = _REACH * max(float(norms.max()), np.finfo(float).tiny)  # a zero norm cannot be shown
    said = []
    for j, (label, kind) in enumerate(_TERMS):
        values = np.where(norms[kept, j] >= floor, norms[kept, j], np.nan)
        ax.semilogy(at[kept], values, label=label, **line(kind))
        said.append(f"{label}: {norms[0, j]:.4g} at the start, {norms[-1, j]:.4g} at the end.")
    finish(
        ax,
        title=title,
        x="step t of the simulated lift",
        y="Frobenius norm of the tensor",
        alternative=f"{title}, {at[-1]} steps, logarithmic. " + " ".join(said),
    )
    return fig, ax


_TERMS = (
    ("base, |α| ‖a‖", "explicit"),
    ("visible, |β| ‖b‖", "exact"),
    ("hidden, |γ| ‖c‖", "truncated"),
)


def thinned(count: int, most: int = _POINTS) -> FloatArray:
    """Return at most 400 (or `most`) indices of 0 .. count − 1, evenly spread, both ends included."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
