"""Write an instance to a file, read it back safely, and check every claim of the theory on it.

Run as a plain script: python examples/verify_my_instance.py. It draws to results/.
"""

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lift_compare import compare, sensing
from lift_compare.compare import figures


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
    print("written:", draw(found))


def draw(found) -> Path:
    """Draw the curvatures of the lifted objective at the lifted point: below 0 leads away."""
    curvatures = {
        "visible direction": found["curvature-along-visible"].measured,
        "best rank-one power": found["curvature-along-v-star"].measured,
        "best of all tensors": found["least-curvature"].measured,
    }
    figure = Figure((4.6, 2.6), layout="constrained")
    ax = figure.add_subplot()
    for place, value in enumerate(curvatures.values()):
        colour, hatch = ("#0072B2", "") if value < 0 else ("white", "//")
        ax.barh(place, value, color=colour, edgecolor="black", hatch=hatch)
        ax.annotate(
            f"{value:.3f}", (max(value, 0), place), (4, 0), va="center", textcoords="offset points"
        )
    ax.set_yticks(range(3), list(curvatures))
    ax.invert_yaxis()
    ax.axvline(0, color="black", linewidth=0.9)
    ax.margins(x=0.25)
    ax.set_xlabel("curvature at the lifted point, $l = 3$")
    ax.set_title("A saddle, but not along the visible", fontsize=11)
    said = "; ".join(f"{name} {value:.3f}" for name, value in curvatures.items())
    figures.describe(ax, f"Curvature of the lifted objective: {said}. Below 0 it is a way out.")
    return figures.save_svg(figure, Path("results") / "curvatures.svg")


if __name__ == "__main__":
    main()
