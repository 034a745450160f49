"""All rivals by name, and those of your own by the path of their file."""

from __future__ import annotations

from lift_compare.sensing.validation import InvalidValue, did_you_mean, shown

from . import (
    adam,
    backtracking,
    fixed_step,
    gradient_line,
    high_order_loss,
    larger_rank,
    lifted,
    lifted_small,
    perturbed,
    random_line,
    restarts,
    sgd,
    sgd_batch,
    sgd_polyak,
    trace_sdp,
    trust_region,
)
from .definition import Rival, from_file, from_module
from .escapes import ESCAPES

_FILES = (
    *(backtracking, fixed_step, sgd, sgd_batch, sgd_polyak, perturbed, adam, restarts, random_line),
    *(gradient_line, larger_rank, high_order_loss, trust_region, trace_sdp, lifted, lifted_small),
)

RIVALS: dict[str, Rival] = {rival.name: rival for rival in (*map(from_module, _FILES), *ESCAPES)}
"""What ships: others' ways first, then ours."""


def find_rival(name: str) -> Rival:
    """Return a rival by its name, or that of a file that ends in .py.

    Raises
    ------
    ValueError
        If there is none of that name, or the file defines none.
    """
    if name.endswith(".py"):
        return from_file(name)
    if name not in RIVALS:
        known = f"one of {', '.join(RIVALS)}, or a file that ends in .py"
        raise InvalidValue(
            f"rival: expected {known}, got {shown(name)}{did_you_mean(name, RIVALS)}"
        )
    return RIVALS[name]
