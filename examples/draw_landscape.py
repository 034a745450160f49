"""Draw the landscape of the two-by-two example: two descents stay at the spurious point, the exact escape leaves it.

Run as a plain script: python examples/draw_landscape.py
"""

from pathlib import Path

import numpy as np

from lift_compare import sensing, simulated
from lift_compare.compare.figures import landscape, save_svg, text_alternative
from lift_compare.compare.published import PUBLISHED
from lift_compare.compare.stochastic import stochastic_descent

instance = PUBLISHED["two-by-two"]
problem = instance.build()
start = instance.start()


def walk(point, iterations):
    """Return all points of gradient descent."""
    points = []
    sensing.gradient_descent(
        problem,
        point,
        step_size=instance.gd_step,
        max_iterations=iterations,
        callback=lambda _, X, *__: points.append(X),
    )
    return np.array(points)


escape = simulated.escape(problem, instance.stationary_point(), method="exact")
print(escape)

figure, _ = landscape(
    problem,
    {
        "sgd": stochastic_descent(
            problem, start, step_size=instance.gd_step, iterations=500, seed=0
        ),
        "gd": walk(start, 500),
        "escape": walk(escape.point, 200),
    },
    jump=(instance.stationary_point(), escape.point),
    window=(-1.3, 1.3, -1.0, 1.0),
    title="Landscape, with the exact escape",
)
print(text_alternative(figure))
print("written:", save_svg(figure, Path("results") / "landscape.svg"))
