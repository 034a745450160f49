"""Figures: functions that take rows or results and return (figure, axes). None calls show().

In all of them `title` is that of the axes, `labels` says what the legend calls each kind of curve,
and `ax` is where to draw (a new figure without it).

    paths.py       the lifted paths of one comparison; what a step costs, by order
    panels.py      descent and simulated lift of one instance; trajectory.py: the path of X
    plane.py       the landscape of h for n = 2
    phase.py       phase diagrams over a setting and T
    success.py     success rates, and the distances of many trials
    counted.py     shares of points with their 95 % intervals
    rivals.py      performance profiles of rivals, and their success against m/n
    cost.py        seconds and bytes against a size; refused.py: the band of what was refused
    sweep.py       any sweep: lines over a setting, or a map over two; sweep_rows.py: its rows
    style.py       the look they share, and the text alternative
    mathematics.py formulas in texts: in words, and as MathML
    svg_files.py   SVG files with text as text; dark.py: their colours in the dark
"""

from .cost import cost_bytes, cost_seconds
from .counted import shares
from .panels import histories, lifted_objectives, term_norms
from .paths import coefficient_paths, lifted_objective, step_cost
from .pdf_files import save_pdf
from .phase import exact_phases, truncated_phases
from .plane import landscape
from .rivals import performance_profile, rival_success
from .style import describe, text_alternative
from .success import success_rates, trial_distances
from .svg_files import save_svg
from .sweep import sweep_figure
from .trajectory import trajectory_in_plane, trajectory_in_space

__all__ = [
    "coefficient_paths",
    "cost_bytes",
    "cost_seconds",
    "describe",
    "exact_phases",
    "histories",
    "landscape",
    "lifted_objective",
    "lifted_objectives",
    "performance_profile",
    "rival_success",
    "save_pdf",
    "save_svg",
    "shares",
    "step_cost",
    "success_rates",
    "sweep_figure",
    "term_norms",
    "text_alternative",
    "trajectory_in_plane",
    "trajectory_in_space",
    "trial_distances",
    "truncated_phases",
]
