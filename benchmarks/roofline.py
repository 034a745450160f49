"""How near every explicit form comes to what this machine can do, at ten shapes.

    python benchmarks/roofline.py [--repeats 9] [--markdown]

Two rates bound an evaluation: operations a second, as a large matrix product reaches them, and
bytes a second, as a copy reaches them whose two arrays are as large as the peak of the evaluation:
caches are faster than memory. Both are measured first. The time at the rates is the larger of
operations and bytes, each at its rate, and the share is that over the measured time of one
value-and-gradient. All of it in CPU seconds of one thread, medians.

Bytes are what the form's prediction counts as read and written by each of its steps. What a step
finds in a cache that is smaller than the peak comes faster: a share may be above one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.compare.markup import markdown_table
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.lifting import LiftedProblem, MemoryLimitExceeded
from lift_compare.sensing.threads import one_thread

SHAPES = {
    "completion n=3, l=5": (sensing.perturbed_completion(3), 5),
    "completion n=12, l=3": (sensing.perturbed_completion(12), 3),
    "completion n=40, l=3": (sensing.perturbed_completion(40), 3),
    "completion n=3, l=11": (sensing.perturbed_completion(3), 11),
    "real system, l=7": (sensing.real_system(), 7),
    "Gaussian n=10, m=12, l=3": (sensing.gaussian(10, 1, 12, 0), 3),
    "Gaussian n=10, m=30, l=3": (sensing.gaussian(10, 1, 30, 0), 3),
    "Gaussian n=10, m=120, l=3": (sensing.gaussian(10, 1, 120, 0), 3),
    "Gaussian n=6, m=20, l=5": (sensing.gaussian(6, 1, 20, 0), 5),
    "Gaussian n=5, r=2, m=20, l=3": (sensing.gaussian(5, 2, 20, 0), 3),
}
MOST_OPERATIONS, MOST_BYTES = 2e9, 2_000_000_000
SIZES = [3e5, 3e6, 2.4e7, 1.5e8]
"""Bytes of both arrays of a copy."""

COLUMNS = [
    Column("shape", "shape"),
    Column("form", "form"),
    Column("operations", "operations", ".2g"),
    Column("bytes", "bytes moved", "bytes"),
    Column("bound", "bound by"),
    Column("at_the_rates", "time at the rates", "seconds"),
    Column("measured", "measured", "seconds"),
    Column("share", "share of the peak", ".0%"),
]


def median_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Return the median over the repeats of the CPU seconds that a call takes."""
    return medians([call], repeats)[0]


def medians(calls: list[Callable[[], Any]], repeats: int, turn: float = 0.02) -> list[float]:
    """Return those of several calls that take turns, each of so many seconds."""
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, seconds in zip(calls, samples, strict=True):
            call()
            start, made = time.thread_time(), 0
            while (spent := time.thread_time() - start) < turn or made == 0:
                call()
                made += 1
            seconds.append(spent / made)
    return [float(np.median(seconds)) for seconds in samples]


@dataclass(frozen=True)
class Peaks:
    """The machine's operations a second, and bytes a second by the bytes that are in use."""

    operations: float
    bytes_by_size: dict[float, float]

    @classmethod
    def measured(cls, repeats: int) -> Peaks:
        """Measure them: read and written bytes count both."""
        size = 1200
        a, b, c = (np.ones((size, size)) for _ in range(3))
        product = median_seconds(lambda: np.matmul(a, b, out=c), repeats)
        copies = {}
        for used in SIZES:
            x, y = np.ones(int(used / 16)), np.ones(int(used / 16))
            copies[used] = used / median_seconds(lambda x=x, y=y: np.copyto(y, x), repeats)
        return cls(2 * size**3 / product, copies)

    def bytes(self, used: float) -> float:
        """Return the bytes a second of the largest size measured that is no larger than `used`."""
        fitting = [size for size in SIZES if size <= used] or SIZES[:1]
        return self.bytes_by_size[fitting[-1]]

    def __str__(self) -> str:
        rates = (f"{self.bytes_by_size[size] / 1e9:.0f} ({size / 1e6:g} MB)" for size in SIZES)
        return f"{self.operations / 1e9:.0f} Gop/s; {', '.join(rates)} GB/s"


def row(shape: str, lifted: LiftedProblem, peaks: Peaks, repeats: int) -> dict[str, Any]:
    """Measure one form at one shape."""
    rng = np.random.default_rng(0)
    powers = [lifted.lift(rng.standard_normal(lifted.problem.shape)) for _ in range(2)]
    w = powers[0] - 0.5 * powers[1]
    measured = median_seconds(lambda: lifted.unchecked(w), repeats)
    cost = lifted.cost
    times = {
        "operations": cost.flops / peaks.operations,
        "bytes": cost.moved_bytes / peaks.bytes(cost.peak_bytes),
    }
    bound = max(times, key=times.__getitem__)
    return {
        "shape": shape,
        "form": cost.form,
        "operations": cost.flops,
        "bytes": int(cost.moved_bytes),
        "bound": bound,
        "at_the_rates": times[bound],
        "measured": measured,
        "share": times[bound] / measured,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    rows = []
    with one_thread():
        peaks = Peaks.measured(arguments.repeats)
        for shape, (problem, order) in tqdm(SHAPES.items(), disable=None):
            for cost in LiftedProblem(problem, order).costs:
                if cost.reason is not None or cost.flops > MOST_OPERATIONS:
                    continue
                try:
                    lifted = LiftedProblem(problem, order, form=cost.form, memory_limit=MOST_BYTES)
                except MemoryLimitExceeded:
                    continue
                rows.append(row(shape, lifted, peaks, arguments.repeats))
    title = f"One value and gradient; this machine's peaks: {peaks}"
    if arguments.markdown:
        print(markdown_table(COLUMNS, rows, caption=title))
    else:
        print(text_table(COLUMNS, rows, title=title))
    print(f"\n{provenance(0)['machine']}")


if __name__ == "__main__":
    main()
