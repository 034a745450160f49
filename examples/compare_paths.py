"""Compare the explicit lifted descent with its simulations at one spurious point, and draw both.

Run as a plain script: python examples/compare_paths.py
"""

from pathlib import Path

from lift_compare import sensing, simulated
from lift_compare.compare import compare_directions
from lift_compare.compare.figures.paths import coefficient_paths, lifted_objective
from lift_compare.compare.figures.style import save_svg
from lift_compare.compare.published import PUBLISHED

instance = PUBLISHED["perturbed-completion"]
problem = instance.build()
X = sensing.polish(problem, instance.stationary_point())

# At l = 5, its smallest saddle order, the truncated closed form and the lifted descent part at
# once.
comparison = compare_directions(problem, X, order=5, rho=instance.rho, eta=instance.eta, steps=200)
print(comparison.table())

span = simulated.SpanObjective(problem, comparison.directions.generators, comparison.order)
out = Path("results")
for name, (figure, _) in {
    "paths-objective": lifted_objective(comparison, span, name=instance.name),
    "paths-coefficients": coefficient_paths(comparison, name=instance.name),
}.items():
    print("written:", save_svg(figure, out / f"{name}.svg"))
