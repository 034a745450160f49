"""The explicit gradient against the plain contraction over n⁴ cores of other code, in turns.

    python benchmarks/against_contraction.py [--repeats 11] [--seed 0]

The rival is one jitted float64 JAX einsum over l cores N = A*A of size n⁴ and three copies of w,
its path found by opt_einsum; it needs the extra `jax`. The two take turns, so that a busy machine
slows both. Peak memory: the traced peak of a call here; there, the temporaries and the result as
XLA reports them for the compiled call.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import opt_einsum

from lift_compare import sensing
from lift_compare.compare.cost.measure import Seconds, traced_peak
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.lifting import LiftedProblem

CASES = {
    "perturbed completion n=12 l=3": (lambda seed: sensing.perturbed_completion(12), 3, True),
    "perturbed completion n=3 l=5": (lambda seed: sensing.perturbed_completion(3), 5, True),
    "gaussian n=10 m=12 l=3": (lambda seed: sensing.gaussian(10, 1, 12, seed), 3, True),
    "gaussian n=10 m=30 l=3": (lambda seed: sensing.gaussian(10, 1, 30, seed), 3, True),
    "gaussian n=10 m=60 l=3": (lambda seed: sensing.gaussian(10, 1, 60, seed), 3, True),
    "gaussian n=10 m=120 l=3": (lambda seed: sensing.gaussian(10, 1, 120, seed), 3, True),
    "gaussian n=6 m=20 l=5": (lambda seed: sensing.gaussian(6, 1, 20, seed), 5, False),
    "perturbed completion n=40 l=3": (lambda seed: sensing.perturbed_completion(40), 3, False),
    "perturbed completion n=3 l=11": (lambda seed: sensing.perturbed_completion(3), 11, False),
}

COLUMNS = [
    Column("case", "case"),
    Column("method", "gradient by"),
    Column("median", "median", "seconds"),
    Column("low", "20 %", "seconds"),
    Column("high", "80 %", "seconds"),
    Column("peak", "peak memory", "bytes"),
    Column("faster", "times faster", ".3g"),
    Column("faster_once", "in single calls", ".3g"),
    Column("smaller", "times smaller", ".3g"),
    Column("difference", "relative difference", ".1e"),
]


def contraction(problem: sensing.SensingProblem, order: int) -> tuple[Callable[[Any], Any], int]:
    """Return the jitted gradient, and the bytes it holds at its peak.

    It is 2 [N^{⊗l}(w w) w − (A*(b))^{⊗l} w] for r = 1.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    A = problem.operator.matrices()
    N = jnp.asarray(np.einsum("ipq,ist->pqst", A, A))
    B = jnp.asarray(np.einsum("i,ipq->pq", problem.measurements, A))
    letters = iter(map(opt_einsum.get_symbol, range(8 * order)))
    out, p, q, s = (["".join(next(letters)) for _ in range(order)] for _ in range(4))
    cores = [o + t + a + c for o, t, a, c in zip(out, s, p, q, strict=True)]
    cubic = ",".join([*("".join(x) for x in (p, q, s)), *cores]) + "->" + "".join(out)
    linear = (
        ",".join(["".join(s), *(o + t for o, t in zip(out, s, strict=True))]) + "->" + "".join(out)
    )

    def gradient(w: Any) -> Any:
        return 2 * (jnp.einsum(cubic, w, w, w, *[N] * order) - jnp.einsum(linear, w, *[B] * order))

    compiled = jax.jit(gradient).lower(jnp.zeros((problem.n,) * order)).compile()
    memory = compiled.memory_analysis()

    def call(w: Any) -> Any:
        return compiled(jnp.asarray(w)).block_until_ready()

    return call, int(memory.temp_size_in_bytes + memory.output_size_in_bytes)


def alternate(calls: list[Callable[[], Any]], repeats: int, turn: float = 0.05) -> list[Seconds]:
    """Time the calls in turn; a turn lasts at least so many seconds, and is the mean of its calls.

    With single calls (turn = 0) each finds what the other left in the caches; a descent makes call
    after call.
    """
    for call in calls:
        call()
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, seconds in zip(calls, samples, strict=True):
            start, made = time.perf_counter(), 0
            while made == 0 or time.perf_counter() - start < turn:
                call()
                made += 1
            seconds.append((time.perf_counter() - start) / made)
    return [Seconds.of(seconds) for seconds in samples]


def rows_of(case: str, repeats: int, seed: int) -> list[dict[str, Any]]:
    build, order, feasible = CASES[case]
    problem = build(seed)
    lifted = LiftedProblem(problem, order)
    rng = np.random.default_rng(seed)
    w = sum(c * lifted.lift(rng.standard_normal(problem.shape)) for c in (1.0, -0.5))
    ours = {"case": case, "method": f"this toolkit, {lifted.cost.form} form"}
    ours["peak"] = traced_peak(lambda: lifted.gradient(w))
    if not feasible:
        needed = lifted.costs["normal"].peak_bytes
        (seconds,) = alternate([lambda: lifted.gradient(w)], repeats)
        ours |= {"median": seconds.median, "low": seconds.low, "high": seconds.high}
        return [ours, {"case": case, "method": "n⁴ cores: refused, needs", "peak": needed}]
    rival, peak = contraction(problem, order)
    calls = [lambda: lifted.gradient(w), lambda: rival(w)]
    mine, theirs = alternate(calls, repeats)
    mine_once, theirs_once = alternate(calls, 10 * repeats, turn=0.0)
    want = np.asarray(rival(w))
    ours |= {"median": mine.median, "low": mine.low, "high": mine.high}
    ours["faster_once"] = theirs_once.median / mine_once.median
    ours |= {"faster": theirs.median / mine.median, "smaller": peak / ours["peak"]}
    ours["difference"] = float(np.abs(lifted.gradient(w) - want).max() / np.abs(want).max())
    return [
        ours,
        {
            "case": case,
            "method": "n⁴ cores, jitted JAX",
            "median": theirs.median,
            "low": theirs.low,
            "high": theirs.high,
            "peak": peak,
        },
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        import jax  # noqa: F401 - looked for before any work
    except ImportError:
        print("this benchmark needs JAX: pip install 'lift-compare[jax]'", file=sys.stderr)
        return 2
    rows = [row for case in CASES for row in rows_of(case, arguments.repeats, arguments.seed)]
    print(
        text_table(
            COLUMNS, rows, title=f"One gradient, float64, {arguments.repeats} repeats in turn"
        )
    )
    print(f"\n{provenance(arguments.seed)['machine']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
