"""How long an evaluation takes, from what it does: for choosing among the forms."""

from __future__ import annotations

from dataclasses import dataclass

CACHE_BYTES = 2**20
"""Peak of an evaluation up to which what it moves stays in a core's cache."""


@dataclass(frozen=True)
class Rates:
    """What a machine takes for one operation, byte and call.

    The seconds of an evaluation are their sum: coarse (within a factor of 1.5 for most), but what
    is left is mostly common to the forms of one problem, and only their order matters here.

    Attributes
    ----------
    machine : str
        Where they were measured.
    evaluation, call : float
        Seconds of one evaluation whatever it does, and of one call of the array library.
    operation : float
        Seconds of one multiplication or addition in matrix products, one thread.
    cached_byte, byte : float
        Seconds of one byte read or written, in the cache and out of it.
    """

    machine: str
    evaluation: float
    call: float
    operation: float
    cached_byte: float
    byte: float

    def seconds(
        self, operations: float, moved_bytes: float, calls: float, peak_bytes: float
    ) -> float:
        """Return the predicted seconds of one evaluation."""
        work = self.work_seconds(operations, moved_bytes, peak_bytes)
        return self.evaluation + self.call * calls + work

    def work_seconds(self, operations: float, moved_bytes: float, peak_bytes: float) -> float:
        """Return those of its operations and bytes alone."""
        each = self.cached_byte if peak_bytes < CACHE_BYTES else self.byte
        return self.operation * operations + each * moved_bytes


RATES = Rates(
    machine="AMD EPYC, one thread of 2 shared cores, numpy 2.4 with OpenBLAS",
    evaluation=3.5e-5,
    call=9.3e-7,
    operation=2.8e-11,
    cached_byte=2.5e-11,
    byte=3.4e-11,
)
"""As `python benchmarks/choice_of_form.py --shapes 200 --fit` printed them."""
