"""A bound of the memory of a path, asked before any step is made."""

from __future__ import annotations

from lift_compare.sensing.validation import InvalidValue, show_bytes

LARGEST_PATH = 2**31
"""Bytes that a path may take with what is computed along it: the published ones, of up to 150,000
steps, take 55 MB."""


def check_steps(name: str, steps: int, k: int) -> None:
    """Refuse, as ValueError, a path of k coefficients with too many steps."""
    # The path itself, the pairs of coefficients of its values, and copies.
    check_path(name, steps, numbers=6 * k + 3 * k**2)


def check_path(name: str, steps: int, *, numbers: int) -> None:
    """Refuse, as ValueError, a path with too many steps, for so many numbers held a step."""
    needed = 8 * numbers * (steps + 1)
    if needed > LARGEST_PATH:
        most = LARGEST_PATH // (8 * numbers) - 1
        raise InvalidValue(
            f"{name}: expected at most {most} steps, whose path takes {show_bytes(LARGEST_PATH)}, "
            f"got {steps}, which would take {show_bytes(needed)}"
        )
