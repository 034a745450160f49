"""Time and memory of one value-and-gradient on each backend, on the CPU and a GPU if any.

    python benchmarks/accelerator.py [--repeats 5]

Backends whose package is missing and devices that are absent are rows that say so. Memory: the
traced peak for numpy; for PyTorch on a GPU its allocator's peak; elsewhere the prediction from
shapes is all there is.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.compare.cost.measure import Seconds, traced_peak
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.lifting import LiftedProblem

COLUMNS = [
    Column("case", "case"),
    Column("form", "form"),
    Column("backend", "backend"),
    Column("device", "device"),
    Column("median", "median", "seconds"),
    Column("low", "20 %", "seconds"),
    Column("high", "80 %", "seconds"),
    Column("predicted", "predicted peak", "bytes"),
    Column("peak", "measured peak", "bytes"),
    Column("difference", "relative difference", ".1e"),
    Column("note", "note"),
]

CASES = {
    "perturbed completion n=40 l=3": (sensing.perturbed_completion(40), 3, "entrywise"),
    "gaussian n=16 m=24 l=3": (sensing.gaussian(16, 1, 24, 0), 3, "residual"),
    "gaussian n=8 r=2 m=12 l=3": (sensing.gaussian(8, 2, 12, 0), 3, "residual"),
    "real system l=7": (sensing.real_system(), 7, "symmetric"),
}


def devices(backend: str) -> list[str]:
    """Return the devices of a backend that are present; ImportError without its package."""
    if backend == "pytorch":
        import torch

        return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    if backend == "jax":
        import jax

        return ["cpu", *sorted({d.platform for d in jax.devices()} - {"cpu"})]
    return ["cpu"]


def waiting(backend: str) -> Callable[[Any], Any]:
    """Return the function that waits for a result of the backend."""
    if backend == "jax":
        return lambda tensor: tensor.block_until_ready()
    if backend == "pytorch":
        import torch

        return lambda tensor: torch.cuda.synchronize() if tensor.is_cuda else None
    return lambda tensor: None


def row_of(
    case: str, backend: str, device: str, want: np.ndarray, w: np.ndarray, repeats: int
) -> dict[str, Any]:
    problem, order, form = CASES[case]
    lifted = LiftedProblem(
        problem, order, form=form, backend=backend, device=None if backend == "numpy" else device
    )
    tensor, wait = lifted.tensor("w", w), waiting(backend)

    def call() -> Any:
        gradient = lifted.gradient(tensor)
        wait(gradient)
        return gradient

    gradient = call()
    here = gradient.cpu().numpy() if hasattr(gradient, "cpu") else np.asarray(gradient)
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        samples.append(time.perf_counter() - start)
    seconds = Seconds.of(samples)
    row = {
        "case": case,
        "form": form,
        "backend": backend,
        "device": device,
        "predicted": lifted.cost.peak_bytes,
    }
    row |= {"median": seconds.median, "low": seconds.low, "high": seconds.high}
    row["difference"] = float(np.abs(here - want).max() / np.abs(want).max())
    if backend == "numpy":
        row["peak"] = traced_peak(call)
    elif device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        row["peak"] = torch.cuda.max_memory_allocated() - before
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for case, (problem, order, form) in CASES.items():
        lifted = LiftedProblem(problem, order, form=form)
        rng = np.random.default_rng(0)
        w = sum(c * lifted.lift(rng.standard_normal(problem.shape)) for c in (1.0, -0.5))
        want = lifted.gradient(w)
        for backend in ("numpy", "pytorch", "jax"):
            try:
                present = devices(backend)
            except ImportError:
                rows.append(
                    {
                        "case": case,
                        "form": form,
                        "backend": backend,
                        "note": "package not installed",
                    }
                )
                continue
            rows += [
                row_of(case, backend, device, want, w, arguments.repeats) for device in present
            ]
    print(text_table(COLUMNS, rows, title="One value-and-gradient, float64"))
    if not any(row.get("device") not in ("cpu", None) for row in rows):
        print("\nno GPU is present: CPU rows only")
    print(f"\n{provenance(0)['machine']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
