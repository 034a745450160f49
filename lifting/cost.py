"""What one evaluation of the lifted objective costs, and the budget that refuses it before anything is allocated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BUFFER_BYTES = 8 * 8192
"""What numpy buffers of an operand that it cannot walk through in long rows (8192 numbers)."""


def python_bytes(order: int, evaluation: str) -> int:
    """Return what Python and the headers of small arrays take during an evaluation: kilobytes, as measured."""
    fixed, per_mode = {
        "value": (2500, 350),
        "gradient": (2600, 750),
        "hessian_product": (3000, 1250),
    }[evaluation]
    return fixed + per_mode * order


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
    """Predicted cost of one evaluation in one form.

    Attributes
    ----------
    form : str
        Name of the form.
    flops : float
        Multiplications and additions of one value-and-gradient. For the forms "entrywise" and "symmetric", of one at a
        symmetric w.
    peak_bytes : int
        Most memory that one value-and-gradient holds at one time, besides w and what the problem keeps between
        evaluations. A value alone takes no more.
    tensor_bytes : int
        Memory of one tensor w.
    stored_bytes : int
        Memory that the problem keeps between evaluations: operators and tables.
    hessian_bytes : int
        Most memory that one Hessian product holds at one time, besides its arguments and what the problem keeps.
    building_bytes : int
        Most memory held while what the problem keeps is built, itself included.
    reason : str or None
        Why the form does not apply to this problem; its flops and bytes are 0 then.
    """

    form: str
    flops: float
    peak_bytes: int
    tensor_bytes: int
    stored_bytes: int = 0
    hessian_bytes: int = 0
    building_bytes: int = 0
    reason: str | None = None

    @property
    def total_bytes(self) -> int:
        """What is compared with the memory limit: stored and peak bytes, or those of building where they are more."""
        return max(self.building_bytes, self.stored_bytes + self.peak_bytes)

    def __repr__(self) -> str:
        if self.reason is not None:
            return f"LiftingCost({self.form}: does not apply, {self.reason})"
        return (
            f"LiftingCost({self.form}: {self.flops:.3g} flops, peak {self.peak_bytes:,} bytes, "
            f"tensor {self.tensor_bytes:,} bytes, stored {self.stored_bytes:,} bytes)"
        )


@dataclass(frozen=True, repr=False)
class LiftingCosts:
    """Predicted cost of every form, with the reason where one does not apply: `costs["residual"].flops`."""

    rows: tuple[LiftingCost, ...]

    def __iter__(self) -> Iterator[LiftingCost]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, form: str) -> LiftingCost:
        for row in self.rows:
            if row.form == form:
                return row
        raise KeyError(form)

    def __repr__(self) -> str:
        lines = [
            f"{'form':<10}  {'flops':>9}  {'peak bytes':>17}  {'tensor bytes':>15}  {'stored bytes':>17}"
        ]
        for row in self.rows:
            if row.reason is not None:
                lines.append(f"{row.form:<10}  does not apply: {row.reason}")
            else:
                lines.append(
                    f"{row.form:<10}  {row.flops:>9.2e}  {row.peak_bytes:>17,}  {row.tensor_bytes:>15,}  "
                    f"{row.stored_bytes:>17,}"
                )
        return "\n".join(lines)


def available_memory() -> int:
    """Return the bytes of memory that this process may still take, as the system and its control group tell."""
    limits = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                limits.append(int(line.split()[1]) * 1024)
        group = Path("/sys/fs/cgroup")
        allowed = (group / "memory.max").read_text(encoding="ascii").strip()
        if allowed != "max":
            limits.append(
                int(allowed) - int((group / "memory.current").read_text(encoding="ascii"))
            )
    except (OSError, ValueError):
        pass
    if not limits:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return max(0, min(limits))
