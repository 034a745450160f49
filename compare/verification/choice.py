"""Which claims are checked: all, or those that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lift_compare.sensing.validation import InvalidValue, did_you_mean

from .claims import CHECKS, Check


def chosen_checks(claims: Any, called: str = "claims") -> tuple[Check, ...]:
    """Return the checks with these ids or names, in the order of the theory; all for None.

    InvalidValue, by the name that the list is called by, for anything else.
    """
    if claims is None:
        return CHECKS
    if isinstance(claims, str) or not isinstance(claims, Sequence) or not claims:
        raise InvalidValue(f"{called}: expected a sequence of ids, got {claims!r:.60}")
    for word in claims:
        if not isinstance(word, str) or word not in KNOWN:
            close = did_you_mean(word, KNOWN) if isinstance(word, str) else ""
            raise InvalidValue(f"{called}: expected ids of docs/verify.md, got {word!r:.60}{close}")
    wanted = {KNOWN[word] for word in claims}
    return tuple(check for check in CHECKS if check.id in wanted)


KNOWN = {word: check.id for check in CHECKS for word in (check.name, check.id)}
"""The id of each claim, by its id and by its name."""
