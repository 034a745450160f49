"""The section of the report with the phase diagrams of the simulated paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import (
    TruncatedWindows,
    classify_exact,
    step_window,
    truncated_windows,
)
from lift_compare.simulated.truncated.intervals import Intervals

from ..figures import phase
from ..figures.mathematics import literal
from ..tables import Column
from .report import Section, Sheet
from .runs import START, Runs
from .sections import Show

_SYMBOLS = {"eta": r"step $\eta$", "rho": r"initial weight $\rho$"}


def phase_section(instances: Mapping[str, Runs], show: Show, *, quick: bool) -> Section:
    """Return the phase diagrams of the truncated path over η, ρ and T, and of the exact path."""
    items: list[Any] = [
        "The truncated path: which of its three terms is the largest, and where the published "
        "rules accept its collapse. The rule of the text takes “dominates” as ten times larger "
        r"than the others. All boundaries are roots of polynomials in $\nu^T$. The "
        "settings used are marked.",
    ]
    rows, steps_rows = [], []
    for name, runs in instances.items():
        items += [_truncated(name, runs, setting, show, quick=quick) for setting in _SYMBOLS]
        rows += [_windows_row(name, runs, surrogate) for surrogate in (False, True)]
    caption = r"Where in $T$ the published rules accept, at the $\eta$ and $\rho$ used"
    items.append(Sheet(caption, _WINDOWS, rows))
    items.append(
        "The exact path: with which step sizes the lifted objective falls at every step. Its "
        r"step_size is $\eta/2$, half the $\eta$ of the truncated recursion."
    )
    for name, runs in instances.items():
        item, row = _exact(name, runs, show, quick=quick)
        items.append(item)
        steps_rows.append(row)
    items.append(Sheet("Largest step sizes of the exact path", _STEPS, steps_rows))
    return Section("Phase diagrams", items)


def windows(runs: Runs, *, surrogate: bool = False, **settings: float) -> TruncatedWindows:
    """Return the windows of T of an instance at its ρ and η, but for the settings given."""
    s, lift = runs.lift.settings, runs.lift
    chosen = {"rho": s.rho, "eta": s.eta, **settings}
    return truncated_windows(lift.problem, lift.directions, s.order, surrogate=surrogate, **chosen)


def _truncated(name: str, runs: Runs, setting: str, show: Show, *, quick: bool) -> Any:
    """Draw the truncated path over one setting and T."""
    used, T = getattr(runs.lift.settings, setting), runs.lift.settings.steps
    values = used * np.geomspace(1 / 300, 300, 41 if quick else 121)
    exact, surrogate = (
        [windows(runs, surrogate=use, **{setting: float(value)}) for value in values]
        for use in (False, True)
    )
    symbol = _SYMBOLS[setting]
    fig, _ = phase.truncated_phases(
        symbol,
        values,
        {
            r"visible ($\beta$)": [w.beta_largest for w in exact],
            r"hidden ($\gamma$)": [w.gamma_largest for w in exact],
        },
        {
            "code, $h^l$": [w.code_accepts for w in exact],
            "code, surrogate": [w.code_accepts for w in surrogate],
            "text, $h^l$": [w.text_accepts for w in exact],
        },
        steps=(max(1.0, T / 300), 30.0 * T),
        marked=(used, T),
        title=f"{literal(name)}: {symbol} and $T$",
    )
    caption = f"{literal(name)}: the truncated path over {symbol} and $T$."
    return show(f"phase-{setting}-{runs.instance.label}", fig, caption)


def _windows_row(name: str, runs: Runs, surrogate: bool) -> dict[str, Any]:
    w = windows(runs, surrogate=surrogate)
    return {
        "instance": name,
        "objective": "surrogate" if surrogate else "exact",
        "beta": _ranges(w.beta_largest),
        "gamma": _ranges(w.gamma_largest),
        "code": _ranges(w.code_accepts),
        "text": _ranges(w.text_accepts),
        "steps": runs.lift.settings.steps,
    }


_WINDOWS = (
    Column("instance", "instance"),
    Column("objective", "objective"),
    Column("beta", "visible term largest"),
    Column("gamma", "hidden term largest"),
    Column("code", "rule of the code accepts"),
    Column("text", "rule of the text accepts"),
    Column("steps", "$T$ used", "d"),
)


def _exact(name: str, runs: Runs, show: Show, *, quick: bool) -> tuple[Any, dict[str, Any]]:
    """Draw the exact path over its step size and T; return its largest steps as a row."""
    s, span = runs.lift.settings, runs.lift.span
    longest, points = (min(s.steps, 3_000), 25) if quick else (s.steps, 49)
    found = step_window(span, s.start, iterations=longest)
    sizes = _around(s.step_size, found.largest, points)
    iterations = np.unique(np.geomspace(1, longest, points).round().astype(int))
    grid = classify_exact(span, s.start, step_sizes=sizes, iterations=iterations.tolist())
    with np.errstate(over="ignore"):  # a ratio beyond float64 has left it: drawn as such
        ratios = grid.values / span.value(START)
    fig, _ = phase.exact_phases(
        sizes,
        iterations.astype(float),
        grid.falls,
        ratios,
        largest=found.largest,
        marked=(s.step_size, s.steps),
        title=f"{literal(name)}: exact path",
    )
    row = {
        "instance": name,
        "used": s.step_size,
        "largest": found.largest,
        "rises": found.rises_at,
        "first": found.first_step,
        "end": found.final_curvature,
        "steps": longest,
    }
    caption = f"{literal(name)}: the exact path over its step size and $T$."
    return show(f"phase-exact-{runs.instance.label}", fig, caption), row


_STEPS = (
    Column("instance", "instance"),
    Column("used", r"step_size ($\eta/2$) used", ".4g"),
    Column("largest", "$h^l$ falls at every step up to step_size =", ".4g"),
    Column("rises", "rises at some step with step_size =", ".4g"),
    Column("first", "bound of the first step", ".4g"),
    Column("end", r"$2/\lambda$ at the end", ".4g"),
    Column("steps", "steps", "d"),
)


def _around(used: float, largest: float, count: int) -> FloatArray:
    """Return step sizes that hold both, with room on either side."""
    low, high = sorted((used, largest if largest > 0 else used))
    return np.geomspace(low / 10, high * 10, count)


def _ranges(intervals: Intervals) -> str:
    """Return where in T, such as "152.48 to 700 and from 1200 on"."""
    said = [
        f"from {low:.5g} on" if high == np.inf else f"{low:.5g} to {high:.5g}"
        for low, high in intervals
    ]
    return " and ".join(said) or "never"
