"""The roof: explicit and simulated lifting side by side; agreement, theory checks, cost and memory."""

from .cost import cost_cases, cost_grid, memory_summary, standard_cases
from .directions import DirectionComparison, OracleAlignment, compare_directions
from .fresh import ChildFailed, in_fresh_process
from .measure import CostSample, Seconds, measure_cost
from .published_comparison import PublishedComparison, compare_published
from .resident import resident_peak
from .scaling import Scaling, scaling_exponents
from .workloads import CostCase

__all__ = [
    "ChildFailed",
    "CostCase",
    "CostSample",
    "DirectionComparison",
    "OracleAlignment",
    "PublishedComparison",
    "Scaling",
    "Seconds",
    "compare_directions",
    "compare_published",
    "cost_cases",
    "cost_grid",
    "in_fresh_process",
    "measure_cost",
    "memory_summary",
    "resident_peak",
    "scaling_exponents",
    "standard_cases",
]
