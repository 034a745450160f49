"""The section of the report with the phase diagrams of the simulated paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated.span.step_window import classify_exact, step_window
from lift_compare.simulated.truncated.windows import TruncatedWindows, truncated_windows

from ..figures import phase
from ..report import Section, Sheet
from ..tables import Column
from .case import START, Case
from .sections import Show

_SYMBOLS = {"eta": "step η", "rho": "initial weight ρ"}


def phase_section(cases: Mapping[str, Case], show: Show, *, quick: bool) -> Section:
    """Return the phase diagrams of the truncated path over (η, T) and (ρ, T), and of the exact path over (η, T)."""
    items: list[Any] = [
        "The truncated path: which of its three terms is the largest, and where the published rules accept its "
        "collapse. The rule of the text takes “dominates” as ten times larger than the others. All boundaries are "
        "roots of polynomials in ν^T. The published settings are marked.",
    ]
    rows: list[dict[str, Any]] = []
    count = 41 if quick else 121
    for name, case in cases.items():
        for setting, symbol in _SYMBOLS.items():
            published = getattr(case.instance, setting)
            values = published * np.geomspace(1 / 300, 300, count)
            exact, surrogate = (
                [windows(case, surrogate=use, **{setting: float(value)}) for value in values]
                for use in (False, True)
            )
            fig, _ = phase.truncated_phases(
                symbol,
                values,
                {
                    "visible (β)": [w.beta_largest for w in exact],
                    "hidden (γ)": [w.gamma_largest for w in exact],
                },
                {
                    "code, h^l": [w.code_accepts for w in exact],
                    "code, surrogate": [w.code_accepts for w in surrogate],
                    "text, h^l": [w.text_accepts for w in exact],
                },
                steps=(max(1.0, case.instance.steps / 300), 30.0 * case.instance.steps),
                marked=(published, case.instance.steps),
                title=f"{name}: {symbol} and T",
            )
            items.append(
                show(
                    f"phase-{setting}-{name}",
                    fig,
                    f"{name}: the truncated path over {symbol} and T.",
                )
            )
        rows += [_row(name, case, surrogate) for surrogate in (False, True)]
    items.append(
        Sheet("Where in T the published rules accept, at the published η and ρ", _WINDOWS, rows)
    )
    items.append(
        "The exact path: with which step sizes the lifted objective falls at every step. Its step is half the η of the "
        "truncated recursion."
    )
    steps_rows = []
    for name, case in cases.items():
        item, row = _exact(name, case, show, quick=quick)
        items.append(item)
        steps_rows.append(row)
    items.append(Sheet("Largest step sizes of the exact path", _STEPS, steps_rows))
    return Section("Phase diagrams", items)


def windows(case: Case, *, surrogate: bool = False, **settings: float) -> TruncatedWindows:
    """Return the windows of T of a case at its published ρ and η, but for the settings given."""
    i = case.instance
    return truncated_windows(
        case.problem,
        case.directions,
        i.order,
        **{"rho": i.rho, "eta": i.eta, **settings},
        surrogate=surrogate,
    )


def _row(name: str, case: Case, surrogate: bool) -> dict[str, Any]:
    w = windows(case, surrogate=surrogate)
    return {
        "instance": name,
        "objective": "surrogate" if surrogate else "exact h^l",
        "beta": _show(w.beta_largest),
        "gamma": _show(w.gamma_largest),
        "code": _show(w.code_accepts),
        "text": _show(w.text_accepts),
        "steps": case.instance.steps,
    }


_WINDOWS = (
    Column("instance", "instance"),
    Column("objective", "objective"),
    Column("beta", "visible term largest"),
    Column("gamma", "hidden term largest"),
    Column("code", "rule of the code accepts"),
    Column("text", "rule of the text accepts"),
    Column("steps", "published T", "d"),
)


def _exact(name: str, case: Case, show: Show, *, quick: bool) -> tuple[Any, dict[str, Any]]:
    i, start = case.instance, np.array([1.0, case.instance.rho, 0.0])
    longest = min(i.steps, 3_000) if quick else i.steps
    found = step_window(case.span, start, steps=longest)
    sizes = _around(i.eta / 2, found.largest, 25 if quick else 49)
    steps = np.unique(np.geomspace(1, longest, 25 if quick else 49).round().astype(int))
    grid = classify_exact(case.span, start, step_sizes=sizes, steps=steps.tolist())
    fig, _ = phase.exact_phases(
        sizes,
        steps.astype(float),
        grid.falls,
        grid.values / case.span.value(START),
        largest=found.largest,
        marked=(i.eta / 2, i.steps),
        title=f"{name}: exact path",
    )
    row = {
        "instance": name, "published": i.eta / 2, "largest": found.largest, "rises": found.rises_at,
        "first": found.first_step, "end": found.final_curvature, "steps": longest,
    }  # fmt: skip
    return show(
        f"phase-exact-{name}", fig, f"{name}: the exact path over its step size and T."
    ), row


_STEPS = (
    Column("instance", "instance"),
    Column("published", "published η/2", ".4g"),
    Column("largest", "h^l falls at every step up to η =", ".4g"),
    Column("rises", "rises at some step with η =", ".4g"),
    Column("first", "bound of the first step", ".4g"),
    Column("end", "2/λ at the end", ".4g"),
    Column("steps", "steps", "d"),
)


def _around(published: float, largest: float, count: int) -> FloatArray:
    """Return step sizes that hold both, with room on either side."""
    low, high = sorted((published, largest if largest > 0 else published))
    return np.geomspace(low / 10, high * 10, count)


def _show(intervals: Any) -> str:
    return " and ".join(f"{low:.5g} to {high:.5g}" for low, high in intervals) or "never"
