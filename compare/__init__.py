"""The roof: explicit and simulated lifting side by side; agreement, theory checks, cost and memory."""

from .ablations import EVALUATIONS
from .cost import cost_cases, cost_grid, memory_summary, standard_cases
from .directions import DirectionComparison, OracleAlignment, compare_directions
from .evaluations import Evaluation
from .export import export_frame, export_rows
from .fresh import ChildFailed, in_fresh_process
from .measure import CostSample, Seconds, measure_cost
from .published_comparison import PublishedComparison, compare_published
from .resident import resident_peak
from .rows import Status
from .scaling import Scaling, scaling_exponents
from .store import StoreError
from .success import SuccessRates, success_rates
from .sweep import Sweep
from .sweep_run import SweepReport, run_sweep
from .verify import Verification, verify
from .verify_random import RandomVerification, spurious_point, verify_random
from .workloads import CostCase

__all__ = [
    "EVALUATIONS",
    "ChildFailed",
    "CostCase",
    "CostSample",
    "DirectionComparison",
    "Evaluation",
    "OracleAlignment",
    "PublishedComparison",
    "RandomVerification",
    "Scaling",
    "Seconds",
    "Status",
    "StoreError",
    "SuccessRates",
    "Sweep",
    "SweepReport",
    "Verification",
    "compare_directions",
    "compare_published",
    "cost_cases",
    "cost_grid",
    "export_frame",
    "export_rows",
    "in_fresh_process",
    "measure_cost",
    "memory_summary",
    "resident_peak",
    "run_sweep",
    "scaling_exponents",
    "spurious_point",
    "standard_cases",
    "success_rates",
    "verify",
    "verify_random",
]
