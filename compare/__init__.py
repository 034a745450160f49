"""The roof: explicit and simulated lifting side by side; agreement, theory checks, cost and memory."""

from .fresh import ChildFailed, in_fresh_process
from .measure import CostSample, Seconds, measure_cost
from .resident import resident_peak

__all__ = [
    "ChildFailed",
    "CostSample",
    "Seconds",
    "in_fresh_process",
    "measure_cost",
    "resident_peak",
]
