"""The claims of the theory, one small function each, grouped by the sections of docs/theory.md."""

from . import (
    collapsed_point,
    forms,
    lifted_problem,
    matrix_space,
    on_the_span,
    oracle,
    oracle_direction,
    powers,
    rip,
    saddle,
    single_step,
    stationary_point,
    truncated_path,
)
from .case import Case
from .claim import Check, Claim, Finding, Holds, Kind

TOPICS: dict[str, tuple[Check, ...]] = {
    topic: tuple(check for check in vars(module).values() if isinstance(check, Check))
    for topic, module in {
        "matrix space": matrix_space,
        "RIP constant": rip,
        "lifted problem": lifted_problem,
        "forms of the lift": forms,
        "rank-one powers": powers,
        "stationary point": stationary_point,
        "single step": single_step,
        "saddle along visible": saddle,
        "least curvature": oracle,
        "descent on the span": on_the_span,
        "truncated path": truncated_path,
        "collapse and escape": collapsed_point,
        "oracle direction": oracle_direction,
    }.items()
}
"""The claims by topic, a file each, in the order of the theory."""

CHECKS: tuple[Check, ...] = tuple(check for checks in TOPICS.values() for check in checks)
"""All claims."""

__all__ = ["CHECKS", "TOPICS", "Case", "Check", "Claim", "Finding", "Holds", "Kind"]
