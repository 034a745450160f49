"""Compare the explicit lifted descent with its simulations at one spurious point, and draw both.

Run as a plain script: python examples/compare_paths.py
"""

from pathlib import Path

from lift_compare import sensing
from lift_compare.compare import compare_directions
from lift_compare.compare.figures import coefficient_paths, lifted_objective, save_svg

instance = sensing.instance("perturbed-completion")
X, own = instance.stationary_point(), instance.settings

# At l = 5, its smallest saddle order, the truncated closed form and the lifted descent part at
# once.
comparison = compare_directions(
    instance.problem, X, order=5, rho=own.rho, step_size=own.step_size, steps=200
)
print(comparison.table())

out = Path("results")
for name, draw in {
    "paths-objective": lifted_objective,
    "paths-coefficients": coefficient_paths,
}.items():
    figure, _ = draw(comparison, name=instance.name)
    print("written:", save_svg(figure, out / f"{name}.svg"))
