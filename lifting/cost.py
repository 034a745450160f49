"""What one evaluation of the lifted objective costs, and the budget that refuses it before anything is allocated."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_FRACTION = 0.5
"""Fraction of the available memory that a lifted problem may use when no `memory_limit` is given."""


class MemoryLimitExceeded(MemoryError):  # noqa: N818 - a public name of the project
    """A lifted evaluation would need more memory than is allowed; nothing was allocated.

    Attributes
    ----------
    predicted_bytes, allowed_bytes : int
        What the cheapest form needs, and the limit.
    """

    def __init__(self, predicted_bytes: int, allowed_bytes: int, what: str) -> None:
        super().__init__(f"{what} needs {predicted_bytes:,} bytes, {allowed_bytes:,} allowed")
        self.predicted_bytes = predicted_bytes
        self.allowed_bytes = allowed_bytes


@dataclass(frozen=True)
class LiftingCost:
    """Predicted cost of one value-and-gradient evaluation.

    Attributes
    ----------
    form : str
        Name of the form.
    flops : float
        Multiplications and additions.
    peak_bytes : int
        Most memory held at one time by the evaluation, besides w and what the problem keeps between evaluations.
    tensor_bytes : int
        Memory of one tensor w.
    stored_bytes : int
        Memory that the problem keeps between evaluations (operator and plans).
    reason : str or None
        Why the form does not apply to this problem; the numbers are then 0.
    """

    form: str
    flops: float
    peak_bytes: int
    tensor_bytes: int
    stored_bytes: int = 0
    reason: str | None = None

    @property
    def total_bytes(self) -> int:
        """What the budget is compared with: stored and peak bytes."""
        return self.stored_bytes + self.peak_bytes


def available_memory() -> int:
    """Return the bytes of memory that a process may still take, as the system and its control group tell."""
    limits = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                limits.append(int(line.split()[1]) * 1024)
        group = Path("/sys/fs/cgroup")
        allowed = (group / "memory.max").read_text(encoding="ascii").strip()
        if allowed != "max":
            limits.append(int(allowed) - int((group / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        pass
    if not limits:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return max(0, min(limits))
