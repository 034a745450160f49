"""The west wing: lifted descent without a lift, from small Gram matrices (docs/theory.md, sections 3 to 7)."""

from .acceptance import AcceptanceRule, PublishedCollapse, published_collapse, term_norms
from .collapse import collapse
from .curvature import curvature_along, smallest_saddle_order
from .descent import SpanDescent, SpanStopReason, descend
from .directions import EscapeDirections, NotStationaryWarning, escape_directions
from .escape import METHODS, escape
from .escape_result import Escape, EscapeReason
from .feasibility import FeasibilityScore, feasibility_score
from .phase import Phase, PhaseStop
from .solve import Solution, SolveStop, descend_batch_with_escapes, descend_with_escapes
from .span import SpanObjective
from .step_window import ExactPhases, StepWindow, classify_exact, falling_step, step_window
from .surrogate import DiagonalSurrogate
from .truncated import TruncatedPath, truncated_coefficients, truncation_error
from .windows import TruncatedPhases, TruncatedWindows, classify_truncated, truncated_windows

__all__ = [
    "METHODS",
    "AcceptanceRule",
    "DiagonalSurrogate",
    "Escape",
    "EscapeDirections",
    "EscapeReason",
    "ExactPhases",
    "FeasibilityScore",
    "NotStationaryWarning",
    "Phase",
    "PhaseStop",
    "PublishedCollapse",
    "Solution",
    "SolveStop",
    "SpanDescent",
    "SpanObjective",
    "SpanStopReason",
    "StepWindow",
    "TruncatedPath",
    "TruncatedPhases",
    "TruncatedWindows",
    "classify_exact",
    "classify_truncated",
    "collapse",
    "curvature_along",
    "descend",
    "descend_batch_with_escapes",
    "descend_with_escapes",
    "escape",
    "escape_directions",
    "falling_step",
    "feasibility_score",
    "published_collapse",
    "smallest_saddle_order",
    "step_window",
    "term_norms",
    "truncated_coefficients",
    "truncated_windows",
    "truncation_error",
]
