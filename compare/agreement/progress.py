"""A bar for comparisons, whose estimate of the time left follows the predicted operations.

Orders differ by factors of a thousand in what a step costs, so that neither orders nor steps are a
unit of time.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from tqdm import tqdm

DELAY = 2.0
"""Seconds that a comparison may take without a bar."""

_RATE = 1e9  # operations a second, as predicted; only the ratios to the other terms matter
_FIXED = 0.3  # seconds of an order at the point itself: certificates, curvatures, the oracle
_MEASURED = 0.8  # seconds of measuring what a step costs
_OTHER_CALLS = 8  # evaluations beside the steps: the Hessian, and the measuring
_SIMULATED_STEP = 2e4 / _RATE  # seconds


def predicted_seconds(operations: float, steps: int, simulated_steps: int, *, costs: bool) -> float:
    """Return about how long a comparison takes whose explicit step takes so many operations.

    Two explicit descents make these steps: the one on the span, and the free one.
    """
    explicit = operations * (2 * steps + _OTHER_CALLS) / _RATE
    return _FIXED + _MEASURED * costs + _SIMULATED_STEP * simulated_steps + explicit


class Progress:
    """A bar over the predicted seconds of all that is to be done; shown on a terminal only.

    Where more than two seconds are predicted it is there from the beginning, else after two.
    """

    def __init__(self, seconds: float, *, shown: bool) -> None:
        self._bar = tqdm(
            total=seconds,
            desc="comparing",
            delay=0 if seconds > DELAY else DELAY,
            miniters=0,
            leave=False,
            disable=None if shown else True,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
        )
        self._at_once = seconds > DELAY
        self._done = self._part = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()

    def begin(self, what: str, seconds: float) -> None:
        """Name the next part, which takes about so many seconds; the one before is done."""
        self._done += self._part
        self._part = seconds
        self._bar.set_postfix_str(what, refresh=False)
        self._move(self._done)
        if self._at_once:
            self._bar.refresh()

    def step(self, operations: float) -> None:
        """Count one explicit step of the part."""
        self._move(min(self._bar.n + operations / _RATE, self._done + self._part))

    def _move(self, seconds: float) -> None:
        self._bar.update(seconds - self._bar.n)
