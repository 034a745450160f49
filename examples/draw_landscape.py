"""Draw the landscape of the two-by-two example.

Two descents stay at the spurious point, and the exact escape leaves it. Run as a plain script:
python examples/draw_landscape.py
"""

from pathlib import Path

import numpy as np

from lift_compare import sensing, simulated
from lift_compare.compare.figures import landscape, save_svg, text_alternative
from lift_compare.compare.rivals.stochastic import stochastic_descent

instance = sensing.instance("two-by-two")
problem, published = instance.problem, instance.descent
start, step_size = published.start(), published.step_size


def walk(point, iterations):
    """Return all points of gradient descent."""
    points = []
    sensing.gradient_descent(
        problem,
        point,
        step_size=step_size,
        max_iterations=iterations,
        callback=lambda _, X, *__: points.append(X),
    )
    return np.array(points)


escape = simulated.escape(problem, instance.point, method="exact")
print(escape)

figure, _ = landscape(
    problem,
    {
        "sgd": stochastic_descent(problem, start, step_size=step_size, iterations=500, seed=0),
        "gd": walk(start, 500),
        "escape": walk(escape.point, 200),
    },
    jump=(instance.point, escape.point),
    window=(-1.3, 1.3, -1.0, 1.0),
    title="Landscape, with the exact escape",
)
print(text_alternative(figure))
print("written:", save_svg(figure, Path("results") / "landscape.svg"))
