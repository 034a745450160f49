"""The roof: explicit and simulated lifting side by side; agreement, theory checks, cost, sweeps.

    commands/        the command line, one thin file a subcommand
    reproduction/    the published figures and numbers, and the report
    ablation.py      a sweep over a problem of your own, in one call
    figures/         functions (ax=None) -> (figure, axes)
    sweeps/          ablations in a store that survives any interruption
    verification/    every claim of the theory, checked on instances
    published/       the main job on instances, printed numbers, findings
    agreement/       explicit = exact? one comparison at one point
    rivals/          what a user would run instead, one file each
    simulated_lift.py   both simulations at one point, with what they lead to
    cost/            seconds and bytes of a call, or of a grid of sizes
    tabular.py       rows as a pandas frame and as HTML; markup.py: in Markdown and LaTeX
    tables.py, provenance.py, threads.py, tolerances.py, intervals.py   what all rooms use

Imports go down this list only, and nothing imports `compare`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .ablation import Ablation, ablate
from .agreement.comparison import compare_directions
from .agreement.compressed import CompressedLifting, compressed_lifting
from .agreement.result import DirectionComparison
from .cost.cases import cost_cases
from .cost.grid import cost_grid
from .cost.measure import CostSample, measure_cost
from .cost.predicted import predicted_costs
from .cost.scaling import scaling_exponents
from .published.comparison import InstanceComparison, compare_instances
from .rivals.definition import Rival, Run
from .sweeps.evaluations import Evaluation
from .sweeps.export import export_frame, export_rows
from .sweeps.rivals import RivalReport, run_rivals
from .sweeps.run import SweepReport, run_sweep
from .sweeps.shipped import EVALUATIONS
from .sweeps.store import StoreError
from .sweeps.success import SuccessRates, success_rates
from .sweeps.sweep import Sweep
from .verification.claims import Claim
from .verification.random_instances import verify_random
from .verification.random_result import RandomVerification
from .verification.result import Verification
from .verification.verification import verify

if TYPE_CHECKING:
    from . import figures
    from .reproduction.reproduce import reproduce

__all__ = [
    "EVALUATIONS",
    "Ablation",
    "Claim",
    "CompressedLifting",
    "CostSample",
    "DirectionComparison",
    "Evaluation",
    "InstanceComparison",
    "RandomVerification",
    "Rival",
    "RivalReport",
    "Run",
    "StoreError",
    "SuccessRates",
    "Sweep",
    "SweepReport",
    "Verification",
    "ablate",
    "compare_directions",
    "compare_instances",
    "compressed_lifting",
    "cost_cases",
    "cost_grid",
    "export_frame",
    "export_rows",
    "figures",
    "measure_cost",
    "predicted_costs",
    "reproduce",
    "run_rivals",
    "run_sweep",
    "scaling_exponents",
    "success_rates",
    "verify",
    "verify_random",
]

# What draws is loaded when it is first used: matplotlib takes longer than all of the rest.
_DRAWING = {"figures": ".figures", "reproduce": ".reproduction.reproduce"}


def __getattr__(name: str) -> Any:
    if name not in _DRAWING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_DRAWING[name], __name__)
    return module if name == "figures" else getattr(module, name)
