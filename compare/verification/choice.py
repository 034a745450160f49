"""Which claims are checked: all, or those that are named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lift_compare.sensing.validation import InvalidType, InvalidValue, did_you_mean

from .claims import CHECKS, Check


def chosen_checks(claims: Any, called: str = "claims") -> tuple[Check, ...]:
    """Return the checks with these ids or names, in the order of the theory; all for None.

    InvalidType or InvalidValue, by the name that the list is called by, for anything else.
    """
    if claims is None:
        return CHECKS
    if isinstance(claims, str | bytes) or not isinstance(claims, Iterable):
        raise InvalidType(f"{called}: expected a list of ids, got {claims!r:.60}")
    wanted = set()
    for word in claims:
        if not isinstance(word, str):
            raise InvalidType(f"{called}: expected a list of ids, got {word!r:.60} in it")
        if word not in KNOWN:
            close = did_you_mean(word, KNOWN)
            where = "docs/verify.md lists them"
            raise InvalidValue(
                f"{called}: expected the id of a claim, got {word!r:.60}{close}; {where}"
            )
        wanted.add(KNOWN[word])
    if not wanted:
        raise InvalidValue(f"{called}: expected at least one id, got none")
    return tuple(check for check in CHECKS if check.id in wanted)


KNOWN = {word: check.id for check in CHECKS for word in (check.name, check.id)}
"""The id of each claim, by its id and by its name."""
