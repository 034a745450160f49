"""Sweep over a problem of your own: orders and start weights of the simulated lifted path.

Run as a plain script: python examples/ablate_your_own.py. It draws to results/.
"""

from pathlib import Path

import numpy as np

from lift_compare import sensing
from lift_compare.compare import ablate, figures

# A problem of your own: symmetric matrices, and the measurements of a truth.
rng = np.random.default_rng(1)
matrices = rng.standard_normal((6, 5, 5))
operator = sensing.DenseOperator((matrices + matrices.transpose(0, 2, 1)) / 2)
problem = sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((5, 1)))
X = sensing.spurious_point(problem, seed=0)  # a local minimum that is not the truth

# 1. The evaluation that ships: the simulated path to T, and what it collapses to.
found = ablate(problem, X, order=[3, 5, 7], rho=np.logspace(-2, 0, 4), steps=200)
print(found.table())

out = Path("results")
for name, how in {"ablation": {}, "ablation-map": {"kind": "map"}}.items():
    figure, _ = found.figure(x="order", y="h_collapsed", by="rho", **how)
    print("written:", figures.save_svg(figure, out / f"{name}.svg"))
(out / "ablation.tex").write_text(found.latex(), encoding="utf-8")
print("written:", out / "ablation.tex")


# 2. A function of your own: its keywords are the settings.
def objective_along(problem, X, *, length: float):
    """Return h at a distance from X̂ along a fixed direction."""
    direction = np.ones_like(X) / np.sqrt(X.size)
    return {"h": problem.objective(X + length * direction)}


along = ablate(problem, X, evaluation=objective_along, length=np.linspace(-1, 1, 9))
print(f"\n{along.table()}")
