"""Draw docs/overview.svg: a spurious point and its escape, the cost of a step, the agreement.

    python benchmarks/overview_figure.py

Times are of this machine and this run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from readme_table import quietest

from lift_compare import sensing, simulated
from lift_compare.compare import compare_directions, figures

OUT = Path(__file__).parents[1] / "docs" / "overview.svg"
ORDERS = (3, 5, 7, 9, 11)


def main() -> None:
    figure = Figure(figsize=(13.2, 4.4), layout="constrained")
    plane, cost, agreement = figure.subplots(1, 3)
    draw_plane(plane)
    figures.step_cost(quietest(["perturbed-completion"], ORDERS), ax=cost)
    instance = sensing.instance("perturbed-completion")
    X, own = instance.stationary_point(), instance.settings
    comparison = compare_directions(
        instance.problem, X, order=5, rho=own.rho, eta=own.eta, steps=200
    )
    figures.lifted_objective(comparison, name="perturbed-completion", ax=agreement)
    plane.set_title("1. Descent is stuck; an escape leaves", loc="left")
    cost.set_title("2. What one step costs", loc="left")
    agreement.set_title("3. The way they take, at order 5", loc="left")
    print(figures.text_alternative(figure))
    print("written:", figures.save_svg(figure, OUT))


def draw_plane(ax) -> None:
    """Draw gradient descent that ends at the spurious point, and the exact escape from there."""
    instance = sensing.instance("two-by-two")
    problem, published = instance.problem, instance.descent
    escape = simulated.escape(problem, instance.point, method="exact")
    figures.landscape(
        problem,
        {
            "gd": walk(problem, published.start(), published.step_size, 500),
            "escape": walk(problem, escape.point, published.step_size, 200),
        },
        jump=(instance.point, escape.point),
        window=(-1.3, 1.3, -1.0, 1.0),
        ax=ax,
    )


def walk(problem, start, step_size, iterations):
    """Return all points of gradient descent."""
    points = [start]
    sensing.gradient_descent(
        problem,
        start,
        step_size=step_size,
        max_iterations=iterations,
        callback=lambda _, X, *__: points.append(X),
    )
    return np.array(points)


if __name__ == "__main__":
    main()
