"""Write an instance to a file, read it back safely, and check every claim of the theory on it."""

import tempfile
from pathlib import Path

import numpy as np

from lift_compare import compare, sensing


def main() -> None:
    made = sensing.Instance("mine", sensing.gaussian(n=4, rank=1, m=5, seed=3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.npz"
        sensing.save_instance(path, made)
        instance = sensing.load_instance(path)

        np.savez(path, A=made.problem.operator.matrices(), Z=np.full((4, 1), np.nan))
        try:
            sensing.load_instance(path)
        except ValueError as error:
            print("A bad file is refused:", str(error).partition("mine.npz: ")[2])

    X = instance.stationary_point(seed=0)  # it has no point, so a spurious one is looked for
    found = compare.verify(instance.problem, X, order=3)
    print(found.summary())
    for name in (
        "X̂ is a local minimum",
        "EFS* > 1",
        "strict saddle along visible",
        "lifted saddle",
        "oracle alignment: span",
    ):
        claim = found[name]
        print(f"{name}: {claim.holds.value}; measured {claim.measured}. {claim.reason}")
    print(
        "Published claims that are false here:", ", ".join(claim.name for claim in found.false_here)
    )


if __name__ == "__main__":
    main()
