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

CHECKS: tuple[Check, ...] = tuple(
    check
    for module in (
        matrix_space,
        rip,
        lifted_problem,
        forms,
        powers,
        stationary_point,
        single_step,
        saddle,
        oracle,
        on_the_span,
        truncated_path,
        collapsed_point,
        oracle_direction,
    )
    for check in vars(module).values()
    if isinstance(check, Check)
)
"""All claims, in the order of the theory."""

__all__ = ["CHECKS", "Case", "Check", "Claim", "Finding", "Holds", "Kind"]
