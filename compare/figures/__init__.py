"""Figures: functions that take rows or results and `ax=None`, and return (fig, ax). None calls show()."""

from .cost import cost_bytes, cost_seconds
from .panels import histories, lifted_objectives, term_norms
from .paths import coefficient_paths, lifted_objective, step_cost
from .phase import exact_phases, truncated_phases
from .plane import landscape
from .style import describe, save_svg, text_alternative
from .success import success_rates, trial_distances
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
    "save_svg",
    "step_cost",
    "success_rates",
    "term_norms",
    "text_alternative",
    "trajectory_in_plane",
    "trajectory_in_space",
    "trial_distances",
    "truncated_phases",
]
