"""Success rates of descent with and without escapes on perturbed completion, and published ones.

python benchmarks/success_rates.py [--method exact] [--scale 0.1] [--seed 0] [--starts 50]
"""

from __future__ import annotations

import argparse
import sys
import time

from lift_compare.compare import success_rates
from lift_compare.compare.provenance import provenance
from lift_compare.simulated.escapes.methods import METHODS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=list(METHODS), default="exact")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--starts", type=int, default=50)
    arguments = parser.parse_args()
    begin, busy = time.perf_counter(), time.process_time()
    rates = success_rates(
        starts=arguments.starts, scale=arguments.scale, seed=arguments.seed, method=arguments.method
    )
    wall, processor = time.perf_counter() - begin, time.process_time() - busy
    print(rates.table())
    machine = provenance(arguments.seed)["machine"]
    print(
        f"\n{wall:.1f} s ({processor:.1f} s of processor time) on {machine['processor']}, "
        f"{machine['threads']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
