"""What a step of the lifted descent costs beside a gradient, and what one of many tensors does.

    python benchmarks/steps_and_batches.py [--repeats 9] [--markdown]

A step is one of `projected_gradient_descent` onto the span of three lifted points. Many tensors are
64 at once by `values_and_gradients`. In turns, CPU seconds of one thread, medians; the tensors are
symmetric.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from roofline import medians
from tqdm import tqdm

from lift_compare import lifting, sensing
from lift_compare.compare.markup import markdown_table
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.sensing.threads import one_thread

SHAPES = {
    "two-by-two, l=3": (sensing.two_by_two(), 3),
    "two-by-two, l=9": (sensing.two_by_two(), 9),
    "completion n=3, l=5": (sensing.perturbed_completion(3), 5),
    "completion n=10, l=3": (sensing.perturbed_completion(10), 3),
    "real system, l=5": (sensing.real_system(), 5),
    "Gaussian n=4, m=8, l=3": (sensing.gaussian(4, 1, 8, 0), 3),
    "Gaussian n=3, m=6, l=5": (sensing.gaussian(3, 1, 6, 0), 5),
    "Gaussian n=6, m=10, l=3": (sensing.gaussian(6, 1, 10, 0), 3),
    "Gaussian n=4, r=2, m=12, l=3": (sensing.gaussian(4, 2, 12, 0), 3),
    "Gaussian n=10, m=12, l=3": (sensing.gaussian(10, 1, 12, 0), 3),
    "Gaussian n=10, m=60, l=3": (sensing.gaussian(10, 1, 60, 0), 3),
    "Gaussian n=6, m=20, l=5": (sensing.gaussian(6, 1, 20, 0), 5),
    "completion n=40, l=3": (sensing.perturbed_completion(40), 3),
    "completion n=3, l=11": (sensing.perturbed_completion(3), 11),
}
STEPS, TOGETHER = 20, 64

COLUMNS = [
    Column("shape", "shape"),
    Column("entries", "entries", "d"),
    Column("form", "form"),
    Column("gradient", "gradient", "seconds"),
    Column("step", "a step", "seconds"),
    Column("against", "in gradients", ".2f"),
    Column("one_of_many", "one of many", "seconds"),
    Column("cheaper", "times cheaper", ".1f"),
]


def row(shape: str, problem: sensing.SensingProblem, order: int, repeats: int) -> dict[str, Any]:
    """Measure one shape."""
    rng = np.random.default_rng(0)
    lifted = lifting.LiftedProblem(problem, order)
    generators = [lifted.lift(0.5 * x) for x in rng.standard_normal((3, *problem.shape))]
    span = lifting.SpanProjection(generators)
    w = generators[0] + 0.1 * generators[1]

    def steps() -> None:
        lifting.projected_gradient_descent(
            lifted, w, step_size=1e-9, iterations=STEPS, projection=span
        )

    many = np.stack([w + 0.01 * k * generators[2] for k in range(TOGETHER)])
    calls = [lambda: lifted.value_and_gradient(w), steps]
    if w.size <= 1100:  # of larger ones 64 do not stay in a cache
        calls.append(lambda: lifted.values_and_gradients(many))
    gradient, step, *together = medians(calls, repeats)
    found = {
        "shape": shape,
        "entries": w.size,
        "form": lifted.cost.form,
        "gradient": gradient,
        "step": step / (STEPS + 1),
        "against": step / (STEPS + 1) / gradient,
    }
    for seconds in together:
        one = seconds / TOGETHER
        found |= {"one_of_many": one, "cheaper": gradient / one}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    with one_thread():
        rows = [
            row(shape, problem, order, arguments.repeats)
            for shape, (problem, order) in tqdm(SHAPES.items(), disable=None)
        ]
    title = f"A gradient, a step of {STEPS} projected ones, and one of {TOGETHER} tensors at once"
    if arguments.markdown:
        print(markdown_table(COLUMNS, rows, caption=title))
    else:
        print(text_table(COLUMNS, rows, title=title))
    print(f"\n{provenance(0)['machine']}")


if __name__ == "__main__":
    main()
