"""What an evaluation of the lifted objective costs, and the budget that refuses it beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lift_compare.sensing.validation import InvalidInput, power_of_ten, whole_number

ITEMSIZE = 8  # bytes of a float64

MOST_MODES = 64  # of a numpy array

ADDRESSABLE_BYTES = 2**63

_LARGEST_COUNT = 10**300  # that is a float64, with room for a sum

BUFFER_BYTES = 8 * 8192
"""What numpy buffers of an operand that it cannot walk through in long rows (8192 numbers)."""

HEAP_SHARE = 6
"""One part in six of the peak of an evaluation: what the heap keeps beside what is in use. Over 200
random cases it was −0.2 to 0.6 of the peak (benchmarks/byte_budget.py): this share is in the
middle, as a ratio."""

OBJECT_BYTES = 2**17
"""What Python takes from the system for small objects while it plans and evaluates: part of one of
its arenas of 1 MiB."""

DEFAULT_FRACTION = 0.5
"""Fraction of the available memory that is the limit when no `memory_limit` is given."""

ADDRESSABLE = 2**63 - 1
"""Bytes that a limit may allow: no machine addresses more, and costs below it fit into float64."""

DISTINCT_MODES = 5
"""What the forms in distinct entries hold of Python's objects, as so many modes of the others."""


class MemoryLimitExceeded(InvalidInput, MemoryError):  # noqa: N818 - a public name of the project
    """A lifted evaluation would need more memory than is allowed; nothing was allocated.

    Attributes
    ----------
    predicted_bytes, allowed_bytes : int
        What the form with the least need needs, and the limit.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> try:
    ...     lifting.LiftedProblem(sensing.perturbed_completion(20), 5, memory_limit=10**6)
    ... except lifting.MemoryLimitExceeded as refusal:
    ...     print(refusal.predicted_bytes > refusal.allowed_bytes)
    True
    """

    def __init__(self, predicted_bytes: int, allowed_bytes: int, what: str) -> None:
        needs, allowed = count_in_words(predicted_bytes), count_in_words(allowed_bytes)
        super().__init__(f"{what} needs {needs} bytes, {allowed} allowed")
        self.predicted_bytes = predicted_bytes
        self.allowed_bytes = allowed_bytes

    def __reduce__(self) -> tuple[object, ...]:
        what = str(self).partition(" needs ")[0]
        return type(self), (self.predicted_bytes, self.allowed_bytes, what)


@dataclass(frozen=True)
class LiftingCost:
    """Predicted cost of one evaluation in one form.

    Attributes
    ----------
    form : str
        Name of the form.
    flops : float
        Multiplications and additions of one value-and-gradient. For the forms "entrywise" and
        "symmetric", of one at a symmetric w.
    peak_bytes : int
        Most memory that one value-and-gradient holds at one time, besides w and what the problem
        keeps between evaluations. A value alone takes no more.
    tensor_bytes : int
        Memory of one tensor w.
    stored_bytes : int
        Memory that the problem keeps between evaluations: operators and tables.
    hessian_bytes : int
        Most memory that one Hessian product holds at one time, besides its arguments and what the
        problem keeps.
    building_bytes : int
        Most memory held while what the problem keeps is built, itself included.
    symmetric_only : bool
        Whether the form serves symmetric tensors only.
    moved_bytes, calls : float
        Bytes read and written, and calls of the array library, of one value-and-gradient.
    seconds, work_seconds : float
        Predicted time of one value-and-gradient, and that without what its calls cost, which many
        tensors evaluated at once share (`forms/rates.py`).
    reason : str or None
        Why the form does not apply to this problem; its flops and bytes are 0 then.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> cost = lifting.LiftedProblem(sensing.two_by_two(), 3).cost
    >>> cost.tensor_bytes
    64
    """

    form: str
    flops: float
    peak_bytes: int
    tensor_bytes: int
    stored_bytes: int = 0
    hessian_bytes: int = 0
    building_bytes: int = 0
    symmetric_only: bool = False
    reason: str | None = None
    moved_bytes: float = 0.0
    calls: float = 0.0
    seconds: float = 0.0
    work_seconds: float = 0.0

    @property
    def total_bytes(self) -> int:
        """What is compared with the memory limit: that of an evaluation, or of building if more."""
        return max(self.building_bytes, evaluation_bytes(self.stored_bytes, self.peak_bytes))

    def __repr__(self) -> str:
        if self.reason is not None:
            return f"LiftingCost({self.form}: does not apply, {self.reason})"
        return (
            f"LiftingCost({self.form}: {self.flops:.3g} flops, "
            f"peak {count_in_words(self.peak_bytes)} bytes, "
            f"tensor {count_in_words(self.tensor_bytes)} bytes, "
            f"stored {count_in_words(self.stored_bytes)} bytes)"
        )


@dataclass(frozen=True, repr=False)
class LiftingCosts:
    """Predicted cost of every form, with the reason where one does not apply.

    `costs["residual"]` is one of them; printed, they are a table.

    Attributes
    ----------
    order : int
        Lifting order.
    rows : tuple of LiftingCost
        One a form.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> costs = lifting.predict_cost(sensing.perturbed_completion(12), 3)
    >>> costs.choose().form, costs["residual"].reason
    ('entrywise', None)
    """

    order: int
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

    def choose(self, memory_limit: int | None = None) -> LiftingCost:
        """Return the form that is predicted to be the fastest among those within the limit.

        One for symmetric tensors only may be it: other tensors then go to the fastest of the rest.

        Parameters
        ----------
        memory_limit : int, optional
            Bytes; by default half of the memory available now.

        Raises
        ------
        MemoryLimitExceeded
            If none fits.
        """
        allowed = allowed_bytes(memory_limit)
        applying = [row for row in self.rows if row.reason is None]
        fitting = [row for row in applying if row.total_bytes <= allowed]
        if not fitting:
            least = min(applying, key=lambda row: row.total_bytes)
            what = f"order {self.order}: the {least.form} form"
            raise MemoryLimitExceeded(least.total_bytes, allowed, what)
        return min(fitting, key=lambda row: row.seconds)

    def __repr__(self) -> str:
        heads = ("form", "seconds", "flops", "peak bytes", "tensor bytes", "stored bytes")
        lines = ["{:<15}  {:>8}  {:>8}  {:>15}  {:>15}  {:>15}".format(*heads)]
        for row in self.rows:
            if row.reason is not None:
                lines.append(f"{row.form:<15}  does not apply: {row.reason}")
            else:
                peak, tensor, stored = (
                    count_in_words(count)
                    for count in (row.peak_bytes, row.tensor_bytes, row.stored_bytes)
                )
                lines.append(
                    f"{row.form:<15}  {row.seconds:>8.1e}  {row.flops:>8.1e}  "
                    f"{peak:>15}  {tensor:>15}  {stored:>15}"
                )
        return "\n".join(lines)


def operations(count: int) -> float:
    """Return a count of operations as a float, the largest one where it is beyond float64."""
    return float(min(count, _LARGEST_COUNT))


def count_in_words(count: int) -> str:
    """Return a count with all its digits, or its power of ten where they would fill lines."""
    return f"{count:,}" if count < 10**24 else f"about {power_of_ten(count)}"


def evaluation_bytes(stored: int, peak: int) -> int:
    """Return what an evaluation takes from the system: arrays in use, and what lies beside them."""
    return stored + peak + peak // HEAP_SHARE + OBJECT_BYTES


def python_bytes(modes: int, evaluation: str) -> int:
    """Return what Python and the headers of small arrays take during an evaluation, as measured.

    `modes` is the order, or DISTINCT_MODES in distinct entries.
    """
    fixed, per_mode = {"gradient": (2600, 750), "hessian_product": (3000, 1250)}[evaluation]
    return fixed + per_mode * modes


def allowed_bytes(memory_limit: int | None) -> int:
    """Return the limit as given, or half of the memory available now."""
    if memory_limit is None:
        return int(DEFAULT_FRACTION * available_memory())
    return whole_number("memory_limit", memory_limit, most=ADDRESSABLE)


def available_memory() -> int:
    """Return the bytes that this process may still take, as the system and its group tell."""
    limits = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                limits.append(int(line.split()[1]) * 1024)
        group = Path("/sys/fs/cgroup")
        allowed = (group / "memory.max").read_text(encoding="ascii").strip()
        if allowed != "max":
            used = int((group / "memory.current").read_text(encoding="ascii"))
            limits.append(int(allowed) - used)
    except (OSError, ValueError):
        pass
    if not limits:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return max(0, min(limits))
